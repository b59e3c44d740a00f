/**
 * The page's life: one state, views of it brought into the document whenever it changes, and what the reader
 * does with it. Everything is listened to at the document, so that views stay plain values.
 */
import { roleRefusal } from './actions.ts';
import type { ActionName } from './actions.ts';
import { createBuildReader } from './build-reader.ts';
import { buildView, buildsView } from './builds-view.ts';
import type { Span } from './charts.ts';
import { chartsView } from './charts-view.ts';
import { askAndDo, showHelp } from './dialogs.ts';
import { drawArrows, drawScreens, followTails } from './drawing.ts';
import { banners, emptyState, foot, health, navigation, titleOf } from './frame-view.ts';
import { serviceNowMs, troubleFrom } from './http.ts';
import { incidentView } from './incident-view.ts';
import { incidentsView } from './incidents-view.ts';
import { listenToKeys } from './keys.ts';
import { logIn, logOut, loginView, readSession } from './login.ts';
import { machineView } from './machine-view.ts';
import type { Child } from './node.ts';
import { overviewView } from './overview-view.ts';
import { patch } from './patch.ts';
import { createReader } from './reader.ts';
import { parseRoute } from './route.ts';
import { applyTheme, keysOn, nextTheme, toggleKeys } from './settings.ts';
import { firstState } from './state.ts';
import type { State } from './state.ts';

let state: State = { ...firstState, nowMs: serviceNowMs(), route: parseRoute(location.hash) };
let loginRefusal: string | null = null;
let scheduled = false;
/** After a change of place, its headline gets the focus: whoever hears the page hears where they are. */
let headlineWanted = false;
let spokenSeq = 0;

const store = {
  state: () => state,
  change(change: (state: State) => State): void {
    state = change(state);
    schedule();
  },
};
const reader = createReader(store);
const readBuilds = createBuildReader(store);
/** Loopback addresses of the service's host lead there from this browser. */
const local = /^(?:localhost|127\.|\[::1\])/.test(location.hostname);

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(render);
}

function render(): void {
  scheduled = false;
  state = { ...state, nowMs: serviceNowMs() };
  const { session } = state;
  const loggedIn = session.kind !== 'anonymous';
  into('#nav', loggedIn ? navigation(state) : []);
  into('#health', loggedIn ? health(state) : []);
  into('#banners', loggedIn ? banners(state) : []);
  into('#main', loggedIn ? placeView() : loginView(loginRefusal ?? session.why));
  into('#foot', foot(state));
  document
    .querySelector('#logout')
    ?.toggleAttribute('hidden', state.session.kind !== 'known' || state.session.name === null);
  document.title = titleOf(state);
  speak();
  drawArrows();
  drawScreens();
  followTails();
  if (!headlineWanted) return;
  const headline = document.querySelector<HTMLElement>('#main h1');
  if (headline === null) return;
  headlineWanted = false;
  headline.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function into(selector: string, content: readonly (Child | null)[]): void {
  const element = document.querySelector(selector);
  if (element !== null)
    patch(
      element,
      content.filter((one) => one !== null),
    );
}

function placeView(): readonly (Child | null)[] {
  const { route } = state;
  switch (route.kind) {
    case 'overview':
      return overviewView(state);
    case 'machine':
      return machineView(state, route.assembly, local);
    case 'incidents':
      return incidentsView(state);
    case 'incident':
      return incidentView(state, route.id);
    case 'charts':
      return chartsView(state, chartWidthPx());
    case 'builds':
      return buildsView(state);
    case 'build':
      return buildView(state, route.digest);
    case 'unknown':
      return [
        emptyState(
          'There is no such place',
          `${route.text} leads nowhere here. The navigation above leads everywhere.`,
          [],
          'h1',
        ),
      ];
  }
}

/** What a chart has in the content, within its frame. */
function chartWidthPx(): number {
  const main = document.querySelector('#main');
  if (main === null) return 640;
  const { paddingLeft, paddingRight } = getComputedStyle(main);
  const inner = main.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
  return Math.max(240, Math.floor(inner - 38));
}

/** What went wrong or right is said aloud, once, by a region that only screen readers see. */
function speak(): void {
  const last = state.journal.findLast(
    ({ severity, kind }) => severity !== 'info' || kind.endsWith('-active'),
  );
  const region = document.querySelector('#spoken');
  if (last === undefined || region === null || last.seq <= spokenSeq) return;
  // What happened before the page was opened is no news.
  if (spokenSeq > 0 || state.link.kind === 'live') region.textContent = last.text;
  spokenSeq = last.seq;
}

function toast(text: string): void {
  const region = document.querySelector('#toasts');
  if (region === null) return;
  const note = document.createElement('p');
  note.textContent = text;
  region.append(note);
  setTimeout(() => note.remove(), 8000);
}

function goTo(): void {
  const route = parseRoute(location.hash);
  state = { ...state, route };
  headlineWanted = true;
  readBuilds(route);
  if (route.kind === 'incident') void reader.readStory(route.id);
  schedule();
}

async function begin(): Promise<void> {
  try {
    const session = await readSession();
    store.change((now) => ({ ...now, session }));
    if (session.kind === 'anonymous') return;
  } catch (error) {
    store.change((now) => ({
      ...now,
      trouble: troubleFrom(error),
      link: { kind: 'lost', sinceMs: serviceNowMs(), attempts: 1 },
    }));
    setTimeout(() => void begin(), 2000);
    return;
  }
  await reader.begin();
  const { route } = state;
  readBuilds(route);
  if (route.kind === 'incident') await reader.readStory(route.id);
}

document.addEventListener('click', (event) => {
  const clicked =
    event.target instanceof Element
      ? event.target.closest<HTMLElement>(
          '[data-action],[data-span],[data-close],[data-keys],#theme,#keys,#logout,.skip',
        )
      : null;
  if (clicked === null) return;
  const { action, target, span } = clicked.dataset;
  if (action !== undefined && target !== undefined) {
    const refusal =
      roleRefusal(state.session) ?? (clicked.getAttribute('aria-disabled') === 'true' ? clicked.title : null);
    if (refusal !== null) return toast(refusal);
    return askAndDo(state, { action: action as ActionName, target }, (text) => {
      toast(text);
      reader.soon();
    });
  }
  if (span !== undefined) return store.change((now) => ({ ...now, span: span as Span }));
  if (clicked.dataset['close'] !== undefined) return clicked.closest('dialog')?.close();
  if (clicked.dataset['keys'] !== undefined) {
    toggleKeys();
    clicked.closest('dialog')?.close();
    return showHelp(keysOn());
  }
  if (clicked.id === 'theme') {
    nextTheme();
    return applyTheme();
  }
  if (clicked.id === 'keys') return showHelp(keysOn());
  if (clicked.id === 'logout') {
    logOut().then(
      () => location.reload(),
      (error: unknown) => toast(troubleFrom(error).message),
    );
    return;
  }
  // The link to the content must not become a place of the page.
  event.preventDefault();
  document.querySelector<HTMLElement>('#main')?.focus();
});

document.addEventListener('input', (event) => {
  const field = event.target;
  if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) return;
  const name = field.dataset['filter'];
  if (name !== undefined) store.change((now) => ({ ...now, filter: { ...now.filter, [name]: field.value } }));
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method === 'dialog') return;
  event.preventDefault();
  if (form.dataset['form'] !== 'login') return;
  const token = form.querySelector<HTMLInputElement>('input[name=token]')?.value.trim() ?? '';
  logIn(token).then(
    () => {
      loginRefusal = null;
      headlineWanted = true;
      form.reset();
      store.change((now) => ({ ...now, session: { kind: 'unknown' } }));
      void begin();
    },
    (error: unknown) => {
      const { message, hint } = troubleFrom(error);
      loginRefusal = hint === undefined ? message : `${message} ${hint}`;
      schedule();
    },
  );
});

applyTheme();
listenToKeys();
addEventListener('hashchange', goTo);
new ResizeObserver(schedule).observe(document.body);
// Ages and durations go on by themselves.
setInterval(schedule, 1000);
schedule();
void begin();
