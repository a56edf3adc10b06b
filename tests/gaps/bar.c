/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device to device: the memory of one (ivshmem's BAR 2) mapped for the other
 * (edu), by address or as a dma-buf, and what becomes of it when its owner
 * stops decoding memory, as each guest makes it do when it sizes BARs.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "gaps.h"

#define BAR VFIO_PCI_BAR2_REGION_INDEX
#define IOVA_BAR (32 * MIB)
#define SIZE (64 * KIB)

static void both_ready(struct space *s)
{
	space_ready(s, EDU);
	space_ready(s, SHM);
	device_command(s, SHM, true, false);
}

/* Nothing is touched before it is mapped: the kernel must fault it in. */
static int map_va(struct space *s)
{
	uint64_t size;
	void *at = device_map(s, SHM, BAR, &size);

	return map(s, IOVA_BAR, at, SIZE);
}

static int map_dmabuf(struct space *s)
{
	int fd = device_dmabuf(s, SHM, BAR, SIZE);

	return fd < 0 ? fd : map_file(s, IOVA_BAR, fd, SIZE);
}

/* map_bar: in the way that this path has for it. */
static int map_bar(struct space *s)
{
	return s->way->owner == CONTAINER ? map_va(s) : map_dmabuf(s);
}

static void toggle_decode(struct space *s)
{
	device_command(s, SHM, false, false);
	device_command(s, SHM, true, false);
}

static int try_va(struct space *s)
{
	both_ready(s);
	return map_va(s);
}

static int try_va_off(struct space *s)
{
	both_ready(s);
	device_command(s, SHM, false, false);
	return map_va(s);
}

static int try_export(struct space *s)
{
	int fd;

	both_ready(s);
	fd = device_dmabuf(s, SHM, BAR, SIZE);
	return fd < 0 ? fd : 0;
}

static int try_dmabuf(struct space *s)
{
	both_ready(s);
	return where(s, map_dmabuf(s));
}

static int try_dmabuf_off(struct space *s)
{
	both_ready(s);
	device_command(s, SHM, false, false);
	return where(s, map_dmabuf(s));
}

/* Whether what edu copies from RAM arrives in the other device's memory. */
static int copy_to_bar(struct space *s)
{
	uint64_t bar = device_region(s, SHM, BAR, NULL);
	unsigned char *sent = ram(PAGE), seen[256] = { 0 };

	must(s, map(s, IOVA, sent, PAGE));
	for (int i = 0; i < 256; i++)
		sent[i] = (unsigned char)(i ^ 0x5a);
	s->call = "BAR";
	must(s, pwrite(s->fd[SHM], seen, 256, (off_t)bar) == 256 ? 0 : -EIO);
	edu_copy(s, IOVA, IOVA_BAR);
	must(s, pread(s->fd[SHM], seen, 256, (off_t)bar) == 256 ? 0 : -EIO);
	return say(s, memcmp(sent, seen, 256) ? "lost" : "arrives");
}

static int try_copy(struct space *s)
{
	both_ready(s);
	must(s, map_bar(s));
	return copy_to_bar(s);
}

static int try_copy_toggled(struct space *s)
{
	both_ready(s);
	must(s, map_bar(s));
	toggle_decode(s);
	return copy_to_bar(s);
}

static int try_copy_again(struct space *s)
{
	uint64_t done;

	both_ready(s);
	must(s, map_bar(s));
	toggle_decode(s);
	must(s, unmap(s, IOVA_BAR, SIZE, &done));
	must(s, map_bar(s));
	return copy_to_bar(s);
}

/* While its owner decodes nothing: is the mapping still there? */
static int try_unmap_off(struct space *s)
{
	uint64_t done;
	int err;

	both_ready(s);
	must(s, map_bar(s));
	device_command(s, SHM, false, false);
	err = unmap(s, IOVA_BAR, SIZE, &done);
	return err < 0 ? err : say(s, "%llu", (unsigned long long)done);
}

const struct scenario bar_scenarios[] = {
	{ "bar-address", "map a BAR by its address in the process", SAFE,
	  try_va },
	{ "bar-address-off", "the same while it does not decode memory", SAFE,
	  try_va_off },
	{ "bar-export", "have a BAR as a dma-buf", SAFE, try_export },
	{ "bar-dmabuf", "map that dma-buf", SAFE, try_dmabuf },
	{ "bar-dmabuf-off", "the same while it does not decode memory", SAFE,
	  try_dmabuf_off },
	{ "bar-copy", "DMA to a BAR, mapped as this path can", SAFE,
	  try_copy },
	{ "bar-copy-toggled", "the same after decoding was off and on", SAFE,
	  try_copy_toggled },
	{ "bar-copy-again", "the same, unmapped and mapped once more", SAFE,
	  try_copy_again },
	{ "bar-unmap-off", "unmap it while it does not decode memory", SAFE,
	  try_unmap_off },
	{ 0 },
};
