/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets between the guest and the host, whose kernel serves both queues
 * (vhost-vsock). The third is for a device to tell that it was moved to another
 * host, and stays silent. VIRTIO 1.2 section 5.10; Linux: drivers/vhost/vsock.c.
 */
#include <errno.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>
#include <stdlib.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/vhost.h"
#include "vmm/log.h"
#include "vmm/options.h"
#include "vmm/sys.h"

#define QUEUE 128
#define CID_MIN 3U		/* less are well known, as the host's, 2 */
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
		  BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
		  BIT(VIRTIO_VSOCK_F_SEQPACKET))

enum { RX, TX, EVENT, QUEUES };

struct vsock {
	struct virtio v;	/* v.text: the guest's number */
	struct virtio_vsock_config cfg;
	const char *node;	/* of vhost; NULL: the usual one */
	int fd;			/* it, open; -1: not yet */
	bool runs;
};

static struct vsock *vsock_of(struct virtio *v)
{
	return container_of(v, struct vsock, v);
}

static int vsock_start(struct virtio *v)
{
	struct virtq *queues[] = { &v->queues[RX], &v->queues[TX] };
	struct vsock *s = vsock_of(v);
	int on = 1, err;

	err = vhost_setup(s->fd, v, FEATURES, queues, ARRAY_SIZE(queues));
	if (err >= 0)
		err = sys_ioctl(s->fd, VHOST_VSOCK_SET_RUNNING, &on);
	if (err < 0) {
		log_warn("vsock: its driver cannot be served: %s",
			 err_text(err));
		return err;
	}
	s->runs = true;
	virtq_unwatch(queues[RX]);
	virtq_unwatch(queues[TX]);
	return 0;
}

static void vsock_stop(struct virtio *v)
{
	struct vsock *s = vsock_of(v);
	int off = 0;

	if (!s->runs)
		return;
	s->runs = false;
	sys_ioctl(s->fd, VHOST_VSOCK_SET_RUNNING, &off);
	if (virtq_watch(&v->queues[RX]) < 0 || virtq_watch(&v->queues[TX]) < 0)
		log_warn("vsock: is of no more use");
}

/* What is available in the third queue is for later, or was for vhost. */
static void vsock_serve(struct virtio *v, struct virtq *q)
{
}

static void vsock_destroy(struct virtio *v)
{
	struct vsock *s = vsock_of(v);

	if (s->fd >= 0)
		sys_close(s->fd);
	virtqs_destroy(v);
	free(s);
}

static const struct virtio_ops vsock_ops = {
	.start = vsock_start,
	.stop = vsock_stop,
	.serve = vsock_serve,
	.destroy = vsock_destroy,
};

static int parse(struct vsock *s, const char *spec)
{
	static const struct virtio_key keys[] = {
		{ "vhost", offsetof(struct vsock, node), VIRTIO_TEXT },
		VIRTIO_KEYS_END
	};
	uint64_t cid;
	int err = virtio_parse(&s->v, spec, keys);

	if (err < 0)
		return err;
	if (parse_size(s->v.text, &cid) < 0 || cid < CID_MIN ||
	    cid >= UINT32_MAX)
		return virtio_wrong(&s->v, spec,
				    "a guest's number is 3 to 4294967294");
	s->cfg.guest_cid = cid;
	return 0;
}

static int attach(struct vsock *s)
{
	uint64_t cid = s->cfg.guest_cid, has;
	int err = s->fd = vhost_attach(&s->v, s->node);

	if (err < 0)
		return err;
	err = sys_ioctl(s->fd, VHOST_GET_FEATURES, &has);
	if (err >= 0)
		err = sys_ioctl(s->fd, VHOST_VSOCK_SET_GUEST_CID, &cid);
	if (err < 0) {
		log_err("--vsock: %s: %s", s->v.text, err == -EADDRINUSE ?
			"another guest has this number" : err_text(err));
		return err == -EADDRINUSE ? -EBUSY : err;
	}
	s->v.features = has & BIT(VIRTIO_VSOCK_F_SEQPACKET);
	return 0;
}

int vsock_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	struct vsock *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->fd = -1;
	s->v = (struct virtio){
		.ops = &vsock_ops,
		.vm = vm,
		.name = "vsock",
		.type = VIRTIO_ID_VSOCK,
		.class = 0x078000,
		.cfg = &s->cfg,
		.cfg_size = sizeof(s->cfg),
	};
	err = parse(s, spec);
	if (err >= 0)
		err = attach(s);
	if (err >= 0)
		err = virtqs_create(&s->v, QUEUES, QUEUE);
	if (err >= 0)
		err = virtio_add(&s->v, host);
	if (err < 0)
		vsock_destroy(&s->v);
	return err;
}
