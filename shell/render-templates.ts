/** Resource templates, for people: the list, and all of one. Pure. */
import { probeText } from '../model/check.ts';
import { formatPeriod } from '../model/duration.ts';
import type { TemplateDetails, TemplateView } from '../model/template-answers.ts';
import { printable } from './printable.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';

export function renderTemplates(templates: readonly TemplateView[], view: View): readonly string[] {
  return renderTable(
    {
      header: ['NAME', 'ON', 'CHECKS', 'FROM', 'WHAT'],
      rows: templates.map((template) => [
        template.name,
        template.families.join(' ') || 'nothing',
        template.checks.join(' ') || '-',
        template.origin === 'shipped' ? 'shipped' : 'yours',
        template.summary,
      ]),
    },
    view.columns,
  );
}

type Row = readonly [label: string, value: string];

/** A line for each fact. */
export function renderTemplate(template: TemplateDetails, view: View): readonly string[] {
  const { monitorIntervalMs, monitorTimeoutMs, startTimeoutMs, stopTimeoutMs, ports } = template;
  const rows: readonly Row[] = [
    ['file', template.file],
    ...(template.overrides === null ? [] : ([['', `takes the place of ${template.overrides}`]] as const)),
    ['class', template.ocfAgent === null ? template.class : `${template.class} ${template.ocfAgent}`],
    ...labelled(
      'on',
      Object.entries(template.families).map(
        ([family, { service, packages, files }]) =>
          `${family}: service ${service}, packages ${packages.join(' ') || 'none'}${files.length === 0 ? '' : `, files ${files.join(' ')}`}`,
      ),
    ),
    ['monitor', `every ${formatPeriod(monitorIntervalMs)}, within ${formatPeriod(monitorTimeoutMs)}`],
    ['start', `within ${formatPeriod(startTimeoutMs)}`],
    ['stop', `within ${formatPeriod(stopTimeoutMs)}`],
    ['ports', ports.map(({ guestPort, scheme }) => `${guestPort} (${scheme})`).join(', ') || 'none'],
    ...labelled('checks', template.checks.flatMap(checkLines)),
    ...labelled('parameters', template.parameters.flatMap(parameterLines)),
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    `${view.style.bold(template.name)}: ${printable(template.summary)}`,
    ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`.trimEnd()),
  ];
}

/** The label stands beside the first; `none` where there are none. */
function labelled(label: string, values: readonly string[]): readonly Row[] {
  return (values.length === 0 ? ['none'] : values).map((value, index) => [index === 0 ? label : '', value]);
}

function checkLines(check: TemplateDetails['checks'][number]): readonly string[] {
  const { name, probe, intervalMs, timeoutMs, failuresNeeded, startGraceMs } = check;
  const times = failuresNeeded === 1 ? 'once' : `${failuresNeeded} times in a row`;
  return [
    `${name}: ${probeText(probe)}`,
    `  every ${formatPeriod(intervalMs)}, within ${formatPeriod(timeoutMs)}; fails when bad ${times}, from ${formatPeriod(startGraceMs)} after its start`,
  ];
}

function parameterLines(parameter: TemplateDetails['parameters'][number]): readonly string[] {
  const { name, summary, required, defaults } = parameter;
  const values = [...new Set(Object.values(defaults))];
  const told =
    values.length === 1
      ? [`default ${values[0]}`]
      : Object.entries(defaults).map(([family, value]) => `default on ${family} ${value}`);
  return [`${name}${required ? ' (required)' : ''}: ${summary}`, ...told.map((line) => `  ${line}`)];
}
