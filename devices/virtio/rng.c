/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entropy for the guest, from the host's own generator. VIRTIO 1.2 section 5.4.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/virtio.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define QUEUE 64
#define MOST 1024U	/* of a chain: no more has to be filled */
#define PIECE 256U	/* that sys_random() gives at a time */

/* Returns how many bytes there are. */
static size_t fill(const struct virtq_chain *c)
{
	size_t want = MIN(c->in_len, MOST), have = 0, n;
	uint8_t random[PIECE];

	while (have < want) {
		n = MIN(want - have, sizeof(random));
		if (sys_random(random, n) < 0)
			break;
		have += chain_write(c, have, random, n);
	}
	return have;
}

static void rng_serve(struct virtio *v, struct virtq *q)
{
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain c = { .iov = iov, .max = ARRAY_SIZE(iov) };

	(void)v;
	do {
		virtq_quiet(q);
		while (virtq_pop(q, &c))
			virtq_push(q, c.head, fill(&c));
		virtq_signal(q);
	} while (virtq_listen(q));
}

static void rng_destroy(struct virtio *v)
{
	virtqs_destroy(v);
	free(v);
}

static const struct virtio_ops rng_ops = {
	.serve = rng_serve,
	.destroy = rng_destroy,
};

int rng_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	struct virtio *v = calloc(1, sizeof(*v));
	int err;

	(void)spec;
	if (!v)
		return -ENOMEM;
	v->ops = &rng_ops;
	v->vm = vm;
	v->name = "rng";
	v->type = VIRTIO_ID_RNG;
	v->class = 0xff0000;
	err = virtqs_create(v, 1, QUEUE);
	if (err >= 0)
		err = virtio_add(v, host);
	if (err < 0)
		rng_destroy(v);
	return err;
}
