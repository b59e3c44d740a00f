# Resolves %packages against the index of the installation source and unpacks what comes out of it. The index is the
# synthetic tree's own (repodata/packages.txt: name|version|release|arch|file|sha256|bytes|requires|provides|
# license|summary), for a real repodata would need real yum.

rpm_database=var/lib/rpm/synthetic-packages

has_package_option() { grep -qx -e "$1" $ks/packages.options; }

missing_package() {
	has_package_option --ignoremissing && { say "no such $1: $2 (ignored, as --ignoremissing says)"; return 0; }
	ask "Missing $3" "You have specified that the $1 '$2' should be installed.  This $1 does not exist. Would you like to continue or abort your installation?"
}

package_exists() { awk -F '|' -v name="$1" '$1 == name { found = 1 } END { exit !found }' /tmp/packages.txt; }
group_members() { awk -F '|' -v id="$1" '$1 == id || $2 == id { print $3 }' /tmp/groups.txt | tr ',' '\n'; }

# Writes /tmp/selected: names, without what "-" takes out again.
select_packages() {
	: >/tmp/selected.all
	: >/tmp/excluded
	: >/tmp/wanted
	grep -qx -e '-@[cC]ore' -e '--nocore' $ks/packages $ks/packages.options || echo @core >/tmp/wanted
	# Without --nobase anaconda of that time adds the group base; today's adds nothing.
	[ "$MODERN" = 1 ] || has_package_option --nobase || echo @base >>/tmp/wanted
	cat $ks/packages >>/tmp/wanted
	while read -r word rest; do
		case $word in
		-@*) group_members "${word#-@}" >>/tmp/excluded ;;
		-*) echo "${word#-}" >>/tmp/excluded ;;
		@*)
			group=${word#@}${rest:+ $rest}
			group=${group#^}
			members=$(group_members "$group")
			if [ -n "$members" ]; then echo "$members" >>/tmp/selected.all; else missing_package group "$group" Group; fi ;;
		*)
			name=${word%.x86_64}
			if package_exists "$name"; then echo "$name" >>/tmp/selected.all; else missing_package package "$name" Package; fi ;;
		esac
	done </tmp/wanted
	sort -u /tmp/selected.all |
		awk 'BEGIN { while ((getline name <"/tmp/excluded") > 0) out[name] = 1 } !($1 in out)' >/tmp/selected
}

# Adds what the selected require, and theirs: /tmp/transaction holds lines of the index, the base first.
resolve() {
	awk -F '|' -v UNRESOLVED=/tmp/unresolved -f /installer/resolve.awk /tmp/packages.txt "$1" >/tmp/transaction ||
		refuse "Unresolved dependencies" "Some of the packages you have selected for installation are missing dependencies: $(cat /tmp/unresolved)"
}

unpack() {
	fetch "Packages/$5" /tmp/package.rpm ||
		refuse "Error" "The file $5 cannot be opened. This is due to a missing file, a corrupt package or corrupt media. Please verify your installation source."
	[ "$(sha256sum </tmp/package.rpm | cut -d' ' -f1)" = "$6" ] ||
		refuse "Error" "The file $5 cannot be opened. This is due to a missing file, a corrupt package or corrupt media. Please verify your installation source."
	(set -o pipefail; cd $sysimage && rpm2cpio /tmp/package.rpm | cpio -idmu 2>>/tmp/cpio.log) || {
		cat /tmp/cpio.log >>"$log_file"
		df $sysimage | tail -n 1 >>"$log_file"
		refuse "Error running transaction" "There was an error running your transaction, for the following reason(s): insufficient disk space or a broken package: $1: $(tail -n 1 /tmp/cpio.log)"
	}
	rm -f /tmp/package.rpm
}

install_packages() {
	select_packages
	resolve /tmp/selected
	total=$(wc -l </tmp/transaction)
	say "Starting installation process: $total packages"
	mkdir -p $sysimage/${rpm_database%/*}
	number=0
	while IFS='|' read -r name version release arch file sha256 bytes rest; do
		number=$((number + 1))
		[ "$bytes" -gt 100000 ] && say "Installing $name-$version-$release.$arch ($number of $total)"
		echo "installing $name-$version-$release.$arch" >>"$log_file"
		unpack "$name" "$version" "$release" "$arch" "$file" "$sha256"
	done </tmp/transaction
	cat /tmp/transaction >$sysimage/$rpm_database
	sync
}
