/** What is read of an install's machine: libvirt's statistics, and CPU time of processes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { cpuOfTreeMs, parseDomainStats, pausedByIoError } from '../../../builder/install/machine.ts';

/** As libvirt 9.0 printed it for a machine with a disk, an empty drive and a card on a bridge. */
const running = `Domain: 'pcloud-build-1'
  state.state=1
  state.reason=1
  net.count=1
  net.0.name=vnet0
  net.0.rx.bytes=90
  net.0.rx.pkts=1
  net.0.rx.errs=0
  net.0.rx.drop=0
  net.0.tx.bytes=4000
  net.0.tx.pkts=20
  net.0.tx.errs=0
  net.0.tx.drop=0
  block.count=2
  block.0.name=vda
  block.0.path=/builds/1/disk.raw
  block.0.backingIndex=2
  block.0.rd.reqs=7
  block.0.rd.bytes=4096
  block.0.rd.times=20
  block.0.wr.reqs=300
  block.0.wr.bytes=1228800
  block.0.wr.times=40
  block.0.fl.reqs=11
  block.0.fl.times=12
  block.0.allocation=0
  block.0.capacity=8388608
  block.0.physical=8388608
  block.1.name=hdc
  block.1.rd.reqs=2000
  block.1.rd.bytes=0
  block.1.wr.reqs=0
  block.1.fl.reqs=0

`;

test('requests of all disks and bytes of all cards are counted, sizes and times are not', () => {
  assert.deepEqual(parseDomainStats(running), {
    state: 'running',
    reason: 1,
    ioCount: 90 + 4000 + 7 + 300 + 11 + 2000,
  });
});

test('a machine that an I/O error has paused is told from one that somebody paused', () => {
  const paused = "Domain: 'pcloud-build-1'\n  state.state=3\n  state.reason=5\n\n";
  assert.deepEqual(parseDomainStats(paused), { state: 'paused', reason: pausedByIoError, ioCount: 0 });
  assert.notEqual(parseDomainStats(paused.replace('reason=5', 'reason=1'))?.reason, pausedByIoError);
});

test('a machine in any other state is neither, and no answer is none', () => {
  assert.equal(parseDomainStats('  state.state=5\n')?.state, 'other');
  for (const text of ['', 'Domain: x\n', 'state.state=\n', 'error: no domain\n', 'state.state=1x\n'])
    assert.equal(parseDomainStats(text), undefined, text);
});

test('names that look like counters are not counted', () => {
  const text = '  state.state=1\n  block.0.name=block.0.rd.reqs=99\n  block.0.path=/x/block.1.wr.reqs=7\n';
  assert.equal(parseDomainStats(text)?.ioCount, 0);
});

test('CPU time is that of a whole tree of processes, and none for one that is gone', async () => {
  // The work is in the grandchild.
  const child = spawn('sh', ['-c', 'sh -c "while :; do :; done" & wait'], {
    detached: true,
    stdio: 'ignore',
  });
  const gone = once(child, 'exit');
  try {
    const pid = child.pid ?? 0;
    const deadlineMs = performance.now() + 30_000;
    while ((await cpuOfTreeMs(pid)) < 100) assert.ok(performance.now() < deadlineMs, 'no CPU time is seen');
  } finally {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await gone;
  }
  assert.equal(await cpuOfTreeMs(child.pid ?? 0), 0);
});
