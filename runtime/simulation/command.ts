/**
 * `pcloud-cped simulate`: what a recorded journal's troubles would have led to under the policies of a definition,
 * or under others. Offline: it reads two files and writes to its output, and touches nothing else.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { EscalationPolicy } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import type { JournalEvent } from '../../model/event.ts';
import type { DeployablePlan } from '../control.ts';
import { accountOf, type Account } from './account.ts';
import { readDefinition, readPolicy, withPolicies, type Policies } from './definition-file.ts';
import { deployablesIn, happeningsOf } from './journal-faults.ts';
import { readJournal } from './journal-file.ts';
import { replay } from './replay.ts';

export const simulateUsage = `Usage: pcloud-cped simulate --journal FILE --definition FILE [--escalation RUNG=FAILURES/PERIOD]... [--json]

Plays the failures of a recorded journal (pcloudsh events --json) against a definition, offline, and says what would be
done. Each --escalation sets one rung anew: resource=3/60s, assembly=2/1h, deployable=never.
A definition is YAML or JSON; what it leaves out has the defaults:
  deployable: shop
  assemblies:
    front:
      escalation: { failures: 3, periodMs: 3600000 }
      dependsOn: [{ assembly: back }]
      resources: { web: { escalation: never } }
    back: { resources: { db: {} } }
`;

type Column = {
  readonly name: string;
  readonly events: readonly JournalEvent[];
  /** Happenings that did not concern anything that ran this time; null for the record itself. */
  readonly passed: number | null;
  readonly account: Account;
};

/**
 * Runs it and returns what is to be printed.
 * @throws PcloudError `bad-option`, `file-unreadable`, `journal-broken`, `definition-broken`, `bad-escalation`,
 *   `nothing-recorded`.
 */
export async function simulate(args: readonly string[]): Promise<string> {
  const options = readOptions(args);
  const events = readJournal(await readText(options.journal), path.basename(options.journal));
  const plan = readDefinition(await readText(options.definition), path.basename(options.definition));
  const columns = await play(plan, events, options.policies);
  return options.json ? jsonOf(plan, columns) : textOf(plan, columns);
}

function readOptions(args: readonly string[]): {
  readonly journal: string;
  readonly definition: string;
  readonly policies: Policies | null;
  readonly json: boolean;
} {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        journal: { type: 'string' },
        definition: { type: 'string' },
        escalation: { type: 'string', multiple: true, default: [] },
        json: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    throw badOption(error instanceof Error ? error.message : 'an option is not known');
  }
  const { journal, definition, escalation, json } = values;
  if (journal === undefined || definition === undefined)
    throw badOption('simulate needs --journal FILE and --definition FILE');
  const policies = escalation.length === 0 ? null : Object.assign({}, ...escalation.map(readPolicy));
  return { journal, definition, policies: policies as Policies | null, json };
}

function badOption(why: string): PcloudError {
  return new PcloudError({
    code: 'bad-option',
    category: 'invalid',
    message: `${why.split('\n', 1).join('').replace(/\.$/, '')}.`,
    hint: '`pcloud-cped simulate --help` shows what it takes.',
  });
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new PcloudError({
      code: 'file-unreadable',
      category: 'invalid',
      message: `${file} cannot be read: ${error instanceof Error ? error.message : 'unknown error'}.`,
      cause: error,
    });
  }
}

async function play(
  plan: DeployablePlan,
  events: readonly JournalEvent[],
  policies: Policies | null,
): Promise<readonly Column[]> {
  const happenings = happeningsOf(events, plan.name);
  if (!happenings.some(({ kind }) => kind === 'operator-starts'))
    throw new PcloudError({
      code: 'nothing-recorded',
      category: 'invalid',
      message: `The journal does not tell that the deployable ${plan.name} ever ran (it tells of: ${deployablesIn(events).join(', ') || 'none'}).`,
      hint: 'The definition’s `deployable` is the name of the one in the journal.',
    });
  const startMs = events[0]?.atMs ?? 0;
  const untilMs = events.at(-1)?.atMs ?? startMs;
  const own = events.filter(({ deployable }) => deployable === null || deployable === plan.name);
  const recorded: Column = {
    name: 'recorded',
    events: own,
    passed: null,
    account: accountOf(own, plan.name, untilMs),
  };
  const column = async (name: string, of: DeployablePlan): Promise<Column> => {
    const played = await replay(of, happenings, startMs);
    return {
      name,
      events: played.events,
      passed: played.passed.length,
      account: accountOf(played.events, plan.name, untilMs),
    };
  };
  const asDefined = await column('as defined', plan);
  if (policies === null) return [recorded, asDefined];
  return [recorded, asDefined, await column(policiesText(policies), withPolicies(plan, policies))];
}

function policiesText(policies: Policies): string {
  return Object.entries(policies)
    .map(([rung, policy]) => `${rung}=${policyText(policy)}`)
    .join(' ');
}

function policyText(policy: EscalationPolicy): string {
  return policy === 'never' ? policy : `${policy.failures}/${policy.periodMs / 1000}s`;
}

function jsonOf(plan: DeployablePlan, columns: readonly Column[]): string {
  return `${JSON.stringify({ deployable: plan.name, columns }, undefined, 2)}\n`;
}

function textOf(plan: DeployablePlan, columns: readonly Column[]): string {
  const logs = columns.map(({ name, events }) =>
    [`${headline(name)}:`, ...events.map((event) => `${timeText(event.atMs)}  ${event.text}`), ''].join('\n'),
  );
  return `${logs.join('\n')}\n${tableOf(plan, columns)}`;
}

function headline(name: string): string {
  return name === 'recorded' ? 'What was done then' : `What would be done, ${name}`;
}

/** Universal time: a journal may come from another host. */
function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('T', ' ').slice(0, 19);
}

function tableOf(plan: DeployablePlan, columns: readonly Column[]): string {
  const line = (label: string, of: (column: Column) => string): readonly string[] => [
    label,
    ...columns.map(of),
  ];
  const rows = [
    line('', ({ name }) => name),
    line('failures', ({ account }) => String(account.failures)),
    line('restarts of resources', ({ account }) => String(account.resourceRestarts)),
    line('restarts of assemblies', ({ account }) => String(account.assemblyRestarts)),
    line('restarts of the deployable', ({ account }) => String(account.deployableRestarts)),
    line('escalations', ({ account }) => String(account.escalations)),
    line('blocked', ({ account }) => (account.blockedAtMs === null ? 'no' : timeText(account.blockedAtMs))),
    ...plan.assemblies.map(({ name }) =>
      line(`${name} down`, ({ account }) => `${((account.downMs[name] ?? 0) / 1000).toFixed(1)} s`),
    ),
    line('could not happen', ({ passed }) => (passed === null ? '' : String(passed))),
  ];
  const widths = rows[0]?.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0))) ?? [];
  return `${rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')}\n`;
}
