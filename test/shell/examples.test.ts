/**
 * The example of each command is run as it stands, by the real program, against both services: it ends well, or
 * with the exit code that the command's declaration explains. So `help`, `docs/pcloudsh.md` and pcloudsh(1) show
 * no line that does not work.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { execa } from 'execa';
import { commandTable } from '../../shell/command-table.ts';
import { stoppedExitCode } from '../../shell/context.ts';
import { parseWords } from '../../shell/words.ts';
import {
  exampleBuilderRoutes,
  exampleCpedRoutes,
  followIntent,
  guestHostKey,
  serviceFileText,
} from './example-routes.ts';
import { fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { shellEnvironment, shellProgram } from './run-shell.ts';

/** What goes on until Ctrl-C, which it gets once it has shown something; and its code then. */
const endless: Readonly<Record<string, number>> = { watch: 0, events: stoppedExitCode };
/** Nobody listens where the guest's sshd should. */
const other: Readonly<Record<string, number>> = { assembly_ssh: 255 };

/** A port of this host that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  await new Promise((resolve) => server.close(resolve));
  return address.port;
}

/** Services of this example's own: another's start and stop would be seen. */
async function exampleServices(): Promise<FakeServices> {
  const services = await fakeServices({ builder: exampleBuilderRoutes });
  const identityFile = path.join(services.runtimeDirectory, 'key');
  await writeFile(identityFile, '', { mode: 0o600 });
  Object.assign(services.cped.routes, exampleCpedRoutes(identityFile, await closedPort()));
  followIntent(services.cped);
  // What the example of assembly_import names.
  await writeFile(path.join(services.runtimeDirectory, 'shop.pub'), `${guestHostKey}\n`);
  await writeFile(path.join(services.runtimeDirectory, 'shop.yaml'), serviceFileText);
  return services;
}

describe('examples', { concurrency: 2 }, () => {
  for (const command of commandTable)
    test(`the example of ${command.name} works: ${command.example}`, async (t) => {
      const services = await exampleServices();
      t.after(async () => await services.close());
      const words = parseWords(command.example);
      assert.ok(words[0] === command.name, 'an example begins with its command');
      const running = execa(process.execPath, [shellProgram, ...words], {
        cwd: services.runtimeDirectory,
        env: shellEnvironment(services.runtimeDirectory),
        extendEnv: false,
        input: '',
        reject: false,
        timeout: 20_000,
      });
      if (command.name in endless) running.stdout.once('data', () => running.kill('SIGINT'));
      const { exitCode, stdout, stderr } = await running;
      assert.equal(exitCode, endless[command.name] ?? other[command.name] ?? 0, stderr);
      assert.ok(command.name === 'quit' || command.name in other || stdout !== '', 'it says what it did');
      assert.doesNotMatch(stderr, /^(?:error|warning): |\n {4}at /m);
    });
});
