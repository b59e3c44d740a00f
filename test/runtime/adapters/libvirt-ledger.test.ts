/** What is reported of domains, in which order, and of which domains nothing is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomainRecord } from '#libvirt';
import { domainLedger } from '../../../runtime/adapters/libvirt-ledger.ts';
import { domainStateOf } from '../../../runtime/adapters/libvirt-report.ts';
import { coalesced } from '../../../runtime/adapters/libvirt-reread.ts';
import type { DomainReport } from '../../../runtime/ports.ts';

const record = (name: string, state: DomainRecord['state'], owner = 'us'): DomainRecord => ({
  uuid: `uuid-${name}`,
  name: `pcloud-${name}`,
  state,
  reason: 'r',
  metadata: `<assembly owner="${owner}" name="${name}"/>`,
});

function ledger() {
  const told: DomainReport[] = [];
  const words = () => told.map(({ assembly, state }) => `${assembly} ${state}`);
  return { ...domainLedger('us', (report) => told.push(report)), words };
}

test('a domain of another owner is never reported, not even when it goes', () => {
  const { report, absent, words, listed, mark } = ledger();
  report(record('a', 'running', 'them'));
  absent('uuid-a');
  assert.deepEqual(words(), []);
  assert.deepEqual(listed([record('a', 'running', 'them')], mark()), []);
});

test('a domain that vanishes is reported once, by the name it had', () => {
  const { report, absent, words } = ledger();
  report(record('a', 'shutoff'));
  absent('uuid-a');
  absent('uuid-a');
  assert.deepEqual(words(), ['a off', 'a absent']);
});

test('what is missing from a complete list is absent', () => {
  const { report, reportAll, words } = ledger();
  report(record('a', 'running'));
  report(record('b', 'running'));
  reportAll([record('b', 'shutoff')]);
  assert.deepEqual(words(), ['a running', 'b running', 'a absent', 'b off']);
});

test('a list that was asked for before an event does not undo it', () => {
  const { report, absent, mark, listed } = ledger();
  const asked = mark();
  report(record('a', 'shutoff'));
  report(record('b', 'shutoff'));
  absent('uuid-b');
  const old = [record('a', 'running'), record('b', 'shutoff')];
  assert.deepEqual(
    listed(old, asked).map(({ assembly, state }) => `${assembly} ${state}`),
    ['a off'],
  );
});

test('a list that was asked for after the events is believed', () => {
  const { report, mark, listed } = ledger();
  report(record('a', 'shutoff'));
  assert.equal(listed([record('a', 'running')], mark())[0]?.state, 'running');
});

test('a domain that another owner takes over is absent for us', () => {
  const { report, words } = ledger();
  report(record('a', 'running'));
  report(record('a', 'running', 'them'));
  assert.deepEqual(words(), ['a running', 'a absent']);
});

test('a repeated list tells what differs, and what is gone, and nothing else', () => {
  const { report, reportChanges, mark, words } = ledger();
  for (const name of ['a', 'b', 'c']) report(record(name, 'running'));
  const asked = mark();
  reportChanges([record('a', 'running'), record('b', 'shutoff'), record('d', 'running')], asked);
  assert.deepEqual(words().slice(3), ['c absent', 'b off', 'd running']);
});

test('a repeated list does not undo an event that came after it was asked for', () => {
  const { report, reportChanges, mark, words } = ledger();
  report(record('a', 'running'));
  const asked = mark();
  report(record('a', 'shutoff'));
  report(record('b', 'running'));
  reportChanges([record('a', 'running')], asked);
  assert.deepEqual(words(), ['a running', 'a off', 'b running']);
});

test('a state that libvirt invents later counts as running, which nobody acts on', () => {
  assert.equal(domainStateOf('unknown-99'), 'running');
});

test('many events during one read become one more read, and another domain does not wait', async () => {
  const reads: string[] = [];
  const gates: (() => void)[] = [];
  const trigger = coalesced(async (key) => {
    reads.push(key);
    await new Promise<void>((resolve) => gates.push(resolve));
  });
  for (const key of ['a', 'a', 'b', 'a']) trigger(key);
  assert.deepEqual(reads, ['a', 'b']);
  for (const open of gates.splice(0)) open();
  await new Promise(setImmediate);
  assert.deepEqual(reads, ['a', 'b', 'a']);
  for (const open of gates.splice(0)) open();
  await new Promise(setImmediate);
  trigger('a');
  assert.deepEqual(reads, ['a', 'b', 'a', 'a']);
  for (const open of gates) open();
});
