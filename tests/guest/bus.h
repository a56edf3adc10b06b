/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI for the test guests: config space through ECAM, and QEMU's edu device
 * (QEMU: docs/specs/edu.rst), whose DMA engine does what it is told.
 */
#ifndef TESTS_GUEST_BUS_H
#define TESTS_GUEST_BUS_H

#include "guest.h"

#define PCI_COMMAND	0x04
#define PCI_BAR0	0x10
#define PCI_CAPS	0x34
#define PCI_CAP_MSI	0x05
#define PCI_CAP_MSIX	0x11

#define EDU_ID		0x11e81234
#define EDU_STATUS	0x24	/* of its interrupts: what was raised */
#define EDU_RAISE	0x60
#define EDU_ACK		0x64
#define EDU_BUFFER	0x40000	/* where the device has its own memory, */
#define EDU_SIZE	4096	/* of so many bytes */

/* config - a register's address. */
uint64_t config(unsigned int devfn, unsigned int reg);
/* find_device - the first function of that vendor and device, or -1. */
int find_device(uint32_t id);
/* find_cap - a capability's place, or 0. bar - the address in a BAR. */
unsigned int find_cap(unsigned int devfn, uint8_t id);
uint64_t bar(unsigned int devfn, unsigned int index);
/* msi_on - MSI of that function goes to @handler. */
void msi_on(unsigned int devfn, void (*handler)(void));

/* edu_on - its registers' address, ready for DMA. */
uint64_t edu_on(unsigned int devfn);
/*
 * edu_read, edu_write - have the device read @len bytes at @gpa into its
 * memory, or write them there from it.
 */
void edu_read(uint64_t regs, uint64_t gpa, uint32_t len);
void edu_write(uint64_t regs, uint64_t gpa, uint32_t len);
/* edu_interrupts - have it raise MSI @n times; whether all of them came. */
bool edu_interrupts(unsigned int devfn, uint64_t regs, unsigned int n);
/* edu_pins - the same by its pin, whichever line that is on. */
bool edu_pins(uint64_t regs, unsigned int n);

#endif
