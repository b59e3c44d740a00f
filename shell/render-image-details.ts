/** What an image is made of, for people. Pure. */
import type { ImageDetails } from '../model/image-details.ts';
import type { ImageMedium } from '../model/image-medium.ts';
import { formatBytes, formatClock, formatElapsed } from './duration.ts';
import { printable } from './printable.ts';
import type { View } from './render-status.ts';
import { renderTable } from './render-table.ts';

/** The engine's tool; of another engine only its own name is known. */
const toolOfEngine: ReadonlyMap<string, string> = new Map([
  ['bootstrap', 'mmdebstrap'],
  ['oz', 'oz'],
  ['virt-install', 'virt-install'],
]);

const methods: Readonly<Record<NonNullable<ImageDetails['method']>, string>> = {
  tree: "packages put into the JEOS's file tree",
  guest: 'packages installed in the running guest',
  install: 'a full install of its own',
};

type Row = readonly [label: string, value: string];

/** A line for each fact; with the packages, where they were asked for, as a table below. */
export function renderImageDetails(image: ImageDetails, view: View): readonly string[] {
  const what = `${image.release} ${image.architecture}`;
  const title =
    image.kind === 'jeos' ? `JEOS ${what}` : `image of ${what} with ${image.templates.join(', ')}`;
  const createdAtMs = Date.parse(image.createdAt);
  const ageMs = view.nowMs - createdAtMs;
  const rows: readonly Row[] = [
    ['image', image.digest],
    ['named', image.names.length > 0 ? image.names.join(', ') : namelessOf(image)],
    ['guest', `${image.family}, init ${image.init}, agent ${image.agentVersion}`],
    ['engine', engineOf(image)],
    ...(image.method === null ? [] : [['made by', methods[image.method]] as const]),
    ...(image.medium === null ? [] : mediumRows(image.medium, image.release)),
    ['kickstart', image.kickstartSha256 === null ? 'none' : `sha256 ${image.kickstartSha256}`],
    ...(image.parentDigest === null ? [] : [['stands on', `JEOS ${image.parentDigest}`] as const]),
    ...(image.templates.length === 0 ? [] : [['templates', image.templates.join(', ')] as const]),
    [
      'built',
      `${formatClock(createdAtMs, view.nowMs)}, ${formatElapsed(ageMs)} ago, in ${formatElapsed(image.buildDurationMs)}, by Pacemaker Cloud ${image.builderVersion}`,
    ],
    ['disk', `${formatBytes(image.diskSizeBytes)}, ${formatBytes(image.diskVirtualSizeBytes)} for the guest`],
    ['', `sha256 ${image.diskSha256}`],
    ['in all', `${formatBytes(image.totalSizeBytes)} in ${image.directory}`],
    ['packages', `${image.packageCount} (${image.packagesFile ?? 'an image from before SPDX lists'})`],
    ['files', image.files.join(' ')],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`);
  return [
    view.style.bold(title),
    ...lines,
    ...(image.packages === null ? [] : packageLines(image.packages, view)),
  ];
}

function namelessOf({ kind }: ImageDetails): string {
  return kind === 'jeos' ? 'no more: a newer one has replaced it' : 'no: it is found by what it provides';
}

function engineOf({ engine, engineVersion }: ImageDetails): string {
  const tool = toolOfEngine.get(engine) ?? engine;
  return engineVersion === null ? `${engine} (version not known)` : `${engine} (${tool} ${engineVersion})`;
}

function mediumRows(medium: ImageMedium, release: string): readonly Row[] {
  const { title, kind, location, sha256, origin, standIn, synthetic } = medium;
  const whose = origin === 'operator' ? 'given by the operator' : "the catalogue's default";
  return [
    ['medium', `${title} (${kind}, ${whose})`],
    ...(synthetic ? ([['', `SYNTHETIC: made by tests, it is not ${release}`]] as const) : []),
    ...(standIn === null ? [] : ([['', `${standIn} stands in for ${release}`]] as const)),
    ['', location],
    ['', `sha256 ${sha256}`],
  ];
}

function packageLines(packages: NonNullable<ImageDetails['packages']>, view: View): readonly string[] {
  return [
    '',
    ...renderTable(
      {
        header: ['PACKAGE', 'VERSION', 'ARCH'],
        rows: packages.map(({ name, version, architecture }) => [name, version ?? '-', architecture ?? '-']),
      },
      view.columns,
    ),
  ];
}
