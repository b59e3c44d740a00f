/**
 * The reference page `docs/pcloudsh.md`, made from the command table so that it cannot say anything else.
 * Pure; a test compares the page with it, and writes it when asked to.
 */
import { optionText, usageOf } from './command.ts';
import type { Command } from './command.ts';
import { exitCodesOf, saysExitCodes } from './render-help.ts';

const opening = `# pcloudsh

<!-- Made from the command table (shell/command-table.ts): UPDATE_GOLDENS=1 node --test test/shell/reference.test.ts -->
<!-- every block is shown by: test/shell/examples.test.ts -->

The operator's shell onto both services: \`pcloud-builder\` builds images, \`pcloud-cped\` runs them.

- \`pcloudsh\` on a terminal opens the prompt. Tab completes commands and names, the arrow keys walk through the history (\`$XDG_STATE_HOME/pcloudsh/history\`), events appear above the line being typed. Ctrl-C clears the line, or stops waiting for a command but not what it set going; Ctrl-D, \`quit\` and \`exit\` leave.
- \`pcloudsh COMMAND ARGS…\` runs one command.
- \`pcloudsh -f FILE\`, or commands on standard input, runs a script: one command a line, stopping at the first error, whose line is named. \`pcloudsh -f FILE --keep-going\` runs the others, too, and exits as the first error does; FILE may be \`-\`.
- Blanks separate words; \`'…'\` is literal, \`"…"\` knows \`\\"\` and \`\\\\\`, a backslash takes the next character as it is, \`#\` begins a comment.
- The services are looked for in \`PCLOUD_RUNTIME_DIR\` (unless set: \`/run/pacemaker-cloud\`). Colour only on a terminal, and not with \`NO_COLOR\` or \`TERM=dumb\`.

## Exit codes

| code | meaning |
|---|---|
| 0 | done |
| 1 | not done: the state of things forbids it, a service does not answer, or the work failed |
| 2 | the input can never work; nothing was changed |
| 130 | Ctrl-C stopped the waiting; what was set going goes on |

\`assembly_ssh\` passes on the exit code of the command in the guest (255: ssh could not connect). An error is two lines on stderr: \`error: \` with what happened, and \`  hint: \` with what to do next.
`;

const jsonShapes = `## JSON

With \`--json\` a command prints one line of JSON, an object with \`"version": 1\`. Fields may be added within a version; none changes its meaning or goes. Times ending in \`Ms\` are milliseconds since the Unix epoch or durations in milliseconds; what is not known is \`null\`.

Where a command fails, the object has \`error\`: \`{code, category, message, hint, facts}\` beside \`version\`, on standard output, and standard error has the message as ever. A command that does something has \`messages\`: list of the lines that it would have printed; it prints when it is done.

| command | the object's other fields |
|---|---|
| \`jeos_list\` | \`jeos\`: list of \`{digest, kind, names, release, architecture, parentDigest, templates, sizeBytes, createdAtMs, engine, engineVersion, synthetic}\` |
| \`jeos_show\` | \`image\`: an image |
| \`assembly_show\` | \`assembly\`: its name; \`pinned\`: whether its disk stands on the image; \`image\`: an image, or \`null\` while none is built |
| \`image_gc\` | \`dryRun\`; \`images\`: list of \`{id, kind, title, sizeBytes, createdAt, verdict, why}\`, kind one of \`jeos assembly damaged newer leftover\`; with \`--dry-run\` all there are, verdict one of \`free kept\`; else those that were to go, verdict one of \`removed kept gone\` |
| \`release_list\` | \`releases\`: list of \`{name, aliases, summary, family, architectures, engine, engines}\` |
| \`resource_template_list\` | \`templates\`: list of \`{name, summary, families, origin, file, overrides, checks}\`, origin one of \`shipped operator\`; \`faults\`: list of \`{name, file, line, reason, usesEarlier}\` |
| \`resource_template_show\` | \`template\`: \`{name, summary, class, ocfAgent, origin, file, overrides, fault, families, ports, monitorIntervalMs, monitorTimeoutMs, startTimeoutMs, stopTimeoutMs, checks, parameters}\`; families: \`{service, packages}\` by family; ports: list of \`{guestPort, scheme}\`; checks: list of \`{name, probe, intervalMs, timeoutMs, failuresNeeded, startGraceMs}\`, probe one of \`{kind: "http", guestPort, path, statusFrom, statusTo, bodyContains}\`, \`{kind: "tcp", guestPort}\`, \`{kind: "command", arguments}\`; parameters: list of \`{name, summary, required, defaults}\`, defaults by family |
| \`build_list\` | \`builds\`: list of \`{digest, kind, title, state, percent, step, sinceMs, durationMs, logPath, error}\`, state one of \`waiting active built failed cancelled\` |
| \`media_list\` | \`media\`: list of \`{release, architecture, kind, location, origin, standIn, state, title, sha256, sizeBytes, synthetic, problem, hint}\`, state one of \`ready remote absent adding damaged\` |
| \`media_verify\` | \`verdicts\`: list of \`{release, architecture, location, verdict, sha256, detail, hint}\`, verdict one of \`checked absent bad\` |
| \`build_show\` | \`build\`: the same, and \`{requestedAtMs, startedAtMs, finishedAtMs, asked, requestedOn, requestedFor, runsOn, attempts, earlier, hint, steps, evidenceDirectory, evidence, logSizeBytes, logTail}\`; steps: list of \`{step, title, startedAtMs, durationMs}\`, \`durationMs\` null for the one under way |
| \`assembly_list\` | \`assemblies\`: list of assemblies |
| \`assembly_network_list\` | \`networks\`: list of \`{kind, name, mac, macGiven}\`, kind \`network\` (of libvirt) or \`bridge\`, macGiven: somebody asked for that address |
| \`assembly_disk_list\` | \`disks\`: list of \`{name, sizeGiB, mount, made}\`, mount or \`null\`, made: its file is there |
| \`assembly_resource_list\` | \`assembly\`: its name; \`resources\`: list of resources |
| \`deployable_list\`, \`deployable_status\` | \`deployables\`: list of deployables |
| \`watch\` | one line a change: \`atMs\`: when it was read; \`deployables\`: list of deployables |
| \`deployable_apply\` | \`deployable\`: its name; \`done\`: false for \`--dry-run\` and \`--diff\`; \`changes\`: list of what differs, in the order in which it is carried out, each with \`kind\`; \`leftOver\`: list of assemblies that are no longer in the file; \`leftOverDisks\`: list of \`{assembly, disk}\`, likewise; \`atNextStart\`: list of \`{assembly, what}\`, what running machines do not have yet, in words |
| \`deployable_export\` | \`file\`: the service file, as docs/schema/deployable.schema.json has it |
| \`deployable_assembly_list\` | \`deployable\`: its name; \`assemblies\`: list of assemblies |
| \`incident_list\` | \`incidents\`: list of incidents |
| \`incident_show\` | \`incident\`: an incident; \`events\`: list of what \`events\` shows |
| \`alert_list\` | \`alerts\`: list of \`{deployable, alert}\`, alert \`{webhook, token, match}\` or \`{program, match}\`, token and match where given; match: lists of \`rung\`, \`severity\`, \`assembly\`, \`resource\`, those that are given |
| \`maintenance_list\` | \`maintenances\`: list of \`{target, untilMs, setAtMs, window}\`, target as \`deployable:D\`, \`assembly:A\` or \`resource:A/R\`, window in words or \`null\` where a person set it; \`windows\`: list of \`{target, window, nextMs}\`, window \`{every, at, forMs, timeZone}\` |
| \`events\` | one line each: \`event\`: \`{seq, atMs, kind, severity, deployable, assembly, resource, incident, text, facts}\` |
| \`status\` | \`cped\` and \`builder\`: what each says of itself, or \`{error: {code, category, message, hint, facts}}\` |

- image: \`{digest, kind, names, release, family, architecture, init, templates, parentDigest, engine, engineVersion, method, medium, kickstartSha256, agentVersion, builderVersion, createdAt, buildDurationMs, diskSha256, diskSizeBytes, diskVirtualSizeBytes, totalSizeBytes, directory, files, packagesFile, packageCount, packages}\`, method one of \`tree guest install\` or \`null\` for a JEOS, createdAt in ISO 8601; packages is \`null\` without \`--packages\`, else a list of \`{name, version, architecture}\`
- medium: \`{title, kind, location, sha256, origin, standIn, synthetic}\`, kind one of \`iso tree\`, origin one of \`operator catalogue\`; \`null\` where none was used
- deployable: \`{name, intent, monitoring, state, sinceMs, alerts, maintenance, maintenanceWindows, note, assemblies}\`, state one of \`stopped starting active recovering stopping blocked degraded\`
- assembly: \`{name, release, architecture, deployable, state, sinceMs, failuresInWindow, escalation, imageDigest, memoryMiB, vcpus, ports, disks, networks, atNextStart, domainName, uuid, sshPort, dependsOn, maintenance, maintenanceWindows, note, resources}\`, state one of \`stopped starting booting online suspect fencing waiting stopping blocked failed\`
- resource: \`{name, template, state, sinceMs, failuresInWindow, escalation, urls, parameters, dependsOn, maintenance, note}\`, state one of \`stopped probing starting active recovering waiting stopping unrecoverable unmonitored failed\`
- incident: \`{id, deployable, assembly, resource, rung, verdict, cause, evidence, actions, outcome, noticedAtMs, endedAtMs}\`, rung one of \`resource assembly deployable\`, actions a list of \`{atMs, text}\`, outcome one of \`open recovered escalated blocked stopped maintenance\`
- escalation: \`{failures, periodMs}\` or \`"never"\`
- dependsOn: list of \`{assembly, restart}\`, of a resource \`{assembly, resource, restart}\`
- parameters: an object from each name to its text, or to \`{assembly, value}\` for a reference, value one of \`address\`, \`port/N\`, \`endpoint/N\`
- maintenance: \`{untilMs}\`, its own or that of what it stands in, \`untilMs\` null until it is cleared; \`null\` when there is none
`;

/** The whole page. */
export function renderReference(commands: readonly Command[]): string {
  const topics = [...new Set(commands.map(({ topic }) => topic))];
  const sections = topics.map((topic) => {
    const title = `## ${topic.charAt(0).toUpperCase()}${topic.slice(1)}`;
    return [title, ...commands.filter((command) => command.topic === topic).map(renderEntry)].join('\n\n');
  });
  return `${[opening.trimEnd(), ...sections, jsonShapes.trimEnd()].join('\n\n')}\n`;
}

function renderEntry(command: Command): string {
  const aliases = command.aliases ?? [];
  const also = aliases.length === 0 ? '' : ` Also: ${aliases.map((name) => `\`${name}\``).join(', ')}.`;
  const rows = [
    ...command.arguments.map(({ name, about }) => `- \`${name}\`: ${about}`),
    ...command.options.map((option) => `- \`${optionText(option)}\`: ${option.about}`),
  ];
  const codes = saysExitCodes(command) ? exitCodesOf(command) : [];
  return [
    `### \`${usageOf(command)}\``,
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.${also}`,
    ...command.help,
    ...(rows.length === 0 ? [] : [rows.join('\n')]),
    ...(codes.length === 0
      ? []
      : [`Exit codes: ${codes.map(([code, meaning]) => `${code}: ${meaning}`).join('; ')}.`]),
    `\`\`\`\n${command.example}\n\`\`\``,
  ].join('\n\n');
}
