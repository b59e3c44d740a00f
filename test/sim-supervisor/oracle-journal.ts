/**
 * What may be told: an event's incident is known, nothing is announced twice in a row for one thing, and the
 * journal alone says in which state everything is.
 */
import assert from 'node:assert/strict';
import type { EventKind, SupervisorEvent } from '../../model/event.ts';
import { statesTold } from '../../model/journal-states.ts';
import type { AssemblyView, DeployableView, ResourceView } from '../../runtime/control.ts';

/** These tell that something happened, not that something is so: happening again is news. */
const happenings: ReadonlySet<EventKind> = new Set([
  'resource-failed',
  'assembly-starting',
  'assembly-failed',
  'assembly-fenced',
  'assembly-suspect',
  'assembly-rebooted',
  'resource-waiting',
  'resource-restarting',
  'maintenance-begun',
  'escalation',
  'service-stalled',
]);

export class Telling {
  #last = new Map<string, SupervisorEvent>();

  /** A new service tells anew what it finds, a new plan has other things under old names, and a person's word begins anew. */
  forget(): void {
    this.#last = new Map();
  }

  hear(event: SupervisorEvent, knows: (incident: string) => boolean): void {
    if (event.incident !== null)
      assert.ok(knows(event.incident), `an event of an unknown incident ${event.incident}: ${event.text}`);
    // A stall's incident may have ended with a stop that was called off.
    if (event.facts['durationMs'] !== undefined && event.kind !== 'assembly-resumed')
      assert.ok(event.incident !== null, `the end of a recovery, of no incident: ${event.text}`);
    const place = placeOf(event);
    const before = this.#last.get(place);
    this.#last.set(place, event);
    if (event.resource === null && event.assembly !== null && event.kind !== 'assembly-suspect')
      this.#forgetResources(event.assembly);
    if (happenings.has(event.kind) || before?.kind !== event.kind) return;
    // The end of a recovery is told of what is called active already.
    const ends = event.facts['durationMs'] !== undefined && before.facts['durationMs'] === undefined;
    assert.ok(ends, `told twice: ${event.text}`);
  }

  /** What happens to a machine happens to all in it. */
  #forgetResources(assembly: string): void {
    for (const place of this.#last.keys()) if (place.startsWith(`${assembly}/`)) this.#last.delete(place);
  }
}

function placeOf({ deployable, assembly, resource, kind }: SupervisorEvent): string {
  if (resource !== null) return `${assembly}/${resource}`;
  return assembly ?? deployable ?? (kind.startsWith('hypervisor') ? 'hypervisor' : kind);
}

/** The journal alone tells what the service would show. */
export function assertToldAsShown(
  events: readonly SupervisorEvent[],
  view: DeployableView | undefined,
): void {
  const told = statesTold(events);
  if (view === undefined) return;
  assert.equal(told.deployables.get(view.name) ?? 'stopped', view.state, `the journal on ${view.name}`);
  for (const assembly of view.assemblies) {
    const state = told.assemblies.get(assembly.name) ?? 'stopped';
    assert.ok(
      isSameAssembly(state, assembly, view.state === 'blocked'),
      `the journal says that ${assembly.name} is ${state}, the service that it is ${assembly.state}`,
    );
    for (const resource of assembly.resources) {
      const of = told.resources.get(`${assembly.name}/${resource.name}`) ?? 'stopped';
      assert.ok(
        isSameResource(of, resource),
        `the journal says that ${resource.name} in ${assembly.name} is ${of}, the service that it is ${resource.state}`,
      );
    }
  }
}

function isSameAssembly(told: string, { state }: AssemblyView, isBlocked: boolean): boolean {
  switch (state) {
    case 'online':
      return told === 'active';
    case 'suspect':
    case 'failed':
      return told === state;
    case 'stopped':
      // What a service finds in a deployable that is given up it leaves as it is.
      return told === state || isBlocked;
    case 'blocked':
      // What a deployable gives up is told as failed, with the reason that it is left so.
      return told === 'blocked' || (isBlocked && (told === 'failed' || told === 'off'));
    case 'waiting':
    case 'starting':
    case 'booting':
    case 'fencing':
    case 'stopping':
      return ['stopped', 'waiting', 'starting', 'failed', 'off', 'active', 'suspect'].includes(told);
  }
}

function isSameResource(told: string, { state }: ResourceView): boolean {
  return state === 'unmonitored' ? told === 'stopped' : told === state;
}
