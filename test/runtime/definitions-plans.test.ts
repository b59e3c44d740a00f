/** From definitions and templates to what the supervisor runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssemblyDefinition, DeployableDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { resourceTemplateSchema } from '../../model/resource-template.ts';
import { planDeployable, planResource } from '../../runtime/plans.ts';
import { parametersOf } from '../../runtime/template-parameters.ts';

const httpd = resourceTemplateSchema.parse({
  name: 'httpd',
  summary: 's',
  class: 'service',
  monitorIntervalMs: 10_000,
  families: {
    debian: { service: 'apache2', packages: ['apache2'] },
    rhel: { service: 'httpd', packages: ['httpd'] },
  },
});
const pgsql = resourceTemplateSchema.parse({
  name: 'postgresql',
  summary: 's',
  class: 'ocf',
  ocfAgent: 'heartbeat:pgsql',
  monitorIntervalMs: 40_000,
  families: { rhel: { service: 'postgresql', packages: ['postgresql-server'] } },
});
const templates = new Map([httpd, pgsql].map((template) => [template.name, template]));

const assembly = (name: string, ...resources: readonly string[]): AssemblyDefinition => ({
  name,
  release: 'r',
  architecture: 'x86_64',
  uuid: '00000000-0000-4000-8000-000000000001',
  macAddress: '52:54:00:00:00:01',
  memoryMiB: 128,
  vcpus: 1,
  ports: [],
  disks: [],
  networks: [],
  transport: { kind: 'agent' },
  imported: null,
  imageDigest: null,
  escalation: 'never',
  resources: resources.map((template) => ({
    name: `${name}-${template}`,
    template,
    escalation: { failures: 2, periodMs: 1000 },
    parameters: {},
    watching: {},
    dependsOn: [],
  })),
  dependsOn: [],
});
const deployable: DeployableDefinition = {
  name: 'dep1',
  monitoring: 'pm',
  intent: 'up',
  escalation: 'never',
  assemblies: ['a', 'b'],
};

const servicesOn = (family: 'debian' | 'rhel' | 'fedora', init: 'systemd' | 'sysv', template: string) => {
  const { plan, problems } = planDeployable({
    deployable: { ...deployable, assemblies: ['a'] },
    assemblies: [assembly('a', template)],
    templates,
    imageOf: () => ({ family, init }),
  });
  const resource = plan.assemblies[0]?.resources[0];
  return resource === undefined ? problems[0]?.error.code : `${resource.class} ${resource.service}`;
};

test('a service is what the family calls it, spoken to by the init of the image', () => {
  assert.equal(servicesOn('debian', 'systemd', 'httpd'), 'systemd apache2');
  assert.equal(servicesOn('rhel', 'sysv', 'httpd'), 'lsb httpd');
  assert.equal(servicesOn('rhel', 'sysv', 'postgresql'), 'ocf heartbeat:pgsql');
  assert.equal(servicesOn('fedora', 'systemd', 'httpd'), 'template-not-for-family');
  assert.equal(servicesOn('debian', 'systemd', 'gone'), 'template-missing');
});

test('settings of the definition and times of the template reach the plan', () => {
  const { plan } = planDeployable({
    deployable,
    assemblies: [assembly('a', 'httpd')],
    templates,
    imageOf: () => ({ family: 'debian', init: 'systemd' }),
  });
  assert.deepEqual(plan, {
    name: 'dep1',
    monitoring: 'pm',
    intent: 'up',
    escalation: 'never',
    assemblies: [
      {
        name: 'a',
        escalation: 'never',
        resources: [
          {
            name: 'a-httpd',
            class: 'systemd',
            service: 'apache2',
            parameters: {},
            escalation: { failures: 2, periodMs: 1000 },
            monitorIntervalMs: 10_000,
            monitorTimeoutMs: 20_000,
            startTimeoutMs: 60_000,
            stopTimeoutMs: 60_000,
            checks: [],
          },
        ],
      },
    ],
  });
});

test('what cannot be resolved is left out and told, and the rest is planned', () => {
  const noImage = new PcloudError({ code: 'image-not-built', category: 'conflict', message: 'm' });
  const { plan, problems } = planDeployable({
    deployable,
    assemblies: [assembly('a', 'httpd'), assembly('b', 'httpd', 'gone')],
    templates,
    imageOf: ({ name }) => (name === 'a' ? noImage : { family: 'debian', init: 'systemd' }),
  });
  assert.deepEqual(
    plan.assemblies.map(({ name, resources }) => [name, resources.map((resource) => resource.name)]),
    [['b', ['b-httpd']]],
  );
  assert.deepEqual(
    problems.map(({ assembly, resource, error }) => [assembly, resource, error.code]),
    [
      ['a', null, 'image-not-built'],
      ['b', 'b-gone', 'template-missing'],
    ],
  );
});

const tuned = resourceTemplateSchema.parse({
  name: 'tuned',
  summary: 's',
  class: 'ocf',
  ocfAgent: 'heartbeat:x',
  monitorIntervalMs: 10_000,
  families: { debian: { service: 'x', packages: [] }, rhel: { service: 'x', packages: [] } },
  ports: [{ guestPort: 80, scheme: 'http' }],
  checks: [{ name: 'page', http: { guestPort: 80, status: '200-499' }, intervalMs: 5000 }],
  parameters: [
    { name: 'home', summary: 'Home', default: { debian: '/d', rhel: '/r' } },
    { name: 'port', summary: 'Port', default: '80' },
    { name: 'free', summary: 'Free' },
  ],
});

test('the checks of a template reach the plan, and its parameters what they are by themselves on the family', () => {
  const plan = planResource(
    { name: 'one', template: 'tuned', escalation: 'never', parameters: {}, watching: {}, dependsOn: [] },
    { family: 'rhel', init: 'sysv' },
    tuned,
  );
  assert.ok(!(plan instanceof PcloudError));
  assert.deepEqual(plan.parameters, { home: '/r', port: '80' });
  assert.deepEqual(plan.checks, [
    {
      name: 'page',
      probe: { kind: 'http', guestPort: 80, path: '/', statusFrom: 200, statusTo: 499 },
      intervalMs: 5000,
      timeoutMs: 5000,
      failuresNeeded: 3,
      startGraceMs: 30_000,
    },
  ]);
});

test('what the operator sets goes before a template’s own word, and what is required must be set or referred to', () => {
  const template = resourceTemplateSchema.parse({
    ...tuned,
    checks: [],
    parameters: [...tuned.parameters, { name: 'peer', summary: 'Address of the peer', required: true }],
  });
  const given = { resource: 'one', template, family: 'debian' } as const;
  const missing = parametersOf({ ...given, values: { port: '8080' } });
  assert.ok(missing instanceof PcloudError);
  assert.equal(missing.code, 'parameter-missing');
  assert.match(missing.message, /no value for peer \(Address of the peer\)/);
  assert.deepEqual(parametersOf({ ...given, values: { port: '8080', peer: 'p', other: 'o' } }), {
    home: '/d',
    port: '8080',
    peer: 'p',
    other: 'o',
  });
  assert.deepEqual(parametersOf({ ...given, values: {}, referred: ['peer', 'port'] }), { home: '/d' });
});

test('texts go over the template’s, references stand apart and need no default, and order is carried through', () => {
  const template = resourceTemplateSchema.parse({
    ...tuned,
    checks: [],
    parameters: [...tuned.parameters, { name: 'peer', summary: 'Address of the peer', required: true }],
  });
  const plan = planResource(
    {
      name: 'one',
      template: 'tuned',
      escalation: 'never',
      parameters: {
        peer: { assembly: 'b', value: 'address' },
        port: { assembly: 'b', value: 'port/80' },
        free: 'f',
      },
      watching: { startTimeoutMs: 90_000, checks: [] },
      dependsOn: [{ assembly: 'b', resource: 'x', restart: true }],
    },
    { family: 'debian', init: 'systemd' },
    template,
  );
  assert.ok(!(plan instanceof PcloudError));
  assert.deepEqual(plan.parameters, { home: '/d', free: 'f' });
  assert.deepEqual(plan.references, [
    { parameter: 'peer', assembly: 'b', value: 'address' },
    { parameter: 'port', assembly: 'b', value: 'port/80' },
  ]);
  assert.deepEqual(plan.dependsOn, [{ assembly: 'b', resource: 'x', restart: true }]);
});

test('nobody waits for what is left out of the plan, and a reference to it stays, so that its value is waited for', () => {
  const noImage = new PcloudError({ code: 'image-not-built', category: 'conflict', message: 'm' });
  const [first, second] = [assembly('a', 'httpd'), assembly('b', 'httpd', 'gone')];
  const waiting: AssemblyDefinition = {
    ...first,
    dependsOn: [{ assembly: 'b', restart: true }],
    resources: first.resources.map((resource) => ({
      ...resource,
      parameters: { P: { assembly: 'b', value: 'address' } },
      dependsOn: [
        { assembly: 'b', resource: 'b-httpd', restart: false },
        { assembly: 'b', resource: 'b-gone', restart: false },
      ],
    })),
  };
  const planned = (without: string) =>
    planDeployable({
      deployable,
      assemblies: [waiting, second],
      templates,
      imageOf: ({ name }) => (name === without ? noImage : { family: 'debian', init: 'systemd' }),
    }).plan.assemblies[0];
  const whole = planned('');
  assert.deepEqual(whole?.dependsOn, [{ assembly: 'b', restart: true }]);
  assert.deepEqual(whole.resources[0]?.dependsOn, [{ assembly: 'b', resource: 'b-httpd', restart: false }]);
  const alone = planned('b');
  assert.equal(alone?.dependsOn, undefined);
  assert.equal(alone?.resources[0]?.dependsOn, undefined);
  assert.deepEqual(alone?.resources[0]?.references, [{ parameter: 'P', assembly: 'b', value: 'address' }]);
});
