/*
 * The guest of the accelerator probe: a boot sector that goes where every real kernel goes, into 64-bit mode with
 * paging, works there for a moment, and ends its machine by QEMU's isa-debug-exit device. There are hosts whose KVM
 * runs a BIOS and nothing beyond it (seen: SeaBIOS speaks, and the first instruction after paging never returns).
 * Intel SDM volume 3, 10.8.5: PAE, then EFER.LME, then CR0.PG.
 */
	.equ tables, 0x1000        /* page map, directory pointers, directory: one page each */
	.equ exit_port, 0xf4       /* iobase of isa-debug-exit */
	.equ exit_value, 0x2a      /* QEMU ends with (value << 1) | 1 */

	.code16
	.globl _start
_start:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7c00, %sp
	cld
	movl $tables, %edi
	movl %edi, %cr3
	xorl %eax, %eax
	movl $0xc00, %ecx
	rep stosl
	movl $(tables + 0x1003), tables
	movl $(tables + 0x2003), tables + 0x1000
	movl $0x83, tables + 0x2000
	movl %cr4, %eax
	orl $0x20, %eax
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax
	wrmsr
	lgdt descriptor
	movl %cr0, %eax
	orl $0x80000001, %eax
	movl %eax, %cr0
	ljmp $0x08, $long_mode

	.code64
long_mode:
	movl $0x100000, %ecx
work:
	incq 0x6000
	loop work
	movb $exit_value, %al
	movw $exit_port, %dx
	outb %al, %dx
stop:
	hlt
	jmp stop

	.balign 8
table:
	.quad 0
	.quad 0x00209a0000000000
descriptor:
	.word descriptor - table - 1
	.long table

	.org 510
	.word 0xaa55
