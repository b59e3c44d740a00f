/**
 * The words behind libvirt's numbers: errors, states and reasons, events. The number is the place in the
 * list, as in libvirt's headers; test/native/ compares the error names with the installed header. A number
 * that a newer libvirt adds shows as `unknown-N`.
 */

/** virErrorNumber without its prefix `VIR_ERR_`. */
const errorCodes = [
  'OK', 'INTERNAL_ERROR', 'NO_MEMORY', 'NO_SUPPORT', 'UNKNOWN_HOST', 'NO_CONNECT', 'INVALID_CONN',
  'INVALID_DOMAIN', 'INVALID_ARG', 'OPERATION_FAILED', 'GET_FAILED', 'POST_FAILED', 'HTTP_ERROR',
  'SEXPR_SERIAL', 'NO_XEN', 'XEN_CALL', 'OS_TYPE', 'NO_KERNEL', 'NO_ROOT', 'NO_SOURCE', 'NO_TARGET',
  'NO_NAME', 'NO_OS', 'NO_DEVICE', 'NO_XENSTORE', 'DRIVER_FULL', 'CALL_FAILED', 'XML_ERROR', 'DOM_EXIST',
  'OPERATION_DENIED', 'OPEN_FAILED', 'READ_FAILED', 'PARSE_FAILED', 'CONF_SYNTAX', 'WRITE_FAILED',
  'XML_DETAIL', 'INVALID_NETWORK', 'NETWORK_EXIST', 'SYSTEM_ERROR', 'RPC', 'GNUTLS_ERROR', null,
  'NO_DOMAIN', 'NO_NETWORK', 'INVALID_MAC', 'AUTH_FAILED', 'INVALID_STORAGE_POOL', 'INVALID_STORAGE_VOL',
  null, 'NO_STORAGE_POOL', 'NO_STORAGE_VOL', null, 'INVALID_NODE_DEVICE', 'NO_NODE_DEVICE',
  'NO_SECURITY_MODEL', 'OPERATION_INVALID', null, 'NO_INTERFACE', 'INVALID_INTERFACE',
  'MULTIPLE_INTERFACES', null, 'INVALID_NWFILTER', 'NO_NWFILTER', 'BUILD_FIREWALL', null, 'INVALID_SECRET',
  'NO_SECRET', 'CONFIG_UNSUPPORTED', 'OPERATION_TIMEOUT', 'MIGRATE_PERSIST_FAILED', 'HOOK_SCRIPT_FAILED',
  'INVALID_DOMAIN_SNAPSHOT', 'NO_DOMAIN_SNAPSHOT', 'INVALID_STREAM', 'ARGUMENT_UNSUPPORTED',
  'STORAGE_PROBE_FAILED', 'STORAGE_POOL_BUILT', 'SNAPSHOT_REVERT_RISKY', 'OPERATION_ABORTED',
  'AUTH_CANCELLED', 'NO_DOMAIN_METADATA', 'MIGRATE_UNSAFE', 'OVERFLOW', 'BLOCK_COPY_ACTIVE',
  'OPERATION_UNSUPPORTED', 'SSH', 'AGENT_UNRESPONSIVE', 'RESOURCE_BUSY', 'ACCESS_DENIED', 'DBUS_SERVICE',
  'STORAGE_VOL_EXIST', 'CPU_INCOMPATIBLE', 'XML_INVALID_SCHEMA', 'MIGRATE_FINISH_OK', 'AUTH_UNAVAILABLE',
  'NO_SERVER', 'NO_CLIENT', 'AGENT_UNSYNCED', 'LIBSSH', 'DEVICE_MISSING', 'INVALID_NWFILTER_BINDING',
  'NO_NWFILTER_BINDING', 'INVALID_DOMAIN_CHECKPOINT', 'NO_DOMAIN_CHECKPOINT', 'NO_DOMAIN_BACKUP',
  'INVALID_NETWORK_PORT', 'NETWORK_PORT_EXIST', 'NO_NETWORK_PORT', 'NO_HOSTNAME',
  'CHECKPOINT_INCONSISTENT', 'MULTIPLE_DOMAINS',
];

/** virErrorDomain without its prefix `VIR_FROM_`. */
const errorDomains = [
  'NONE', 'XEN', 'XEND', 'XENSTORE', 'SEXPR', 'XML', 'DOM', 'RPC', 'PROXY', 'CONF', 'QEMU', 'NET', 'TEST',
  'REMOTE', 'OPENVZ', 'XENXM', 'STATS_LINUX', 'LXC', 'STORAGE', 'NETWORK', 'DOMAIN', 'UML', 'NODEDEV',
  'XEN_INOTIFY', 'SECURITY', 'VBOX', 'INTERFACE', 'ONE', 'ESX', 'PHYP', 'SECRET', 'CPU', 'XENAPI',
  'NWFILTER', 'HOOK', 'DOMAIN_SNAPSHOT', 'AUDIT', 'SYSINFO', 'STREAMS', 'VMWARE', 'EVENT', 'LIBXL',
  'LOCKING', 'HYPERV', 'CAPABILITIES', 'URI', 'AUTH', 'DBUS', 'PARALLELS', 'DEVICE', 'SSH', 'LOCKSPACE',
  'INITCTL', 'IDENTITY', 'CGROUP', 'ACCESS', 'SYSTEMD', 'BHYVE', 'CRYPTO', 'FIREWALL', 'POLKIT', 'THREAD',
  'ADMIN', 'LOGGING', 'XENXL', 'PERF', 'LIBSSH', 'RESCTRL', 'FIREWALLD', 'DOMAIN_CHECKPOINT', 'TPM', 'BPF',
  'CH',
];

const errorLevels = ['none', 'warning', 'error'];

const states = ['nostate', 'running', 'blocked', 'paused', 'shutdown', 'shutoff', 'crashed', 'pmsuspended'];

/** One list a state, in the order of `states`: virDomainRunningReason and its like. */
const reasons = [
  ['unknown'],
  ['unknown', 'booted', 'migrated', 'restored', 'from-snapshot', 'unpaused', 'migration-canceled', 'save-canceled',
    'wakeup', 'crashed', 'postcopy', 'postcopy-failed'],
  ['unknown'],
  ['unknown', 'user', 'migration', 'save', 'dump', 'ioerror', 'watchdog', 'from-snapshot', 'shutting-down', 'snapshot',
    'crashed', 'starting-up', 'postcopy', 'postcopy-failed', 'api-error'],
  ['unknown', 'user'],
  ['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot', 'daemon'],
  ['unknown', 'panicked'],
  ['unknown'],
];

const lifecycleEvents = ['defined', 'undefined', 'started', 'suspended', 'resumed', 'stopped', 'shutdown', 'pmsuspended', 'crashed'];

/** One list an event, in the order of `lifecycleEvents`: virDomainEventDefinedDetailType and its like. */
const lifecycleDetails = [
  ['added', 'updated', 'renamed', 'from-snapshot'],
  ['removed', 'renamed'],
  ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup'],
  ['paused', 'migrated', 'ioerror', 'watchdog', 'restored', 'from-snapshot', 'api-error', 'postcopy', 'postcopy-failed'],
  ['unpaused', 'migrated', 'from-snapshot', 'postcopy', 'postcopy-failed'],
  ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot'],
  ['finished', 'guest', 'host'],
  ['memory', 'disk'],
  ['panicked', 'crashloaded'],
];

const watchdogActions = ['none', 'pause', 'reset', 'poweroff', 'shutdown', 'debug', 'inject-nmi'];
const ioErrorActions = ['none', 'pause', 'report'];
const agentStates = ['unknown', 'connected', 'disconnected'];
const agentReasons = ['unknown', 'domain-started', 'channel'];
const closeReasons = ['error', 'eof', 'keepalive', 'client'];

/** The word of a number, `unknown-N` beyond the list. */
function word(words, number) {
  return words?.[number] ?? `unknown-${number}`;
}

export const errorCodeName = (code) => `VIR_ERR_${word(errorCodes, code)}`;
export const errorDomainName = (domain) => `VIR_FROM_${word(errorDomains, domain)}`;
export const errorLevelName = (level) => word(errorLevels, level);
export const stateName = (state) => word(states, state);
export const reasonName = (state, reason) => word(reasons[state], reason);
export const lifecycleEventName = (event) => word(lifecycleEvents, event);
export const lifecycleDetailName = (event, detail) => word(lifecycleDetails[event], detail);
export const watchdogActionName = (action) => word(watchdogActions, action);
export const ioErrorActionName = (action) => word(ioErrorActions, action);
export const agentStateName = (state) => word(agentStates, state);
export const agentReasonName = (reason) => word(agentReasons, reason);
export const closeReasonName = (reason) => word(closeReasons, reason);
