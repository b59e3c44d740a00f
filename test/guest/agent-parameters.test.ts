/**
 * The parameters of a resource on their way to its service: the environment file, the drop-in that names it,
 * and the environment of a SysV script. That systemd itself reads the file so is shown in a real guest
 * (test/integration/guest-devices.test.ts).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import type { HostMessage } from '../../model/guest-protocol.ts';
import { buildAgent, startAgent, watchOf } from './agent-harness.ts';
import type { AgentUnderTest } from './agent-harness.ts';

before(buildAgent);

const file = 'run/pcloud-agent/web.env';
const dropIn = 'run/systemd/system/web.service.d/90-pcloud.conf';

function watch(parameters: Readonly<Record<string, string>>, name = 'web'): HostMessage {
  return { kind: 'watch', name, class: 'systemd', service: 'web', parameters };
}

/** Says it and waits until the agent has done it: lines are taken in order. */
async function say(agent: AgentUnderTest, message: HostMessage): Promise<void> {
  agent.send(message);
  await agent.operate('nobody', 'monitor');
}

test('parameters of a unit stand in a file for root alone, and its drop-in names that file', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await say(agent, watch({ DB_HOST: '10.0.2.2', GREETING: `a "b" \\c \`d\` $e 'f' #g = é` }));
  assert.equal(
    await agent.read(file),
    '# Written by pcloud-agent: what the host gives to this service.\n' +
      'DB_HOST="10.0.2.2"\n' +
      'GREETING="a \\"b\\" \\\\c \\`d\\` \\$e \'f\' #g = é"\n',
  );
  const directory = path.join(agent.root, 'run/pcloud-agent');
  assert.equal((await stat(path.join(agent.root, file))).mode & 0o7777, 0o600);
  assert.equal((await stat(directory)).mode & 0o7777, 0o700);
  assert.match(await agent.read(dropIn), new RegExp(`^EnvironmentFile=-${agent.root}/${file}$`, 'm'));
});

test('a changed parameter rewrites the file and reloads nothing; the last one gone, the file goes', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await say(agent, watch({}));
  assert.equal(existsSync(path.join(agent.root, file)), false);
  assert.equal((await agent.operate('web', 'start')).code, 0);
  assert.equal((await agent.calls()).filter((call) => call === 'daemon-reload').length, 1);
  for (const host of ['10.0.2.2', '10.0.2.3']) {
    await say(agent, watch({ DB_HOST: host }));
    assert.match(await agent.read(file), new RegExp(`^DB_HOST="${host}"$`, 'm'));
  }
  const { ino } = await stat(path.join(agent.root, file));
  await say(agent, watch({ DB_HOST: '10.0.2.3' }));
  assert.equal((await stat(path.join(agent.root, file))).ino, ino, 'said again, nothing is written');
  await say(agent, watch({}));
  assert.equal(existsSync(path.join(agent.root, file)), false);
  assert.equal((await agent.calls()).includes('daemon-reload'), false);
});

test('the file goes with the watch, also where a predecessor of the agent wrote it', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await say(agent, watch({ SECRET: 'x' }));
  await say(agent, { kind: 'unwatch', name: 'web' });
  assert.equal(existsSync(path.join(agent.root, file)), false);
  await say(agent, watch({ SECRET: 'x' }));
  await agent.restart();
  await agent.link('down');
  await agent.link('up');
  await say(agent, { kind: 'unwatch', name: 'web' });
  assert.equal(existsSync(path.join(agent.root, file)), false);
});

test('a unit is not started without the parameters that it should have', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await agent.write('run/pcloud-agent', 'in the way');
  await say(agent, watch({ DB_HOST: '10.0.2.2' }));
  const refused = await agent.operate('web', 'start');
  assert.equal(refused.code, 1);
  assert.match(refused.output ?? '', /could not write the resource's parameters/);
  assert.equal((await agent.calls()).includes('start web.service'), false);
  await rm(path.join(agent.root, 'run/pcloud-agent'));
  assert.equal((await agent.operate('web', 'start')).code, 0);
  assert.match(await agent.read(file), /^DB_HOST="10\.0\.2\.2"$/m);
  await say(agent, watch({ DB_HOST: 'two\nLINES=1' }));
  assert.equal(
    (await agent.operate('web', 'start')).code,
    1,
    'a line break would make a variable of its own',
  );
});

test('a SysV script has the parameters in its environment, not by way of `service`, and the file beside', async (t) => {
  const agent = await startAgent(t, { arguments: ['--init', 'sysv'] });
  for (const [script, text] of [
    ['etc/init.d/web', 'echo "$1 $DB_HOST $LC_ALL" >>"${0%/etc/*}/said"'],
    ['sbin/service', 'echo "service $*" >>"${0%/sbin/*}/said"'],
  ] as const) {
    await agent.write(script, `#!/bin/sh\n${text}\nexit 0\n`);
    await chmod(path.join(agent.root, script), 0o755);
  }
  const lsb = (parameters: Readonly<Record<string, string>>): HostMessage => {
    return { kind: 'watch', name: 'web', class: 'lsb', service: 'web', parameters };
  };
  agent.send(lsb({ DB_HOST: 'a b', LC_ALL: 'de_DE.UTF-8' }));
  await agent.next('state');
  assert.equal((await agent.operate('web', 'start')).code, 0);
  assert.match(await agent.read('said'), /^start a b de_DE\.UTF-8$/m);
  assert.doesNotMatch(await agent.read('said'), /service/);
  assert.match(await agent.read(file), /^DB_HOST="a b"$/m);
  agent.send(lsb({}));
  await agent.next('state');
  assert.equal((await agent.operate('web', 'start')).code, 0);
  assert.match(await agent.read('said'), /^service web start$/m);
});

test('what the host gives a unit does not stay when the resource becomes an OCF agent', async (t) => {
  const agent = await startAgent(t);
  await agent.unit('web');
  await say(agent, watch({ SECRET: 'x' }));
  await say(agent, { kind: 'watch', name: 'web', class: 'ocf', service: 'test:Odd', parameters: { a: 'b' } });
  assert.equal(existsSync(path.join(agent.root, file)), false);
  await say(agent, watchOf('web'));
});
