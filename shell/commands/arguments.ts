/**
 * Arguments that several commands share, so that each reads the same everywhere.
 */
export const assemblyArgument = {
  name: 'ASSEMBLY',
  kind: 'assembly',
  presence: 'required',
  about: 'name of an assembly (assembly_list)',
} as const;

export const deployableArgument = {
  name: 'DEPLOYABLE',
  kind: 'deployable',
  presence: 'required',
  about: 'name of a deployable (deployable_list)',
} as const;

export const resourceArgument = {
  name: 'RESOURCE',
  kind: 'resource',
  presence: 'required',
  about: 'name of a resource in the assembly (assembly_resource_list)',
} as const;
