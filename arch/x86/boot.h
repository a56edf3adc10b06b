/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From files to an entry point: what the boot protocols share, and the
 * protocols themselves.
 */
#ifndef ARCH_X86_BOOT_H
#define ARCH_X86_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/boot.h"
#include "vmm/util.h"

struct vm;

/* The state in which the first vCPU enters the guest. */
struct boot_entry {
	bool long_mode;		/* else 32-bit protected mode, no paging */
	uint64_t rip;
	uint64_t rsi;
	uint64_t rbx;
	uint64_t page_table;	/* CR3, with long_mode */
	uint64_t gdt;
	uint16_t gdt_limit;
};

/* Selectors of Linux's boot protocol, which PVH does not mind. */
#define BOOT_CS 0x10
#define BOOT_DS 0x18

/* Types of the memory map: the same numbers in e820 and in PVH. */
#define BOOT_MEM_RAM		1U
#define BOOT_MEM_RESERVED	2U
#define BOOT_MAP_MAX		80

struct boot_map {
	struct boot_map_entry {
		uint64_t addr;
		uint64_t size;
		uint32_t type;
	} entries[BOOT_MAP_MAX];
	unsigned int nr;
};

/*
 * boot_load - place images, command line and tables into RAM and fill
 * @entry. @rsdp is ACPI's root pointer. -ENOEXEC for an image that is not
 * usable. Prints its errors.
 */
int boot_load(struct vm *vm, const struct boot_files *files, uint64_t rsdp,
	      struct boot_entry *entry);

/* The rest is for the protocols. */

/* boot_map_fill - the memory map of @vm. */
void boot_map_fill(const struct vm *vm, struct boot_map *map);

/*
 * boot_place_cmdline - at X86_CMDLINE; -EDOM when longer than @max bytes
 * without its NUL.
 */
int boot_place_cmdline(struct vm *vm, uint64_t max);

/*
 * bzimage_load, pvh_load - 1 if the file is of that kind and loaded, 0 if it
 * is of another kind, -errno.
 */
#if IS_ENABLED(CONFIG_BOOT_BZIMAGE)
int bzimage_load(struct vm *vm, const struct boot_files *files, uint64_t rsdp,
		 struct boot_entry *entry);
#else
static inline int bzimage_load(struct vm *vm, const struct boot_files *files,
			       uint64_t rsdp, struct boot_entry *entry)
{
	return 0;
}
#endif

#if IS_ENABLED(CONFIG_BOOT_PVH)
int pvh_load(struct vm *vm, const struct boot_files *files, uint64_t rsdp,
	     struct boot_entry *entry);
#else
static inline int pvh_load(struct vm *vm, const struct boot_files *files,
			   uint64_t rsdp, struct boot_entry *entry)
{
	return 0;
}
#endif

#endif
