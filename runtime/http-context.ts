/** What every route of cped is given, and the makers of its routes. */
import type { TemplateLibrary } from '../catalogue/template-library.ts';
import type { CpedStatus } from '../model/cped-api.ts';
import type { AssemblyDefinition } from '../model/definition.ts';
import type { SshAlgorithms } from '../model/ssh.ts';
import { routesWith } from '../service/route.ts';
import type { LaunchStore } from './adapters/sqlite-launches.ts';
import type { Incidents, Journal } from './adapters/sqlite-memory.ts';
import type { DefinitionContext } from './definitions/context.ts';
import type { ViewContext } from './http-views.ts';

export type CpedHttp = {
  readonly definitions: DefinitionContext;
  /** Of the templates that `definitions` knows. */
  readonly library: TemplateLibrary;
  readonly launches: LaunchStore;
  readonly journal: Journal & Incidents;
  readonly network: 'user' | 'libvirt';
  /** Where the private key of an assembly is kept; made when it is not there. */
  readonly identityFile: (assembly: string) => Promise<string>;
  /** Below which the evidence of an assembly's incidents is kept. */
  readonly evidenceDirectory: (assembly: string) => string;
  /** What today's ssh has to be told for a guest of this assembly's release. */
  readonly sshAlgorithms: (assembly: AssemblyDefinition) => SshAlgorithms;
  readonly status: () => CpedStatus;
  /** What is measured, in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  /** Called when a deployable was started or reloaded completely. */
  readonly onApplied: (deployable: string) => void;
};

export function viewContext(cped: CpedHttp): ViewContext {
  const { store, control, knowledge, nowMs } = cped.definitions;
  return { store, control, launches: cped.launches, templates: knowledge.templates, nowMs };
}

/** `route.json({ method, path, access, summary, answer, … }, (cped, { params, query, body }) => …)` */
export const route = routesWith<CpedHttp>();
