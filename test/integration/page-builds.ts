/**
 * Builds for the page to look at: the real pcloud-builder, with records and logs in its image directory as a builder
 * writes them: one that has failed, one that is built, and one under way, whose builder is this process.
 */
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import { createHistory } from '../../builder/history.ts';
import { ownOwner } from '../../builder/owner.ts';
import type { BuildRecord } from '../../model/build-record.ts';
import { digestOf } from '../runtime/fixtures/world.ts';
import { builderProcess } from './builder-process.ts';

export type SampleBuilds = {
  readonly socketPath: string;
  readonly failed: string;
  readonly running: string;
  /** The one under way gets on, and says so in its log. */
  advance(percent: number, stepTitle: string, line: string): Promise<void>;
};

export async function sampleBuilds(t: TestContext): Promise<SampleBuilds> {
  const builder = await builderProcess();
  t.after(() => builder.dispose());
  await builder.start();
  const history = createHistory(builder.imageDirectory);
  await mkdir(history.directory, { recursive: true });
  const [failed, built, running] = [digestOf('failed'), digestOf('built'), digestOf('running')];
  const agoText = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const base = (digest: string, title: string, minutes: number): BuildRecord => ({
    digest,
    kind: 'jeos',
    title,
    state: 'built',
    progress: null,
    logPath: history.logPath(digest),
    error: null,
    requestedAt: agoText(minutes),
    finishedAt: agoText(minutes - 4),
    durationMs: 238_000,
    startedAt: agoText(minutes),
    steps: [{ step: 'fetch', title: 'Fetching the medium', startedAt: agoText(minutes), durationMs: 12_000 }],
    runsOn: null,
    earlier: [],
    request: null,
    requestedOn: null,
    requestedFor: null,
  });
  await history.write(base(built, 'JEOS debian12 x86_64', 90));
  await writeFile(history.logPath(built), 'I: success in 31.4 seconds\n');
  await history.write({
    ...base(failed, 'JEOS F16 x86_64', 45),
    state: 'failed',
    error: {
      code: 'install-stalled',
      category: 'failed',
      message: 'The installer of F16 x86_64 has written nothing to its disk for 10 minutes.',
      hint: '`build_log 3f` shows what it was doing; its last screen was kept.',
      facts: {},
    },
  });
  await writeFile(history.logPath(failed), 'anaconda: <b>waiting for</b> a key\n');
  const runsOn = { hostName: 'builder-1', owner: await ownOwner() };
  const write = (percent: number, stepTitle: string) =>
    history.writeRunning({
      ...base(running, 'assembly debian12 x86_64 (httpd)', 1),
      kind: 'assembly',
      state: 'active',
      progress: { percent, step: 'install', stepTitle, elapsedMs: percent * 400 },
      finishedAt: null,
      durationMs: null,
      runsOn,
    });
  await write(20, 'Unpacking the JEOS');
  await writeFile(history.logPath(running), 'I: starting\n');
  return {
    socketPath: `${builder.runtimeDirectory}/builder.sock`,
    failed,
    running,
    async advance(percent, stepTitle, line) {
      await write(percent, stepTitle);
      await appendFile(history.logPath(running), `${line}\n`);
    },
  };
}
