/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The common configuration: features, queues, and the device's status, which
 * tells how far the driver has come. VIRTIO 1.2 sections 2.1, 3.1 and 4.1.4.3.
 */
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "devices/virtio/virtio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define RING_FEATURES (BIT(VIRTIO_F_VERSION_1) | \
		       BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
		       BIT(VIRTIO_RING_F_EVENT_IDX))

#define DRIVER_BITS (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
		     VIRTIO_CONFIG_S_FEATURES_OK | \
		     VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED)

static uint64_t offered(const struct virtio_pci *p)
{
	return (p->v->features | RING_FEATURES) & ~p->v->lacks;
}

/* ---- status ------------------------------------------------------------- */

void common_reset(struct virtio_pci *p)
{
	struct virtio *v = p->v;
	unsigned int i;

	for (i = 0; i < v->nr_queues; i++) {
		pthread_mutex_lock(&v->queues[i].lock);
		virtq_clear(&v->queues[i]);
		pthread_mutex_unlock(&v->queues[i].lock);
	}
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK && v->ops->stop)
		v->ops->stop(v);
	v->status = 0;
	v->accepted = p->driver_features = 0;
	p->feature_word = p->driver_word = 0;
	p->queue = 0;
	p->cfg_vector = VIRTQ_NO_VECTOR;
	p->isr = 0;
	virtio_irqs_sync(p);
}

static int start_queue(struct virtq *q)
{
	int err;

	pthread_mutex_lock(&q->lock);
	err = virtq_start(q);
	pthread_mutex_unlock(&q->lock);
	return err;
}

/* A driver need not notify of what it made available before. */
static void start(struct virtio_pci *p)
{
	static const uint64_t one = 1;
	struct virtio *v = p->v;
	unsigned int i;
	int err = 0;

	for (i = 0; i < v->nr_queues && err >= 0; i++)
		if (v->queues[i].enabled)
			err = start_queue(&v->queues[i]);
	if (err >= 0 && v->ops->start)
		err = v->ops->start(v);
	v->status |= VIRTIO_CONFIG_S_DRIVER_OK;
	virtio_irqs_sync(p);
	if (err < 0) {
		virtio_broken(v, "what it has set up is of no use");
		return;
	}
	for (i = 0; i < v->nr_queues; i++)
		if (v->queues[i].live)
			sys_write(v->queues[i].kick_fd, &one, sizeof(one));
}

static void status_write(struct virtio_pci *p, uint8_t val)
{
	struct virtio *v = p->v;
	uint8_t now = val & DRIVER_BITS & ~v->status;

	trace(TRACE_PCI, "%s: status 0x%x <- 0x%x", v->name, v->status, val);
	if (!val) {
		common_reset(p);
		return;
	}
	if (now & VIRTIO_CONFIG_S_FEATURES_OK) {
		v->accepted = p->driver_features;
		if (v->accepted & ~offered(p) ||
		    !virtio_has(v, VIRTIO_F_VERSION_1))
			now &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	}
	v->status |= now & ~VIRTIO_CONFIG_S_DRIVER_OK;
	if (now & VIRTIO_CONFIG_S_DRIVER_OK &&
	    v->status & VIRTIO_CONFIG_S_FEATURES_OK)
		start(p);
}

/* ---- registers ---------------------------------------------------------- */

/* The 32 bits of @features that @word selects. */
static uint32_t word_of(uint64_t features, uint32_t word)
{
	return word < 2 ? features >> word * 32 : 0;
}

static uint64_t queue_read(const struct virtq *q, unsigned int off)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return q->index;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return q->desc_gpa;
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		return q->desc_gpa >> 32;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return q->avail_gpa;
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		return q->avail_gpa >> 32;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return q->used_gpa;
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		return q->used_gpa >> 32;
	}
	return 0;
}

uint64_t common_read(struct virtio_pci *p, unsigned int off, unsigned int len)
{
	if (len == 8)
		return (uint32_t)common_read(p, off, 4) |
		       common_read(p, off + 4, 4) << 32;
	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return p->feature_word;
	case VIRTIO_PCI_COMMON_DF:
		return word_of(offered(p), p->feature_word);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return p->driver_word;
	case VIRTIO_PCI_COMMON_GF:
		return word_of(p->driver_features, p->driver_word);
	case VIRTIO_PCI_COMMON_MSIX:
		return p->cfg_vector;
	case VIRTIO_PCI_COMMON_NUMQ:
		return p->v->nr_queues;
	case VIRTIO_PCI_COMMON_STATUS:
		return p->v->status;
	case VIRTIO_PCI_COMMON_CFGGENERATION:
		return p->generation;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		return p->queue;
	}
	if (p->queue < p->v->nr_queues)
		return queue_read(&p->v->queues[p->queue], off);
	return 0;
}

static void features_write(struct virtio_pci *p, uint32_t val)
{
	unsigned int shift = p->driver_word * 32;

	if (p->driver_word > 1 || p->v->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	p->driver_features &= ~((uint64_t)UINT32_MAX << shift);
	p->driver_features |= (uint64_t)val << shift;
}

static uint16_t vector_of(const struct virtio_pci *p, uint64_t val)
{
	return val < p->nr_vectors ? val : VIRTQ_NO_VECTOR;
}

static void put_half(uint64_t *to, uint32_t val, bool high)
{
	*to = high ? (uint32_t)*to | (uint64_t)val << 32 :
		ALIGN_DOWN(*to, BIT(32)) | val;
}

/* What must not change while the queue is in use. */
static void queue_setup(struct virtq *q, unsigned int off, uint64_t val)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		if (val && val <= q->max && !(val & (val - 1)))
			q->size = val;
		break;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		q->enabled = val == 1;
		break;
	case VIRTIO_PCI_COMMON_Q_DESCLO:
	case VIRTIO_PCI_COMMON_Q_DESCHI:
		put_half(&q->desc_gpa, val, off == VIRTIO_PCI_COMMON_Q_DESCHI);
		break;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
	case VIRTIO_PCI_COMMON_Q_AVAILHI:
		put_half(&q->avail_gpa, val,
			 off == VIRTIO_PCI_COMMON_Q_AVAILHI);
		break;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
	case VIRTIO_PCI_COMMON_Q_USEDHI:
		put_half(&q->used_gpa, val, off == VIRTIO_PCI_COMMON_Q_USEDHI);
		break;
	}
}

static void queue_write(struct virtio_pci *p, unsigned int off, uint64_t val)
{
	struct virtq *q = &p->v->queues[p->queue];

	if (off == VIRTIO_PCI_COMMON_Q_MSIX)
		q->vector = vector_of(p, val);
	else if (!q->enabled && !(p->v->status & VIRTIO_CONFIG_S_DRIVER_OK))
		queue_setup(q, off, val);
}

void common_write(struct virtio_pci *p, unsigned int off, uint64_t val,
		  unsigned int len)
{
	if (len == 8) {
		common_write(p, off, (uint32_t)val, 4);
		common_write(p, off + 4, val >> 32, 4);
		return;
	}
	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		p->feature_word = val;
		break;
	case VIRTIO_PCI_COMMON_GFSELECT:
		p->driver_word = val;
		break;
	case VIRTIO_PCI_COMMON_GF:
		features_write(p, val);
		break;
	case VIRTIO_PCI_COMMON_MSIX:
		p->cfg_vector = vector_of(p, val);
		break;
	case VIRTIO_PCI_COMMON_STATUS:
		status_write(p, val);
		break;
	case VIRTIO_PCI_COMMON_Q_SELECT:
		p->queue = val;
		break;
	default:
		if (p->queue < p->v->nr_queues)
			queue_write(p, off, val);
	}
}
