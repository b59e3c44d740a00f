# Makes the disk boot by itself: GRUB 2's boot.img and core.img, which the host prepared, written where
# grub-install would write them, and a configuration with the kickstart's words. The releases before Fedora 16 had
# GRUB legacy; this stands in for it.

# A number as little-endian bytes: little_endian NUMBER BYTES
little_endian() {
	rest=$1
	for byte in $(seq "$2"); do
		printf "\\$(printf %o $((rest % 256)))"
		rest=$((rest / 256))
	done
}

patch_at() { dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }

# core.img starts behind the MBR, or in the partition biosboot; boot.img and core.img's first sector hold where.
write_grub() {
	cp /installer/grub/boot.img /tmp/boot.img
	cp /installer/grub/core.img /tmp/core.img
	sector=1
	if [ "$LABEL_TYPE" = gpt ]; then
		sector=$(awk -F '|' '$4 == "biosboot" { print $2 * 2048 }' /tmp/layout)
	fi
	little_endian "$sector" 8 | patch_at /tmp/boot.img 92
	little_endian $((sector + 1)) 8 | patch_at /tmp/core.img 500
	[ "$(wc -c </tmp/core.img)" -lt 1000000 ] || refuse "Bootloader" "core.img does not fit"
	# The code alone: behind it stand the disk's signature and the table of partitions.
	dd if=/tmp/boot.img of=/dev/$disk bs=440 count=1 conv=notrunc 2>/dev/null &&
		dd if=/tmp/core.img of=/dev/$disk bs=512 seek="$sector" conv=notrunc 2>/dev/null
}

install_bootloader() {
	words=$(command_words bootloader)
	[ "$(option_of --location "$words")" = none ] && { say "no bootloader, as the kickstart says"; return 0; }
	write_grub || refuse "Bootloader" "There was an error installing the bootloader.  The system may not be bootable."
	kernel=$(cd $sysimage/boot && echo vmlinuz-*)
	[ -e "$sysimage/boot/$kernel" ] || refuse "Bootloader" "No kernel packages were installed on the system.  Bootloader configuration will not be changed."
	below=/boot
	grep -q '|/boot|' /tmp/layout && below=
	timeout=$(option_of --timeout "$words")
	mkdir -p $sysimage/boot/grub $sysimage/boot/grub2
	{
		echo "# Written by the SYNTHETIC installer standing in for $TITLE"
		echo "set timeout=${timeout:-0}"
		echo "set default=0"
		echo "menuentry '$TITLE (SYNTHETIC) ${kernel#vmlinuz-}' {"
		echo "  linux $below/$kernel ro root=$(device_word "$(number_of /)") $(option_of --append "$words")"
		echo "  initrd $below/initramfs-${kernel#vmlinuz-}.img"
		echo "}"
	} >$sysimage/boot/$GRUB_CONFIGURATION
	cp $sysimage/boot/$GRUB_CONFIGURATION $sysimage/boot/grub/synthetic.cfg 2>/dev/null
	sync
}
