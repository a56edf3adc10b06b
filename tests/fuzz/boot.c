/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes the loaders of boot images: the input's first bytes choose the
 * initrd and the command line, the rest is the kernel file, whatever it is
 * (bzImage, ELF with a PVH note, neither). What is loaded lies in guest RAM,
 * whose mapping has guard pages around it.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/x86/board.h"
#include "arch/x86/boot.h"
#include "arch/x86/layout.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define LOW (2 * MiB)
#define HIGH (64 * KiB)
#define RSDP 0xe0000

/* RAM is made once, and what an input leaves there the next one finds. */
static struct config cfg = { .kernel = "image", .initrd = "initrd" };
static struct board board;
static struct vm vm = { .cfg = &cfg, .board = &board };

static void add_ram(struct mem_region *r, uint64_t gpa, uint64_t size,
		    uint64_t offset)
{
	*r = (struct mem_region){
		.name = "ram", .gpa = gpa, .size = size,
		.hva = (char *)vm.mem.ram_hva + offset, .fd = vm.mem.ram_fd,
		.fd_offset = offset, .flags = MEM_RAM,
	};
	MUST(mem_add(&vm.mem, r) == 0);
}

static void once(void)
{
	if (board.low.size)
		return;
	fake_begin();
	mem_create(&vm.mem);
	MUST(mem_ram_create(&vm.mem, LOW + HIGH, false) == 0);
	add_ram(&board.low, 0, LOW, 0);
	add_ram(&board.high, X86_HIGH_RAM_BASE, HIGH, LOW);
}

static bool in_ram(uint64_t gpa, uint64_t size)
{
	return mem_at(&vm.mem, gpa, size) != NULL;
}

/* What the guest is told lies where it says. */
static void check_linux(const struct boot_entry *entry, uint64_t initrd_size)
{
	const struct boot_params *params =
		mem_at(&vm.mem, entry->rsi, sizeof(*params));
	uint64_t initrd;

	MUST(params);
	MUST(in_ram(entry->page_table, 10 * 4096));
	MUST(in_ram(entry->gdt, entry->gdt_limit + 1));
	MUST(entry->rip >= X86_EXTENDED_RAM && in_ram(entry->rip - 0x200, 1));
	MUST(params->e820_entries <= BOOT_MAP_MAX);
	MUST(params->acpi_rsdp_addr == RSDP ||
	     params->hdr.version < 0x20e);
	initrd = params->hdr.ramdisk_image |
		 (uint64_t)params->ext_ramdisk_image << 32;
	MUST(!initrd || (in_ram(initrd, initrd_size) &&
			 params->hdr.ramdisk_size == initrd_size &&
			 !ranges_overlap(initrd, initrd_size,
					 entry->rip - 0x200,
					 params->hdr.init_size)));
	MUST(in_ram(params->hdr.cmd_line_ptr, strlen(cfg.append) + 1));
}

static void check_pvh(const struct boot_entry *entry)
{
	const uint32_t *start = mem_at(&vm.mem, entry->rbx, 56);

	MUST(start && start[0] == 0x336ec578);
	MUST(entry->rip <= UINT32_MAX);
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
	char append[64];

	once();
	take_text(&in, append, sizeof(append));
	cfg.append = append;
	files.initrd_size = take(&in, 3);
	if (files.initrd_size)
		files.initrd_fd = memory_file(NULL, 0, files.initrd_size);
	files.kernel_size = in.len;
	files.kernel_fd = memory_file(in.at, in.len, in.len);
	if (boot_load(&vm, &files, RSDP, &entry) == 0) {
		if (entry.long_mode)
			check_linux(&entry, files.initrd_size);
		else
			check_pvh(&entry);
	}
	if (files.initrd_fd >= 0)
		close(files.initrd_fd);
	close(files.kernel_fd);
	return 0;
}
