/**
 * The tables of cped's database, as a list of migrations: entry N brings a database of version N to N + 1.
 * A migration that was released is never changed; a new one is added.
 */

export const migrations: readonly string[] = [
  `
  CREATE TABLE assemblies (
    name TEXT PRIMARY KEY,
    release TEXT NOT NULL,
    architecture TEXT NOT NULL,
    uuid TEXT NOT NULL UNIQUE,
    mac_address TEXT NOT NULL UNIQUE,
    memory_mib INTEGER NOT NULL,
    vcpus INTEGER NOT NULL,
    escalation TEXT NOT NULL,
    -- What the image provides that the assembly's own disk stands on; null until that disk is made.
    pinned_image TEXT,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE resources (
    assembly TEXT NOT NULL REFERENCES assemblies(name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    template TEXT NOT NULL,
    escalation TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (assembly, name)
  ) STRICT;
  CREATE TABLE deployables (
    name TEXT PRIMARY KEY,
    monitoring TEXT NOT NULL,
    intent TEXT NOT NULL,
    escalation TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT;
  -- An assembly is in at most one deployable, hence the key; one that is in use cannot be deleted.
  CREATE TABLE deployable_assemblies (
    assembly TEXT PRIMARY KEY REFERENCES assemblies(name),
    deployable TEXT NOT NULL REFERENCES deployables(name) ON DELETE CASCADE,
    position INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE forwards (
    assembly TEXT NOT NULL REFERENCES assemblies(name) ON DELETE CASCADE,
    guest_port INTEGER NOT NULL,
    host_port INTEGER NOT NULL UNIQUE,
    PRIMARY KEY (assembly, guest_port)
  ) STRICT;
  CREATE TABLE host_keys (
    assembly TEXT PRIMARY KEY REFERENCES assemblies(name) ON DELETE CASCADE,
    host_key TEXT NOT NULL
  ) STRICT;
  -- Image disks whose checksum was computed, so that it is computed once and not at each start.
  CREATE TABLE verified_disks (
    digest TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    modified_at_ns TEXT NOT NULL
  ) STRICT;
  -- AUTOINCREMENT: a number is never used again, also after the newest rows were deleted.
  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL
  ) STRICT;
  CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    noticed_at_ms REAL NOT NULL,
    incident TEXT NOT NULL
  ) STRICT;
  CREATE INDEX incidents_by_time ON incidents (noticed_at_ms);
  CREATE TABLE windows (
    key TEXT PRIMARY KEY,
    failure_times_ms TEXT NOT NULL
  ) STRICT;
  `,
  // Order, references, maintenance, imported assemblies, and a deployable that stays given up.
  `
  -- JSON object: parameter → text, or {"assembly": NAME, "value": "address" | "port/N" | "endpoint/N"}.
  ALTER TABLE resources ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}';
  -- JSON: how the guest is spoken to; {"kind": "agent"} or {"kind": "ssh", …}.
  ALTER TABLE assemblies ADD COLUMN transport TEXT NOT NULL DEFAULT '{"kind":"agent"}';
  -- JSON: what an imported assembly's disk is, since no image's manifest says it; null for built ones.
  ALTER TABLE assemblies ADD COLUMN imported TEXT;
  -- An empty resource means the whole assembly. A name that is not defined (any more) is judged at start.
  CREATE TABLE dependencies (
    assembly TEXT NOT NULL REFERENCES assemblies(name) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    on_assembly TEXT NOT NULL,
    on_resource TEXT NOT NULL,
    restart INTEGER NOT NULL,
    PRIMARY KEY (assembly, resource, on_assembly, on_resource)
  ) STRICT;
  -- Key as the operator writes it: deployable:D, assembly:A, resource:A/R. No end means until it is cleared.
  CREATE TABLE maintenance (
    target TEXT PRIMARY KEY,
    until_ms INTEGER,
    set_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE blocked (
    deployable TEXT PRIMARY KEY,
    reason TEXT NOT NULL
  ) STRICT;
  CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT;
  -- What the history is asked for (sqlite-history.ts). Both expressions are written there in the same way.
  CREATE INDEX journal_by_time ON journal (json_extract(event, '$.atMs'));
  CREATE INDEX journal_by_incident ON journal (json_extract(event, '$.incident'))
    WHERE json_extract(event, '$.incident') IS NOT NULL;
  CREATE INDEX incidents_by_deployable ON incidents (json_extract(incident, '$.deployable'), noticed_at_ms);
  CREATE INDEX incidents_open ON incidents (noticed_at_ms) WHERE json_extract(incident, '$.outcome') = 'open';
  `,
  // A service in one file: further ports, what is not the template's of a resource's watching, and secrets.
  `
  -- JSON array of guest ports.
  ALTER TABLE assemblies ADD COLUMN ports TEXT NOT NULL DEFAULT '[]';
  -- JSON object: monitorIntervalMs, …, checks.
  ALTER TABLE resources ADD COLUMN watching TEXT NOT NULL DEFAULT '{}';
  CREATE TABLE secrets (
    deployable TEXT NOT NULL REFERENCES deployables(name) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (deployable, name)
  ) STRICT;
  `,
  // Windows of maintenance that come back.
  `
  -- Of a deployable or an assembly, as in maintenance. JSON array: every, at, forMs, timeZone, begunMs.
  CREATE TABLE maintenance_windows (
    target TEXT PRIMARY KEY,
    windows TEXT NOT NULL
  ) STRICT;
  -- The window that began it, in words; null where a person did.
  ALTER TABLE maintenance ADD COLUMN window TEXT;
  `,
  // Alerts of a deployable's own.
  `
  -- JSON array: webhook or program, match.
  ALTER TABLE deployables ADD COLUMN alerts TEXT NOT NULL DEFAULT '[]';
  `,
  // Data disks.
  `
  -- JSON array: name, sizeGiB, mount, and whether its file was made.
  ALTER TABLE assemblies ADD COLUMN disks TEXT NOT NULL DEFAULT '[]';
  `,
  // Further networks.
  `
  -- JSON array, in the order of the machine's cards: kind, name, mac (null: from its identity).
  ALTER TABLE assemblies ADD COLUMN networks TEXT NOT NULL DEFAULT '[]';
  `,
];
