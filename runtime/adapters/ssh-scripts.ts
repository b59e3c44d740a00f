/**
 * The programs that run in a guest without an agent, for any POSIX shell with setsid, ps and awk: the watch
 * (the long session that a poll goes through) and the frame of one operation (time limit, session of its own,
 * how it ended). What is done by class is `ssh-class-scripts.ts`. They are constants; values come as arguments.
 */

/** Marks our lines among what a login shell, a service or a hostile guest says. */
export const mark = '@pcloud';

/** `start` becomes the process's start time; fails for one that is gone or a zombie (proc(5), fields 3 and 22). */
export const aliveFunction = `
alive() {
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  stat=\${stat##*) }
  set -- $stat
  case $1 in Z | X | x) return 1 ;; esac
  shift 19
  start=$1
}`;

/**
 * The watch. Says who the guest is, then answers each `P SEQUENCE PID:START...` with the time since boot and the
 * pids that are gone. It uses the shell's builtins alone: a poll starts no process in the guest. It ends with
 * its input, so nothing of ours outlives the service.
 */
export const watchScript = `
${aliveFunction}
read -r boot </proc/sys/kernel/random/boot_id
read -r uptime idle </proc/uptime
if [ -d /run/systemd/system ]; then init=systemd; else init=sysv; fi
echo "${mark} hello $boot $init $uptime"
while read -r verb sequence pairs; do
  [ "$verb" = P ] || continue
  gone=
  for pair in $pairs; do
    alive "\${pair%%:*}" && [ "$start" = "\${pair##*:}" ] || gone="$gone \${pair%%:*}"
  done
  read -r uptime idle </proc/uptime
  echo "${mark} poll $sequence $uptime$gone"
done
`;

/**
 * Runs the body with the arguments that follow, in a session of its own, and says how it ended:
 * `@pcloud NONCE end CODE TIMED-OUT`, and first on the other stream `@pcloud NONCE end`, so that nothing said before is
 * missed. A body that is not done in time gets TERM and, two seconds later, KILL,
 * with all of its process group. Arguments: NONCE LIMIT-SECONDS BODY [ARGUMENT...].
 */
export const frameScript = `
PATH="\${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"
LC_ALL=C
SYSTEMD_COLORS=0
SYSTEMD_PAGER=
export PATH LC_ALL SYSTEMD_COLORS SYSTEMD_PAGER
unset SSH_CLIENT SSH_CONNECTION XDG_SESSION_ID
nonce=$1 limit=$2 body=$3
shift 3
timed=0
trap timed=1 USR1
setsid sh -c "$body" "$nonce" "$@" </dev/null &
group=$!
(
  trap 'kill "$nap" 2>/dev/null; exit' TERM
  sleep "$limit" &
  nap=$!
  wait "$nap"
  kill -USR1 $$
  kill -s TERM -- "-$group"
  sleep 2 &
  nap=$!
  wait "$nap"
  kill -s KILL -- "-$group"
) </dev/null >/dev/null 2>&1 &
watchdog=$!
wait "$group"
code=$?
if [ "$timed" = 1 ]; then
  wait "$group"
  code=$?
fi
kill "$watchdog" 2>/dev/null
printf '\\n${mark} %s end\\n' "$nonce" >&2
printf '\\n${mark} %s end %s %s\\n' "$nonce" "$code" "$timed"
`;

/** A program as it is, for `run`. Arguments: as many NAME=VALUE as the first says, then the program's. */
export const runBody = `
cd /
count=$1
shift
while [ "$count" -gt 0 ]; do
  export "$1"
  shift
  count=$((count - 1))
done
exec "$@"
`;

/** The guest's way down. */
export const powerOffBody = `
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  exec systemctl poweroff
fi
exec shutdown -h now
`;

/** Proves life first, then has the agent started anew by whichever init there is. */
export const restartAgentBody = `
printf '\\n${mark} %s alive\\n' "$0"
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null 2>&1; then
  exec systemctl restart pcloud-agent
fi
exec service pcloud-agent restart
`;
