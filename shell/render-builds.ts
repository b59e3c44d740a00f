/**
 * Builds as people read them: the list, and one of them in full. Pure.
 */
import { formatBytes, formatClock, formatElapsed } from './duration.ts';
import type { BuildDetailView, BuildStepView, BuildView } from './ports.ts';
import { printable, printableLines } from './printable.ts';
import { shortDigest } from './render-images.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';

export function renderBuilds(builds: readonly BuildView[], view: View): readonly string[] {
  const lines = renderTable(
    {
      header: ['IMAGE', 'STATE', 'DONE', 'WHEN', 'WHAT'],
      rows: builds.map((build) => [
        shortDigest(build.digest),
        build.state,
        build.percent === null ? '-' : `${Math.floor(build.percent)}%`,
        formatClock(build.sinceMs, view.nowMs),
        build.step === null || build.state !== 'active' ? build.title : `${build.title}: ${build.step}`,
      ]),
    },
    view.columns,
  );
  const errors = builds.flatMap((build) =>
    build.error === null ? [] : [`  ${shortDigest(build.digest)}: ${printable(build.error)}${logOf(build)}`],
  );
  return [...lines, ...errors];
}

function logOf(build: BuildView): string {
  return build.logPath === null ? '' : ` (log: ${printable(build.logPath)})`;
}

const labelWidth = 10;

/** All about one build, ending with the last lines of its log. */
export function renderBuild(build: BuildDetailView, view: View): readonly string[] {
  const facts: readonly (readonly [label: string, text: string | null])[] = [
    ['build', build.digest],
    ['what', `${build.kind === 'jeos' ? 'JEOS' : 'assembly image'} ${build.title}`],
    ['state', stateText(build)],
    ['asked', askedText(build, view.nowMs)],
    ['for', build.requestedFor === null ? null : `assembly image ${shortDigest(build.requestedFor)}`],
    ['runs on', placeText(build)],
    ['took', timeText(build, view.nowMs)],
    ['attempts', build.attempts > 1 ? String(build.attempts) : null],
    ['log', logText(build)],
  ];
  return [
    ...facts.flatMap(([label, text]) =>
      text === null ? [] : [`${label.padEnd(labelWidth)} ${printable(text)}`],
    ),
    ...errorLines(build, view),
    ...earlierLines(build, view.nowMs),
    ...stepLines(build.steps, view),
    ...evidenceLines(build),
    ...(build.logTail.length === 0
      ? []
      : ['', 'the end of its log:', ...build.logTail.map((line) => `  ${plainLine(line)}`)]),
  ];
}

function stateText({ state, percent, step }: BuildDetailView): string {
  if (state !== 'active' || percent === null) return state;
  return `${state}, ${Math.floor(percent)} %${step === null ? '' : `: ${step}`}`;
}

function askedText(build: BuildDetailView, nowMs: number): string {
  const what = build.asked === null ? '' : `, as ${build.asked}`;
  const where = build.requestedOn === null ? '' : `, on ${build.requestedOn}`;
  return `${formatClock(build.requestedAtMs, nowMs)}${what}${where}`;
}

function placeText({ runsOn }: BuildDetailView): string | null {
  return runsOn === null ? null : `${runsOn.hostName}, pcloud-builder with pid ${runsOn.pid}`;
}

function timeText(build: BuildDetailView, nowMs: number): string | null {
  if (build.durationMs !== null) return formatElapsed(build.durationMs);
  if (build.state !== 'active' || build.startedAtMs === null) return null;
  return `${formatElapsed(nowMs - build.startedAtMs)} until now`;
}

function logText({ logPath, logSizeBytes }: BuildDetailView): string | null {
  if (logPath === null) return null;
  return logSizeBytes === null ? logPath : `${logPath} (${formatBytes(logSizeBytes)})`;
}

function errorLines({ error, hint }: BuildDetailView, { style }: View): readonly string[] {
  if (error === null) return [];
  const hints = hint === null ? [] : printableLines(`hint: ${hint}`);
  return ['', `${style.red('error:')} ${printable(error)}`, ...hints.map((line) => `  ${line}`)];
}

function earlierLines({ earlier }: BuildDetailView, nowMs: number): readonly string[] {
  if (earlier.length === 0) return [];
  return [
    '',
    'attempts before:',
    ...earlier.map(({ startedAtMs, hostName, reason }) => {
      const when = startedAtMs === null ? '-' : formatClock(startedAtMs, nowMs);
      return `  ${when}${hostName === null ? '' : ` on ${printable(hostName)}`}: ${printable(reason)}`;
    }),
  ];
}

function stepLines(steps: readonly BuildStepView[], view: View): readonly string[] {
  if (steps.length === 0) return [];
  const rows = steps.map(({ startedAtMs, durationMs, title }) => [
    formatClock(startedAtMs, view.nowMs),
    durationMs === null ? `${formatElapsed(view.nowMs - startedAtMs)} …` : secondsText(durationMs),
    title,
  ]);
  return ['', ...renderTable({ header: ['STARTED', 'TOOK', 'STEP'], rows }, view.columns)];
}

/** Most steps take less than a second. */
function secondsText(durationMs: number): string {
  return durationMs < 60_000 ? `${(durationMs / 1000).toFixed(1)}s` : formatElapsed(durationMs);
}

function evidenceLines({ evidence, evidenceDirectory }: BuildDetailView): readonly string[] {
  if (evidenceDirectory === null) return [];
  return [
    '',
    `kept in ${printable(evidenceDirectory)}:`,
    ...evidence.map(({ name, sizeBytes }) => `  ${printable(name)} (${formatBytes(sizeBytes)})`),
  ];
}

/** A line of a log: tabs as blanks, and nothing that moves the cursor. */
export function plainLine(line: string): string {
  return printable(line.replaceAll('\t', '    '));
}
