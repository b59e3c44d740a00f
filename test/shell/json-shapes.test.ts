/**
 * `--json` of every command: lines with a version whose fields docs/pcloudsh.md names, and for an error as well. The
 * command table is the source, so a new command is asked too.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { commandTable } from '../../shell/command-table.ts';
import type { Command } from '../../shell/command.ts';
import { runLine } from '../../shell/run-line.ts';
import { connectServices } from '../../shell/services.ts';
import {
  exampleBuilderRoutes,
  exampleCpedRoutes,
  followIntent,
  guestHostKey,
  serviceFileText,
} from './example-routes.ts';
import { fakeServices } from './fake-services.ts';
import type { FakeServices } from './fake-services.ts';
import { recorder } from './ports-fake.ts';

const page = readFileSync(new URL('../../docs/pcloudsh.md', import.meta.url), 'utf8');
const shapes = page.slice(page.indexOf('## JSON'));
const lineSchema = z.looseObject({ version: z.literal(1) });
const errorSchema = lineSchema.extend({
  error: z.object({ code: z.string(), category: z.string(), message: z.string() }),
});

/** What the page says of a command's own fields; of one that does something, that it has `messages`. */
function documented(name: string): string {
  const rows = shapes.split('\n').filter((line) => line.startsWith('|'));
  return rows.find((row) => row.split('|')[1]?.includes(`\`${name}\``)) ?? '`messages`';
}

/** The example as JSON, its files in the directory of the test, and without going on and on. */
function lineOf({ name, example }: Command, directory: string): string {
  const rest = example
    .slice(name.length)
    .replace(/ --(?:follow|json)/, '')
    .replaceAll(/\bshop\.(?:pub|key|yaml)\b/g, (file) => path.join(directory, file));
  return `${name} --json${rest}`;
}

type Told = { readonly code: number; readonly lines: readonly unknown[]; readonly complained: string };

/** Types the line; what would go on is stopped once it has shown something. */
async function tell(command: Command, services: FakeServices): Promise<Told> {
  const operator = recorder({ answer: true });
  const { screen } = operator.context;
  const code = await runLine(lineOf(command, services.runtimeDirectory), {
    ...operator.context,
    services: connectServices({ PCLOUD_RUNTIME_DIR: services.runtimeDirectory }),
    screen: {
      ...screen,
      print: (lines) => {
        screen.print(lines);
        if (command.name === 'watch') operator.interrupt();
      },
    },
  });
  const lines: readonly unknown[] = operator.printed.map((line) => JSON.parse(line));
  return { code, lines, complained: operator.complained.join('\n') };
}

async function wellServices(t: TestContext): Promise<FakeServices> {
  const services = await fakeServices({ builder: exampleBuilderRoutes });
  t.after(async () => await services.close());
  Object.assign(services.cped.routes, exampleCpedRoutes('/dev/null', 1));
  followIntent(services.cped);
  await writeFile(path.join(services.runtimeDirectory, 'shop.pub'), `${guestHostKey}\n`);
  await writeFile(path.join(services.runtimeDirectory, 'shop.yaml'), serviceFileText);
  return services;
}

const without = ['assembly_ssh', 'help', 'quit'];
const asked = commandTable.filter(({ name }) => !without.includes(name));

test('every command has --json but those whose output is a program’s or for people alone', () => {
  for (const { name, options } of asked)
    assert.ok(
      options.some((option) => option.name === 'json'),
      name,
    );
});

for (const command of asked) {
  test(`${command.name} --json has a version and the fields that the page names`, async (t) => {
    const { code, lines, complained } = await tell(command, await wellServices(t));
    assert.equal(code, 0, complained);
    assert.ok(lines.length > 0, 'it prints JSON');
    for (const line of lines)
      for (const field of Object.keys(lineSchema.parse(line)))
        assert.ok(field === 'version' || documented(command.name).includes(`\`${field}\``), field);
  });

  test(`${command.name} --json says an error as JSON, too`, async (t) => {
    const services = await fakeServices({});
    t.after(async () => await services.close());
    await services.builder.stop();
    await services.cped.stop();
    if (command.name === 'watch') return;
    const { code, lines, complained } = await tell(command, services);
    assert.notEqual(code, 0);
    assert.notEqual(complained, '');
    if (command.name === 'status') lineSchema.parse(lines.at(-1));
    else errorSchema.parse(lines.at(-1));
  });
}
