/**
 * A real Chromium before the page: over TLS with a token as from the network, or through a forwarded socket as with
 * `ssh -L`. It notes everything that a page must not do: errors on the console, requests to anybody else.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { once } from 'node:events';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { selfSignedCommand } from '../../runtime/access/self-signed.ts';
import { tokenCommand } from '../../runtime/access/token-command.ts';
import { findProgram } from '../../tools/stack/programs.ts';
import { freePort } from './free-port.ts';
import { defineShop, pageWorld } from './page-world.ts';
import type { PageWorld } from './page-world.ts';

/** On a busy machine, for what takes a second on an idle one. */
export const patienceMs = 30_000;

export type Looker = {
  readonly world: PageWorld;
  readonly page: Page;
  /** Such as `https://127.0.0.1:34567`. */
  readonly origin: string;
  /** What went wrong in the browser so far. */
  readonly faults: readonly string[];
  /** While the service is away on purpose, the browser says so on its console. */
  expectOutage(expected: boolean): void;
  logIn(role: 'read' | 'operate'): Promise<void>;
  /** The document was not loaded anew since `openPage`. */
  isSameDocument(): Promise<boolean>;
};

/** One browser for a test, closed after it. */
async function launch(t: TestContext): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: findProgram('chromium'),
    // As root Chromium's own sandbox refuses to start; what it loads here is ours.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  t.after(() => browser.close());
  return browser;
}

/**
 * The shop's host with its page open in a browser, nobody logged in.
 * @param options `forwarded`: through the Unix socket, where nobody logs in
 */
export async function openPage(
  t: TestContext,
  options: BrowserContextOptions & {
    readonly forwarded?: boolean;
    /** Before the service starts. */
    readonly prepare?: (world: PageWorld) => void;
    readonly settings?: Record<string, string>;
  } = {},
): Promise<Looker> {
  const { forwarded = false, settings = {}, prepare, ...contextOptions } = options;
  const port = await freePort();
  const world = await pageWorld(settings);
  t.after(() => world.dispose());
  prepare?.(world);
  const tls = path.join(world.directory, 'tls');
  await selfSignedCommand([tls]);
  // Before it starts: it looks at the file of tokens once a second at most.
  const tokens = {
    read: await newToken(world, 'read'),
    operate: await newToken(world, 'operate'),
  };
  await world.start(
    forwarded
      ? {}
      : {
          PCLOUD_LISTEN: `127.0.0.1:${port}`,
          PCLOUD_TLS_CERT_FILE: path.join(tls, 'tls.crt'),
          PCLOUD_TLS_KEY_FILE: path.join(tls, 'tls.key'),
        },
  );
  await defineShop(world);
  const origin = forwarded
    ? `http://127.0.0.1:${await forwardSocket(t, path.join(world.directory, 'run/cped.sock'))}`
    : `https://127.0.0.1:${port}`;
  const browser = await launch(t);
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ignoreHTTPSErrors: true,
    ...contextOptions,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(patienceMs);
  const faults: string[] = [];
  let outage = false;
  page.on('pageerror', (error) => faults.push(`error: ${error.stack ?? error.message}`));
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    const { url } = message.location();
    const text = message.text();
    // Chromium writes every answer of 4xx there; being told to log in is one of the page's ordinary ways.
    const login = /status of 401/.test(text) && url.startsWith(`${origin}/v1/`);
    const refused = /status of 4\d\d/.test(text) && /\/(?:start|maintenance)$/.test(url);
    if (!login && !refused && !outage) faults.push(`console: ${text} (${url})`);
  });
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith('data:')) faults.push(`asks elsewhere: ${url}`);
  });
  await page.goto(`${origin}/`);
  await page.evaluate('window.sameDocument = true');
  return {
    world,
    page,
    origin,
    faults,
    expectOutage: (expected) => void (outage = expected),
    async logIn(role) {
      await page.getByLabel('Token').fill(tokens[role]);
      await page.getByRole('button', { name: 'Log in' }).click();
      await page.getByText('live', { exact: true }).waitFor();
    },
    isSameDocument: () => page.evaluate<boolean>('window.sameDocument === true'),
  };
}

async function newToken(world: PageWorld, role: 'read' | 'operate'): Promise<string> {
  const file = path.join(world.directory, 'state/tokens.json');
  const words = ['create', '--role', role, '--name', `page-${role}`, '--expires', '1h'];
  return (await tokenCommand(words, file, Date.now())).out.trim();
}

/** A loopback port that leads to the socket, as `ssh -L PORT:SOCKET HOST` makes one. */
async function forwardSocket(t: TestContext, socketPath: string): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection(socketPath);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Rules of WCAG 2.0 to 2.2, A and AA, and good practice, on what is shown now. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  const loaded = await page.evaluate<boolean>("typeof axe === 'object'");
  if (!loaded) {
    const source = new URL(import.meta.resolve('axe-core/axe.min.js'));
    await page.evaluate(await readFile(source, 'utf8'));
  }
  const found = await page.evaluate<readonly string[]>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
       violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html.slice(0, 200) + ' ' + failureSummary).join(' | ')))`,
  );
  assert.deepEqual(found, [], where);
}

/** Nothing sticks out to the side: a phone shows the page without moving it. */
export async function assertFits(page: Page, where: string): Promise<void> {
  const [content, window] = await page.evaluate<[number, number]>(
    '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
  );
  assert.ok(content <= window, `${where}: ${content} px of content in ${window} px`);
}
