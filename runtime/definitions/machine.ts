/**
 * The operator's command on what an assembly's virtual machine has: memory, CPUs, forwarded ports. A machine that
 * runs keeps what it was started with; the next start, whoever causes it, takes the new ones.
 */
import type { z } from 'zod';
import { extraPortsSchema, memoryMiBSchema, vcpusSchema } from '../../model/definition.ts';
import type { AssemblyDefinition } from '../../model/definition.ts';
import { PcloudError } from '../../model/errors.ts';
import { findAssembly, isRunning } from './context.ts';
import type { DefinitionContext } from './context.ts';
import type { AssemblyChange } from './effect.ts';
import { refuseNeededPorts } from './needed.ts';

export type MachineRequest = {
  readonly memoryMiB?: number | undefined;
  readonly vcpus?: number | undefined;
  readonly ports?: readonly number[] | undefined;
};

/**
 * What is not given stays as it is.
 * @throws PcloudError `bad-name`, `unknown-assembly`, `bad-memory`, `bad-vcpus`, `bad-ports`, `needed-by-others`.
 */
export function setMachine(
  context: DefinitionContext,
  name: string,
  request: MachineRequest,
): AssemblyChange {
  return context.store.transaction(() => {
    const assembly = findAssembly(context, name);
    const { memoryMiB, vcpus } = assembly;
    const ports = [...new Set(request.ports ?? assembly.ports)].toSorted((a, b) => a - b);
    const machine = {
      memoryMiB: checked(memoryMiBSchema, request.memoryMiB ?? memoryMiB, {
        code: 'bad-memory',
        what: 'MiB of memory',
        range: '64 to 1048576',
      }),
      vcpus: checked(vcpusSchema, request.vcpus ?? vcpus, {
        code: 'bad-vcpus',
        what: 'CPUs',
        range: '1 to 64',
      }),
      ports: checked(extraPortsSchema, ports, {
        code: 'bad-ports',
        what: 'ports',
        range: 'at most 32 numbers from 1 to 65535',
      }),
    };
    refuseNeededPorts(context, assembly, { ...assembly, ports: machine.ports });
    context.store.setMachine(name, machine);
    const running = isRunning(context, name) && !isSame(assembly, machine);
    return {
      assembly: findAssembly(context, name),
      takesEffect: 'at-start',
      note: running
        ? `The machine of assembly ${name} runs with what it was started with; it takes the new ones at its next start.`
        : null,
    };
  });
}

function isSame(before: AssemblyDefinition, after: Pick<AssemblyDefinition, Compared>): boolean {
  return (
    before.memoryMiB === after.memoryMiB &&
    before.vcpus === after.vcpus &&
    before.ports.join() === after.ports.join()
  );
}
type Compared = 'memoryMiB' | 'vcpus' | 'ports';

type Limits = { readonly code: string; readonly what: string; readonly range: string };

function checked<T>(schema: z.ZodType<T>, value: unknown, { code, what, range }: Limits): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new PcloudError({
    code,
    category: 'invalid',
    message: `An assembly cannot have ${JSON.stringify(value).slice(0, 80)} ${what}.`,
    hint: `It may have ${range}.`,
  });
}
