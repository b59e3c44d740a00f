/** A manifest with made-up facts, for tests that need some manifest and not a particular one. */
import type { Manifest } from '../../model/manifest.ts';

export const sampleManifest: Manifest = {
  manifestVersion: 2,
  digest: 'a'.repeat(64),
  kind: 'jeos',
  release: 'debian12',
  family: 'debian',
  architecture: 'x86_64',
  init: 'systemd',
  parentDigest: null,
  templates: [],
  packages: ['apache2', 'udev'],
  // Of a file that holds the five bytes `disk!`.
  disk: {
    file: 'disk.qcow2',
    sha256: '1782646f29300f0c86ae96df951546efc4c52e02d6472e722b0489376a1d2024',
    sizeBytes: 5,
    virtualSizeBytes: 4_294_967_296,
  },
  kernel: { kernelFile: 'vmlinuz', initrdFile: 'initrd', cmdline: 'root=LABEL=pcloud-root' },
  machine: 'pc',
  memoryMiB: 128,
  agentVersion: '0.1.0',
  engine: 'bootstrap',
  builderVersion: '0.1.0',
  createdAt: '2026-01-01T00:00:00.000Z',
  buildDurationMs: 1000,
  engineVersion: '1.3.5',
  kickstartSha256: null,
  medium: null,
  packagesFile: 'packages.spdx.json',
  files: ['build.log', 'recipe.json'],
  method: null,
};
