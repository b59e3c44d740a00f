/**
 * A small model of cped's definitions, for the tests of plans: it takes changes one by one, and refuses what cped
 * refuses (a name that is taken or not there, what others need, a circle, a secret in use).
 */
import assert from 'node:assert/strict';
import { assemblyStatusSchema, deployableStatusSchema } from '../../../model/cped-api.ts';
import type { AssemblyStatus, DeployableStatus } from '../../../model/cped-api.ts';
import { secretsOfAlert } from '../../../model/deployable-alert.ts';
import { defaultEscalation } from '../../../model/definition.ts';
import { isSamePlace, maxNetworks } from '../../../model/network-attachment.ts';
import { isReference, isSecret, portOfReference } from '../../../model/parameter.ts';
import type { Change } from '../../../model/service-file/change.ts';
import { planApply } from '../../../model/service-file/plan.ts';
import type { Defined } from '../../../model/service-file/plan.ts';
import type { WantedService } from '../../../model/service-file/wanted.ts';

type Resource = AssemblyStatus['resources'][number];

export function modelService(name: string) {
  let deployable: Omit<DeployableStatus, 'assemblies'> | null = null;
  const assemblies = new Map<string, AssemblyStatus>();
  const members: string[] = [];

  const assemblyOf = (one: string): AssemblyStatus => {
    const found = assemblies.get(one);
    assert.ok(found !== undefined, `there is no assembly ${one}`);
    return found;
  };
  const resourceOf = (assembly: string, one: string): Resource => {
    const found = assemblyOf(assembly).resources.find((resource) => resource.name === one);
    assert.ok(found !== undefined, `there is no resource ${assembly}/${one}`);
    return found;
  };
  const there = (): Omit<DeployableStatus, 'assemblies'> => {
    assert.ok(deployable !== null, 'there is no deployable');
    return deployable;
  };

  /** Who refers to an assembly: by order, or by a parameter. */
  const needing = (on: string, port?: number): readonly string[] =>
    [...assemblies.values()].flatMap((assembly) => [
      ...(port === undefined && assembly.dependsOn.some((one) => one.assembly === on) ? [assembly.name] : []),
      ...assembly.resources.flatMap((resource) =>
        Object.values(resource.parameters).flatMap((value) =>
          isReference(value) &&
          value.assembly === on &&
          (port === undefined || portOfReference(value.value) === port)
            ? [`${assembly.name}/${resource.name}`]
            : [],
        ),
      ),
    ]);

  const refuseCircle = (): void => {
    const edges = (one: string): readonly string[] => {
      const assembly = assemblies.get(one);
      return [
        ...(assembly?.dependsOn.map((on) => on.assembly) ?? []),
        ...(assembly?.resources.flatMap(({ parameters }) =>
          Object.values(parameters).flatMap((value) => (isReference(value) ? [value.assembly] : [])),
        ) ?? []),
      ];
    };
    const visit = (one: string, trail: readonly string[]): void => {
      assert.ok(!trail.includes(one), `a circle: ${[...trail, one].join(' → ')}`);
      for (const next of edges(one)) visit(next, [...trail, one]);
    };
    for (const one of assemblies.keys()) visit(one, []);
  };

  const perform = (change: Change): void =>
    'resource' in change ? performOnResource(change) : performOnOther(change);

  const performOnOther = (change: Exclude<Change, { readonly resource: string }>): void => {
    switch (change.kind) {
      case 'create-deployable':
        assert.equal(deployable, null);
        deployable = deployableStatusSchema.omit({ assemblies: true }).parse({
          name,
          intent: 'down',
          monitoring: change.monitoring,
          state: 'stopped',
          sinceMs: 0,
          escalation: defaultEscalation.deployable,
          secrets: [],
          maintenance: null,
          note: null,
        });
        return;
      case 'set-secret':
        there().secrets = [...new Set([...there().secrets, change.secret])].toSorted();
        return;
      case 'remove-secret': {
        const users = members.flatMap((member) =>
          assemblyOf(member).resources.filter(({ parameters }) =>
            Object.values(parameters).some((value) => isSecret(value) && value.secret === change.secret),
          ),
        );
        assert.deepEqual(users, [], 'the secret is in use');
        assert.ok(!there().alerts.flatMap(secretsOfAlert).includes(change.secret), 'the secret is in use');
        assert.ok(there().secrets.includes(change.secret));
        there().secrets = there().secrets.filter((secret) => secret !== change.secret);
        return;
      }
      case 'set-deployable-escalation':
        there().escalation = change.policy;
        return;
      case 'set-alerts':
        for (const secret of change.alerts.flatMap(secretsOfAlert))
          assert.ok(there().secrets.includes(secret), `there is no secret ${secret}`);
        there().alerts = [...change.alerts];
        return;
      case 'set-maintenance-windows':
        (change.assembly === null ? there() : assemblyOf(change.assembly)).maintenanceWindows = [
          ...change.windows,
        ];
        return;
      case 'create-assembly':
        assert.ok(!assemblies.has(change.assembly));
        assemblies.set(change.assembly, freshAssembly(change.assembly, change.release));
        return;
      case 'set-machine': {
        const { ports, ...rest } = change.to;
        const assembly = assemblyOf(change.assembly);
        for (const { guestPort } of assembly.ports)
          if (ports !== undefined && !ports.includes(guestPort))
            assert.deepEqual(needing(change.assembly, guestPort), [], 'the port is needed');
        Object.assign(assembly, rest);
        if (ports !== undefined) assembly.ports = ports.map((guestPort) => ({ guestPort, hostPort: null }));
        return;
      }
      case 'set-disk': {
        const assembly = assemblyOf(change.assembly);
        const before = assembly.disks.find((disk) => disk.name === change.disk);
        assert.ok(before === undefined || !before.made || before.sizeGiB <= change.to.sizeGiB, 'it shrinks');
        const disk = { name: change.disk, ...change.to, made: before?.made ?? false };
        assembly.disks = [...assembly.disks.filter((one) => one !== before), disk];
        return;
      }
      case 'set-network': {
        const assembly = assemblyOf(change.assembly);
        const { kind, name: network, mac } = change.network;
        const one = {
          kind,
          name: network,
          mac: mac ?? `made for ${change.assembly} on ${network}`,
          macGiven: mac !== null,
        };
        const at = assembly.networks.findIndex((other) => isSamePlace(other, one));
        assert.equal(at === -1, change.fromMac === null);
        for (const { name: owner, networks } of assemblies.values())
          for (const other of networks)
            assert.ok(
              (owner === change.assembly && isSamePlace(other, one)) || other.mac !== one.mac,
              'mac-taken',
            );
        if (at === -1) assembly.networks = [...assembly.networks, one];
        else assembly.networks = assembly.networks.with(at, one);
        assert.ok(assembly.networks.length <= maxNetworks);
        return;
      }
      case 'remove-network': {
        const assembly = assemblyOf(change.assembly);
        assert.ok(assembly.networks.some((one) => isSamePlace(one, change.network)));
        assembly.networks = assembly.networks.filter((one) => !isSamePlace(one, change.network));
        return;
      }
      case 'remove-disk': {
        const assembly = assemblyOf(change.assembly);
        assert.ok(assembly.disks.some((disk) => disk.name === change.disk));
        assembly.disks = assembly.disks.filter((disk) => disk.name !== change.disk);
        return;
      }
      case 'set-assembly-escalation':
        assemblyOf(change.assembly).escalation = change.policy;
        return;
      case 'set-assembly-dependency': {
        const assembly = assemblyOf(change.assembly);
        assemblyOf(change.on);
        assembly.dependsOn = [
          ...assembly.dependsOn.filter((one) => one.assembly !== change.on),
          { assembly: change.on, restart: change.restart },
        ];
        return refuseCircle();
      }
      case 'clear-assembly-dependency': {
        const assembly = assemblyOf(change.assembly);
        assert.ok(assembly.dependsOn.some((one) => one.assembly === change.on));
        assembly.dependsOn = assembly.dependsOn.filter((one) => one.assembly !== change.on);
        return;
      }
      case 'add-member':
        assert.equal(assemblyOf(change.assembly).deployable, null);
        assemblyOf(change.assembly).deployable = name;
        members.push(change.assembly);
        return;
      case 'remove-member':
        assert.ok(members.includes(change.assembly));
        assert.deepEqual(needing(change.assembly), [], 'the assembly is needed');
        members.splice(members.indexOf(change.assembly), 1);
        assemblyOf(change.assembly).deployable = null;
        return;
      case 'delete-assembly':
        assert.equal(assemblyOf(change.assembly).deployable, null);
        assert.deepEqual(needing(change.assembly), [], 'the assembly is needed');
        assemblies.delete(change.assembly);
        return;
    }
  };

  const performOnResource = (change: Extract<Change, { readonly resource: string }>): void => {
    const assembly = assemblyOf(change.assembly);
    if (change.kind === 'add-resource') {
      assert.ok(!assembly.resources.some((one) => one.name === change.resource));
      assembly.resources.push(freshResource(change.resource, change.template));
      return;
    }
    performOnPresent(assembly, resourceOf(change.assembly, change.resource), change);
  };

  const performOnPresent = (
    assembly: AssemblyStatus,
    resource: Resource,
    change: Exclude<Extract<Change, { readonly resource: string }>, { readonly kind: 'add-resource' }>,
  ): void => {
    switch (change.kind) {
      case 'remove-resource':
        assembly.resources = assembly.resources.filter((one) => one !== resource);
        return;
      case 'set-resource-escalation':
        resource.escalation = change.policy;
        return;
      case 'set-watching':
        resource.watching = change.watching;
        return;
      case 'set-parameter':
        if (isReference(change.value)) assemblyOf(change.value.assembly);
        resource.parameters = { ...resource.parameters, [change.parameter]: change.value };
        return refuseCircle();
      case 'clear-parameter': {
        assert.ok(Object.hasOwn(resource.parameters, change.parameter));
        const { [change.parameter]: _gone, ...rest } = resource.parameters;
        resource.parameters = rest;
        return;
      }
      case 'set-resource-dependency':
      case 'clear-resource-dependency':
        assert.fail('the files of these tests have none');
    }
  };

  const status = (): DeployableStatus => ({ ...there(), assemblies: members.map(assemblyOf) });
  const defined = (file: WantedService): Defined =>
    structuredClone({
      deployable: deployable === null ? null : status(),
      assemblies: [...assemblies.values()],
      otherSecrets: new Set(
        [...file.secrets.keys()].filter((one) => deployable?.secrets.includes(one) !== true),
      ),
    });
  return {
    defined,
    status,
    names: () => [...assemblies.keys()],
    /** As after a start: the disks of all assemblies are made. */
    makeDisks(): void {
      for (const assembly of assemblies.values())
        assembly.disks = assembly.disks.map((disk) => ({ ...disk, made: true }));
    },
    /** @param limit breaks off after so many changes. */
    apply(file: WantedService, prune: boolean, limit = Number.POSITIVE_INFINITY): void {
      const { changes, obstacles } = planApply(defined(file), file, prune);
      assert.deepEqual(obstacles, []);
      for (const change of changes.slice(0, limit)) perform(change);
    },
  };
}

function freshResource(name: string, template: string): Resource {
  return {
    name,
    template,
    state: 'stopped',
    sinceMs: 0,
    failuresInWindow: 0,
    escalation: defaultEscalation.resource,
    urls: [],
    parameters: {},
    dependsOn: [],
    watching: {},
    maintenance: null,
    note: null,
  };
}

function freshAssembly(name: string, release: string): AssemblyStatus {
  return assemblyStatusSchema.parse({
    name,
    release,
    architecture: 'x86_64',
    deployable: null,
    state: 'stopped',
    sinceMs: 0,
    failuresInWindow: 0,
    escalation: defaultEscalation.assembly,
    imageDigest: null,
    memoryMiB: 128,
    vcpus: 1,
    ports: [],
    domainName: `pcloud-${name}`,
    uuid: '00000000-0000-4000-8000-000000000001',
    sshPort: null,
    dependsOn: [],
    maintenance: null,
    note: null,
    resources: [],
  });
}
