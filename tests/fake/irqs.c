/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A VFIO device's interrupts: VFIO_DEVICE_SET_IRQS with vfio-pci's rules, and
 * firing them. Linux: include/uapi/linux/vfio.h, struct vfio_irq_set.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ACTIONS VFIO_IRQ_SET_ACTION_TYPE_MASK
#define DATAS VFIO_IRQ_SET_DATA_TYPE_MASK

bool irq_level(const struct fake_pci *pci, unsigned int index)
{
	return pci->bus ? pci->level[index] : index == INTX;
}

unsigned int irq_count(const struct fake_pci *pci, unsigned int index)
{
	if (pci->bus)
		return index < pci->nr_irqs;
	switch (index) {
	case INTX:
		return pci->intx;
	case MSI:
		return pci->msi;
	case MSIX:
		return pci->msix;
	case VFIO_PCI_ERR_IRQ_INDEX:
		return pci->err_irq;
	case VFIO_PCI_REQ_IRQ_INDEX:
		return pci->req_irq;
	}
	return 0;
}

static void clear(struct vector *v)
{
	if (v->eventfd)
		file_put(v->eventfd);
	v->eventfd = NULL;
	v->fd = -1;
}

static int set(struct vector *v, int fd)
{
	struct file *file = file_of(fd);

	clear(v);
	if (fd < 0)
		return 0;
	if (!file)
		return -EBADF;
	if (file->kind != KIND_EVENTFD)
		return -EINVAL;
	file_hold(file);
	v->eventfd = file;
	v->fd = fd;
	return 0;
}

static void disable(struct fake_pci *pci, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < IRQ_VECTORS; i++)
		clear(&pci->priv->vectors[index][i]);
	pci->priv->enabled[index] = 0;
	/* vfio-platform leaves it as it is */
	if (index == INTX && !pci->bus) {
		clear(&pci->priv->unmask[INTX]);
		pci->priv->masked[INTX] = false;
	}
}

void irq_disable_all(struct fake_pci *pci)
{
	unsigned int i;

	for (i = 0; i < IRQ_INDEXES; i++) {
		disable(pci, i);
		clear(&pci->priv->unmask[i]);
		pci->priv->masked[i] = false;
	}
}

/* INTx, MSI and MSI-X exclude each other. */
static bool other_enabled(const struct fake_pci *pci, unsigned int index)
{
	unsigned int i;

	if (pci->bus)
		return false;
	for (i = INTX; i <= MSIX; i++)
		if (i != index && index <= MSIX && pci->priv->enabled[i])
			return true;
	return false;
}

static unsigned int one_bit(uint32_t flags)
{
	return flags && !(flags & (flags - 1));
}

static int check_args(const struct fake_pci *pci,
		      const struct vfio_irq_set *arg)
{
	uint32_t data = arg->flags & DATAS;
	uint32_t size = data & VFIO_IRQ_SET_DATA_EVENTFD ? 4 :
		data & VFIO_IRQ_SET_DATA_BOOL ? 1 : 0;
	unsigned int max = arg->index < IRQ_INDEXES ?
		irq_count(pci, arg->index) : 0;

	if (arg->argsz < sizeof(*arg) || arg->flags & ~(ACTIONS | DATAS) ||
	    !one_bit(data) || !one_bit(arg->flags & ACTIONS) || !max)
		return -EINVAL;
	if (arg->start >= max || arg->count > max - arg->start ||
	    (size && !arg->count) ||
	    arg->argsz - sizeof(*arg) < (uint64_t)arg->count * size)
		return -EINVAL;
	return 0;
}

/* The first enabling decides how many there are, unless they can be added. */
static int enable(struct fake_pci *pci, const struct vfio_irq_set *arg)
{
	unsigned int *enabled = &pci->priv->enabled[arg->index];
	unsigned int want = arg->start + arg->count;
	bool resize = arg->index == MSIX && !pci->noresize;
	unsigned int limit = pci->bus ? 0 : arg->index == MSI || arg->index == MSIX ?
		pci->msix_limit : 0;

	if (*enabled >= want)
		return 0;
	if (*enabled && !resize)
		return -EINVAL;
	if (limit && want > limit)
		return *enabled ? -ENOSPC : (int)limit;
	*enabled = want;
	return 0;
}

static int set_eventfds(struct fake_pci *pci, const struct vfio_irq_set *arg)
{
	struct vector *vectors = pci->priv->vectors[arg->index];
	bool was_off = !pci->priv->enabled[arg->index];
	unsigned int i;
	int32_t fd;
	int err;

	err = enable(pci, arg);
	if (err)
		return err;
	for (i = 0; i < arg->count && !err; i++) {
		memcpy(&fd, arg->data + i * sizeof(fd), sizeof(fd));
		err = set(&vectors[arg->start + i], fd);
	}
	if (err && was_off)
		disable(pci, arg->index);
	return err;
}

static int signal_vectors(struct fake_pci *pci, const struct vfio_irq_set *arg)
{
	uint64_t one = 1;
	unsigned int i;

	if (arg->start + arg->count > pci->priv->enabled[arg->index])
		return -EINVAL;
	for (i = 0; i < arg->count; i++) {
		struct vector *v =
			&pci->priv->vectors[arg->index][arg->start + i];

		if (!v->eventfd ||
		    (arg->flags & VFIO_IRQ_SET_DATA_BOOL && !arg->data[i]))
			continue;
		if (write(v->eventfd->real, &one, sizeof(one)) < 0)
			return -EIO;
	}
	return 0;
}

static int trigger(struct fake_pci *pci, const struct vfio_irq_set *arg)
{
	if (arg->flags & VFIO_IRQ_SET_DATA_NONE && !arg->count) {
		if (!pci->priv->enabled[arg->index] && !pci->bus)
			return -EINVAL;
		disable(pci, arg->index);
		return 0;
	}
	if (other_enabled(pci, arg->index))
		return -EINVAL;
	if (arg->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_eventfds(pci, arg);
	return signal_vectors(pci, arg);
}

/* An eventfd must be let go of before there is another. */
static int set_unmask(struct fake_pci *pci, const struct vfio_irq_set *arg)
{
	struct vector *v = &pci->priv->unmask[arg->index];
	int32_t fd;

	memcpy(&fd, arg->data, sizeof(fd));
	if (pci->bus && fd >= 0 && v->eventfd)
		return -EBUSY;
	return set(v, fd);
}

/* Only a level has a mask in the kernel. */
static int mask(struct fake_pci *pci, const struct vfio_irq_set *arg)
{
	if (!irq_level(pci, arg->index))
		return pci->bus ? -EINVAL : -ENOTTY;
	if (!pci->priv->enabled[arg->index] && !pci->bus)
		return -EINVAL;
	if (arg->flags & VFIO_IRQ_SET_ACTION_MASK &&
	    arg->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return -ENOTTY;
	if (arg->flags & VFIO_IRQ_SET_DATA_EVENTFD && pci->no_unmask_fd)
		return -ENOTTY;
	if (arg->flags & VFIO_IRQ_SET_DATA_EVENTFD)
		return set_unmask(pci, arg);
	pci->priv->masked[arg->index] = arg->flags & VFIO_IRQ_SET_ACTION_MASK;
	return 0;
}

int irq_set(struct fake_pci *pci, void *arg)
{
	const struct vfio_irq_set *irqs = arg;
	int err = check_args(pci, irqs);

	if (err < 0)
		return err;
	if (pci->shared_irqs)
		return -EBUSY;
	return irqs->flags & VFIO_IRQ_SET_ACTION_TRIGGER ?
		trigger(pci, irqs) : mask(pci, irqs);
}

int fake_irq_fd(const struct fake_pci *pci, unsigned int index,
		unsigned int vector)
{
	return vector < pci->priv->enabled[index] ?
		pci->priv->vectors[index][vector].fd : -2;
}

unsigned int fake_irq_enabled(const struct fake_pci *pci, unsigned int index)
{
	return pci->priv->enabled[index];
}

bool fake_intx_ack(struct fake_pci *pci, unsigned int gsi)
{
	struct fake_pci_priv *priv = pci->priv;
	unsigned int i, nr = pci->bus ? pci->nr_irqs : 1;

	for (i = 0; i < nr; i++) {
		if (!kvm_ack(gsi, priv->unmask[i].eventfd))
			continue;
		priv->masked[i] = false;
		return true;
	}
	return false;
}

bool fake_eventfd_fire(int fd, struct fake_msg *msg)
{
	return kvm_deliver(file_of_kind(fd, KIND_EVENTFD), msg);
}

int fake_irq_fire(struct fake_pci *pci, unsigned int index,
		  unsigned int vector, struct fake_msg *msg)
{
	struct vector *v = &pci->priv->vectors[index][vector];
	uint64_t one = 1;

	memset(msg, 0, sizeof(*msg));
	if (vector >= pci->priv->enabled[index] || !v->eventfd)
		return -ENOENT;
	if (irq_level(pci, index) && (pci->priv->masked[index] ||
				      fake_cfg_get16(pci, PCI_COMMAND) &
				      PCI_COMMAND_INTX_DISABLE))
		return -EAGAIN;
	pci->priv->masked[index] = irq_level(pci, index);
	if (kvm_deliver(v->eventfd, msg))
		return 1;
	return write(v->eventfd->real, &one, sizeof(one)) < 0 ? -EIO : 0;
}
