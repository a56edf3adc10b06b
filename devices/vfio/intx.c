/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt pin of an assigned device: a level, carried to the guest and
 * back by two eventfds, so that none of it comes here. PCI Local Bus 3.0
 * section 2.2.6; Linux: include/uapi/linux/vfio.h (VFIO_DEVICE_SET_IRQS),
 * Documentation/virt/kvm/api.rst (KVM_IRQFD_FLAG_RESAMPLE).
 *
 *	device -> host's handler masks it -> trigger -> KVM raises the line
 *	guest acknowledges -> KVM lowers it -> resample -> host unmasks it
 *
 * (or we do, for a driver that does not take an eventfd for it).
 * Still asserted, it fires again at once, and so the line may be shared. It
 * is set up only when the guest begins to use the device, and taken down when
 * MSI or MSI-X takes over: VFIO has one kind enabled at a time.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "devices/vfio/vfio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define PINS 4

/* Any of these, and the guest is using the device. */
#define IN_USE (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER)

void intx_probe(struct vfio_pci *d)
{
	struct vfio_irq_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_INTX_IRQ_INDEX,
	};
	struct vfio_intx *intx = &d->irqs.intx;
	unsigned int pin = d->pci.cfg[PCI_INTERRUPT_PIN];

	intx->gsi = intx->trigger = intx->resample = -1;
	if (pin > PINS ||
	    sys_ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !info.count || !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		pin = 0;
	intx->pin = pin;
}

/* The register is for the guest's software alone to read; nobody obeys it. */
void intx_wire(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;

	intx->gsi = pci_intx(&d->pci, intx->pin);
	if (intx->gsi < 0)
		return;
	d->pci.cfg[PCI_INTERRUPT_LINE] = intx->gsi;
	d->initial[PCI_INTERRUPT_LINE] = intx->gsi;
}

bool intx_wanted(const struct vfio_pci *d)
{
	uint16_t command = pci_get(d->pci.cfg, PCI_COMMAND, 2);

	return d->irqs.intx.gsi >= 0 && command & IN_USE &&
	       !(command & PCI_COMMAND_INTX_DISABLE);
}

int vfio_set_eventfd(struct vfio_pci *d, uint32_t index, uint32_t action,
		     int32_t fd)
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
		.fd = fd,
	};

	return sys_ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &arg);
}

/* The guest has acknowledged it, as the host does not hear for itself. */
static void acknowledged(void *arg)
{
	struct vfio_pci *d = arg;
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};
	uint64_t count;

	pthread_mutex_lock(&d->lock);
	/* It may have been taken down meanwhile. */
	if (d->irqs.intx.watched &&
	    sys_read(d->irqs.intx.resample, &count, sizeof(count)) > 0)
		sys_ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set);
	pthread_mutex_unlock(&d->lock);
}

/* Some mediated devices' drivers unmask it when told to, and only then. */
static int unmask_by_hand(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;
	int err = loop_add(&d->vm->loop, intx->resample, acknowledged, d);

	intx->watched = err >= 0;
	return err;
}

static int carry(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;
	int err;

	err = intx->trigger = sys_eventfd();
	if (err < 0)
		return err;
	err = intx->resample = sys_eventfd();
	if (err < 0)
		return err;
	err = irq_fd_attach(&d->vm->irqs, intx->gsi, intx->trigger,
			    intx->resample);
	if (err < 0)
		return err;
	intx->attached = true;
	err = vfio_set_eventfd(d, VFIO_PCI_INTX_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_TRIGGER, intx->trigger);
	if (err < 0)
		return err;
	err = vfio_set_eventfd(d, VFIO_PCI_INTX_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_UNMASK, intx->resample);
	return err == -ENOTTY ? unmask_by_hand(d) : err;
}

int intx_on(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;
	int err = carry(d);

	trace(TRACE_IRQ, "%s: pin %u on line %d: %d", d->name, intx->pin,
	      intx->gsi, err);
	if (err < 0 && !intx->warned)
		log_warn("vfio %s: cannot enable its interrupt pin: %s",
			 d->name, err_text(err));
	intx->warned |= err < 0;
	return err;
}

void intx_off(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;

	if (intx->watched)
		loop_del(&d->vm->loop, intx->resample);
	intx->watched = false;
	if (intx->attached)
		irq_fd_detach(&d->vm->irqs, intx->gsi, intx->trigger);
	if (intx->trigger >= 0)
		sys_close(intx->trigger);
	if (intx->resample >= 0)
		sys_close(intx->resample);
	intx->attached = false;
	intx->trigger = intx->resample = -1;
}
