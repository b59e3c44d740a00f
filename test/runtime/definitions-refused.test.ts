/** Every input on definitions that must be refused with a clear word, and change nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cloneAssembly,
  createAssembly,
  deleteAssembly,
  setAssemblyEscalation,
} from '../../runtime/definitions/assemblies.ts';
import {
  addAssembly,
  createDeployable,
  deleteDeployable,
  removeAssembly,
  setDeployableEscalation,
} from '../../runtime/definitions/deployables.ts';
import {
  recoverDeployable,
  reloadDeployable,
  requirementsOf,
  startDeployable,
  stopDeployable,
} from '../../runtime/definitions/lifecycle.ts';
import { addResource, removeResource, setResourceEscalation } from '../../runtime/definitions/resources.ts';
import type { World } from './fixtures/world.ts';

import { refusalOf, stateOf, usualWorld } from './fixtures/usual-world.ts';

type Case = {
  readonly name: string;
  readonly act: (world: World) => unknown;
  readonly code: string;
  readonly category: string;
  /** What the message or the hint must say. */
  readonly says: RegExp;
};

const badNames = ['', 'a b', 'a/b', '../x', 'a\nb', '-a', 'x'.repeat(300), 'ä', 'a..b', '.'];

const cases: readonly Case[] = [
  ...badNames.map((bad) => ({
    name: `an assembly named ${JSON.stringify(bad.slice(0, 10))}`,
    act: ({ context }: World) => createAssembly(context, bad, 'debian12', 'x86_64'),
    code: 'bad-name',
    category: 'invalid',
    says: /cannot be the name of an assembly/,
  })),
  ...badNames.map((bad) => ({
    name: `a deployable named ${JSON.stringify(bad.slice(0, 10))}`,
    act: ({ context }: World) => createDeployable(context, bad),
    code: 'bad-name',
    category: 'invalid',
    says: /cannot be the name of a deployable/,
  })),
  {
    name: 'a resource with a bad name',
    act: ({ context }) => addResource(context, 'assy2', 'a b', 'httpd'),
    code: 'bad-name',
    category: 'invalid',
    says: /name of a resource: it contains a space/,
  },
  {
    name: 'a clone with a bad name',
    act: ({ context }) => cloneAssembly(context, 'assy1', '../assy'),
    code: 'bad-name',
    category: 'invalid',
    says: /slash/,
  },
  {
    name: 'a release that nobody knows',
    act: ({ context }) => createAssembly(context, 'new', 'debain12', 'x86_64'),
    code: 'unknown-release',
    category: 'invalid',
    says: /Did you mean "debian12"\?.*F14/,
  },
  {
    name: 'an architecture that the release lacks',
    act: ({ context }) => createAssembly(context, 'new', 'debian12', 'sparc'),
    code: 'unknown-architecture',
    category: 'invalid',
    says: /x86_64/,
  },
  {
    name: 'a template that nobody knows',
    act: ({ context }) => addResource(context, 'assy2', 'r', 'htpd'),
    code: 'unknown-template',
    category: 'invalid',
    says: /Did you mean "httpd"/,
  },
  {
    name: 'a template that is not for this release',
    act: ({ context }) => addResource(context, 'assy2', 'r', 'qpidd'),
    code: 'template-not-for-family',
    category: 'invalid',
    says: /fedora, rhel/,
  },
  {
    name: 'an assembly on a JEOS that is not built',
    act: ({ context }) => createAssembly(context, 'new', 'F14', 'x86_64'),
    code: 'jeos-not-built',
    category: 'conflict',
    says: /jeos_create F14 x86_64/,
  },
  {
    name: 'an assembly that exists',
    act: ({ context }) => createAssembly(context, 'assy1', 'debian12', 'x86_64'),
    code: 'assembly-exists',
    category: 'conflict',
    says: /assy1 already/,
  },
  {
    name: 'a clone onto an existing name',
    act: ({ context }) => cloneAssembly(context, 'assy1', 'assy10'),
    code: 'assembly-exists',
    category: 'conflict',
    says: /assy10 already/,
  },
  {
    name: 'a clone onto itself',
    act: ({ context }) => cloneAssembly(context, 'assy1', 'assy1'),
    code: 'assembly-exists',
    category: 'conflict',
    says: /assy1 already/,
  },
  {
    name: 'a clone of what does not exist',
    act: ({ context }) => cloneAssembly(context, 'asy1', 'new'),
    code: 'unknown-assembly',
    category: 'not-found',
    says: /Did you mean assy1\?/,
  },
  {
    name: "another's prefix",
    act: ({ context }) => deleteAssembly(context, 'assy'),
    code: 'unknown-assembly',
    category: 'not-found',
    says: /no assembly "assy"/,
  },
  {
    name: 'a deployable that exists',
    act: ({ context }) => createDeployable(context, 'dep1'),
    code: 'deployable-exists',
    category: 'conflict',
    says: /dep1 already/,
  },
  {
    name: 'a resource that exists',
    act: ({ context }) => addResource(context, 'assy1', 'httpdone', 'dummy'),
    code: 'resource-exists',
    category: 'conflict',
    says: /httpdone in assembly assy1/,
  },
  {
    name: 'removing a resource of another assembly',
    act: ({ context }) => removeResource(context, 'assy10', 'httpdone'),
    code: 'unknown-resource',
    category: 'not-found',
    says: /in assembly assy10/,
  },
  {
    name: 'the escalation of a resource that does not exist',
    act: ({ context }) => setResourceEscalation(context, 'assy1', 'httpd', 'never'),
    code: 'unknown-resource',
    category: 'not-found',
    says: /assembly_resource_list|Did you mean/,
  },
  {
    name: 'the escalation of an assembly that does not exist',
    act: ({ context }) => setAssemblyEscalation(context, 'assy3', 'never'),
    code: 'unknown-assembly',
    category: 'not-found',
    says: /assy3/,
  },
  {
    name: 'the escalation of a deployable that does not exist',
    act: ({ context }) => setDeployableEscalation(context, 'dep3', 'never'),
    code: 'unknown-deployable',
    category: 'not-found',
    says: /dep3/,
  },
  {
    name: 'an assembly that is in another deployable',
    act: ({ context }) => addAssembly(context, 'dep2', 'assy1'),
    code: 'assembly-in-use',
    category: 'conflict',
    says: /in deployable dep1.*deployable_assembly_remove dep1 assy1/,
  },
  {
    name: 'an assembly that is in this deployable',
    act: ({ context }) => addAssembly(context, 'dep1', 'assy1'),
    code: 'assembly-already-member',
    category: 'conflict',
    says: /already/,
  },
  {
    name: 'an unknown assembly for a deployable',
    act: ({ context }) => addAssembly(context, 'dep1', 'assy100'),
    code: 'unknown-assembly',
    category: 'not-found',
    says: /assy100/,
  },
  {
    name: 'an assembly for an unknown deployable',
    act: ({ context }) => addAssembly(context, 'dep', 'assy2'),
    code: 'unknown-deployable',
    category: 'not-found',
    says: /no deployable "dep"/,
  },
  {
    name: 'taking an assembly out of a deployable that it is not in',
    act: ({ context }) => removeAssembly(context, 'dep1', 'assy10'),
    code: 'not-a-member',
    category: 'conflict',
    says: /not in deployable dep1/,
  },
  {
    name: 'deleting an assembly that is in a deployable',
    act: ({ context }) => deleteAssembly(context, 'assy1'),
    code: 'assembly-in-use',
    category: 'conflict',
    says: /deployable_assembly_remove dep1 assy1/,
  },
  {
    name: 'deleting an assembly that still runs',
    act({ context, supervisor }) {
      supervisor.assemblies.set('assy2', 'stopping');
      return deleteAssembly(context, 'assy2');
    },
    code: 'assembly-running',
    category: 'conflict',
    says: /still running/,
  },
  {
    name: 'deleting a deployable that does not exist',
    act: ({ context }) => deleteDeployable(context, 'dep3'),
    code: 'unknown-deployable',
    category: 'not-found',
    says: /dep3/,
  },
  {
    name: 'deleting a deployable that is still stopping',
    act({ context, supervisor }) {
      supervisor.deployables.set('dep1', 'stopping');
      deleteDeployable(context, 'dep1');
    },
    code: 'deployable-running',
    category: 'conflict',
    says: /still stopping.*Wait/,
  },
  {
    name: 'starting an empty deployable',
    act: ({ context }) => startDeployable(context, 'empty'),
    code: 'deployable-empty',
    category: 'conflict',
    says: /deployable_assembly_add empty ASSEMBLY/,
  },
  {
    name: 'starting one that is still stopping',
    act({ context, supervisor }) {
      supervisor.deployables.set('dep1', 'stopping');
      return startDeployable(context, 'dep1');
    },
    code: 'deployable-stopping',
    category: 'conflict',
    says: /still stopping/,
  },
  {
    name: 'starting while libvirt does not answer',
    act({ context, supervisor }) {
      supervisor.libvirt.state = 'down';
      return startDeployable(context, 'dep1');
    },
    code: 'libvirt-unreachable',
    category: 'unavailable',
    says: /dep1 cannot be started.*systemctl start libvirtd/,
  },
  {
    name: 'stopping what is not started',
    act: ({ context }) => stopDeployable(context, 'dep1'),
    code: 'deployable-not-started',
    category: 'conflict',
    says: /not started.*deployable_start dep1/,
  },
  {
    name: 'reloading what is not started',
    act: ({ context }) => reloadDeployable(context, 'dep1'),
    code: 'deployable-not-started',
    category: 'conflict',
    says: /deployable_start dep1/,
  },
  {
    name: 'recovering what is not started',
    act: ({ context }) => recoverDeployable(context, 'dep1'),
    code: 'deployable-not-started',
    category: 'conflict',
    says: /deployable_start dep1/,
  },
  {
    name: 'the requirements of an unknown deployable',
    act: ({ context }) => requirementsOf(context, 'dep11'),
    code: 'unknown-deployable',
    category: 'not-found',
    says: /Did you mean dep1/,
  },
];

for (const { name, act, code, category, says } of cases)
  test(`refused, and nothing is changed: ${name}`, async () => {
    const { world } = await usualWorld();
    await using _ = world;
    const before = stateOf(world);
    const error = await refusalOf(() => act(world));
    assert.deepEqual([error.code, error.category], [code, category], error.message);
    assert.match(`${error.message} ${error.hint}`, says);
    assert.notEqual(error.hint, undefined);
    assert.equal(stateOf(world), before);
  });
