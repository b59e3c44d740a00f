/**
 * The files of a fleet: a state directory as it would be after a thousand assemblies were defined and started
 * once (definitions, disks, keys, one image), and the domains for libvirt's test driver. Nothing is started here.
 */
import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { assemblyPaths, domainNameOf, guestSocketPath } from '../../catalogue/assembly-paths.ts';
import { metadataUri } from '../../catalogue/domain-xml.ts';
import { defaultEscalation } from '../../model/definition.ts';
import { sampleManifest } from '../../test/builder/sample-manifest.ts';
import type { Manifest } from '../../model/manifest.ts';
import { openDatabase } from '../../runtime/adapters/sqlite-database.ts';
import { createDefinitionStore } from '../../runtime/adapters/sqlite-definitions.ts';
import type { PinnedImage } from '../../runtime/definitions/store.ts';

export const owner = 'fleet';
const release = 'debian12';

/** One machine of the fleet. */
export type Machine = { readonly name: string; readonly uuid: string; readonly socketPath: string };

export type Fleet = {
  readonly directory: string;
  readonly stateDir: string;
  readonly runtimeDir: string;
  readonly templatesDir: string;
  /** For `test://FILE`: every machine runs in it. */
  readonly domainsFile: string;
  readonly machines: readonly Machine[];
  readonly deployables: readonly string[];
};

/** What each machine runs: a web server's monitor interval, a database's, a time server's. */
const resources = [
  { name: 'web', monitorIntervalMs: 10_000 },
  { name: 'database', monitorIntervalMs: 30_000 },
  { name: 'time', monitorIntervalMs: 90_000 },
] as const;

/** @param perDeployable how many assemblies stand in one deployable. */
export async function makeFleet(size: number, perDeployable: number): Promise<Fleet> {
  const directory = mkdtempSync(path.join(tmpdir(), 'pcf-'));
  const stateDir = path.join(directory, 'state');
  const runtimeDir = path.join(directory, 'run');
  const templatesDir = path.join(directory, 'resources.d');
  for (const each of [stateDir, path.join(runtimeDir, 'g'), templatesDir])
    mkdirSync(each, { recursive: true });
  for (const { name, monitorIntervalMs } of resources)
    writeFileSync(
      path.join(templatesDir, `fleet-${name}.yaml`),
      templateOf(`fleet-${name}`, monitorIntervalMs),
    );
  const machines = Array.from({ length: size }, (_, index): Machine => {
    const uuid = `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
    return { name: `vm${index}`, uuid, socketPath: guestSocketPath({ stateDir, runtimeDir }, uuid) };
  });
  const digest = await makeImage(path.join(stateDir, 'images'));
  const disk = path.join(stateDir, 'images', digest, 'disk.qcow2');
  await makeDisks(directory, stateDir, machines, disk);
  const deployables = define(stateDir, machines, perDeployable, digest);
  const domainsFile = path.join(directory, 'domains.xml');
  writeFileSync(
    domainsFile,
    `<node>\n${machines.map((machine) => domainXml({ ...machine, owner })).join('\n')}\n</node>\n`,
  );
  return { directory, stateDir, runtimeDir, templatesDir, domainsFile, machines, deployables };
}

/** A domain of the test driver, with the metadata that says whose it is. */
export function domainXml(domain: {
  readonly name: string;
  readonly uuid: string;
  readonly owner: string;
}): string {
  return `<domain type='test'><name>${domainNameOf(domain.name)}</name><uuid>${domain.uuid}</uuid>
<metadata><p:assembly xmlns:p='${metadataUri}' owner='${domain.owner}' name='${domain.name}'/></metadata>
<memory unit='MiB'>128</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`;
}

function templateOf(name: string, monitorIntervalMs: number): string {
  return `name: ${name}
summary: One of the fleet
class: service
monitorIntervalMs: ${monitorIntervalMs}
families:
  debian: { service: ${name}, packages: [base-files] }
  fedora: { service: ${name}, packages: [base-files] }
  rhel: { service: ${name}, packages: [base-files] }
ports: []
`;
}

async function makeImage(imageDirectory: string): Promise<string> {
  const digest = createHash('sha256').update('fleet').digest('hex');
  const directory = path.join(imageDirectory, digest);
  mkdirSync(directory, { recursive: true });
  const disk = path.join(directory, 'disk.qcow2');
  await execa('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '64M'], { timeout: 30_000 });
  const content = readFileSync(disk);
  for (const file of ['vmlinuz', 'initrd']) writeFileSync(path.join(directory, file), file);
  const manifest: Manifest = {
    ...sampleManifest,
    digest,
    release,
    packages: ['base-files'],
    disk: {
      file: 'disk.qcow2',
      sha256: createHash('sha256').update(content).digest('hex'),
      sizeBytes: content.length,
      virtualSizeBytes: 64 * 1024 * 1024,
    },
    packagesFile: null,
    files: [],
  };
  writeFileSync(path.join(directory, 'manifest.json'), JSON.stringify(manifest));
  return digest;
}

/** One key pair and one disk under a thousand names each: nobody looks into them here. */
async function makeDisks(
  directory: string,
  stateDir: string,
  machines: readonly Machine[],
  disk: string,
): Promise<void> {
  const key = path.join(directory, 'key');
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'fleet', '-f', key], { timeout: 10_000 });
  for (const { name } of machines) {
    const paths = assemblyPaths({ stateDir, runtimeDir: '' }, name);
    mkdirSync(paths.directory, { recursive: true });
    linkSync(disk, paths.disk);
    linkSync(key, paths.privateKey);
    linkSync(`${key}.pub`, paths.publicKey);
  }
}

function define(
  stateDir: string,
  machines: readonly Machine[],
  perDeployable: number,
  digest: string,
): readonly string[] {
  const database = openDatabase(path.join(stateDir, 'cped.sqlite'));
  const store = createDefinitionStore(database);
  const pinned: PinnedImage = {
    digest,
    family: 'debian',
    init: 'systemd',
    packages: ['base-files'],
    templates: [],
  };
  const deployables: string[] = [];
  store.transaction(() => {
    for (const [index, { name, uuid }] of machines.entries()) {
      const hex = index.toString(16).padStart(6, '0');
      store.insertAssembly(
        {
          name,
          uuid,
          release,
          architecture: 'x86_64',
          macAddress: `52:54:00:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`,
          memoryMiB: 128,
          vcpus: 1,
          ports: [],
          disks: [],
          networks: [],
          imageDigest: digest,
          transport: { kind: 'agent' },
          imported: null,
          escalation: defaultEscalation.assembly,
          dependsOn: [],
          resources: resources.map((resource) => ({
            name: resource.name,
            template: `fleet-${resource.name}`,
            escalation: defaultEscalation.resource,
            parameters: {},
            watching: {},
            dependsOn: [],
          })),
        },
        pinned,
        1,
      );
    }
    for (let first = 0; first < machines.length; first += perDeployable) {
      const name = `dep${deployables.length}`;
      deployables.push(name);
      const members = machines.slice(first, first + perDeployable).map((machine) => machine.name);
      store.insertDeployable(
        {
          name,
          monitoring: 'am',
          intent: 'up',
          escalation: defaultEscalation.deployable,
          assemblies: members,
        },
        1,
      );
    }
  });
  database.close();
  return deployables;
}
