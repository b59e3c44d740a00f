/**
 * Whether what is on the screen is live: the state of the event stream, and since when it is not. Pure; it also
 * says how long to wait before the next attempt.
 */

export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  | { readonly kind: 'lost'; readonly sinceMs: number; readonly attempts: number };

export type LinkChange =
  { readonly kind: 'opened' } | { readonly kind: 'broke'; readonly atMs: number } | { readonly kind: 'left' };

/** `left`: on purpose, as when nobody is logged in any more. */
export function nextLink(state: LinkState, change: LinkChange): LinkState {
  switch (change.kind) {
    case 'opened':
      return { kind: 'live' };
    case 'left':
      return { kind: 'connecting' };
    case 'broke':
      return state.kind === 'lost'
        ? { ...state, attempts: state.attempts + 1 }
        : { kind: 'lost', sinceMs: change.atMs, attempts: 1 };
  }
}

/** Half a second at first, doubling, ten seconds at most: a service that restarts is back within one or two. */
export function retryDelayMs(state: LinkState): number {
  return state.kind === 'lost' ? Math.min(10_000, 500 * 2 ** (state.attempts - 1)) : 500;
}
