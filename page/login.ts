/** Logging in: a token for a session that the browser keeps, and ending it. */
import type { SessionAnswer } from '../model/session-api.ts';
import { AskError, getJson, send } from './http.ts';
import { h } from './node.ts';
import type { Child } from './node.ts';
import type { Session } from './state.ts';

/** Who is looking, as the service knows it. */
export async function readSession(): Promise<Session> {
  try {
    const { role, name } = await getJson<SessionAnswer>('/v1/session');
    return { kind: 'known', role, name };
  } catch (error) {
    if (error instanceof AskError && error.status === 401) return { kind: 'anonymous', why: null };
    // On the service's own socket there are no sessions: whoever may open it may do everything.
    if (error instanceof AskError && error.status === 404)
      return { kind: 'known', role: 'operate', name: null };
    throw error;
  }
}

/** @throws AskError for a token that is none, or any more */
export async function logIn(token: string): Promise<void> {
  await send('POST', '/v1/session', { token });
}

/** @throws AskError */
export async function logOut(): Promise<void> {
  await send('DELETE', '/v1/session');
}

/** @param refusal why the last token was not taken */
export function loginView(refusal: string | null): readonly Child[] {
  return [
    h(
      'form',
      { class: 'login', 'data-form': 'login', 'aria-labelledby': 'login-title' },
      h('h1', { id: 'login-title', tabindex: '-1' }, 'Log in'),
      h('p', {}, 'With a token that was made on the host:'),
      h(
        'pre',
        { tabindex: '0', 'aria-label': 'Command on the host' },
        'pcloud-cped token create --role operate --name NAME',
      ),
      h(
        'label',
        {},
        'Token',
        h('input', {
          type: 'password',
          name: 'token',
          required: true,
          autocomplete: 'current-password',
          spellcheck: 'false',
          maxlength: 512,
          'aria-describedby': 'login-refusal',
        }),
      ),
      h(
        'p',
        { id: 'login-refusal', role: 'alert', class: refusal === null ? '' : 'note tone-bad' },
        refusal ?? '',
      ),
      h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'strong' }, 'Log in')),
    ),
  ];
}
