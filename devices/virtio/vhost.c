/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See vhost.h.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/virtio/vhost.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

int vhost_attach(const struct virtio *v, const char *node)
{
	char path[24];
	int fd, err;

	snprintf(path, sizeof(path), "/dev/vhost-%s", v->name);
	if (!node)
		node = path;
	fd = file_open_node(node);
	err = fd < 0 ? fd : sys_ioctl_num(fd, VHOST_SET_OWNER, 0);
	if (err >= 0)
		return fd;
	if (fd >= 0)
		sys_close(fd);
	log_err("--%s: cannot use %s: %s", v->name, node, err_text(err));
	if (err == -ENOENT)
		log_hint("modprobe vhost_%s", v->name);
	return err == -ENOENT ? -ENODEV : err;
}

static int set_memory(int fd, const struct mem *mem)
{
	const struct mem_region *r;
	struct vhost_memory *table;
	unsigned int nr = 0;
	int err;

	for (r = mem->ram; r; r = r->next_ram)
		nr++;
	table = calloc(1, sizeof(*table) + nr * sizeof(table->regions[0]));
	if (!table)
		return -ENOMEM;
	for (r = mem->ram; r; r = r->next_ram)
		table->regions[table->nregions++] = (struct vhost_memory_region){
			.guest_phys_addr = r->gpa,
			.memory_size = r->size,
			.userspace_addr = (uintptr_t)r->hva,
		};
	err = sys_ioctl(fd, VHOST_SET_MEM_TABLE, table);
	free(table);
	return err;
}

static int set_features(int fd, uint64_t features)
{
	uint64_t has;
	int err = sys_ioctl(fd, VHOST_GET_FEATURES, &has);

	if (err >= 0 && features & ~has)
		err = -EOPNOTSUPP;
	return err < 0 ? err : sys_ioctl(fd, VHOST_SET_FEATURES, &features);
}

static int set_ring(int fd, unsigned int ring, const struct virtq *q)
{
	struct vhost_vring_state state = { .index = ring, .num = q->size };
	struct vhost_vring_file file = { .index = ring, .fd = q->kick_fd };
	struct vhost_vring_addr addr = {
		.index = ring,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
	};
	int err = sys_ioctl(fd, VHOST_SET_VRING_NUM, &state);

	state.num = q->next_avail;
	if (err >= 0)
		err = sys_ioctl(fd, VHOST_SET_VRING_BASE, &state);
	if (err >= 0)
		err = sys_ioctl(fd, VHOST_SET_VRING_ADDR, &addr);
	if (err >= 0)
		err = sys_ioctl(fd, VHOST_SET_VRING_KICK, &file);
	file.fd = virtio_call_fd(q);
	if (err >= 0)
		err = sys_ioctl(fd, VHOST_SET_VRING_CALL, &file);
	return err;
}

int vhost_setup(int fd, const struct virtio *v, uint64_t features,
		struct virtq *const *queues, unsigned int nr)
{
	unsigned int i;
	int err;

	for (i = 0; i < nr; i++)
		if (!queues[i]->live || virtio_call_fd(queues[i]) < 0)
			return -EOPNOTSUPP;
	err = set_features(fd, v->accepted & features);
	if (err >= 0)
		err = set_memory(fd, &v->vm->mem);
	for (i = 0; i < nr && err >= 0; i++)
		err = set_ring(fd, i, queues[i]);
	return err;
}
