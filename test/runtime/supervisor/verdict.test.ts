/**
 * Each row of the verdict table, and that no verdict comes from one signal alone.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultLimits } from '../../../runtime/supervisor/limits.ts';
import { progressBetween, verdictOf, type VmSigns } from '../../../runtime/supervisor/verdict.ts';

const limits = defaultLimits('kvm');
const well: VmSigns = {
  hypervisor: 'up',
  domain: 'running',
  domainReason: 'booted',
  silentMs: 0,
  suspicion: null,
};

const rows: readonly { readonly name: string; readonly signs: Partial<VmSigns>; readonly verdict: string }[] =
  [
    { name: 'a running domain whose agent speaks is well', signs: {}, verdict: 'well' },
    {
      name: 'a domain that is off is dead, whoever did it',
      signs: { domain: 'off', domainReason: 'destroyed' },
      verdict: 'dead',
    },
    { name: 'a domain that libvirt does not know is dead', signs: { domain: 'absent' }, verdict: 'dead' },
    {
      name: 'a crashed domain is crashed',
      signs: { domain: 'crashed', domainReason: 'panicked' },
      verdict: 'crashed',
    },
    {
      name: 'a domain that its watchdog paused is crashed',
      signs: { domain: 'paused', domainReason: 'watchdog' },
      verdict: 'crashed',
    },
    {
      name: 'a domain that somebody paused is only reported',
      signs: { domain: 'paused', domainReason: 'user' },
      verdict: 'paused',
    },
    {
      name: 'a domain paused on an I/O error is stalled',
      signs: { domain: 'paused', domainReason: 'ioerror' },
      verdict: 'stalled',
    },
    {
      name: 'a domain that somebody paused is only reported',
      signs: { domain: 'paused', domainReason: 'user' },
      verdict: 'paused',
    },
    {
      name: 'a domain that libvirt is starting is paused for a moment, and well',
      signs: { domain: 'paused', domainReason: 'starting-up' },
      verdict: 'well',
    },
    {
      name: 'without libvirt there is no verdict, however long the silence',
      signs: { hypervisor: 'down', silentMs: 1e9 },
      verdict: 'unknown',
    },
    {
      name: 'without libvirt even an off domain is no verdict',
      signs: { hypervisor: 'down', domain: 'off' },
      verdict: 'unknown',
    },
    {
      name: 'a domain not looked at yet is no verdict',
      signs: { domain: 'unknown', silentMs: 1e9 },
      verdict: 'unknown',
    },
    {
      name: 'silence short of the limit is well',
      signs: { silentMs: limits.suspectAfterMs - 1 },
      verdict: 'well',
    },
    {
      name: 'silence past the limit is only a suspicion',
      signs: { silentMs: limits.suspectAfterMs },
      verdict: 'suspect',
    },
    {
      name: 'silence without a second sample stays a suspicion for ever',
      signs: { silentMs: 1e9, suspicion: { forMs: 1e9, progress: 'pending' } },
      verdict: 'suspect',
    },
    {
      name: 'silence and no progress is hung',
      signs: { silentMs: 6000, suspicion: { forMs: 3000, progress: 'none' } },
      verdict: 'hung',
    },
    {
      name: 'silence with progress waits for the second limit',
      signs: { silentMs: 6000, suspicion: { forMs: limits.agentLostAfterMs - 1, progress: 'some' } },
      verdict: 'suspect',
    },
    {
      name: 'silence with progress past the second limit is a lost agent',
      signs: { silentMs: 9000, suspicion: { forMs: limits.agentLostAfterMs, progress: 'some' } },
      verdict: 'agent-lost',
    },
    {
      name: 'an agent that speaks again is well whatever was measured',
      signs: { silentMs: 0, suspicion: { forMs: 9000, progress: 'none' } },
      verdict: 'well',
    },
  ];

for (const row of rows) {
  test(row.name, () => {
    assert.equal(verdictOf({ ...well, ...row.signs }, limits).kind, row.verdict);
  });
}

const sample = (
  cpuTimeMs: number,
  blockOperations: number,
): { cpuTimeMs: number; blockOperations: number } => ({
  cpuTimeMs,
  blockOperations,
});

test('an idle guest, which uses about 15 ms in 3 s, counts as progressing', () => {
  assert.equal(progressBetween(sample(1000, 5), sample(1015, 5), limits.idleCpuMs), 'some');
});

test('a guest that used next to no CPU and no disk made no progress', () => {
  assert.equal(progressBetween(sample(1000, 5), sample(1002, 5), limits.idleCpuMs), 'none');
});

test('one disk operation is progress', () => {
  assert.equal(progressBetween(sample(1000, 5), sample(1000, 6), limits.idleCpuMs), 'some');
});

test('a counter that went back means another QEMU, which is progress', () => {
  assert.equal(progressBetween(sample(1000, 5), sample(10, 5), limits.idleCpuMs), 'some');
});

test('a hypervisor that cannot answer about a running domain means that its QEMU stands still', () => {
  assert.equal(progressBetween(sample(1000, 5), null, limits.idleCpuMs), 'none');
  assert.equal(progressBetween(null, null, limits.idleCpuMs), 'none');
  assert.equal(progressBetween(null, sample(1, 1), limits.idleCpuMs), 'some');
});
