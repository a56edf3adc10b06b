/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where everything is on the x86 board. Port numbers, guest-physical
 * addresses in bytes, GSI numbers. The board hands these to the devices;
 * arch/x86/acpi.c and pm.c, which are this board's own, use them directly.
 */
#ifndef ARCH_X86_LAYOUT_H
#define ARCH_X86_LAYOUT_H

/* Ports */
#define X86_I8042_DATA		0x60
#define X86_I8042_COMMAND	0x64
#define X86_RTC_PORT		0x70
#define X86_EXIT_PORT		0xf4
#define X86_COM1_PORT		0x3f8
#define X86_PM_PORT		0x600	/* 16 ports: pm.h */
#define X86_PCI_IO_BASE		0x1000
#define X86_PCI_IO_SIZE		0xf000

/* GSIs: pins of the IOAPIC, but that GSI 0 (the PIT) is wired to pin 2 */
#define X86_COM1_IRQ		4
#define X86_SCI_IRQ		9
#define X86_PCI_IRQ		16	/* from here on: PCI's pins, level */
#define X86_IRQ_PINS		24

/* Low memory, as a boot protocol leaves it to the guest; all below 640 KiB */
#define X86_BOOT_GDT		0x500UL
#define X86_START_INFO		0x6000UL	/* PVH */
#define X86_ZERO_PAGE		0x7000UL	/* Linux boot_params */
#define X86_PAGE_TABLES		0x9000UL	/* 10 pages: 4 GiB, 1:1, and more */
#define X86_CMDLINE		0x20000UL
#define X86_CMDLINE_MAX		0x10000UL	/* with its NUL */
#define X86_TRAMPOLINE		0x94000UL	/* to X86_EBDA: where processors start */
#define X86_EBDA		0x9fc00UL	/* reserved from here to 1 MiB */
#define X86_EXTENDED_RAM	0x100000UL

/* Memory */
#define X86_ACPI_BASE		0xe0000UL	/* inside the BIOS area, so */
#define X86_ACPI_SIZE		0x20000UL	/* that a scan finds RSDP */
#define X86_LOW_RAM_END		0xc0000000UL
#define X86_MEM32_BASE		0xc0000000UL
#define X86_MEM32_SIZE		0x20000000UL
#define X86_ECAM_BASE		0xe0000000UL	/* a bus each */
#define X86_ECAM_SIZE		0x100000UL	/* of a bus, 16 at most */
#define X86_IOAPIC_BASE		0xfec00000UL
#define X86_LAPIC_BASE		0xfee00000UL
#define X86_IDENTITY_MAP	0xfffbc000UL	/* KVM's own, one page */
#define X86_TSS			0xfffbd000UL	/* KVM's own, three pages */
#define X86_HIGH_RAM_BASE	0x100000000UL

#endif
