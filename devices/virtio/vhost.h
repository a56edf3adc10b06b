/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handing queues to a vhost of the host's kernel. Linux:
 * include/uapi/linux/vhost.h.
 */
#ifndef DEVICES_VIRTIO_VHOST_H
#define DEVICES_VIRTIO_VHOST_H

#include "devices/virtio/virtio.h"

/*
 * vhost_attach - open @node, or with NULL the host's vhost of @v's name, and be
 * its owner; the descriptor. Prints its errors.
 */
int vhost_attach(const struct virtio *v, const char *node);

/*
 * vhost_setup - tell the vhost behind @fd of guest RAM, of those of @v's accepted
 * features that are in @features, and of @nr queues that are live, which become
 * its rings from 0 on. -EOPNOTSUPP: the driver uses the pin, or a feature that
 * it has not got.
 */
int vhost_setup(int fd, const struct virtio *v, uint64_t features,
		struct virtq *const *queues, unsigned int nr);

#endif
