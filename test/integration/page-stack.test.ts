/** `make page` as a newcomer types it: the private stack serves its page over TLS to the token that it printed. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import path from 'node:path';
import { after, test } from 'node:test';
import { pageAccess, pageEnvironment, preparePage } from '../../tools/stack/page.ts';
import { stopMembers } from '../../tools/stack/members.ts';
import { downStack, layoutOfThisCheckout, upStack } from '../../tools/stack/stack.ts';

const base = mkdtempSync('/tmp/pcloud-page-');
const layout = layoutOfThisCheckout(path.join(base, 'state'));
const quiet = (): void => {};

after(async () => {
  await stopMembers(layout, 'all');
  rmSync(layout.runtimeDir, { recursive: true, force: true });
  rmSync(base, { recursive: true, force: true });
});

async function get(address: string, headers: Readonly<Record<string, string>> = {}) {
  const ca = readFileSync(path.join(layout.stateDir, 'tls/tls.crt'));
  return await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const asked = request(address, { ca, headers, agent: false, timeout: 10_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('the page is there over TLS, and the token that was printed opens what is behind it', async () => {
  assert.deepEqual(pageEnvironment(layout), {});
  assert.equal(await preparePage(layout), true);
  await upStack(layout, quiet);
  const { address, token } = await pageAccess(layout, Date.now());
  const page = await get(address);
  assert.equal(page.status, 200);
  assert.match(page.text, /<title>Pacemaker Cloud<\/title>/);
  assert.equal((await get(`${address}page/main.ts`)).status, 200);
  assert.equal((await get(`${address}v1/deployables`)).status, 401);
  const opened = await get(`${address}v1/session`, { authorization: `Bearer ${token}` });
  assert.match(opened.text, /"role":"operate"/);

  // Asked for again, it keeps its place and gives another token; `down` ends all of it.
  assert.equal(await preparePage(layout), false);
  const again = await pageAccess(layout, Date.now() + 1);
  assert.equal(again.address, address);
  assert.notEqual(again.token, token);
  await downStack(layout, quiet);
  await assert.rejects(get(address));
});
