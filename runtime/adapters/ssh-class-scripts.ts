/**
 * What an operation does in a guest without an agent, by class of the resource; the meanings and the codes are
 * those of `docs/guest-protocol.md` ("What the operations mean"). Constants for `frameScript` to run; values come as
 * arguments: RUN-DIRECTORY OPERATION NAME SERVICE COUNT [ENVIRONMENT-FILE-LINE...] [KEY=VALUE...], the count
 * being that of either. It says of the main process `@pcloud NONCE main PID START`, or `main 0 dead|unknown`.
 */
import type { ResourceClass } from '../../model/guest-protocol.ts';
import { aliveFunction, mark } from './ssh-scripts.ts';

/** What is asked to end by TERM has 2 s, as from the agent; a rest is a fifth of a second where sleep knows that. */
const patienceRests = 10;

const common = `
nonce=$0 run=$1 operation=$2 name=$3 service=$4 count=$5
shift 5
said() { printf '\\n${mark} %s main %s %s\\n' "$nonce" "$1" "$2"; }
rest() { sleep 0.2 2>/dev/null || sleep 1; }
${aliveFunction}
follow() {
  case $1 in '' | 0 | *[!0-9]*) return 1 ;; esac
  alive "$1" || return 1
  said "$1" "$start"
}
exported() {
  prefix=$1
  shift
  shift "$count"
  for pair in "$@"; do export "$prefix$pair"; done
}
tree_of() {
  ps -e -o pid= -o ppid= -o sid= -o stat= | awk -v root="$1" '
    { parent[$1] = $2; session[$1] = $3; state[$1] = $4 }
    END {
      for (pid in parent) {
        at = pid
        for (n = 0; n < 100 && at != root && at > 1; n++) at = parent[at]
        if (state[pid] !~ /^Z/ && (at == root || session[pid] == root)) print pid
      }
    }'
}
# Of what was asked to end, what has not: its children belong to init when the daemon has heeded.
left_of() {
  for pid in "$@"; do alive "$pid" && echo "$pid"; done
}
kill_tree() {
  case $1 in '' | 0 | 1 | *[!0-9]*) return 0 ;; esac
  asked=$(tree_of "$1")
  [ -n "$asked" ] || return 0
  kill -TERM $asked 2>/dev/null
  patience=${patienceRests}
  while [ "$patience" -gt 0 ] && [ -n "$(left_of $asked)" ]; do
    patience=$((patience - 1))
    rest
  done
  again=5
  while [ "$again" -gt 0 ]; do
    again=$((again - 1))
    doomed="$(left_of $asked) $(tree_of "$1")"
    case $doomed in *[0-9]*) ;; *) return 0 ;; esac
    kill -KILL $doomed 2>/dev/null
    rest
  done
  [ -z "$(left_of $asked)" ]
}
`;

const systemd = `
case $service in *.service | *.socket | *.target | *.mount | *.timer | *.path) unit=$service ;; *) unit=$service.service ;; esac
dropin=$run/systemd/system/$unit.d/90-pcloud.conf
values=$run/pcloud-ssh/$name.env
show() {
  load= active= main=0
  shown=$(systemctl show -p LoadState -p ActiveState -p MainPID "$unit") || return 1
  while IFS='=' read -r key value; do
    case $key in LoadState) load=$value ;; ActiveState) active=$value ;; MainPID) main=$value ;; esac
  done <<END
$shown
END
  [ -n "$active" ]
}
told() {
  while :; do
    show || { said 0 unknown; return 1; }
    case $active in
      active | reloading)
        [ "$main" = 0 ] && { said 0 unknown; return 0; }
        follow "$main" && return 0
        said 0 dead
        return 7 ;;
      activating)
        [ "$operation" = watch ] && { said 0 unknown; return 0; }
        rest ;;
      *)
        said 0 dead
        [ "$load" = not-found ] && { echo "systemd has no such unit" >&2; return 5; }
        return 7 ;;
    esac
  done
}
claim() {
  changed=
  wanted=$(printf '%s\\n' '# Written by pcloud-cped: the supervisor on the host restarts this service.' '[Unit]' StartLimitIntervalSec=0 '[Service]' Restart=no StartLimitInterval=0 "EnvironmentFile=-$values")
  if [ "$count" -gt 0 ]; then
    n=$count lines=
    for line in "$@"; do
      [ "$n" -gt 0 ] || break
      n=$((n - 1))
      lines="$lines$line
"
    done
    mkdir -p "$run/pcloud-ssh" && (umask 077 && printf '%s' "$lines" >"$values.new") && mv "$values.new" "$values"
  else
    rm -f "$values"
  fi
  [ "$(cat "$dropin" 2>/dev/null)" = "$wanted" ] && return
  mkdir -p "\${dropin%/*}" && printf '%s\\n' "$wanted" >"$dropin" && systemctl daemon-reload
}
case $operation in
  watch)
    claim "$@"
    told ;;
  unwatch)
    [ -f "$dropin" ] || exit 0
    rm -f "$dropin" "$values"
    rmdir "\${dropin%/*}" 2>/dev/null
    systemctl daemon-reload ;;
  monitor) told ;;
  start)
    systemctl start "$unit"
    case $? in 0) ;; 5) exit 5 ;; *) exit 1 ;; esac
    told && exit 0
    echo "systemd reported a successful start, but the main process is gone" >&2
    exit 1 ;;
  stop)
    systemctl stop "$unit"
    show || exit 1
    case $active in inactive | failed) said 0 dead; exit 0 ;; esac
    exit 1 ;;
  kill)
    systemctl kill -s TERM "$unit" || :
    patience=${patienceRests}
    while show; do
      case $active in inactive | failed) break ;; esac
      if [ "$patience" = 0 ]; then systemctl kill -s KILL "$unit"; fi
      patience=$((patience - 1))
      rest
    done
    systemctl reset-failed "$unit" 2>/dev/null
    said 0 dead
    exit 0 ;;
esac
`;

const lsb = `
exported '' "$@"
script=/etc/init.d/$service
act() {
  # service(8) takes the environment away, so a script with parameters is run itself.
  if command -v service >/dev/null 2>&1 && { [ "$count" = 0 ] || [ ! -x "$script" ]; }; then
    service "$service" "$1"
  elif [ -x "$script" ]; then
    "$script" "$1"
  else
    echo "there is no script $script" >&2
    return 5
  fi
}
find_main() {
  header=$(sed -n 's/^# *pidfile: *//p' "$script" 2>/dev/null | head -n 1)
  for file in "$header" "$run/$service.pid" "$run/$service/$service.pid" "/var/run/$service.pid" "/var/run/$service/$service.pid"; do
    [ -r "$file" ] || continue
    read -r found others <"$file"
    case $found in '' | *[!0-9]*) continue ;; esac
    alive "$found" && return 0
  done
  found=$(printf '%s\\n' "$1" | sed -n 's/.*pids\\{0,1\\}[ :=]*\\([0-9][0-9]*\\).*/\\1/p' | head -n 1)
  [ -n "$found" ] && alive "$found"
}
told() {
  text=$(act status 2>&1)
  code=$?
  [ "$code" = 0 ] || printf '%s\\n' "$text"
  case $code in
    0) if find_main "$text"; then said "$found" "$start"; else said 0 unknown; fi; return 0 ;;
    1 | 2 | 3) said 0 dead; return 7 ;;
    *) said 0 unknown; [ "$code" = 5 ] && return 5; return 1 ;;
  esac
}
case $operation in
  watch | monitor) told ;;
  unwatch) ;;
  start)
    act start
    code=$?
    [ "$code" -gt 6 ] && exit 1
    [ "$code" = 0 ] || exit "$code"
    told && exit 0
    echo "the script reported a successful start, but the main process is gone" >&2
    exit 1 ;;
  stop)
    find_main '' || found=
    act stop
    code=$?
    while [ -n "$found" ] && alive "$found"; do rest; done
    [ "$code" = 0 ] && { said 0 dead; exit 0; }
    told
    [ $? = 7 ] && exit 0
    exit 1 ;;
  kill)
    find_main "$(act status 2>&1)" && kill_tree "$found"
    said 0 dead
    exit 0 ;;
esac
`;

const ocf = `
exported OCF_RESKEY_ "$@"
OCF_ROOT=\${OCF_ROOT:-/usr/lib/ocf}
OCF_RA_VERSION_MAJOR=1
OCF_RA_VERSION_MINOR=1
OCF_RESOURCE_INSTANCE=$name
OCF_RESOURCE_PROVIDER=\${service%%:*}
OCF_RESOURCE_TYPE=\${service##*:}
export OCF_ROOT OCF_RA_VERSION_MAJOR OCF_RA_VERSION_MINOR OCF_RESOURCE_INSTANCE OCF_RESOURCE_PROVIDER OCF_RESOURCE_TYPE
script=$OCF_ROOT/resource.d/$OCF_RESOURCE_PROVIDER/$OCF_RESOURCE_TYPE
main_process() {
  found=
  [ -r "\${OCF_RESKEY_pidfile:-}" ] && read -r found others <"$OCF_RESKEY_pidfile"
}
told() {
  main_process
  follow "$found" || said 0 unknown
}
[ -x "$script" ] || { echo "there is no script $script" >&2; said 0 unknown; exit 5; }
case $operation in
  watch) told ;;
  unwatch) ;;
  kill)
    main_process
    kill_tree "$found"
    "$script" stop
    code=$?
    said 0 unknown
    exit "$code" ;;
  *)
    "$script" "$operation"
    code=$?
    case $operation$code in stop0 | monitor7) said 0 dead ;; *) told ;; esac
    exit "$code" ;;
esac
`;

/** The body that runs an operation on a resource of this class. */
export const classBodies: Readonly<Record<ResourceClass, string>> = {
  systemd: common + systemd,
  lsb: common + lsb,
  ocf: common + ocf,
};
