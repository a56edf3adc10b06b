/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The DMA space of a VM: its life, and the devices in it; see iommu.h. It
 * knows memory and backends, and neither devices nor how a backend does its
 * work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iommu/explain.h"
#include "iommu/iommu_priv.h"
#include "vmm/log.h"
#include "vmm/util.h"

static int space_open(struct iommu *iommu, struct space *s,
		      const struct sysfs_device *dev)
{
	return iommu->backend->open(&s->handle, iommu->spaces[0].handle,
				    iommu->vm->cfg, dev);
}

static void warn_noiommu(const struct iommu *iommu)
{
	if (config_noiommu(iommu->vm->cfg) == NOIOMMU_ON)
		log_warn("noiommu: all of this host's memory is open to the guest, by "
			 "its devices' DMA; the host's kernel is tainted");
	if (config_noiommu(iommu->vm->cfg) == NOIOMMU_DEVICE_ONLY)
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
	for (i = 0; i < SPACES_MAX; i++)
		iommu->spaces[i].iommu = iommu;
	for (i = 0; i < ARRAY_SIZE(iommu->devices); i++)
		iommu->devices[i].fd = -1;
	iommu->backend = backend_choose(vm->cfg, choice, &dev, &why);
	if (why)
		log_info("iommu: %s: %s", iommu->backend->name, why);
	if (iommu->backend)
		warn_noiommu(iommu);
	err = iommu->backend ? space_open(iommu, &iommu->spaces[0], &dev) :
		-EDOM;
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
	struct space *s;

	for (s = iommu->spaces; s < iommu->spaces + SPACES_MAX; s++) {
		if (s->handle)
			iommu->backend->close(s->handle);
		free(s->limits.ranges);
	}
	free(iommu);
}

int iommu_find(const struct iommu *iommu, int fd)
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
	if (iommu_find(iommu, -1) >= 0)
		return 0;
	log_err("%s: cannot be assigned: more than %d devices", dev->addr,
		CONFIG_VFIO_MAX);
	return -EDOM;
}

static int space_attach(struct space *s, const struct sysfs_device *dev)
{
	return s->iommu->backend->attach(s->handle, &s->iommu->vm->kvm, dev);
}

/* Into the first space with devices that takes it. */
static int attach_beside(struct iommu *iommu, const struct sysfs_device *dev,
			 struct space **space)
{
	struct space *s;
	int fd = -EXDEV;

	for (s = iommu->spaces; s < iommu->spaces + SPACES_MAX; s++) {
		if (!s->devices)
			continue;
		*space = s;
		fd = space_attach(s, dev);
		if (fd != -EXDEV)
			return fd;
	}
	return fd;
}

/* Into one that is empty. */
static int attach_alone(struct iommu *iommu, const struct sysfs_device *dev,
			struct space **space)
{
	struct space *s = iommu->spaces;
	int err;

	while (s < iommu->spaces + SPACES_MAX && s->devices)
		s++;
	if (s == iommu->spaces + SPACES_MAX)
		return explain_call(dev, "needs one address space too many",
				    -ENOSPC);
	err = s->handle ? 0 : space_open(iommu, s, dev);
	if (err < 0)
		return err;
	*space = s;
	if (iommu->nr_devices)
		log_info("iommu: %s: in another address space: the kernel keeps it "
			 "apart from the other devices",
			 dev->addr);
	return space_attach(s, dev);
}

int iommu_attach(struct iommu *iommu, const char *node, const char *token)
{
	struct sysfs_device dev;
	struct space *s = NULL;
	int fd, err, i;

	err = explain_device(node, config_noiommu(iommu->vm->cfg), &dev);
	if (err < 0)
		return err;
	err = check_new(iommu, &dev);
	if (err < 0)
		return err;
	dev.token = IS_ENABLED(CONFIG_VFIO_TOKEN) ? token : NULL;
	fd = attach_beside(iommu, &dev, &s);
	if (fd == -EXDEV)
		fd = attach_alone(iommu, &dev, &s);
	if (fd < 0)
		return fd;
	err = mirror_device(s);
	if (err < 0)
		goto detach;
	i = iommu_find(iommu, -1);
	iommu->devices[i].fd = fd;
	iommu->devices[i].reset = false;
	iommu->devices[i].space = s;
	memcpy(iommu->devices[i].addr, dev.addr, sizeof(dev.addr));
	iommu->nr_devices++;
	s->devices++;
	return fd;

detach:
	iommu->backend->detach(s->handle, &iommu->vm->kvm, fd);
	return err;
}

int iommu_caps(struct iommu *iommu, struct iommu_caps *caps)
{
	const struct space *s = iommu->spaces;

	if (!s->devices || !iommu->backend->caps)
		return -ENODEV;
	*caps = (struct iommu_caps){
		.backend = iommu->backend->name,
		.ranges = s->limits.ranges,
		.nr_ranges = s->limits.nr_ranges,
		.page_sizes = s->limits.page_sizes,
		.maps = s->limits.maps,
		.by_process = s->limits.by_process,
	};
	iommu->backend->caps(s->handle, caps);
	return 0;
}

unsigned int iommu_devices(const struct iommu *iommu)
{
	return iommu->nr_devices;
}

void iommu_detach(struct iommu *iommu, int device_fd)
{
	int i = iommu_find(iommu, device_fd);
	struct space *s;

	if (device_fd < 0 || i < 0)
		return;
	s = iommu->devices[i].space;
	iommu->devices[i].fd = -1;
	iommu->nr_devices--;
	if (!--s->devices)
		mirror_stop(s);
	iommu->backend->detach(s->handle, &iommu->vm->kvm, device_fd);
}
