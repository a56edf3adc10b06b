/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flash: what its commands do to the file and to what the guest sees, and when
 * the guest has it as memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "devices/flash.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define BASE 0x4000000ULL
#define BANK (4 * FLASH_SECTOR)
#define SIZE (FLASH_SECTOR + 0x1800)	/* of the file */
#define RAM (64 * KiB)
#define BOTH(val) ((val) * 0x10001U)

enum {
	LOCKED = 0x02, PROGRAM_FAILED = 0x10, ERASE_FAILED = 0x20, READY = 0x80,
	WRONG = PROGRAM_FAILED | ERASE_FAILED,
};

static struct vm vm;
static struct config cfg;
static uint8_t data[BANK + 1];

static struct flash_config bank = {
	.spec = "/flash", .base = BASE, .size = BANK,
};

static void build(void)
{
	size_t i;

	for (i = 0; i < SIZE; i++)
		data[i] = i * 7 ^ i >> 8;
	fake_blob("/flash", data, SIZE);
}

static int create(const char *spec)
{
	int err = fake_vm_create(&vm, &cfg, RAM);

	if (err < 0)
		return err;
	bank.spec = spec;
	err = flash_create(&vm, &bank);
	if (err < 0)
		fake_vm_destroy(&vm);
	return err;
}

static void destroy(void)
{
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
}

static void begin_as(const char *spec)
{
	fake_begin();
	build();
	CHECK_EQ(create(spec), 0);
}

static void begin(void)
{
	begin_as("/flash");
}

static void end(void)
{
	destroy();
	fake_end();
}

static void out(uint64_t offset, uint32_t val)
{
	bus_write(&vm.mmio, BASE + offset, val, 4);
}

static uint32_t in(uint64_t offset)
{
	return bus_read(&vm.mmio, BASE + offset, 4);
}

static const uint8_t *seen(void)
{
	return fake_slot_at(BASE);
}

static const uint8_t *file(void)
{
	return (const uint8_t *)fake_text("/flash");
}

/* What the guest has as memory is @data, and what the file has is, too. */
static void same(void)
{
	CHECK(seen());
	CHECK(!memcmp(seen(), data, SIZE));
	CHECK(!memcmp(file(), data, SIZE));
}

/* The status, which leaves an array behind. */
static uint32_t status(void)
{
	uint32_t is;

	out(0, BOTH(0x70));
	is = in(0x100);
	CHECK_EQ(is >> 16, is & 0xffff);
	out(0, BOTH(0x50));
	return is & 0xffff;
}

static uint32_t program(uint64_t offset, uint32_t val)
{
	out(offset, BOTH(0x40));
	out(offset, val);
	return status();
}

static uint32_t erase(uint64_t offset)
{
	out(offset, BOTH(0x20));
	out(offset, BOTH(0xd0));
	return status();
}

/* @nr words of @val from @offset on, by the buffer. */
static void fill(uint64_t offset, unsigned int nr, uint32_t val)
{
	unsigned int i;

	out(ALIGN_DOWN(offset, FLASH_SECTOR), BOTH(0xe8));
	CHECK_EQ(in(offset), BOTH(READY));
	out(ALIGN_DOWN(offset, FLASH_SECTOR), BOTH(nr - 1));
	for (i = 0; i < nr; i++)
		out(offset + 4 * i, val);
}

static uint32_t buffer(uint64_t offset, unsigned int nr, uint32_t val)
{
	fill(offset, nr, val);
	out(offset, BOTH(0xd0));
	return status();
}

/* ---- reading ------------------------------------------------------------ */

TEST(the_guest_has_the_file_as_memory_and_ones_behind_it)
{
	uint64_t i;

	begin();
	same();
	for (i = SIZE; i < BANK; i++)
		CHECK_EQ(seen()[i], 0xff);
	CHECK_EQ(fake_count("flags=0x2"), 1);
	CHECK(!mem_at(&vm.mem, BASE, 1));
	end();
}

/* A guest that asks as Linux and U-Boot do. */
TEST(it_says_what_it_is)
{
	static const struct {
		unsigned int index;
		uint8_t val;
	} is[] = {
		{ 0x0f, 0 }, { 0x10, 'Q' }, { 0x11, 'R' }, { 0x12, 'Y' },
		{ 0x13, 1 }, { 0x14, 0 }, { 0x15, 0x31 }, { 0x17, 0 },
		{ 0x1b, 0x45 }, { 0x1f, 7 }, { 0x21, 10 },
		{ 0x27, 19 },		/* 512 KiB a chip */
		{ 0x28, 2 }, { 0x29, 0 }, { 0x2a, 11 }, { 0x2b, 0 },
		{ 0x2c, 1 }, { 0x2d, BANK / FLASH_SECTOR - 1 }, { 0x2e, 0 },
		{ 0x2f, 0 }, { 0x30, 2 },	/* sectors of 128 KiB */
		{ 0x31, 'P' }, { 0x32, 'R' }, { 0x33, 'I' }, { 0x34, '1' },
		{ 0x35, '0' }, { 0x36, 0 }, { 0x3a, 0 }, { 0x3f, 1 },
		{ 0x40, 0 }, { 0xffff, 0 },
	};
	unsigned int i;

	begin();
	out(0x55 * 4, BOTH(0x98));
	CHECK(!seen());
	for (i = 0; i < ARRAY_SIZE(is); i++) {
		test_note("index 0x%x", is[i].index);
		CHECK_EQ(in(is[i].index * 4), BOTH(is[i].val));
		CHECK_EQ(bus_read(&vm.mmio, BASE + is[i].index * 4, 1), is[i].val);
		CHECK_EQ(bus_read(&vm.mmio, BASE + is[i].index * 4 + 1, 1), 0);
		CHECK_EQ(bus_read(&vm.mmio, BASE + is[i].index * 4 + 2, 2), is[i].val);
	}
	CHECK_EQ(bus_read(&vm.mmio, BASE + 0x10 * 4, 8), 0x0052005200510051);
	out(0, BOTH(0x90));
	CHECK_EQ(in(0), BOTH(0x89));
	CHECK_EQ(in(4), BOTH(0x18));
	CHECK_EQ(in(FLASH_SECTOR + 8), 0);
	CHECK_EQ(in(12), 0);
	out(0, BOTH(0xff));
	same();
	end();
}

TEST(it_is_memory_only_while_it_is_an_array)
{
	static const uint8_t others[] = {
		0x10, 0x20, 0x40, 0x60, 0x70, 0x90, 0x98, 0xe8,
	};
	static const uint8_t arrays[] = { 0x00, 0x50, 0xb0, 0xf0, 0xff };
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		test_note("0x%x", others[i]);
		out(0, BOTH(others[i]));
		CHECK(!seen());
		devices_reset(&vm);
		same();
	}
	for (i = 0; i < ARRAY_SIZE(arrays); i++) {
		out(0, BOTH(0x70));
		out(0, BOTH(arrays[i]));
		same();
	}
	fake_journal_clear();
	out(0, BOTH(0xff));
	out(0, BOTH(0xf0));
	CHECK_EQ(fake_count("KVM_SET_USER_MEMORY_REGION"), 0);
	end();
}

/* KVM may be out of memory; what the guest reads is the same. */
TEST(an_array_that_kvm_refuses_is_read_all_the_same)
{
	begin();
	out(0, BOTH(0x70));
	fake_fail_call("KVM_SET_USER_MEMORY_REGION", ENOMEM);
	capture_begin(2);
	out(0, BOTH(0xff));
	capture_end();
	CHECK(said("memory: flash: KVM refuses the slot at 0x4000000"));
	CHECK(!seen());
	CHECK_EQ(in(0x1234), *(uint32_t *)(data + 0x1234));
	CHECK_EQ(bus_read(&vm.mmio, BASE + SIZE - 4, 8),
		 0xffffffff00000000 | *(uint32_t *)(data + SIZE - 4));
	CHECK_EQ(bus_read(&vm.mmio, BASE + BANK - 1, 1), 0xff);
	out(0, BOTH(0xff));
	same();
	end();
}

/* ---- writing ------------------------------------------------------------ */

TEST(programming_makes_zeroes_and_erasing_ones)
{
	begin();
	CHECK_EQ(program(0x100, 0x12345678), READY);
	*(uint32_t *)(data + 0x100) &= 0x12345678;
	same();
	CHECK_EQ(erase(0x30000), READY);
	memset(data, 0xff, FLASH_SECTOR);
	same();
	CHECK_EQ(program(0x20, 0xcafe0000), READY);
	*(uint32_t *)(data + 0x20) = 0xcafe0000;
	same();
	CHECK_EQ(program(0x20, 0x1234ffff), READY);
	*(uint32_t *)(data + 0x20) = 0x02340000 & 0xcafe0000;
	same();
	end();
}

/* The file is written before the guest can see the status. */
TEST(ready_means_that_it_is_in_the_file)
{
	begin();
	fake_journal_clear();
	out(0x40, BOTH(0x10));
	CHECK_EQ(fake_count("pwrite"), 0);
	out(0x40, 0);
	CHECK_EQ(fake_count("pwrite /flash len=4 offset=0x40"), 1);
	CHECK_EQ(in(0), BOTH(READY));
	out(0, BOTH(0x20));
	CHECK_EQ(fake_count("pwrite"), 1);
	out(0, BOTH(0xd0));
	CHECK_EQ(fake_count("pwrite /flash len=262144 offset=0x0"), 1);
	CHECK_EQ(in(0), BOTH(READY));
	CHECK(!seen());
	end();
}

TEST(accesses_of_all_sizes)
{
	begin();
	CHECK_EQ(erase(0), READY);
	memset(data, 0xff, FLASH_SECTOR);
	bus_write(&vm.mmio, BASE + 3, 0x40, 1);
	bus_write(&vm.mmio, BASE + 3, 0x5a, 1);
	data[3] = 0x5a;
	bus_write(&vm.mmio, BASE + 6, 0x40, 2);
	bus_write(&vm.mmio, BASE + 6, 0x1234, 2);
	*(uint16_t *)(data + 6) = 0x1234;
	/* A command and its data in one. */
	bus_write(&vm.mmio, BASE + 8, 0x7654321000400040, 8);
	*(uint32_t *)(data + 12) = 0x76543210;
	CHECK_EQ(status(), READY);
	same();
	end();
}

TEST(a_buffer_is_written_in_one_go)
{
	begin();
	CHECK_EQ(erase(0), READY);
	memset(data, 0xff, FLASH_SECTOR);
	fake_journal_clear();
	CHECK_EQ(buffer(0x2000, 1024, 0x01020304), READY);
	CHECK_EQ(fake_count("pwrite /flash len=4096 offset=0x2000"), 1);
	for (unsigned int i = 0; i < 1024; i++)
		*(uint32_t *)(data + 0x2000 + 4 * i) = 0x01020304;
	same();
	CHECK_EQ(buffer(0x3ff8, 2, 0), READY);
	memset(data + 0x3ff8, 0, 8);
	CHECK_EQ(buffer(0x5010, 1, 0x55), READY);
	*(uint32_t *)(data + 0x5010) = 0x55;
	same();
	end();
}

TEST(a_buffer_for_two_blocks_is_written_to_none)
{
	begin();
	CHECK_EQ(buffer(0x1ffc, 2, 0), READY | WRONG);
	CHECK_EQ(buffer(0x1ffe, 1, 0), READY | WRONG);
	same();
	out(0, BOTH(0xe8));
	out(0, BOTH(1024));		/* a word more than there is room for */
	CHECK_EQ(status(), READY | WRONG);
	fill(0x2000, 2, 0);
	out(0x2000, BOTH(0xff));	/* not confirmed */
	CHECK_EQ(status(), READY | WRONG);
	same();
	end();
}

TEST(what_is_not_confirmed_is_not_done)
{
	begin();
	out(0, BOTH(0x20));
	out(0, BOTH(0xff));
	same();
	out(0, BOTH(0x20));
	out(0, BOTH(0x70));
	CHECK_EQ(status(), READY | WRONG);
	out(0, BOTH(0x60));
	out(0, BOTH(0x20));
	CHECK_EQ(status(), READY | WRONG);
	out(0, BOTH(0x60));
	out(0, BOTH(0xff));
	same();
	end();
}

TEST(locks_are_accepted)
{
	static const uint8_t locks[] = { 0x01, 0x2f, 0xd0 };
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(locks); i++) {
		out(0, BOTH(0x60));
		out(0, BOTH(locks[i]));
		CHECK_EQ(status(), READY);
	}
	CHECK_EQ(program(0, 0), READY);
	end();
}

TEST(errors_stay_until_they_are_cleared)
{
	begin();
	out(0, BOTH(0x20));
	out(0, BOTH(0));
	CHECK_EQ(in(0), BOTH(READY | WRONG));
	out(0, BOTH(0xff));
	CHECK_EQ(status(), READY | WRONG);
	CHECK_EQ(status(), READY);
	end();
}

/* ---- the file ----------------------------------------------------------- */

TEST(nothing_is_written_beyond_the_file)
{
	begin();
	fake_journal_clear();
	CHECK_EQ(program(2 * FLASH_SECTOR, 0), READY | PROGRAM_FAILED);
	CHECK_EQ(program(SIZE, 0), READY | PROGRAM_FAILED);
	CHECK_EQ(program(SIZE - 2, 0), READY | PROGRAM_FAILED);
	CHECK_EQ(buffer(SIZE - 8, 4, 0), READY | PROGRAM_FAILED);
	CHECK_EQ(program(BANK - 4, 0x7fffffff), READY | PROGRAM_FAILED);
	CHECK_EQ(fake_count("pwrite"), 0);
	same();
	CHECK_EQ(program(BANK - 4, 0xffffffff), READY);	/* as it is */
	CHECK_EQ(erase(2 * FLASH_SECTOR), READY);
	CHECK_EQ(fake_count("pwrite"), 0);
	CHECK_EQ(erase(FLASH_SECTOR), READY);		/* what there is of it */
	CHECK_EQ(fake_count("pwrite /flash len=6144 offset=0x40000"), 1);
	memset(data + FLASH_SECTOR, 0xff, SIZE - FLASH_SECTOR);
	same();
	CHECK_EQ(buffer(SIZE - 8, 2, 0), READY);
	memset(data + SIZE - 8, 0, 8);
	same();
	end();
}

TEST(read_only_is_locked)
{
	begin_as("/flash,ro");
	CHECK_EQ(program(0, 0), READY | PROGRAM_FAILED | LOCKED);
	CHECK_EQ(buffer(0, 1, 0), READY | PROGRAM_FAILED | LOCKED);
	CHECK_EQ(erase(0), READY | ERASE_FAILED | LOCKED);
	CHECK_EQ(program(BANK - 4, 0), READY | PROGRAM_FAILED | LOCKED);
	out(0, BOTH(0x90));
	CHECK_EQ(in(2 * 4), BOTH(1));
	out(0, BOTH(0xff));
	same();
	CHECK_EQ(fake_count("pwrite"), 0);
	end();
}

TEST(a_file_that_takes_no_more_fails_the_command)
{
	begin();
	fake_fail_call("pwrite /flash", ENOSPC);
	capture_begin(2);
	CHECK_EQ(program(0, 0), READY | PROGRAM_FAILED);
	capture_end();
	CHECK(said("flash /flash: cannot write: no space left"));
	same();
	fake_fail_call("pwrite /flash", EIO);
	capture_begin(2);
	CHECK_EQ(erase(0), READY | ERASE_FAILED);
	capture_end();
	CHECK_EQ(said_lines(), 0);	/* once is enough */
	same();
	CHECK_EQ(erase(0), READY);
	end();
}

static void refuse(const char *spec, int err, const char *text)
{
	test_note("%s", spec);
	capture_begin(2);
	CHECK_EQ(create(spec), err);
	capture_end();
	CHECK(said(text));
	CHECK_EQ(said_lines(), err == -EACCES ? 2 : 1);
}

TEST(files_that_will_not_do)
{
	fake_begin();
	build();
	refuse("/nowhere", -ENOENT, "flash: cannot open /nowhere: no such file");
	refuse("/nowhere,ro", -ENOENT, "flash: cannot open /nowhere: no such file");
	refuse("/flash,rw", -ENOENT, "flash: cannot open /flash,rw: no such file");
	fake_blob("/flash", "", 0);
	refuse("/flash", -ENOEXEC, "flash /flash: the file is empty");
	fake_blob("/flash", data, BANK + 1);
	refuse("/flash", -ENOEXEC, "flash /flash: 1048577 bytes, more than the 1024 KiB of a bank");
	build();
	fake_fail_call("open /flash", EACCES);
	refuse("/flash", -EACCES, "flash: cannot open /flash: permission denied");
	CHECK(said("if the guest need not write it: --flash /flash,ro"));
	fake_fail_call("pwrite /flash", EBADF);
	refuse("/flash", -EACCES, "flash /flash: cannot be written: bad file descriptor");
	fake_end();
}

/* Of a bank, and of zeroes in it, only what differs takes memory. */
TEST(a_file_of_a_whole_bank)
{
	fake_begin();
	memset(data, 0, BANK);
	data[BANK - 1] = 0x5a;
	fake_blob("/flash", data, BANK);
	CHECK_EQ(create("/flash"), 0);
	CHECK(!memcmp(seen(), data, BANK));
	CHECK_EQ(program(BANK - 4, 0x0affffff), READY);
	CHECK_EQ(seen()[BANK - 1], 0x0a);
	CHECK_EQ(erase(BANK - 4), READY);
	CHECK_EQ(seen()[BANK - 1], 0xff);
	CHECK_EQ(seen()[BANK - FLASH_SECTOR - 1], 0);
	end();
}

static int life(void)
{
	int err = create("/flash");

	if (err < 0)
		return err;
	destroy();
	return 0;
}

/* What of the machine's own is advice. */
static bool survivable(const char *line)
{
	return strstr(line, "KVM_CHECK_EXTENSION") || strstr(line, "madvise");
}

TEST(every_call_may_fail)
{
	CHECK(fake_sweep(build, life, survivable) >= 20);
}
