/** The two dialogs: asking before something is done, with its result; and the help. */
import { callOf, questionOf } from './actions.ts';
import type { ActionRequest, Call } from './actions.ts';
import { h } from './node.ts';
import { patch } from './patch.ts';
import { send, troubleFrom } from './http.ts';
import type { State, Trouble } from './state.ts';
import { troubleText } from './frame-view.ts';

export function dialogOpen(): boolean {
  return document.querySelector('dialog[open]') !== null;
}

/** Asks, does it, and says how that went; what was refused stays on the screen with the service's reason. */
export function askAndDo(state: State, request: ActionRequest, done: (text: string) => void): void {
  const dialog = document.querySelector<HTMLDialogElement>('#ask');
  if (dialog === null || dialog.open) return;
  const question = questionOf(state, request);
  let trouble: Trouble | null = null;
  let running = false;
  const show = (): void => patch(dialog, [formOf()]);
  const formOf = () =>
    h(
      'form',
      { method: 'dialog', 'data-form': 'ask' },
      h('h2', { id: 'ask-title' }, question.title),
      h('p', { id: 'ask-text' }, question.text),
      question.duration === null
        ? null
        : h(
            'label',
            {},
            'For how long',
            h('input', {
              name: 'duration',
              value: question.duration,
              autocomplete: 'off',
              spellcheck: 'false',
              maxlength: 40,
              'aria-describedby': 'ask-duration',
            }),
            h(
              'span',
              { id: 'ask-duration', class: 'quiet small' },
              'Such as 30m, 2h or 1d. Empty: until it is cleared.',
            ),
          ),
      h(
        'div',
        { role: 'alert' },
        trouble === null ? null : h('p', { class: 'note tone-bad' }, troubleText(trouble)),
      ),
      h(
        'div',
        { class: 'buttons' },
        h('button', { key: 'no', type: 'button', 'data-close': true }, 'Cancel'),
        h(
          'button',
          {
            key: 'yes',
            type: 'submit',
            class: question.danger ? 'danger strong' : 'strong',
            'aria-disabled': running ? 'true' : undefined,
          },
          running ? 'Asking…' : question.confirm,
        ),
      ),
    );
  const submit = (event: Event): void => {
    event.preventDefault();
    if (running) return;
    const call = callOf(request, dialog.querySelector<HTMLInputElement>('input[name=duration]')?.value ?? '');
    if (typeof call === 'string') {
      trouble = { code: 'bad-duration', message: call, hint: undefined };
      return show();
    }
    running = true;
    trouble = null;
    show();
    void carryOut(call);
  };
  const carryOut = async (call: Call): Promise<void> => {
    try {
      await send('POST', call.path, call.body);
      dialog.close();
      done(call.done);
    } catch (error) {
      running = false;
      trouble = troubleFrom(error);
      show();
    }
  };
  const closed = new AbortController();
  dialog.addEventListener('submit', submit, { signal: closed.signal });
  dialog.addEventListener('close', () => closed.abort(), { once: true });
  // A form of the last question would keep what was written into it.
  dialog.replaceChildren();
  show();
  dialog.showModal();
  dialog.querySelector<HTMLElement>(question.duration === null ? '[data-close]' : 'input')?.focus();
}

const shortcuts: readonly (readonly [string, string])[] = [
  ['o', 'overview'],
  ['i', 'incidents'],
  ['c', 'charts'],
  ['b', 'builds'],
  ['j  k', 'down and up in a list'],
  ['/', 'find in the incidents'],
  ['t', 'theme: as the system, dark, light'],
  ['Esc', 'back to the list, or close this'],
  ['?', 'this help'],
];

/** @param keysOn whether the shortcuts of one letter are on; they get in the way of who dictates */
export function showHelp(keysOn: boolean): void {
  const dialog = document.querySelector<HTMLDialogElement>('#help');
  if (dialog === null || dialog.open) return;
  patch(dialog, [
    h(
      'form',
      { method: 'dialog' },
      h('h2', { id: 'help-title' }, 'Keys'),
      h(
        'dl',
        { class: 'keys' },
        shortcuts.map(([key, text]) =>
          h(
            'div',
            {},
            h(
              'dt',
              {},
              key.split('  ').map((one) => h('kbd', {}, one)),
            ),
            h('dd', {}, text),
          ),
        ),
      ),
      h(
        'p',
        { class: 'small' },
        'Everything is reached with Tab, too, and done with Enter or the space bar.',
      ),
      h(
        'p',
        {},
        h(
          'button',
          { type: 'button', 'data-keys': true, 'aria-pressed': String(keysOn) },
          keysOn ? 'Shortcuts are on' : 'Shortcuts are off',
        ),
      ),
      h('div', { class: 'buttons' }, h('button', { key: 'yes', type: 'submit', class: 'strong' }, 'Close')),
    ),
  ]);
  dialog.showModal();
}
