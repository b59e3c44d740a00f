/** Images as SPDX documents tell them, for tests that need some and not particular ones. */
import { distributionOf } from '../../model/package-url.ts';
import type { SpdxImage } from '../../model/spdx.ts';

export const sampleJeosImage: SpdxImage = {
  title: 'debian12 x86_64',
  digest: 'a'.repeat(64),
  disk: { file: 'disk.qcow2', sha256: 'b'.repeat(64) },
  distribution: distributionOf('debian12', 'debian', null),
  packages: [
    { name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64' },
    { name: 'base-files', version: '12.4+deb12u11', architecture: 'amd64' },
    { name: 'libgmp10', version: '2:6.2.1+dfsg1-1.1', architecture: 'amd64' },
  ],
  parent: null,
};

export const sampleAssemblyImage: SpdxImage = {
  title: 'RHEL6 x86_64 with httpd',
  digest: 'c'.repeat(64),
  disk: { file: 'disk.qcow2', sha256: 'd'.repeat(64) },
  distribution: distributionOf('RHEL6', 'rhel', { standIn: 'CentOS 6.10', synthetic: false }),
  packages: [
    { name: 'httpd', version: '2.2.15-69.el6.centos', architecture: 'x86_64' },
    { name: 'glibc', version: '2.12-1.212.el6', architecture: 'x86_64' },
    { name: 'glibc', version: '2.12-1.212.el6', architecture: 'i686' },
    { name: 'kernel', version: '2.6.32-754.el6', architecture: 'x86_64' },
    { name: 'kernel', version: '2.6.32-754.35.1.el6', architecture: 'x86_64' },
    { name: 'gpg-pubkey', version: '(none):c105b9de-4e0fd3a3', architecture: '(none)' },
  ],
  parent: { digest: 'a'.repeat(64), diskSha256: 'b'.repeat(64), documentSha256: 'e'.repeat(64) },
};
