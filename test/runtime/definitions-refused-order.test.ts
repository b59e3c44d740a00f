/** Every input on order, parameters and maintenance that must be refused with a clear word, and change nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteAssembly } from '../../runtime/definitions/assemblies.ts';
import { addAssembly, removeAssembly } from '../../runtime/definitions/deployables.ts';
import { reloadDeployable, startDeployable } from '../../runtime/definitions/lifecycle.ts';
import { clearMaintenance, setMaintenance, setStartLimit } from '../../runtime/definitions/maintenance.ts';
import {
  clearAssemblyDependency,
  clearResourceDependency,
  setAssemblyDependency,
  setResourceDependency,
} from '../../runtime/definitions/order.ts';
import { clearParameter, setParameter } from '../../runtime/definitions/parameters.ts';
import { addResource, removeResource } from '../../runtime/definitions/resources.ts';
import { createDeployable } from '../../runtime/definitions/deployables.ts';
import { refusalOf, startedWorld, stateOf, usualWorld } from './fixtures/usual-world.ts';
import type { World } from './fixtures/world.ts';

type Case = {
  readonly name: string;
  /** What the operator did before. */
  readonly given?: (world: World) => unknown;
  readonly act: (world: World) => unknown;
  readonly code: string;
  readonly category?: string;
  /** What the message or the hint must say. */
  readonly says: RegExp;
};

const web = { assembly: 'assy1', resource: 'httpdone' };
const db = { assembly: 'assy2', resource: 'db' };
const cache = { assembly: 'assy2', resource: 'cache' };

/** assy2 has a database (3306) and a cache, beside the usual. */
function withDb({ context }: World): void {
  addResource(context, 'assy2', 'db', 'mysqld');
  addResource(context, 'assy2', 'cache', 'dummy');
}

const address = { assembly: 'assy2', value: 'address' };
const port = { assembly: 'assy2', value: 'port/3306' };

const cases: readonly Case[] = [
  {
    name: 'an assembly that waits for itself',
    act: ({ context }) => setAssemblyDependency(context, 'assy1', 'assy1', false),
    code: 'dependency-cycle',
    says: /assy1 → assy1\. Nothing was changed.*Nothing can wait for itself/,
  },
  {
    name: 'a resource that waits for itself',
    act: ({ context }) => setResourceDependency(context, web, web, false),
    code: 'dependency-cycle',
    says: /assy1\/httpdone → assy1\/httpdone/,
  },
  {
    name: 'a circle of three assemblies',
    given({ context }) {
      setAssemblyDependency(context, 'assy1', 'assy2', false);
      setAssemblyDependency(context, 'assy2', 'assy10', true);
    },
    act: ({ context }) => setAssemblyDependency(context, 'assy10', 'assy1', false),
    code: 'dependency-cycle',
    says: /assy10 → assy1 → assy2 → assy10\..*`assembly_depends_clear assy1 assy2` or `assembly_depends_clear assy2 assy10`/,
  },
  {
    name: 'a circle of resources',
    given({ context }) {
      setResourceDependency(context, web, db, false);
      setResourceDependency(context, db, cache, false);
    },
    act: ({ context }) => setResourceDependency(context, cache, web, false),
    code: 'dependency-cycle',
    says: /assy2\/cache → assy1\/httpdone → assy2\/db → assy2\/cache/,
  },
  {
    name: 'a resource that waits for one of an assembly that waits for its own',
    given: ({ context }) => setAssemblyDependency(context, 'assy1', 'assy2', false),
    act: ({ context }) => setResourceDependency(context, db, web, false),
    code: 'dependency-cycle',
    says: /assy2\/db → assy1\/httpdone → assy1 → assy2 → assy2\/db.*assembly_depends_clear assy1 assy2/,
  },
  {
    name: 'a parameter out of an assembly that waits for its own',
    given: ({ context }) => setAssemblyDependency(context, 'assy1', 'assy2', false),
    act: ({ context }) => setParameter(context, db, 'PEER', { assembly: 'assy1', value: 'address' }),
    code: 'dependency-cycle',
    says: /assy2\/db → assy1 → assy2 → assy2\/db/,
  },
  {
    name: 'an assembly that waits for one whose resource is told of it',
    given: ({ context }) => setParameter(context, db, 'PEER', { assembly: 'assy1', value: 'address' }),
    act: ({ context }) => setAssemblyDependency(context, 'assy1', 'assy2', false),
    code: 'dependency-cycle',
    says: /resource_parameter_clear db assy2 PEER/,
  },
  {
    name: 'an assembly that waits for what does not exist',
    act: ({ context }) => setAssemblyDependency(context, 'assy1', 'asy2', false),
    code: 'unknown-assembly',
    category: 'not-found',
    says: /Did you mean assy2/,
  },
  {
    name: 'a resource that waits for what does not exist',
    act: ({ context }) => setResourceDependency(context, web, { ...db, resource: 'dbb' }, false),
    code: 'unknown-resource',
    category: 'not-found',
    says: /"dbb" in assembly assy2/,
  },
  {
    name: 'a bad name to wait for',
    act: ({ context }) => setAssemblyDependency(context, 'assy1', '../assy2', false),
    code: 'bad-name',
    category: 'invalid',
    says: /slash/,
  },
  {
    name: 'taking back a dependency that is none',
    given: ({ context }) => setAssemblyDependency(context, 'assy1', 'assy2', false),
    act: ({ context }) => clearAssemblyDependency(context, 'assy1', 'assy10'),
    code: 'no-such-dependency',
    says: /does not depend on assembly assy10.*It depends on: assy2/,
  },
  {
    name: 'taking back a resource dependency that is none',
    act: ({ context }) => clearResourceDependency(context, web, db),
    code: 'no-such-dependency',
    says: /depends on nothing/,
  },
  {
    name: 'deleting an assembly that others need',
    given({ context }) {
      setAssemblyDependency(context, 'assy1', 'assy2', false);
      setParameter(context, web, 'DB', address);
      setResourceDependency(context, web, db, false);
    },
    act: ({ context }) => deleteAssembly(context, 'assy2'),
    code: 'needed-by-others',
    says: /assembly assy1 depends on it; resource httpdone in assembly assy1 depends on db in it; parameter DB of resource httpdone in assembly assy1 is @assy2:address.*assembly_depends_clear assy1 assy2/,
  },
  {
    name: 'removing a resource that another assembly needs',
    given: ({ context }) => setResourceDependency(context, web, db, false),
    act: ({ context }) => removeResource(context, 'assy2', 'db'),
    code: 'needed-by-others',
    says: /Resource db in assembly assy2.*`resource_depends_clear httpdone assy1 db assy2`/,
  },
  {
    name: 'removing a resource that its neighbour needs',
    given: ({ context }) => setResourceDependency(context, cache, db, false),
    act: ({ context }) => removeResource(context, 'assy2', 'db'),
    code: 'needed-by-others',
    says: /resource cache in assembly assy2 depends on db/,
  },
  {
    name: 'removing the only resource on a port that is referred to',
    given: ({ context }) => setParameter(context, web, 'DB', port),
    act: ({ context }) => removeResource(context, 'assy2', 'db'),
    code: 'needed-by-others',
    says: /@assy2:port\/3306.*resource_parameter_clear httpdone assy1 DB/,
  },
  {
    name: 'taking an assembly out of a deployable whose others need it',
    given({ context }) {
      addAssembly(context, 'dep1', 'assy2');
      setAssemblyDependency(context, 'assy1', 'assy2', false);
    },
    act: ({ context }) => removeAssembly(context, 'dep1', 'assy2'),
    code: 'needed-by-others',
    says: /taken out of deployable dep1.*assembly_depends_clear assy1 assy2/,
  },
  {
    name: 'starting with a dependency outside of the deployable',
    given: ({ context }) => setAssemblyDependency(context, 'assy1', 'assy2', false),
    act: ({ context }) => startDeployable(context, 'dep1'),
    code: 'dependency-outside',
    says: /Assembly assy1 depends on assembly assy2, which is not in deployable dep1.*deployable_assembly_add dep1 assy2.*assembly_depends_clear assy1 assy2/,
  },
  {
    name: 'starting with a resource dependency outside of the deployable',
    given: ({ context }) => setResourceDependency(context, web, db, false),
    act: ({ context }) => startDeployable(context, 'dep1'),
    code: 'dependency-outside',
    says: /Resource httpdone in assembly assy1 depends on assembly assy2/,
  },
  {
    name: 'starting with a parameter from outside of the deployable',
    given: ({ context }) => setParameter(context, web, 'DB', address),
    act: ({ context }) => startDeployable(context, 'dep1'),
    code: 'dependency-outside',
    says: /takes its parameter DB from assembly assy2.*resource_parameter_clear httpdone assy1 DB/,
  },
  {
    name: 'starting with a circle that an earlier version let in',
    given({ store }) {
      store.saveDependency({ assembly: 'assy1', resource: null }, { assembly: 'assy2' }, false);
      store.saveDependency({ assembly: 'assy2', resource: null }, { assembly: 'assy1' }, false);
      store.addMember('dep1', 'assy2');
    },
    act: ({ context }) => startDeployable(context, 'dep1'),
    code: 'dependency-cycle',
    says: /These wait for each other.*: assy[12] → assy[12] → assy[12]\. Take one/,
  },
  {
    name: 'starting with a dependency on a resource that is gone',
    given({ store }) {
      store.saveDependency(web, { assembly: 'assy1', resource: 'gone' }, false);
    },
    act: ({ context }) => startDeployable(context, 'dep1'),
    code: 'dependency-missing',
    says: /resource gone in assembly assy1, which is not there.*resource_depends_clear httpdone assy1 gone assy1/,
  },
  {
    name: 'a parameter that refers to a port on which nothing listens',
    act: ({ context }) => setParameter(context, web, 'DB', { assembly: 'assy2', value: 'port/5432' }),
    code: 'port-not-given',
    says: /@assy2:port\/5432.*port\/22, port\/3306/,
  },
  {
    name: 'a parameter that refers to an assembly that nobody defined',
    act: ({ context }) => setParameter(context, web, 'DB', { assembly: 'asy2', value: 'address' }),
    code: 'unknown-assembly',
    category: 'not-found',
    says: /Did you mean assy2/,
  },
  {
    name: 'a parameter of a name that no shell variable has',
    act: ({ context }) => setParameter(context, web, 'DB-HOST', 'x'),
    code: 'bad-parameter-name',
    category: 'invalid',
    says: /"DB-HOST"/,
  },
  {
    name: 'a parameter of a name that no object can hold',
    act: ({ context }) => setParameter(context, web, '__proto__', 'x'),
    code: 'bad-parameter-name',
    category: 'invalid',
    says: /__proto__/,
  },
  {
    name: 'a parameter over two lines',
    act: ({ context }) => setParameter(context, web, 'A', 'x\nOCF_RESKEY_B=y'),
    code: 'bad-parameter-value',
    category: 'invalid',
    says: /no line breaks/,
  },
  {
    name: 'a reference of a form that there is not',
    act: ({ context }) => setParameter(context, web, 'A', { assembly: 'assy2', value: 'uuid' }),
    code: 'bad-parameter-value',
    category: 'invalid',
    says: /@assy2:uuid/,
  },
  {
    name: 'more parameters than one line to the guest takes',
    given({ context }) {
      for (let n = 0; n < 6; n += 1) setParameter(context, web, `P${n}`, 'x'.repeat(512));
    },
    act: ({ context }) => setParameter(context, web, 'P6', ' '.repeat(300)),
    code: 'parameters-too-long',
    category: 'invalid',
    says: /4096 bytes.*file in the guest/,
  },
  {
    name: 'taking back a parameter that is not set',
    act: ({ context }) => clearParameter(context, web, 'toString'),
    code: 'no-such-parameter',
    says: /assembly_resource_list assy1/,
  },
  {
    name: 'maintenance of a name that a deployable and an assembly have',
    given: ({ context }) => createDeployable(context, 'assy1'),
    act: ({ context }) => setMaintenance(context, 'assy1', null),
    code: 'ambiguous-target',
    says: /deployable:assy1 or assembly:assy1/,
  },
  {
    name: 'maintenance of a resource by its bare name',
    act: ({ context }) => setMaintenance(context, 'httpdone', null),
    code: 'ambiguous-target',
    says: /assy1\/httpdone/,
  },
  {
    name: 'maintenance of what does not exist',
    act: ({ context }) => setMaintenance(context, 'nothing', null),
    code: 'unknown-target',
    category: 'not-found',
    says: /no deployable and no assembly "nothing".*deployable_status/,
  },
  ...['dep3', 'deployable:assy1', 'assembly:dep1', 'assy1/nothing', 'resource:assy2/httpdone'].map(
    (word) => ({
      name: `maintenance of ${word}, which there is not`,
      act: ({ context }: World) => setMaintenance(context, word, 60_000),
      code:
        word === 'dep3'
          ? 'unknown-target'
          : word.includes('/')
            ? 'unknown-resource'
            : `unknown-${word.split(':')[0]}`,
      category: 'not-found',
      says: /There is no/,
    }),
  ),
  ...['host:assy1', 'assembly:', 'a/b/c', 'resource:assy1'].map((word) => ({
    name: `maintenance of ${word}, which is no target`,
    act: ({ context }: World) => setMaintenance(context, word, 60_000),
    code: 'bad-target',
    category: 'invalid',
    says: /resource:assy1\/httpdone/,
  })),
  ...[0, 999, 366 * 24 * 3_600_000 + 1, Number.NaN].map((forMs) => ({
    name: `maintenance for ${forMs} ms`,
    act: ({ context }: World) => setMaintenance(context, 'assy1', forMs),
    code: 'bad-duration',
    category: 'invalid',
    says: /366 days/,
  })),
  {
    name: 'ending a maintenance that there is not, below one that there is',
    given: ({ context }) => setMaintenance(context, 'dep1', null),
    act: ({ context }) => clearMaintenance(context, 'assy1/httpdone'),
    code: 'not-in-maintenance',
    says: /on resource:assy1\/httpdone.*under that of deployable:dep1: `maintenance_clear deployable:dep1`/,
  },
  {
    name: 'ending a maintenance that has passed',
    given({ context, clock }) {
      setMaintenance(context, 'assy1', 1000);
      clock.nowMs += 1000;
      // What has passed is dropped at any look; that is no change that anybody could see.
      context.store.deleteMaintenance('assembly:assy1');
    },
    act: ({ context }) => clearMaintenance(context, 'assy1'),
    code: 'not-in-maintenance',
    says: /maintenance_list/,
  },
  ...[0, -1, 1.5, 1001, Number.POSITIVE_INFINITY].map((slots) => ({
    name: `a start limit of ${slots}`,
    act: ({ context }: World) => setStartLimit(context, slots),
    code: 'bad-limit',
    category: 'invalid',
    says: /1 to 1000/,
  })),
];

for (const { name, given, act, code, category = 'conflict', says } of cases)
  test(`refused, and nothing is changed: ${name}`, async () => {
    const { world } = await usualWorld();
    await using _ = world;
    withDb(world);
    given?.(world);
    const before = stateOf(world);
    const error = await refusalOf(() => act(world));
    assert.deepEqual([error.code, error.category], [code, category], error.message);
    assert.match(`${error.message} ${error.hint}`, says);
    assert.notEqual(error.hint, undefined);
    assert.equal(stateOf(world), before);
  });

test('a reload is refused for the same reasons as a start, and the running plan stays', async () => {
  const { world, context } = await startedWorld();
  await using _ = world;
  setAssemblyDependency(context, 'assy1', 'assy2', false);
  const before = stateOf(world);
  const error = await refusalOf(() => reloadDeployable(context, 'dep1'));
  assert.equal(error.code, 'dependency-outside');
  assert.equal(stateOf(world), before);
});
