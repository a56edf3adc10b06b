/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev/iommu and the devices' own nodes. Linux:
 * Documentation/userspace-api/iommufd.rst.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "iommu/uapi.h"
#include "tests/fake/fake_priv.h"

#define UNSAFE "/sys/module/iommufd/parameters/allow_unsafe_interrupts"

int iommufd_open(const char *path, bool by_process)
{
	struct iommufd *iommufd = zalloc(sizeof(*iommufd));

	iommufd->by_process = by_process;
	return file_new(KIND_IOMMUFD, path, iommufd, -1);
}

void iommufd_release(struct iommufd *iommufd)
{
	struct ioas *ioas;

	while ((ioas = iommufd->ioas)) {
		iommufd->ioas = ioas->next;
		dma_space_free(ioas->space);
		free(ioas);
	}
	free(iommufd);
}

static struct ioas *find_ioas(struct iommufd *iommufd, uint32_t id)
{
	struct ioas *ioas;

	for (ioas = iommufd->ioas; ioas; ioas = ioas->next)
		if (ioas->id == id)
			return ioas;
	return NULL;
}

struct ioas *ioas_new(struct iommufd *iommufd)
{
	struct ioas *ioas = zalloc(sizeof(*ioas));

	ioas->id = ++iommufd->last_id;
	ioas->space = dma_space_new();
	ioas->space->by_process = iommufd->by_process;
	ioas->next = iommufd->ioas;
	iommufd->ioas = ioas;
	return ioas;
}

static int alloc(struct iommufd *iommufd, struct iommu_ioas_alloc *arg)
{
	if (arg->flags)
		return -EOPNOTSUPP;
	arg->out_ioas_id = ioas_new(iommufd)->id;
	return 0;
}

/* The accounting of locked memory, the one option that is here. */
static int option(struct iommufd *iommufd, struct iommu_option *arg)
{
	if (arg->__reserved || arg->object_id ||
	    arg->option_id != IOMMU_OPTION_RLIMIT_MODE)
		return -EOPNOTSUPP;
	if (arg->op == IOMMU_OPTION_OP_GET) {
		arg->val64 = iommufd->by_process;
		return 0;
	}
	if (!world->host.cap_sys_resource)
		return -EPERM;
	if (iommufd->last_id)
		return -EBUSY;
	iommufd->by_process = arg->val64;
	return 0;
}

static int vfio_ioas(struct iommufd *iommufd, struct iommu_vfio_ioas *arg)
{
	struct ioas *ioas;

	if (arg->__reserved)
		return -EOPNOTSUPP;
	switch (arg->op) {
	case IOMMU_VFIO_IOAS_GET:
		if (!iommufd->compat)
			return -ENODEV;
		arg->ioas_id = iommufd->compat->id;
		return 0;
	case IOMMU_VFIO_IOAS_SET:
		ioas = find_ioas(iommufd, arg->ioas_id);
		if (!ioas)
			return -ENOENT;
		iommufd->compat = ioas;
		return 0;
	case IOMMU_VFIO_IOAS_CLEAR:
		iommufd->compat = NULL;
		return 0;
	}
	return -EOPNOTSUPP;
}

static int destroy(struct iommufd *iommufd, const struct iommu_destroy *arg)
{
	struct ioas **at, *ioas = find_ioas(iommufd, arg->id);

	if (!ioas)
		return -ENOENT;
	if (ioas->space->attached)
		return -EBUSY;
	for (at = &iommufd->ioas; *at != ioas; at = &(*at)->next)
		;
	*at = ioas->next;
	if (iommufd->compat == ioas)
		iommufd->compat = NULL;
	dma_space_free(ioas->space);
	free(ioas);
	return 0;
}

static int ranges(struct iommufd *iommufd, struct iommu_ioas_iova_ranges *arg)
{
	struct iommu_iova_range *out = (void *)(uintptr_t)arg->allowed_iovas;
	const struct ioas *ioas = find_ioas(iommufd, arg->ioas_id);
	uint64_t first[2] = { 0 }, last[2] = { UINT64_MAX };
	uint32_t room = arg->num_iovas, i, n;

	if (!ioas)
		return -ENOENT;
	if (arg->__reserved)
		return -EOPNOTSUPP;
	n = ioas->space->attached && !ioas->space->noiommu ?
		dma_ranges(first, last) : 1;
	arg->num_iovas = n;
	arg->out_iova_alignment = ioas->space->attached ? world->host.page : 1;
	for (i = 0; i < MIN(n, room); i++)
		out[i] = (struct iommu_iova_range){ first[i], last[i] };
	return n > room ? -EMSGSIZE : 0;
}

static int check_flags(uint32_t flags)
{
	const uint32_t rw = IOMMU_IOAS_MAP_READABLE |
		IOMMU_IOAS_MAP_WRITEABLE;

	if (flags & ~(rw | IOMMU_IOAS_MAP_FIXED_IOVA))
		return -EOPNOTSUPP;
	/* The fake does not choose addresses. */
	return flags & rw && flags & IOMMU_IOAS_MAP_FIXED_IOVA ? 0 : -EINVAL;
}

static int map(struct iommufd *iommufd, const struct iommu_ioas_map *arg)
{
	struct ioas *ioas = find_ioas(iommufd, arg->ioas_id);
	int err = check_flags(arg->flags);

	if (err < 0)
		return err;
	return !ioas ? -ENOENT : dma_map(ioas->space, arg->iova, arg->length,
					 arg->user_va, false, false);
}

static int map_dmabuf(struct ioas *ioas, const struct dmabuf *buf,
		      const struct iommu_ioas_map_file *arg)
{
	if (!range_contains(0, buf->size, arg->start, arg->length))
		return -EINVAL;
	return dma_map_bar(ioas->space, arg->iova, arg->length, buf->pci);
}

static int map_file(struct iommufd *iommufd,
		    const struct iommu_ioas_map_file *arg)
{
	struct ioas *ioas = find_ioas(iommufd, arg->ioas_id);
	const struct file *file = file_of(arg->fd);
	int err = check_flags(arg->flags);
	struct stat st;

	if (!world->host.map_file)
		return -ENOTTY;
	if (err < 0)
		return err;
	if (!ioas)
		return -ENOENT;
	if (!file)
		return -EBADF;
	if (file->kind == KIND_DMABUF)
		return map_dmabuf(ioas, file->obj, arg);
	if (!file->memfd || fstat(file->real, &st) < 0 ||
	    !range_ok(arg->start, arg->length) ||
	    arg->start + arg->length > (uint64_t)st.st_size)
		return -EINVAL;
	return dma_map(ioas->space, arg->iova, arg->length, 0, true, false);
}

static int unmap(struct iommufd *iommufd, struct iommu_ioas_unmap *arg)
{
	struct ioas *ioas = find_ioas(iommufd, arg->ioas_id);
	uint64_t length = arg->length, unmapped;
	int err;

	if (!ioas)
		return -ENOENT;
	if (!length)
		return -EINVAL;
	err = dma_unmap(ioas->space, arg->iova, length, &unmapped);
	arg->length = unmapped;
	if (arg->iova == 0 && length == UINT64_MAX && err == -ENOENT)
		return 0;
	return err == -EINVAL ? -ENOENT : err;
}

static int copy(struct iommufd *iommufd, const struct iommu_ioas_copy *arg)
{
	const struct ioas *from = find_ioas(iommufd, arg->src_ioas_id);
	struct ioas *to = find_ioas(iommufd, arg->dst_ioas_id);
	int err = check_flags(arg->flags);

	if (err < 0)
		return err;
	return !from || !to ? -ENOENT : dma_copy(to->space, arg->dst_iova,
						 arg->length, from->space,
						 arg->src_iova);
}

static int hw_info(const struct iommufd *iommufd, struct iommu_hw_info *arg)
{
	if (arg->flags || !arg->dev_id || arg->dev_id > iommufd->last_id)
		return arg->flags ? -EOPNOTSUPP : -ENOENT;
	arg->out_capabilities = world->host.dirty ?
		IOMMU_HW_CAP_DIRTY_TRACKING : 0;
	return 0;
}

/* One page's worth at a time is as good an answer as any longer one. */
static int get_pa(struct iommufd *iommufd,
		  struct iommu_ioas_noiommu_get_pa *arg)
{
	const struct ioas *ioas = find_ioas(iommufd, arg->ioas_id);
	const struct dma_map *m;
	uint64_t pa, off;

	if (!world->host.noiommu_cdev)
		return -ENOTTY;
	if (!world->host.cap_sys_rawio)
		return -EPERM;
	if (arg->flags || arg->__reserved)
		return -EOPNOTSUPP;
	if (!arg->length)
		return -EINVAL;
	if (!ioas)
		return -ENOENT;
	for (m = ioas->space->maps; m; m = m->next)
		if (arg->iova - m->iova < m->size)
			break;
	if (!m)
		return -ENOENT;
	if (!ioas->space->noiommu || !ioas->space->attached)
		return -EOPNOTSUPP;
	off = arg->iova - m->iova;
	if (!m->hva || !huge_phys(m->hva + off, &pa))
		return -EINVAL;
	arg->out_phys = pa;
	arg->length = MIN(MIN(arg->length, m->size - off), HUGE - pa % HUGE);
	return 0;
}

/* Each argument begins with its size, and none may be too short. */
int iommufd_ioctl(struct iommufd *iommufd, unsigned long request, void *arg,
		  unsigned long num)
{
	uint32_t size = arg ? *(uint32_t *)arg : 0;

	switch (request) {
	case IOMMU_DESTROY:
		return size < 8 ? -EINVAL : destroy(iommufd, arg);
	case IOMMU_IOAS_ALLOC:
		return size < 12 ? -EINVAL : alloc(iommufd, arg);
	case IOMMU_IOAS_IOVA_RANGES:
		return size < 32 ? -EINVAL : ranges(iommufd, arg);
	case IOMMU_IOAS_MAP:
		return size < 40 ? -EINVAL : map(iommufd, arg);
	case IOMMU_IOAS_MAP_FILE:
		return size < 40 ? -EINVAL : map_file(iommufd, arg);
	case IOMMU_IOAS_UNMAP:
		return size < 24 ? -EINVAL : unmap(iommufd, arg);
	case IOMMU_GET_HW_INFO:
		return size < 40 ? -EINVAL : hw_info(iommufd, arg);
	case IOMMU_IOAS_COPY:
		return size < 40 ? -EINVAL : copy(iommufd, arg);
	case IOMMU_OPTION:
		return size < 24 ? -EINVAL : option(iommufd, arg);
	case IOMMU_VFIO_IOAS:
		return size < 12 ? -EINVAL : vfio_ioas(iommufd, arg);
	case IOMMU_IOAS_NOIOMMU_GET_PA:
		return size < 40 ? -EINVAL : get_pa(iommufd, arg);
	}
	return compat_ioctl(iommufd, request, arg, num);
}

/* ---- the devices' own nodes --------------------------------------------- */

int cdev_open(const char *name)
{
	struct fake_pci *pci = pci_by_node(name);

	if (!pci)
		return -ENOENT;
	if (pci->noiommu && !world->host.cap_sys_rawio)
		return -EPERM;
	if (group_find(pci->group)->open)
		return -EBUSY;
	return device_open(pci, NULL, true);
}

int iommufd_claim(const struct fake_pci *pci)
{
	int err = pci->mdev ? 0 : group_claim(pci->group);

	if (pci->mdev || pci->noiommu || err < 0)
		return err;
	return world->host.intremap || fs_param(UNSAFE) ? 0 : -EPERM;
}

/* Before Linux 6.17 nodes took no token, and asked for none. */
static int bind_token(struct vdev *vdev, const struct bind_iommufd *arg)
{
	const uint8_t *b = (const uint8_t *)(uintptr_t)arg->token_uuid_ptr;
	char text[40];

	if (!world->host.bind_token)
		return arg->flags ? -EINVAL : 0;
	if (!arg->flags)
		return pci_token(vdev->pci, NULL);
	if (arg->flags != 1 || arg->argsz < sizeof(*arg))
		return -EINVAL;
	snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3],
		 b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		 b[13], b[14], b[15]);
	return pci_token(vdev->pci, text);
}

static int bind(struct vdev *vdev, struct bind_iommufd *arg)
{
	struct file *file = file_of_kind(arg->iommufd, KIND_IOMMUFD);
	int err;

	if (arg->argsz < 16 || vdev->ready ||
	    vdev->pci->priv->opener)
		return -EINVAL;
	if (!file)
		return file_of(arg->iommufd) ? -EBADFD : -EBADF;
	if (group_find(vdev->pci->group)->open)
		return -EBUSY;
	err = bind_token(vdev, arg);
	if (err < 0)
		return err;
	err = iommufd_claim(vdev->pci);
	if (err < 0)
		return err;
	file_hold(file);
	vdev->iommufd = file;
	arg->out_devid = ++((struct iommufd *)file->obj)->last_id;
	device_start(vdev);
	return 0;
}

void cdev_detach(struct vdev *vdev)
{
	if (vdev->ioas)
		vdev->ioas->space->attached--;
	vdev->ioas = NULL;
}

static int attach(struct vdev *vdev, struct vfio_device_attach_iommufd_pt *arg)
{
	struct ioas *ioas;
	int err;

	if (arg->argsz < 12 || arg->flags)
		return -EINVAL;
	ioas = find_ioas(vdev->iommufd->obj, arg->pt_id);
	if (!ioas)
		return -ENOENT;
	cdev_detach(vdev);
	err = dma_attach(ioas->space, vdev->pci);
	if (err < 0)
		return err;
	vdev->ioas = ioas;
	return 0;
}

int cdev_ioctl(struct file *file, unsigned long request, void *arg)
{
	struct vdev *vdev = file->obj;

	if (request == VFIO_DEVICE_BIND_IOMMUFD) {
		if (!file->kvm_held)
			violation("%s is bound before KVM was told",
				  file->name);
		return bind(vdev, arg);
	}
	if (!vdev->ready)
		return -EINVAL;
	if (request == VFIO_DEVICE_ATTACH_IOMMUFD_PT)
		return attach(vdev, arg);
	cdev_detach(vdev);
	return 0;
}
