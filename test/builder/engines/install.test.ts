/** The plans of the engines `oz` and `virt-install`: golden, and what holds for all of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { installDomainName, planInstall } from '../../../builder/engines/install.ts';
import type { InstallContext, InstallMedium } from '../../../builder/engines/install.ts';
import type { InstallStep, Plan } from '../../../builder/plan.ts';
import { matchesGolden } from '../render/golden.ts';
import { installerReleases, releaseNamed, templatesDirectory } from '../render/samples.ts';

const template = (name: string): string => readFileSync(path.join(templatesDirectory, name), 'utf8');
const gibibyte = 1024 ** 3;

const context: InstallContext = {
  digest: '0123456789abcdef'.repeat(4),
  release: releaseNamed('F14'),
  architecture: 'x86_64',
  engine: 'oz',
  kickstart: 'text\n',
  medium: { kind: 'iso', path: '/media/f14.iso', sizeBytes: 4 * gibibyte },
  accelerator: 'tcg',
  cpus: 2,
  workDirectory: '/images/.tmp/one',
  tdlTemplate: template('tdl.xml.hbs'),
  ozConfigTemplate: template('oz.cfg.hbs'),
  guestfsCacheDirectory: '/state/guestfs',
};
const media: Readonly<Record<InstallMedium['kind'], InstallMedium>> = {
  iso: context.medium,
  tree: { kind: 'tree', url: 'http://127.0.0.1:8080/f14/' },
  directory: { kind: 'directory', path: '/media/f14' },
};

function installOf(plan: Plan): InstallStep {
  const found = plan.steps.find((one) => one.kind === 'install');
  assert.ok(found !== undefined);
  return found;
}

for (const engine of ['oz', 'virt-install'] as const)
  for (const medium of Object.values(media))
    test(`the plan of F14 by ${engine} from ${medium.kind} is the golden one`, () => {
      const plan = planInstall({ ...context, engine, medium });
      matchesGolden(
        `install-F14-${engine}-${medium.kind}.json`,
        `${JSON.stringify(plan, undefined, 2)}\n`,
        'builder',
      );
    });

test('each release has a plan by each of its engines, and its steps start from what is there', () => {
  for (const release of installerReleases)
    for (const engine of release.engines) {
      const plan = planInstall({ ...context, release, engine, medium: media.tree });
      const there = [...plan.files.map((file) => file.path), ...plan.directories];
      for (const { id, inputs, outputs } of plan.steps) {
        for (const input of inputs) assert.ok(there.includes(input), `${release.name}, ${id}: ${input}`);
        there.push(...outputs);
      }
    }
});

test("the host's loopback address is open to the machine only where the tree is there", () => {
  const reach = (medium: InstallMedium): readonly [boolean, string | null] => {
    const { hostLoopback, served } = installOf(planInstall({ ...context, medium }));
    return [hostLoopback, served];
  };
  assert.deepEqual(reach(media.iso), [false, null]);
  assert.deepEqual(reach(media.tree), [true, null]);
  assert.deepEqual(reach({ kind: 'tree', url: 'http://mirror.example/f14/' }), [false, null]);
  assert.deepEqual(reach(media.directory), [false, '/media/f14']);
});

test('the kickstart is for the eyes of the builder alone, and stands in no argument', () => {
  for (const engine of ['oz', 'virt-install'] as const) {
    const plan = planInstall({ ...context, engine, kickstart: 'rootpw --iscrypted secret\n' });
    const kickstart = plan.files.find((file) => file.path === 'kickstart.ks');
    assert.deepEqual([kickstart?.isSecret, kickstart?.content], [true, 'rootpw --iscrypted secret\n']);
    assert.ok(!JSON.stringify(plan.steps).includes('secret'));
  }
});

test('oz needs room for its copies of an ISO, and nobody else does', () => {
  const needed = (engine: 'oz' | 'virt-install', medium: InstallMedium): number =>
    planInstall({ ...context, engine, medium }).neededBytes;
  const least = needed('virt-install', media.tree);
  assert.equal(needed('oz', media.iso) - least, 12 * gibibyte);
  assert.equal(needed('virt-install', media.iso), least);
  assert.equal(needed('oz', media.tree), least);
});

test('without KVM neither the machine nor the one of libguestfs asks for it', () => {
  const text = (accelerator: 'kvm' | 'tcg', engine: 'oz' | 'virt-install'): string =>
    JSON.stringify(planInstall({ ...context, accelerator, engine }));
  assert.ok(text('tcg', 'oz').includes('force_tcg'));
  assert.ok(!text('kvm', 'oz').includes('force_tcg'));
  for (const engine of ['oz', 'virt-install'] as const) {
    assert.doesNotMatch(text('tcg', engine), /\bkvm\b/);
    assert.match(text('kvm', engine), /\bkvm\b/);
  }
});

test('two builds have machines of two names', () => {
  assert.equal(installDomainName(context.digest), 'pcloud-build-0123456789ab');
  assert.notEqual(installDomainName('a'.repeat(64)), installDomainName('b'.repeat(64)));
});
