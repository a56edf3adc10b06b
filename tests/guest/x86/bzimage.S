/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bzImage around a test guest: the setup header in two sectors, of which no
 * code is ever run, then the guest. PAYLOAD is the guest's flat binary, BASE
 * where it was linked. Linux: Documentation/arch/x86/boot.rst.
 */
	.text
	.org	0x1f1
	.byte	1				/* setup_sects */
	.word	0				/* root_flags */
	.long	(payload_end - payload + 15) / 16 /* syssize */
	.word	0, 0, 0				/* ram_size, vid_mode, root */
	.word	0xaa55				/* boot_flag */
	.byte	0xeb, header_end - 1f		/* jump */
1:	.ascii	"HdrS"
	.word	0x20f				/* version */
	.long	0				/* realmode_swtch */
	.word	0				/* start_sys_seg */
	.word	0				/* kernel_version */
	.byte	0				/* type_of_loader */
	.byte	1				/* loadflags: loaded high */
	.word	0				/* setup_move_size */
	.long	0x100000			/* code32_start */
	.long	0, 0				/* ramdisk */
	.long	0				/* bootsect_kludge */
	.word	0				/* heap_end_ptr */
	.byte	0, 0				/* ext_loader */
	.long	0				/* cmd_line_ptr */
	.long	0x7fffffff			/* initrd_addr_max */
	.long	0x200000			/* kernel_alignment */
	.byte	0				/* relocatable_kernel: no */
	.byte	21				/* min_alignment */
	.word	1				/* xloadflags: 64-bit entry */
	.long	2047				/* cmdline_size */
	.long	0				/* hardware_subarch */
	.quad	0
	.long	0, 0				/* payload */
	.quad	0				/* setup_data */
	.quad	BASE				/* pref_address */
	.long	0x200000			/* init_size */
	.long	0				/* handover_offset */
	.long	0				/* kernel_info_offset */
header_end:
	.org	0x400
payload:
	.incbin	PAYLOAD
	.balign	16
payload_end:
