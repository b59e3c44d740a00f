#!/bin/sh
# Runs a libvirtd of a test's own as root, beside the host's. To be called by private-libvirtd.ts as
# `unshare -m sh private-libvirtd.sh DIRECTORY`: the mounts below exist only in this mount namespace.
set -eu
directory=$1

for part in run:/run/libvirt lib:/var/lib/libvirt cache:/var/cache/libvirt log:/var/log/libvirt etc:/etc/libvirt; do
  mkdir -p "$directory/${part%%:*}" "${part#*:}"
  mount --bind "$directory/${part%%:*}" "${part#*:}"
done

# Debian's libvirt is compiled for the user libvirt-qemu and does not start without it, even where qemu.conf
# names another. The package that makes that user would also start the host's own libvirtd.
for file in passwd group; do
  cp "/etc/$file" "$directory/$file"
done
grep -q '^libvirt-qemu:' "$directory/passwd" ||
  echo 'libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin' >>"$directory/passwd"
grep -q '^libvirt-qemu:' "$directory/group" || echo 'libvirt-qemu:x:64055:' >>"$directory/group"
mount --bind "$directory/passwd" /etc/passwd
mount --bind "$directory/group" /etc/group

# A subreaper: where PID 1 is slow to reap, libvirt would report a killed QEMU seconds late.
exec tini -s -- libvirtd --config /etc/libvirt/libvirtd.conf --pid-file "$directory/libvirtd.pid"
