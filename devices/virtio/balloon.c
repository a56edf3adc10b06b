/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A balloon: RAM that the guest does without, and what it reports as free, goes
 * back to the host. VIRTIO 1.2 section 5.5.
 *
 * Drivers do not agree on the number of the queue for reports: that of the queues
 * that were agreed on before it, or 4. So all from the third on are for reports,
 * but that the third is for statistics where these were agreed on.
 */
#include <errno.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/virtio.h"
#include "vmm/balloon.h"
#include "vmm/vm.h"

#define QUEUE 64		/* a report of Linux has 32 buffers */
#define PAGE (1ULL << VIRTIO_BALLOON_PFN_SHIFT)
#define MOST 1024U		/* pages of a chain: no more is looked at */

enum { INFLATE, DEFLATE, STATS, QUEUES = 5 };

struct device_balloon {
	struct virtio v;
	struct virtio_balloon_config cfg;
	struct balloon core;
	/* With the statistics queue's lock: */
	bool held;		/* its buffer is here, to ask for more by */
	uint16_t head;		/* of its chain */
	bool asked;
};

static struct device_balloon *balloon_of(struct virtio *v)
{
	return container_of(v, struct device_balloon, v);
}

/* ---- what comes ---------------------------------------------------------- */

static void give_back(struct device_balloon *b, void *at, size_t len)
{
	if (at && mem_discard(&b->v.vm->mem, at, len))
		b->core.discarded += len;
}

/* Pages that follow each other go together, in either direction. */
static void inflate(struct device_balloon *b, const struct virtq_chain *c)
{
	unsigned int n, i = 0;
	uint64_t first, last;
	uint32_t pfn[MOST];

	n = chain_read(c, 0, pfn, sizeof(pfn)) / sizeof(pfn[0]);
	while (i < n) {
		first = last = pfn[i];
		while (++i < n)
			if (pfn[i] == last + 1)
				last++;
			else if (pfn[i] == first - 1)
				first--;
			else
				break;
		last = (last - first + 1) * PAGE;
		give_back(b, mem_at(&b->v.vm->mem, first * PAGE, last), last);
	}
}

static void report(struct device_balloon *b, const struct virtq_chain *c)
{
	const struct iovec *iov = c->iov + c->nr_out;
	unsigned int i;

	for (i = 0; i < c->nr_in; i++)
		give_back(b, iov[i].iov_base, iov[i].iov_len);
}

static void take_figures(struct device_balloon *b, const struct virtq_chain *c)
{
	struct virtio_balloon_stat s;
	size_t off;

	/* More kinds than there are make no sense. */
	for (off = 0; off < 64 * sizeof(s) &&
	     chain_read(c, off, &s, sizeof(s)) == sizeof(s); off += sizeof(s))
		if (s.tag < BALLOON_FIGURES)
			b->core.figures[s.tag] = s.val;
}

/* The buffer stays until there is somebody to ask for. */
static void statistics(struct device_balloon *b, struct virtq *q,
		       const struct virtq_chain *c)
{
	if (b->held)
		virtq_push(q, b->head, 0);
	take_figures(b, c);
	b->held = true;
	b->head = c->head;
}

static void balloon_serve(struct virtio *v, struct virtq *q)
{
	struct device_balloon *b = balloon_of(v);
	bool stats = q->index == STATS && virtio_has(v, VIRTIO_BALLOON_F_STATS_VQ);
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain c = { .iov = iov, .max = VIRTQ_SIZE_MAX };

	do {
		virtq_quiet(q);
		while (virtq_pop(q, &c)) {
			if (stats) {
				statistics(b, q, &c);
				continue;
			}
			if (q->index == INFLATE)
				inflate(b, &c);
			else if (q->index >= STATS)
				report(b, &c);
			virtq_push(q, c.head, 0);
		}
		if (stats && b->held && b->asked) {
			virtq_push(q, b->head, 0);
			b->held = b->asked = false;
		}
		virtq_signal(q);
	} while (virtq_listen(q));
}

/* ---- what is asked for --------------------------------------------------- */

static void resize(struct balloon *core, uint64_t bytes)
{
	struct device_balloon *b = container_of(core, struct device_balloon,
						core);

	core->target = bytes;
	b->cfg.num_pages = bytes / PAGE;
	virtio_cfg_changed(&b->v);
}

static void ask(struct balloon *core)
{
	struct device_balloon *b = container_of(core, struct device_balloon,
						core);

	b->asked = true;
	virtio_serve(&b->v.queues[STATS]);
}

static void set_size(struct device_balloon *b, uint32_t pages)
{
	b->cfg.actual = pages;
	b->core.size = pages * PAGE;
}

static void balloon_cfg_write(struct virtio *v, unsigned int off, uint64_t val,
			      unsigned int len)
{
	if (off == offsetof(struct virtio_balloon_config, actual) && len == 4)
		set_size(balloon_of(v), val);
}

/* ---- life ---------------------------------------------------------------- */

/* What was in it is the guest's again, with the next driver. */
static void balloon_stop(struct virtio *v)
{
	struct device_balloon *b = balloon_of(v);

	b->held = b->asked = false;
	set_size(b, 0);
	memset(b->core.figures, 0xff, sizeof(b->core.figures));
}

static void balloon_destroy(struct virtio *v)
{
	v->vm->balloon = NULL;
	virtqs_destroy(v);
	free(balloon_of(v));
}

static const struct virtio_ops balloon_ops = {
	.stop = balloon_stop,
	.serve = balloon_serve,
	.cfg_write = balloon_cfg_write,
	.destroy = balloon_destroy,
};

int balloon_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	struct device_balloon *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->v = (struct virtio){
		.ops = &balloon_ops,
		.vm = vm,
		.name = "balloon",
		.type = VIRTIO_ID_BALLOON,
		.class = 0xff0000,
		.features = BIT(VIRTIO_BALLOON_F_STATS_VQ) |
			    BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM) |
			    BIT(VIRTIO_BALLOON_F_REPORTING),
		.cfg = &b->cfg,
		.cfg_size = offsetof(struct virtio_balloon_config,
				     free_page_hint_cmd_id),
	};
	b->core.resize = resize;
	b->core.ask = ask;
	balloon_stop(&b->v);
	err = virtqs_create(&b->v, QUEUES, QUEUE);
	if (err >= 0)
		err = virtio_add(&b->v, host);
	if (err < 0)
		balloon_destroy(&b->v);
	else
		vm->balloon = &b->core;
	return err;
}
