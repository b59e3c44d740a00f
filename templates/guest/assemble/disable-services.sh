# Services given as arguments are not started at boot: the supervisor starts them, and nobody else.
for service; do
	if [ -d /run/systemd/system ]; then
		SYSTEMD_OFFLINE=1 systemctl --no-reload disable "$service.service"
	else
		chkconfig "$service" off
	fi || echo "$service has nothing to disable" >&2
done
exit 0
