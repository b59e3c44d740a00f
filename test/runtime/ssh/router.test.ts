/** Links by transport, and the link of a guest that nobody speaks to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMuteLinks, routeLinks } from '../../../runtime/adapters/link-router.ts';
import { createVirtualClock } from '../../../runtime/simulation/clock.ts';
import type { GuestLinkEvent, GuestLinks } from '../../../runtime/ports.ts';
import type { Transport } from '../../../model/ssh.ts';

function recording(name: string, calls: string[]): GuestLinks {
  return {
    listen: () => void calls.push(`${name} listen`),
    open: (assembly, path) => void calls.push(`${name} open ${assembly} ${path}`),
    close: (assembly) => void calls.push(`${name} close ${assembly}`),
    send: (assembly, { kind }) => calls.push(`${name} send ${assembly} ${kind}`) > 0,
    closeAll: () => Promise.resolve(void calls.push(`${name} closeAll`)),
  };
}

test('each assembly goes by its own transport, also when that changes', async () => {
  const calls: string[] = [];
  const transports = new Map<string, Transport['kind']>([
    ['a', 'agent'],
    ['s', 'ssh'],
  ]);
  const links = routeLinks(
    { agent: recording('agent', calls), ssh: recording('ssh', calls), none: recording('none', calls) },
    (assembly) => transports.get(assembly) ?? 'none',
  );
  links.listen(() => undefined);
  assert.equal(links.send('a', { kind: 'poweroff' }), false);
  links.open('a', '/a');
  links.open('s', '/s');
  links.open('x', '/x');
  assert.ok(links.send('s', { kind: 'poweroff' }));
  transports.set('s', 'agent');
  links.open('s', '/s');
  links.close('a');
  assert.equal(links.send('a', { kind: 'poweroff' }), false);
  await links.closeAll();
  assert.deepEqual(calls.slice(3), [
    'agent open a /a',
    'ssh open s /s',
    'none open x /x',
    'ssh send s poweroff',
    'ssh close s',
    'agent open s /s',
    'agent close a',
    'agent closeAll',
    'ssh closeAll',
    'none closeAll',
  ]);
});

test('a guest that nobody speaks to is up once it is opened, is never silent, and takes nothing', async () => {
  const { clock, advance } = createVirtualClock(0);
  const links = createMuteLinks(clock, 1000);
  const events: GuestLinkEvent[] = [];
  links.listen((event) => void events.push(event));
  links.open('pm1', '/nowhere');
  links.open('pm1', '/nowhere');
  assert.equal(events.length, 0, 'nothing within the call');
  await advance(2500);
  const kinds = events.map((event) => (event.kind === 'message' ? event.message.kind : event.state));
  assert.deepEqual(kinds, ['up', 'hello', 'state-end', 'heartbeat', 'heartbeat', 'heartbeat']);
  assert.equal(links.send('pm1', { kind: 'poweroff' }), false);
  links.close('pm1');
  await advance(5000);
  assert.equal(events.length, kinds.length);
  links.open('pm1', '/nowhere');
  await links.closeAll();
  await advance(5000);
  assert.equal(events.length, kinds.length);
});
