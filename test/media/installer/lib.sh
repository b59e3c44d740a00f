# What every part of the synthetic installer uses: words to the consoles and the log, questions that nobody
# answers, the network, and fetching. Read by `init`; `media.conf` has said by then what it stands in for.

log_file=/tmp/anaconda.log
sysimage=/mnt/sysimage
consoles=
started=

# Finds the consoles that take a line, and starts the copy to the channel that oz listens on. The copy is a process
# of its own, because a write there waits for ever while nobody listens.
open_logs() {
	: >"$log_file"
	for console in /dev/tty0 /dev/ttyS0; do
		# shellcheck disable=SC3045
		if echo >"$console"; then consoles="$consoles $console"; fi
	done 2>/dev/null
	for name in /sys/class/virtio-ports/*/name; do
		[ -e "$name" ] || continue
		[ "$(cat "$name")" = org.fedoraproject.anaconda.log.0 ] || continue
		port=${name%/name}
		tail -n +1 -f "$log_file" >"/dev/${port##*/}" 2>/dev/null &
	done
}

# A line for people: to every console and to the log.
say() {
	echo "$(date +%T),000 INFO anaconda: $*" >>"$log_file"
	for console in $consoles; do echo "$*" >"$console"; done 2>/dev/null
}

# A file of lines for people.
say_file() { while IFS= read -r line; do say "  $line"; done <"$1"; }

# anaconda would open a dialogue here and wait for a key, for ever. So does this.
ask() {
	say "================ $1 ================"
	shift
	printf '%s\n' "$@" >/tmp/question
	say_file /tmp/question
	say "(the installer waits for an answer)"
	while :; do sleep 3600; done
}

# What ends an installation is a dialogue too: its one button is "OK", and nobody presses it.
refuse() { ask "$@"; }

# A step begins: a line for people, the place where a slow machine is slow and a broken one breaks.
step() {
	say "$2"
	if [ "$FAULT" = "panic-at-$1" ]; then
		say "SYNTHETIC fault: the kernel panics now"
		sleep 1
		echo 1 >/proc/sys/kernel/sysrq
		echo c >/proc/sysrq-trigger
	fi
	if [ "$FAULT" = "stall-at-$1" ]; then ask "SYNTHETIC fault" "a question that nobody answers"; fi
	[ "$1" = packages ] && be_slow
	return 0
}

# Takes SLOW_MS, with a line and a write to the disk each second.
be_slow() {
	[ "$SLOW_MS" -gt 0 ] || return 0
	rounds=$(((SLOW_MS + 999) / 1000))
	for round in $(seq "$rounds"); do
		say "SYNTHETIC slowness: second $round of $rounds"
		echo "$round" >"$sysimage/root/.slow"
		sync
		sleep 1
	done
	rm -f "$sysimage/root/.slow"
}

# Value of a word of the boot line, the last one counting: boot_word ks inst.ks
boot_word() {
	found=
	for word in $(cat /proc/cmdline); do
		for name in "$@"; do
			case $word in "$name"=*) found=${word#*=} ;; esac
		done
	done
	echo "$found"
}

network_is_up=
bring_network_up() {
	[ -z "$network_is_up" ] || return 0
	ip link set lo up
	for card in /sys/class/net/*; do
		card=${card##*/}
		[ "$card" = lo ] && continue
		ip link set "$card" up
		say "Sending request for IP information for $card..."
		if udhcpc -i "$card" -n -q -t 10 -T 1 -s /installer/udhcpc.sh >>"$log_file" 2>&1; then
			network_is_up=$card
			say "$card has $(ip -4 -o addr show dev "$card" | awk '{ print $4 }')"
			return 0
		fi
	done
	ask "Network Error" "There was an error configuring your network interface."
}

# fetch PATH FILE: from the installation source, which is a directory (of the CD) or an http address. A dropped
# transfer is tried again, as anaconda's own does.
fetch() {
	case $source in
	/*) ln -sf "$source/$1" "$2" && [ -e "$2" ] ;;
	*) fetch_url "$source/$1" "$2" ;;
	esac
}

fetch_url() {
	for try in 1 2 3 4 5; do
		rm -f "$2"
		# Not by wget's own -T: with it Debian's static busybox crashes.
		timeout 300 wget -q -O "$2" "$1" 2>>"$log_file" && return 0
		say "transfer failed, try $try of 5: $1"
		sleep "$try"
	done
	return 1
}
