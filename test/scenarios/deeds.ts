/**
 * What a scenario's script can do to its world: one table of deeds, each with its arguments. Each deed is also
 * written into the log, so that the expected log reads as the whole story.
 */
import { PcloudError } from '../../model/errors.ts';
import { decodeGuestMessage } from '../../model/guest-codec.ts';
import type { ResourceOperation } from '../../model/guest-protocol.ts';
import { maintenanceWindowSchema, parseEvery } from '../../model/maintenance-window.ts';
import { planOf } from './definition.ts';
import type { Deed } from './script.ts';
import { specOf, targetOf, type World } from './world.ts';

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
    usage: 'answer ASSEMBLY RESOURCE OPERATION CODE (the next one)',
    run(world, [assembly, resource, operation, code]) {
      world.guests.script(text(assembly), text(resource), operationOf(operation), { code: Number(code) });
    },
  },
  'force-off': {
    usage: 'force-off ASSEMBLY (as virt-manager and virsh destroy do)',
    run(world, [name]) {
      // Its answer comes on the virtual clock, which moves only when the script goes on.
      void world.hypervisor.fence(specOf(text(name)).uuid).catch(world.fail);
    },
  },
  undefine: {
    usage: 'undefine ASSEMBLY (the domain, which is off)',
    run: (world, [name]) => void world.hypervisor.undefine(specOf(text(name)).uuid).catch(world.fail),
  },
  'start-by-hand': {
    usage: 'start-by-hand ASSEMBLY (as virt-manager and virsh start do)',
    run: (world, [name]) => void world.hypervisor.start(specOf(text(name))).catch(world.fail),
  },
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
    run(world, [name, reason]) {
      world.mute(text(name));
      world.hypervisor.pause(text(name), text(reason));
    },
  },
  resume: {
    usage: 'resume ASSEMBLY',
    run(world, [name]) {
      world.hypervisor.unpause(text(name));
      world.speakWhileRunning();
    },
  },
  panic: {
    usage: 'panic ASSEMBLY',
    run(world, [name]) {
      world.mute(text(name));
      world.hypervisor.panic(text(name));
    },
  },
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
    run: (world, [seconds]) => world.time.jump(millis(seconds)),
  },
  reload: {
    usage: 'reload FILE',
    run(world, [file]) {
      world.plan = planOf(world.read(text(file)));
      world.loop?.control.apply({ ...world.plan, intent: 'up' });
    },
  },
  check: {
    usage: 'check ASSEMBLY[/CHECK] well | bad WORDS... | unknown WORDS...',
    run(world, [where, verdict, ...words]) {
      if (verdict === 'bad' || verdict === 'unknown')
        world.checks.set(text(where), { verdict, detail: words.join(' ') });
      else world.checks.delete(text(where));
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
    run(world, [name]) {
      world.mute(text(name));
      world.hypervisor.breakDisk(text(name));
    },
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
    run: (world, [name, time]) => void world.bootsMs.set(text(name), millis(time)),
  },
  'set-clock': {
    usage: 'set-clock SECONDSs (the wall clock, forwards or back)',
    run: (world, [seconds]) => world.time.setWall(millis(seconds)),
  },
  'limit-starts': {
    usage: 'limit-starts N|default',
    run(world, [slots]) {
      world.startSlots = slots === 'default' ? null : Number(slots);
      world.loop?.control.limitStarts(world.startSlots);
    },
  },
  maintenance: {
    usage: 'maintenance deployable:D|assembly:A|resource:A/R for [SECONDSs]|over',
    run(world, [target, word, seconds]) {
      const on = targetOf(text(target));
      if (word === 'over') {
        world.maintenance.delete(text(target));
        return world.loop?.control.endMaintenance(on);
      }
      const untilMs = seconds === undefined ? null : world.time.clock.wallMs() + millis(seconds);
      const setAtMs = world.time.clock.wallMs();
      world.maintenance.set(text(target), { target: on, untilMs, setAtMs });
      world.loop?.control.maintain({ target: on, untilMs });
    },
  },
  window: {
    usage:
      'window deployable:D|assembly:A EVERY AT for SECONDSs (UTC; the scenario begins on a thursday at 00:00)',
    run(world, [target, every, at, , length]) {
      const given = { every: parseEvery(text(every).split(',')), at, forMs: millis(length), timeZone: 'UTC' };
      const window = { ...maintenanceWindowSchema.parse(given), begunMs: null };
      world.windows.set(text(target), [...(world.windows.get(text(target)) ?? []), window]);
    },
  },
  operation: {
    usage: 'operation ASSEMBLY RESOURCE OPERATION takes SECONDSs [answers CODE] | times-out (the next one)',
    run(world, [assembly, resource, operation, how, time, , code]) {
      const takes = { delayMs: how === 'takes' ? millis(time) : 0, code: Number(code ?? '0') };
      const scripted = how === 'takes' ? takes : { timedOut: true };
      world.guests.script(text(assembly), text(resource), operationOf(operation), scripted);
    },
  },
  'monitors-fail': {
    usage: 'monitors-fail ASSEMBLY RESOURCE N of M for COUNT (the next COUNT ones)',
    run(world, [assembly, resource, bad, , of, , count]) {
      for (let index = 0; index < Number(count); index += 1)
        world.guests.script(
          text(assembly),
          text(resource),
          'monitor',
          index % Number(of) < Number(bad) ? { code: 1, output: 'no answer' } : {},
        );
    },
  },
  overhear: {
    usage: 'overhear ASSEMBLY (the log has what its guest is asked for)',
    run: (world, [name]) => void world.overheard.add(text(name)),
  },
  'cut-link': {
    usage: 'cut-link ASSEMBLY SECONDSs (as when the agent is killed and its init starts it again)',
    run(world, [name, time]) {
      const { links } = world;
      const assembly = text(name);
      links?.close(assembly);
      world.say({ kind: 'link', assembly, state: 'down', reason: 'the connection to the guest was closed' });
      world.time.clock.after(millis(time), () => links?.open(assembly, ''));
    },
  },
  'guest-says': {
    usage: 'guest-says ASSEMBLY LINE (of the guest protocol)',
    run(world, [assembly, ...words]) {
      const decoded = decodeGuestMessage(words.join(' '));
      if (!decoded.ok) throw new Error(`the link would refuse that line: ${decoded.reason}`);
      world.say({ kind: 'message', assembly: text(assembly), message: decoded.message });
    },
  },
  'no-image': {
    usage: 'no-image ASSEMBLY on|off',
    run(world, [name, state]) {
      const assembly = text(name);
      if (state !== 'on') return void world.unprepared.delete(assembly);
      const message = `The image of the assembly ${assembly} is not built.`;
      const hint = `Build it: assembly_create ${assembly} debian12 x86_64.`;
      world.unprepared.set(
        assembly,
        new PcloudError({ code: 'image-not-built', category: 'not-found', message, hint }),
      );
    },
  },
  stranger: {
    usage:
      "stranger ASSEMBLY another-owner|copied-metadata (somebody else's VM with our assembly's name runs)",
    run(world, [name, kind]) {
      const ours = specOf(text(name));
      const theirs = { domainName: `my-${ours.assembly}`, uuid: '00000000-0000-4000-8000-00000000000a' };
      const owner = kind === 'another-owner' ? 'somebody-else' : ours.owner;
      world.strangerStarts = true;
      world.hypervisor.addForeign({ ...ours, ...theirs, owner, diskPath: '/theirs.qcow2' });
      world.strangerStarts = false;
    },
  },
  'host-loses-power': {
    usage: 'host-loses-power (libvirtd is down, too, until libvirtd-up)',
    async run(world) {
      await world.killService();
      world.hypervisor.disconnect('the host lost power');
      world.running.clear();
      for (const { name } of world.plan.assemblies)
        if (world.hypervisor.stateOf(name) !== 'off' && world.hypervisor.stateOf(name) !== 'absent')
          world.hypervisor.kill(name);
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

function operationOf(word: string | undefined): ResourceOperation {
  if (word !== 'monitor' && word !== 'start' && word !== 'stop' && word !== 'kill')
    throw new Error(`${word} is not an operation`);
  return word;
}

/** `12s` or `0.5s`. */
function millis(word: string | undefined): number {
  return Number(text(word).replace(/s$/, '')) * 1000;
}

function text(word: string | undefined): string {
  if (word === undefined) throw new Error('a word is missing in the script');
  return word;
}
