/** From definitions and templates to what the supervisor runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssemblyDefinition, DeployableDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { resourceTemplateSchema } from '../../model/resource-template.ts';
import { planDeployable } from '../../runtime/plans.ts';

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
  imageDigest: null,
  escalation: 'never',
  resources: resources.map((template) => ({
    name: `${name}-${template}`,
    template,
    escalation: { failures: 2, periodMs: 1000 },
  })),
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
