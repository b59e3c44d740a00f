/** Which of the things that there are is the one that a file means. Pure. */
import type { AssemblyStatus } from '../cped-api.ts';

/** A resource of another template is another one, whatever its name. */
export function isSame(
  one: { readonly name: string; readonly template: string },
  other: { readonly name: string; readonly template: string },
): boolean {
  return one.name === other.name && one.template === other.template;
}

export function resourceThere(there: AssemblyStatus | undefined, name: string, template: string) {
  return there?.resources.find((one) => isSame(one, { name, template }));
}
