# Waits, at most a minute, until the guest has its address. The argument is the name server of the build's own
# network: where the guest's network software has not written one down ten seconds later, we do.
tries=0
until grep -q '^[^[:space:]]*[[:space:]]00000000[[:space:]]' /proc/net/route; do
	tries=$((tries + 1))
	[ "$tries" -le 300 ] || { echo 'the guest got no address' >&2; exit 1; }
	sleep 0.2
done
tries=0
until grep -q '^nameserver' /etc/resolv.conf 2>/dev/null; do
	tries=$((tries + 1))
	[ "$tries" -le 50 ] || { echo "nameserver $1" >>/etc/resolv.conf; exit 0; }
	sleep 0.2
done
