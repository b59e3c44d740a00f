# Which packages an installation needs: the names asked for, what they require, and what that requires. The
# installer and the synthetic yum use it.
#
# usage: awk -F '|' -v UNRESOLVED=FILE -f resolve.awk INDEX NAMES
#   prints lines of INDEX (packages.txt), synthetic-base first; with exit code 1 UNRESOLVED names what nothing provides
FNR == NR {
	line[$1] = $0
	n = split($9, gives, ",")
	for (i = 1; i <= n; i++) by[gives[i]] = $1
	by[$1] = $1
	next
}
{ queue[++tail] = $1 }
END {
	for (head = 1; head <= tail; head++) {
		name = by[queue[head]]
		if (name == "") { print queue[head] >UNRESOLVED; exit 1 }
		if (name in seen) continue
		seen[name] = 1
		order[++count] = name
		split(line[name], field, "|")
		n = split(field[8], needs, ",")
		for (i = 1; i <= n; i++) if (needs[i] != "") queue[++tail] = needs[i]
	}
	for (i = 1; i <= count; i++) if (order[i] == "synthetic-base") print line[order[i]]
	for (i = 1; i <= count; i++) if (order[i] != "synthetic-base") print line[order[i]]
}
