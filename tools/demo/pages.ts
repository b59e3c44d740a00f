/**
 * The pages that the assemblies serve: where they are, whether they answer, and when they answer again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { StackLayout } from '../stack/layout.ts';
import type { Feedback } from './feedback.ts';
import type { Screen } from './screen.ts';
import type { DemoShell } from './shell.ts';

const statusSchema = z.object({
  deployables: z.array(
    z.object({
      assemblies: z.array(
        z.object({ name: z.string(), resources: z.array(z.object({ urls: z.array(z.string()) })) }),
      ),
    }),
  ),
});

export type DemoTools = {
  readonly layout: StackLayout;
  readonly screen: Screen;
  readonly shell: DemoShell;
  readonly feedback: Feedback;
  /** URL by assembly. */
  readonly pages: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
};

/** The URLs that `deployable_status` shows. */
export async function pagesOf(shell: DemoShell, deployable: string): Promise<ReadonlyMap<string, string>> {
  const { deployables } = statusSchema.parse(await shell.json(['deployable_status', deployable]));
  const assemblies = deployables.flatMap((one) => one.assemblies);
  return new Map(
    assemblies.flatMap((assembly) => {
      const url = assembly.resources.flatMap((resource) => resource.urls)[0];
      return url === undefined ? [] : [[assembly.name, url] as const];
    }),
  );
}

/** Whether the page answers 200 now; a fetch waits 2 s at most. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(2000),
      headers: { connection: 'close' },
    });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Refused, reset, or too slow: for the demo these are one thing, a page that is not there.
    return false;
  }
}

/** The wall time of the first 200. Polls, because nothing announces an HTTP server from outside. */
export async function awaitPage(tools: DemoTools, assembly: string, limitMs: number): Promise<number> {
  const url = urlOf(tools, assembly);
  const endMs = Date.now() + limitMs;
  while (Date.now() < endMs) {
    tools.signal.throwIfAborted();
    if (await answers(url)) return Date.now();
    await delay(20);
  }
  throw new Error(`${assembly} did not serve ${url} within ${limitMs / 1000} s`);
}

/** Checks for the whole time that the page stays away. */
export async function assertStaysAway(tools: DemoTools, assembly: string, forMs: number): Promise<void> {
  const url = urlOf(tools, assembly);
  const endMs = Date.now() + forMs;
  while (Date.now() < endMs) {
    tools.signal.throwIfAborted();
    if (await answers(url))
      throw new Error(`${assembly} served ${url} although nobody should have restarted it`);
    await delay(250);
  }
}

function urlOf(tools: DemoTools, assembly: string): string {
  const url = tools.pages.get(assembly);
  if (url === undefined) throw new Error(`deployable_status shows no URL for ${assembly}`);
  return url;
}

/** Fetches a page from each assembly and says so; a page that does not answer within a minute ends the demo. */
export async function fetchAll(tools: DemoTools, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await awaitPage(tools, name, 60_000);
    tools.screen.note(`${name}: GET ${urlOf(tools, name)} -> 200`);
  }
}
