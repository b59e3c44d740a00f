/**
 * The store of definitions in SQLite: rows to definitions and back. Whether something may be written is not
 * decided here; the tables' own constraints only catch what would be a defect of ours.
 */
import { z } from 'zod';
import {
  assemblyDefinitionSchema,
  deployableDefinitionSchema,
  escalationPolicySchema,
  importedDiskSchema,
} from '../../model/definition.ts';
import type { AssemblyDefinition, DeployableDefinition } from '../../model/definition.ts';
import { transportSchema } from '../../model/ssh.ts';
import { pinnedImageSchema } from '../definitions/store.ts';
import type { DefinitionStore, PinnedImage } from '../definitions/store.ts';
import { alertStore } from './sqlite-alerts.ts';
import { jsonColumn } from './sqlite-columns.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { dependenciesOf, insertDependency, orderWrites } from './sqlite-order.ts';
import { secretStore } from './sqlite-secrets.ts';
import { forgetMaintenanceOf, maintenanceStore } from './sqlite-maintenance.ts';

const escalationColumn = jsonColumn(escalationPolicySchema);

/** JSON of what the schema of definitions checks next, so here it only has to be JSON. */
const assemblyRow = z
  .object({
    name: z.string(),
    release: z.string(),
    architecture: z.string(),
    uuid: z.string(),
    mac_address: z.string(),
    memory_mib: z.int(),
    vcpus: z.int(),
    ports: jsonColumn(z.array(z.int())),
    disks: jsonColumn(z.unknown()),
    networks: jsonColumn(z.unknown()),
    escalation: escalationColumn,
    transport: jsonColumn(transportSchema),
    imported: z.union([z.null(), jsonColumn(importedDiskSchema)]),
    pinned_image: z.union([z.null(), jsonColumn(pinnedImageSchema)]),
    resources: jsonColumn(z.array(z.unknown())),
    depends_on: jsonColumn(z.unknown()),
  })
  .transform(({ mac_address, memory_mib, pinned_image, depends_on, ...row }): unknown => ({
    ...row,
    dependsOn: depends_on,
    macAddress: mac_address,
    memoryMiB: memory_mib,
    imageDigest: pinned_image?.digest ?? null,
  }))
  .pipe(assemblyDefinitionSchema);

const deployableRow = z
  .object({
    name: z.string(),
    monitoring: z.string(),
    intent: z.string(),
    escalation: escalationColumn,
    assemblies: jsonColumn(z.array(z.string())),
  })
  .pipe(deployableDefinitionSchema);

const selectAssembly = `
  SELECT name, release, architecture, uuid, mac_address, memory_mib, vcpus, escalation, pinned_image,
    transport, imported, ports, disks, networks,
    (SELECT json_group_array(json_object('name', r.name, 'template', r.template, 'escalation', json(r.escalation),
         'parameters', json(r.parameters), 'watching', json(r.watching), 'dependsOn', json(${dependenciesOf('r.assembly', 'r.name')})))
       FROM (SELECT * FROM resources WHERE assembly = a.name ORDER BY position) r) AS resources,
    ${dependenciesOf('a.name', "''")} AS depends_on
  FROM assemblies a`;

const selectDeployable = `
  SELECT name, monitoring, intent, escalation,
    (SELECT json_group_array(m.assembly)
       FROM (SELECT * FROM deployable_assemblies WHERE deployable = d.name ORDER BY position) m) AS assemblies
  FROM deployables d`;

const uuidRow = z.object({ uuid: z.uuid() });
const createdRow = z.object({ created_at_ms: z.number() });

export function createDefinitionStore(database: SqliteDatabase): DefinitionStore {
  return {
    transaction: (work) => database.transaction(work),
    ...reads(database),
    ...assemblyWrites(database),
    ...resourceWrites(database),
    ...deployableWrites(database),
    ...orderWrites(database),
    ...maintenanceStore(database),
    ...secretStore(database),
    ...alertStore(database),
  };
}

type Reads =
  | 'assemblies'
  | 'assembly'
  | 'assemblyUuid'
  | 'deployables'
  | 'deployable'
  | 'deployableOf'
  | 'assemblyCreatedAtMs'
  | 'deployableCreatedAtMs'
  | 'pinnedImage'
  | 'identityTaken';

function reads(database: SqliteDatabase): Pick<DefinitionStore, Reads> {
  return {
    assemblies: (): AssemblyDefinition[] => database.all(assemblyRow, `${selectAssembly} ORDER BY name`),
    assembly: (name) => database.get(assemblyRow, `${selectAssembly} WHERE name = ?`, name),
    assemblyUuid: (name) => database.get(uuidRow, 'SELECT uuid FROM assemblies WHERE name = ?', name)?.uuid,
    deployables: (): DeployableDefinition[] =>
      database.all(deployableRow, `${selectDeployable} ORDER BY name`),
    deployable: (name) => database.get(deployableRow, `${selectDeployable} WHERE name = ?`, name),
    deployableOf: (assembly) =>
      database.get(
        deployableRow,
        `${selectDeployable} WHERE name = (SELECT deployable FROM deployable_assemblies WHERE assembly = ?)`,
        assembly,
      ),
    assemblyCreatedAtMs: (name) =>
      database.get(createdRow, 'SELECT created_at_ms FROM assemblies WHERE name = ?', name)?.created_at_ms ??
      0,
    deployableCreatedAtMs: (name) =>
      database.get(createdRow, 'SELECT created_at_ms FROM deployables WHERE name = ?', name)?.created_at_ms ??
      0,
    pinnedImage: (assembly): PinnedImage | undefined =>
      database.get(
        z.object({ pinned_image: jsonColumn(pinnedImageSchema) }),
        'SELECT pinned_image FROM assemblies WHERE name = ? AND pinned_image IS NOT NULL',
        assembly,
      )?.pinned_image,
    identityTaken: (uuid, macAddress) =>
      database.get(
        z.object({ name: z.string() }),
        'SELECT name FROM assemblies WHERE uuid = ? OR mac_address = ?',
        uuid,
        macAddress,
      ) !== undefined,
  };
}

type AssemblyWrites =
  | 'insertAssembly'
  | 'deleteAssembly'
  | 'setAssemblyEscalation'
  | 'setMachine'
  | 'setDisks'
  | 'setNetworks'
  | 'pinImage'
  | 'unpinImage';

function assemblyWrites(database: SqliteDatabase): Pick<DefinitionStore, AssemblyWrites> {
  return {
    insertAssembly(assembly, pinned, nowMs) {
      database.transaction(() => {
        database.run(
          `INSERT INTO assemblies (name, release, architecture, uuid, mac_address, memory_mib, vcpus,
             escalation, pinned_image, transport, imported, ports, disks, networks, created_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          assembly.name,
          assembly.release,
          assembly.architecture,
          assembly.uuid,
          assembly.macAddress,
          assembly.memoryMiB,
          assembly.vcpus,
          JSON.stringify(assembly.escalation),
          pinned === null ? null : JSON.stringify(pinned),
          JSON.stringify(assembly.transport),
          assembly.imported === null ? null : JSON.stringify(assembly.imported),
          JSON.stringify(assembly.ports),
          JSON.stringify(assembly.disks),
          JSON.stringify(assembly.networks),
          Math.floor(nowMs),
        );
        for (const resource of assembly.resources)
          resourceWrites(database).insertResource(assembly.name, resource);
        for (const dependency of assembly.dependsOn)
          insertDependency(database, { assembly: assembly.name, resource: null }, dependency);
      });
    },
    deleteAssembly(name) {
      database.transaction(() => {
        // The keys of `Memory.saveWindow`; a new assembly of the same name starts without history.
        const resourcePrefix = `resource/${name}/`;
        database.run('DELETE FROM windows WHERE key = ?', `assembly/${name}`);
        database.run(
          'DELETE FROM windows WHERE substr(key, 1, ?) = ?',
          resourcePrefix.length,
          resourcePrefix,
        );
        database.run('DELETE FROM settings WHERE name IN (?, ?)', `values/${name}`, `running/${name}`);
        forgetMaintenanceOf(database, name);
        database.run('DELETE FROM assemblies WHERE name = ?', name);
      });
    },
    setAssemblyEscalation: (name, policy) =>
      database.run('UPDATE assemblies SET escalation = ? WHERE name = ?', JSON.stringify(policy), name),
    setMachine: (name, { memoryMiB, vcpus, ports }) =>
      database.run(
        'UPDATE assemblies SET memory_mib = ?, vcpus = ?, ports = ? WHERE name = ?',
        memoryMiB,
        vcpus,
        JSON.stringify(ports),
        name,
      ),
    setDisks: (name, disks) =>
      database.run('UPDATE assemblies SET disks = ? WHERE name = ?', JSON.stringify(disks), name),
    setNetworks: (name, networks) =>
      database.run('UPDATE assemblies SET networks = ? WHERE name = ?', JSON.stringify(networks), name),
    pinImage: (assembly, image) =>
      database.run('UPDATE assemblies SET pinned_image = ? WHERE name = ?', JSON.stringify(image), assembly),
    unpinImage: (assembly) =>
      database.run('UPDATE assemblies SET pinned_image = NULL WHERE name = ?', assembly),
  };
}

type ResourceWrites = 'insertResource' | 'deleteResource' | 'setResourceEscalation';

function resourceWrites(database: SqliteDatabase): Pick<DefinitionStore, ResourceWrites> {
  return {
    insertResource(assembly, resource) {
      database.transaction(() => {
        database.run(
          `INSERT INTO resources (assembly, name, template, escalation, parameters, watching, position)
           VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(position), 0) + 1 FROM resources WHERE assembly = ?))`,
          assembly,
          resource.name,
          resource.template,
          JSON.stringify(resource.escalation),
          JSON.stringify(resource.parameters),
          JSON.stringify(resource.watching),
          assembly,
        );
        for (const dependency of resource.dependsOn)
          insertDependency(database, { assembly, resource: resource.name }, dependency);
      });
    },
    deleteResource(assembly, resource) {
      database.transaction(() => {
        database.run('DELETE FROM windows WHERE key = ?', `resource/${assembly}/${resource}`);
        database.run('DELETE FROM maintenance WHERE target = ?', `resource:${assembly}/${resource}`);
        database.run('DELETE FROM dependencies WHERE assembly = ? AND resource = ?', assembly, resource);
        database.run('DELETE FROM resources WHERE assembly = ? AND name = ?', assembly, resource);
      });
    },
    setResourceEscalation: (assembly, resource, policy) =>
      database.run(
        'UPDATE resources SET escalation = ? WHERE assembly = ? AND name = ?',
        JSON.stringify(policy),
        assembly,
        resource,
      ),
  };
}

type DeployableWrites =
  | 'insertDeployable'
  | 'deleteDeployable'
  | 'setDeployableEscalation'
  | 'setIntent'
  | 'addMember'
  | 'removeMember';

function deployableWrites(database: SqliteDatabase): Pick<DefinitionStore, DeployableWrites> {
  const addMember = (deployable: string, assembly: string): void =>
    database.run(
      `INSERT INTO deployable_assemblies (assembly, deployable, position)
       VALUES (?, ?, (SELECT coalesce(max(position), 0) + 1 FROM deployable_assemblies WHERE deployable = ?))`,
      assembly,
      deployable,
      deployable,
    );
  return {
    addMember,
    insertDeployable(deployable, nowMs) {
      database.transaction(() => {
        database.run(
          'INSERT INTO deployables (name, monitoring, intent, escalation, created_at_ms) VALUES (?, ?, ?, ?, ?)',
          deployable.name,
          deployable.monitoring,
          deployable.intent,
          JSON.stringify(deployable.escalation),
          Math.floor(nowMs),
        );
        for (const assembly of deployable.assemblies) addMember(deployable.name, assembly);
      });
    },
    deleteDeployable(name) {
      database.transaction(() => {
        database.run('DELETE FROM windows WHERE key = ?', `deployable/${name}`);
        database.run('DELETE FROM blocked WHERE deployable = ?', name);
        database.run('DELETE FROM maintenance WHERE target = ?', `deployable:${name}`);
        database.run('DELETE FROM maintenance_windows WHERE target = ?', `deployable:${name}`);
        database.run('DELETE FROM deployables WHERE name = ?', name);
      });
    },
    setDeployableEscalation: (name, policy) =>
      database.run('UPDATE deployables SET escalation = ? WHERE name = ?', JSON.stringify(policy), name),
    setIntent: (name, intent) =>
      database.run('UPDATE deployables SET intent = ? WHERE name = ?', intent, name),
    removeMember: (assembly) =>
      database.run('DELETE FROM deployable_assemblies WHERE assembly = ?', assembly),
  };
}
