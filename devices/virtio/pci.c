/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtio device as a PCI function: config space with the capabilities that
 * say where its structures are, one BAR with all of them, and a doorbell for
 * each queue, which rings inside the kernel. VIRTIO 1.2 section 4.1.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/virtio/virtio_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define VENDOR 0x1af4
#define DEVICE_BASE 0x1040	/* + the device type; only modern ones */
#define REVISION 1

/* BAR 0, a page each. */
enum { AT_COMMON, AT_ISR, AT_DEVICE, AT_NOTIFY, AT_TABLE, AT_PBA, AT_PAGES };
#define AT(page) ((page) * 4096U)
#define BAR_SIZE (8 * 4096U)
#define NOTIFY_STEP 4		/* from one queue's doorbell to the next */

#define CAPS 0x40		/* the first capability */

/* ---- the BAR ------------------------------------------------------------ */

static uint64_t cfg_read(const struct virtio *v, unsigned int off,
			 unsigned int len)
{
	uint64_t val = 0;

	if (range_contains(0, v->cfg_size, off, len))
		memcpy(&val, (const char *)v->cfg + off, len);
	return val;
}

static void cfg_write(struct virtio *v, unsigned int off, uint64_t val,
		      unsigned int len)
{
	if (v->ops->cfg_write && range_contains(0, v->cfg_size, off, len))
		v->ops->cfg_write(v, off, val, len);
}

static uint64_t locked_read(struct virtio_pci *p, uint64_t off,
			    unsigned int len)
{
	unsigned int at = off % 4096;

	if (msix_touches(&p->msix, 0, off, len))
		return msix_read(&p->msix, 0, off, len);
	switch (off / 4096) {
	case AT_COMMON:
		return common_read(p, at, len);
	case AT_ISR:
		return at ? 0 : virtio_isr_read(p);
	case AT_DEVICE:
		return cfg_read(p->v, at, len);
	}
	return 0;
}

static uint64_t bar_read(struct pci_dev *pci, unsigned int bar, uint64_t off,
			 unsigned int len)
{
	struct virtio_pci *p = container_of(pci, struct virtio_pci, pci);
	uint64_t val;

	(void)bar;
	pthread_mutex_lock(&p->lock);
	val = locked_read(p, off, len);
	pthread_mutex_unlock(&p->lock);
	return val;
}

/* Where the kernel does not catch it. */
static void notify(struct virtio_pci *p, unsigned int at)
{
	static const uint64_t one = 1;

	if (at / NOTIFY_STEP < p->v->nr_queues)
		sys_write(p->v->queues[at / NOTIFY_STEP].kick_fd, &one,
			  sizeof(one));
}

static void locked_write(struct virtio_pci *p, uint64_t off, uint64_t val,
			 unsigned int len)
{
	unsigned int at = off % 4096;

	if (msix_touches(&p->msix, 0, off, len)) {
		msix_write(&p->msix, 0, off, val, len);
		return;
	}
	switch (off / 4096) {
	case AT_COMMON:
		common_write(p, at, val, len);
		break;
	case AT_DEVICE:
		cfg_write(p->v, at, val, len);
		break;
	case AT_NOTIFY:
		notify(p, at);
		break;
	}
}

static void bar_write(struct pci_dev *pci, unsigned int bar, uint64_t off,
		      uint64_t val, unsigned int len)
{
	struct virtio_pci *p = container_of(pci, struct virtio_pci, pci);

	(void)bar;
	pthread_mutex_lock(&p->lock);
	locked_write(p, off, val, len);
	pthread_mutex_unlock(&p->lock);
}

static void bar_map(struct pci_dev *pci, unsigned int bar, uint64_t addr,
		    bool on)
{
	struct virtio_pci *p = container_of(pci, struct virtio_pci, pci);
	struct virtio *v = p->v;
	unsigned int i;
	int err;

	(void)bar;
	for (i = 0; i < v->nr_queues; i++) {
		err = kvm_doorbell(&v->vm->kvm, addr + AT(AT_NOTIFY) +
				   i * NOTIFY_STEP, v->queues[i].kick_fd, on);
		if (err < 0 && on)
			trace(TRACE_PCI, "%s: queue %u: no doorbell: %s",
			      v->name, i, err_text(err));
	}
}

/* ---- config space ------------------------------------------------------- */

/*
 * The window through which firmware reaches the BAR before it is mapped: the
 * capability's own bar, offset and length say where. Section 4.1.4.9.
 */
static bool through(const struct virtio_pci *p, unsigned int off,
		    uint32_t *at, uint32_t *len)
{
	const uint8_t *cap = p->pci.cfg + p->access;

	*at = pci_get(cap, VIRTIO_PCI_CAP_OFFSET, 4);
	*len = pci_get(cap, VIRTIO_PCI_CAP_LENGTH, 4);
	return off == p->access + sizeof(struct virtio_pci_cap) &&
	       !cap[VIRTIO_PCI_CAP_BAR] &&
	       (*len == 1 || *len == 2 || *len == 4) &&
	       IS_ALIGNED(*at, *len) &&
	       range_contains(0, BAR_SIZE, *at, *len);
}

static uint32_t config_read(struct pci_dev *pci, unsigned int off,
			    unsigned int len)
{
	struct virtio_pci *p = container_of(pci, struct virtio_pci, pci);
	uint32_t at, n;

	if (through(p, off, &at, &n))
		return bar_read(pci, 0, at, n);
	return pci_get(pci->cfg, off, len);
}

static void config_write(struct pci_dev *pci, unsigned int off, uint32_t val,
			 unsigned int len)
{
	struct virtio_pci *p = container_of(pci, struct virtio_pci, pci);
	uint32_t at, n;

	if (through(p, off, &at, &n)) {
		bar_write(pci, 0, at, val, n);
		return;
	}
	pthread_mutex_lock(&p->lock);
	pci_cfg_put(pci, off, val, len);
	msix_cfg_written(&p->msix, off, len);
	virtio_irqs_sync(p);
	pthread_mutex_unlock(&p->lock);
}

static const struct pci_dev_ops virtio_pci_ops = {
	.cfg_read = config_read,
	.cfg_write = config_write,
	.bar_read = bar_read,
	.bar_write = bar_write,
	.bar_map = bar_map,
};

/* A capability of @len bytes at @at, linked to the next. */
static unsigned int cap_add(struct virtio_pci *p, unsigned int at, uint8_t id,
			    unsigned int len)
{
	unsigned int next = ALIGN_UP(at + len, 4);

	p->pci.cfg[at] = id;
	p->pci.cfg[at + 1] = next;
	return next;
}

static unsigned int vendor_cap(struct virtio_pci *p, unsigned int at,
			       uint8_t type, unsigned int page,
			       unsigned int size, unsigned int extra)
{
	unsigned int len = sizeof(struct virtio_pci_cap) + extra;
	uint8_t *cap = p->pci.cfg + at;

	cap[VIRTIO_PCI_CAP_LEN] = len;
	cap[VIRTIO_PCI_CAP_CFG_TYPE] = type;
	pci_put(cap, VIRTIO_PCI_CAP_OFFSET, AT(page), 4);
	pci_put(cap, VIRTIO_PCI_CAP_LENGTH, size, 4);
	return cap_add(p, at, PCI_CAP_ID_VNDR, len);
}

static int fill_caps(struct virtio_pci *p)
{
	static const struct msix_place table = { .off = AT(AT_TABLE) };
	static const struct msix_place pba = { .off = AT(AT_PBA) };
	uint8_t *cfg = p->pci.cfg, *wmask = p->pci.wmask;
	unsigned int nr = p->v->nr_queues, at, last;
	int err = virtio_msix_create(p, CAPS, &table, &pba);

	if (err < 0)
		return err;
	at = cap_add(p, CAPS, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	at = vendor_cap(p, at, VIRTIO_PCI_CAP_COMMON_CFG, AT_COMMON,
			sizeof(struct virtio_pci_common_cfg), 0);
	pci_put(cfg, at + VIRTIO_PCI_NOTIFY_CAP_MULT, NOTIFY_STEP, 4);
	at = vendor_cap(p, at, VIRTIO_PCI_CAP_NOTIFY_CFG, AT_NOTIFY,
			nr * NOTIFY_STEP, 4);
	at = vendor_cap(p, at, VIRTIO_PCI_CAP_ISR_CFG, AT_ISR, 1, 0);
	if (p->v->cfg_size)
		at = vendor_cap(p, at, VIRTIO_PCI_CAP_DEVICE_CFG, AT_DEVICE,
				p->v->cfg_size, 0);
	p->access = last = at;
	vendor_cap(p, at, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 4);
	cfg[last + 1] = 0;
	wmask[last + VIRTIO_PCI_CAP_BAR] = 0xff;
	pci_put(wmask, last + VIRTIO_PCI_CAP_OFFSET, UINT32_MAX, 4);
	pci_put(wmask, last + VIRTIO_PCI_CAP_LENGTH, UINT32_MAX, 4);
	return 0;
}

static int fill(struct virtio_pci *p)
{
	uint8_t *cfg = p->pci.cfg;

	p->pci.name = p->v->name;
	p->pci.ops = &virtio_pci_ops;
	p->pci.bars[0].size = BAR_SIZE;
	pci_put(cfg, PCI_VENDOR_ID, VENDOR, 2);
	pci_put(cfg, PCI_DEVICE_ID, DEVICE_BASE + p->v->type, 2);
	pci_put(cfg, PCI_REVISION_ID, p->v->class << 8 | REVISION, 4);
	pci_put(cfg, PCI_SUBSYSTEM_VENDOR_ID, VENDOR, 2);
	pci_put(cfg, PCI_SUBSYSTEM_ID, DEVICE_BASE + p->v->type, 2);
	pci_put(cfg, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	cfg[PCI_CAPABILITY_LIST] = CAPS;
	pci_put(p->pci.wmask, PCI_COMMAND,
		PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE, 2);
	p->pci.wmask[PCI_INTERRUPT_LINE] = 0xff;
	return fill_caps(p);
}

/* ---- queues ------------------------------------------------------------- */

int virtqs_create(struct virtio *v, unsigned int nr, uint16_t max)
{
	unsigned int i;

	v->queues = calloc(nr, sizeof(*v->queues));
	if (!v->queues)
		return -ENOMEM;
	v->nr_queues = nr;
	for (i = 0; i < nr; i++) {
		struct virtq *q = &v->queues[i];

		q->dev = v;
		q->index = i;
		q->max = max;
		q->loop = &v->vm->loop;
		q->kick_fd = -1;
		pthread_mutex_init(&q->lock, NULL);
		virtq_clear(q);
	}
	for (i = 0; i < nr; i++) {
		v->queues[i].kick_fd = sys_eventfd();
		if (v->queues[i].kick_fd < 0) {
			int err = v->queues[i].kick_fd;

			virtqs_destroy(v);
			return err;
		}
	}
	return 0;
}

void virtqs_destroy(struct virtio *v)
{
	unsigned int i;

	for (i = 0; i < v->nr_queues; i++) {
		if (v->queues[i].kick_fd >= 0)
			sys_close(v->queues[i].kick_fd);
		pthread_mutex_destroy(&v->queues[i].lock);
	}
	free(v->queues);
	v->queues = NULL;
	v->nr_queues = 0;
}

void virtio_serve(struct virtq *q)
{
	static const uint64_t one = 1;

	pthread_mutex_lock(&q->lock);
	if (q->live) {
		virtq_turn(q);
		q->dev->ops->serve(q->dev, q);
		if (!q->budget)
			sys_write(q->kick_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&q->lock);
}

static void kicked(void *arg)
{
	struct virtq *q = arg;
	uint64_t count;

	sys_read(q->kick_fd, &count, sizeof(count));
	virtio_serve(q);
}

int virtq_watch(struct virtq *q)
{
	return loop_add(q->loop, q->kick_fd, kicked, q);
}

void virtq_unwatch(struct virtq *q)
{
	loop_del(q->loop, q->kick_fd);
}

static void unwatch(struct virtio *v, unsigned int nr)
{
	while (nr--)
		virtq_unwatch(&v->queues[nr]);
}

static int watch(struct virtio *v)
{
	unsigned int i;
	int err;

	for (i = 0; i < v->nr_queues; i++) {
		err = virtq_watch(&v->queues[i]);
		if (err < 0) {
			unwatch(v, i);
			return err;
		}
	}
	return 0;
}

/* ---- life --------------------------------------------------------------- */

static void quiesce(struct virtio_pci *p)
{
	pthread_mutex_lock(&p->lock);
	common_reset(p);
	virtio_irqs_reset(p);
	pthread_mutex_unlock(&p->lock);
}

static void virtio_reset(struct device *device)
{
	struct virtio_pci *p = container_of(device, struct virtio_pci, device);

	quiesce(p);
	pci_dev_reset(&p->pci);
	pci_put(p->pci.cfg, PCI_COMMAND, 0, 2);
}

static void release(struct virtio_pci *p)
{
	virtio_irqs_destroy(p);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void virtio_destroy(struct device *device)
{
	struct virtio_pci *p = container_of(device, struct virtio_pci, device);
	struct virtio *v = p->v;

	quiesce(p);
	pci_dev_del(&p->pci);
	unwatch(v, v->nr_queues);
	release(p);
	v->ops->destroy(v);
}

static int virtio_run(struct device *dev)
{
	struct virtio *v = container_of(dev, struct virtio_pci, device)->v;

	return v->ops->run ? v->ops->run(v) : 0;
}

static const struct device_ops virtio_device_ops = {
	.run = virtio_run,
	.reset = virtio_reset,
	.destroy = virtio_destroy,
};

static int plug(struct virtio_pci *p, struct pci_host *host)
{
	int err = virtio_irqs_create(p);

	if (err >= 0)
		err = fill(p);
	if (err >= 0)
		err = watch(p->v);
	if (err < 0)
		return err;
	err = pci_dev_add(host, &p->pci, -1);
	if (err < 0)
		unwatch(p->v, p->v->nr_queues);
	return err;
}

int virtio_add(struct virtio *v, struct pci_host *host)
{
	struct virtio_pci *p = calloc(1, sizeof(*p));
	char at[PCI_WHERE];
	int err = -ENOMEM;

	if (!p)
		goto report;
	p->v = v;
	p->nr_vectors = v->nr_queues + 1;
	pthread_mutex_init(&p->lock, NULL);
	v->pci = p;
	err = plug(p, host);
	if (err < 0)
		goto release;
	virtio_irqs_wire(p);
	device_add(v->vm, &p->device, v->name, &virtio_device_ops);
	pci_where(&p->pci, at);
	log_info("%s: at guest %s", v->name, at);
	return 0;

release:
	release(p);
	v->pci = NULL;
report:
	log_err("%s: cannot be set up: %s", v->name, err_text(err));
	return err;
}
