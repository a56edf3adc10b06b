/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot protocols of every architecture share: the images' files, and
 * places for them in guest RAM.
 */
#ifndef VMM_BOOT_H
#define VMM_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/util.h"

struct vm;

/* The images, held open so that a guest reset loads the same ones again. */
struct boot_files {
	int kernel_fd;		/* -1: none, which only a board with flash may have */
	uint64_t kernel_size;
	int initrd_fd;		/* -1: none */
	uint64_t initrd_size;
};

/* The first address that an image may have: a PC's first MiB is not for them. */
#define BOOT_LOWEST (IS_ENABLED(CONFIG_X86) ? MiB : 0)

/* Only a machine whose RAM is in pieces may have all of it above 4 GiB. */
#define BOOT_HIGH IS_ENABLED(CONFIG_VFIO_NOIOMMU)

/* What is to be placed: @size bytes in [@min, @max), @align a power of two. */
struct boot_wish {
	uint64_t size;
	uint64_t align;
	uint64_t min, max;
};

/*
 * boot_files_open - open what the configuration names. Prints its errors.
 */
int boot_files_open(struct vm *vm, struct boot_files *files);
void boot_files_close(struct boot_files *files);

/* boot_read - @len bytes of the kernel file into RAM at @gpa. */
int boot_read(struct vm *vm, const struct boot_files *files, uint64_t offset,
	      uint64_t gpa, uint64_t len);

/*
 * boot_find - the lowest address, or the @highest, at which @wish comes true
 * within one piece of RAM. Returns whether there is one.
 */
bool boot_find(const struct vm *vm, const struct boot_wish *wish,
	       bool highest, uint64_t *addr);

/*
 * boot_place_initrd - read the initrd as high as it goes below @max, page
 * aligned: above @end, where the kernel that begins at @start ends, or else
 * below @start; or, with @anywhere, above @max. *@addr is 0 without an initrd.
 */
int boot_place_initrd(struct vm *vm, const struct boot_files *files,
		      uint64_t start, uint64_t end, uint64_t max,
		      bool anywhere, uint64_t *addr);

/* boot_hint_room - what gives the guest more RAM in one piece. */
void boot_hint_room(const struct vm *vm);

#endif
