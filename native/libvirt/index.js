/**
 * libvirt for Node. This file gives the compiled addon its shape in JavaScript: a connection with methods,
 * events as discriminated objects, errors with names. All waiting and all threads are in src/; limits of
 * time are the caller's, because a libvirt call under way cannot be taken back.
 */
import { createRequire } from 'node:module';
import {
  agentReasonName,
  agentStateName,
  closeReasonName,
  errorCodeName,
  errorDomainName,
  errorLevelName,
  ioErrorActionName,
  lifecycleDetailName,
  lifecycleEventName,
  reasonName,
  stateName,
  watchdogActionName,
} from './names.js';

const addonPath = './build/libvirt.node';

/** Flags of virConnectListAllDomains. */
export const ListDomains = Object.freeze({ active: 1, inactive: 2, persistent: 4, transient: 8 });
/** Flags of virDomainDefineXMLFlags. */
export const Define = Object.freeze({ validate: 1 });
/** Flags of virDomainCreateWithFlags. */
export const Create = Object.freeze({ paused: 1, autodestroy: 2, forceBoot: 8 });
/** Flags of virDomainDestroyFlags. */
export const Destroy = Object.freeze({ graceful: 1 });
/** Flags of virDomainShutdownFlags. */
export const Shutdown = Object.freeze({ acpiPowerButton: 1, guestAgent: 2 });
/** Flags of virDomainUndefineFlags. */
export const Undefine = Object.freeze({
  managedSave: 1,
  snapshotsMetadata: 2,
  nvram: 4,
  keepNvram: 8,
  checkpointsMetadata: 16,
});
/** Flags of virDomainGetXMLDesc. */
export const XmlDesc = Object.freeze({ secure: 1, inactive: 2 });
/** Groups of virDomainListGetStats. */
export const StatsGroup = Object.freeze({
  state: 1,
  cpuTotal: 2,
  balloon: 4,
  vcpu: 8,
  interface: 16,
  block: 32,
});
/** Flags of virDomainListGetStats. `noWait`: rather miss a value than wait for another call on the domain. */
export const StatsFlag = Object.freeze({ noWait: 1 << 29 });

/** virErrorNumber, as far as callers decide by it. */
export const ErrorCode = Object.freeze({
  noSupport: 3,
  noConnect: 5,
  invalidConnection: 6,
  invalidArgument: 8,
  operationFailed: 9,
  noDomain: 42,
  noNetwork: 43,
  domainExists: 28,
  systemError: 38,
  rpc: 39,
  operationInvalid: 55,
  operationTimeout: 68,
  operationUnsupported: 84,
  argumentUnsupported: 74,
});

export class LibvirtError extends Error {
  constructor(call, cause) {
    super(cause.message);
    this.name = 'LibvirtError';
    this.call = call;
    this.code = cause.code;
    this.codeName = errorCodeName(cause.code);
    this.domain = cause.domain;
    this.domainName = errorDomainName(cause.domain);
    this.level = cause.level;
    this.levelName = errorLevelName(cause.level);
  }
}

function notCompiled(cause) {
  const missing = cause?.code === 'MODULE_NOT_FOUND';
  const error = new Error(
    missing
      ? 'The libvirt binding is not compiled.'
      : `The libvirt binding does not load: ${cause?.message ?? cause}`,
    { cause },
  );
  return Object.assign(error, {
    name: 'PcloudError',
    code: 'native-not-compiled',
    category: 'unavailable',
    hint: 'Run `make native` at the top of the checkout (it needs gcc and libvirt-dev).',
    facts: {},
  });
}

/**
 * Listeners by connection id, removed on close. The handle is kept beside its listener: a connection that
 * somebody listens to must not be garbage collected, which would close it.
 */
const registrations = new Map();
let loaded;

/** Loaded at the first call, so that a file that merely imports this one works without the addon. */
function addon() {
  if (loaded !== undefined) return loaded;
  const require = createRequire(import.meta.url);
  let binding;
  try {
    binding = require(addonPath);
  } catch (cause) {
    throw notCompiled(cause);
  }
  binding.init((event) => registrations.get(event.connection)?.listener(eventOf(event)));
  loaded = binding;
  return loaded;
}

function eventOf(raw) {
  const of = { uuid: raw.uuid, name: raw.name };
  switch (raw.kind) {
    case 'lifecycle':
      return {
        kind: raw.kind,
        ...of,
        event: lifecycleEventName(raw.event),
        detail: lifecycleDetailName(raw.event, raw.detail),
      };
    case 'io-error':
      return {
        kind: raw.kind,
        ...of,
        path: raw.path,
        device: raw.device,
        action: ioErrorActionName(raw.action),
        reason: raw.reason,
      };
    case 'watchdog':
      return { kind: raw.kind, ...of, action: watchdogActionName(raw.action) };
    case 'reboot':
      return { kind: raw.kind, ...of };
    case 'agent':
      return { kind: raw.kind, ...of, state: agentStateName(raw.state), reason: agentReasonName(raw.reason) };
    case 'close':
      return { kind: raw.kind, reason: closeReasonName(raw.reason) };
    default:
      throw new Error(`the libvirt binding sent an event of unknown kind ${raw.kind}`);
  }
}

const stateOf = ({ state, reason }) => ({ state: stateName(state), reason: reasonName(state, reason) });
const recordOf = ({ uuid, name, state, reason, metadata }) => ({
  uuid,
  name,
  ...stateOf({ state, reason }),
  metadata,
});

async function call(name, ...parameters) {
  const binding = addon();
  try {
    return await binding[name](...parameters);
  } catch (error) {
    if (typeof error?.code === 'number') throw new LibvirtError(name, error);
    throw error;
  }
}

export async function open(uri) {
  const handle = await call('open', uri);
  const id = addon().connectionId(handle);
  const on = (name, ...parameters) => call(name, handle, ...parameters);
  return Object.freeze({
    uri,
    async registerEvents(listener) {
      registrations.set(id, { listener, handle });
      try {
        await on('registerEvents');
      } catch (error) {
        registrations.delete(id);
        throw error;
      }
    },
    async close() {
      registrations.delete(id);
      await on('close');
    },
    isAlive: async () => (await on('isAlive')) === 1,
    setKeepAlive: async (intervalS, count) => (await on('setKeepAlive', intervalS, count)) === 0,
    getVersion: () => on('getVersion'),
    getCapabilities: () => on('getCapabilities'),
    isNetworkActive: async (name) => (await on('isNetworkActive', name)) === 1,
    listAllDomains: async (flags = 0, metadataUri = null) =>
      (await on('listDomains', flags, metadataUri)).map(recordOf),
    lookupByUUID: async (uuid, metadataUri = null) => recordOf(await on('lookup', uuid, metadataUri)),
    defineXML: (xml, flags = 0) => on('define', xml, flags),
    create: (uuid, flags = 0) => on('create', uuid, flags),
    destroy: (uuid, flags = 0) => on('destroy', uuid, flags),
    shutdown: (uuid, flags = 0) => on('shutdown', uuid, flags),
    suspend: (uuid) => on('suspend', uuid),
    resume: (uuid) => on('resume', uuid),
    undefine: (uuid, flags = 0) => on('undefine', uuid, flags),
    getState: async (uuid) => stateOf(await on('getState', uuid)),
    getXMLDesc: (uuid, flags = 0) => on('getXml', uuid, flags),
    getMetadata: (uuid, metadataUri) => on('getMetadata', uuid, metadataUri),
    getInfo: async (uuid) => {
      const info = await on('getInfo', uuid);
      return { ...info, state: stateName(info.state) };
    },
    getStats: (uuid, groups, flags = 0) => on('getStats', uuid, groups, flags),
    screenshot: (uuid, screen = 0) => on('screenshot', uuid, screen),
  });
}
