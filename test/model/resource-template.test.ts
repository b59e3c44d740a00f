/** What a resource template may say of checks and parameters, and what it becomes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { probeText } from '../../model/check.ts';
import type { CheckPlan } from '../../model/check.ts';
import { encodeHostMessage } from '../../model/guest-codec.ts';
import { defaultParameter, resourceTemplateSchema } from '../../model/resource-template.ts';

const base = {
  name: 'web',
  summary: 'Web',
  class: 'service',
  monitorIntervalMs: 10_000,
  families: { debian: { service: 'web', packages: ['web'] } },
  ports: [{ guestPort: 80, scheme: 'http' }],
};
const withCheck = (check: object) => resourceTemplateSchema.safeParse({ ...base, checks: [check] });
const planOf = (check: object): CheckPlan => {
  const result = withCheck({ name: 'c', ...check });
  return result.data?.checks[0] ?? assert.fail(JSON.stringify(result.error?.issues));
};
const complaintOf = (check: object): string => {
  const issue = withCheck({ name: 'c', ...check }).error?.issues[0];
  return `${issue?.path.join('.')}: ${issue?.message}`;
};

test('a template of before checks is as valid as it was', () => {
  const template = resourceTemplateSchema.parse(base);
  assert.deepEqual(template.checks, []);
  assert.deepEqual(template.parameters, []);
});

test('a check says little and gets what people mean', () => {
  assert.deepEqual(planOf({ http: { guestPort: 80 } }), {
    name: 'c',
    probe: { kind: 'http', guestPort: 80, path: '/', statusFrom: 200, statusTo: 399 },
    intervalMs: 10_000,
    timeoutMs: 5000,
    failuresNeeded: 3,
    startGraceMs: 30_000,
  });
});

test('a status is a number or a range', () => {
  const statusOf = (status: unknown) => {
    const { probe } = planOf({ http: { guestPort: 80, status } });
    return probe.kind === 'http' ? [probe.statusFrom, probe.statusTo] : [];
  };
  assert.deepEqual(statusOf(204), [204, 204]);
  assert.deepEqual(statusOf('200-399'), [200, 399]);
  assert.deepEqual(statusOf('404-404'), [404, 404]);
  for (const status of [99, 100, 600, '399-200', '200', '2xx', '200 - 399', '', null, [200]])
    assert.match(complaintOf({ http: { guestPort: 80, status } }), /^checks\.0\.http\.status: /);
});

test('what a check may not be is said where it is', () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /exactly one of http, tcp and command/],
    [{ http: { guestPort: 80 }, tcp: { guestPort: 80 } }, /exactly one/],
    [{ http: { guestPort: 81 } }, /checks\.0\.http\.guestPort: 81 is not in ports/],
    [{ tcp: { guestPort: 70_000 } }, /checks\.0\.tcp\.guestPort/],
    [{ http: { guestPort: 80, path: 'x' } }, /begin with a slash/],
    [{ http: { guestPort: 80, path: '/a b' } }, /spaces/],
    [{ http: { guestPort: 80, path: '/\r\nX: y' } }, /spaces/],
    [{ http: { guestPort: 80, bodyContains: 'a\nb' } }, /one line/],
    [{ command: { arguments: [] } }, /name a program/],
    [{ command: { arguments: ['true'] } }, /absolute path/],
    [{ command: { arguments: ['/bin/sh', '\u0007'] } }, /one line/],
    [{ command: { arguments: ['/bin/echo', ...Array.from({ length: 10 }, () => 'ä'.repeat(100))] } }, /long/],
    [{ tcp: { guestPort: 80 }, intervalMs: 999 }, /intervalMs/],
    [{ tcp: { guestPort: 80 }, timeoutMs: 11_000 }, /timeoutMs: must not be longer than intervalMs/],
    [{ tcp: { guestPort: 80 }, failuresNeeded: 0 }, /failuresNeeded/],
    [{ tcp: { guestPort: 80 }, startGraceMs: -1 }, /startGraceMs/],
    [{ tcp: { guestPort: 80 }, every: 3 }, /every/],
  ];
  for (const [check, words] of wrong) assert.match(complaintOf(check), words, JSON.stringify(check));
});

test('every command that a template may have fits into one line of the guest’s', () => {
  const words = ['/bin/echo', 'ä'.repeat(200), '%'.repeat(600), ' '.repeat(200)];
  const { probe } = planOf({ command: { arguments: words } });
  assert.ok(probe.kind === 'command');
  const run = { kind: 'run', id: 2 ** 31 - 1, timeoutMs: 60_000, environment: {} } as const;
  assert.ok(encodeHostMessage({ ...run, arguments: probe.arguments }).length <= 4096);
});

test('names of checks and of parameters are unique in a template', () => {
  const twice = { name: 'c', tcp: { guestPort: 80 } };
  const checks = resourceTemplateSchema.safeParse({ ...base, checks: [twice, twice] });
  assert.match(checks.error?.issues[0]?.message ?? '', /"c" is there twice/);
  const parameter = { name: 'p', summary: 'P' };
  const parameters = resourceTemplateSchema.safeParse({ ...base, parameters: [parameter, parameter] });
  assert.match(parameters.error?.issues[0]?.message ?? '', /"p" is there twice/);
});

test('a parameter has one default for all families, one for each, or none', () => {
  const parameters = [
    { name: 'a', summary: 'A', default: 'x' },
    { name: 'b', summary: 'B', default: { debian: 'y' } },
    { name: 'c', summary: 'C', required: true },
  ];
  const parsed = resourceTemplateSchema.parse({ ...base, parameters }).parameters;
  assert.deepEqual(
    parsed.map((parameter) => [defaultParameter(parameter, 'debian'), defaultParameter(parameter, 'rhel')]),
    [
      ['x', 'x'],
      ['y', undefined],
      [undefined, undefined],
    ],
  );
  const both = { name: 'd', summary: 'D', required: true, default: 'x' };
  assert.equal(resourceTemplateSchema.safeParse({ ...base, parameters: [both] }).success, false);
});

test('class ocf without an agent is refused', () => {
  assert.equal(resourceTemplateSchema.safeParse({ ...base, class: 'ocf' }).success, false);
});

test('a probe reads as what it asks', () => {
  assert.equal(
    probeText(planOf({ http: { guestPort: 80, path: '/up', status: 200, bodyContains: 'ok "yes"' } }).probe),
    'HTTP /up on port 80, status 200, with "ok \\"yes\\"" in its body',
  );
  assert.equal(probeText(planOf({ tcp: { guestPort: 80 } }).probe), 'TCP on port 80');
  assert.equal(
    probeText(planOf({ command: { arguments: ['/bin/x', '-a', 'b c'] } }).probe),
    'command /bin/x -a "b c"',
  );
});
