/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VFIO device's file: regions, BARs' memory, reset. Linux:
 * include/uapi/linux/vfio.h, drivers/vfio/pci as seen from user space.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "iommu/uapi.h"
#include "tests/fake/fake_priv.h"

#define OFFSET_SHIFT 40

static struct vdev *vdev_new(struct fake_pci *pci, struct file *group,
			     bool cdev)
{
	struct vdev *vdev = zalloc(sizeof(*vdev));

	vdev->pci = pci;
	vdev->cdev = cdev;
	vdev->group = group;
	if (group) {
		file_hold(group);
		((struct group *)group->obj)->devices++;
	}
	return vdev;
}

static void make_bar(struct fake_pci *pci, unsigned int i)
{
	const struct fake_pci_bar *bar = &pci->bars[i];
	int fd = pci->priv->bar_fd[i];

	/* A hostile one is as large as it likes, but not here. */
	if (!bar->size || bar->size > BIT(40) || fd >= 0)
		return;
	fd = memfd_create("bar", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, ALIGN_UP(bar->size, PAGE)) < 0)
		abort();
	pci->priv->bar_fd[i] = fd;
	pci->bar_mem[i] = mmap(NULL, ALIGN_UP(bar->size, PAGE),
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pci->bar_mem[i] == MAP_FAILED)
		abort();
}

/* Its driver opens the device: this makes it work, and resets it. */
void device_start(struct vdev *vdev)
{
	struct fake_pci *pci = vdev->pci;
	unsigned int i;

	for (i = 0; i < 6; i++)
		make_bar(pci, i);
	config_start(pci);
	vdev->ready = true;
	pci->open = true;
	pci->opens++;
	pci->priv->opener = vdev;
}

int device_open(struct fake_pci *pci, struct file *group, bool cdev)
{
	struct vdev *vdev = vdev_new(pci, group, cdev);
	char name[64];

	if (group && !group->kvm_held)
		violation("%s is opened before KVM was told of its group",
			  pci->addr);
	snprintf(name, sizeof(name), "VFIO device %s", pci->addr);
	if (!cdev)
		device_start(vdev);
	return file_new(KIND_DEVICE, name, vdev, -1);
}

int fake_device_fd(struct fake_pci *pci)
{
	struct vdev *vdev = vdev_new(pci, NULL, false);
	char name[64];

	device_start(vdev);
	snprintf(name, sizeof(name), "VFIO device %s", pci->addr);
	return file_new(KIND_DEVICE, name, vdev, -1);
}

static bool bus_master(const struct fake_pci *pci)
{
	return fake_cfg_get16(pci, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

void device_release(struct vdev *vdev)
{
	struct fake_pci *pci = vdev->pci;

	if (pci->priv->opener == vdev) {
		if (bus_master(pci))
			violation("%s is closed while it masters the bus",
				  pci->addr);
		irq_disable_all(pci);
		pci->open = false;
		pci->priv->opener = NULL;
	}
	cdev_detach(vdev);
	if (vdev->iommufd)
		file_put(vdev->iommufd);
	if (vdev->group) {
		((struct group *)vdev->group->obj)->devices--;
		file_put(vdev->group);
	}
	free(vdev);
}

/* ---- what the device is like -------------------------------------------- */

static int get_info(const struct fake_pci *pci, struct vfio_device_info *arg)
{
	if (arg->argsz < offsetof(struct vfio_device_info, cap_offset))
		return -EINVAL;
	arg->flags = VFIO_DEVICE_FLAGS_PCI;
	arg->num_regions = VFIO_PCI_NUM_REGIONS;
	arg->num_irqs = VFIO_PCI_NUM_IRQS;
	if (pci->bus) {
		arg->flags = !strcmp(pci->bus, "amba") ?
			VFIO_DEVICE_FLAGS_AMBA : VFIO_DEVICE_FLAGS_PLATFORM;
		arg->num_regions = pci->nr_regions;
		arg->num_irqs = pci->nr_irqs;
	}
	if (pci->odd_flags)
		arg->flags = pci->odd_flags;
	if (pci->can_reset)
		arg->flags |= VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

static uint64_t region_size(const struct fake_pci *pci, unsigned int index)
{
	if (index <= VFIO_PCI_BAR5_REGION_INDEX)
		return pci->bars[index].size;
	if (pci->bus)
		return 0;
	if (index == VFIO_PCI_ROM_REGION_INDEX)
		return pci->rom_size;
	return index == VFIO_PCI_CONFIG_REGION_INDEX ? pci->cfg_size : 0;
}

/*
 * Of a BAR smaller than a page only where the kernel could reserve the rest of
 * it; its region is no larger for that. Linux: vfio_pci_probe_mmaps().
 */
static bool can_mmap(const struct fake_pci *pci, unsigned int index)
{
	if (pci->bus)
		return !pci->no_mmap && IS_ALIGNED(pci->bars[index].size, PAGE);
	return index <= VFIO_PCI_BAR5_REGION_INDEX && !pci->no_mmap &&
		!pci->bars[index].io &&
		(pci->bars[index].size >= PAGE ||
		 (pci->bars[index].size && pci->small_mmap));
}

/* The BAR with the MSI-X table carries a capability that says so. */
static bool has_cap(const struct fake_pci *pci, unsigned int index)
{
	unsigned int at = pci->cfg[PCI_CAPABILITY_LIST], n;

	/* No more than there can be: a test's list may be a circle. */
	for (n = 0; at && n < 64; at = pci->cfg[at + 1], n++)
		if (pci->cfg[at] == PCI_CAP_ID_MSIX)
			return can_mmap(pci, index) &&
				(fake_cfg_get32(pci, at + PCI_MSIX_TABLE) &
				 PCI_MSIX_TABLE_BIR) == index;
	return false;
}

static int get_region(const struct fake_pci *pci, struct vfio_region_info *arg)
{
	uint32_t argsz = arg->argsz;
	struct vfio_info_cap_header *cap = (void *)(arg + 1);

	if (argsz < sizeof(*arg) ||
	    arg->index >= (pci->bus ? pci->nr_regions : VFIO_PCI_NUM_REGIONS))
		return -EINVAL;
	arg->offset = (uint64_t)arg->index << OFFSET_SHIFT;
	arg->size = region_size(pci, arg->index);
	arg->flags = 0;
	arg->cap_offset = 0;
	if (!arg->size)
		return 0;
	arg->flags = VFIO_REGION_INFO_FLAG_READ;
	if (arg->index != VFIO_PCI_ROM_REGION_INDEX && !pci->readonly)
		arg->flags |= VFIO_REGION_INFO_FLAG_WRITE;
	if (can_mmap(pci, arg->index))
		arg->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	if (pci->bus || !has_cap(pci, arg->index))
		return 0;
	arg->flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (argsz < sizeof(*arg) + sizeof(*cap)) {
		arg->argsz = sizeof(*arg) + sizeof(*cap);
		return 0;
	}
	arg->cap_offset = sizeof(*arg);
	*cap = (struct vfio_info_cap_header){
		.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE,
		.version = 1,
	};
	return 0;
}

static int get_irq(const struct fake_pci *pci, struct vfio_irq_info *arg)
{
	static const uint32_t intx = VFIO_IRQ_INFO_EVENTFD |
		VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;

	if (arg->argsz < sizeof(*arg) ||
	    arg->index >= (pci->bus ? pci->nr_irqs : VFIO_PCI_NUM_IRQS))
		return -EINVAL;
	arg->count = pci->odd_count ? pci->odd_count :
		irq_count(pci, arg->index);
	if (pci->bus)
		arg->flags = pci->level[arg->index] ? intx :
			VFIO_IRQ_INFO_EVENTFD;
	else if (arg->index == VFIO_PCI_INTX_IRQ_INDEX)
		arg->flags = intx;
	else if (arg->index == VFIO_PCI_MSIX_IRQ_INDEX && !pci->noresize)
		arg->flags = VFIO_IRQ_INFO_EVENTFD;
	else
		arg->flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	return 0;
}

void function_reset(struct fake_pci *pci)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		if (pci->bar_mem[i])
			memset(pci->bar_mem[i], 0, pci->bars[i].size);
	dma_revoke(pci);
	pci->resets++;
}

static int reset(struct fake_pci *pci)
{
	if (!pci->can_reset)
		return -EINVAL;
	function_reset(pci);
	return 0;
}

/* ---- resetting a bus ---------------------------------------------------- */

/* The next device on the bus of @pci, itself included, after @at. */
static struct fake_pci *on_bus(const struct fake_pci *pci, struct fake_pci *at)
{
	for (at = at ? at->next : world->pcis; at; at = at->next)
		if (at->present && !strncmp(at->addr, pci->addr, 8))
			return at;
	return NULL;
}

/* Only a device with VFIO's driver counts among those of the bus. */
static bool in_set(const struct fake_pci *pci)
{
	return strstr(pci->driver, "vfio");
}

/*
 * With its own node a device proves nothing: the iommufd knows. What nobody
 * has open is ours with its group.
 */
static bool owned(const struct vdev *vdev, const struct fake_pci *other)
{
	const struct vdev *opener = other->priv->opener;
	const struct fake_pci *at;

	if (!in_set(other))
		return false;
	if (opener)
		return opener->iommufd == vdev->iommufd;
	for (at = world->pcis; at; at = at->next) {
		opener = at->priv->opener;
		if (at->group == other->group && opener &&
		    opener->iommufd == vdev->iommufd)
			return true;
	}
	return false;
}

static void name_device(struct vfio_pci_dependent_device *dev,
			const struct fake_pci *pci)
{
	const char *at = pci->addr;
	char *end;

	dev->group_id = pci->group;
	dev->segment = strtoul(at, &end, 16);
	dev->bus = strtoul(end + 1, &end, 16);
	dev->devfn = strtoul(end + 1, &end, 16) << 3;
	dev->devfn |= strtoul(end + 1, NULL, 16);
}

static int bus_info(struct vdev *vdev, struct vfio_pci_hot_reset_info *arg)
{
	uint32_t room = (arg->argsz - sizeof(*arg)) / sizeof(arg->devices[0]);
	struct fake_pci *at = NULL;

	if (vdev->pci->no_bus_reset)
		return -ENODEV;
	arg->flags = vdev->cdev ? VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
		VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED : 0;
	arg->count = 0;
	while ((at = on_bus(vdev->pci, at))) {
		if (vdev->cdev && !owned(vdev, at))
			arg->flags &= ~VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
		if (arg->count < room)
			name_device(&arg->devices[arg->count], at);
		arg->count++;
	}
	return arg->count > room ? -ENOSPC : 0;
}

static bool proven(const struct fake_pci *pci,
		   const struct vfio_pci_hot_reset *arg)
{
	const struct file *file;
	uint32_t i;

	for (i = 0; i < arg->count && in_set(pci); i++) {
		file = file_of_kind(arg->group_fds[i], KIND_GROUP);
		if (file && ((struct group *)file->obj)->id == pci->group)
			return true;
	}
	return false;
}

static int bus_reset(struct vdev *vdev, const struct vfio_pci_hot_reset *arg)
{
	struct fake_pci *at = NULL;

	if (arg->flags || vdev->cdev != !arg->count)
		return -EINVAL;
	while ((at = on_bus(vdev->pci, at)))
		if (vdev->cdev ? !owned(vdev, at) : !proven(at, arg))
			return -EINVAL;
	while ((at = on_bus(vdev->pci, at))) {
		at->bus_resets++;
		dma_revoke(at);
	}
	return 0;
}

static int make_dmabuf(const struct fake_pci *pci,
		       const struct vfio_device_feature_dma_buf *arg)
{
	struct dmabuf *buf;
	char name[64];

	if (!world->host.dma_buf)
		return -ENOTTY;
	if (arg->nr_ranges != 1 || !can_mmap(pci, arg->region_index) ||
	    !range_contains(0, pci->bars[arg->region_index].size,
			    arg->dma_ranges[0].offset,
			    arg->dma_ranges[0].length) ||
	    !IS_ALIGNED(arg->dma_ranges[0].offset |
			arg->dma_ranges[0].length, PAGE))
		return -EINVAL;
	buf = zalloc(sizeof(*buf));
	*buf = (struct dmabuf){ pci, arg->dma_ranges[0].length };
	snprintf(name, sizeof(name), "dma-buf of %s", pci->addr);
	return file_new(KIND_DMABUF, name, buf, -1);
}

static int feature(struct fake_pci *pci, const struct vfio_device_feature *arg)
{
	switch (arg->flags) {
	case VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF:
		return make_dmabuf(pci, (const void *)arg->data);
	case VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
		pci->low_power = true;
		dma_stop(pci);
		return 0;
	case VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		pci->low_power = false;
		return 0;
	}
	return -ENOTTY;
}

int device_ioctl(struct file *file, unsigned long request, void *arg)
{
	struct vdev *vdev = file->obj;

	switch (request) {
	case VFIO_DEVICE_BIND_IOMMUFD:
	case VFIO_DEVICE_ATTACH_IOMMUFD_PT:
	case VFIO_DEVICE_DETACH_IOMMUFD_PT:
		return vdev->cdev ? cdev_ioctl(file, request, arg) : -ENOTTY;
	}
	if (!vdev->ready)
		return -EINVAL;
	switch (request) {
	case VFIO_DEVICE_GET_INFO:
		return get_info(vdev->pci, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return get_region(vdev->pci, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq(vdev->pci, arg);
	case VFIO_DEVICE_SET_IRQS:
		return irq_set(vdev->pci, arg);
	case VFIO_DEVICE_RESET:
		return reset(vdev->pci);
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return bus_info(vdev, arg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return bus_reset(vdev, arg);
	case VFIO_DEVICE_FEATURE:
		return feature(vdev->pci, arg);
	}
	return -ENOTTY;
}

/* ---- regions ------------------------------------------------------------ */

/* Where an access goes: -EINVAL outside of everything, -EIO not decoding. */
static int locate(struct vdev *vdev, uint64_t off, size_t len,
		  unsigned int *index, uint64_t *at)
{
	const struct fake_pci *pci = vdev->pci;
	uint16_t bit;

	*index = off >> OFFSET_SHIFT;
	*at = off & (BIT(OFFSET_SHIFT) - 1);
	if (!vdev->ready || *index >= VFIO_PCI_NUM_REGIONS ||
	    !range_contains(0, region_size(pci, *index), *at, len))
		return -EINVAL;
	if (*index > VFIO_PCI_BAR5_REGION_INDEX || pci->bus)
		return 0;
	bit = pci->bars[*index].io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	return fake_cfg_get16(pci, PCI_COMMAND) & bit ? 0 : -EIO;
}

ssize_t device_read(struct vdev *vdev, void *buf, size_t len, uint64_t off)
{
	struct fake_pci *pci = vdev->pci;
	unsigned int index;
	uint64_t at;
	size_t i;
	int err;

	err = locate(vdev, off, len, &index, &at);
	if (err < 0)
		return err;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		config_read(pci, at, buf, len);
	else if (index == VFIO_PCI_ROM_REGION_INDEX)
		for (i = 0; i < len; i++)
			((uint8_t *)buf)[i] = fake_rom_byte(at + i);
	else
		memcpy(buf, pci->bar_mem[index] + at, len);
	return len;
}

ssize_t device_write(struct vdev *vdev, const void *buf, size_t len,
		     uint64_t off)
{
	unsigned int index;
	uint64_t at;
	int err;

	err = locate(vdev, off, len, &index, &at);
	if (err < 0)
		return err;
	if (index == VFIO_PCI_ROM_REGION_INDEX || vdev->pci->readonly)
		return -EINVAL;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		config_write(vdev->pci, at, buf, len);
	else
		memcpy(vdev->pci->bar_mem[index] + at, buf, len);
	return len;
}

int device_mmap(struct vdev *vdev, uint64_t off, size_t len, int *fd,
		uint64_t *fd_off)
{
	unsigned int index = off >> OFFSET_SHIFT;
	uint64_t at = off & (BIT(OFFSET_SHIFT) - 1);

	if (!vdev->ready || index > VFIO_PCI_BAR5_REGION_INDEX ||
	    !can_mmap(vdev->pci, index) ||
	    !range_contains(0, ALIGN_UP(vdev->pci->bars[index].size, PAGE), at,
			    len))
		return -EINVAL;
	*fd = vdev->pci->priv->bar_fd[index];
	*fd_off = at;
	return 0;
}
