# Seals a Debian guest: what apt and dpkg keep for themselves, and what kept services from starting.
rm -f /usr/sbin/policy-rc.d /var/cache/apt/*.bin /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*
umount /run/pcloud-build 2>/dev/null
rm -rf /run/pcloud-build
find /var/lib/apt/lists -type f ! -name lock -delete
rm -f /var/cache/debconf/*-old /var/lib/dpkg/*-old
exit 0
