/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the loader of arm64 kernels: the input's first bytes choose the
 * initrd, the rest is the kernel file, whatever it is (Image, packed or not,
 * EFI application, neither). What is loaded lies in guest RAM, whose mapping
 * has guard pages around it.
 */
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arm64/board.h"
#include "arch/arm64/fdt.h"
#include "arch/arm64/layout.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/vm.h"

#define RAM (ARM64_KERNEL_OFFSET + 6 * MiB)

/* RAM is made once, and what an input leaves there the next one finds. */
static struct config cfg = { .kernel = "image", .initrd = "initrd",
			     .append = "" };
static struct board board;
static struct vm vm = { .cfg = &cfg, .board = &board };
static struct dt_boot told;

/* In place of the board's own: a tree that says nothing. */
int dt_build(struct vm *v, const struct dt_boot *boot, void **blob)
{
	told = *boot;
	free(*blob);
	*blob = calloc(1, 256);
	return fdt_create_empty_tree(*blob, 256);
}

static void once(void)
{
	if (board.ram.size)
		return;
	fake_begin();
	mem_create(&vm.mem);
	MUST(mem_ram_create(&vm.mem, RAM, false) == 0);
	board.ram = (struct mem_region){
		.name = "ram", .gpa = ARM64_RAM_BASE, .size = RAM,
		.hva = vm.mem.ram_hva, .fd = vm.mem.ram_fd, .flags = MEM_RAM,
	};
	MUST(mem_add(&vm.mem, &board.ram) == 0);
}

/* What the guest is told lies in RAM, and apart. */
static void check(const struct boot_entry *entry, uint64_t initrd_size)
{
	const uint64_t *head = mem_at(&vm.mem, entry->pc, 64);

	MUST(head && mem_at(&vm.mem, entry->pc, head[2]));
	MUST(entry->pc % (2 * MiB) == head[1] % (2 * MiB));
	MUST(entry->x0 % DT_MAX == 0 && mem_at(&vm.mem, entry->x0, DT_MAX));
	MUST(!ranges_overlap(entry->pc, head[2], entry->x0, DT_MAX));
	if (!told.initrd_size)
		return;
	MUST(told.initrd_size == initrd_size);
	MUST(mem_at(&vm.mem, told.initrd, initrd_size));
	MUST(!ranges_overlap(told.initrd, initrd_size, entry->x0, DT_MAX));
	MUST(!ranges_overlap(told.initrd, initrd_size, entry->pc, head[2]));
}

static int memory_file(const void *data, size_t size, uint64_t length)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	MUST(fd >= 0);
	MUST(write(fd, data, size) == (ssize_t)size);
	MUST(ftruncate(fd, length) == 0);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct boot_files files = { .initrd_fd = -1 };
	struct boot_entry entry;

	once();
	files.initrd_size = take(&in, 3);
	if (files.initrd_size)
		files.initrd_fd = memory_file(NULL, 0, files.initrd_size);
	files.kernel_size = in.len;
	files.kernel_fd = memory_file(in.at, in.len, in.len);
	if (boot_load(&vm, &files, &entry) == 0)
		check(&entry, files.initrd_size);
	if (files.initrd_fd >= 0)
		close(files.initrd_fd);
	close(files.kernel_fd);
	return 0;
}
