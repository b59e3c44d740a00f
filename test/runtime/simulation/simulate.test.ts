/**
 * `pcloud-cped simulate`: a recorded journal replays to the same decisions, another policy to others, and a broken
 * file is refused with its line.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';
import { z } from 'zod';
import type { JournalEvent } from '../../../model/event.ts';
import { simulate } from '../../../runtime/simulation/command.ts';
import { readDefinition } from '../../../runtime/simulation/definition-file.ts';
import { happeningsOf, type TimedHappening } from '../../../runtime/simulation/journal-faults.ts';
import { readJournal } from '../../../runtime/simulation/journal-file.ts';
import { replay } from '../../../runtime/simulation/replay.ts';

const startMs = 1_767_225_600_000;
const directory = mkdtempSync(path.join(os.tmpdir(), 'pcloud-simulate-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const definitionText = `deployable: shop
assemblies:
  front: { resources: { web: {} } }
  back: { resources: { db: {} } }
`;
const plan = readDefinition(definitionText, 'shop.yaml');

function webDies(...seconds: readonly number[]): readonly TimedHappening[] {
  const of = { kind: 'resource-fails', assembly: 'front', resource: 'web', hard: false } as const;
  return seconds.map((second) => ({ ...of, atMs: second * 1000 }));
}

/** A day in the life: deaths, a hang, an outage of libvirt, and the operator. */
const day: readonly TimedHappening[] = [
  { kind: 'operator-starts', atMs: 0 },
  ...webDies(60, 80, 120),
  { kind: 'machine-hangs', assembly: 'back', atMs: 300_000 },
  { kind: 'libvirt-dies', atMs: 400_000 },
  { kind: 'libvirt-is-back', atMs: 420_000 },
  { kind: 'machine-dies', assembly: 'front', atMs: 500_000 },
  { kind: 'operator-stops', atMs: 700_000 },
];

async function recorded(): Promise<readonly JournalEvent[]> {
  return (await replay(plan, day, startMs)).events;
}

function write(name: string, text: string): string {
  const file = path.join(directory, name);
  writeFileSync(file, text);
  return file;
}

function lines(events: readonly JournalEvent[]): string {
  return `${events.map((event) => JSON.stringify(event)).join('\n')}\n`;
}

/** What was decided, without the times in the words. */
function decisions(events: readonly JournalEvent[]): readonly string[] {
  return events
    .filter(({ kind }) => /failed|escalation|blocked|fenced|stopped|hypervisor/.test(kind))
    .map(
      ({ kind, assembly, resource, facts }) => `${kind} ${assembly} ${resource} ${facts['failures'] ?? ''}`,
    );
}

test('a journal is read as pcloudsh writes it, and as the HTTP interface gives it', async () => {
  const events = await recorded();
  const asShell = events.map((event) => JSON.stringify({ version: 1, event })).join('\n');
  assert.deepEqual(readJournal(asShell, 'journal'), readJournal(lines(events), 'journal'));
});

test('a recorded journal replays to the same decisions, also through its file', async () => {
  const events = await recorded();
  const read = readJournal(lines(events), 'journal');
  const again = await replay(plan, happeningsOf(read, 'shop'), startMs);
  assert.deepEqual(again.passed, []);
  assert.deepEqual(decisions(again.events), decisions(events));
  assert.ok(decisions(events).length >= 10, decisions(events).join('\n'));
});

const columns = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      account: z.object({
        failures: z.number(),
        resourceRestarts: z.number(),
        assemblyRestarts: z.number(),
        escalations: z.number(),
        blockedAtMs: z.number().nullable(),
        downMs: z.record(z.string(), z.number()),
      }),
    }),
  ),
});

test('another policy has another outcome, side by side with what was done', async () => {
  const journal = write('day.jsonl', lines(await recorded()));
  const definition = write('shop.yaml', definitionText);
  const args = ['--journal', journal, '--definition', definition];
  const policy = [
    '--escalation',
    'resource=2/60s',
    '--escalation',
    'assembly=1/1h',
    '--escalation',
    'deployable=1/1h',
  ];
  const { columns: told } = columns.parse(JSON.parse(await simulate([...args, ...policy, '--json'])));
  assert.deepEqual(
    told.map(({ name }) => name),
    ['recorded', 'as defined', 'resource=2/60s assembly=1/3600s deployable=1/3600s'],
  );
  const [then, same, other] = told.map(({ account }) => account);
  assert.equal(then?.blockedAtMs, null);
  assert.deepEqual({ ...same, downMs: {} }, { ...then, downMs: {} });
  // The second death within a minute goes up all rungs at once, and a person is needed 80 s after the start.
  assert.ok(other?.blockedAtMs !== null && other !== undefined, 'it is blocked');
  assert.equal(Math.round((other.blockedAtMs - startMs) / 1000), 80);
  assert.ok((other.downMs['front'] ?? 0) > 10 * (then?.downMs['front'] ?? 0), JSON.stringify(other.downMs));
  const text = await simulate([...args, ...policy]);
  assert.match(text, /^What was done then:\n2026-01-01 00:00:00 {2}The deployable \[shop\] is STARTING\./);
  assert.match(text, /^blocked +no +no +2026-01-01 00:01:20$/m);
});

test('broken files are refused with their line, and by the program with exit code 2', async () => {
  const events = await recorded();
  const definition = write('shop.yaml', definitionText);
  const journal = write('good.jsonl', lines(events));
  const bad = write('bad.jsonl', `${lines(events.slice(0, 2))}{"seq": "three"}\n`);
  const cases: readonly (readonly [readonly string[], string, RegExp])[] = [
    [['--journal', bad, '--definition', definition], 'journal-broken', /bad\.jsonl, line 3: /],
    [['--journal', write('empty.jsonl', '\n'), '--definition', definition], 'journal-empty', /no event/],
    [
      [
        '--journal',
        journal,
        '--definition',
        write('typo.yaml', 'deployable: shop\nassemblies:\n  front: { resource: {} }\n'),
      ],
      'definition-broken',
      /typo\.yaml, line 3: assemblies\.front/,
    ],
    [
      ['--journal', journal, '--definition', write('no.yaml', 'deployable: [shop\n')],
      'definition-broken',
      /no\.yaml, line/,
    ],
    [
      ['--journal', journal, '--definition', write('other.yaml', 'deployable: other\nassemblies: {}\n')],
      'nothing-recorded',
      /it tells of: shop/,
    ],
    [
      ['--journal', journal, '--definition', definition, '--escalation', 'resource=0/60s'],
      'bad-escalation',
      /is no policy/,
    ],
    [['--journal', journal], 'bad-option', /needs --journal FILE and --definition FILE/],
    [
      ['--journal', journal, '--definition', path.join(directory, 'none')],
      'file-unreadable',
      /cannot be read/,
    ],
  ];
  for (const [args, code, message] of cases)
    await assert.rejects(simulate(args), (error: unknown) => {
      assert.ok(error instanceof Error && 'code' in error, 'an error with a code');
      assert.equal(error.code, code);
      assert.match(error.message, message);
      return true;
    });
  const main = path.resolve(import.meta.dirname, '../../../runtime/main.ts');
  const refused = await execa(
    process.execPath,
    [main, 'simulate', '--journal', bad, '--definition', definition],
    {
      reject: false,
    },
  );
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /line 3/);
  const good = await execa(process.execPath, [
    main,
    'simulate',
    '--journal',
    journal,
    '--definition',
    definition,
  ]);
  assert.match(good.stdout, /^failures +5 +5$/m);
});
