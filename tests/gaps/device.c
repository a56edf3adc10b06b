/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of a driver as the scenarios need: a device's regions, its command
 * register, and the DMA of QEMU's `edu` (docs/specs/edu.rst there): addresses
 * from and to, one of them in its own buffer, a count, and a command.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "gaps.h"

#define EDU_FROM 0x80
#define EDU_TO 0x88
#define EDU_COUNT 0x90
#define EDU_COMMAND 0x98
#define EDU_START 1
#define EDU_OUT 2
#define EDU_BUFFER 0x40000

uint64_t device_region(struct space *s, int which, int region, uint64_t *size)
{
	struct vfio_region_info arg = { .argsz = sizeof(arg), .index = region };

	must(s, CALL(s, s->fd[which], VFIO_DEVICE_GET_REGION_INFO, &arg));
	if (size)
		*size = arg.size;
	return arg.offset;
}

void *device_map(struct space *s, int which, int region, uint64_t *size)
{
	uint64_t offset = device_region(s, which, region, size);
	void *at = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED,
			s->fd[which], (off_t)offset);

	s->call = "mmap";
	must(s, at == MAP_FAILED ? -errno : 0);
	return at;
}

static void put(struct space *s, int which, uint64_t at, uint64_t value,
		size_t size)
{
	s->call = "pwrite";
	must(s, pwrite(s->fd[which], &value, size, (off_t)at) ==
		(ssize_t)size ? 0 : -EIO);
}

static uint64_t get(struct space *s, int which, uint64_t at, size_t size)
{
	uint64_t value = 0;

	s->call = "pread";
	must(s, pread(s->fd[which], &value, size, (off_t)at) ==
		(ssize_t)size ? 0 : -EIO);
	return value;
}

void device_command(struct space *s, int which, bool memory, bool master)
{
	uint64_t config = device_region(s, which, VFIO_PCI_CONFIG_REGION_INDEX,
					NULL);

	put(s, which, config + PCI_COMMAND,
	    (memory ? PCI_COMMAND_MEMORY : 0) |
	    (master ? PCI_COMMAND_MASTER : 0), 2);
}

int device_dmabuf(struct space *s, int which, int region, uint64_t size)
{
	struct {
		struct vfio_device_feature feature;
		struct vfio_device_feature_dma_buf buf;
		struct vfio_region_dma_range range;
	} arg = {
		.feature.argsz = sizeof(arg),
		.feature.flags = VFIO_DEVICE_FEATURE_GET |
			VFIO_DEVICE_FEATURE_DMA_BUF,
		.buf.region_index = region,
		.buf.nr_ranges = 1,
		.range.length = size,
	};

	return CALL(s, s->fd[which], VFIO_DEVICE_FEATURE, &arg);
}

static void edu_run(struct space *s, uint64_t from, uint64_t to, int command)
{
	uint64_t bar = device_region(s, EDU, VFIO_PCI_BAR0_REGION_INDEX, NULL);

	put(s, EDU, bar + EDU_FROM, from, 8);
	put(s, EDU, bar + EDU_TO, to, 8);
	put(s, EDU, bar + EDU_COUNT, 256, 8);
	put(s, EDU, bar + EDU_COMMAND, (uint64_t)command, 8);
	while (get(s, EDU, bar + EDU_COMMAND, 8) & EDU_START)
		usleep(1000);
}

void edu_copy(struct space *s, uint64_t from, uint64_t to)
{
	device_command(s, EDU, true, true);
	edu_run(s, from, EDU_BUFFER, EDU_START);
	edu_run(s, EDU_BUFFER, to, EDU_START | EDU_OUT);
}
