/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot images that are not what they say they are.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/x86/board.h"
#include "arch/x86/boot.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define RAM (4 * MiB)

static struct config cfg = { .kernel = "image", .append = "" };
static struct board board;
static struct vm vm = { .cfg = &cfg, .board = &board };
static uint8_t image[4096];

static void begin(void)
{
	struct setup_header *hdr = (void *)(image + 0x1f1);

	fake_begin();
	mem_create(&vm.mem);
	CHECK_EQ(mem_ram_create(&vm.mem, RAM, false), 0);
	board.low = (struct mem_region){
		.name = "ram", .size = RAM, .hva = vm.mem.ram_hva,
		.fd = vm.mem.ram_fd, .flags = MEM_RAM,
	};
	CHECK_EQ(mem_add(&vm.mem, &board.low), 0);
	image[0x201] = 0x6a;
	hdr->setup_sects = 3;
	hdr->boot_flag = 0xaa55;
	hdr->header = 0x53726448;
	hdr->version = 0x20f;
	hdr->xloadflags = XLF_KERNEL_64;
	hdr->pref_address = 1 * MiB;
	hdr->init_size = 8192;
	hdr->cmdline_size = 255;
}

static void end(void)
{
	mem_del(&vm.mem, &board.low);
	mem_ram_destroy(&vm.mem);
	mem_destroy(&vm.mem);
	fake_end();
}

static int load(size_t size, struct boot_entry *entry)
{
	struct boot_files files = { .kernel_size = size, .initrd_fd = -1 };
	int err;

	files.kernel_fd = memfd_create("image", MFD_CLOEXEC);
	CHECK_EQ(write(files.kernel_fd, image, size), size);
	err = boot_load(&vm, &files, 0xe0000, entry);
	close(files.kernel_fd);
	return err;
}

TEST(a_kernel_is_what_follows_the_setup_code)
{
	struct boot_entry entry;

	begin();
	image[2048] = 0x5a;
	CHECK_EQ(load(4096, &entry), 0);
	CHECK(entry.long_mode);
	CHECK_EQ(entry.rip, 1 * MiB + 0x200);
	CHECK_EQ(*(uint8_t *)mem_at(&vm.mem, 1 * MiB, 1), 0x5a);
	end();
}

/* Its last paragraph may be cut short, but there must be a first one. */
TEST(a_file_that_ends_within_the_setup_code_is_truncated)
{
	static const size_t sizes[] = { 1024, 2033, 2047, 2048 };
	struct boot_entry entry;
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		test_note("%zu bytes", sizes[i]);
		capture_begin(2);
		CHECK_EQ(load(sizes[i], &entry), -ENOEXEC);
		capture_end();
		CHECK(said("the file is truncated"));
	}
	CHECK_EQ(load(2049, &entry), 0);
	end();
}
