/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files, and room for them in RAM; see boot.h.
 */
#include <errno.h>
#include <string.h>

#include "vmm/boot.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

int boot_files_open(struct vm *vm, struct boot_files *files)
{
	const struct config *cfg = vm->cfg;

	files->kernel_fd = files->initrd_fd = -1;
	if (IS_ENABLED(CONFIG_FLASH_CFI) && !cfg->kernel)
		return 0;
	files->kernel_fd = file_open("kernel", cfg->kernel,
				     &files->kernel_size);
	if (files->kernel_fd < 0)
		return files->kernel_fd;
	if (!cfg->initrd)
		return 0;
	files->initrd_fd = file_open("initrd", cfg->initrd,
				     &files->initrd_size);
	if (files->initrd_fd < 0) {
		sys_close(files->kernel_fd);
		return files->initrd_fd;
	}
	return 0;
}

void boot_files_close(struct boot_files *files)
{
	if (files->initrd_fd >= 0)
		sys_close(files->initrd_fd);
	if (!IS_ENABLED(CONFIG_FLASH_CFI) || files->kernel_fd >= 0)
		sys_close(files->kernel_fd);
}

int boot_read(struct vm *vm, const struct boot_files *files, uint64_t offset,
	      uint64_t gpa, uint64_t len)
{
	void *at = mem_at(&vm->mem, gpa, len);
	int err;

	if (!at) {
		log_err("kernel %s: %llu KiB at 0x%llx do not fit into guest RAM",
			vm->cfg->kernel, (unsigned long long)(len / KiB),
			(unsigned long long)gpa);
		return -ENOEXEC;
	}
	err = file_read(files->kernel_fd, at, len, offset);
	if (err == -ENODATA) {
		log_err("kernel %s: the file is truncated", vm->cfg->kernel);
		return -ENOEXEC;
	}
	if (err < 0)
		log_err("kernel %s: cannot read: %s", vm->cfg->kernel,
			err_text(err));
	return err;
}

/* Images go above 4 GiB only where RAM is in pieces. */
static const struct mem_region *next_piece(const struct mem_region *r)
{
	return BOOT_HIGH ? r->next_ram : NULL;
}

/* What of @r images may have in [@min, @max): from *@first, in bytes. */
static uint64_t room_in(const struct mem_region *r, uint64_t min, uint64_t max,
			uint64_t *first)
{
	uint64_t end = MIN(r->gpa + r->size, max);

	*first = MAX(MAX(r->gpa, BOOT_LOWEST), min);
	return end > *first ? end - *first : 0;
}

bool boot_find(const struct vm *vm, const struct boot_wish *wish,
	       bool highest, uint64_t *addr)
{
	const struct mem_region *r;
	uint64_t first, room, skip;
	bool found = false;

	for (r = vm->mem.ram; r && (highest || !found); r = next_piece(r)) {
		room = room_in(r, wish->min, wish->max, &first);
		skip = ALIGN_UP(first, wish->align) - first;
		if (skip >= room || wish->size > room - skip)
			continue;
		found = true;
		*addr = highest ? ALIGN_DOWN(first + room - wish->size,
					     wish->align) : first + skip;
	}
	return found;
}

/* The most that is in one piece. */
static uint64_t most_room(const struct vm *vm, uint64_t min, uint64_t max)
{
	const struct mem_region *r;
	uint64_t first, most = 0;

	for (r = vm->mem.ram; r; r = next_piece(r))
		most = MAX(most, room_in(r, min, max, &first));
	return most;
}

void boot_hint_room(const struct vm *vm)
{
	log_hint(config_noiommu(vm->cfg) == NOIOMMU_ON ?
		 "huge pages that are reserved when the host starts lie together: "
		 "hugepages=N on its kernel command line" :
		 "give the guest more memory with --memory");
}

static int read_initrd(struct vm *vm, const struct boot_files *files,
		       uint64_t addr)
{
	uint64_t size = files->initrd_size;
	int err = file_read(files->initrd_fd, mem_at(&vm->mem, addr, size),
			    size, 0);

	if (err < 0)
		log_err("initrd %s: cannot read: %s", vm->cfg->initrd,
			err_text(err));
	return err == -ENODATA ? -ENOEXEC : err;
}

int boot_place_initrd(struct vm *vm, const struct boot_files *files,
		      uint64_t start, uint64_t end, uint64_t max,
		      bool anywhere, uint64_t *addr)
{
	struct boot_wish beyond = { files->initrd_size, 4 * KiB,
				    MAX(end, max), UINT64_MAX };
	struct boot_wish above = { files->initrd_size, 4 * KiB, end, max };
	struct boot_wish below = { files->initrd_size, 4 * KiB, 0,
				   MIN(start, max) };

	*addr = 0;
	if (files->initrd_fd < 0 || !files->initrd_size)
		return 0;
	if (boot_find(vm, &above, true, addr) ||
	    boot_find(vm, &below, true, addr) ||
	    (BOOT_HIGH && anywhere && boot_find(vm, &beyond, true, addr)))
		return read_initrd(vm, files, *addr);
	log_err("initrd %s: %llu KiB do not fit beside the kernel: room for %llu KiB",
		vm->cfg->initrd,
		(unsigned long long)(files->initrd_size / KiB),
		(unsigned long long)(MAX(most_room(vm, above.min, max),
					 most_room(vm, 0, below.max)) / KiB));
	boot_hint_room(vm);
	return -ENOEXEC;
}
