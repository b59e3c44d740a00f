/** One change of a plan, asked of the service by the call that the command for it makes, too. */
import type { Change } from '../../model/service-file/change.ts';
import type { CpedPort } from '../ports.ts';

export type CarryOut = {
  readonly cped: CpedPort;
  readonly deployable: string;
  /** By name; null: the service draws it. */
  readonly secrets: ReadonlyMap<string, string | null>;
};

/** @throws PcloudError the service's refusal; what was changed before stands, and applying again goes on. */
export async function carryOut(change: Change, { cped, deployable, secrets }: CarryOut): Promise<void> {
  switch (change.kind) {
    case 'create-deployable':
      return await cped.createDeployable(deployable, change.monitoring);
    case 'set-secret':
      return done(await cped.setSecret(deployable, change.secret, secrets.get(change.secret) ?? null, false));
    case 'remove-secret':
      return await cped.removeSecret(deployable, change.secret);
    case 'set-deployable-escalation':
      return done(await cped.setDeployableEscalation(deployable, change.policy));
    case 'set-maintenance-windows':
      return done(
        await cped.setWindows(
          change.assembly === null ? `deployable:${deployable}` : `assembly:${change.assembly}`,
          change.windows,
        ),
      );
    case 'create-assembly':
      return await cped.createAssembly(change.assembly, change.release, change.architecture);
    case 'set-machine': {
      const { ports, ...rest } = change.to;
      const machine = { ...rest, ...(ports === undefined ? {} : { ports: [...ports] }) };
      return done(await cped.setMachine(change.assembly, machine));
    }
    case 'set-assembly-escalation':
      return done(await cped.setAssemblyEscalation(change.assembly, change.policy));
    case 'set-assembly-dependency':
      return done(await cped.setAssemblyDependency(change.assembly, change.on, change.restart));
    case 'clear-assembly-dependency':
      return done(await cped.clearAssemblyDependency(change.assembly, change.on));
    case 'add-member':
      return done(await cped.addAssembly(deployable, change.assembly));
    case 'remove-member':
      return await cped.removeAssembly(deployable, change.assembly);
    case 'delete-assembly':
      return await cped.deleteAssembly(change.assembly);
    case 'add-resource':
      return done(await cped.addResource(change.assembly, change.resource, change.template));
    case 'remove-resource':
      return done(await cped.removeResource(change.assembly, change.resource));
    case 'set-resource-escalation':
      return done(await cped.setResourceEscalation(change.assembly, change.resource, change.policy));
    case 'set-watching':
      return done(await cped.setWatching(change, change.watching));
    case 'set-parameter':
      return done(await cped.setParameter(change, change.parameter, change.value));
    case 'clear-parameter':
      return done(await cped.clearParameter(change, change.parameter));
    case 'set-resource-dependency':
      return done(await cped.setResourceDependency(change, change.on, change.restart));
    case 'clear-resource-dependency':
      return done(await cped.clearResourceDependency(change, change.on));
  }
}

/** What is left to be done after a change, the command does for all of them at the end. */
function done(_answer: unknown): void {
  return undefined;
}
