/**
 * The links by ssh against a real sshd, of today and of RHEL 6's age: operations, deaths, and each way in which a
 * guest or a connection goes wrong.
 */
import assert from 'node:assert/strict';
import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { createSshLinks } from '../../../runtime/adapters/ssh-link.ts';
import type { SshLinkOptions } from '../../../runtime/adapters/ssh-link.ts';
import type { SshTarget } from '../../../runtime/adapters/ssh-arguments.ts';
import { createSecondTransport } from '../../../runtime/adapters/ssh-second.ts';
import { systemClock } from '../../../runtime/adapters/system-clock.ts';
import type { ResourceClass, ResourceOperation } from '../../../model/guest-protocol.ts';
import { hear } from './heard.ts';
import { startSshd } from './sshd.ts';
import type { Sshd } from './sshd.ts';

let ids = 0;

/** Links to one guest, opened, closed at the end of the test. */
function connect(
  context: TestContext,
  sshd: Sshd,
  more: Partial<SshTarget> = {},
  options: Partial<SshLinkOptions> = {},
) {
  const notices: string[] = [];
  const links = createSshLinks({
    clock: systemClock,
    targets: { target: () => ({ ...sshd.target, ...more }) },
    directory: path.join(sshd.home, 'c'),
    heartbeatMs: 300,
    pauseMs: 200,
    notice: (text) => void notices.push(text),
    ...options,
  });
  const heard = hear(links);
  context.after(async () => await links.closeAll());
  links.open('assy1', '/nowhere');
  const operate = async (name: string, operation: ResourceOperation, timeoutMs = 10_000) => {
    ids += 1;
    const id = ids;
    assert.ok(links.send('assy1', { kind: 'operation', id, name, operation, timeoutMs }));
    return await heard.message('result', (message) => message.id === id);
  };
  const watch = async (
    name: string,
    kind: ResourceClass,
    service = name,
    parameters: Record<string, string> = {},
  ) => {
    const from = heard.events.length;
    assert.ok(links.send('assy1', { kind: 'watch', name, class: kind, service, parameters }));
    return await heard.message('state', (message) => message.name === name, from);
  };
  return { links, heard, notices, operate, watch };
}

for (const age of ['modern', 'rhel6'] as const)
  suite(`a guest with an sshd of the age ${age}`, () => {
    let sshd: Sshd;
    before(async () => {
      sshd = await startSshd(age);
    });
    after(async () => await sshd.remove());

    test('it greets as the agent does: link, hello, states, end of states, heartbeats', async (context) => {
      const { heard, links } = connect(context, sshd);
      await heard.link('up');
      const hello = await heard.message('hello');
      assert.equal(hello.bootId, (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim());
      assert.equal(hello.deathSource, 'poll');
      await heard.message('state-end');
      await heard.message('heartbeat', ({ sequence }) => sequence === 3);
      assert.equal(links.send('other', { kind: 'poweroff' }), false);
    });

    test('a systemd unit is claimed, started, found dead within two heartbeats, and killed', async (context) => {
      const { heard, operate, watch } = connect(context, sshd);
      await heard.message('state-end');
      assert.equal((await watch('web', 'systemd', 'web', { GREETING: `it's "me"` })).state, 'dead');
      const dropin = await readFile(
        path.join(sshd.home, 'run/systemd/system/web.service.d/90-pcloud.conf'),
        'utf8',
      );
      assert.match(dropin, /^Restart=no$/m);
      assert.equal(
        await readFile(path.join(sshd.home, 'run/pcloud-ssh/web.env'), 'utf8'),
        `GREETING="it's \\"me\\""\n`,
      );
      assert.equal((await operate('web', 'monitor')).code, 7);
      assert.equal((await operate('web', 'start')).code, 0);
      assert.equal((await operate('web', 'monitor')).code, 0);
      const pid = await sshd.pidOf('web');
      const killedMs = Date.now();
      process.kill(pid, 'SIGKILL');
      assert.equal((await heard.message('death')).pid, pid);
      assert.ok(Date.now() - killedMs < 2000, `${Date.now() - killedMs} ms`);
      assert.equal((await operate('web', 'start')).code, 0);
      assert.equal((await operate('web', 'kill')).code, 0);
      assert.equal((await operate('web', 'monitor')).code, 7);
      assert.equal((await operate('web', 'stop')).code, 0);
    });

    test('an init script’s codes become OCF’s, and its process is followed', async (context) => {
      const { heard, operate, watch } = connect(context, sshd);
      await heard.message('state-end');
      assert.equal((await watch('old', 'lsb')).state, 'dead');
      assert.equal((await operate('old', 'start')).code, 0);
      const again = await watch('old', 'lsb');
      assert.equal(again.state, 'running');
      assert.equal(again.pid, await sshd.pidOf('old'));
      assert.equal((await operate('old', 'stop')).code, 0);
      assert.equal((await operate('old', 'monitor')).code, 7);
      assert.equal((await operate('old', 'start')).code, 0);
      process.kill(await sshd.pidOf('old'), 'SIGKILL');
      await heard.message('death', ({ name }) => name === 'old');
      assert.equal((await operate('old', 'kill')).code, 0);
    });

    test('an OCF agent gets its parameters, and its codes are passed on', async (context) => {
      const { heard, operate, watch } = connect(context, sshd);
      await heard.message('state-end');
      assert.equal(
        (await watch('thing', 'ocf', 'test:thing', { greeting: `a 'b' "c" $d` })).state,
        'unknown',
      );
      assert.equal((await operate('thing', 'monitor')).code, 7);
      assert.equal((await operate('thing', 'start')).code, 0);
      assert.equal(await readFile(path.join(sshd.home, 'ocf.up'), 'utf8'), `a 'b' "c" $d`);
      assert.equal((await operate('thing', 'monitor')).code, 0);
      assert.equal((await operate('thing', 'stop')).code, 0);
      assert.equal((await watch('none', 'ocf', 'test:none')).state, 'unknown');
      assert.equal((await operate('none', 'start')).code, 5);
    });
  });

suite('what goes wrong', () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd('modern');
  });
  after(async () => await sshd.remove());

  test('a start that fails says why, a unit that is not there is not installed', async (context) => {
    const { heard, operate, watch } = connect(context, sshd);
    await heard.message('state-end');
    await writeFile(path.join(sshd.home, 'web.broken'), '');
    await watch('web', 'systemd');
    const failed = await operate('web', 'start');
    await rm(path.join(sshd.home, 'web.broken'));
    assert.equal(failed.code, 1);
    assert.equal(failed.output, 'cannot start web: it is broken');
    await watch('absent', 'systemd');
    assert.equal((await operate('absent', 'monitor')).code, 5);
    assert.equal((await operate('absent', 'start')).code, 5);
    assert.match((await operate('nobody', 'start')).output ?? '', /not watched/);
  });

  test('an operation that hangs is ended in the guest, and says so', async (context) => {
    const { heard, operate, watch } = connect(context, sshd);
    await heard.message('state-end');
    await writeFile(path.join(sshd.home, 'web.slow'), '');
    await watch('web', 'systemd');
    const late = await operate('web', 'start', 1000);
    await rm(path.join(sshd.home, 'web.slow'));
    assert.equal(late.timedOut, true);
    assert.ok(late.durationMs >= 1000 && late.durationMs < 5000, `${late.durationMs} ms`);
    const { stdout } = await execa('ps', ['-e', '-o', 'args=']);
    assert.doesNotMatch(stdout, /^sleep 60$/m);
  });

  test('a program is run as it is, and its output told', async (context) => {
    const { heard, links } = connect(context, sshd);
    await heard.message('state-end');
    links.send('assy1', {
      kind: 'run',
      id: 9,
      timeoutMs: 5000,
      arguments: ['/bin/sh', '-c', 'printf "%s" "$X"; echo err >&2; exit 3'],
      environment: { X: `1 '2'` },
    });
    const result = await heard.message('run-result');
    assert.equal(result.code, 3);
    const said = (stream: string): string =>
      heard.events
        .flatMap(({ event }) =>
          event.kind === 'message' && event.message.kind === 'output' && event.message.stream === stream
            ? [event.message.text]
            : [],
        )
        .join('');
    assert.equal(said('stdout'), `1 '2'`);
    assert.equal(said('stderr'), 'err\n');
  });

  test('endless output costs the guest its link, and the link comes back', async (context) => {
    const { heard, links } = connect(context, sshd);
    await heard.message('state-end');
    links.send('assy1', {
      kind: 'run',
      id: 10,
      timeoutMs: 60_000,
      arguments: ['/usr/bin/yes'],
      environment: {},
    });
    assert.match(await heard.link('down'), /floods the link/);
    await heard.link('up', heard.events.length);
  });

  test('another host key than the pinned one is refused, and told once', async (context) => {
    const other = await startSshd('modern');
    context.after(async () => await other.remove());
    const { heard, notices } = connect(context, sshd, { hostKey: other.target.hostKey });
    await new Promise<void>((resolve) => void systemClock.after(2500, resolve));
    assert.deepEqual(heard.events, []);
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /Host key verification failed/);
  });

  test('the host key of the first connection is taken only when that was asked, and told', async (context) => {
    const { heard, notices } = connect(context, sshd, { hostKey: null, trustFirst: true });
    const { hostKey } = await heard.message('hello');
    assert.equal(hostKey, sshd.target.hostKey?.split(' ').slice(0, 2).join(' '));
    assert.match(notices.join(), /taken at the first connection/);
    const strict = connect(context, sshd, { hostKey: null });
    await heard.message('heartbeat', ({ sequence }) => sequence === 3);
    assert.deepEqual(strict.heard.events, []);
    assert.match(strict.notices.join(), /No ssh host key is known/);
  });

  test('a connection that is cut is taken up again, with the whole state, and its death found', async (context) => {
    const { heard, operate, watch } = connect(context, sshd);
    await heard.message('state-end');
    await watch('web', 'systemd');
    assert.equal((await operate('web', 'start')).code, 0);
    const pid = await sshd.pidOf('web');
    await sshd.stop();
    await heard.link('down');
    process.kill(pid, 'SIGKILL');
    const from = heard.events.length;
    await sshd.restart();
    await heard.link('up', from);
    assert.equal((await heard.message('state', ({ name }) => name === 'web', from)).state, 'dead');
    await heard.message('state-end', () => true, from);
  });

  test('kill -9 of our ssh is a connection cut', async (context) => {
    const { heard, links } = connect(context, sshd);
    await heard.message('state-end');
    const { stdout } = await execa('ps', ['-e', '-o', 'pid=,ppid=,args=']);
    const masters = stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(
        (words) =>
          words[1] === String(process.pid) && words[2] === 'ssh' && words.includes('ControlMaster=yes'),
      );
    assert.equal(masters.length, 1);
    process.kill(Number(masters[0]?.[0]), 'SIGKILL');
    await heard.link('down');
    assert.equal(links.send('assy1', { kind: 'poweroff' }), false);
    await heard.link('up', heard.events.length);
  });

  test('a guest that stands still is silent, and its connection ends by the clock', async (context) => {
    const { heard } = connect(context, sshd, {}, { sessionLimits: { answerMs: 1500 } });
    await heard.message('heartbeat', ({ sequence }) => sequence === 2);
    await sshd.signalAll('SIGSTOP');
    const beats = heard.events.length;
    assert.match(await heard.link('down'), /no answer within 1.5 s/);
    assert.ok(heard.events.slice(beats).filter(({ event }) => event.kind === 'message').length <= 1);
    await sshd.signalAll('SIGKILL');
    await heard.link('up', heard.events.length);
  });

  test('an sshd that takes connections and never answers is given up by the clock', async (context) => {
    const { heard } = connect(context, sshd, {}, { sessionLimits: { helloMs: 1000 } });
    await heard.link('up');
    await sshd.stop();
    await heard.link('down');
    await sshd.restart();
    await heard.link('up', heard.events.length);
  });

  test('closing leaves no process and no file behind', async (context) => {
    const { heard, links } = connect(context, sshd);
    await heard.message('state-end');
    await links.closeAll();
    const quiet = heard.events.length;
    assert.deepEqual(await readdir(path.join(sshd.home, 'c')), []);
    assert.equal(links.send('assy1', { kind: 'poweroff' }), false);
    assert.equal(heard.events.length, quiet);
  });

  test('the second transport hears a living guest, has its agent restarted, and never waits longer than asked', async () => {
    const directory = path.join(sshd.home, 'c2');
    const notices: string[] = [];
    const second = createSecondTransport({
      clock: systemClock,
      directory,
      targetOf: (name) => (name === 'none' ? null : sshd.target),
      notice: (text) => void notices.push(text),
    });
    assert.equal(await second.ask('assy1', 10_000), 'alive');
    while (!/^restart pcloud-agent$/m.test(await sshd.log()))
      await new Promise<void>((resolve) => void systemClock.after(20, resolve));
    assert.equal(await second.ask('none', 1000), 'none');
    await sshd.stop();
    assert.equal(await second.ask('assy1', 5000), 'silent');
    assert.match(notices.join(), /does not answer by ssh/);
    await sshd.restart();
    const startedMs = Date.now();
    assert.equal(await second.ask('assy1', 1), 'silent');
    assert.ok(Date.now() - startedMs < 1000);
    assert.deepEqual(await readdir(directory), []);
  });
});
