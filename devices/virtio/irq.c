/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport's interrupts. With MSI-X each queue signals the eventfd of the
 * vector that the driver gave it, from any thread and without a lock; without,
 * the pin is raised, and stays so until the driver has read what it was about.
 * VIRTIO 1.2 sections 4.1.4.5, 4.1.5.1.2 and 4.1.5.3.
 *
 * The pin's line may be shared: so it is driven by an irqfd that KVM lowers when
 * the guest acknowledges it, and raised again by us if there is still cause.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stdlib.h>

#include "devices/virtio/virtio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define ISR_QUEUE 1

static struct irqs *irqs_of(struct virtio_pci *p)
{
	return &p->v->vm->irqs;
}

/* ---- raising ------------------------------------------------------------ */

static void signal_fd(int fd)
{
	static const uint64_t one = 1;

	sys_write(fd, &one, sizeof(one));
}

static void raise_irq(struct virtio_pci *p, uint16_t vector, uint8_t cause)
{
	if (p->msix_on) {
		if (vector < p->nr_vectors)
			vector_raise(&p->vectors[vector]);
		return;
	}
	p->isr |= cause;
	if (p->pin.on)
		signal_fd(p->pin.trigger);
}

void virtio_interrupt(struct virtq *q)
{
	raise_irq(q->dev->pci, q->vector, ISR_QUEUE);
}

void virtio_cfg_changed(struct virtio *v)
{
	v->pci->generation++;
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK)
		raise_irq(v->pci, v->pci->cfg_vector, VIRTIO_PCI_ISR_CONFIG);
}

void virtio_broken(struct virtio *v, const char *what)
{
	uint8_t was = atomic_fetch_or(&v->status, VIRTIO_CONFIG_S_NEEDS_RESET);

	if (was & VIRTIO_CONFIG_S_NEEDS_RESET)
		return;
	trace(TRACE_PCI, "%s: broken: %s", v->name, what);
	virtio_cfg_changed(v);
}

int virtio_call_fd(const struct virtq *q)
{
	const struct virtio_pci *p = q->dev->pci;
	uint16_t vector = q->vector;

	return p->msix_on && vector < p->nr_vectors ? p->vectors[vector].fd :
		-1;
}

/* ---- the pin ------------------------------------------------------------ */

uint8_t virtio_isr_read(struct virtio_pci *p)
{
	return atomic_exchange(&p->isr, 0);
}

/* KVM has lowered the line. */
static void acknowledged(void *arg)
{
	struct virtio_pci *p = arg;
	uint64_t count;

	sys_read(p->pin.resample, &count, sizeof(count));
	if (p->pin.on && p->isr)
		signal_fd(p->pin.trigger);
}

static int pin_fds(struct virtio_pci *p)
{
	struct virtio_pin *pin = &p->pin;
	int err;

	if (pin->resample >= 0)
		return 0;
	if (pin->trigger < 0)
		err = pin->trigger = sys_eventfd();
	else
		err = 0;
	if (err < 0)
		return err;
	err = pin->resample = sys_eventfd();
	if (err < 0)
		return err;
	err = loop_add(&p->v->vm->loop, pin->resample, acknowledged, p);
	if (err >= 0)
		return err;
	sys_close(pin->resample);
	pin->resample = -1;
	return err;
}

static void pin_on(struct virtio_pci *p)
{
	struct virtio_pin *pin = &p->pin;
	int err = pin_fds(p);

	if (err >= 0)
		err = irq_fd_attach(irqs_of(p), pin->gsi, pin->trigger,
				    pin->resample);
	if (err < 0) {
		log_warn("%s: cannot enable its interrupt pin: %s",
			 p->v->name, err_text(err));
		return;
	}
	pin->on = true;
	if (p->isr)
		signal_fd(pin->trigger);
}

static void pin_off(struct virtio_pci *p)
{
	if (p->pin.on)
		irq_fd_detach(irqs_of(p), p->pin.gsi, p->pin.trigger);
	p->pin.on = false;
}

/* Only a driver that is there, and does without MSI-X, has it set up. */
void virtio_irqs_sync(struct virtio_pci *p)
{
	uint16_t command = pci_get(p->pci.cfg, PCI_COMMAND, 2);
	bool wanted;

	p->msix_on = msix_enabled(&p->msix);
	wanted = p->pin.gsi >= 0 && !p->msix_on &&
		 p->v->status & VIRTIO_CONFIG_S_DRIVER_OK &&
		 !(command & PCI_COMMAND_INTX_DISABLE);
	if (wanted && !p->pin.on)
		pin_on(p);
	else if (!wanted)
		pin_off(p);
}

/* ---- vectors ------------------------------------------------------------ */

static void update(void *owner, unsigned int vector)
{
	struct virtio_pci *p = owner;
	struct pci_vector *v = &p->vectors[vector];
	struct msi msg;
	int err = 0;

	if (msix_want(&p->msix, vector, &msg) == MSI_LIVE)
		err = vector_live(irqs_of(p), v, &msg);
	else
		vector_mask(irqs_of(p), v);
	if (err < 0)
		log_warn("%s: cannot enable interrupt vector %u: %s",
			 p->v->name, vector, err_text(err));
}

static bool pending(void *owner, unsigned int vector)
{
	struct virtio_pci *p = owner;

	return vector_pending(&p->vectors[vector]);
}

static const struct msi_ops vector_ops = { update, pending };

void virtio_irqs_reset(struct virtio_pci *p)
{
	unsigned int i;

	msix_reset(&p->msix);
	p->msix_on = false;
	pin_off(p);
	for (i = 0; i < p->nr_vectors; i++) {
		vector_mask(irqs_of(p), &p->vectors[i]);
		vector_pending(&p->vectors[i]);
		p->vectors[i].pending = false;
	}
	p->isr = 0;
}

/* ---- life --------------------------------------------------------------- */

int virtio_irqs_create(struct virtio_pci *p)
{
	unsigned int i;

	p->pin = (struct virtio_pin){ -1, -1, -1, false };
	p->cfg_vector = VIRTQ_NO_VECTOR;
	p->vectors = calloc(p->nr_vectors, sizeof(*p->vectors));
	if (!p->vectors)
		return -ENOMEM;
	for (i = 0; i < p->nr_vectors; i++)
		p->vectors[i].fd = p->vectors[i].gsi = -1;
	for (i = 0; i < p->nr_vectors; i++) {
		p->vectors[i].fd = sys_eventfd();
		if (p->vectors[i].fd < 0)
			return p->vectors[i].fd;
	}
	return 0;
}

int virtio_msix_create(struct virtio_pci *p, unsigned int cap,
		       const struct msix_place *table,
		       const struct msix_place *pba)
{
	return msix_create(&p->msix, &p->pci, cap, p->nr_vectors, table, pba,
			   &vector_ops, p);
}

void virtio_irqs_wire(struct virtio_pci *p)
{
	p->pin.gsi = pci_intx(&p->pci, 1);
	if (p->pin.gsi < 0)
		return;
	p->pci.cfg[PCI_INTERRUPT_PIN] = 1;
	p->pci.cfg[PCI_INTERRUPT_LINE] = p->pin.gsi;
}

void virtio_irqs_destroy(struct virtio_pci *p)
{
	struct virtio_pin *pin = &p->pin;
	unsigned int i;

	pin_off(p);
	if (pin->resample >= 0) {
		loop_del(&p->v->vm->loop, pin->resample);
		sys_close(pin->resample);
	}
	if (pin->trigger >= 0)
		sys_close(pin->trigger);
	for (i = 0; p->vectors && i < p->nr_vectors; i++)
		vector_drop(irqs_of(p), &p->vectors[i]);
	msix_destroy(&p->msix);
	free(p->vectors);
}
