/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-vsock as far as who sets it up can tell: what it accepts in which
 * order. Linux: drivers/vhost/vhost.c, drivers/vhost/vsock.c.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"

#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
		  BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
		  BIT(VIRTIO_VSOCK_F_SEQPACKET))
#define REGIONS 8

struct vhost {
	struct fake_vhost seen;
	bool owned;
	struct vhost_memory_region mem[REGIONS];
	unsigned int nr_mem;
	struct vhost_vring_addr addr[FAKE_VHOST_RINGS];
	struct file *kick[FAKE_VHOST_RINGS], *call[FAKE_VHOST_RINGS];
};

int vhost_open_node(void)
{
	if (world->vhost)
		return -EBUSY;	/* a test has one at a time */
	world->vhost = zalloc(sizeof(*world->vhost));
	return file_new(KIND_VHOST, "/dev/vhost-vsock", world->vhost, -1);
}

static void replace(struct file **at, struct file *file)
{
	if (file)
		file_hold(file);
	if (*at)
		file_put(*at);
	*at = file;
}

void vhost_release(struct vhost *v)
{
	unsigned int i;

	for (i = 0; i < FAKE_VHOST_RINGS; i++) {
		replace(&v->kick[i], NULL);
		replace(&v->call[i], NULL);
	}
	free(v);
	world->vhost = NULL;
}

static int set_memory(struct vhost *v, const struct vhost_memory *table)
{
	const struct fake_pci *pci;
	unsigned int i;

	if (table->padding || table->nregions > REGIONS)
		return -EOPNOTSUPP;
	for (i = 0; i < table->nregions; i++)
		if (!mm_covers(table->regions[i].userspace_addr,
			       table->regions[i].memory_size, &pci))
			return -EFAULT;
	v->nr_mem = table->nregions;
	memcpy(v->mem, table->regions, v->nr_mem * sizeof(v->mem[0]));
	return 0;
}

static int set_fd(struct file **at, int fd)
{
	struct file *file = file_of_kind(fd, KIND_EVENTFD);

	if (fd >= 0 && !file)
		return -EBADF;
	replace(at, file);
	return 0;
}

static int ring_ioctl(struct vhost *v, unsigned long request, const void *arg)
{
	const struct vhost_vring_state *state = arg;
	const struct vhost_vring_addr *addr = arg;
	const struct vhost_vring_file *file = arg;

	if (*(const unsigned int *)arg >= FAKE_VHOST_RINGS)
		return -ENOBUFS;
	switch (request) {
	case VHOST_SET_VRING_NUM:
		if (v->seen.runs)
			return -EBUSY;
		if (!state->num || state->num & (state->num - 1))
			return -EINVAL;
		v->seen.size[state->index] = state->num;
		return 0;
	case VHOST_SET_VRING_BASE:
		v->seen.base[state->index] = state->num;
		return v->seen.runs ? -EBUSY : 0;
	case VHOST_SET_VRING_ADDR:
		if (addr->desc_user_addr & 15 || addr->avail_user_addr & 1 ||
		    addr->used_user_addr & 3)
			return -EINVAL;
		v->addr[addr->index] = *addr;
		return 0;
	case VHOST_SET_VRING_KICK:
		return set_fd(&v->kick[file->index], file->fd);
	case VHOST_SET_VRING_CALL:
		return set_fd(&v->call[file->index], file->fd);
	}
	return -ENOTTY;
}

static bool in_memory(const struct vhost *v, uint64_t at, uint64_t len)
{
	unsigned int i;

	for (i = 0; i < v->nr_mem; i++)
		if (range_contains(v->mem[i].userspace_addr,
				   v->mem[i].memory_size, at, len))
			return true;
	return false;
}

static int set_running(struct vhost *v, bool on)
{
	unsigned int i;

	for (i = 0; i < FAKE_VHOST_RINGS && on; i++)
		if (!v->seen.size[i] ||
		    !in_memory(v, v->addr[i].desc_user_addr,
			       v->seen.size[i] * 16ULL) ||
		    !in_memory(v, v->addr[i].used_user_addr,
			       v->seen.size[i] * 8ULL + 4) ||
		    !in_memory(v, v->addr[i].avail_user_addr,
			       v->seen.size[i] * 2ULL + 4))
			return -EFAULT;
	v->seen.runs = on;
	return 0;
}

static int set_cid(struct vhost *v, uint64_t cid)
{
	if (cid <= 2 || cid >= UINT32_MAX)
		return -EINVAL;
	if (cid == FAKE_VHOST_TAKEN)
		return -EADDRINUSE;
	v->seen.cid = cid;
	return 0;
}

int vhost_ioctl(struct vhost *v, unsigned long request, void *arg)
{
	if (request == VHOST_SET_OWNER) {
		if (v->owned)
			return -EBUSY;
		v->owned = true;
		return 0;
	}
	if (request == VHOST_GET_FEATURES) {
		*(uint64_t *)arg = FEATURES;
		return 0;
	}
	if (request == VHOST_VSOCK_SET_GUEST_CID)
		return set_cid(v, *(const uint64_t *)arg);
	if (!v->owned)
		return -EPERM;
	switch (request) {
	case VHOST_SET_FEATURES:
		v->seen.features = *(const uint64_t *)arg;
		return v->seen.features & ~FEATURES ? -EOPNOTSUPP : 0;
	case VHOST_SET_MEM_TABLE:
		return set_memory(v, arg);
	case VHOST_VSOCK_SET_RUNNING:
		return set_running(v, *(const int *)arg);
	}
	return ring_ioctl(v, request, arg);
}

bool vhost_uses(uintptr_t start, size_t len)
{
	const struct vhost *v = world->vhost;
	unsigned int i;

	for (i = 0; v && v->seen.runs && i < v->nr_mem; i++)
		if (ranges_overlap(v->mem[i].userspace_addr,
				   v->mem[i].memory_size, start, len))
			return true;
	return false;
}

const struct fake_vhost *fake_vhost(void)
{
	return world->vhost ? &world->vhost->seen : NULL;
}

bool fake_vhost_kicked(unsigned int ring)
{
	uint64_t count;

	return read(world->vhost->kick[ring]->real, &count, sizeof(count)) > 0;
}

void fake_vhost_call(unsigned int ring)
{
	static const uint64_t one = 1;

	if (write(world->vhost->call[ring]->real, &one, sizeof(one)) < 0)
		abort();
}
