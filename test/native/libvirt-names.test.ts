/** The binding's words for libvirt's numbers, compared with the headers of the libvirt that is installed. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ErrorCode } from '#libvirt';
import {
  errorCodeName,
  errorDomainName,
  lifecycleDetailName,
  lifecycleEventName,
  reasonName,
  stateName,
} from '../../native/libvirt/names.js';

/** All `PREFIX_NAME = number` of a header, or of one of its enums, as [name without prefix, number]. */
function constantsOf(
  header: string,
  prefix: string,
  enumName?: string,
): readonly (readonly [string, number])[] {
  let text = readFileSync(`/usr/include/libvirt/${header}`, 'utf8');
  if (enumName !== undefined) {
    const end = text.indexOf(`} ${enumName};`);
    assert.ok(end > 0, `${header} has an enum ${enumName}`);
    text = text.slice(text.lastIndexOf('typedef enum', end), end);
  }
  const found = [...text.matchAll(new RegExp(`\\b${prefix}([A-Z0-9_]+)\\s*=\\s*(\\d+)`, 'g'))];
  return found
    .map(([, name, number]) => [name ?? '', Number(number)] as const)
    .filter(([name]) => !name.endsWith('LAST'));
}

const asWord = (name: string) => name.toLowerCase().replaceAll('_', '-');

test('every error of the installed libvirt has its name', () => {
  // virErrorLevel shares the prefix: NONE, WARNING, ERROR.
  const codes = constantsOf('virterror.h', 'VIR_ERR_').filter(
    ([name]) => !['NONE', 'WARNING', 'ERROR'].includes(name),
  );
  assert.ok(codes.length > 90);
  for (const [name, code] of codes) assert.equal(errorCodeName(code), `VIR_ERR_${name}`);
  for (const [name, domain] of constantsOf('virterror.h', 'VIR_FROM_'))
    assert.equal(errorDomainName(domain), `VIR_FROM_${name}`);
  assert.equal(errorCodeName(9999), 'VIR_ERR_unknown-9999');
});

test('the error codes that callers decide by are libvirt’s own', () => {
  const numbers = new Map(constantsOf('virterror.h', 'VIR_ERR_'));
  assert.deepEqual(
    { ...ErrorCode },
    {
      noSupport: numbers.get('NO_SUPPORT'),
      noConnect: numbers.get('NO_CONNECT'),
      invalidConnection: numbers.get('INVALID_CONN'),
      invalidArgument: numbers.get('INVALID_ARG'),
      operationFailed: numbers.get('OPERATION_FAILED'),
      noDomain: numbers.get('NO_DOMAIN'),
      noNetwork: numbers.get('NO_NETWORK'),
      domainExists: numbers.get('DOM_EXIST'),
      systemError: numbers.get('SYSTEM_ERROR'),
      rpc: numbers.get('RPC'),
      operationInvalid: numbers.get('OPERATION_INVALID'),
      operationTimeout: numbers.get('OPERATION_TIMEOUT'),
      operationUnsupported: numbers.get('OPERATION_UNSUPPORTED'),
      argumentUnsupported: numbers.get('ARGUMENT_UNSUPPORTED'),
    },
  );
});

test('every state reason of the installed libvirt has its name', () => {
  const states = ['Nostate', 'Running', 'Blocked', 'Paused', 'Shutdown', 'Shutoff', 'Crashed', 'PMSuspended'];
  for (const [number, state] of states.entries()) {
    assert.equal(stateName(number), asWord(state));
    const reasons = constantsOf(
      'libvirt-domain.h',
      `VIR_DOMAIN_${state.toUpperCase()}_`,
      `virDomain${state}Reason`,
    );
    assert.ok(reasons.length > 0);
    for (const [name, reason] of reasons) assert.equal(reasonName(number, reason), asWord(name), state);
  }
});

test('every event detail of the installed libvirt has its name', () => {
  const events = [
    'Defined',
    'Undefined',
    'Started',
    'Suspended',
    'Resumed',
    'Stopped',
    'Shutdown',
    'PMSuspended',
    'Crashed',
  ];
  for (const [number, event] of events.entries()) {
    assert.equal(lifecycleEventName(number), asWord(event));
    const prefix = `VIR_DOMAIN_EVENT_${event.toUpperCase()}_`;
    const details = constantsOf('libvirt-domain.h', prefix, `virDomainEvent${event}DetailType`);
    assert.ok(details.length > 0);
    for (const [name, detail] of details)
      assert.equal(lifecycleDetailName(number, detail), asWord(name), event);
  }
});
