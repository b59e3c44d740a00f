/**
 * The page in a real Chromium, before the real cped over TLS: what it shows by itself, what it lets whom do, and that
 * it is reached by keyboard, by ear, by phone, in light and in dark.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { assertAccessible, assertFits, openPage, patienceMs } from './page-browser.ts';
import { sampleBuilds } from './page-builds.ts';

const card = (page: Page, name: string): Locator => page.locator(`[data-machine="${name}"]`);
const section = (page: Page, name: string): Locator => page.locator(`[data-deployable="${name}"]`);

/** Waits until a deployable reads as wanted. */
async function reads(page: Page, deployable: string, word: string): Promise<void> {
  await section(page, deployable).locator('header .pill', { hasText: word }).waitFor();
}

test('who brings no token sees nothing, who brings a wrong one is told so, and an operator sees what happens as it happens', async (t) => {
  const looker = await openPage(t);
  const { world, page } = looker;
  await page.getByRole('heading', { name: 'Log in' }).waitFor();
  assert.equal(await page.locator('[data-machine]').count(), 0);
  await page.getByLabel('Token').fill('pcloud_wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').filter({ hasText: /token/i }).waitFor();
  await looker.logIn('operate');

  await reads(page, 'shop', 'stopped');
  await world.client.startDeployable('shop');
  await card(page, 'front-1').locator('.pill', { hasText: 'waiting' }).waitFor();
  await reads(page, 'shop', 'active');
  assert.equal(await page.locator('.picture svg.arrows path.arrow').count(), 4);
  assert.equal(await card(page, 'gate').locator('.after').innerText(), ', after front-1, front-2');

  // An application dies, and a machine with an evil console panics.
  world.guests.killResource('front-1', 'storefront');
  await world.writeConsole(
    'front-2',
    '<script>document.title="owned"</script>\nKernel panic - not syncing\n',
  );
  world.hypervisor.panic('front-2');
  await reads(page, 'shop', 'recovering');
  await reads(page, 'shop', 'active');
  await card(page, 'front-2').getByText('1 of 3 restarts in 60 min').waitFor();

  await page.getByRole('link', { name: /Incidents/ }).click();
  await page.locator('[data-incident]').nth(1).waitFor();
  assert.equal(await page.locator('[data-incident] .pill', { hasText: 'recovered' }).count(), 2);
  await page.getByRole('link', { name: /panicked/ }).click();
  await page.getByText(/Recovered after/).waitFor();
  await page.locator('canvas[aria-label="Screen of front-2 when it failed"]').waitFor();
  const console = page.getByLabel('End of the console of front-2');
  assert.match(await console.innerText(), /<script>document.title="owned"<\/script>\nKernel panic/);
  assert.match(page.url(), /#\/incidents\/\d+$/);
  assert.doesNotMatch(await page.title(), /owned/);

  assert.equal(await looker.isSameDocument(), true);
  assert.deepEqual(looker.faults, []);
});

test('a service that is restarted is said not to be live, and then caught up with, nothing missed', async (t) => {
  const looker = await openPage(t, { forwarded: true });
  const { world, page } = looker;
  await page.getByText('live', { exact: true }).waitFor();
  await world.client.startDeployable('shop');
  await reads(page, 'shop', 'active');

  looker.expectOutage(true);
  await world.stop();
  await page.getByText(/^Not live since/).waitFor();
  assert.equal(
    await section(page, 'shop')
      .getByRole('button', { name: /^Stop shop/ })
      .getAttribute('aria-disabled'),
    'true',
  );
  assert.equal(await card(page, 'orders-db').count(), 1);
  // While nobody looks after it, the database dies.
  world.hypervisor.kill('orders-db');
  await world.start();
  await page.getByText('live', { exact: true }).waitFor();
  looker.expectOutage(false);
  await page.locator('.event', { hasText: /orders-db.*FAILED/ }).waitFor();
  await reads(page, 'shop', 'active');
  assert.equal(await looker.isSameDocument(), true);
  assert.deepEqual(looker.faults, []);
});

test('over TLS a session ends with the service: the page says so and asks again', async (t) => {
  const looker = await openPage(t);
  await looker.logIn('operate');
  looker.expectOutage(true);
  await looker.world.stop();
  await looker.page.getByText(/^Not live since/).waitFor();
  const port = new URL(looker.origin).port;
  const tls = `${looker.world.directory}/tls/tls`;
  await looker.world.start({
    PCLOUD_LISTEN: `127.0.0.1:${port}`,
    PCLOUD_TLS_CERT_FILE: `${tls}.crt`,
    PCLOUD_TLS_KEY_FILE: `${tls}.key`,
  });
  await looker.page
    .getByRole('alert')
    .filter({ hasText: /session/i })
    .waitFor();
  await looker.logIn('operate');
  await reads(looker.page, 'shop', 'stopped');
});

test('what an operator does is asked first, done, and told; what the service refuses is told with its reason', async (t) => {
  const looker = await openPage(t);
  const { world, page } = looker;
  await looker.logIn('operate');
  await world.client.startDeployable('wiki');
  await reads(page, 'wiki', 'active');
  const dialog = page.locator('dialog#ask');

  await page.getByRole('button', { name: 'Stop wiki' }).click();
  await dialog.getByText('Shuts its machine down').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await world.client.deployable('wiki')).intent, 'up');
  await page.getByRole('button', { name: 'Stop wiki' }).click();
  await dialog.getByRole('button', { name: 'Stop' }).click();
  await page.locator('#toasts', { hasText: 'wiki is being stopped.' }).waitFor();
  await reads(page, 'wiki', 'stopped');

  await page.getByRole('button', { name: 'Maintenance shop' }).click();
  await dialog.getByLabel('For how long').fill('soon');
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await dialog.getByRole('alert').filter({ hasText: '"soon" is no duration' }).waitFor();
  await dialog.getByLabel('For how long').fill('45m');
  await page.keyboard.press('Enter');
  await section(page, 'shop')
    .getByText(/^Maintenance until .*left\)$/)
    .first()
    .waitFor();
  const [maintenance] = (await world.client.maintenances()).maintenances;
  assert.equal(maintenance?.target, 'deployable:shop');
  await page.getByRole('button', { name: 'End maintenance shop' }).click();
  await dialog.getByRole('button', { name: 'End maintenance' }).click();
  await page.getByRole('button', { name: 'Maintenance shop' }).waitFor();

  await world.client.createAssembly('lonely', 'debian12', 'x86_64');
  await world.client.addResource('lonely', 'app', 'tomcat');
  await world.client.createDeployable('attic');
  await world.client.addAssembly('attic', 'lonely');
  await page.getByRole('button', { name: 'Start attic' }).click({ timeout: patienceMs });
  await dialog.getByRole('button', { name: 'Start' }).click();
  await dialog
    .getByRole('alert')
    .filter({ hasText: /no such image.*Build what is missing/ })
    .waitFor();
  assert.deepEqual(looker.faults, []);
});

test('whoever may only look has no button that does anything, on any place', async (t) => {
  const looker = await openPage(t);
  const { page } = looker;
  await looker.logIn('read');
  await reads(page, 'shop', 'stopped');
  for (const place of ['overview', 'machines/front-1']) {
    await page.goto(`${looker.origin}/#/${place}`);
    const buttons = page.locator('main [data-action]');
    await buttons.first().waitFor();
    for (const button of await buttons.all()) {
      assert.equal(await button.getAttribute('aria-disabled'), 'true');
      await button.click({ force: true });
      assert.equal(await page.locator('dialog[open]').count(), 0);
    }
  }
  await page.locator('#toasts', { hasText: 'role operate' }).waitFor();
  assert.deepEqual(looker.faults, []);
});

test('everything is reached by the keyboard, and the focus is seen and comes back', async (t) => {
  const looker = await openPage(t, { forwarded: true });
  const { world, page } = looker;
  await world.client.startDeployable('shop');
  await reads(page, 'shop', 'active');
  world.hypervisor.kill('front-1');
  await reads(page, 'shop', 'recovering');
  await reads(page, 'shop', 'active');
  const focused = (): Promise<string> =>
    page.evaluate(
      '(document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "").trim()',
    );
  const press = (...keys: readonly string[]): Promise<void> =>
    keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());

  await page.reload();
  await reads(page, 'shop', 'active');
  await press('Tab');
  assert.equal(await focused(), 'Skip to the content');
  await press('Enter');
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  const passed: string[] = [];
  for (let step = 0; step < 25 && !passed.includes('Maintenance wiki'); step += 1) {
    await press('Tab');
    passed.push(await focused());
    const outline = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
    assert.equal(outline, 'solid', `no focus is seen on ${passed.at(-1)}`);
  }
  for (const wanted of ['Stop shop', 'Maintenance shop', 'orders-db', 'front-1', 'gate', 'Start wiki'])
    assert.ok(passed.includes(wanted), `${wanted} is not among ${passed.join(', ')}`);

  await page.getByRole('button', { name: 'Stop shop' }).focus();
  await press('Enter');
  await page.locator('dialog#ask[open]').waitFor();
  assert.equal(await focused(), 'Cancel');
  await press('Escape');
  assert.equal(await focused(), 'Stop shop');

  await press('i');
  await page.getByRole('heading', { name: 'Incidents', level: 1 }).waitFor();
  await press('j');
  assert.match(await focused(), /^front-1/);
  await press('Enter');
  await page.getByRole('heading', { name: 'What was done' }).waitFor();
  assert.equal(await focused(), 'front-1');
  await press('Escape');
  await page.getByRole('heading', { name: 'Incidents', level: 1 }).waitFor();
  await press('/');
  await page.keyboard.type('nothing like it');
  await page.getByText('None matches').waitFor();
  await press('Escape', '?');
  await page.getByRole('heading', { name: 'Keys' }).waitFor();
  await press('Escape', 'c');
  await page.getByRole('heading', { name: 'Restarts per hour' }).waitFor();
  assert.equal(await page.locator('rect.bar-assembly title').count(), 1);
  assert.deepEqual(looker.faults, []);
});

test('builds show how far they are, their log as it is written, and why one has failed', async (t) => {
  const builds = await sampleBuilds(t);
  const looker = await openPage(t, { settings: { PCLOUD_BUILDER_SOCKET: builds.socketPath } });
  const { page } = looker;
  await looker.logIn('read');
  await page.getByRole('link', { name: 'Builds' }).click();
  await page.getByText('has written nothing to its disk').waitFor();
  const line = page.locator(`[data-build="${builds.running}"]`);
  await line.getByText('20 % – Unpacking the JEOS').waitFor();
  await builds.advance(60, 'Installing packages', 'I: installing apache2');
  await line.getByText('60 % – Installing packages').waitFor();
  await line.getByRole('link').click();
  const log = page.getByLabel('Log of the build');
  await log.filter({ hasText: 'I: installing apache2' }).waitFor();
  await builds.advance(80, 'Making the disk', 'I: <img src=x> is text');
  await log.filter({ hasText: 'I: <img src=x> is text' }).waitFor();
  await page.goto(`${looker.origin}/#/builds/${builds.failed}`);
  await page.getByText('its last screen was kept').waitFor();
  await page.getByText('complete', { exact: true }).waitFor();
  assert.deepEqual(looker.faults, []);
});

test('no rule of accessibility is broken, in light and dark, on a screen and on a phone, and nothing sticks out', async (t) => {
  const builds = await sampleBuilds(t);
  const looker = await openPage(t, { settings: { PCLOUD_BUILDER_SOCKET: builds.socketPath } });
  const { world, page } = looker;
  await assertAccessible(page, 'logging in');
  await looker.logIn('operate');
  await world.client.startDeployable('shop');
  await reads(page, 'shop', 'active');
  await world.client.setMaintenance('assembly:gate', 600_000);
  await world.writeConsole('front-2', `${'x'.repeat(500)}\n`);
  world.hypervisor.panic('front-2');
  world.hypervisor.failNextStart('front-2', 'it must not start');
  await reads(page, 'shop', 'recovering');
  const [incident] = await world.client.incidents();
  const places = [
    'overview',
    'machines/front-2',
    'incidents',
    `incidents/${incident?.id ?? ''}`,
    'charts',
    'builds',
    `builds/${builds.failed}`,
    'nowhere',
  ];
  for (const [width, colorScheme] of [
    [1280, 'light'],
    [360, 'dark'],
    [1280, 'dark'],
    [360, 'light'],
  ] as const) {
    await page.setViewportSize({ width, height: 760 });
    await page.emulateMedia({ colorScheme });
    for (const place of places) {
      await page.goto(`${looker.origin}/#/${place}`);
      await page.locator('main h1, main .empty').first().waitFor({ state: 'attached' });
      await assertAccessible(page, `${place} ${width} ${colorScheme}`);
      await assertFits(page, `${place} ${width}`);
    }
  }
  await page.goto(`${looker.origin}/#/overview`);
  await page.getByRole('button', { name: 'Stop shop' }).click();
  await assertAccessible(page, 'the dialog');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await assertAccessible(page, 'the help');
  assert.deepEqual(looker.faults, []);
});
