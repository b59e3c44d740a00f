/**
 * What a scenario's script can do to its world: one table of deeds, each with its arguments. Each deed is also
 * written into the log, so that the expected log reads as the whole story.
 */
import type { MaintenanceTarget } from '../../runtime/control.ts';
import { planOf } from './definition.ts';
import type { Deed } from './script.ts';
import type { World } from './world.ts';

type Do = (world: World, words: readonly string[]) => void | Promise<void>;

const deeds: Readonly<Record<string, { readonly usage: string; readonly run: Do }>> = {
  start: {
    usage: 'start DEPLOYABLE',
    run(world) {
      world.intent = 'up';
      world.loop?.control.apply({ ...world.plan, intent: 'up' });
    },
  },
  stop: {
    usage: 'stop DEPLOYABLE',
    run(world, [deployable]) {
      world.intent = 'down';
      world.loop?.control.stop(text(deployable));
    },
  },
  recover: { usage: 'recover DEPLOYABLE', run: (world, [name]) => world.loop?.control.recover(text(name)) },
  kill: {
    usage: 'kill ASSEMBLY RESOURCE signal N',
    run(world, [assembly, resource, , signal]) {
      if (!world.guests.killResource(text(assembly), text(resource), Number(signal ?? '9')))
        throw new Error(`${resource} does not run in ${assembly}`);
    },
  },
  answer: {
    usage: 'answer ASSEMBLY RESOURCE OPERATION CODE',
    run(world, [assembly, resource, operation, code]) {
      if (operation !== 'monitor' && operation !== 'start' && operation !== 'stop' && operation !== 'kill')
        throw new Error(`${operation} is not an operation`);
      world.guests.script(text(assembly), text(resource), operation, { code: Number(code) });
    },
  },
  'force-off': { usage: 'force-off ASSEMBLY', run: (world, [name]) => world.hypervisor.kill(text(name)) },
  'kill-qemu': { usage: 'kill-qemu ASSEMBLY', run: (world, [name]) => world.hypervisor.kill(text(name)) },
  silence: { usage: 'silence ASSEMBLY', run: (world, [name]) => world.guests.hang(text(name)) },
  speak: { usage: 'speak ASSEMBLY', run: (world, [name]) => world.guests.unhang(text(name)) },
  hang: {
    usage: 'hang ASSEMBLY',
    run(world, [name]) {
      world.guests.hang(text(name));
      world.hypervisor.freezeProgress(text(name));
    },
  },
  reboot: { usage: 'reboot ASSEMBLY', run: (world, [name]) => world.guests.boot(text(name)) },
  pause: {
    usage: 'pause ASSEMBLY REASON',
    run: (world, [name, reason]) => world.hypervisor.pause(text(name), text(reason)),
  },
  resume: { usage: 'resume ASSEMBLY', run: (world, [name]) => world.hypervisor.unpause(text(name)) },
  panic: { usage: 'panic ASSEMBLY', run: (world, [name]) => world.hypervisor.panic(text(name)) },
  'fail-start': {
    usage: 'fail-start ASSEMBLY WORDS...',
    run: (world, [name, ...words]) => world.hypervisor.failNextStart(text(name), words.join(' ')),
  },
  'fail-fencing': {
    usage: 'fail-fencing ASSEMBLY on|off',
    run: (world, [name, state]) => world.hypervisor.failFencing(text(name), state === 'on'),
  },
  'crash-at-boot': {
    usage: 'crash-at-boot ASSEMBLY on|off',
    run(world, [name, state]) {
      if (state === 'on') world.crashAtBoot.add(text(name));
      else world.crashAtBoot.delete(text(name));
    },
  },
  'libvirtd-down': {
    usage: 'libvirtd-down',
    run: (world) => world.hypervisor.disconnect('libvirtd was killed'),
  },
  'libvirtd-up': { usage: 'libvirtd-up', run: (world) => world.hypervisor.reconnect() },
  'lose-events': {
    usage: 'lose-events on|off',
    run: (world, [state]) => world.hypervisor.loseEvents(state === 'on'),
  },
  'kill-service': { usage: 'kill-service', run: (world) => world.killService() },
  'start-service': { usage: 'start-service', run: (world) => world.startService() },
  stall: {
    usage: 'stall SECONDSs',
    run: (world, [seconds]) => world.time.jump(Number(text(seconds).replace(/s$/, '')) * 1000),
  },
  reload: {
    usage: 'reload FILE',
    run(world, [file]) {
      world.plan = planOf(world.read(text(file)));
      world.loop?.control.apply({ ...world.plan, intent: 'up' });
    },
  },
  check: {
    usage: 'check ASSEMBLY well | check ASSEMBLY bad WORDS...',
    run(world, [assembly, state, ...words]) {
      if (state === 'bad') world.badChecks.set(text(assembly), words.join(' '));
      else world.badChecks.delete(text(assembly));
    },
  },
  second: {
    usage: 'second ASSEMBLY alive|silent|none',
    run(world, [assembly, answer]) {
      if (answer === 'alive' || answer === 'silent') world.second.set(text(assembly), answer);
      else world.second.delete(text(assembly));
    },
  },
  address: {
    usage: 'address ASSEMBLY ADDRESS (from its next hello on)',
    run: (world, [assembly, address]) => void world.addresses.set(text(assembly), text(address)),
  },
  'break-disk': {
    usage: 'break-disk ASSEMBLY',
    run: (world, [name]) => world.hypervisor.breakDisk(text(name)),
  },
  'mend-disk': { usage: 'mend-disk ASSEMBLY', run: (world, [name]) => world.hypervisor.mendDisk(text(name)) },
  'stop-qemu': {
    usage: 'stop-qemu ASSEMBLY (SIGSTOP: nothing in it moves, and libvirt gets no answer)',
    run(world, [name]) {
      world.guests.hang(text(name));
      world.hypervisor.stopAnswering(text(name));
    },
  },
  'power-off': {
    usage: 'power-off ASSEMBLY (from inside the guest)',
    run: (world, [name]) => world.hypervisor.powerOffFromInside(text(name)),
  },
  'die-after-start': {
    usage: 'die-after-start ASSEMBLY RESOURCE MS (its next start)',
    run: (world, [assembly, resource, afterMs]) =>
      world.guests.script(text(assembly), text(resource), 'start', { diesAfterMs: Number(afterMs) }),
  },
  'slow-boot': {
    usage: 'slow-boot ASSEMBLY SECONDSs',
    run: (world, [name, time]) =>
      void world.bootsMs.set(text(name), Number(text(time).replace(/s$/, '')) * 1000),
  },
  'set-clock': {
    usage: 'set-clock SECONDSs (the wall clock, forwards or back)',
    run: (world, [seconds]) => world.time.setWall(Number(text(seconds).replace(/s$/, '')) * 1000),
  },
  'limit-starts': {
    usage: 'limit-starts N|default',
    run: (world, [slots]) => world.loop?.control.limitStarts(slots === 'default' ? null : Number(slots)),
  },
  maintenance: {
    usage: 'maintenance deployable:D|assembly:A|resource:A/R for SECONDSs|over',
    run(world, [target, word, seconds]) {
      const on = targetOf(text(target));
      if (word === 'over') return world.loop?.control.endMaintenance(on);
      const forMs = seconds === undefined ? null : Number(seconds.replace(/s$/, '')) * 1000;
      world.loop?.control.maintain({
        target: on,
        untilMs: forMs === null ? null : world.time.clock.wallMs() + forMs,
      });
    },
  },
  end: { usage: 'end', run: () => undefined },
};

/** Does it. @throws Error that names the script's line when there is no such deed. */
export async function perform(world: World, deed: Deed): Promise<void> {
  const [name, ...words] = deed.words;
  const known = deeds[name ?? ''];
  if (known === undefined)
    throw new Error(
      `line ${deed.line}: there is no deed ${name}; there are: ${Object.values(deeds)
        .map((one) => one.usage)
        .join(', ')}`,
    );
  if (name !== 'end')
    world.log.push(`${(world.time.elapsedMs() / 1000).toFixed(3).padStart(9)}> ${deed.words.join(' ')}`);
  await known.run(world, words);
}

function targetOf(word: string): MaintenanceTarget {
  const [kind, name = ''] = word.split(':');
  const [assembly = '', resource = ''] = name.split('/');
  if (kind === 'deployable') return { kind, deployable: name };
  if (kind === 'assembly') return { kind, assembly };
  if (kind === 'resource') return { kind, assembly, resource };
  throw new Error(`${word} is not a target`);
}

function text(word: string | undefined): string {
  if (word === undefined) throw new Error('a word is missing in the script');
  return word;
}
