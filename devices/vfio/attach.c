/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What assigned devices of every kind have in common: the DMA space, which is
 * there while one of them is, reset, and interrupts by eventfd; see
 * attach.h.
 */
#include <errno.h>
#include <linux/vfio.h>

#include "devices/vfio/attach.h"
#include "iommu/iommu.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

/* A reset may find the device's lock taken; so often, so long apart. */
#define RESET_TRIES 20
#define RESET_PAUSE_MS 10

/* The last one out closes the door. */
static void close_iommu(struct vm *vm)
{
	if (iommu_devices(vm->iommu))
		return;
	iommu_destroy(vm->iommu);
	vm->iommu = NULL;
}

int vfio_attach(struct vm *vm, const char *name, const char *token)
{
	int fd = 0;

	if (!vm->iommu)
		fd = iommu_create(&vm->iommu, vm, vm->cfg->iommu, name);
	if (fd < 0)
		return fd;
	fd = iommu_attach(vm->iommu, name, token);
	if (fd < 0)
		close_iommu(vm);
	return fd;
}

void vfio_detach(struct vm *vm, int fd)
{
	iommu_detach(vm->iommu, fd);
	close_iommu(vm);
}

void device_lost(struct vm *vm, const char *name, const char *what)
{
	bool stop = vm->cfg->on_device_error == ON_ERROR_STOP;

	log_err("vfio %s: %s", name, what);
	if (stop)
		vm_stop(vm, STATUS_DEVICE_LOST);
	else
		log_hint("the guest goes on, as --on-device-error says");
}

int vfio_reset(int fd)
{
	unsigned int n;
	int err = -EAGAIN;

	for (n = 0; err == -EAGAIN && n < RESET_TRIES; n++) {
		if (n)
			sys_sleep(RESET_PAUSE_MS);
		err = sys_ioctl(fd, VFIO_DEVICE_RESET, NULL);
	}
	return err;
}

int vfio_set_eventfd(int fd, uint32_t index, uint32_t action, int32_t eventfd)
{
	struct {
		struct vfio_irq_set set;
		int32_t fd;
	} arg = {
		.set = {
			.argsz = sizeof(arg),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
			.index = index,
			.count = 1,
		},
		.fd = eventfd,
	};

	return sys_ioctl(fd, VFIO_DEVICE_SET_IRQS, &arg);
}

int vfio_irqs_none(int fd, uint32_t index, uint32_t action, uint32_t count)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = index,
		.count = count,
	};

	return sys_ioctl(fd, VFIO_DEVICE_SET_IRQS, &set);
}

uint64_t vfio_region_read(int fd, uint64_t at, unsigned int len)
{
	uint64_t val = 0;

	return sys_pread(fd, &val, len, at) == (ssize_t)len ? val : UINT64_MAX;
}

ssize_t vfio_region_write(int fd, uint64_t at, uint64_t val, unsigned int len)
{
	return sys_pwrite(fd, &val, len, at);
}

/* ---- one interrupt ------------------------------------------------------ */

int line_on(struct vfio_line *line, struct vm *vm, int fd, uint32_t index)
{
	int err;

	err = line->trigger = sys_eventfd();
	if (err < 0)
		return err;
	if (line->level)
		err = line->resample = sys_eventfd();
	if (err < 0)
		return err;
	err = irq_fd_attach(&vm->irqs, line->gsi, line->trigger,
			    line->resample);
	if (err < 0)
		return err;
	line->attached = true;
	err = vfio_set_eventfd(fd, index, VFIO_IRQ_SET_ACTION_TRIGGER,
			       line->trigger);
	if (err < 0 || !line->level)
		return err;
	return vfio_set_eventfd(fd, index, VFIO_IRQ_SET_ACTION_UNMASK,
				line->resample);
}

void line_off(struct vfio_line *line, struct vm *vm)
{
	if (line->attached)
		irq_fd_detach(&vm->irqs, line->gsi, line->trigger);
	if (line->trigger >= 0)
		sys_close(line->trigger);
	if (line->resample >= 0)
		sys_close(line->resample);
	line->attached = false;
	line->trigger = line->resample = -1;
}
