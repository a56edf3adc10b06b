/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk's parts: disk.c opens the image and is the device, disk_io.c does what
 * its driver asks for. VIRTIO 1.2 section 5.2.
 */
#ifndef DEVICES_VIRTIO_DISK_PRIV_H
#define DEVICES_VIRTIO_DISK_PRIV_H

#include <linux/virtio_blk.h>
#include <pthread.h>

#include "devices/virtio/thread.h"
#include "devices/virtio/virtio.h"
#include "vmm/uring.h"

#define SECTOR 512U
#define DISK_QUEUE 128		/* requests of a queue */
#define DISK_SEGMENTS (DISK_QUEUE - 2)	/* buffers of one's data */
#define DISK_RANGES 16		/* of a discard */
#define DISK_QUEUES 16

struct disk;

struct disk_request {
	struct virtq_chain chain;
	struct iovec iov[DISK_QUEUE];
	struct virtio_blk_outhdr header;
	uint8_t *status;	/* in guest memory */
	struct iovec *data;	/* what is left of it */
	unsigned int nr_data;
	uint32_t left;		/* bytes of it */
	uint32_t wrote;		/* bytes to guest memory, status included */
	uint64_t offset;	/* of it, in the image */
	bool syncing;		/* a write that is only done when it is safe */
	struct disk_request *next;	/* while free */
};

/* A queue has a thread of its own, and where the host has it, an io_uring. */
struct disk_queue {
	struct disk *disk;
	struct virtq *q;
	struct virtio_thread *thread;
	struct uring ring;	/* its fd -1: requests are done one by one */
	struct disk_request *requests, *free;
	unsigned int busy;	/* under way; with q's lock */
	pthread_cond_t idle;
	bool starved;		/* chains wait for a free request */
};

struct disk {
	struct virtio v;	/* v.text: the file */
	struct virtio_blk_config cfg;
	const char *serial_text;
	char serial[VIRTIO_BLK_ID_BYTES];
	int fd;
	bool ro, direct;
	bool is_block;		/* a block device, not a file */
	uint64_t size;		/* bytes */
	unsigned int nr;	/* of queues */
	struct disk_queue *queues;
	/*
	 * A flush has failed. The kernel says so once, and forgets what it
	 * could not write: from then on none may be said to have worked.
	 */
	_Atomic bool lost;
	_Atomic bool warned;	/* of an error */
};

/* disk_serve - its virtio_ops' serve. */
void disk_serve(struct virtio *v, struct virtq *q);
/* disk_done - the io_uring has results; on the queue's thread. */
void disk_done(void *arg);
/* disk_wait - until nothing is under way any more. */
void disk_wait(struct disk_queue *dq);

#endif
