import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { architectureOfPackageUrl, distributionOf, packageUrl } from '../../model/package-url.ts';

const standIn = (title: string) => ({ standIn: title, synthetic: false });
const debian12 = distributionOf('debian12', 'debian', null);

test('a release says whose packages it has', () => {
  const cases: readonly (readonly [Parameters<typeof distributionOf>, string, string | null])[] = [
    [['debian12', 'debian', null], 'debian', 'debian-12'],
    [['F14', 'fedora', null], 'fedora', 'fedora-14'],
    [['fedora42', 'fedora', null], 'fedora', 'fedora-42'],
    [['RHEL6', 'rhel', null], 'redhat', 'rhel-6'],
    [['RHEL6', 'rhel', standIn('CentOS 6.10')], 'centos', 'centos-6.10'],
    [['rocky9', 'rhel', null], 'rocky', 'rocky-9'],
    [['alma9', 'rhel', null], 'almalinux', 'almalinux-9'],
    [['centos-stream9', 'rhel', null], 'centos', 'centos-9'],
    [['RHEL6', 'rhel', standIn('CentOS Stream 9')], 'centos', 'centos-9'],
    [['F14', 'fedora', { standIn: null, synthetic: true }], 'synthetic', null],
    [['our-own', 'debian', null], 'debian', null],
    [['constructor', 'fedora', null], 'fedora', null],
  ];
  for (const [release, vendor, distro] of cases) {
    const found = distributionOf(...release);
    assert.deepEqual([found.vendor, found.distro], [vendor, distro], JSON.stringify(release));
  }
});

test('a package of Debian has the URL that scanners look for', () => {
  assert.equal(
    packageUrl({ name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'amd64' }, debian12),
    'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12',
  );
  assert.equal(
    packageUrl({ name: 'libgmp10', version: '2:6.2.1+dfsg1-1.1', architecture: 'amd64' }, debian12),
    'pkg:deb/debian/libgmp10@2:6.2.1%2Bdfsg1-1.1?arch=amd64&distro=debian-12',
  );
});

test('the epoch of an rpm is a qualifier, and what rpm does not know is left out', () => {
  const centos = distributionOf('RHEL6', 'rhel', standIn('CentOS 6.10'));
  assert.equal(
    packageUrl({ name: 'dbus-libs', version: '1:1.2.24-11.el6_10', architecture: 'x86_64' }, centos),
    'pkg:rpm/centos/dbus-libs@1.2.24-11.el6_10?arch=x86_64&distro=centos-6.10&epoch=1',
  );
  assert.equal(
    packageUrl({ name: 'gpg-pubkey', version: '(none):c105b9de-4e0fd3a3', architecture: '(none)' }, centos),
    'pkg:rpm/centos/gpg-pubkey@c105b9de-4e0fd3a3?distro=centos-6.10',
  );
});

test('any package has a URL of the right form, and its architecture comes back out of it', () => {
  const family = fc.constantFrom('debian', 'fedora', 'rhel');
  fc.assert(
    fc.property(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.string({ minLength: 1 }),
      family,
      fc.string({ minLength: 1 }),
      (name, version, architecture, kind, release) => {
        const url = packageUrl({ name, version, architecture }, distributionOf(release, kind, null));
        assert.match(
          url,
          /^pkg:(?:deb|rpm)\/[A-Za-z0-9.%_~-]+\/[A-Za-z0-9.%_~:-]+(?:@[A-Za-z0-9.%_~:-]+)?\?arch=[A-Za-z0-9.%_~:-]+(?:&[a-z]+=[A-Za-z0-9.%_~:-]+)*$/,
        );
        assert.equal(architectureOfPackageUrl(url), architecture.toWellFormed());
      },
    ),
  );
});
