/** The charts: restarts by rung, recovery times, and the same as a table for whoever does not see them. Pure. */
import { axisOf, bucketsOf, columnOf, countSteps, stackOf, summaryOf, timeStepsMs, yOf } from './charts.ts';
import type { Bucket, Plot, Span } from './charts.ts';
import { durationText } from './format.ts';
import { emptyState } from './frame-view.ts';
import { h } from './node.ts';
import type { Child, ViewNode } from './node.ts';
import type { State } from './state.ts';

/** Narrower than this, labels would run into each other. */
const wideEnough = 640;
const heightPx = 230;

function plotOf(widthPx: number): Plot {
  return { left: 52, top: 12, width: widthPx - 64, height: heightPx - 48 };
}
const rungs = ['resource', 'assembly', 'deployable'] as const;

/** @param widthPx that a chart has on the screen: drawn in its own size, its text is as large as all text */
export function chartsView(state: State, widthPx: number): readonly Child[] {
  const { span, nowMs } = state;
  const incidents = [...state.incidents.values()];
  const buckets = bucketsOf(incidents, span, nowMs);
  const { restarts, recovered, medianMs, worstMs } = summaryOf(incidents, span, nowMs);
  const figure = (label: string, value: string): ViewNode =>
    h('div', { class: 'figure' }, h('dt', {}, label), h('dd', {}, value));
  return [
    h('header', { class: 'place' }, h('h1', { tabindex: '-1' }, 'Charts'), spanChoice(span)),
    h(
      'dl',
      { class: 'figures' },
      figure('restarts', String(restarts)),
      figure('recovered', String(recovered)),
      figure('median recovery', medianMs === null ? '–' : durationText(medianMs)),
      figure('worst recovery', worstMs === null ? '–' : durationText(worstMs)),
    ),
    restarts === 0 && recovered === 0
      ? emptyState(
          'Nothing was restarted',
          `In the last ${spanText(span)} nothing had to be. Older incidents:`,
          ['incident_list --since 30d'],
        )
      : [
          restartsChart(buckets, span, widthPx),
          recoveryChart(buckets, span, widthPx),
          tableOf(buckets, span),
        ],
  ].flat();
}

function spanText(span: Span): string {
  return span === '24h' ? '24 hours' : '14 days';
}

function spanChoice(span: Span): ViewNode {
  const one = (value: Span, label: string): ViewNode =>
    h(
      'button',
      { key: value, type: 'button', 'data-span': value, 'aria-pressed': String(value === span) },
      label,
    );
  return h(
    'div',
    { class: 'choice', role: 'group', 'aria-label': 'Time shown' },
    one('24h', '24 hours'),
    one('14d', '14 days'),
  );
}

function restartsChart(buckets: readonly Bucket[], span: Span, widthPx: number): ViewNode {
  const plot = plotOf(widthPx);
  const highest = Math.max(...buckets.map((one) => one.resource + one.assembly + one.deployable));
  const axis = axisOf(Math.max(1, highest), countSteps);
  const top = axis.at(-1) ?? 1;
  return chart(
    'restarts',
    widthPx,
    `Restarts per ${span === '24h' ? 'hour' : 'day'}`,
    'Each counted where it was done: of a resource in its machine, of a machine, or of a whole deployable.',
    [
      ...axis.map((value) => gridLine(plot, value, top, String(value))),
      ...buckets.flatMap((bucket, index) => {
        const values = rungs.map((rung) => bucket[rung]);
        return stackOf(plot, columnOf(plot, index, buckets.length), values, top).map((bar, at) =>
          bar === undefined
            ? null
            : h(
                'rect',
                { class: `bar bar-${rungs[at] ?? ''}`, ...bar },
                h('title', {}, `${startText(bucket, span)}: ${values[at] ?? 0} ${rungs[at] ?? ''}`),
              ),
        );
      }),
      ...timeLabels(plot, buckets, span),
    ],
    rungs.map((rung) => legend(`bar-${rung}`, rung)),
  );
}

function recoveryChart(buckets: readonly Bucket[], span: Span, widthPx: number): ViewNode {
  const plot = plotOf(widthPx);
  const axis = axisOf(Math.max(1, ...buckets.map((one) => one.worstMs ?? 0)), timeStepsMs);
  const top = axis.at(-1) ?? 1;
  return chart(
    'recovery',
    widthPx,
    'Time to recover',
    'From the first sign of a failure to the moment it was mended.',
    [
      ...axis.map((value) =>
        gridLine(plot, value, top, value === 0 ? '0' : durationText(value).replace('.0 s', ' s')),
      ),
      ...buckets.flatMap((bucket, index) => {
        const { medianMs, worstMs } = bucket;
        if (medianMs === null || worstMs === null) return [];
        const column = columnOf(plot, index, buckets.length);
        const x = column.x + column.width / 2;
        const [middle, high] = [yOf(plot, medianMs, top), yOf(plot, worstMs, top)];
        return [
          h('line', { class: 'whisker', x1: x, x2: x, y1: middle, y2: high }),
          h(
            'line',
            { class: 'whisker', x1: x - 5, x2: x + 5, y1: high, y2: high },
            h('title', {}, `${startText(bucket, span)}: worst ${durationText(worstMs)}`),
          ),
          h(
            'circle',
            { class: 'median', cx: x, cy: middle, r: 4.5 },
            h('title', {}, `${startText(bucket, span)}: median ${durationText(medianMs)}`),
          ),
        ];
      }),
      ...timeLabels(plot, buckets, span),
    ],
    [legend('median', 'median'), legend('whisker', 'worst')],
  );
}

function chart(
  key: string,
  widthPx: number,
  title: string,
  text: string,
  marks: readonly (Child | null)[],
  legends: readonly Child[],
): ViewNode {
  return h(
    'figure',
    { key, class: 'chart' },
    h('figcaption', {}, h('h2', {}, title), h('p', { class: 'quiet small' }, text)),
    // Read as one picture: the numbers are in the table below it.
    h(
      'svg',
      {
        viewBox: `0 0 ${widthPx} ${heightPx}`,
        role: 'img',
        'aria-label': `${title}; the numbers are in the table below`,
      },
      marks,
    ),
    h('p', { class: 'legends small' }, legends),
  );
}

function legend(mark: string, label: string): ViewNode {
  return h(
    'span',
    { class: 'legend' },
    h(
      'svg',
      { viewBox: '0 0 12 12', class: 'swatch', 'aria-hidden': 'true' },
      h(
        mark === 'median' ? 'circle' : 'rect',
        mark === 'median'
          ? { class: mark, cx: 6, cy: 6, r: 4 }
          : mark === 'whisker'
            ? { class: mark, x: 5, y: 0, width: 2, height: 12 }
            : { class: `bar ${mark}`, x: 1, y: 1, width: 10, height: 10 },
      ),
    ),
    label,
  );
}

function gridLine(plot: Plot, value: number, top: number, label: string): ViewNode {
  const y = yOf(plot, value, top);
  return h(
    'g',
    { class: 'grid' },
    h('line', { x1: plot.left, x2: plot.left + plot.width, y1: y, y2: y }),
    h('text', { x: plot.left - 8, y: y + 4, 'text-anchor': 'end' }, label),
  );
}

/** Not every hour and day: they would run into each other. */
function timeLabels(plot: Plot, buckets: readonly Bucket[], span: Span): readonly ViewNode[] {
  const narrow = plot.width < wideEnough;
  const every = span === '24h' ? (narrow ? 6 : 3) : narrow ? 3 : 1;
  return buckets.flatMap((bucket, index) => {
    if ((buckets.length - 1 - index) % every !== 0) return [];
    const column = columnOf(plot, index, buckets.length);
    return [
      h(
        'text',
        {
          class: 'label',
          x: column.x + column.width / 2,
          y: plot.top + plot.height + 20,
          'text-anchor': 'middle',
        },
        startText(bucket, span),
      ),
    ];
  });
}

function startText({ startMs }: Bucket, span: Span): string {
  const at = new Date(startMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return span === '24h' ? `${two(at.getHours())}:00` : `${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function tableOf(buckets: readonly Bucket[], span: Span): ViewNode {
  const rows = buckets.filter(
    (one) => one.resource + one.assembly + one.deployable > 0 || one.medianMs !== null,
  );
  const cell = (text: string): ViewNode => h('td', {}, text);
  const time = (ms: number | null): ViewNode => cell(ms === null ? '–' : durationText(ms));
  return h(
    'details',
    { class: 'numbers' },
    h('summary', {}, 'The numbers'),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'The numbers of the charts' },
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['From', ...rungs, 'median', 'worst'].map((name) => h('th', { scope: 'col' }, name)),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map((one) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, startText(one, span)),
              rungs.map((rung) => cell(String(one[rung]))),
              time(one.medianMs),
              time(one.worstMs),
            ),
          ),
        ),
      ),
    ),
  );
}
