/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interrupt pin of an assigned device: a level, carried to the guest and
 * back by two eventfds (struct vfio_line), so that none of it comes here; but
 * for a driver that takes no eventfd to unmask it, we do. PCI Local Bus 3.0
 * section 2.2.6; Linux: include/uapi/linux/vfio.h (VFIO_DEVICE_SET_IRQS).
 *
 * It is set up only when the guest begins to use the device, and taken down
 * when MSI or MSI-X takes over: VFIO has one kind enabled at a time.
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

	intx->line = (struct vfio_line){ -1, true, -1, -1, false };
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

	intx->line.gsi = pci_intx(&d->pci, intx->pin);
	if (intx->line.gsi < 0)
		return;
	d->pci.cfg[PCI_INTERRUPT_LINE] = intx->line.gsi;
	d->initial[PCI_INTERRUPT_LINE] = intx->line.gsi;
}

bool intx_wanted(const struct vfio_pci *d)
{
	uint16_t command = pci_get(d->pci.cfg, PCI_COMMAND, 2);

	return d->irqs.intx.line.gsi >= 0 && command & IN_USE &&
	       !(command & PCI_COMMAND_INTX_DISABLE);
}

/* The guest has acknowledged it, as the host does not hear for itself. */
static void acknowledged(void *arg)
{
	struct vfio_pci *d = arg;
	uint64_t count;

	pthread_mutex_lock(&d->lock);
	/* It may have been taken down meanwhile. */
	if (d->irqs.intx.watched &&
	    sys_read(d->irqs.intx.line.resample, &count, sizeof(count)) > 0)
		vfio_irqs_none(d->fd, VFIO_PCI_INTX_IRQ_INDEX,
			       VFIO_IRQ_SET_ACTION_UNMASK, 1);
	pthread_mutex_unlock(&d->lock);
}

/* Some mediated devices' drivers unmask it when told to, and only then. */
static int unmask_by_hand(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;
	int err = loop_add(&d->vm->loop, intx->line.resample, acknowledged, d);

	intx->watched = err >= 0;
	return err;
}

int intx_on(struct vfio_pci *d)
{
	struct vfio_intx *intx = &d->irqs.intx;
	int err = line_on(&intx->line, d->vm, d->fd,
			  VFIO_PCI_INTX_IRQ_INDEX);

	if (err == -ENOTTY)
		err = unmask_by_hand(d);
	trace(TRACE_IRQ, "%s: pin %u on line %d: %d", d->name, intx->pin,
	      intx->line.gsi, err);
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
		loop_del(&d->vm->loop, intx->line.resample);
	intx->watched = false;
	line_off(&intx->line, d->vm);
}
