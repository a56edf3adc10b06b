/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels by the arm64 boot protocol: where things go, packed ones, and files
 * that are not what they say they are.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "arch/arm64/board.h"
#include "arch/arm64/checksum.h"
#include "arch/arm64/fdt.h"
#include "arch/arm64/layout.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/vm.h"

#define ROOM (64 * MiB)		/* from where kernels may be */
#define BASE (ARM64_RAM_BASE + ARM64_KERNEL_OFFSET)
#define RAM (ROOM + ARM64_KERNEL_OFFSET)
#define FILE_SIZE (100 * KiB)
#define MEM_SIZE (3 * MiB)

static struct config cfg;
static struct board board;
static struct vm vm;
static struct dt_boot told;
static uint8_t image[FILE_SIZE], packed[2 * FILE_SIZE];
static uint8_t initrd[ARM64_KERNEL_OFFSET + 1];
static int stopped;

struct header {
	uint32_t code[2];
	uint64_t text_offset, image_size, flags, reserved[3];
	uint32_t magic, pe_offset;
};

static struct header *header(void)
{
	return (void *)image;
}

/* In place of the board's own: a tree that says nothing. */
int dt_build(struct vm *v, const struct dt_boot *boot, void **blob)
{
	told = *boot;
	free(*blob);
	*blob = calloc(1, DT_MAX);
	return fdt_create_empty_tree(*blob, 256);
}

void vm_stop(struct vm *v, int status)
{
	stopped = status;
}

static void build(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(image); i++)
		image[i] = i * 7 ^ i >> 8;
	memset(image, 0, sizeof(struct header));
	*header() = (struct header){
		.image_size = MEM_SIZE, .magic = 0x644d5241,
	};
	fake_blob("/kernel", image, sizeof(image));
	cfg = (struct config){ .kernel = "/kernel", .append = "words" };
	stopped = -1;
}

static int ram_create(uint64_t size)
{
	int err;

	vm = (struct vm){ .cfg = &cfg, .board = &board };
	mem_create(&vm.mem);
	err = mem_ram_create(&vm.mem, size, false);
	if (err < 0)
		return err;
	board.ram = (struct mem_region){
		.name = "ram", .gpa = ARM64_RAM_BASE, .size = size,
		.hva = vm.mem.ram_hva, .fd = vm.mem.ram_fd, .flags = MEM_RAM,
	};
	return mem_add(&vm.mem, &board.ram);
}

static void begin(void)
{
	fake_begin();
	build();
	CHECK_EQ(ram_create(RAM), 0);
}

static void end(void)
{
	mem_del(&vm.mem, &board.ram);
	mem_ram_destroy(&vm.mem);
	mem_destroy(&vm.mem);
	fake_end();
}

static int load(void)
{
	int err = boot_files_open(&vm, &board.files);

	if (err < 0)
		return err;
	board.entry = (struct boot_entry){ .pc = 0 };
	err = boot_load(&vm, &board.files, &board.entry);
	boot_files_close(&board.files);
	return err;
}

static int load_image(const void *data, size_t len)
{
	fake_blob("/kernel", data, len);
	return load();
}

static void refuse_file(const void *data, size_t len, const char *text,
			const char *hint)
{
	capture_begin(2);
	CHECK_EQ(load_image(data, len), -ENOEXEC);
	capture_end();
	if (!said(text) || (hint && !said(hint)))
		test_failed(__FILE__, __LINE__, "not said: %s", text);
	CHECK_EQ(said_lines(), hint ? 2 : 1);
}

static void refuse(const char *text, const char *hint)
{
	refuse_file(image, sizeof(image), text, hint);
}

static bool loaded_at(uint64_t addr)
{
	return board.entry.pc == addr &&
	       !memcmp(mem_at(&vm.mem, addr, FILE_SIZE), image, FILE_SIZE);
}

/* ---- where things go ---------------------------------------------------- */

TEST(a_kernel_is_at_the_beginning_of_ram_and_the_tree_behind_it)
{
	begin();
	CHECK_EQ(load(), 0);
	CHECK(loaded_at(BASE));
	CHECK_EQ(board.entry.x0, BASE + 4 * MiB);
	CHECK_EQ(fdt_check_full(mem_at(&vm.mem, board.entry.x0, 256), 256), 0);
	CHECK_STR(told.append, "words");
	CHECK_EQ(told.initrd_size, 0);
	CHECK_EQ(stopped, -1);
	end();
}

/* Kernels before 5.8 want it, others say 0. */
TEST(text_offset_is_from_two_mib)
{
	begin();
	header()->text_offset = 0x80000;
	CHECK_EQ(load_image(image, sizeof(image)), 0);
	CHECK(loaded_at(BASE + 0x80000));
	CHECK_EQ(board.entry.x0, BASE + 4 * MiB);
	end();
}

TEST(an_initrd_is_at_the_end_of_ram)
{
	begin();
	fake_file("/initrd", "an initrd");
	cfg.initrd = "/initrd";
	CHECK_EQ(load(), 0);
	CHECK_EQ(told.initrd, BASE + ROOM - 4096);
	CHECK_EQ(told.initrd_size, 9);
	CHECK(!memcmp(mem_at(&vm.mem, told.initrd, 9), "an initrd", 9));
	end();
}

TEST(an_initrd_has_no_room_in_kernel_and_tree)
{
	begin();
	fake_blob("/initrd", initrd, ARM64_KERNEL_OFFSET + 1);
	cfg.initrd = "/initrd";
	header()->image_size = ROOM - 2 * MiB;
	capture_begin(2);
	CHECK_EQ(load_image(image, sizeof(image)), -ENOEXEC);
	capture_end();
	CHECK(said("KiB do not fit beside the kernel: room for "));
	CHECK(said("hint: give the guest more memory with --memory"));
	cfg.initrd = NULL;
	CHECK_EQ(load(), 0);
	CHECK_EQ(board.entry.x0, BASE + ROOM - 2 * MiB);
	header()->image_size++;
	if (ARM64_KERNEL_OFFSET)	/* there is some below the kernel */
		CHECK_EQ(load_image(image, sizeof(image)), 0);
	else
		refuse("device tree: no room for 2 MiB beside the kernel",
		       "give the guest more memory");
	header()->image_size = ROOM + 1;
	refuse("kernel /kernel: needs 64 MiB in one piece, more than guest RAM has",
	       "give the guest more memory");
	end();
}

/* What a guest finds after a reset is not what it left behind. */
TEST(loaded_again_it_is_whole_again)
{
	begin();
	CHECK_EQ(load(), 0);
	memset(mem_at(&vm.mem, BASE, 8 * MiB), 0xee, 8 * MiB);
	CHECK_EQ(load(), 0);
	CHECK(loaded_at(BASE));
	CHECK_EQ(fdt_check_full(mem_at(&vm.mem, board.entry.x0, 256), 256), 0);
	end();
}

TEST(a_command_line_has_an_end)
{
	static char words[2049];

	begin();
	memset(words, 'x', 2047);
	cfg.append = words;
	CHECK_EQ(load(), 0);
	words[2047] = 'x';
	capture_begin(2);
	CHECK_EQ(load(), -EDOM);
	capture_end();
	CHECK(said("--append: 2048 bytes, this kernel takes at most 2047"));
	end();
}

/* ---- files that are no kernels ------------------------------------------ */

TEST(files_that_are_no_kernels)
{
	begin();
	refuse_file("", 0, "kernel /kernel: the file is empty", NULL);
	refuse_file(image, 63, "kernel /kernel: not an arm64 Linux Image (or truncated)",
		    NULL);
	header()->magic++;
	refuse("kernel /kernel: not an arm64 Linux Image", NULL);
	header()->magic--;
	header()->image_size = 0;
	refuse("kernel /kernel: does not say how much memory it needs",
	       "hint: use a kernel of Linux 3.17 or newer");
	header()->image_size = 63;
	refuse("kernel /kernel: the header makes no sense", NULL);
	header()->image_size = UINT64_MAX;
	refuse("kernel /kernel: the header makes no sense", NULL);
	header()->image_size = MEM_SIZE;
	header()->text_offset = 2;
	refuse("kernel /kernel: the header makes no sense", NULL);
	header()->text_offset = UINT64_MAX - MEM_SIZE + 1;
	refuse("kernel /kernel: the header makes no sense", NULL);
	end();
}

TEST(a_file_may_be_as_long_as_its_header_says)
{
	begin();
	header()->image_size = sizeof(image);
	CHECK_EQ(load_image(image, sizeof(image)), 0);
	CHECK(loaded_at(BASE));
	header()->image_size = sizeof(image) - 1;
	refuse("kernel /kernel: more than the 99 KiB that its header says",
	       NULL);
	header()->image_size = sizeof(struct header);
	CHECK_EQ(load_image(image, sizeof(struct header)), 0);
	end();
}

/* The EFI application that a kernel is too says where its parts end. */
TEST(a_plain_kernel_that_is_truncated)
{
	uint8_t *pe = image + 64;

	begin();
	header()->pe_offset = 64;
	memset(pe, 0, 32 + 80);
	memcpy(pe, "PE", 2);
	pe[6] = 2;			/* sections */
	pe[20] = 8;			/* bytes of the optional header */
	memcpy(pe + 32 + 16, &(uint32_t){ 1000 }, 4);
	memcpy(pe + 32 + 20, &(uint32_t){ 4096 }, 4);
	memcpy(pe + 72 + 16, &(uint32_t){ FILE_SIZE - 8192 }, 4);
	memcpy(pe + 72 + 20, &(uint32_t){ 8192 }, 4);
	CHECK_EQ(load_image(image, sizeof(image)), 0);
	refuse_file(image, sizeof(image) - 1,
		    "kernel /kernel: the file is truncated: 102399 bytes of 102400",
		    NULL);
	refuse_file(image, 100, "kernel /kernel: the file is truncated", NULL);
	memset(pe + 72 + 16, 0xff, 8);
	refuse("kernel /kernel: the file is truncated", NULL);
	header()->pe_offset = UINT32_MAX;
	refuse("kernel /kernel: the file is truncated", NULL);
	header()->pe_offset = 4096;	/* no EFI application */
	CHECK_EQ(load_image(image, sizeof(image)), 0);
	end();
}

/* ---- packed kernels ----------------------------------------------------- */

static size_t pack(const void *data, size_t len)
{
	z_stream z = { .next_in = (void *)data, .avail_in = len,
		       .next_out = packed, .avail_out = sizeof(packed) };

	CHECK_EQ(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY),
		 Z_OK);
	CHECK_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	CHECK_EQ(deflateEnd(&z), Z_OK);
	return z.total_out;
}

TEST(a_packed_kernel_is_unpacked)
{
	size_t len;

	begin();
	len = pack(image, sizeof(image));
	CHECK_EQ(load_image(packed, len), 0);
	CHECK(loaded_at(BASE));
	memset(packed + len, 0x55, 1000); /* what follows is no matter */
	CHECK_EQ(load_image(packed, len + 1000), 0);
	end();
}

/* RFC 1952 section 8; the value is the one that is told of CRC-32 everywhere. */
TEST(checksum_of_gzip)
{
	static const char text[] = "123456789";
	uint32_t crc;

	CHECK_EQ(~crc32_plain(~0U, (const uint8_t *)text, 9), 0xcbf43926);
	crc = crc32_plain(~0U, (const uint8_t *)text, 4);
	CHECK_EQ(~crc32_plain(crc, (const uint8_t *)text + 4, 5), 0xcbf43926);
	CHECK_EQ(crc32(crc32(0, NULL, 0), (const uint8_t *)text, 9), 0xcbf43926);
}

TEST(a_packed_kernel_whose_checksum_is_another)
{
	size_t len;

	begin();
	len = pack(image, sizeof(image));
	packed[len - 8] ^= 1;
	CHECK_EQ(load_image(packed, len), -ENOEXEC);
	end();
}

TEST(a_packed_kernel_that_is_truncated)
{
	size_t len, n;

	begin();
	len = pack(image, sizeof(image));
	for (n = len - 1; n > 4; n -= MIN(n - 4, 1 + n / 7)) {
		test_note("%zu of %zu bytes", n, len);
		refuse_file(packed, n, "kernel /kernel: the file is truncated",
			    NULL);
	}
	end();
}

TEST(a_packed_kernel_that_is_damaged)
{
	size_t len;

	begin();
	len = pack(image, sizeof(image));
	packed[len - 8] ^= 1;		/* the checksum */
	refuse_file(packed, len, "kernel /kernel: the packed data are damaged",
		    NULL);
	packed[len - 8] ^= 1;
	packed[2] = 9;			/* the method */
	refuse_file(packed, len, "kernel /kernel: the packed data are damaged",
		    NULL);
	end();
}

/* A few bytes cannot ask for more memory than the header says. */
TEST(a_packed_kernel_that_never_ends)
{
	static uint8_t zeroes[MiB];
	size_t len;

	begin();
	memcpy(zeroes, image, sizeof(struct header));
	((struct header *)zeroes)->image_size = MiB - 1;
	len = pack(zeroes, sizeof(zeroes));
	CHECK(len < 16 * KiB);
	refuse_file(packed, len, "more than the 1023 KiB that its header says",
		    NULL);
	((struct header *)zeroes)->image_size = MiB;
	CHECK_EQ(load_image(packed, pack(zeroes, sizeof(zeroes))), 0);
	refuse_file(packed, pack(zeroes, 63), "not an arm64 Linux Image (or",
		    NULL);
	end();
}

struct zboot {
	char magic[8];
	uint32_t offset, size, reserved[2];
	char method[8];
	uint8_t data[sizeof(packed)];
};

TEST(an_efi_application_that_has_a_packed_kernel)
{
	static struct zboot z = {
		.magic = "MZ\0\0zimg", .method = "gzip", .offset = 4096,
	};

	begin();
	z.size = pack(image, sizeof(image));
	memcpy((uint8_t *)&z + z.offset, packed, z.size);
	CHECK_EQ(load_image(&z, z.offset + z.size), 0);
	CHECK(loaded_at(BASE));
	refuse_file(&z, z.offset + z.size - 1,
		    "kernel /kernel: the file is truncated", NULL);
	z.size--;
	refuse_file(&z, sizeof(z), "kernel /kernel: the file is truncated",
		    NULL);
	z.offset = UINT32_MAX;
	refuse_file(&z, sizeof(z), "kernel /kernel: the file is truncated",
		    NULL);
	memcpy(z.method, "xzkernel", 8);
	refuse_file(&z, sizeof(z), "packed with xzkernel, only gzip is known",
		    "hint: take the kernel's Image or Image.gz");
	end();
}

/* ---- --dump-dtb --------------------------------------------------------- */

TEST(a_tree_that_is_dumped_ends_the_run)
{
	begin();
	cfg.dump_dtb = "/tree";
	CHECK_EQ(load(), 0);
	CHECK_EQ(stopped, STATUS_OK);
	CHECK(fake_text("/tree"));
	CHECK_EQ(fdt_magic(fake_text("/tree")), FDT_MAGIC);
	fake_fail_call("open /tree", EACCES);
	stopped = -1;
	capture_begin(2);
	CHECK_EQ(load(), -EACCES);
	capture_end();
	CHECK(said("dump-dtb: cannot create /tree: "));
	fake_fail_call("write /tree", ENOSPC);
	capture_begin(2);
	CHECK_EQ(load(), -ENOSPC);
	capture_end();
	CHECK(said("dump-dtb: cannot write /tree: "));
	CHECK_EQ(stopped, -1);
	end();
}

/* ---- the whole of it ---------------------------------------------------- */

static int life(void)
{
	int err = ram_create(RAM);

	if (err < 0)
		return err;
	err = load();
	mem_del(&vm.mem, &board.ram);
	mem_ram_destroy(&vm.mem);
	mem_destroy(&vm.mem);
	return err;
}

static void build_all(void)
{
	build();
	fake_file("/initrd", "an initrd");
	cfg.initrd = "/initrd";
	fake_blob("/kernel", packed, pack(image, sizeof(image)));
}

static bool advice(const char *line)
{
	return strstr(line, "madvise");
}

TEST(every_call_may_fail)
{
	CHECK(fake_sweep(build_all, life, advice) >= 10);
}
