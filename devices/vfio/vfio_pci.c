/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an assigned PCI device: taken up from VFIO, put on the guest's
 * bus, reset, and given back in an order that leaves nothing behind which
 * could still reach the guest's memory. Linux:
 * Documentation/driver-api/vfio.rst.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/vfio/vfio.h"
#include "devices/vfio/vfio_priv.h"
#include "vmm/events.h"
#include "vmm/log.h"
#include "vmm/sys.h"

static const struct pci_dev_ops vfio_pci_dev_ops = {
	.cfg_read = vfio_cfg_read,
	.cfg_write = vfio_cfg_write,
	.bar_read = vfio_bar_read,
	.bar_write = vfio_bar_write,
	.bar_map = vfio_bar_map,
};

static int query(struct vfio_pci *d)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int err = sys_ioctl(d->fd, VFIO_DEVICE_GET_INFO, &info);

	if (err < 0) {
		log_err("vfio %s: cannot ask what it is: %s", d->name,
			err_text(err));
		return err;
	}
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) ||
	    info.num_regions <= VFIO_PCI_CONFIG_REGION_INDEX) {
		log_err("vfio %s: is not a pci device", d->name);
		return -ENODEV;
	}
	d->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

/* From the device fd to all that the guest will see. */
static int setup(struct vfio_pci *d)
{
	int err = query(d);

	if (err >= 0)
		err = config_load(d);
	if (err >= 0)
		err = bars_probe(d);
	if (err < 0)
		return err;
	err = rom_open(d);
	if (err < 0)
		return err;
	err = config_build(d);
	if (err >= 0)
		err = vectors_create(d);
	if (err < 0)
		goto undo;
	bars_mmap(d);
	config_command(d, PCI_COMMAND_INTX_DISABLE);
	events_on(d);
	return 0;

undo:
	msix_destroy(&d->irqs.msix);
	rom_close(d);
	return err;
}

static void teardown(struct vfio_pci *d)
{
	events_off(d);
	bars_munmap(d);
	vectors_destroy(d);
	msix_destroy(&d->irqs.msix);
	rom_close(d);
}

static void announce(const struct vfio_pci *d)
{
	const struct vfio_irqs *irqs = &d->irqs;
	unsigned int nr = irqs->msix.cap ? irqs->msix.nr : irqs->msi.nr;
	char kind[40] = "no interrupts", id[16], at[PCI_WHERE];

	if (nr)
		snprintf(kind, sizeof(kind), "%u %s vector%s", nr,
			 irqs->msix.cap ? "MSI-X" : "MSI", nr == 1 ? "" : "s");
	else if (irqs->intx.line.gsi >= 0)
		snprintf(kind, sizeof(kind), "INTx on line %d",
			 irqs->intx.line.gsi);
	snprintf(id, sizeof(id), "%04x:%04x",
		 pci_get(d->pci.cfg, PCI_VENDOR_ID, 2),
		 pci_get(d->pci.cfg, PCI_DEVICE_ID, 2));
	pci_where(&d->pci, at);
	log_info("vfio %s: %s at guest %s, %s", d->name, id, at, kind);
	events_device(d->vm, d->name, id, at);
}

static int plug(struct vfio_pci *d, struct pci_host *host, int devfn)
{
	int err = pci_dev_add(host, &d->pci, devfn);

	if (err < 0)
		log_err("vfio %s: no place on the guest's bus: slot %s",
			d->name, err == -ENOSPC ? "numbers run out" : "taken");
	return err == -ENOSPC || err == -EEXIST ? -EDOM : err;
}

static const struct device_ops vfio_device_ops;

int vfio_pci_add(struct vm *vm, struct pci_host *host,
		 const struct vfio_spec *spec)
{
	struct vfio_pci *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->spec = *spec;
	d->vm = vm;
	d->name = d->pci.name = d->spec.addr;
	d->pci.ops = &vfio_pci_dev_ops;
	pthread_mutex_init(&d->lock, NULL);
	d->fd = err = vfio_attach(vm, d->name,
				  *d->spec.token ? d->spec.token : NULL);
	if (err < 0)
		goto destroy_lock;
	err = setup(d);
	if (err < 0)
		goto detach;
	err = plug(d, host, d->spec.devfn);
	if (err < 0)
		goto undo_setup;
	intx_wire(d);
	device_add(vm, &d->device, d->name, &vfio_device_ops);
	announce(d);
	return 0;

undo_setup:
	teardown(d);
detach:
	vfio_detach(vm, d->fd);
destroy_lock:
	pthread_mutex_destroy(&d->lock);
	free(d);
	return err;
}

/* No DMA, no interrupts, then as after power-on: in this order. */
static void quiesce(struct vfio_pci *d)
{
	pthread_mutex_lock(&d->lock);
	config_quiet(d);
	vectors_off(d);
	pthread_mutex_unlock(&d->lock);
	hardware_reset(d);
}

/*
 * After quiesce() nothing masters the bus or interrupts; only then may what
 * the device could reach be unmapped, and its file closed.
 */
static void vfio_pci_destroy(struct device *device)
{
	struct vfio_pci *d = container_of(device, struct vfio_pci, device);
	struct vm *vm = d->vm;

	quiesce(d);
	if (d->spec.reset != VFIO_RESET_NONE && !device_answers(d))
		log_warn("vfio %s: does not answer after its reset", d->name);
	pci_dev_del(&d->pci);
	teardown(d);
	vfio_detach(vm, d->fd);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static void vfio_pci_reset(struct device *device)
{
	struct vfio_pci *d = container_of(device, struct vfio_pci, device);

	quiesce(d);
	pci_dev_reset(&d->pci);
	msix_reset(&d->irqs.msix);
	config_reset(d);
	if (device_answers(d))
		return;
	device_lost(d->vm, d->name, "does not answer after its reset");
	d->spec.reset = VFIO_RESET_NONE;	/* of no use any more */
}

static const struct device_ops vfio_device_ops = {
	.reset = vfio_pci_reset,
	.destroy = vfio_pci_destroy,
};
