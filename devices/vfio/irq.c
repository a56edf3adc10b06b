/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI and MSI-X of an assigned device, and which kind of interrupt it uses
 * (the pin is intx.c's). There are two states per vector: what
 * the guest asked (msix.h) and what the host has (struct vfio_vector), and
 * one function, vector_sync(), which moves the second towards the first. The
 * entry points only note that something was asked, and call it. Linux:
 * include/uapi/linux/vfio.h, VFIO_DEVICE_SET_IRQS; Documentation/virt/kvm/
 * api.rst, KVM_IRQFD.
 *
 *	device -> host's handler -> eventfd -> irqfd -> guest
 *
 * A vector gets its eventfd, its GSI and the host's interrupt when the guest
 * first unmasks it; before, there is one without eventfd, so that the device
 * has MSI or MSI-X enabled as the guest sees it. Masked again, only the irqfd
 * goes: the eventfd stays armed and holds what arrives, which is the pending
 * bit; attached again, KVM finds it there and delivers it.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdlib.h>

#include "devices/vfio/vfio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

/* ---- the host's side ---------------------------------------------------- */

static bool noresize(const struct vfio_irqs *irqs)
{
	return irqs->noresize[irqs->index == VFIO_PCI_MSIX_IRQ_INDEX];
}

static int set_none(struct vfio_pci *d)
{
	return vfio_irqs_none(d->fd, d->irqs.index,
			      VFIO_IRQ_SET_ACTION_TRIGGER, 0);
}

/*
 * Have vectors [@start, @start + @count) signal their eventfds; those without
 * one are set up without. Returns 0, -errno, or how many the host could give.
 */
static int set_eventfds(struct vfio_pci *d, unsigned int start,
			unsigned int count)
{
	struct vfio_irqs *irqs = &d->irqs;
	struct vfio_irq_set *set = irqs->set;
	unsigned int i;
	int ret;

	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set) + count * sizeof(int32_t),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD |
			 VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = irqs->index,
		.start = start,
		.count = count,
	};
	for (i = 0; i < count; i++) {
		int32_t fd = irqs->vectors[start + i].way.fd;

		memcpy(set->data + i * sizeof(fd), &fd, sizeof(fd));
	}
	ret = sys_ioctl(d->fd, VFIO_DEVICE_SET_IRQS, set);
	if (ret)
		return ret;
	irqs->enabled = true;
	for (i = start; i < start + count; i++)
		irqs->vectors[i].armed = irqs->vectors[i].way.fd >= 0;
	return 0;
}

/* As many vectors from 0 as the host can give, but more than @vector. */
static int set_range(struct vfio_pci *d, unsigned int range,
		     unsigned int vector)
{
	int ret = set_eventfds(d, 0, range);

	while (ret > (int)vector && ret < (int)range) {
		range = ret;
		ret = set_eventfds(d, 0, range);
	}
	if (ret > 0)
		return -ENOSPC;
	if (ret == 0)
		d->irqs.range = range;
	return ret;
}

/*
 * A signal that was lost while the whole set was down would never come
 * again; one too many does no harm.
 */
static void kick(struct vfio_irqs *irqs, unsigned int but)
{
	unsigned int i;

	for (i = 0; i < irqs->range; i++)
		if (i != but && irqs->vectors[i].armed)
			vector_raise(&irqs->vectors[i].way);
}

/*
 * Where vectors come as one set, the set is taken down and made again, twice
 * as large, so that a guest which enables one after the other has this done
 * a few times only. MSI is made at once as large as the guest wants it.
 */
static int grow(struct vfio_pci *d, unsigned int vector)
{
	struct vfio_irqs *irqs = &d->irqs;
	unsigned int old = irqs->range, range;
	int err;

	if (irqs->index == VFIO_PCI_MSIX_IRQ_INDEX)
		range = MIN(MAX(vector + 1, 2 * old), irqs->msix.nr);
	else
		range = msi_enabled(&irqs->msi);
	if (old)
		set_none(d);
	irqs->range = 0;
	err = set_range(d, range, vector);
	if (err < 0 && old)
		set_range(d, old, 0);
	if (old)
		kick(irqs, vector);
	return err;
}

static int arm(struct vfio_pci *d, unsigned int vector)
{
	int ret;

	if (noresize(&d->irqs) && vector >= d->irqs.range)
		return grow(d, vector);
	ret = set_eventfds(d, vector, 1);
	return ret > 0 ? -ENOSPC : ret;
}

/* ---- one vector --------------------------------------------------------- */

static int make_live(struct vfio_pci *d, unsigned int vector,
		     const struct msi *msg)
{
	struct vfio_vector *v = &d->irqs.vectors[vector];
	int err = vector_live(&d->vm->irqs, &v->way, msg);

	if (err >= 0 && !v->armed)
		err = arm(d, vector);
	return err;
}

static enum msi_want wanted(const struct vfio_irqs *irqs, unsigned int vector,
			    struct msi *msg)
{
	if (irqs->index == VFIO_PCI_MSIX_IRQ_INDEX)
		return msix_want(&irqs->msix, vector, msg);
	return msi_want(&irqs->msi, vector, msg);
}

static void vector_sync(struct vfio_pci *d, unsigned int vector)
{
	struct vfio_irqs *irqs = &d->irqs;
	struct msi msg;
	int err;

	if (wanted(irqs, vector, &msg) != MSI_LIVE) {
		vector_mask(&d->vm->irqs, &irqs->vectors[vector].way);
		return;
	}
	err = make_live(d, vector, &msg);
	if (err >= 0)
		return;
	trace(TRACE_IRQ, "%s: vector %u: %s", d->name, vector, err_text(err));
	if (!irqs->warned)
		log_warn("vfio %s: cannot enable interrupt vector %u: %s",
			 d->name, vector, err_text(err));
	irqs->warned = true;
}

/* ---- what the guest does ------------------------------------------------ */

void vectors_off(struct vfio_pci *d)
{
	struct vfio_irqs *irqs = &d->irqs;
	unsigned int i;

	if (irqs->enabled)
		set_none(d);
	for (i = 0; i < irqs->nr; i++) {
		vector_drop(&d->vm->irqs, &irqs->vectors[i].way);
		irqs->vectors[i].armed = false;
	}
	intx_off(d);
	irqs->enabled = false;
	irqs->range = 0;
	irqs->index = -1;
}

/* VFIO's index of the kind that the guest uses; it is never more than one. */
static int asked_index(const struct vfio_pci *d)
{
	const struct vfio_irqs *irqs = &d->irqs;

	if (msix_enabled(&irqs->msix))
		return VFIO_PCI_MSIX_IRQ_INDEX;
	if (msi_enabled(&irqs->msi))
		return VFIO_PCI_MSI_IRQ_INDEX;
	return intx_wanted(d) ? VFIO_PCI_INTX_IRQ_INDEX : -1;
}

/*
 * A device may look at its own enable bit (QEMU's nvme does when a queue is
 * made), and a guest may unmask the first vector long after it has set that
 * bit. So it is set in the device, too, with one vector and no eventfd. What
 * goes wrong here goes wrong again with the first vector, which says so.
 */
static void without_vectors(struct vfio_pci *d)
{
	int ret = set_range(d, 1, 0);

	trace(TRACE_IRQ, "%s: enabled, all vectors masked: %d", d->name, ret);
}

static void switch_on(struct vfio_pci *d, int index)
{
	struct vfio_irqs *irqs = &d->irqs;
	unsigned int i;

	irqs->index = index;
	if (index == VFIO_PCI_INTX_IRQ_INDEX) {
		irqs->enabled = true;
		if (intx_on(d) < 0) {
			vectors_off(d);
			irqs->index = index;	/* not again and again */
		}
		return;
	}
	for (i = 0; index >= 0 && i < irqs->nr; i++)
		vector_sync(d, i);
	if (index >= 0 && !irqs->enabled)
		without_vectors(d);
}

static void irqs_update(void *owner, unsigned int vector)
{
	struct vfio_pci *d = owner;
	struct vfio_irqs *irqs = &d->irqs;
	int index = asked_index(d);

	if (index != irqs->index) {
		vectors_off(d);
		switch_on(d, index);
	} else if (index > VFIO_PCI_INTX_IRQ_INDEX) {
		vector_sync(d, vector);
	}
}

/*
 * A pin that is only disabled for a moment stays set up: the host masks it by
 * the command register.
 */
void irqs_command(struct vfio_pci *d)
{
	uint16_t command = pci_get(d->pci.cfg, PCI_COMMAND, 2);

	if (d->irqs.index == VFIO_PCI_INTX_IRQ_INDEX &&
	    command & PCI_COMMAND_INTX_DISABLE)
		return;
	irqs_update(d, 0);
}

static bool irqs_pending(void *owner, unsigned int vector)
{
	struct vfio_pci *d = owner;

	return vector_pending(&d->irqs.vectors[vector].way);
}

static const struct msi_ops vector_ops = { irqs_update, irqs_pending };

/* ---- taking up what the device offers ----------------------------------- */

/*
 * The number of vectors that VFIO has of kind @index, 0 for none. An MSI is a
 * write of a bus master's.
 */
static unsigned int host_vectors(struct vfio_pci *d, unsigned int index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (config_noiommu(d->vm->cfg) == NOIOMMU_DEVICE_ONLY ||
	    sys_ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	d->irqs.noresize[index == VFIO_PCI_MSIX_IRQ_INDEX] =
		info.flags & VFIO_IRQ_INFO_NORESIZE;
	return info.count;
}

int irqs_msi(struct vfio_pci *d, unsigned int cap)
{
	uint32_t flags = pci_get(d->pci.cfg, cap + PCI_MSI_FLAGS, 2);
	unsigned int nr = host_vectors(d, VFIO_PCI_MSI_IRQ_INDEX);

	if (!nr || d->irqs.msi.cap)
		return 0;
	nr = MIN(nr, 1U << ((flags & PCI_MSI_FLAGS_QMASK) >> 1));
	msi_init(&d->irqs.msi, &d->pci, cap, nr, flags & PCI_MSI_FLAGS_64BIT,
		 flags & PCI_MSI_FLAGS_MASKBIT, &vector_ops, d);
	return 1;
}

static int check_place(const struct vfio_pci *d, const struct msix_place *at,
		       const char *what)
{
	if (at->bar < PCI_BARS && d->bars[at->bar].size &&
	    !d->pci.bars[at->bar].io &&
	    range_contains(0, d->bars[at->bar].size, at->off, at->size))
		return 0;
	log_err("vfio %s: its msi-x %s makes no sense: 0x%llx bytes at bar %u + 0x%llx",
		d->name, what, (unsigned long long)at->size, at->bar,
		(unsigned long long)at->off);
	return -ENODEV;
}

static struct msix_place place(const struct vfio_pci *d, unsigned int reg,
			       uint64_t size)
{
	uint32_t val = pci_get(d->pci.cfg, reg, 4);

	return (struct msix_place){
		.bar = val & PCI_MSIX_TABLE_BIR,
		.off = val & PCI_MSIX_TABLE_OFFSET,
		.size = size,
	};
}

int irqs_msix(struct vfio_pci *d, unsigned int cap)
{
	unsigned int nr = 1 + (pci_get(d->pci.cfg, cap + PCI_MSIX_FLAGS, 2) &
			       PCI_MSIX_FLAGS_QSIZE);
	struct msix_place table, pba;
	int err;

	if (!host_vectors(d, VFIO_PCI_MSIX_IRQ_INDEX) || d->irqs.msix.cap)
		return 0;
	table = place(d, cap + PCI_MSIX_TABLE, msix_table_size(nr));
	pba = place(d, cap + PCI_MSIX_PBA, msix_pba_size(nr));
	err = check_place(d, &table, "table");
	if (err >= 0)
		err = check_place(d, &pba, "pending array");
	if (err >= 0)
		err = msix_create(&d->irqs.msix, &d->pci, cap, nr, &table,
				  &pba, &vector_ops, d);
	return err < 0 ? err : 1;
}

int vectors_create(struct vfio_pci *d)
{
	struct vfio_irqs *irqs = &d->irqs;
	unsigned int i;

	irqs->nr = MAX(irqs->msi.nr, irqs->msix.nr);
	irqs->index = -1;
	irqs->vectors = calloc(irqs->nr + 1, sizeof(*irqs->vectors));
	irqs->set = malloc(sizeof(*irqs->set) + irqs->nr * sizeof(int32_t));
	if (!irqs->vectors || !irqs->set) {
		vectors_destroy(d);
		return -ENOMEM;
	}
	for (i = 0; i < irqs->nr; i++)
		irqs->vectors[i].way.fd = irqs->vectors[i].way.gsi = -1;
	return 0;
}

void vectors_destroy(struct vfio_pci *d)
{
	free(d->irqs.vectors);
	free(d->irqs.set);
}
