/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host has to say of an assigned device while the guest runs: that
 * it met an uncorrectable error (AER), or that the host wants it back, as when
 * it is unplugged. Each is an eventfd on the main loop. Linux:
 * include/uapi/linux/vfio.h, VFIO_PCI_ERR_IRQ_INDEX, VFIO_PCI_REQ_IRQ_INDEX.
 */
#include <linux/vfio.h>

#include "devices/vfio/vfio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

static void drain(int fd)
{
	uint64_t count;

	sys_read(fd, &count, sizeof(count));
}

static void error_reported(void *arg)
{
	struct vfio_pci *d = arg;

	drain(d->events[0]);
	device_lost(d->vm, d->name, "the host reports an uncorrectable error of it; see dmesg");
}

/* The host waits until it is given back: there is no going on. */
static void wanted_back(void *arg)
{
	struct vfio_pci *d = arg;

	drain(d->events[1]);
	log_err("vfio %s: the host wants it back", d->name);
	/* It holds the device's lock, and resets it when we have closed it. */
	d->spec.reset = VFIO_RESET_NONE;
	vm_stop(d->vm, STATUS_DEVICE_LOST);
}

static const struct {
	unsigned int index;
	loop_cb *cb;
} kinds[VFIO_EVENTS] = {
	{ VFIO_PCI_ERR_IRQ_INDEX, error_reported },
	{ VFIO_PCI_REQ_IRQ_INDEX, wanted_back },
};

static bool offered(const struct vfio_pci *d, unsigned int index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	return sys_ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) >= 0 &&
	       info.count && info.flags & VFIO_IRQ_INFO_EVENTFD;
}

static int watch(struct vfio_pci *d, unsigned int i)
{
	int err = d->events[i] = sys_eventfd();

	if (err < 0)
		return err;
	err = loop_add(&d->vm->loop, d->events[i], kinds[i].cb, d);
	if (err >= 0)
		err = vfio_set_eventfd(d->fd, kinds[i].index,
				       VFIO_IRQ_SET_ACTION_TRIGGER,
				       d->events[i]);
	return err;
}

/* The device works without, so what fails is only said. */
void events_on(struct vfio_pci *d)
{
	unsigned int i;
	int err;

	for (i = 0; i < VFIO_EVENTS; i++) {
		d->events[i] = -1;
		if (!offered(d, kinds[i].index))
			continue;
		err = watch(d, i);
		if (err < 0)
			log_warn("vfio %s: the host's events cannot be heard: %s",
				 d->name, err_text(err));
	}
}

void events_off(struct vfio_pci *d)
{
	unsigned int i;

	for (i = 0; i < VFIO_EVENTS; i++) {
		if (d->events[i] < 0)
			continue;
		vfio_set_eventfd(d->fd, kinds[i].index,
				 VFIO_IRQ_SET_ACTION_TRIGGER, -1);
		loop_del(&d->vm->loop, d->events[i]);
		sys_close(d->events[i]);
		d->events[i] = -1;
	}
}
