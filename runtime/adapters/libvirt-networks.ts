/** Whether libvirt has a network of a name, and whether that is up. Making networks is the administrator's. */
import { ErrorCode, LibvirtError } from '#libvirt';
import type { NetworkProblem } from '../ports.ts';
import { limited } from './libvirt-domain-calls.ts';
import type { DomainCallContext } from './libvirt-domain-calls.ts';

/**
 * What keeps a machine from being attached to it; null where nothing does.
 * @throws PcloudError `libvirt-…` when it could not be asked.
 */
export async function libvirtNetworkProblem(
  context: DomainCallContext,
  name: string,
): Promise<NetworkProblem | null> {
  const asked = context.connection.isNetworkActive(name).then(
    (active) => (active ? null : notActive(name)),
    (error: unknown) => {
      if (error instanceof LibvirtError && error.code === ErrorCode.noNetwork) return notThere(name);
      if (error instanceof LibvirtError && error.code === ErrorCode.noSupport) return noDriver(name);
      throw error;
    },
  );
  return await limited(context, `look the network ${name} up`, context.limits.readMs, asked);
}

function notThere(name: string): NetworkProblem {
  return {
    message: `libvirt has no network ${name}`,
    hint: '`virsh net-list --all` shows which there are; `virsh net-define` makes one.',
  };
}

function notActive(name: string): NetworkProblem {
  return {
    message: `the libvirt network ${name} is not active`,
    hint: `Start it with \`virsh net-start ${name}\`, and have it started at each boot with \`virsh net-autostart ${name}\`.`,
  };
}

/** The private libvirtd of a checkout is such a one, so that it can change nothing of the host's networks. */
function noDriver(name: string): NetworkProblem {
  return {
    message: `this libvirt has no networks of its own, so none is called ${name}`,
    hint: 'Attach the machine to a bridge of the host instead, or let the service use a libvirt with its network driver (PCLOUD_LIBVIRT_URI); the private one of a checkout has none.',
  };
}
