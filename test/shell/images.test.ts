/** What jeos_show, assembly_show and image_gc ask of the services, print and refuse. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GcEntry, GcRequest } from '../../model/image-gc.ts';
import type { ImageDetails } from '../../model/image-details.ts';
import { runLine } from '../../shell/run-line.ts';
import { renderImageDetails } from '../../shell/render-image-details.ts';
import { plainStyle } from '../../shell/style.ts';
import { recorder, serviceAway } from './ports-fake.ts';
import type { Recorder } from './ports-fake.ts';
import { assemblyStatus, imageDetails, imageDigest, jeosDigest, nowMs, resourceStatus } from './samples.ts';

const view = { nowMs, columns: 100, style: plainStyle };
const kickstarted = imageDetails({
  release: 'RHEL6',
  family: 'rhel',
  init: 'sysv',
  engine: 'oz',
  engineVersion: null,
  kickstartSha256: 'e1'.repeat(32),
  medium: {
    title: 'synthetic CentOS 6.10 DVD',
    kind: 'iso',
    location: '/media/rhel6.iso',
    sha256: 'f1'.repeat(32),
    origin: 'operator',
    standIn: 'CentOS 6.10',
    synthetic: true,
  },
});

test('an image is shown with all that it is made of', () => {
  assert.deepEqual(renderImageDetails(imageDetails(), view), [
    'JEOS debian12 x86_64',
    `  image      ${jeosDigest}`,
    '  named      jeos debian12 x86_64',
    '  guest      debian, init systemd, agent 0.1.0',
    '  engine     bootstrap (mmdebstrap 1.3.5)',
    '  kickstart  none',
    '  built      09:55:00, 2h05m ago, in 52s, by Pacemaker Cloud 0.2.0',
    '  disk       79 MiB, 4.0 GiB for the guest',
    `             sha256 ${'d1'.repeat(32)}`,
    `  in all     181 MiB in /images/${jeosDigest}`,
    '  packages   140 (packages.spdx.json)',
    '  files      build.log disk.qcow2 manifest.json packages.spdx.json',
  ]);
});

test('a synthetic medium and a stand-in are named, and so is where it came from', () => {
  const text = renderImageDetails(kickstarted, view).join('\n');
  assert.match(text, /engine +oz \(version not known\)\n/);
  assert.match(
    text,
    /medium +synthetic CentOS 6\.10 DVD \(iso, given by the operator\)\n +SYNTHETIC: made by tests, it is not RHEL6\n +CentOS 6\.10 stands in for RHEL6\n +\/media\/rhel6\.iso\n +sha256 (f1){32}\n/,
  );
  assert.match(text, /kickstart +sha256 (e1){32}\n/);
});

test("an assembly's image tells how it was made and what it stands on; packages stand in a table below", () => {
  const text = renderImageDetails(
    imageDetails({
      kind: 'assembly',
      names: [],
      templates: ['httpd'],
      parentDigest: jeosDigest,
      method: 'guest',
      packages: [
        { name: 'apache2', version: '2.4.62-1', architecture: 'amd64' },
        { name: 'old\u001b[31m', version: null, architecture: null },
      ],
    }),
    view,
  ).join('\n');
  assert.match(text, /^image of debian12 x86_64 with httpd\n/);
  assert.match(text, /made by +packages installed in the running guest\n/);
  assert.match(text, /stands on +JEOS (a1){32}\n/);
  assert.match(text, /\n\nPACKAGE +VERSION +ARCH\napache2 +2\.4\.62-1 +amd64\nold\\u001b\[31m +- +-$/);
});

test('jeos_show asks for the packages only where they are wanted', async () => {
  const asked: unknown[] = [];
  const made = recorder({
    builder: {
      jeosDetails: async (...args) => {
        asked.push(args);
        return await Promise.resolve(imageDetails());
      },
    },
  });
  assert.equal(await runLine('jeos_show debian12 x86_64', made.context), 0);
  assert.equal(await runLine('jeos_show debian12 x86_64 --packages --json', made.context), 0);
  assert.deepEqual(asked, [
    ['debian12', 'x86_64', false],
    ['debian12', 'x86_64', true],
  ]);
  assert.deepEqual(JSON.parse(made.printed.at(-1) ?? ''), { version: 1, image: imageDetails() });
});

type ShowOptions = {
  readonly pinned: string | null;
  readonly matching: string | null;
  readonly templates?: readonly string[];
  readonly deployable?: string | null;
};

function showing({ pinned, matching, templates = ['httpd'], deployable = 'dep1' }: ShowOptions): {
  readonly made: Recorder;
  readonly shown: string[];
} {
  const shown: string[] = [];
  const resources = templates.map((template) => resourceStatus({ template }));
  const made = recorder({
    cped: {
      assembly: async () =>
        await Promise.resolve(assemblyStatus({ imageDigest: pinned, resources, deployable })),
    },
    builder: {
      matchImage: async (requirement) => {
        assert.deepEqual(requirement.templates, templates);
        return await Promise.resolve(matching);
      },
      imageDetails: async (digest): Promise<ImageDetails> => {
        shown.push(digest);
        return await Promise.resolve(imageDetails({ digest }));
      },
    },
  });
  return { made, shown };
}

test('assembly_show shows the image that the disk stands on, else the one that it would be started on', async () => {
  const pinned = showing({ pinned: imageDigest, matching: jeosDigest });
  assert.equal(await runLine('assembly_show assy1', pinned.made.context), 0);
  assert.deepEqual(pinned.shown, [imageDigest]);
  assert.match(pinned.made.printed[0] ?? '', /^assembly assy1: its disk stands on this image$/);
  const unpinned = showing({ pinned: null, matching: jeosDigest });
  assert.equal(await runLine('assembly_show assy1', unpinned.made.context), 0);
  assert.deepEqual(unpinned.shown, [jeosDigest]);
  assert.match(unpinned.made.printed[0] ?? '', /it would be started on this image$/);
});

test('an assembly without an image says which command builds it', async () => {
  const cases: readonly (readonly [Partial<ShowOptions>, RegExp])[] = [
    [{}, /`deployable_start dep1` builds it/],
    [
      { deployable: null },
      /`deployable_assembly_add DEPLOYABLE assy1` and `deployable_start DEPLOYABLE` builds/,
    ],
    [{ templates: [] }, /`jeos_create debian12 x86_64`/],
  ];
  for (const [options, hint] of cases) {
    const { made } = showing({ pinned: null, matching: null, ...options });
    assert.equal(await runLine('assembly_show assy1', made.context), 1);
    assert.match(made.complained[0] ?? '', /assy1 has no image yet: it needs .*, and that is not built/);
    assert.match(made.complained[1] ?? '', hint);
    assert.equal(await runLine('assembly_show assy1 --json', made.context), 1);
    const told: unknown = JSON.parse(made.printed.at(-1) ?? '');
    assert.deepEqual(told, { version: 1, assembly: 'assy1', pinned: false, image: null });
  }
});

const entry = (digit: string, verdict: GcEntry['verdict'], why: string): GcEntry => ({
  id: digit.repeat(64),
  kind: 'jeos',
  title: `JEOS ${digit}`,
  sizeBytes: 100 * 1024 * 1024,
  createdAt: new Date(nowMs).toISOString(),
  verdict,
  why,
});
const shownEntries = [
  entry('a', 'free', 'a newer one has replaced it'),
  entry('b', 'free', 'it is damaged'),
  entry('c', 'kept', 'it is "jeos debian12 x86_64"'),
];
const afterRemoval = [
  entry('a', 'removed', 'nothing refers to it'),
  entry('b', 'kept', 'the disk of assembly assy1'),
];

function collecting(options: {
  readonly answer?: boolean | null;
  readonly shared?: boolean;
  readonly entries?: readonly GcEntry[];
  readonly cpedAway?: boolean;
}): { readonly made: Recorder; readonly requests: GcRequest[] } {
  const { answer = null, shared = false, entries = shownEntries, cpedAway = false } = options;
  const requests: GcRequest[] = [];
  const made = recorder({
    answer,
    cped: {
      assemblies: async () => {
        if (cpedAway) throw serviceAway;
        return await Promise.resolve([
          assemblyStatus(),
          assemblyStatus({ name: 'assy2' }),
          assemblyStatus({ name: 'assy3', imageDigest: null }),
          assemblyStatus({ name: 'assy4', imageDigest: null }),
        ]);
      },
    },
    builder: {
      collectGarbage: async (request) => {
        requests.push(request);
        const told = request.remove === null ? entries : afterRemoval;
        return await Promise.resolve({ shared, entries: [...told] });
      },
    },
  });
  return { made, requests };
}

const removing = ['a'.repeat(64), 'b'.repeat(64)];

test('image_gc tells the builder what cped knows, shows what can go with its sum, and asks', async () => {
  const { made, requests } = collecting({ answer: true });
  assert.equal(await runLine('image_gc', made.context), 0);
  const requirement = { release: 'debian12', architecture: 'x86_64', templates: ['httpd'] };
  const known = {
    pinned: [{ digest: imageDigest, assemblies: ['assy1', 'assy2'] }],
    wanted: [{ requirement, assemblies: ['assy3', 'assy4'] }],
    graceMs: 3_600_000,
  };
  assert.deepEqual(requests, [
    { ...known, remove: null },
    { ...known, remove: removing },
  ]);
  assert.match(made.printed[1] ?? '', /^a{12} +JEOS a +100 MiB/);
  assert.ok(made.printed.includes('2 images, 200 MiB'));
  assert.ok(!made.printed.some((line) => line.includes('JEOS c')));
  assert.deepEqual(made.asked, ['Remove these 2 images? [y/N] ']);
  assert.equal(made.printed.at(-1), 'removed 1 image, 100 MiB');
  assert.match(
    made.complained.join('\n'),
    /kept after all: bbbbbbbbbbbb \(JEOS b\)[^]*the disk of assembly assy1/,
  );
});

test('without a yes nothing is removed, and without anybody to ask it is an error that says what to type', async () => {
  const no = collecting({ answer: false });
  assert.equal(await runLine('image_gc', no.made.context), 1);
  assert.equal(no.made.printed.at(-1), 'nothing was removed');
  for (const [line, answer] of [
    ['image_gc', null],
    ['image_gc --json', true],
  ] as const) {
    const nobody = collecting({ answer });
    assert.equal(await runLine(line, nobody.made.context), 2);
    assert.match(nobody.made.complained.join('\n'), /image_gc --yes[^]*image_gc --dry-run/);
    assert.equal(nobody.requests.length, 1);
  }
  assert.equal(no.requests.length, 1);
});

test('--yes removes without asking, --dry-run only shows, --older-than is what is told', async () => {
  const yes = collecting({ answer: false });
  assert.equal(await runLine('image_gc --yes --older-than 2d', yes.made.context), 0);
  assert.deepEqual(yes.made.asked, []);
  assert.deepEqual(
    yes.requests.map(({ graceMs, remove }) => [graceMs, remove]),
    [
      [172_800_000, null],
      [172_800_000, removing],
    ],
  );
  const dry = collecting({ answer: true });
  assert.equal(await runLine('image_gc --dry-run --yes', dry.made.context), 0);
  assert.equal(dry.requests.length, 1);
  assert.deepEqual(dry.made.asked, []);
});

test('as JSON the dry run tells all images, and the removal what became of those that were to go', async () => {
  const dry = collecting({});
  assert.equal(await runLine('image_gc --dry-run --json', dry.made.context), 0);
  assert.deepEqual(
    dry.made.printed.map((line): unknown => JSON.parse(line)),
    [{ version: 1, dryRun: true, images: shownEntries }],
  );
  const real = collecting({});
  assert.equal(await runLine('image_gc --yes --json', real.made.context), 0);
  assert.deepEqual(
    real.made.printed.map((line): unknown => JSON.parse(line)),
    [{ version: 1, dryRun: false, images: afterRemoval }],
  );
});

test('where other hosts may use the images, only --shared removes any', async () => {
  const refused = collecting({ shared: true });
  assert.equal(await runLine('image_gc --yes', refused.made.context), 1);
  assert.equal(refused.requests.length, 1);
  assert.match(refused.made.complained.join('\n'), /image_gc --shared/);
  const agreed = collecting({ shared: true });
  assert.equal(await runLine('image_gc --yes --shared', agreed.made.context), 0);
  assert.equal(agreed.requests.length, 2);
});

test('nothing to remove is said, and without cped nothing is even looked for', async () => {
  const nothing = collecting({ answer: true, entries: shownEntries.slice(2) });
  assert.equal(await runLine('image_gc', nothing.made.context), 0);
  assert.deepEqual(nothing.made.printed, ['Nothing to remove: 1 image, all of them needed or new.']);
  const away = collecting({ cpedAway: true });
  assert.equal(await runLine('image_gc --yes', away.made.context), 1);
  assert.deepEqual(away.requests, []);
});
