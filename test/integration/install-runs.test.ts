/**
 * From install media to a supervised service, as an operator types it: F14's medium is given, its JEOS installed by
 * the real tool, httpd put into an overlay of it by the guest's own package manager, and a deployable of it started
 * under the runtime, whose agent says hello and whose web server answers; then the machine is forced off and comes
 * back. The media are synthetic and say so.
 */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';
import { listMembers } from '../../tools/stack/members.ts';
import { clientEnvironment, downStack, layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';
import { mediaKernel } from '../media/kernel.ts';
import { makeInstallMedia } from '../media/make-media.ts';
import { serveTree } from '../media/serve-tree.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const testState = process.env['PCLOUD_TEST_STATE'] ?? path.join(checkout, '.pcloud/test');
const limitMs = 400_000;
const recoveryLimitMs = 120_000;

test(
  'F14 goes from its medium to a web server whose machine is forced off and comes back',
  { timeout: limitMs },
  async (t) => {
    const directory = await mkdtemp('/tmp/pcr-');
    t.after(async () => await rm(directory, { recursive: true, force: true }));
    const cacheDirectory = path.join(testState, 'media-kernel');
    const media = await makeInstallMedia({
      release: 'F14',
      directory: path.join(directory, 'media'),
      cacheDirectory,
    });
    const server = await serveTree(media.treeDirectory);
    t.after(async () => await server.stop());

    // The guest's repositories are on this host: 10.0.2.2 is what QEMU's user network calls its loopback.
    const templates = path.join(directory, 'templates');
    await cp(path.join(checkout, 'templates'), templates, { recursive: true });
    const file = path.join(templates, 'releases/F14.yaml');
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replaceAll(/baseUrl: http:\S+/g, `baseUrl: ${server.urlFrom('10.0.2.2')}`));

    const layout = layoutOfThisCheckout(path.join(directory, 'stack'));
    const settings = {
      PCLOUD_TEMPLATES_DIR: templates,
      ...(await mediaKernel(cacheDirectory)).applianceEnvironment,
    };
    Object.assign(process.env, settings);
    await upStack(layout, () => undefined);
    t.after(async () => {
      await downStack(layout, () => undefined);
      for (const name of Object.keys(settings)) delete process.env[name];
      assert.deepEqual(listMembers(layout), []);
    });
    const shell = async (...words: string[]): Promise<string> => {
      const { stdout } = await execa(path.join(checkout, 'bin/pcloudsh'), words, {
        env: clientEnvironment(layout),
        stdin: 'ignore',
        timeout: limitMs - 20_000,
      });
      return stdout;
    };

    await shell('media_add', 'F14', media.treeDirectory);
    await shell('jeos_create', 'F14', 'x86_64', '--engine', 'virt-install');
    await shell('assembly_create', 'assy1', 'F14', 'x86_64');
    await shell('assembly_resource_add', 'httpdone', 'httpd', 'assy1');
    await shell('deployable_create', 'dep1');
    await shell('deployable_assembly_add', 'dep1', 'assy1');
    await shell('deployable_start', 'dep1');

    const shown = await shell('assembly_show', 'assy1');
    assert.match(shown, /synthetic/i);
    assert.match(shown, /guest/);
    const status = await shell('deployable_status', 'dep1');
    assert.match(status, /httpdone/);
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(status)?.[0];
    assert.ok(url !== undefined, status);
    const page = async (): Promise<string> =>
      await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text();
    assert.match(await page(), /SYNTHETIC|synthetic/);

    // Forced off behind the supervisor's back, it is back, with its web server, without anybody's doing.
    const uri = clientEnvironment(layout)['PCLOUD_LIBVIRT_URI'] ?? '';
    await execa('virsh', ['--connect', uri, 'destroy', 'pcloud-assy1'], { timeout: 20_000 });
    await assert.rejects(page());
    const deadlineMs = performance.now() + recoveryLimitMs;
    let back: string | undefined;
    while (back === undefined) {
      assert.ok(performance.now() < deadlineMs, 'the web server did not come back');
      back = await page().catch(() => undefined);
      if (back === undefined) await delay(500);
    }
    assert.match(back, /SYNTHETIC|synthetic/);
  },
);
