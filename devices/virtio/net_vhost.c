/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's kernel at a pair's rings, so that no packet comes here. Linux:
 * include/uapi/linux/vhost.h.
 */
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "devices/virtio/net_priv.h"
#include "devices/virtio/vhost.h"
#include "vmm/sys.h"

#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
		  BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
		  BIT(VIRTIO_NET_F_MRG_RXBUF))

int vhost_open(struct net *net)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < net->nr && err >= 0; i++)
		err = net->pairs[i].vhost = vhost_attach(&net->v, NULL);
	return err;
}

static int backend(struct net_pair *p, unsigned int ring, int fd)
{
	struct vhost_vring_file file = { .index = ring, .fd = fd };

	return sys_ioctl(p->vhost, VHOST_NET_SET_BACKEND, &file);
}

int vhost_start(struct net_pair *p)
{
	struct virtq *queues[2] = { p->rx, p->tx };
	int err = vhost_setup(p->vhost, &p->net->v, FEATURES, queues, 2);
	unsigned int i;

	for (i = 0; i < 2 && err >= 0; i++)
		err = backend(p, i, p->fd);
	p->by_vhost = true;
	if (err < 0)
		vhost_stop(p);
	return err;
}

void vhost_stop(struct net_pair *p)
{
	unsigned int i;

	for (i = 0; i < 2 && p->by_vhost; i++)
		backend(p, i, -1);
	p->by_vhost = false;
}
