/** The builds: which there were and are, how far they are, why one failed, and the log of one. Pure. */
import type { Build } from '../model/builder-api.ts';
import { agoText, durationText, sizeText } from './format.ts';
import { emptyState, factList, troubleText } from './frame-view.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import { buildHref } from './route.ts';
import type { State } from './state.ts';
import { buildLooks, icon, pill } from './words.ts';
import type { Look } from './words.ts';

export function buildsView(state: State): readonly Child[] {
  const { builds, buildTrouble } = state;
  return [
    h('header', { class: 'place' }, h('h1', { tabindex: '-1' }, 'Builds')),
    buildTrouble === null
      ? null
      : h(
          'div',
          { class: 'banner tone-warn' },
          icon('warn'),
          h('p', {}, troubleText(buildTrouble), ' What runs is not touched by that.'),
        ),
    builds === null
      ? buildTrouble === null
        ? h('p', { class: 'loading' }, 'Asking the builder…')
        : null
      : builds.length === 0
        ? emptyState('No builds yet', 'The first image of a release is asked for in pcloudsh on the host:', [
            'jeos_create debian12 x86_64',
          ])
        : h(
            'ol',
            { class: 'builds', 'data-walk': true },
            [...builds].sort(activeThenNewest).map((build) => buildLine(state, build)),
          ),
  ].filter((one) => one !== null);
}

function lookOf({ state }: Pick<Build, 'state'>): Look {
  return buildLooks[state] ?? { word: state, tone: 'off' };
}

function activeThenNewest(a: Build, b: Build): number {
  const rank = ({ state }: Build): number => (state === 'active' ? 0 : state === 'waiting' ? 1 : 2);
  return rank(a) - rank(b) || Date.parse(b.requestedAt) - Date.parse(a.requestedAt);
}

function buildLine(state: State, build: Build): ViewNode {
  const { digest, title, error, durationMs, requestedAt, finishedAt } = build;
  const look = lookOf(build);
  return h(
    'li',
    { key: digest, class: `build tone-${look.tone}`, 'data-build': digest },
    h('div', { class: 'machine-head' }, h('h2', {}, h('a', { href: buildHref(digest) }, title)), pill(look)),
    progressOf(build),
    error === null ? null : h('p', { class: 'note small' }, error.message),
    h(
      'p',
      { class: 'quiet small' },
      finishedAt === null
        ? `asked for ${agoText(Date.parse(requestedAt), state.nowMs)}`
        : `ended ${agoText(Date.parse(finishedAt), state.nowMs)}`,
      durationMs === null ? null : `, took ${durationText(durationMs)}`,
      ', ',
      h('code', { title: digest }, digest.slice(0, 12)),
    ),
  );
}

function progressOf(build: Build): ViewNode | null {
  const { progress, state, title } = build;
  if (progress === null || state !== 'active') return null;
  return h(
    'div',
    { class: 'progress' },
    h('progress', { max: 100, value: progress.percent, 'aria-label': `Progress of ${title}` }),
    h(
      'span',
      { class: 'small' },
      `${Math.floor(progress.percent)} % – ${progress.stepTitle}, ${durationText(progress.elapsedMs)}`,
    ),
  );
}

export function buildView(state: State, digest: string): readonly Child[] {
  const { build, buildTrouble, buildLog } = state;
  const crumbs = h(
    'p',
    { class: 'crumbs' },
    h('a', { href: '#/builds' }, 'Builds'),
    ` / ${digest.slice(0, 12)}`,
  );
  if (build === null || build.digest !== digest)
    return [
      crumbs,
      h('header', { class: 'place' }, h('h1', { tabindex: '-1' }, `Build ${digest.slice(0, 12)}`)),
      buildTrouble === null
        ? h('p', { class: 'loading' }, 'Asking the builder…')
        : h('div', { class: 'banner tone-warn' }, icon('warn'), h('p', {}, troubleText(buildTrouble))),
    ];
  const { error, steps, runsOn } = build;
  return [
    crumbs,
    h('header', { class: 'place' }, h('h1', { tabindex: '-1' }, build.title), pill(lookOf(build))),
    progressOf(build),
    error === null
      ? null
      : h(
          'div',
          { class: 'banner tone-bad', role: 'group', 'aria-label': 'Why it failed' },
          icon('bad'),
          h('p', {}, h('strong', {}, error.message), error.hint === undefined ? null : ` ${error.hint}`),
        ),
    factList([
      ['Image', h('code', {}, digest.slice(0, 24))],
      ['Asked for', agoText(Date.parse(build.requestedAt), state.nowMs)],
      ['Took', build.durationMs === null ? null : durationText(build.durationMs)],
      ['Builder', runsOn?.hostName ?? null],
      ['Log', build.logPath === null ? null : h('code', {}, build.logPath)],
      ['Log size', build.logSizeBytes === null ? null : sizeText(build.logSizeBytes)],
      ['Kept', build.evidence.length === 0 ? null : build.evidence.map(({ name }) => name).join(', ')],
    ]),
    steps.length === 0
      ? null
      : h(
          'details',
          { class: 'story' },
          h('summary', {}, 'Steps'),
          h(
            'ol',
            { class: 'timeline' },
            steps.map(({ title, durationMs }) =>
              h(
                'li',
                {},
                h('time', {}, durationMs === null ? 'now' : durationText(durationMs)),
                h('span', {}, title),
              ),
            ),
          ),
        ),
    h(
      'h2',
      {},
      'Log ',
      h(
        'span',
        { class: 'quiet small' },
        buildLog === null ? '' : buildLog.ended === null ? 'as it is written' : 'complete',
      ),
    ),
    h(
      'pre',
      {
        class: 'console log',
        key: `log ${digest}`,
        tabindex: '0',
        'aria-label': 'Log of the build',
        'data-tail': true,
      },
      buildLog?.digest === digest && buildLog.text !== '' ? buildLog.text : 'No line yet.',
    ),
  ].filter((one) => one !== null);
}
