/**
 * The services themselves, and the connection to them, as lines for people. Pure.
 */
import type { CpedStatus } from '../model/cped-api.ts';
import { formatElapsed } from './duration.ts';
import type { FeedNotice } from './event-feed.ts';
import type { BuilderView } from './ports.ts';
import { printable } from './printable.ts';
import { renderWarning } from './render-message.ts';
import type { Style } from './style.ts';

/** `status`: a line or two a service; undefined is one that does not answer. */
export function renderServices(
  cped: CpedStatus | undefined,
  builder: BuilderView | undefined,
  nowMs: number,
  style: Style,
): readonly string[] {
  return [...cpedLines(cped, nowMs, style), ...builderLines(builder, style)];
}

function cpedLines(cped: CpedStatus | undefined, nowMs: number, style: Style): readonly string[] {
  if (cped === undefined) return [`pcloud-cped     ${style.red('does not answer')}`];
  const { hypervisor } = cped;
  const state = hypervisor.state === 'up' ? style.green('up') : style.red('down');
  return [
    `pcloud-cped     ${style.green('runs')}, version ${printable(cped.version)}, pid ${cped.pid}, for ${formatElapsed(nowMs - cped.startedAtMs)}`,
    `  hypervisor    ${printable(hypervisor.uri)} is ${state}`,
    `  accelerator   ${hypervisor.accelerator}: ${printable(hypervisor.acceleratorReason)}`,
    `  start limit   ${cped.startLimit === null ? 'as many at once as the host bears (default)' : `${cped.startLimit} at once`}`,
  ];
}

function builderLines(builder: BuilderView | undefined, style: Style): readonly string[] {
  if (builder === undefined) return [`pcloud-builder  ${style.red('does not answer')}`];
  return [
    `pcloud-builder  ${style.green('runs')}, version ${printable(builder.version)}`,
    `  queue         ${printable(builder.summary)}`,
  ];
}

/** What is said when the event stream goes or comes back. */
export function renderNotice(
  notice: Exclude<FeedNotice, { readonly kind: 'event' }>,
  style: Style,
): readonly string[] {
  switch (notice.kind) {
    case 'lost':
      return renderWarning(
        notice.wasThere
          ? `pcloud-cped is gone: ${notice.error.message}`
          : `No events: ${notice.error.message}`,
        notice.error.hint,
        style,
      );
    case 'back':
      return [`pcloud-cped is back (pid ${notice.pid}); events go on where they stopped`];
    case 'restarted':
      return [`pcloud-cped was restarted (pid ${notice.pid}); events go on where they stopped`];
  }
}
