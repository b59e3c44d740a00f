# Lays out /dev/vda as the kickstart says: partitions, file systems, mounts. LVM, RAID and existing partitions are
# refused by name: this installer carries out plain `part` lines on one disk.

disk=vda

# The disk's size in MiB.
disk_mib() { echo $(($(cat /sys/block/$disk/size) / 2048)); }

storage_error() {
	refuse "Error Partitioning" "The following errors occurred with your partitioning:" "$@" \
		"This can happen if there is not enough space on your hard drive(s) for the installation."
}

check_disk() {
	[ -b /dev/$disk ] || refuse "No usable disks" "An error has occurred - no valid devices were found on which to create new file systems. Please check your hardware for the cause of this problem."
	only=$(option_of --only-use "$(command_words ignoredisk)")
	[ -z "$only" ] || [ "$only" = $disk ] || refuse "No usable disks" "Disk \"$only\" given in ignoredisk command does not exist."
	for name in logvol volgroup raid btrfs; do
		has_command $name && storage_error "The synthetic installer does not carry out $name."
	done
	label_seen=$(dd if=/dev/$disk bs=1 skip=510 count=2 2>/dev/null | od -An -tx1 | tr -d ' ')
	if [ "$label_seen" != 55aa ] && ! has_command zerombr; then
		ask "Warning" "Error processing drive: $disk. This device may need to be reinitialized. REINITIALIZING WILL CAUSE ALL DATA TO BE LOST!"
	fi
	if ! has_command clearpart; then
		[ "$label_seen" = 55aa ] && storage_error "Could not allocate requested partitions: not enough free space on disks."
	elif [ -z "$(option_of --all "$(command_words clearpart)")$(option_of --linux "$(command_words clearpart)")" ] &&
		[ "$label_seen" = 55aa ]; then
		storage_error "Could not allocate requested partitions: not enough free space on disks."
	fi
}

# Writes /tmp/parts: number, mount point, type, MiB, 1 for grow, maximal MiB, label; parted by "|".
read_parts() {
	if has_command autopart; then
		{
			[ "$LABEL_TYPE" = gpt ] && echo "biosboot|biosboot|1|0|0|"
			echo "/boot|ext4|500|0|0|"
			echo "/|ext4|1024|1|0|"
		} >/tmp/parts
	fi
	awk -F '\t' '$2 == "part" || $2 == "partition" {
		mount = ""; type = ""; size = 0; grow = 0; most = 0; label = ""; wrong = ""
		for (i = 3; i <= NF; i++) {
			at = index($i, "="); name = at ? substr($i, 1, at - 1) : $i; value = at ? substr($i, at + 1) : ""
			if (name == "--fstype") type = value
			else if (name == "--size") size = value
			else if (name == "--maxsize") most = value
			else if (name == "--label") label = value
			else if (name == "--grow") grow = 1
			else if (name == "--recommended") size = 512
			else if (name == "--onpart" || name == "--usepart") wrong = name
			else if ((name == "--ondisk" || name == "--ondrive") && value != "vda") wrong = name "=" value
			else if (substr($i, 1, 1) != "-") mount = $i
		}
		if (type == "") type = (mount == "swap" || mount == "biosboot") ? mount : "ext4"
		if (wrong == "" && (mount == "" || size !~ /^[0-9]+$/ || size < 1)) wrong = "no mount point or size"
		if (wrong == "" && mount !~ /^(\/|swap$|biosboot$)/) wrong = mount
		if (wrong == "" && type !~ /^(ext[234]|swap|biosboot)$/) wrong = "--fstype=" type
		if (wrong != "") { print "line " $1 ": " wrong >"/tmp/parts.wrong"; exit }
		print mount "|" type "|" size "|" grow "|" most "|" label
	}' $ks/commands >>/tmp/parts
	[ ! -e /tmp/parts.wrong ] || storage_error "The partition cannot be created: $(cat /tmp/parts.wrong)"
	grep -q '^/|' /tmp/parts || storage_error "You have not defined a root partition (/), which is required for installation of $TITLE to continue."
	if [ "$LABEL_TYPE" = gpt ] && ! grep -q '^biosboot|' /tmp/parts; then
		storage_error "Your BIOS-based system needs a special partition to boot with $TITLE's new disk label format (GPT). To continue, please create a 1MB 'BIOS Boot' type partition."
	fi
	[ "$LABEL_TYPE" = gpt ] || [ "$(wc -l </tmp/parts)" -le 4 ] || storage_error "The synthetic installer makes no more than four partitions on an MBR."
}

# Start and size of each in MiB: what grows shares what is left over, in the order of the lines.
allocate() {
	total=$(($(disk_mib) - 2))
	awk -F '|' -v total="$total" '
		{ row[NR] = $0; size[NR] = $3; used += $3; if ($4) growing++ }
		END {
			if (used > total) exit 1
			left = total - used
			for (i = 1; i <= NR; i++) {
				split(row[i], part, "|")
				if (!part[4]) continue
				more = int(left / growing); growing--
				if (part[5] > 0 && size[i] + more > part[5]) more = part[5] > size[i] ? part[5] - size[i] : 0
				size[i] += more; left -= more
			}
			start = 1
			for (i = 1; i <= NR; i++) { print i "|" start "|" size[i] "|" row[i]; start += size[i] }
		}' /tmp/parts >/tmp/layout ||
		storage_error "Could not allocate requested partitions: not enough free space on disks."
}

partition_type() {
	case $LABEL_TYPE-$1 in
	gpt-biosboot) echo 21686148-6449-6E6F-744E-656564454649 ;;
	gpt-swap) echo 0657FD6D-A4AB-43C4-84E5-0933C84B4F4F ;;
	gpt-*) echo 0FC63DAF-8483-4772-8E79-3D69D8477DE4 ;;
	dos-swap) echo 82 ;;
	*) echo 83 ;;
	esac
}

write_table() {
	{
		echo "label: $LABEL_TYPE"
		boot=,bootable
		[ "$LABEL_TYPE" = gpt ] && boot=
		while IFS='|' read -r number start size mount type rest; do
			echo "start=${start}MiB, size=${size}MiB, type=$(partition_type "$type")$boot"
			boot=
		done </tmp/layout
	} >/tmp/table
	/installer/bin/sfdisk --quiet --wipe always --wipe-partitions always /dev/$disk </tmp/table >>"$log_file" 2>&1 ||
		storage_error "$(tail -n 3 "$log_file")"
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ -b "/dev/$disk$(wc -l </tmp/layout)" ] && return 0
		sleep 0.2
	done
	storage_error "the kernel does not see the new partitions"
}

# The features of a file system of that time: GRUB and an old kernel read them.
features=none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,uninit_bg,dir_nlink,extra_isize

# With its path: Debian's busybox prefers its own applet of that name to any other.
make_file_systems() {
	while IFS='|' read -r number start size mount type wanted grow most label; do
		device=/dev/$disk$number
		case $type in
		biosboot) continue ;;
		swap) mkswap ${label:+-L "$label"} $device >>"$log_file" 2>&1 ;;
		ext4) /installer/bin/mke2fs -q -F -t ext4 -O $features -U "$(new_uuid "$number")" ${label:+-L "$label"} $device >>"$log_file" 2>&1 ;;
		*) /installer/bin/mke2fs -q -F -t "$type" -U "$(new_uuid "$number")" ${label:+-L "$label"} $device >>"$log_file" 2>&1 ;;
		esac || refuse "Error" "An error was encountered while formatting device $device: $(tail -n 3 "$log_file")"
		say "Formatting /dev/$disk$number: $type $mount, $size MB"
	done </tmp/layout
}

# The root first, then what is below it. Writes the fstab that the packages will not overwrite.
mount_target() {
	sort -t '|' -k4,4 /tmp/layout >/tmp/mounts
	while IFS='|' read -r number start size mount type rest; do
		case $mount in /*) ;; *) continue ;; esac
		mkdir -p "$sysimage$mount"
		mount -t "$type" /dev/$disk$number "$sysimage$mount" || refuse "Error" "An error occurred mounting device /dev/$disk$number as $mount."
	done </tmp/mounts
	mkdir -p $sysimage/root $sysimage/etc $sysimage/proc $sysimage/sys $sysimage/dev $sysimage/tmp $sysimage/var/log
	chmod 1777 $sysimage/tmp
	mount -t proc proc $sysimage/proc
	mount -t sysfs sys $sysimage/sys
	mount -t devtmpfs dev $sysimage/dev
}

new_uuid() { tee "/tmp/uuid.$1" </proc/sys/kernel/random/uuid; }
# How fstab and boot line name a partition.
device_word() { if [ -e "/tmp/uuid.$1" ]; then echo "UUID=$(cat "/tmp/uuid.$1")"; else echo "/dev/$disk$1"; fi; }
number_of() { awk -F '|' -v mount="$1" '$4 == mount { print $1 }' /tmp/layout; }

write_fstab() {
	echo "# Written by the SYNTHETIC installer standing in for $TITLE"
	while IFS='|' read -r number start size mount type rest; do
		case $mount in
		/) echo "$(device_word "$number") / $type defaults 1 1" ;;
		/*) echo "$(device_word "$number") $mount $type defaults 1 2" ;;
		swap) echo "$(device_word "$number") swap swap defaults 0 0" ;;
		esac
	done </tmp/mounts
}

umount_target() {
	# Whatever a %post script left running would keep the file system busy.
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/root" 2>/dev/null)" = $sysimage ] && kill -9 "${process#/proc/}" 2>/dev/null
	done
	umount $sysimage/proc $sysimage/sys $sysimage/dev
	sort -r -t '|' -k4,4 /tmp/mounts | while IFS='|' read -r number start size mount rest; do
		case $mount in /*) umount "$sysimage$mount" || say "$mount is still busy" ;; esac
	done
	sync
}

lay_out_disk() {
	check_disk
	read_parts
	allocate
	write_table
	make_file_systems
	mount_target
}
