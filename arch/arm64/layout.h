/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where everything is on the arm64 board: guest-physical addresses and sizes
 * in bytes, and interrupt lines. A line is the number of a shared peripheral
 * interrupt (SPI): line 0 is interrupt 32 of the GIC. The board hands these to
 * the devices; what is private to arch/arm64 uses them directly.
 *
 * Two maps, of which Kconfig has one built in. MAP_VIRT is that of QEMU's
 * machine `virt` (hw/arm/virt.c), MAP_CROSVM that of crosvm's aarch64 machine
 * (aarch64/src/lib.rs). What they have not got is in places which they leave
 * free: the exit device in both; in crosvm's the power button, ITS and v2m.
 *
 * In the host's own address space the doorbell of MSIs is at 0x08000000, one
 * MiB, with most IOMMUs. RAM begins far above it in either map.
 */
#ifndef ARCH_ARM64_LAYOUT_H
#define ARCH_ARM64_LAYOUT_H

#include "vmm/util.h"

/* Private peripheral interrupts (PPI), as the device tree counts them. */
#define ARM64_PPI_TIMER_SECURE	13
#define ARM64_PPI_TIMER		14
#define ARM64_PPI_TIMER_VIRT	11
#define ARM64_PPI_TIMER_HYP	10
#define ARM64_PPI_PMU		7
#define ARM64_SPI_BASE		32	/* interrupt id of line 0 */
#define ARM64_PPI_BASE		16	/* of PPI 0 */

#define ARM64_CPUS_MAX		64
#define ARM64_GIC_DIST_SIZE	0x10000ULL
#define ARM64_GIC_CPU_SIZE	0x10000ULL	/* in the tree; KVM has 8 KiB */
#define ARM64_GIC_V2M_SIZE	0x1000ULL
#define ARM64_GIC_ITS_SIZE	0x20000ULL
#define ARM64_GIC_REDIST_SIZE	0x20000ULL	/* of a vCPU */

#define ARM64_DEVICE_PAGE	0x1000ULL	/* what a PrimeCell takes */
#define ARM64_LINES		256	/* SPIs that there are */
#define ARM64_V2M_LINE		48	/* first of those that are MSIs (GICv2) */
#define ARM64_V2M_LINES		64

#define ARM64_PLATFORM_LINE	112	/* of assigned platform devices, edge */
#define ARM64_PLATFORM_LINES	64	/* or level */

#if IS_ENABLED(CONFIG_MAP_CROSVM)

#define ARM64_FLASH_BASE	0ULL		/* no flash */
#define ARM64_FLASH_SIZE	0ULL
#define ARM64_UART_BASE		0x3f8ULL	/* 16550, 8 bytes */
#define ARM64_UART_LINE		0		/* edge */
#define ARM64_RTC_BASE		0x2000ULL
#define ARM64_RTC_LINE		1
#define ARM64_EXIT_BASE		0x4000ULL
#define ARM64_GPIO_BASE		0x5000ULL
#define ARM64_GPIO_LINE		8
#define ARM64_ECAM_BASE		0x10000ULL	/* CAM: 256 bytes a function */
#define ARM64_ECAM_SIZE		0x10000ULL	/* of a bus, 16 at most */
#define ARM64_PCI_IO_BASE	0ULL		/* no I/O window */
#define ARM64_PCI_IO_SIZE	0ULL
#define ARM64_MEM32_BASE	0x02000000ULL
#define ARM64_MEM32_SIZE	0x02000000ULL
#define ARM64_PCI_LINE		4		/* 4 lines, level */
#define ARM64_GIC_ITS		0x3f7d0000ULL	/* below 64 redistributors */
#define ARM64_GIC_REDIST_END	0x3fff0000ULL	/* they end here */
#define ARM64_GIC_REDIST(cpus)	(ARM64_GIC_REDIST_END - \
				 (cpus) * ARM64_GIC_REDIST_SIZE)
#define ARM64_GIC_V2M		0x3ffc0000ULL
#define ARM64_GIC_CPU		0x3ffd0000ULL
#define ARM64_GIC_DIST		0x3fff0000ULL
#define ARM64_PLATFORM_BASE	0x40000000ULL
#define ARM64_PLATFORM_SIZE	0x00800000ULL
#define ARM64_RAM_BASE		0x80000000ULL	/* pVM firmware ends here */
#define ARM64_KERNEL_OFFSET	0x00800000ULL	/* of kernels in RAM, at least */

#else

#define ARM64_FLASH_BASE	0ULL		/* two banks, one by the other */
#define ARM64_FLASH_SIZE	0x04000000ULL	/* of a bank */
#define ARM64_GIC_DIST		0x08000000ULL
#define ARM64_GIC_CPU		0x08010000ULL
#define ARM64_GIC_V2M		0x08020000ULL
#define ARM64_GIC_ITS		0x08080000ULL
#define ARM64_GIC_REDIST(cpus)	0x080a0000ULL	/* room for 123 */
#define ARM64_UART_BASE		0x09000000ULL	/* PL011 */
#define ARM64_UART_LINE		1
#define ARM64_RTC_BASE		0x09010000ULL
#define ARM64_RTC_LINE		2
#define ARM64_GPIO_BASE		0x09030000ULL
#define ARM64_GPIO_LINE		7
#define ARM64_EXIT_BASE		0x090f0000ULL
#define ARM64_PLATFORM_BASE	0x0c000000ULL
#define ARM64_PLATFORM_SIZE	0x02000000ULL
#define ARM64_MEM32_BASE	0x10000000ULL
#define ARM64_MEM32_SIZE	0x2eff0000ULL
#define ARM64_PCI_IO_BASE	0x3eff0000ULL	/* ports 0 to 0xffff */
#define ARM64_PCI_IO_SIZE	0x00010000ULL
#define ARM64_ECAM_BASE		0x3f000000ULL	/* a bus each */
#define ARM64_ECAM_SIZE		0x00100000ULL	/* of a bus, 16 at most */
#define ARM64_PCI_LINE		3		/* 4 lines, level */
#define ARM64_RAM_BASE		0x40000000ULL
#define ARM64_KERNEL_OFFSET	0ULL

#endif

#define ARM64_PCI_LINES		4
#define ARM64_POWER_PIN		3	/* of the GPIO chip */

#endif
