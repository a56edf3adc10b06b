/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMA space of a VM: chooses a backend, attaches devices through it, and
 * mirrors guest RAM into it as a memory listener; see iommu.h. It knows
 * memory and backends, and neither devices nor how a backend does its work.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "iommu/iommu.h"
#include "iommu/uapi.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

struct iommu {
	struct vm *vm;
	const struct iommu_backend *backend;
	void *space;
	struct mem_listener listener;	/* joined while a device is attached */
	struct {
		int fd;			/* -1: free */
		char addr[SYSFS_ADDR];
		bool reset;		/* with its bus, for another one */
	} devices[CONFIG_VFIO_MAX];
	unsigned int nr_devices;
	struct iommu_range *ranges;	/* of all devices attached */
	int nr_ranges;
	uint64_t mapped;		/* bytes of RAM */
	bool warned;			/* that devices don't reach others */
};

struct choice {
	enum iommu_choice choice;
	const struct iommu_backend *backend;
};

/* In order of preference; an entry that is not built in has no backend. */
static const struct choice choices[] = {
	{ IOMMU_IOMMUFD, IS_ENABLED(CONFIG_IOMMUFD) ? &iommu_iommufd : NULL },
	{ IOMMU_LEGACY,
	  IS_ENABLED(CONFIG_VFIO_CONTAINER) ? &iommu_legacy : NULL },
};

#define ONLY_ONE \
	(!IS_ENABLED(CONFIG_IOMMUFD) || !IS_ENABLED(CONFIG_VFIO_CONTAINER))

/*
 * The first that the host has all for; failing that the last, so that its
 * error says what is missing.
 */
static const struct iommu_backend *choose_auto(const struct sysfs_device *dev,
					       const char **why)
{
	const struct choice *c, *last = NULL;
	const char *lack, *before = NULL;

	for (c = choices; c < choices + ARRAY_SIZE(choices); c++) {
		if (!c->backend)
			continue;
		last = c;
		lack = c->backend->lacks(dev);
		if (!lack) {
			*why = before ? before : c->backend->offer;
			return c->backend;
		}
		if (!before)
			before = lack;
	}
	return last->backend;
}

const struct iommu_backend *backend_choose(enum iommu_choice choice,
					   const struct sysfs_device *dev,
					   const char **why)
{
	const struct choice *c;

	*why = NULL;
	for (c = choices; c < choices + ARRAY_SIZE(choices); c++) {
		if (!c->backend || (choice != c->choice &&
				    !(ONLY_ONE && choice == IOMMU_AUTO)))
			continue;
		*why = ONLY_ONE ? "the only one built in" : "asked for";
		return c->backend;
	}
	if (choice == IOMMU_AUTO)
		return choose_auto(dev, why);
	log_err("iommu: the backend asked for is not built into this program");
	return NULL;
}

/* How its devices do without an IOMMU: enum noiommu_choice. */
static unsigned int noiommu(const struct iommu *iommu)
{
	return config_noiommu(iommu->vm->cfg);
}

static void warn_noiommu(const struct iommu *iommu)
{
	if (noiommu(iommu) == NOIOMMU_ON)
		log_warn("noiommu: all of this host's memory is open to the guest, by "
			 "its devices' DMA; the host's kernel is tainted");
	if (noiommu(iommu) == NOIOMMU_DEVICE_ONLY)
		log_info("noiommu: devices do no DMA, and so send no MSIs; the host's "
			 "kernel is tainted");
}

int iommu_create(struct iommu **out, struct vm *vm, enum iommu_choice choice,
		 const char *node)
{
	struct sysfs_device dev;
	struct iommu *iommu;
	const char *why;
	unsigned int i;
	int err;

	err = explain_device(node, config_noiommu(vm->cfg), &dev);
	if (err < 0)
		return err;
	iommu = calloc(1, sizeof(*iommu));
	if (!iommu)
		return -ENOMEM;
	iommu->vm = vm;
	for (i = 0; i < ARRAY_SIZE(iommu->devices); i++)
		iommu->devices[i].fd = -1;
	iommu->backend = backend_choose(choice, &dev, &why);
	err = -EDOM;
	if (!iommu->backend)
		goto free;
	if (why)
		log_info("iommu: %s: %s", iommu->backend->name, why);
	warn_noiommu(iommu);
	err = iommu->backend->open(&iommu->space, noiommu(iommu));
	if (err < 0)
		goto free;
	*out = iommu;
	return 0;

free:
	free(iommu);
	return err;
}

void iommu_destroy(struct iommu *iommu)
{
	iommu->backend->close(iommu->space);
	free(iommu->ranges);
	free(iommu);
}

/*
 * The first stretch inside [gpa, gpa + size) that no allowed range covers;
 * false where all is allowed.
 */
static bool find_hole(const struct iommu *iommu, uint64_t gpa, uint64_t size,
		      struct iommu_range *hole)
{
	uint64_t at = gpa, last = gpa + (size - 1);
	const struct iommu_range *r;

	hole->last = UINT64_MAX;
	for (r = iommu->ranges; r < iommu->ranges + iommu->nr_ranges; r++) {
		if (r->last < at)
			continue;
		if (r->first > at) {
			hole->last = r->first - 1;
			break;
		}
		if (r->last >= last)
			return false;
		at = r->last + 1;
	}
	hole->first = at;
	return true;
}

static int check_range(const struct iommu *iommu,
		       const struct mem_region *region)
{
	struct iommu_range hole;

	if (!find_hole(iommu, region->gpa, region->size, &hole))
		return 0;
	log_err("memory: %s, 0x%llx-0x%llx, is not all within the device's reach: "
		"its IOMMU keeps 0x%llx-0x%llx",
		region->name, (unsigned long long)region->gpa,
		(unsigned long long)(region->gpa + region->size - 1),
		(unsigned long long)hole.first, (unsigned long long)hole.last);
	return -ERANGE;
}

static struct iommu_map map_of(const struct mem_region *region)
{
	return (struct iommu_map){
		.name = region->name,
		.iova = region->gpa,
		.size = region->size,
		.hva = region->hva,
		.fd = region->fd,
		.fd_offset = region->fd_offset,
		.hugetlb = region->flags & MEM_HUGETLB,
		.readonly = region->flags & MEM_READONLY,
		.device = region->flags & MEM_DEVICE,
	};
}

static int check_memlock(const struct iommu *iommu, uint64_t bytes)
{
	return noiommu(iommu) && !iommu->backend->holds ? 0 :
		explain_memlock(bytes);
}

static int ram_add(struct iommu *iommu, struct mem_region *region)
{
	const struct iommu_map map = map_of(region);
	int err;

	err = check_range(iommu, region);
	if (err < 0)
		return err;
	err = check_memlock(iommu, iommu->mapped + region->size);
	if (err < 0)
		return err;
	err = map.readonly ? 0 : mem_prefault(region);
	if (err < 0)
		return err;
	err = iommu->backend->map(iommu->space, &map);
	if (err < 0)
		return err;
	if (noiommu(iommu))
		err = noiommu_check(iommu->backend, iommu->space, &map);
	if (err < 0) {
		iommu->backend->unmap(iommu->space, map.iova, map.size);
		return err;
	}
	iommu->mapped += region->size;
	return 0;
}

/*
 * The BAR of one device, for the others to reach: worth something with two
 * devices or more, and never worth a failure.
 */
static int bar_add(struct iommu *iommu, const struct mem_region *region)
{
	const struct iommu_map map = map_of(region);
	struct iommu_range hole;
	int err = -ERANGE;

	if (iommu->vm->cfg->p2p == P2P_OFF || iommu->nr_devices < 2 ||
	    noiommu(iommu))
		return -ENOENT;
	if (!find_hole(iommu, region->gpa, region->size, &hole))
		err = iommu->backend->map(iommu->space, &map);
	trace(TRACE_MEM, "p2p: %s at 0x%llx: %d", region->name,
	      (unsigned long long)region->gpa, err);
	if (err < 0 && !iommu->warned) {
		iommu->warned = true;
		log_warn("iommu: devices cannot reach the memory of %s: %s",
			 region->name, err == -EOPNOTSUPP ?
			 "the kernel gives no dma-buf of it" : err_text(err));
		log_hint("if none has to: --p2p off");
	}
	return err;
}

static int region_add(struct mem_listener *listener, struct mem_region *region)
{
	struct iommu *iommu = container_of(listener, struct iommu, listener);
	int err;

	if (region->flags & MEM_NO_DMA)
		return 0;
	if (region->flags & MEM_RAM) {
		err = ram_add(iommu, region);
		region->dma = err >= 0;
		return err;
	}
	region->dma = bar_add(iommu, region) >= 0;
	return 0;
}

static void region_del(struct mem_listener *listener, struct mem_region *region)
{
	struct iommu *iommu = container_of(listener, struct iommu, listener);

	if (!region->dma)
		return;
	region->dma = false;
	iommu->backend->unmap(iommu->space, region->gpa, region->size);
	if (region->flags & MEM_RAM)
		iommu->mapped -= region->size;
}

/* With another device attached, the ranges may have become fewer. */
static int read_ranges(struct iommu *iommu)
{
	struct iommu_range *ranges;
	int nr;

	nr = iommu->backend->ranges(iommu->space, &ranges);
	if (nr < 0)
		return nr;
	free(iommu->ranges);
	iommu->ranges = ranges;
	iommu->nr_ranges = nr;
	return 0;
}

/* All that can be known to fail, before minutes are spent on mapping. */
static int check_memory(struct iommu *iommu)
{
	const struct mem_region *region;
	uint64_t bytes = 0;
	int err;

	for (region = iommu->vm->mem.regions; region; region = region->next) {
		if (!(region->flags & MEM_RAM) || region->flags & MEM_NO_DMA)
			continue;
		err = check_range(iommu, region);
		if (err < 0)
			return err;
		bytes += region->size;
	}
	return check_memlock(iommu, bytes);
}

static int join(struct iommu *iommu)
{
	int err;

	if (noiommu(iommu) == NOIOMMU_DEVICE_ONLY)
		return 0;	/* nothing is mapped */
	err = read_ranges(iommu);
	if (err < 0)
		return err;
	err = check_memory(iommu);
	if (err < 0 || iommu->nr_devices)
		return err;
	iommu->listener = (struct mem_listener){
		.name = "iommu",
		.add = region_add,
		.del = region_del,
	};
	return mem_listen(&iommu->vm->mem, &iommu->listener);
}

/* The index of device fd @fd, or -1; for @fd -1, of a free entry. */
static int find_device(const struct iommu *iommu, int fd)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(iommu->devices); i++)
		if (iommu->devices[i].fd == fd)
			return i;
	return -1;
}

static int check_new(const struct iommu *iommu, const struct sysfs_device *dev)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(iommu->devices); i++)
		if (iommu->devices[i].fd >= 0 &&
		    !strcmp(iommu->devices[i].addr, dev->addr)) {
			log_err("%s: given twice", dev->addr);
			return -EDOM;
		}
	if (find_device(iommu, -1) >= 0)
		return 0;
	log_err("%s: cannot be assigned: more than %d devices", dev->addr,
		CONFIG_VFIO_MAX);
	return -EDOM;
}

int iommu_attach(struct iommu *iommu, const char *node)
{
	struct sysfs_device dev;
	int fd, err, i;

	err = explain_device(node, noiommu(iommu), &dev);
	if (err < 0)
		return err;
	err = check_new(iommu, &dev);
	if (err < 0)
		return err;
	fd = iommu->backend->attach(iommu->space, &iommu->vm->kvm, &dev);
	if (fd < 0)
		return fd;
	err = join(iommu);
	if (err < 0)
		goto detach;
	i = find_device(iommu, -1);
	iommu->devices[i].fd = fd;
	iommu->devices[i].reset = false;
	memcpy(iommu->devices[i].addr, dev.addr, sizeof(dev.addr));
	iommu->nr_devices++;
	return fd;

detach:
	iommu->backend->detach(iommu->space, &iommu->vm->kvm, fd);
	return err;
}

void iommu_detach(struct iommu *iommu, int device_fd)
{
	int i = find_device(iommu, device_fd);

	if (device_fd < 0 || i < 0)
		return;
	iommu->devices[i].fd = -1;
	if (!--iommu->nr_devices)
		mem_unlisten(&iommu->vm->mem, &iommu->listener);
	iommu->backend->detach(iommu->space, &iommu->vm->kvm, device_fd);
}

/* ---- resetting a bus ---------------------------------------------------- */

#define BUS_DEVICES_MAX 256

/* Who is on the device's bus: asked twice, the first time for the number. */
static int bus_devices(int device_fd, struct vfio_pci_hot_reset_info **out)
{
	struct vfio_pci_hot_reset_info first = { .argsz = sizeof(first) };
	struct vfio_pci_hot_reset_info *info;
	size_t size;
	int err;

	err = sys_ioctl(device_fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &first);
	if (err < 0 && err != -ENOSPC)
		return err;
	if (first.count > BUS_DEVICES_MAX)
		return -ENOSPC;
	size = sizeof(*info) + first.count * sizeof(info->devices[0]);
	info = calloc(1, size);
	if (!info)
		return -ENOMEM;
	info->argsz = size;
	err = sys_ioctl(device_fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	if (err >= 0 && info->count > first.count)
		err = -EAGAIN;	/* somebody was plugged in */
	if (err < 0)
		free(info);
	else
		*out = info;
	return err;
}

struct bus_reset {
	struct vfio_pci_hot_reset reset;
	int32_t fds[CONFIG_VFIO_MAX];
};

/* The groups' files, each once; -EBUSY where one is not ours. */
static int prove_groups(const struct iommu *iommu,
			const struct vfio_pci_hot_reset_info *info,
			struct bus_reset *arg)
{
	unsigned int i, n;
	int fd;

	for (i = 0; i < info->count; i++) {
		fd = iommu->backend->group_fd(iommu->space,
					      info->devices[i].group_id);
		for (n = 0; n < arg->reset.count && arg->fds[n] != fd; n++)
			;
		if (fd < 0 || n == CONFIG_VFIO_MAX)
			return -EBUSY;
		arg->fds[n] = fd;
		arg->reset.count = MAX(arg->reset.count, n + 1);
	}
	return 0;
}

static int ask_reset(const struct iommu *iommu, int device_fd,
		     const struct vfio_pci_hot_reset_info *info)
{
	struct bus_reset arg = { .reset.argsz = sizeof(arg) };
	int err = 0;

	if (iommu->backend->group_fd)
		err = prove_groups(iommu, info, &arg);
	else if (!(info->flags & VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED))
		err = -EBUSY;
	if (err >= 0)
		err = sys_ioctl(device_fd, VFIO_DEVICE_PCI_HOT_RESET, &arg);
	/* One that belongs to the group may be without VFIO's driver. */
	return err == -EINVAL ? -EBUSY : err;
}

static void note_reset(struct iommu *iommu,
		       const struct vfio_pci_hot_reset_info *info)
{
	const struct vfio_pci_dependent_device *dev;
	char addr[SYSFS_ADDR];
	unsigned int i;

	for (dev = info->devices; dev < info->devices + info->count; dev++) {
		snprintf(addr, sizeof(addr), "%04x:%02x:%02x.%x", dev->segment,
			 dev->bus, dev->devfn >> 3, dev->devfn & 7);
		for (i = 0; i < ARRAY_SIZE(iommu->devices); i++)
			if (!strcmp(iommu->devices[i].addr, addr))
				iommu->devices[i].reset = true;
	}
}

/*
 * Whose turn it is when another's reset has met it already has had its own:
 * a bus of eight functions takes one, which is long enough. At exit, too, the
 * other may have been given back by now, and the bus is not ours any more.
 */
int iommu_bus_reset(struct iommu *iommu, int device_fd)
{
	struct vfio_pci_hot_reset_info *info;
	int i = find_device(iommu, device_fd), err = 0;

	if (!iommu->devices[i].reset) {
		err = bus_devices(device_fd, &info);
		if (err < 0)
			return err;
		err = ask_reset(iommu, device_fd, info);
		if (err >= 0)
			note_reset(iommu, info);
		free(info);
	}
	iommu->devices[i].reset = false;
	return err;
}
