/**
 * What can go wrong with a build's own guest, as errors for people. The facts come in; nothing is looked up here.
 */
import { PcloudError } from '../../model/errors.ts';

/** What was kept of a guest that failed. Null where there is none. */
export type Evidence = {
  readonly consolePath: string;
  readonly screenPath: string | null;
  readonly lastConsoleLine: string | null;
};

/** Thrown inside, where the evidence is not known yet. */
export class GuestTrouble extends Error {
  readonly kind: 'guest-not-up' | 'guest-lost' | 'step-timeout';

  constructor(kind: GuestTrouble['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

const hints: Readonly<Record<GuestTrouble['kind'], string>> = {
  'guest-not-up': 'Does the JEOS boot? `jeos_create` builds it anew; the console log holds what it said.',
  'guest-lost': 'Was QEMU killed, or the host out of memory? Ask for the image again to retry.',
  'step-timeout':
    'Is the host overloaded or the package archive very slow? Ask for the image again to retry.',
};

/** The trouble with its evidence. */
export function guestError(trouble: GuestTrouble, evidence: Evidence): PcloudError {
  const { consolePath, screenPath, lastConsoleLine } = evidence;
  const kept = screenPath === null ? consolePath : `${consolePath} and ${screenPath}`;
  const said =
    lastConsoleLine === null ? 'its console said nothing' : `last console line: ${lastConsoleLine}`;
  return new PcloudError({
    code: trouble.kind,
    category: 'failed',
    message: `${trouble.message} (${said}). Kept: ${kept}.`,
    hint: hints[trouble.kind],
    facts: { consolePath, ...(screenPath === null ? {} : { screenPath }) },
    cause: trouble,
  });
}

export function packageMissing(name: string): PcloudError {
  return new PcloudError({
    code: 'package-missing',
    category: 'invalid',
    message: `The package archive of the guest has no package ${name}.`,
    hint: "Correct the package's name in the resource template, or add the repository that has it to the JEOS.",
    facts: { package: name },
  });
}

export function archiveUnreachable(words: string): PcloudError {
  return new PcloudError({
    code: 'archive-unreachable',
    category: 'unavailable',
    message: `The guest cannot reach its package archive: ${words}`,
    hint: 'Check the network of this host and the sources that the JEOS was built with. A build tries three times by itself; `build_retry` asks once more.',
  });
}

export function stepFailed(title: string, how: string, tail: readonly string[]): PcloudError {
  const words = tail
    .filter((line) => line.trim() !== '')
    .slice(-6)
    .join(' | ')
    .slice(-800);
  return new PcloudError({
    code: 'step-failed',
    category: 'failed',
    message: `The build step "${title}" in the guest ended ${how}: ${words === '' ? 'it said nothing' : words}`,
    hint: 'The build log holds all that it said.',
    facts: { step: title },
  });
}

export function agentTooOld(agentVersion: string): PcloudError {
  return new PcloudError({
    code: 'agent-too-old',
    category: 'conflict',
    message: `The agent in the JEOS (${agentVersion}) cannot run programs for a build; 0.2.0 and later can.`,
    hint: 'Build the JEOS anew with `jeos_create RELEASE ARCH`.',
    facts: { agentVersion },
  });
}
