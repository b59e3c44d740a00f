#!/bin/sh
# Finishes an assembly's tree after its packages are installed. mmdebstrap runs it as its customise hook,
# outside the chroot, with the tree as its one argument.
set -eu
root=$1
seed=$root/pcloud-seed

# Written by the builder: NONCE, SERVICES.
. "$seed/variables"

# What is managed is started by the supervisor and by nobody else.
for service in $SERVICES; do
	SYSTEMD_OFFLINE=1 chroot "$root" systemctl disable "$service.service" ||
		echo "assembly: $service has no unit to disable" >&2
done

# A package may bring units or keys that the JEOS had put away.
rm -f "$root"/etc/ssh/ssh_host_*
echo uninitialized >"$root/etc/machine-id"

mkdir -p "$root/boot"
chroot "$root" dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' >"$root/boot/packages.tsv"
(cd "$root/var/lib/apt/lists" && sha256sum *InRelease) >"$root/boot/archive.tsv"
# With the directories that apt makes again, in the guest too: whose they are depends on the build host.
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/* "$root"/var/cache/apt/*.bin
rm -rf "$seed"
# Last of all: the builder reads this back out of the finished disk.
mkdir -p "$root/etc/pacemaker-cloud"
echo "$NONCE" >"$root/etc/pacemaker-cloud/build-nonce"
