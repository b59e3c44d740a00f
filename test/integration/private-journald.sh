#!/bin/sh
# usage: private-journald.sh PROGRAM [ARGUMENT]...   in a mount namespace of its own (unshare --mount)
# Runs a systemd-journald that nobody else sees, the program with its stderr connected to it as a unit's is, and
# prints what the journal then holds as JSON lines.
set -eu
if [ "$1" = --as-unit ]; then
  shift
  # systemd tells a unit which stream its stderr is; systemd-cat does not.
  JOURNAL_STREAM=$(stat --dereference --format=%d:%i /proc/self/fd/2)
  export JOURNAL_STREAM
  exec "$@"
fi
mount -t tmpfs pcloud-test /run
mount -t tmpfs pcloud-test /var/log
mkdir -p /run/systemd/journal /run/log/journal
# Not the kernel's messages of the host.
mount --bind /dev/null /dev/kmsg
/lib/systemd/systemd-journald 2>/dev/null &
journald=$!
tries=0
until [ -S /run/systemd/journal/socket ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo 'systemd-journald does not start' >&2; kill "$journald"; exit 3; }
  sleep 0.1
done
status=0
systemd-cat --stderr-priority=info --identifier=pcloud-test sh "$0" --as-unit "$@" >/dev/null || status=$?
journalctl --sync 2>/dev/null || true
journalctl --no-pager --quiet --output=json
# Queries, one a line; what each finds comes after a line that names it.
printf '%s\n' "${JOURNAL_QUERIES-}" | while read -r query; do
  [ -n "$query" ] || continue
  echo "query $query"
  # Words and no quotes.
  # shellcheck disable=SC2086
  journalctl --no-pager --quiet $query
done
kill "$journald"
wait "$journald" || true
exit "$status"
