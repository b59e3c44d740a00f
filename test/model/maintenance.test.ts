/** Targets of maintenance as one word, there and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMaintenanceKey } from '../../model/maintenance.ts';
import { maintenanceKey } from '../../runtime/supervisor/maintenance.ts';

test('each kind of target is read back from the word that it is', () => {
  for (const target of [
    { kind: 'deployable', deployable: 'dep1' },
    { kind: 'assembly', assembly: 'assy.1-x' },
    { kind: 'resource', assembly: 'assy1', resource: 'httpdone' },
  ] as const)
    assert.deepEqual(parseMaintenanceKey(maintenanceKey(target)), target);
});

test('any other word is no target', () => {
  for (const word of [
    '',
    'dep1',
    'deployable:',
    'deployable:a/b',
    'assembly:a/b',
    'resource:a',
    'resource:a/',
    'resource:/b',
    'resource:a/b/c',
    'resource:a/b\n',
    'host:a',
    'Assembly:a',
    ' assembly:a',
    `assembly:${'x'.repeat(64)}`,
  ])
    assert.equal(parseMaintenanceKey(word), undefined, JSON.stringify(word));
});
