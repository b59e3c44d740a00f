/**
 * SELinux's module: compiled, packed and linked into a small policy of the test's own, and asked which path gets
 * which label. No SELinux runs here, so what an enforcing kernel makes of it is not tried.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { execa } from 'execa';

const checkout = path.resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(path.join(tmpdir(), 'pcse-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const contexts = path.join(checkout, 'packaging/selinux/pacemaker-cloud.fc');
const shipped = path.join(checkout, 'packaging/selinux/pacemaker_cloud.cil');
const base = path.join(import.meta.dirname, 'fixtures/selinux-base.cil');
/** policycoreutils' translation of a packed module into CIL. */
const translator = '/usr/libexec/selinux/hll/pp';

const read = (file: string): string => readFileSync(file, 'utf8');
const code = (cil: string): string => cil.replaceAll(/^;.*\n/gm, '');

/** Runs it; undefined where it is not installed. */
async function run(program: string, ...args: readonly string[]) {
  const result = await execa(program, args, { cwd: directory, reject: false, timeout: 30_000 });
  return result.code === 'ENOENT' ? undefined : result;
}

test('the module compiles, packs with its labels, and is the one that packages install', async (context) => {
  const source = path.join(checkout, 'packaging/selinux/pacemaker-cloud.te');
  const compiled = await run('checkmodule', '-M', '-m', '-o', 'pacemaker_cloud.mod', source);
  if (compiled === undefined) return context.skip('checkmodule (package checkpolicy) is not installed');
  assert.equal(compiled.exitCode, 0, compiled.stderr);
  const parts = ['-m', 'pacemaker_cloud.mod', '-f', contexts];
  const packed = await run('semodule_package', '-o', 'pacemaker_cloud.pp', ...parts);
  if (packed === undefined) return context.skip('semodule_package (package semodule-utils) is not installed');
  assert.equal(packed.exitCode, 0, packed.stderr);
  const translated = await run(translator, 'pacemaker_cloud.pp');
  if (translated === undefined)
    return context.skip(`${translator} (package policycoreutils) is not installed`);
  assert.equal(`${translated.stdout}\n`, code(read(shipped)));
  return undefined;
});

test('linked into a policy its labels are good ones, and a type that there is not is refused', async (context) => {
  const linked = await run('secilc', '-o', 'policy', '-f', 'contexts', base, shipped);
  if (linked === undefined) return context.skip('secilc is not installed');
  assert.equal(linked.exitCode, 0, linked.stderr + linked.stdout);
  const check = await run('/usr/sbin/setfiles', '-c', 'policy', contexts);
  if (check === undefined) return context.skip('setfiles (package policycoreutils) is not installed');
  assert.equal(check.exitCode, 0, check.stderr);
  writeFileSync(path.join(directory, 'wrong.fc'), read(contexts).replace(':virt_image_t:', ':virt_imago_t:'));
  assert.notEqual((await run('/usr/sbin/setfiles', '-c', 'policy', 'wrong.fc'))?.exitCode, 0);
  return undefined;
});

test('each place has the label that its users need, and what no machine may read has none of ours', async (context) => {
  const state = '/var/lib/pacemaker-cloud';
  const table: readonly (readonly [string, string | undefined])[] = [
    [`${state}/images`, 'virt_content_t'],
    [`${state}/images/${'ab'.repeat(32)}/disk.qcow2`, 'virt_content_t'],
    [`${state}/assemblies/web`, 'virt_image_t'],
    [`${state}/assemblies/web/disk.qcow2`, 'virt_image_t'],
    [`${state}/assemblies/web/console.log`, 'virt_log_t'],
    [`${state}/assemblies/web/console.log.0`, 'virt_log_t'],
    [`${state}/assemblies/web/ssh_ed25519`, 'var_lib_t'],
    [`${state}/assemblies/web/evidence/7/screen.png`, 'var_lib_t'],
    ['/run/pacemaker-cloud/g/0123.sock', 'qemu_var_run_t'],
    ['/usr/lib/pacemaker-cloud/libexec/node', 'bin_t'],
    [`${state}/cped.sqlite`, undefined],
    [`${state}/ssh/web`, undefined],
    [`${state}/builder/redis/appendonly.aof`, undefined],
    ['/run/pacemaker-cloud/cped.sock', undefined],
    ['/etc/pacemaker-cloud/cped.env', undefined],
    [`${state}x/images`, undefined],
  ];
  for (const [place, type] of table) {
    const found = await run('selabel_lookup', '-b', 'file', '-f', contexts, '-k', place, '-t', 'file');
    if (found === undefined) return context.skip('selabel_lookup (package selinux-utils) is not installed');
    assert.equal(/object_r:(\w+):s0$/m.exec(found.stdout)?.[1], type, place);
  }
  return undefined;
});

test('nothing that we install or write turns SELinux off', async () => {
  const { stdout } = await execa(
    'git',
    [
      'ls-files',
      'bin',
      'packaging',
      'systemd',
      'templates',
      'kickstarts',
      'guest',
      'tools',
      'builder',
      'runtime',
    ],
    { cwd: checkout },
  );
  const off =
    /setenforce|SELINUX=(?:disabled|permissive)|selinux --(?:disabled|permissive)|enforcing=0|selinux=0/;
  for (const file of stdout.split('\n')) assert.doesNotMatch(read(path.join(checkout, file)), off, file);
});
