/** A service's log in a real systemd-journald, a private one: asked for by its fields, as an operator does. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';

const script = path.join(import.meta.dirname, 'private-journald.sh');
const page = readFileSync(path.join(import.meta.dirname, '../../docs/service.md'), 'utf8');
const fixture = path.join(import.meta.dirname, '../service/fixtures/log-to-journal.ts');

function skipReason(): string | false {
  if (process.getuid?.() !== 0) return 'needs root for a mount namespace';
  return existsSync('/lib/systemd/systemd-journald') ? false : 'systemd-journald is not installed';
}

test('what a service logs is in the journal with its fields', { skip: skipReason() }, async () => {
  const queries = [...page.matchAll(/^journalctl (.+)$/gm)].map(([, query]) => query ?? '');
  assert.equal(queries.length, 3);
  const { stdout } = await execa(
    'unshare',
    ['--mount', '--propagation', 'private', '--', 'sh', script, process.execPath, fixture],
    { timeout: 60_000, env: { JOURNAL_QUERIES: queries.join('\n') } },
  );
  const [log = '', ...answers] = stdout.split(/^query .*$/m);
  // What docs/service.md asks for is found, and nothing else.
  assert.equal(answers.length, queries.length);
  for (const answer of answers) {
    assert.match(answer, /The assembly \[web\] is FAILED\./);
    assert.doesNotMatch(answer, /two/);
  }
  const entries = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>)
    .filter((entry) => entry['SYSLOG_IDENTIFIER'] === 'pcloud-test-service');
  assert.deepEqual(
    entries.map((entry) => [entry['MESSAGE'], entry['PRIORITY'], entry['_TRANSPORT']]),
    [
      ['The assembly [web] is FAILED.', '3', 'journal'],
      ['two\nlines', '4', 'journal'],
    ],
  );
  const [failed] = entries;
  assert.deepEqual(
    ['PCLOUD_DEPLOYABLE', 'PCLOUD_ASSEMBLY', 'PCLOUD_INCIDENT', 'PCLOUD_EVENT', 'MESSAGE_ID'].map(
      (name) => failed?.[name],
    ),
    ['shop', 'web', '7', 'assembly-failed', '0123456789abcdef0123456789abcdef'],
  );
});
