/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's kernel at a pair's rings, so that no packet comes here. Linux:
 * include/uapi/linux/vhost.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>

#include "devices/virtio/net_priv.h"
#include "devices/virtio/vhost.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define NODE "/dev/vhost-net"
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) | \
		  BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
		  BIT(VIRTIO_NET_F_MRG_RXBUF))

int vhost_open(struct net *net)
{
	unsigned int i;

	for (i = 0; i < net->nr; i++) {
		struct net_pair *p = &net->pairs[i];
		int err = p->vhost = sys_open(NODE, O_RDWR, 0);

		if (err >= 0)
			err = sys_ioctl_num(p->vhost, VHOST_SET_OWNER, 0);
		if (err < 0) {
			log_err("--net: vhost: cannot use %s: %s", NODE,
				err_text(err));
			if (err == -ENOENT)
				log_hint("modprobe vhost_net");
			return err == -ENOENT ? -ENODEV : err;
		}
	}
	return 0;
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
