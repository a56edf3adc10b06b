/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device whose back end is another program, at the other end of a UNIX socket:
 * it has guest RAM mapped, rings and eventfds, and no request comes here. QEMU:
 * docs/interop/vhost-user.rst; vhost_user.c is what is said on the socket,
 * vhost_user_dev.c the device.
 *
 * A back end reaches all of guest RAM, so the guest has to trust it; this program
 * need not: what it answers is measured, in ten seconds it has answered or is
 * given up, and the device then waits for a reset that comes to nothing.
 */
#ifndef DEVICES_VIRTIO_VHOST_USER_H
#define DEVICES_VIRTIO_VHOST_USER_H

#include <linux/virtio_fs.h>
#include <linux/virtio_net.h>
#include <pthread.h>

#include "devices/virtio/virtio.h"

#define VUSER_QUEUES 16
#define VUSER_REGIONS 8		/* of RAM: more do not go into a message */
#define VUSER_CONFIG 60		/* of a disk, to its discards and write zeroes */

struct pci_host;
struct vuser_kind;

struct vuser {
	struct virtio v;
	const struct vuser_kind *kind;
	const char *option, *what;	/* for messages: its value, too */
	pthread_mutex_t lock;	/* around a question and its answer */
	int fd;			/* -1: lost */
	uint64_t until;		/* time_now() at which it has answered */
	uint64_t has;		/* features that the back end has */
	uint64_t protocol;	/* of these, those of the protocol that are on */
	uint32_t rings;		/* that it was given, as bits */
	int relay;		/* eventfd: interrupts that are not MSI-X */
	union {
		uint8_t bytes[VUSER_CONFIG];
		struct virtio_fs_config fs;
		struct virtio_net_config net;
	} cfg;
};

/* ---- vhost_user.c --------------------------------------------------------- */

/*
 * Each prints its errors, and after one that leaves the two out of step the back
 * end is lost: -ENODEV from then on.
 *
 * vuser_greet - learn its features, and how many queues it has (*@queues).
 * vuser_config - @len bytes of its configuration.
 */
int vuser_greet(struct vuser *u, uint64_t *queues);
int vuser_config(struct vuser *u, void *cfg, uint32_t len);
/* vuser_start, vuser_stop - as of struct virtio_ops. */
int vuser_start(struct virtio *v);
void vuser_stop(struct virtio *v);
/*
 * vuser_readable - its socket is, and nothing was asked: it has gone, or makes no
 * sense. A loop's callback; @arg is the struct vuser.
 */
void vuser_readable(void *arg);

/* ---- vhost_user_dev.c ----------------------------------------------------- */

/* What the user says of a device; zeroes where nothing is said. */
struct vuser_spec {
	const char *option, *what;	/* stay */
	const char *kind;	/* "fs", "blk" or "net" */
	int fd;			/* the socket, which becomes the device's */
	const char *tag;
	uint64_t queues;
	uint8_t mac[VIRTIO_MAC];
};

/*
 * vuser_add - put the device at spec->fd on the bus of @host. Prints its errors;
 * the socket is closed then. vuser_tag_ok - whether a file system can be called
 * so.
 */
int vuser_add(struct vm *vm, struct pci_host *host,
	      const struct vuser_spec *spec);
bool vuser_tag_ok(const char *tag);

#endif
