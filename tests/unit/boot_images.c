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
#include "arch/x86/layout.h"
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

/* ---- RAM in pieces ------------------------------------------------------ */

static struct mem_region pieces[4];
static unsigned int nr_pieces;

/* RAM of @size at @gpa beside the 1 MiB at 0, which no device reaches. */
static void piece(uint64_t gpa, uint64_t size)
{
	struct mem_region *r = &pieces[nr_pieces];

	*r = (struct mem_region){
		.name = "piece", .gpa = gpa, .size = size,
		.hva = (char *)vm.mem.ram_hva + (nr_pieces + 1) * 4 * MiB,
		.fd = -1, .flags = MEM_RAM,
	};
	CHECK_EQ(mem_add(&vm.mem, r), 0);
	nr_pieces++;
}

static void begin_pieces(void)
{
	struct setup_header *hdr = (void *)(image + 0x1f1);

	begin();
	mem_del(&vm.mem, &board.low);
	mem_ram_destroy(&vm.mem);
	CHECK_EQ(mem_ram_create(&vm.mem, 20 * MiB, false), 0);
	board.low.size = X86_EXTENDED_RAM;
	board.low.hva = vm.mem.ram_hva;
	board.low.flags |= MEM_NO_DMA;
	CHECK_EQ(mem_add(&vm.mem, &board.low), 0);
	nr_pieces = 0;
	hdr->pref_address = 16 * MiB;
	hdr->kernel_alignment = 2 * MiB;
	hdr->relocatable_kernel = 1;
	hdr->init_size = 3 * MiB;
	hdr->initrd_addr_max = 0x7fffffff;
}

static void end_pieces(void)
{
	while (nr_pieces)
		mem_del(&vm.mem, &pieces[--nr_pieces]);
	end();
}

static struct setup_header *header(void)
{
	return (void *)(image + 0x1f1);
}

/* The kernel's address, or 0 where it cannot be placed. */
static uint64_t address(void)
{
	struct boot_entry entry;
	uint64_t addr = 0;

	capture_begin(2);
	if (load(4096, &entry) == 0)
		addr = entry.rip - 0x200;
	capture_end();
	return addr;
}

TEST(a_kernel_goes_into_the_first_piece_that_holds_it)
{
	begin_pieces();
	piece(18 * MiB, 4 * MiB - 4096);
	piece(33 * MiB, 4 * MiB);	/* 3 MiB from 34 MiB on */
	CHECK_EQ(address(), 18 * MiB);
	header()->init_size = 4 * MiB - 4095;
	CHECK_EQ(address(), 0);
	CHECK(said("kernel image: needs 3 MiB in one piece, at 0x1000000 or above"));
	header()->init_size = 3 * MiB + 4096;
	CHECK_EQ(address(), 18 * MiB);
	mem_del(&vm.mem, &pieces[0]);
	CHECK_EQ(address(), 0);
	header()->init_size = 3 * MiB;
	CHECK_EQ(address(), 34 * MiB);
	CHECK_EQ(mem_add(&vm.mem, &pieces[0]), 0);
	end_pieces();
}

/* Below the address it is made for it would unpack itself over nothing. */
TEST(a_kernel_is_not_put_below_its_preferred_address)
{
	begin_pieces();
	piece(4 * MiB, 4 * MiB);
	CHECK_EQ(address(), 0);
	piece(64 * MiB, 4 * MiB);
	CHECK_EQ(address(), 64 * MiB);
	header()->relocatable_kernel = 0;
	CHECK_EQ(address(), 0);
	CHECK(said("at 0x1000000, more"));
	end_pieces();
}

/* What the processor makes of @addr with the boot page tables, or ~0. */
static uint64_t walk(uint64_t cr3, uint64_t addr)
{
	const uint64_t *table = mem_at(&vm.mem, cr3, 4096);
	unsigned int shift;
	uint64_t entry;

	for (shift = 39; shift >= 21; shift -= 9) {
		entry = table[addr >> shift & 511];
		if (!(entry & 1))
			return ~0ULL;
		if (shift > 21)
			table = mem_at(&vm.mem, entry & ~4095ULL, 4096);
	}
	return (entry & ~(2 * MiB - 1)) | (addr & (2 * MiB - 1));
}

TEST(a_kernel_above_4g_says_that_it_can_and_is_mapped)
{
	static const uint64_t places[] = { 4 * GiB, 5 * GiB - 2 * MiB,
					   700 * GiB, 1024 * GiB - 2 * MiB };
	struct boot_entry entry;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		test_note("at 0x%llx", (unsigned long long)places[i]);
		begin_pieces();
		piece(places[i], 4 * MiB);
		header()->xloadflags = XLF_KERNEL_64;
		CHECK_EQ(address(), 0);
		header()->xloadflags |= XLF_CAN_BE_LOADED_ABOVE_4G;
		CHECK_EQ(load(4096, &entry), 0);
		CHECK_EQ(entry.rip, places[i] + 0x200);
		CHECK_EQ(walk(entry.page_table, places[i]), places[i]);
		CHECK_EQ(walk(entry.page_table, places[i] + 3 * MiB - 1),
			 places[i] + 3 * MiB - 1);
		CHECK_EQ(walk(entry.page_table, 0x20000), 0x20000);
		CHECK_EQ(walk(entry.page_table, 4 * GiB - 1), 4 * GiB - 1);
		end_pieces();
	}
}

/* Where the initrd is, or 0 where it cannot be placed. */
static uint64_t initrd_of(size_t size)
{
	struct boot_files files = { .kernel_size = 4096, .initrd_size = size };
	const struct boot_params *params;
	struct boot_entry entry;
	uint64_t addr = 0;

	cfg.initrd = "initrd";
	files.kernel_fd = memfd_create("image", MFD_CLOEXEC);
	files.initrd_fd = memfd_create("initrd", MFD_CLOEXEC);
	CHECK_EQ(write(files.kernel_fd, image, 4096), 4096);
	CHECK_EQ(ftruncate(files.initrd_fd, size), 0);
	capture_begin(2);
	if (boot_load(&vm, &files, 0xe0000, &entry) == 0) {
		params = mem_at(&vm.mem, entry.rsi, sizeof(*params));
		addr = params->hdr.ramdisk_image |
			(uint64_t)params->ext_ramdisk_image << 32;
	}
	capture_end();
	close(files.kernel_fd);
	close(files.initrd_fd);
	return addr;
}

TEST(an_initrd_goes_where_the_kernel_is_not)
{
	begin_pieces();
	piece(16 * MiB, 4 * MiB);
	CHECK_EQ(initrd_of(MiB), 19 * MiB);
	CHECK_EQ(initrd_of(MiB + 1), 0);
	CHECK(said("1024 KiB do not fit beside the kernel: room for 1024 KiB"));
	piece(4 * MiB, 4 * MiB);
	CHECK_EQ(initrd_of(MiB), 19 * MiB);
	CHECK_EQ(initrd_of(MiB + 1), 7 * MiB - 4096);
	piece(4 * GiB, 4 * MiB);
	CHECK_EQ(initrd_of(4 * MiB), 4 * MiB);
	mem_del(&vm.mem, &pieces[1]);
	CHECK_EQ(initrd_of(4 * MiB), 0);
	header()->xloadflags |= XLF_CAN_BE_LOADED_ABOVE_4G;
	CHECK_EQ(initrd_of(MiB), 19 * MiB);
	CHECK_EQ(initrd_of(4 * MiB), 4 * GiB);
	CHECK_EQ(mem_add(&vm.mem, &pieces[1]), 0);
	end_pieces();
}

/*
 * A device that is told of memory below 1 MiB would write to the host's: of
 * that, the guest gets no more than it needs to start its processors.
 */
TEST(low_memory_without_dma_is_reserved_but_for_the_trampoline)
{
	struct boot_map map;
	unsigned int i;
	uint64_t low = 0;

	begin_pieces();
	piece(18 * MiB, 4 * MiB);
	piece(4 * GiB, 4 * MiB);
	boot_map_fill(&vm, &map);
	for (i = 0; i < map.nr; i++)
		if (map.entries[i].type == BOOT_MEM_RAM &&
		    map.entries[i].addr < MiB)
			low += map.entries[i].size;
	CHECK_EQ(low, X86_EBDA - X86_TRAMPOLINE);
	CHECK_EQ(map.entries[0].type, BOOT_MEM_RESERVED);
	CHECK_EQ(map.entries[0].size, X86_TRAMPOLINE);
	CHECK_EQ(map.entries[3].addr, 18 * MiB);
	CHECK_EQ(map.entries[4].addr, 4 * GiB);
	CHECK_EQ(map.entries[4].size, 4 * MiB);
	CHECK_EQ(map.entries[4].type, BOOT_MEM_RAM);
	end_pieces();
}
