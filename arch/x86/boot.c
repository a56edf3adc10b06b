/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot protocols of a PC share: memory map and command line; see
 * boot.h.
 */
#include <errno.h>
#include <string.h>

#include "arch/x86/board.h"
#include "arch/x86/boot.h"
#include "arch/x86/layout.h"
#include "vmm/log.h"
#include "vmm/vm.h"

static void map_add(struct boot_map *map, uint64_t addr, uint64_t end,
		    uint32_t type)
{
	if (end > addr && map->nr < BOOT_MAP_MAX)
		map->entries[map->nr++] = (struct boot_map_entry){
			addr, end - addr, type,
		};
}

/*
 * Below 1 MiB the guest may have all that a PC's has; of memory that no
 * device can reach, only what it needs to start processors.
 */
static void map_low(struct boot_map *map, bool dma)
{
	uint64_t usable = dma ? 0 : X86_TRAMPOLINE;

	map_add(map, 0, usable, BOOT_MEM_RESERVED);
	map_add(map, usable, X86_EBDA, BOOT_MEM_RAM);
	map_add(map, X86_EBDA, X86_EXTENDED_RAM, BOOT_MEM_RESERVED);
}

void boot_map_fill(const struct vm *vm, struct boot_map *map)
{
	const struct mem_region *r = vm->mem.ram;

	map->nr = 0;
	map_low(map, !BOOT_HIGH || !(r->flags & MEM_NO_DMA));
	for (; r; r = r->next_ram)
		map_add(map, MAX(r->gpa, X86_EXTENDED_RAM), r->gpa + r->size,
			BOOT_MEM_RAM);
	map_add(map, X86_ECAM_BASE, X86_ECAM_BASE + X86_ECAM_SIZE *
		(1 + config_ports(vm->cfg)), BOOT_MEM_RESERVED);
}

int boot_place_cmdline(struct vm *vm, uint64_t max)
{
	size_t len = strlen(vm->cfg->append);

	max = MIN(max, X86_CMDLINE_MAX - 1);
	if (len > max) {
		log_err("--append: %zu bytes, this kernel takes at most %llu",
			len, (unsigned long long)max);
		return -EDOM;
	}
	memcpy(mem_at(&vm->mem, X86_CMDLINE, len + 1), vm->cfg->append,
	       len + 1);
	return 0;
}

int boot_load(struct vm *vm, const struct boot_files *files, uint64_t rsdp,
	      struct boot_entry *entry)
{
	int ret;

	memset(entry, 0, sizeof(*entry));
	if (!files->kernel_size) {
		log_err("kernel %s: the file is empty", vm->cfg->kernel);
		return -ENOEXEC;
	}
	ret = pvh_load(vm, files, rsdp, entry);
	if (!ret)
		ret = bzimage_load(vm, files, rsdp, entry);
	if (ret)
		return ret < 0 ? ret : 0;
	log_err("kernel %s: neither a Linux bzImage nor an ELF image%s",
		vm->cfg->kernel,
		files->kernel_size < 1024 ? " (or truncated)" : "");
	return -ENOEXEC;
}
