/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The split ring; see ring.h.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "devices/virtio/virtio.h"
#include "vmm/util.h"
#include "vmm/vm.h"

/* Times its size that a queue may be taken from in one turn. */
#define TURN 4

/* The driver writes these while we read. */
#define READ(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)

static bool event_idx(const struct virtq *q)
{
	return virtio_has(q->dev, VIRTIO_RING_F_EVENT_IDX);
}

/* Where each ring keeps the index at which its reader wants to be told. */
static uint16_t *used_event(const struct virtq *q)
{
	return &q->avail->ring[q->size];
}

static uint16_t *avail_event(const struct virtq *q)
{
	return (uint16_t *)&q->used->ring[q->size];
}

/* ---- life --------------------------------------------------------------- */

static void *ring_at(const struct virtq *q, uint64_t gpa, size_t len,
		     unsigned int align)
{
	return IS_ALIGNED(gpa, align) ? mem_at(&q->dev->vm->mem, gpa, len) :
		NULL;
}

int virtq_start(struct virtq *q)
{
	size_t n = q->size, event = event_idx(q) ? 2 : 0;

	q->desc = ring_at(q, q->desc_gpa, n * sizeof(struct vring_desc), 16);
	q->avail = ring_at(q, q->avail_gpa, sizeof(struct vring_avail) +
			   n * sizeof(uint16_t) + event, 2);
	q->used = ring_at(q, q->used_gpa, sizeof(struct vring_used) +
			  n * sizeof(struct vring_used_elem) + event, 4);
	if (!q->desc || !q->avail || !q->used)
		return -EINVAL;
	q->next_avail = q->next_used = q->told = 0;
	virtq_turn(q);
	q->live = true;
	return 0;
}

void virtq_turn(struct virtq *q)
{
	q->budget = TURN * q->size;
}

void virtq_stop(struct virtq *q)
{
	q->live = false;
}

void virtq_clear(struct virtq *q)
{
	q->live = q->enabled = false;
	q->size = q->max;
	q->vector = VIRTQ_NO_VECTOR;
	q->desc_gpa = q->avail_gpa = q->used_gpa = 0;
}

/* ---- taking ------------------------------------------------------------- */

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
	const struct vring_desc *desc;
	unsigned int nr;
	bool indirect;
};

static void copy_desc(struct vring_desc *to, const struct vring_desc *from)
{
	to->addr = READ(from->addr);
	to->len = READ(from->len);
	to->flags = READ(from->flags);
	to->next = READ(from->next);
}

/* Returns what is wrong with it, or NULL. */
static const char *add_buffer(const struct virtq *q, struct virtq_chain *c,
			      const struct vring_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;
	uint32_t *len = in ? &c->in_len : &c->out_len;
	void *at;

	if (!in && c->nr_in)
		return "a buffer to read behind one to write";
	if (!d->len)
		return NULL;
	at = mem_at(&q->dev->vm->mem, d->addr, d->len);
	if (!at)
		return "a buffer outside of memory";
	if (*len + d->len < d->len)
		return "a chain of more than 4 GiB";
	if (c->nr_out + c->nr_in == c->max)
		return "a chain of too many buffers";
	*len += d->len;
	c->iov[c->nr_out + c->nr_in] = (struct iovec){ at, d->len };
	if (in)
		c->nr_in++;
	else
		c->nr_out++;
	return NULL;
}

static const char *indirect(const struct virtq *q, const struct vring_desc *d,
			    struct table *t)
{
	if (!virtio_has(q->dev, VIRTIO_RING_F_INDIRECT_DESC))
		return "an indirect table that was not agreed on";
	if (d->flags & VRING_DESC_F_NEXT || t->indirect)
		return "an indirect table within a chain";
	if (!d->len || d->len % sizeof(*d) || d->addr % 8)
		return "an indirect table of an odd size";
	t->desc = mem_at(&q->dev->vm->mem, d->addr, d->len);
	t->nr = d->len / sizeof(*d);
	t->indirect = true;	/* even if it is where the queue's is */
	return t->desc ? NULL : "an indirect table outside of memory";
}

/*
 * Follow the chain from c->head. No chain is longer than the queue (2.7.5.3.1),
 * which also ends one that bites its own tail.
 */
static const char *walk(const struct virtq *q, struct virtq_chain *c)
{
	struct table t = { q->desc, q->size, false };
	unsigned int at = c->head, left = q->size;
	struct vring_desc d;
	const char *wrong;

	do {
		if (at >= t.nr)
			return "a descriptor that is not there";
		if (!left--)
			return "a chain without an end";
		copy_desc(&d, &t.desc[at]);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			wrong = indirect(q, &d, &t);
			if (wrong)
				return wrong;
			at = 0;
			left++;
			d.flags = VRING_DESC_F_NEXT;
			continue;
		}
		wrong = add_buffer(q, c, &d);
		if (wrong)
			return wrong;
		at = d.next;
	} while (d.flags & VRING_DESC_F_NEXT);
	return NULL;
}

static uint16_t avail_idx(const struct virtq *q)
{
	return __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE);
}

bool virtq_pop(struct virtq *q, struct virtq_chain *c)
{
	const char *wrong = NULL;
	uint16_t ready;

	if (!q->live || !q->budget ||
	    q->dev->status & VIRTIO_CONFIG_S_NEEDS_RESET)
		return false;
	ready = avail_idx(q) - q->next_avail;
	if (!ready)
		return false;
	c->nr_out = c->nr_in = 0;
	c->out_len = c->in_len = 0;
	if (ready > q->size) {
		wrong = "more chains than the queue has room for";
	} else {
		c->head = READ(q->avail->ring[q->next_avail & (q->size - 1)]);
		wrong = c->head < q->size ? walk(q, c) :
			"a chain that is not there";
	}
	if (wrong) {
		virtio_broken(q->dev, wrong);
		return false;
	}
	q->next_avail++;
	q->budget--;
	return true;
}

void virtq_unpop(struct virtq *q)
{
	q->next_avail--;
	q->budget++;
}

/* ---- giving back -------------------------------------------------------- */

void virtq_push(struct virtq *q, uint16_t head, uint32_t len)
{
	struct vring_used_elem *e;

	if (!q->live)
		return;
	e = &q->used->ring[q->next_used++ & (q->size - 1)];
	__atomic_store_n(&e->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&e->len, len, __ATOMIC_RELAXED);
	__atomic_store_n(&q->used->idx, q->next_used, __ATOMIC_RELEASE);
}

void virtq_signal(struct virtq *q)
{
	uint16_t from = q->told;
	bool wanted;

	if (!q->live || from == q->next_used)
		return;
	q->told = q->next_used;
	atomic_thread_fence(memory_order_seq_cst);
	if (event_idx(q))
		wanted = vring_need_event(READ(*used_event(q)), q->next_used,
					  from);
	else
		wanted = !(READ(q->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	if (wanted)
		virtio_interrupt(q);
}

void virtq_quiet(struct virtq *q)
{
	/* With the event index, not to move it is enough. */
	if (!event_idx(q))
		__atomic_store_n(&q->used->flags, VRING_USED_F_NO_NOTIFY,
				 __ATOMIC_RELAXED);
}

bool virtq_listen(struct virtq *q)
{
	if (!q->live || !q->budget)
		return false;
	if (event_idx(q))
		__atomic_store_n(avail_event(q), q->next_avail,
				 __ATOMIC_RELAXED);
	else
		__atomic_store_n(&q->used->flags, 0, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_seq_cst);
	return avail_idx(q) != q->next_avail &&
	       !(q->dev->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* ---- copying ------------------------------------------------------------ */

static size_t copy(const struct iovec *iov, unsigned int nr, size_t off,
		   void *buf, size_t len, bool in)
{
	size_t done = 0, part;
	char *at;

	for (; nr && done < len; iov++, nr--) {
		if (off >= iov->iov_len) {
			off -= iov->iov_len;
			continue;
		}
		part = MIN(iov->iov_len - off, len - done);
		at = (char *)iov->iov_base + off;
		if (in)
			memcpy(at, (char *)buf + done, part);
		else
			memcpy((char *)buf + done, at, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t chain_read(const struct virtq_chain *c, size_t off, void *buf,
		  size_t len)
{
	return copy(c->iov, c->nr_out, off, buf, len, false);
}

size_t chain_write(const struct virtq_chain *c, size_t off, const void *buf,
		   size_t len)
{
	return copy(c->iov + c->nr_out, c->nr_in, off, (void *)buf, len, true);
}
