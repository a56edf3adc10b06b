/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card's parts: net.c is the device, net_io.c moves packets, net_tap.c
 * and net_passt.c are what they come from and go to, net_vhost.c has the host's
 * kernel do it all. VIRTIO 1.2 section 5.1.
 */
#ifndef DEVICES_VIRTIO_NET_PRIV_H
#define DEVICES_VIRTIO_NET_PRIV_H

#include <linux/virtio_net.h>

#include "devices/virtio/thread.h"
#include "devices/virtio/virtio.h"
#include "vmm/util.h"

#define NET_QUEUE 256
#define NET_PAIRS 8
#define NET_HEADER sizeof(struct virtio_net_hdr_v1)
#define NET_PACKET_MAX 65550U	/* what an offload makes, Ethernet header too */
#define NET_BOUNCE (NET_HEADER + NET_PACKET_MAX)

struct net;
struct net_pair;

/*
 * Where packets come from and go to. Both calls move one packet, headed by a
 * struct virtio_net_hdr_v1, and wait for nothing. -EAGAIN: there is none, or no
 * room: later. Any other error loses a packet.
 */
struct net_ops {
	uint64_t features;	/* beyond those that need nothing */
	ssize_t (*receive)(struct net_pair *pair, const struct iovec *iov,
			   unsigned int nr);
	ssize_t (*send)(struct net_pair *pair, const struct iovec *iov,
			unsigned int nr);
	/*
	 * Send what is left of a packet that was taken: 0, or -EAGAIN to be
	 * asked again. May be NULL.
	 */
	int (*flush)(struct net_pair *pair);
	/* The driver has accepted features. May be NULL. */
	int (*start)(struct net *net);
	/* It uses a pair but the first, or no longer. */
	void (*use)(struct net_pair *pair, bool on);
};

struct net_pair {
	struct net *net;
	struct virtq *rx, *tx;
	struct virtio_thread *thread;
	int fd;			/* readable: a packet may be there */
	bool off;		/* the driver does not use this one */
	bool watched;		/* fd is on the loop */
	int retry;		/* timer: there may be room again; -1: none */
	uint8_t *bounce;	/* NET_BOUNCE: what did not fit into a buffer */
	struct net_stream *stream;	/* net_passt.c's own */
	int vhost;		/* its descriptor, -1: none */
	bool by_vhost;		/* is at work */
};

struct net {
	struct virtio v;
	struct virtio_net_config cfg;
	const struct net_ops *ops;
	const char *mac;	/* NULL: any */
	unsigned int nr;	/* of pairs */
	bool vhost;
	bool warned;
	struct net_pair pairs[NET_PAIRS];
};

/* ---- net_io.c ------------------------------------------------------------- */

/* With the queue's lock, on the pair's thread. */
void net_receive(struct net_pair *pair);
void net_transmit(struct net_pair *pair);
/* net_readable - pair->fd is. */
void net_readable(void *arg);
/* net_quiet - the queues are not live any more: off the loop with the rest. */
void net_quiet(struct net_pair *pair);

/* ---- what they are for ---------------------------------------------------- */

/*
 * tap_open - a tap interface of the host by its name, or fd:N. passt_open - the
 * socket of a passt. Fill in ops, and fds of all pairs. Print their errors.
 */
int tap_open(struct net *net, const char *name);
int passt_open(struct net *net, const char *path);
void passt_close(struct net_pair *pair);

/*
 * vhost_open - of all pairs. Prints its errors. vhost_start - from now on the
 * kernel serves @pair; vhost_stop - no longer.
 */
int vhost_open(struct net *net);
int vhost_start(struct net_pair *pair);
void vhost_stop(struct net_pair *pair);

#endif
