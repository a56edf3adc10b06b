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
#define PIECE 1024U	/* of a chain at a time: no more has to be filled */

static void rng_serve(struct virtio *v, struct virtq *q)
{
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain c = { .iov = iov, .max = ARRAY_SIZE(iov) };
	uint8_t random[PIECE];
	ssize_t n;

	(void)v;
	do {
		virtq_quiet(q);
		while (virtq_pop(q, &c)) {
			n = sys_random(random, MIN(c.in_len, PIECE));
			n = n < 0 ? 0 : n;
			chain_write(&c, 0, random, n);
			virtq_push(q, c.head, n);
		}
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
