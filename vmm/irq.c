/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GSI routing table; see irq.h. KVM takes the table whole, so changes are
 * collected here and written in one go.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/irq.h"
#include "vmm/kvm.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

/* More than any guest of 32 devices uses; KVM allows 4096 routes. */
#define ROUTES_MAX 4096U

int irqs_create(struct irqs *irqs, struct kvm *kvm,
		const struct kvm_irq_routing_entry *pins, unsigned int nr_pins,
		unsigned int first_msi)
{
	int max = kvm_cap(kvm, KVM_CAP_IRQ_ROUTING);
	int err;

	memset(irqs, 0, sizeof(*irqs));
	if (max <= (int)nr_pins) {
		log_err("irq: no interrupt routing in this host's kvm");
		return -EOPNOTSUPP;
	}
	irqs->max = MIN((unsigned int)max, ROUTES_MAX);
	irqs->max_msi = irqs->max - nr_pins;
	if (first_msi + irqs->max_msi > (unsigned int)max)
		irqs->max_msi = max - first_msi;
	irqs->routes = calloc(irqs->max, sizeof(*irqs->routes));
	irqs->used = calloc(irqs->max_msi, 1);
	if (!irqs->routes || !irqs->used) {
		free(irqs->routes);
		free(irqs->used);
		return -ENOMEM;
	}
	if (nr_pins)
		memcpy(irqs->routes, pins, nr_pins * sizeof(*pins));
	irqs->kvm = kvm;
	irqs->nr_pins = irqs->nr = nr_pins;
	irqs->first_msi = first_msi;
	irqs->msi_devid = kvm_cap(kvm, KVM_CAP_MSI_DEVID) > 0;
	pthread_mutex_init(&irqs->lock, NULL);
	irqs->dirty = nr_pins > 0;
	err = irq_commit(irqs);
	if (err < 0)
		irqs_destroy(irqs);
	return err;
}

void irqs_destroy(struct irqs *irqs)
{
	pthread_mutex_destroy(&irqs->lock);
	free(irqs->used);
	free(irqs->routes);
}

void irq_line_set(struct irqs *irqs, unsigned int gsi, int level)
{
	struct kvm_irq_level line = { .irq = IRQ_LINE_0 + gsi, .level = level };

	trace(TRACE_IRQ, "line gsi=%u level=%d", gsi, level);
	sys_ioctl(irqs->kvm->vm_fd, KVM_IRQ_LINE, &line);
}

static int commit_locked(struct irqs *irqs)
{
	size_t size = irqs->nr * sizeof(*irqs->routes);
	struct kvm_irq_routing *table;
	int err;

	if (!irqs->dirty)
		return 0;
	table = malloc(sizeof(*table) + size);
	if (!table)
		return -ENOMEM;
	table->nr = irqs->nr;
	table->flags = 0;
	memcpy(table->entries, irqs->routes, size);
	err = sys_ioctl(irqs->kvm->vm_fd, KVM_SET_GSI_ROUTING, table);
	free(table);
	if (err < 0)
		log_err("irq: cannot set %u interrupt routes: %s", irqs->nr,
			err_text(err));
	else
		irqs->dirty = false;
	return err;
}

int irq_commit(struct irqs *irqs)
{
	int err;

	pthread_mutex_lock(&irqs->lock);
	err = commit_locked(irqs);
	pthread_mutex_unlock(&irqs->lock);
	return err;
}

/* Whether @msi is a line, which @e is then told of. */
static bool fill_pin(const struct irqs *irqs, struct kvm_irq_routing_entry *e,
		     const struct msi *msi)
{
	const struct msi_pins *pins = &irqs->pins;

	if (!IS_ENABLED(CONFIG_MSI_PINS) || msi->address != pins->address ||
	    msi->data < pins->data || msi->data - pins->data >= pins->nr)
		return false;
	e->type = KVM_IRQ_ROUTING_IRQCHIP;
	e->u.irqchip.pin = pins->gsi + msi->data - pins->data;
	return true;
}

static void fill_route(struct irqs *irqs, struct kvm_irq_routing_entry *e,
		       unsigned int gsi, const struct msi *msi)
{
	memset(e, 0, sizeof(*e));
	e->gsi = gsi;
	if (fill_pin(irqs, e, msi))
		return;
	e->type = KVM_IRQ_ROUTING_MSI;
	e->u.msi.address_lo = (uint32_t)msi->address;
	e->u.msi.address_hi = msi->address >> 32;
	e->u.msi.data = msi->data;
	if (irqs->msi_devid) {
		e->flags = KVM_MSI_VALID_DEVID;
		e->u.msi.devid = msi->devid;
	}
}

static struct kvm_irq_routing_entry *find_route(struct irqs *irqs,
						unsigned int gsi)
{
	unsigned int i;

	for (i = irqs->nr_pins; i < irqs->nr; i++)
		if (irqs->routes[i].gsi == gsi)
			return &irqs->routes[i];
	return NULL;
}

static int add_locked(struct irqs *irqs, const struct msi *msi)
{
	unsigned int i = 0;

	while (i < irqs->max_msi && irqs->used[i])
		i++;
	if (i == irqs->max_msi || irqs->nr == irqs->max)
		return -ENOSPC;
	irqs->used[i] = 1;
	fill_route(irqs, &irqs->routes[irqs->nr++], irqs->first_msi + i, msi);
	irqs->dirty = true;
	return irqs->first_msi + i;
}

int irq_msi_add(struct irqs *irqs, const struct msi *msi)
{
	int gsi;

	pthread_mutex_lock(&irqs->lock);
	gsi = add_locked(irqs, msi);
	pthread_mutex_unlock(&irqs->lock);
	trace(TRACE_IRQ, "msi add addr=0x%llx data=0x%x -> gsi=%d",
	      (unsigned long long)msi->address, msi->data, gsi);
	return gsi;
}

int irq_msi_update(struct irqs *irqs, unsigned int gsi, const struct msi *msi)
{
	struct kvm_irq_routing_entry *e;
	int err = -ENOENT;

	pthread_mutex_lock(&irqs->lock);
	e = find_route(irqs, gsi);
	if (e) {
		fill_route(irqs, e, gsi, msi);
		irqs->dirty = true;
		err = commit_locked(irqs);
	}
	pthread_mutex_unlock(&irqs->lock);
	trace(TRACE_IRQ, "msi update gsi=%u addr=0x%llx data=0x%x -> %d", gsi,
	      (unsigned long long)msi->address, msi->data, err);
	return err;
}

void irq_msi_del(struct irqs *irqs, unsigned int gsi)
{
	struct kvm_irq_routing_entry *e;

	pthread_mutex_lock(&irqs->lock);
	e = find_route(irqs, gsi);
	if (e) {
		*e = irqs->routes[--irqs->nr];
		irqs->used[gsi - irqs->first_msi] = 0;
		irqs->dirty = true;	/* KVM is told with the next change */
	}
	pthread_mutex_unlock(&irqs->lock);
}

int irq_fd_attach(struct irqs *irqs, unsigned int gsi, int trigger,
		  int resample)
{
	struct kvm_irqfd req = { .fd = trigger, .gsi = gsi };
	int err;

	if (resample >= 0) {
		req.flags = KVM_IRQFD_FLAG_RESAMPLE;
		req.resamplefd = resample;
	}
	err = irq_commit(irqs);
	if (err < 0)
		return err;
	err = sys_ioctl(irqs->kvm->vm_fd, KVM_IRQFD, &req);
	trace(TRACE_IRQ, "irqfd attach gsi=%u fd=%d -> %d", gsi, trigger, err);
	return err;
}

void irq_fd_detach(struct irqs *irqs, unsigned int gsi, int trigger)
{
	struct kvm_irqfd req = {
		.fd = trigger,
		.gsi = gsi,
		.flags = KVM_IRQFD_FLAG_DEASSIGN,
	};
	int err = sys_ioctl(irqs->kvm->vm_fd, KVM_IRQFD, &req);

	trace(TRACE_IRQ, "irqfd detach gsi=%u fd=%d -> %d", gsi, trigger, err);
}
