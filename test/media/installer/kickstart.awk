# Reads a kickstart as the release's own parser would and lays it out for the installer's scripts. It judges
# words and sections, and never carries anything out.
#
# usage: awk -v OUT=DIRECTORY -v COMMANDS=TABLE -f kickstart.awk KICKSTART
#   OUT/commands         a line a command: line number, command, then its words; parted by tabs
#   OUT/packages         a line a package, @group or -package
#   OUT/packages.options the words after %packages
#   OUT/script.N, OUT/script.N.conf, OUT/scripts   the %pre and %post sections, in their order
#   OUT/error            what is wrong, in pykickstart's words; then the exit code is 1
# TABLE: a line a command: its name, then the options that it knows ("=" after those with a value; "*" for any).

function fail(message) {
	printf "The following problem occurred on line %d of the kickstart file:\n\n%s\n", line_of(), message >(OUT "/error")
	failed = 1
	exit 1
}

function line_of() { return section == "" ? NR : section_line }

# Splits as a shell would, without expanding anything. Fills `words`; returns their count, or -1 on an open quote.
function split_words(text,    i, c, quote, word, started, count) {
	count = 0; quote = ""; word = ""; started = 0
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (quote != "") {
			if (c == quote) quote = ""
			else if (c == "\\" && quote == "\"" && i < length(text)) { i++; word = word substr(text, i, 1) }
			else word = word c
		} else if (c == "\"" || c == "'") { quote = c; started = 1 }
		else if (c == "\\" && i < length(text)) { i++; word = word substr(text, i, 1); started = 1 }
		else if (c == "#" && !started) break
		else if (c == " " || c == "\t") { if (started) words[++count] = word; word = ""; started = 0 }
		else { word = word c; started = 1 }
	}
	if (quote != "") return -1
	if (started) words[++count] = word
	return count
}

# Looks at one option. Returns 1 when the next word is its value.
function check_option(known, word,    name, at) {
	at = index(word, "=")
	name = at > 0 ? substr(word, 1, at - 1) : word
	if ((known, "*") in options) return 0
	if ((known, name "=") in options) return at == 0
	if ((known, name) in options) {
		if (at > 0) fail(name " option does not take a value")
		return 0
	}
	fail("no such option: " name)
}

function command_line(    count, i, value, line) {
	count = split_words($0)
	if (count < 0) fail("No closing quotation")
	if (count == 0) return
	if (!(words[1] in commands)) fail("Unknown command: " words[1])
	line = NR "\t" words[1]
	value = 0
	for (i = 2; i <= count; i++) {
		if (words[i] ~ /[\t\r]/) fail("Control character in " words[1])
		if (value) { value = 0; line = line "=" words[i]; continue }
		if (words[i] ~ /^--./) value = check_option(words[1], words[i])
		line = line "\t" words[i]
	}
	if (value) fail(words[count] " option requires an argument")
	print line >(OUT "/commands")
}

function check_section(name, count,    i, value) {
	value = 0
	for (i = 2; i <= count; i++) {
		if (value) { words[i - 1] = words[i - 1] "=" words[i]; words[i] = ""; value = 0; continue }
		if (words[i] !~ /^--./) fail("Unknown argument of " name ": " words[i])
		value = check_option(name, words[i])
	}
}

function open_section(    count, i, at) {
	count = split_words($0)
	if (!((words[1]) in commands)) fail("Unknown section: " words[1])
	section_line = NR
	check_section(words[1], count)
	section = words[1]
	if (section == "%packages") {
		for (i = 2; i <= count; i++) if (words[i] != "") print words[i] >(OUT "/packages.options")
		return
	}
	scripts++
	body = OUT "/script." scripts
	printf "" >body
	conf = body ".conf"
	printf "kind='%s'\nline='%d'\n", substr(section, 2), NR >conf
	for (i = 2; i <= count; i++) {
		if (words[i] == "" || words[i] ~ /'/) continue
		at = index(words[i], "=")
		if (at > 0) printf "%s='%s'\n", substr(words[i], 3, at - 3), substr(words[i], at + 1) >conf
		else printf "%s='1'\n", substr(words[i], 3) >conf
	}
	close(conf)
	print body >(OUT "/scripts")
}

BEGIN {
	while ((getline row <COMMANDS) > 0) {
		n = split(row, parts, " ")
		if (n == 0) continue
		commands[parts[1]] = 1
		for (i = 2; i <= n; i++) options[parts[1], parts[i]] = 1
	}
	close(COMMANDS)
	printf "" >(OUT "/commands"); printf "" >(OUT "/packages"); printf "" >(OUT "/packages.options"); printf "" >(OUT "/scripts")
}

section != "" && /^%end[ \t]*$/ { if (section != "%packages") close(body); section = ""; next }
section == "%packages" {
	if ($0 ~ /^%/) fail("Section %packages does not end with %end.")
	sub(/#.*/, ""); gsub(/^[ \t]+|[ \t]+$/, "")
	if ($0 != "") print >(OUT "/packages")
	next
}
section != "" { print >body; next }
/^[ \t]*(#|$)/ { next }
/^%include/ { fail("The synthetic installer does not carry out %include.") }
/^%end/ { fail("%end without a section") }
/^%/ { open_section(); next }
{ command_line() }

END {
	if (failed) exit 1
	if (section != "") fail("Section " section " does not end with %end.")
}
