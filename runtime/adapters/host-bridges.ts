/** Whether this host has a bridge of a name, as its kernel tells; making bridges is the administrator's. */
import { access, readFile } from 'node:fs/promises';
import { errorCodeOf } from '../../service/error-code.ts';
import type { NetworkProblem } from '../ports.ts';

/** What keeps a machine from being attached to it; null where nothing does. @param name of an interface, checked where it entered */
export async function bridgeProblem(name: string): Promise<NetworkProblem | null> {
  // Of this process's network namespace, which /sys need not show (network_namespaces(7)).
  const interfaces = interfacesIn(await readFile('/proc/self/net/dev', 'utf8'));
  if (!interfaces.includes(name))
    return {
      message: `this host has no bridge ${name}`,
      hint: `Make the bridge ${name} in the host's network configuration, and see that it is up at boot; \`ip link show type bridge\` shows which there are.`,
    };
  if ((await isThere(`/sys/class/net/${name}`)) && !(await isThere(`/sys/class/net/${name}/bridge`)))
    return {
      message: `${name} is an interface of this host, but no bridge`,
      hint: `Attach the machine to a bridge that ${name} is a port of; \`ip link show type bridge\` shows which there are.`,
    };
  return null;
}

/** Names in the first column of /proc/net/dev, after its two lines of headings (proc(5)). */
function interfacesIn(table: string): readonly string[] {
  return table.split('\n').flatMap((line) => /^\s*([^\s|]+):/.exec(line)?.[1] ?? []);
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return false;
    throw error;
  }
}
