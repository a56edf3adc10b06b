/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One vector's way to the guest; see vector.h.
 */
#include "devices/pci/vector.h"
#include "vmm/sys.h"

void vector_raise(const struct pci_vector *v)
{
	static const uint64_t one = 1;

	sys_write(v->fd, &one, sizeof(one));
}

/* The GSI that delivers @msg. */
static int route(struct irqs *irqs, struct pci_vector *v,
		 const struct msi *msg)
{
	int ret;

	if (v->gsi < 0) {
		ret = irq_msi_add(irqs, msg);
		if (ret < 0)
			return ret;
		v->gsi = ret;
	} else if (v->msg.address != msg->address ||
		   v->msg.data != msg->data) {
		ret = irq_msi_update(irqs, v->gsi, msg);
		if (ret < 0)
			return ret;
	}
	v->msg = *msg;
	return 0;
}

static int attach(struct irqs *irqs, struct pci_vector *v)
{
	int err;

	if (v->attached)
		return 0;
	err = irq_fd_attach(irqs, v->gsi, v->fd, -1);
	if (err < 0)
		return err;
	v->attached = true;
	if (v->pending)
		vector_raise(v);
	v->pending = false;
	return 0;
}

int vector_live(struct irqs *irqs, struct pci_vector *v,
		const struct msi *msg)
{
	int err;

	if (v->fd < 0) {
		v->fd = sys_eventfd();
		if (v->fd < 0)
			return v->fd;
	}
	err = route(irqs, v, msg);
	return err < 0 ? err : attach(irqs, v);
}

void vector_mask(struct irqs *irqs, struct pci_vector *v)
{
	if (v->attached)
		irq_fd_detach(irqs, v->gsi, v->fd);
	v->attached = false;
}

/* The eventfd is the pending bit; reading it moves the bit over here. */
bool vector_pending(struct pci_vector *v)
{
	uint64_t count;

	if (v->fd >= 0 && !v->attached &&
	    sys_read(v->fd, &count, sizeof(count)) == sizeof(count))
		v->pending = true;
	return v->pending;
}

void vector_drop(struct irqs *irqs, struct pci_vector *v)
{
	vector_mask(irqs, v);
	if (v->gsi >= 0)
		irq_msi_del(irqs, v->gsi);
	if (v->fd >= 0)
		sys_close(v->fd);
	v->fd = v->gsi = -1;
	v->pending = false;
}
