#!/bin/sh
# Turns a minimal Debian tree into a JEOS. mmdebstrap runs it as its customise hook, outside the chroot and as
# (possibly only the namespace's) root, with the tree as its one argument. What it leaves under /boot does not
# go into the disk: the builder takes the kernel, the initrd and the package list from there.
set -eu
root=$1
seed=$root/pcloud-seed
work=$root/pcloud-work
mkdir "$work"

# The variables file is written by the builder: KERNEL_PACKAGE, NONCE.
. "$seed/variables"

fail() {
	echo "customise: $*" >&2
	exit 1
}

fetch_packages() {
	kernel=$(APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-cache depends "$KERNEL_PACKAGE" | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
	[ -n "$kernel" ] || fail "the archive has no kernel behind $KERNEL_PACKAGE"
	chmod 1777 "$work"
	(cd "$work" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -q download "$kernel" busybox-static)
	version=${kernel#linux-image-}
}

install_kernel() {
	mkdir "$work/kernel" "$work/busybox"
	sed -e '/^#/d' -e 's/ .*//' "$seed/modules.txt" >"$work/names"
	sed 's|.*|*/&.ko|' "$work/names" >"$work/patterns"
	dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb |
		tar -C "$work/kernel" -x --wildcards --no-anchored -T "$work/patterns" './boot/vmlinuz-*' \
			'./lib/modules/*/modules.builtin' './lib/modules/*/modules.builtin.modinfo' './lib/modules/*/modules.order' ||
		fail "the kernel package does not hold what modules.txt lists"
	mkdir -p "$root/usr/lib/modules"
	mv "$work/kernel/lib/modules/$version" "$root/usr/lib/modules/$version"
	mkdir -p "$root/boot"
	mv "$work/kernel/boot/vmlinuz-$version" "$root/boot/vmlinuz"
	chroot "$root" depmod "$version"
	while read -r name; do
		for needed in $(chroot "$root" modinfo -k "$version" -F depends "$name" | tr ',' ' '); do
			grep -qx "$(echo "$needed" | sed 's/[-_]/[-_]/g')" "$work/names" ||
				fail "the module $name needs $needed, which modules.txt does not list"
		done
	done <"$work/names"
}

build_initrd() {
	tree=$work/initrd
	mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/root" "$tree/modules"
	dpkg-deb --fsys-tarfile "$work"/busybox-static_*.deb | tar -C "$work/busybox" -x
	cp "$(find "$work/busybox" -path '*/bin/busybox' -type f)" "$tree/bin/busybox"
	for applet in sh mount umount cat insmod findfs sleep switch_root; do
		ln -s busybox "$tree/bin/$applet"
	done
	cp "$seed/initrd/init" "$tree/init"
	chmod 755 "$tree/init"
	for name in $(sed -n 's/^\([^# ]*\) initrd$/\1/p' "$seed/modules.txt"); do
		chroot "$root" modprobe --set-version "$version" --show-depends "$name" |
			sed -n 's|^insmod \(.*/\([^/]*\)\.ko\).*|\2 \1|p'
	done | awk '!seen[$1]++' >"$work/load"
	while read -r name file; do
		cp "$root$file" "$tree/modules/$name.ko"
		echo "$name" >>"$tree/modules.order"
	done <"$work/load"
	find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	(cd "$tree" && find . | LC_ALL=C sort | cpio --quiet --reproducible -o -H newc) | zstd -q -12 >"$root/boot/initrd"
}

install_files() {
	cp -R "$seed/files/." "$root/"
	cp "$seed/pcloud-agent" "$root/usr/sbin/pcloud-agent"
	chmod 755 "$root/usr/sbin/pcloud-agent"
	cp "$seed/pcloud-agent.service" "$root/etc/systemd/system/pcloud-agent.service"
	chmod 755 "$root"/usr/lib/pacemaker-cloud/*
	enable multi-user.target pcloud-agent.service
	enable sysinit.target pcloud-disks.service
	enable multi-user.target systemd-networkd.service
	enable multi-user.target pcloud-resolv.path
	enable multi-user.target pcloud-resolv.service
	# The build host's name servers, which mmdebstrap has put there, are nobody else's.
	rm -f "$root/etc/resolv.conf"
	enable multi-user.target pcloud-host-key.service
	enable sockets.target ssh.socket
	enable sockets.target systemd-networkd.socket
	rm -f "$root/etc/systemd/system/multi-user.target.wants/ssh.service" "$root/etc/systemd/system/sshd.service"
	ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
}

# enable TARGET UNIT: what `systemctl enable` would do, with no systemctl of the host's version involved.
enable() {
	mkdir -p "$root/etc/systemd/system/$1.wants"
	if [ -e "$root/etc/systemd/system/$2" ]; then
		ln -sf "../$2" "$root/etc/systemd/system/$1.wants/$2"
	else
		[ -e "$root/lib/systemd/system/$2" ] || fail "there is no unit $2 to enable"
		ln -sf "/lib/systemd/system/$2" "$root/etc/systemd/system/$1.wants/$2"
	fi
}

trim_services() {
	while read -r kind name; do
		case $kind in
		unit) ln -sfn /dev/null "$root/etc/systemd/system/$name" ;;
		generator)
			mkdir -p "$root/etc/systemd/system-generators"
			ln -sfn /dev/null "$root/etc/systemd/system-generators/$name"
			;;
		udev-rule) ln -sfn /dev/null "$root/etc/udev/rules.d/$name" ;;
		tmpfiles)
			mkdir -p "$root/etc/tmpfiles.d"
			ln -sfn /dev/null "$root/etc/tmpfiles.d/$name"
			;;
		'' | '#'*) ;;
		*) fail "masked.txt: unknown kind $kind" ;;
		esac
	done <"$seed/masked.txt"
}

# Nothing that would make two guests the same person, and no password.
remove_identity() {
	rm -f "$root"/etc/ssh/ssh_host_*
	echo uninitialized >"$root/etc/machine-id"
	rm -f "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
	echo localhost >"$root/etc/hostname"
	chroot "$root" usermod -p '*' root
	mkdir -p -m 700 "$root/root/.ssh"
}

list_packages() {
	chroot "$root" dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' >"$root/boot/packages.tsv"
	for deb in "$work"/*.deb; do
		dpkg-deb -W --showformat '${Package}\t${Version}\t${Architecture}\n' "$deb" >>"$root/boot/packages.tsv"
	done
	# What the archive said of itself while we installed: the builder compares it with the recipe.
	(cd "$root/var/lib/apt/lists" && sha256sum *InRelease) >"$root/boot/archive.tsv"
}

# With the directories that apt makes again, in the guest too: whose they are depends on the build host.
clean_apt() {
	rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/archives/* "$root"/var/cache/apt/*.bin
}

fetch_packages
install_kernel
build_initrd
install_files
trim_services
remove_identity
list_packages
clean_apt
rm -rf "$work" "$seed"
# Last of all: the builder reads this back out of the finished disk.
mkdir -p "$root/etc/pacemaker-cloud"
echo "$NONCE" >"$root/etc/pacemaker-cloud/build-nonce"
