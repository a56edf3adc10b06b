/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio disk over real files, by io_uring where this machine has it and
 * without: what is read and written, and what becomes of errors.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/virtio_blk.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture.h"
#include "devices/virtio/kinds.h"
#include "driver.h"

#define IMAGE "/tmp/postern-test-disk"
#define SIZE (1 * MiB)
#define SECTORS (SIZE / 512)
#define RING (&dev.rings[0])
#define USUAL (BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
	       BIT(VIRTIO_RING_F_INDIRECT_DESC))
#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define UNSUPP VIRTIO_BLK_S_UNSUPP

static int image;

static void image_make(void)
{
	uint8_t block[4096];
	unsigned int i;

	unlink(IMAGE);
	image = open(IMAGE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (i = 0; i < SIZE / sizeof(block); i++) {
		memset(block, i, sizeof(block));
		CHECK_EQ(write(image, block, sizeof(block)), sizeof(block));
	}
}

static bool have_uring(void)
{
	struct io_uring_params p = { 0 };
	int fd = syscall(SYS_io_uring_setup, 4, &p);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void begin_with(const char *keys, uint64_t features)
{
	static char spec[128];

	image_make();
	snprintf(spec, sizeof(spec), IMAGE "%s", keys);
	guest_begin();
	fake_host()->uring = have_uring();
	guest_add("disk", spec);
	guest_boot();
	use_msix();
	ready(features);
}

static void begin(void)
{
	begin_with("", USUAL);
}

static void end(void)
{
	guest_end();
	close(image);
	unlink(IMAGE);
}

/* One request with @len bytes of data at @data. Returns its status. */
static unsigned int request_of(unsigned int type, uint64_t sector,
			       uint64_t data, uint32_t len)
{
	uint64_t header = ram(16), result = ram(1);
	struct buffer b[3] = {
		{ header, 16, false },
		{ data, len, type == VIRTIO_BLK_T_IN ||
			     type == VIRTIO_BLK_T_GET_ID },
		{ result, 1, true },
	};
	unsigned int head, tries, n;

	*(struct virtio_blk_outhdr *)at(header) =
		(struct virtio_blk_outhdr){ .type = type, .sector = sector };
	*(uint8_t *)at(result) = 0xee;
	if (!len)
		b[1] = b[2];
	offer(RING, b, len ? 3 : 2);
	kick(RING);
	for (tries = 0; !collect(RING, &head, &n); tries++) {
		CHECK(tries < 5000);
		usleep(1000);
	}
	CHECK(n >= 1);
	return *(uint8_t *)at(result);
}

static unsigned int transfer(unsigned int type, uint64_t sector, uint32_t len,
			     uint8_t fill)
{
	uint64_t data = ram(len);

	memset(at(data), fill, len);
	return request_of(type, sector, data, len);
}

static uint8_t byte_at(uint64_t off)
{
	uint8_t byte = 0xee;

	CHECK_EQ(pread(image, &byte, 1, off), 1);
	return byte;
}

static void check_reads_and_writes(void)
{
	uint64_t data = ram(8192);
	uint8_t *p = at(data);

	CHECK_EQ(request_of(VIRTIO_BLK_T_IN, 8, data, 8192), OK);
	CHECK_EQ(p[0], 1);
	CHECK_EQ(p[4095], 1);
	CHECK_EQ(p[4096], 2);
	CHECK_EQ(p[8191], 2);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 9, 1024, 0xaa), OK);
	CHECK_EQ(byte_at(9 * 512 - 1), 1);
	CHECK_EQ(byte_at(9 * 512), 0xaa);
	CHECK_EQ(byte_at(11 * 512 - 1), 0xaa);
	CHECK_EQ(byte_at(11 * 512), 1);
	CHECK_EQ(request_of(VIRTIO_BLK_T_FLUSH, 0, 0, 0), OK);
}

TEST(reads_and_writes)
{
	begin();
	check_reads_and_writes();
	end();
}

TEST(reads_and_writes_without_io_uring)
{
	begin();
	unready();
	end();
	guest_begin();
	image_make();
	guest_add("disk", IMAGE);
	guest_boot();
	ready(USUAL);
	check_reads_and_writes();
	CHECK(fake_count("fdatasync") == 1);
	end();
}

TEST(what_it_says_of_itself)
{
	struct virtio_blk_config c;
	unsigned int i;
	uint64_t data;

	begin_with(",serial=s3rial,queues=2", USUAL);
	for (i = 0; i < sizeof(c); i++)
		((uint8_t *)&c)[i] = bus_read(&guest_vm.mmio, dev.config + i,
					      1);
	CHECK_EQ(c.capacity, SECTORS);
	CHECK_EQ(c.blk_size, 512);
	CHECK_EQ(c.num_queues, 2);
	CHECK_EQ(c.seg_max, 126);
	CHECK_EQ(dev.nr, 2);
	data = ram(20);
	CHECK_EQ(request_of(VIRTIO_BLK_T_GET_ID, 0, data, 20), OK);
	CHECK_STR((char *)at(data), "s3rial");
	end();
}

TEST(sectors_that_are_not_there)
{
	begin();
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, SECTORS - 1, 512, 0), OK);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, SECTORS - 1, 1024, 0), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, SECTORS, 512, 0), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, UINT64_MAX, 512, 0), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, UINT64_MAX / 512, 512, 0), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 0, 511, 0), IOERR);
	CHECK_EQ(transfer(77, 0, 512, 0), UNSUPP);
	CHECK_EQ(byte_at(SIZE - 1), 0xff);
	end();
}

TEST(read_only)
{
	begin_with(",ro", USUAL);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 0, 512, 1), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 0, 512, 1), OK);
	CHECK_EQ(request_of(VIRTIO_BLK_T_FLUSH, 0, 0, 0), OK);
	set_reg(VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	CHECK(reg(VIRTIO_PCI_COMMON_DF, 4) & BIT(VIRTIO_BLK_F_RO));
	end();
}

TEST(header_and_status_cut_anyhow)
{
	struct buffer b[6];
	struct virtio_blk_outhdr *h;
	unsigned int head, len;
	uint64_t gpa;

	begin();
	gpa = ram(4096);
	h = at(gpa);
	*h = (struct virtio_blk_outhdr){ .type = VIRTIO_BLK_T_OUT, .sector = 2 };
	memset(h + 1, 0x77, 1024);
	b[0] = (struct buffer){ gpa, 5, false };
	b[1] = (struct buffer){ gpa + 5, 11 + 100, false };
	b[2] = (struct buffer){ gpa + 116, 924, false };
	b[3] = (struct buffer){ gpa + 2000, 1, true };
	offer(RING, b, 4);
	kick(RING);
	while (!collect(RING, &head, &len))
		usleep(1000);
	CHECK_EQ(*((uint8_t *)at(gpa) + 2000), OK);
	CHECK_EQ(byte_at(1023), 0);
	CHECK_EQ(byte_at(1024), 0x77);
	CHECK_EQ(byte_at(2047), 0x77);
	CHECK_EQ(byte_at(2048), 0);
	/* Status behind data in one buffer. */
	h->type = VIRTIO_BLK_T_IN;
	b[0] = (struct buffer){ gpa, 16, false };
	b[1] = (struct buffer){ gpa + 64, 513, true };
	offer(RING, b, 2);
	kick(RING);
	while (!collect(RING, &head, &len))
		usleep(1000);
	CHECK_EQ(len, 513);
	CHECK_EQ(*((uint8_t *)at(gpa) + 64), 0x77);
	CHECK_EQ(*((uint8_t *)at(gpa) + 64 + 512), OK);
	end();
}

TEST(request_without_header_or_status)
{
	struct buffer b = { MiB, 15, false };
	unsigned int tries = 0;

	begin();
	offer(RING, &b, 1);
	kick(RING);
	while (!(status() & VIRTIO_CONFIG_S_NEEDS_RESET) && tries++ < 1000)
		usleep(1000);
	CHECK(status() & VIRTIO_CONFIG_S_NEEDS_RESET);
	ready(USUAL);
	check_reads_and_writes();
	end();
}

/* ---- discard and zeroes -------------------------------------------------- */

static unsigned int range(unsigned int type, uint64_t sector,
			  uint32_t sectors, uint32_t flags)
{
	uint64_t data = ram(16);

	*(struct virtio_blk_discard_write_zeroes *)at(data) =
		(struct virtio_blk_discard_write_zeroes){ sector, sectors,
							  flags };
	return request_of(type, 0, data, 16);
}

TEST(discard_and_zeroes)
{
	struct stat before, after;

	begin();
	fstat(image, &before);
	CHECK_EQ(range(VIRTIO_BLK_T_DISCARD, 8, 80, 0), OK);
	CHECK_EQ(byte_at(8 * 512), 0);
	CHECK_EQ(byte_at(88 * 512), 11);
	fstat(image, &after);
	CHECK_EQ(after.st_size, before.st_size);
	CHECK_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 90, 3, 0), OK);
	CHECK_EQ(byte_at(90 * 512 - 1), 11);
	CHECK_EQ(byte_at(90 * 512), 0);
	CHECK_EQ(byte_at(93 * 512), 11);
	CHECK_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 160, 8, 1), OK);
	CHECK_EQ(byte_at(160 * 512), 0);
	CHECK_EQ(range(VIRTIO_BLK_T_DISCARD, 0, 8, 1), UNSUPP);
	CHECK_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 0, 8, 2), UNSUPP);
	CHECK_EQ(range(VIRTIO_BLK_T_DISCARD, SECTORS - 1, 2, 0), IOERR);
	CHECK_EQ(range(VIRTIO_BLK_T_DISCARD, UINT64_MAX, 1, 0), IOERR);
	CHECK_EQ(range(VIRTIO_BLK_T_DISCARD, 0, 0, 0), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_DISCARD, 0, 15, 0), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_DISCARD, 0, 17 * 16, 0), IOERR);
	CHECK_EQ(byte_at(4095), 0);
	CHECK_EQ(byte_at(4096 * 5 - 1), 0);
	end();
}

TEST(zeroes_where_the_file_system_knows_none)
{
	begin();
	fake_fail_call("fallocate", EOPNOTSUPP);
	CHECK_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 8, 1601, 0), OK);
	CHECK_EQ(byte_at(8 * 512 - 1), 0);
	CHECK_EQ(byte_at(8 * 512), 0);
	CHECK_EQ(byte_at(1609 * 512 - 1), 0);
	CHECK_EQ(byte_at(1609 * 512), 1609 / 8);
	fake_fail_call("fallocate", EOPNOTSUPP);
	CHECK_EQ(range(VIRTIO_BLK_T_DISCARD, 1616, 8, 0), OK);
	end();
}

/* ---- errors -------------------------------------------------------------- */

static void begin_plain(void)
{
	image_make();
	guest_begin();
	guest_add("disk", IMAGE);
	guest_boot();
	ready(USUAL);
}

TEST(no_space_is_an_error_and_nothing_else)
{
	begin_plain();
	fake_fail_call("pwritev", ENOSPC);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 0, 512, 1), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 0, 512, 1), OK);
	fake_fail_call("preadv", EIO);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 0, 512, 1), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 0, 512, 1), OK);
	CHECK_EQ(request_of(VIRTIO_BLK_T_FLUSH, 0, 0, 0), OK);
	end();
}

/* The kernel tells of what it could not write once. */
TEST(a_flush_that_failed_is_never_made_good)
{
	begin_plain();
	fake_fail_call("fdatasync", EIO);
	CHECK_EQ(request_of(VIRTIO_BLK_T_FLUSH, 0, 0, 0), IOERR);
	CHECK_EQ(request_of(VIRTIO_BLK_T_FLUSH, 0, 0, 0), IOERR);
	end();
}

TEST(a_driver_without_flushes_has_its_writes_safe)
{
	begin_with("", 0);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 0, 512, 1), OK);
	end();
	begin_plain();
	ready(0);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 0, 512, 1), OK);
	CHECK(fake_order("pwritev", "fdatasync", NULL));
	end();
}

TEST(an_image_that_was_cut_off)
{
	begin();
	CHECK_EQ(ftruncate(image, 4096), 0);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 0, 8192, 1), IOERR);
	CHECK_EQ(transfer(VIRTIO_BLK_T_IN, 0, 4096, 1), OK);
	end();
}

TEST(io_uring_that_takes_nothing)
{
	if (!have_uring())
		SKIP("no io_uring here");
	begin();
	fake_fail_call("io_uring_enter", EAGAIN);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 4, 512, 0x5a), OK);
	CHECK_EQ(byte_at(4 * 512), 0x5a);
	CHECK_EQ(fake_count("pwritev"), 1);
	check_reads_and_writes();
	end();
}

/* ---- many at once --------------------------------------------------------- */

static void check_many(void)
{
	uint64_t header[32], data[32], result[32];
	unsigned int i, n = 0, head, len;

	for (i = 0; i < 32; i++) {
		struct buffer b[3];

		header[i] = ram(16), data[i] = ram(4096), result[i] = ram(1);
		*(struct virtio_blk_outhdr *)at(header[i]) =
			(struct virtio_blk_outhdr){ .sector = i * 8 };
		b[0] = (struct buffer){ header[i], 16, false };
		b[1] = (struct buffer){ data[i], 4096, true };
		b[2] = (struct buffer){ result[i], 1, true };
		offer(RING, b, 3);
	}
	kick(RING);
	while (n < 32)
		if (collect(RING, &head, &len))
			n++;
		else
			usleep(1000);
	for (i = 0; i < 32; i++) {
		CHECK_EQ(*(uint8_t *)at(result[i]), OK);
		CHECK_EQ(*((uint8_t *)at(data[i]) + 4095), i);
	}
}

TEST(many_requests_at_once)
{
	begin();
	check_many();
	end();
	begin_plain();
	check_many();
	end();
}

TEST(a_reset_waits_for_what_is_under_way)
{
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		struct buffer b[3] = {
			{ MiB, 16, false }, { 2 * MiB, 65536, true },
			{ 3 * MiB, 1, true },
		};

		begin();
		memset(at(MiB), 0, 16);
		for (i = 0; i < 30; i++)
			offer(RING, b, 3);
		kick(RING);
		usleep(round * 20);
		unready();
		memset(at(2 * MiB), 0x99, 65536);
		usleep(500);
		for (i = 0; i < 65536; i++)
			CHECK_EQ(*((uint8_t *)at(2 * MiB) + i), 0x99);
		end();
	}
}

/* The same chain over and over, more often than there are requests. */
TEST(more_chains_than_requests)
{
	struct buffer b[2] = { { MiB, 16, false }, { 3 * MiB, 1, true } };
	unsigned int i, head, len, n = 0;

	begin();
	*(struct virtio_blk_outhdr *)at(MiB) =
		(struct virtio_blk_outhdr){ .type = VIRTIO_BLK_T_FLUSH };
	offer(RING, b, 2);
	for (i = 1; i < 400; i++) {
		if ((uint16_t)(RING->avail->idx - RING->used->idx) <
		    RING->size)
			make_available(RING, 0);
		else
			usleep(100);
		kick(RING);
	}
	while (n < RING->avail->idx)
		if (collect(RING, &head, &len))
			n++;
		else
			usleep(1000);
	end();
}

/* ---- the option ------------------------------------------------------------ */

static void check_refused(const char *spec, int err, const char *words)
{
	test_note("%s", spec);
	guest_begin();
	guest_add("disk", spec);
	capture_begin(2);
	CHECK_EQ(virtio_create_all(&guest_vm, guest_host), err);
	capture_end();
	CHECK(said(words));
	CHECK_EQ(said_lines(), 1);
	guest_end();
}

TEST(words_that_make_no_sense)
{
	image_make();
	check_refused("", -EDOM, "--disk: '': no file named");
	check_refused(",ro", -EDOM, "no file named");
	check_refused(IMAGE ",rw", -EDOM, "no such key");
	check_refused(IMAGE ",queues=0", -EDOM, "out of range");
	check_refused(IMAGE ",queues=17", -EDOM, "out of range");
	check_refused(IMAGE ",queues", -EDOM, "out of range");
	check_refused(IMAGE ",serial=", -EDOM, "1 to 20");
	check_refused(IMAGE ",serial=123456789012345678901", -EDOM, "1 to 20");
	check_refused(IMAGE "-not", -ENOENT, "cannot open it");
	check_refused("/tmp", -ENOENT, "--disk: /tmp: ");
	check_refused("fd:99999", -ENOENT, "cannot open it");
	check_refused("fd:0,direct", -EDOM, "direct");
	CHECK_EQ(ftruncate(image, 511), 0);
	check_refused(IMAGE, -ENOEXEC, "smaller than a sector");
	close(image);
	unlink(IMAGE);
}

TEST(an_image_is_written_by_one_only)
{
	begin();
	capture_begin(2);
	guest_add("disk", IMAGE);
	CHECK_EQ(disk_create(&guest_vm, guest_host, IMAGE), -EBUSY);
	capture_end();
	CHECK(said("another program uses it"));
	capture_begin(2);
	CHECK_EQ(disk_create(&guest_vm, guest_host, IMAGE ",ro"), -EBUSY);
	capture_end();
	CHECK(said("another program writes to it"));
	end();
	begin_with(",ro", USUAL);
	CHECK_EQ(disk_create(&guest_vm, guest_host, IMAGE ",ro"), 0);
	end();
}

TEST(past_the_cache)
{
	image_make();
	guest_begin();
	guest_add("disk", IMAGE ",direct");
	capture_begin(2);
	if (virtio_create_all(&guest_vm, guest_host) < 0) {
		capture_end();
		SKIP("no O_DIRECT in /tmp");
	}
	capture_end();
	CHECK_EQ(pci_host_assign(guest_host), 0);
	CHECK_EQ(devices_run(&guest_vm), 0);
	drive(1);
	ready(USUAL);
	CHECK_EQ(transfer(VIRTIO_BLK_T_OUT, 16, 4096, 0x42), OK);
	CHECK_EQ(byte_at(8192), 0x42);
	/* It looks at where the zeroes of ours lie as well. */
	fake_fail_call("fallocate", EOPNOTSUPP);
	CHECK_EQ(range(VIRTIO_BLK_T_WRITE_ZEROES, 16, 9, 0), OK);
	CHECK_EQ(byte_at(8192), 0);
	end();
}
