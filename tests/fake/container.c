/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VFIO's container and groups, with type 1 (v2) mappings. Linux:
 * Documentation/driver-api/vfio.rst, drivers/vfio/group.c's rules as seen
 * from user space.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_priv.h"

#define NOIOMMU "noiommu-"
#define UNSAFE "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"

int container_open(void)
{
	struct container *c = zalloc(sizeof(*c));

	c->space = dma_space_new();
	c->space->by_process = true;
	return file_new(KIND_CONTAINER, "/dev/vfio/vfio", c, -1);
}

void container_release(struct container *container)
{
	dma_space_free(container->space);
	free(container);
}

/* ---- groups ------------------------------------------------------------- */

struct group *group_find(int id)
{
	struct group *group;

	for (group = world->groups; group; group = group->next)
		if (group->id == id)
			return group;
	group = zalloc(sizeof(*group));
	group->id = id;
	group->next = world->groups;
	world->groups = group;
	return group;
}

static bool viable(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && pci->driver[0] && !pci_is_vfio(pci) &&
		    strcmp(pci->driver, "pcieport") &&
		    strcmp(pci->driver, "pci-stub"))
			return false;
	return true;
}

bool group_noiommu(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && pci->noiommu)
			return true;
	return false;
}

int group_claim(int id)
{
	if (group_noiommu(id))
		return world->host.cap_sys_rawio ? 0 : -EPERM;
	if (world->host.rmrr || world->host.no_coherency)
		return -EINVAL;
	if (world->host.busy_domain || !viable(id))
		return -EBUSY;
	return 0;
}

static bool node_open(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && pci->priv->opener &&
		    pci->priv->opener->cdev)
			return true;
	return false;
}

int group_open(const char *name)
{
	bool noiommu = !strncmp(name, NOIOMMU, strlen(NOIOMMU));
	int id = atoi(noiommu ? name + strlen(NOIOMMU) : name);
	struct group *group = group_find(id);
	char path[48];

	if (noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	if (group->open || node_open(id))
		return -EBUSY;
	snprintf(path, sizeof(path), "/dev/vfio/%s", name);
	group->open = true;
	return file_new(KIND_GROUP, path, group, -1);
}

static void leave_container(struct group *group)
{
	struct container *c = group->container;
	uint64_t unmapped;

	if (group->iommufd)
		file_put(group->iommufd);
	group->iommufd = NULL;
	if (!c)
		return;
	c->space->attached--;
	if (!--c->groups) {
		c->type = 0;
		dma_unmap(c->space, 0, UINT64_MAX, &unmapped);
	}
	file_put(group->container_file);
	group->container = NULL;
	group->container_file = NULL;
}

void group_release(struct group *group)
{
	leave_container(group);
	group->open = false;
}

static int get_status(const struct group *group, struct vfio_group_status *arg)
{
	if (arg->argsz < sizeof(*arg))
		return -EINVAL;
	arg->flags = 0;
	if (viable(group->id) && (!world->host.busy_domain || group->iommufd))
		arg->flags |= VFIO_GROUP_FLAGS_VIABLE;
	if (group->container || group->iommufd)
		arg->flags |= VFIO_GROUP_FLAGS_CONTAINER_SET;
	return 0;
}

/* What a mediated device does is not the IOMMU's. */
static bool isolated(int id)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->group == id && !pci->mdev)
			return world->host.intremap || fs_param(UNSAFE);
	return true;
}

static bool all_isolated(const struct container *c)
{
	const struct group *group;

	for (group = world->groups; group; group = group->next)
		if (group->container == c && !isolated(group->id))
			return false;
	return true;
}

static const struct fake_pci *first_of(int id)
{
	const struct fake_pci *pci = world->pcis;

	while (pci->group != id)
		pci = pci->next;
	return pci;
}

static int set_container(struct group *group, const int *fd)
{
	struct file *file = file_of(*fd);
	struct container *c;
	int err;

	if (!file)
		return -EBADF;
	if (file->kind != KIND_CONTAINER && file->kind != KIND_IOMMUFD)
		return -EBADFD;
	if (group->container || group->iommufd)
		return -EINVAL;
	if (file->kind == KIND_IOMMUFD) {
		err = compat_join(file->obj, group_noiommu(group->id));
		if (err < 0)
			return err;
		group->iommufd = file;
		file_hold(file);
		return 0;
	}
	err = group_claim(group->id);
	if (err < 0)
		return err;
	c = file->obj;
	if (c->groups && c->noiommu != group_noiommu(group->id))
		return -EPERM;
	c->noiommu = group_noiommu(group->id);
	if (c->type && !c->noiommu && !isolated(group->id))
		return -EPERM;
	if (dma_attach(c->space, first_of(group->id)) < 0)
		return -EINVAL;
	group->container = c;
	group->container_file = file;
	file_hold(file);
	c->groups++;
	return 0;
}

static int get_device_fd(struct file *file, struct group *group,
			 const char *request)
{
	const char *token = strstr(request, " vf_token=");
	char name[sizeof(((struct fake_pci *)0)->addr)];
	struct ioas *ioas = NULL;
	struct fake_pci *pci;
	int err, fd;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(request, " "),
		 request);
	pci = fake_pci_find(name);
	if (!group->iommufd && (!group->container || !group->container->type))
		return -EINVAL;
	if (!pci || pci->group != group->id || !pci_is_vfio(pci))
		return -ENODEV;
	if (pci->noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	err = pci_token(pci, token ? strchr(token, '=') + 1 : NULL);
	if (err < 0)
		return err;
	if (group->iommufd) {
		err = compat_open(group->iommufd, pci, &ioas);
		if (err < 0)
			return err;
	}
	fd = device_open(pci, file, false);
	if (fd >= 0)
		((struct vdev *)file_of(fd)->obj)->ioas = ioas;
	return fd;
}

int group_ioctl(struct file *file, unsigned long request, void *arg)
{
	struct group *group = file->obj;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		return get_status(group, arg);
	case VFIO_GROUP_SET_CONTAINER:
		return set_container(group, arg);
	case VFIO_GROUP_UNSET_CONTAINER:
		if (!group->container && !group->iommufd)
			return -EINVAL;
		if (group->container && group->devices)
			return -EBUSY;
		leave_container(group);
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device_fd(file, group, arg);
	}
	return -ENOTTY;
}

/* ---- the container ------------------------------------------------------ */

static int check_extension(unsigned long num)
{
	switch (num) {
	case VFIO_TYPE1_IOMMU:
		return world->host.type1;
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_UNMAP_ALL:
		return world->host.type1v2;
	case VFIO_SPAPR_TCE_IOMMU:
		return world->host.spapr;
	case VFIO_DMA_CC_IOMMU:
		return world->host.snoops;
	case VFIO_NOIOMMU_IOMMU:
		return world->host.noiommu && world->host.unsafe_noiommu;
	}
	return 0;
}

static int set_iommu(struct container *c, unsigned long type)
{
	if (!c->groups || c->type)
		return -EINVAL;
	if (!check_extension(type) ||
	    c->noiommu != (type == VFIO_NOIOMMU_IOMMU))
		return -ENODEV;
	if (c->noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	if (!c->noiommu && !all_isolated(c))
		return -EPERM;
	c->type = type;
	return 0;
}

struct info_caps {
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_dma_avail avail;
	uint32_t pad;
	/* last, so that the chain is walked to its end */
	struct {
		struct vfio_info_cap_header header;
		uint32_t nr;
		uint32_t reserved;
		struct vfio_iova_range ranges[2];
	} iova;
};

static void fill_caps(struct info_caps *caps, bool attached, uint32_t maps)
{
	uint64_t first[2] = { 0 }, last[2] = { UINT64_MAX };
	unsigned int i;

	caps->migration.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION;
	caps->migration.header.version = 1;
	caps->migration.header.next = offsetof(struct info_caps, avail);
	caps->migration.pgsize_bitmap = PAGE;
	caps->avail.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL;
	caps->avail.header.version = 1;
	caps->avail.header.next = offsetof(struct info_caps, iova);
	caps->avail.avail = maps;
	caps->iova.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	caps->iova.header.version = 1;
	caps->iova.nr = attached ? dma_ranges(first, last) : 1;
	for (i = 0; i < caps->iova.nr; i++)
		caps->iova.ranges[i] = (struct vfio_iova_range){ first[i],
								 last[i] };
}

int type1_info(struct vfio_iommu_type1_info *arg, bool attached, uint32_t maps)
{
	struct info_caps caps = { 0 };
	uint32_t argsz = arg->argsz;

	if (argsz < offsetof(struct vfio_iommu_type1_info, iova_pgsizes))
		return -EINVAL;
	fill_caps(&caps, attached, maps);
	caps.info.flags = VFIO_IOMMU_INFO_CAPS |
		(world->host.no_pgsizes ? 0 : VFIO_IOMMU_INFO_PGSIZES);
	caps.info.iova_pgsizes = world->host.page | world->host.pages;
	caps.info.argsz = sizeof(caps);
	if (argsz < sizeof(caps)) {
		memcpy(arg, &caps.info, MIN(argsz, sizeof(caps.info)));
		return 0;
	}
	/* An iommufd has no such tracking. */
	caps.info.cap_offset = maps == UINT32_MAX ?
		offsetof(struct info_caps, avail) :
		offsetof(struct info_caps, migration);
	memcpy(arg, &caps, sizeof(caps));
	return 0;
}

static unsigned int nr_maps(const struct container *c)
{
	const struct dma_map *m;
	unsigned int n = 0;

	for (m = c->space->maps; m; m = m->next)
		n++;
	return n;
}

static int map(struct container *c, const struct vfio_iommu_type1_dma_map *arg)
{
	const uint32_t rw = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	if (!c->type || arg->argsz < sizeof(*arg) || arg->flags & ~rw ||
	    !(arg->flags & rw))
		return -EINVAL;
	if (nr_maps(c) >= world->host.maps_max)
		return -ENOSPC;
	return dma_map(c->space, arg->iova, arg->size, arg->vaddr, false,
		       true);
}

static int unmap(struct container *c, struct vfio_iommu_type1_dma_unmap *arg)
{
	uint64_t unmapped;
	int err;

	if (!c->type || arg->argsz < sizeof(*arg) || arg->flags ||
	    !IS_ALIGNED(arg->iova | arg->size, PAGE) ||
	    !range_ok(arg->iova, arg->size))
		return -EINVAL;
	err = dma_unmap(c->space, arg->iova, arg->size, &unmapped);
	arg->size = unmapped;
	return err == -ENOENT ? 0 : err;
}

int container_ioctl(struct file *file, unsigned long request, void *arg,
		    unsigned long num)
{
	struct container *c = file->obj;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return check_extension(num);
	case VFIO_SET_IOMMU:
		return set_iommu(c, num);
	}
	if (c->noiommu)
		return -ENOTTY;
	switch (request) {
	case VFIO_IOMMU_GET_INFO:
		return c->type ? type1_info(arg, true, world->host.maps_max -
					    nr_maps(c)) : -EINVAL;
	case VFIO_IOMMU_MAP_DMA:
		return map(c, arg);
	case VFIO_IOMMU_UNMAP_DMA:
		return unmap(c, arg);
	}
	return -ENOTTY;
}
