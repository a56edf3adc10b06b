/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parallel NOR flash, as QEMU's machine `virt` has it: two chips of 16 bits
 * side by side, which are commanded and answer together, so that a bank is 32
 * bits wide. JEDEC JESD68 (CFI), JEP137 (command set 0x0001, Intel/Sharp
 * extended); the commands are those of Intel's StrataFlash (28F640J3).
 *
 * While it is an array the guest has it as memory that is not written to: it
 * reads and executes there without us. The first command takes this memory
 * away, until the last one has made it an array again.
 *
 * What one would expect of it and is not so: commands are taken from the
 * lowest byte of an access, so that the chips are never in different states;
 * locks are accepted and do nothing; nothing takes any time, so there is no
 * suspending, and whoever asks finds it ready.
 */
#ifndef DEVICES_FLASH_H
#define DEVICES_FLASH_H

#include <stdint.h>

struct vm;

#define FLASH_SECTOR	0x40000ULL	/* what is erased at once, of both chips */
#define FLASH_BUFFER	0x1000U		/* and what is programmed at once */
#define FLASH_WIDTH	4		/* bytes, of both chips */

struct flash_config {
	const char *spec;	/* FILE[,ro], where FILE may be fd:N */
	uint64_t base;
	uint64_t size;		/* a power of two, of sectors */
	unsigned int index;	/* of this bank, among all */
};

/*
 * flash_create - a bank with what is in the file; where that ends, it is
 * erased. What the guest programs and erases is in the file, to the end that
 * the file has had, once the bank is ready again; beyond, nothing can be
 * programmed (status: program failed). With ",ro" the file is only read, and
 * programming and erasing fail as of what is locked. -ENOEXEC: there is nothing
 * in the file, or more than the bank has. No device can reach it by DMA.
 * Prints its errors.
 */
int flash_create(struct vm *vm, const struct flash_config *config);

#endif
