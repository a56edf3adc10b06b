/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's end of a split virtqueue. Virtual I/O Device (VIRTIO) 1.2,
 * section 2.7: descriptor table, available ring, used ring; indirect
 * descriptors (2.7.5.3) and notification suppression by flag and by event index
 * (2.7.7, 2.7.10).
 *
 * What the driver has written is believed in nothing: descriptors are read once,
 * each address goes through mem_at(), and whatever makes no sense (an index out
 * of range, a chain that is longer than the queue or returns into itself, more
 * than 4 GiB in one chain) breaks the device, which then waits for its reset.
 *
 * Everything but creating and destroying is done with the queue's lock held.
 */
#ifndef DEVICES_VIRTIO_RING_H
#define DEVICES_VIRTIO_RING_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct loop;
struct virtio;
struct vring_desc;
struct vring_avail;
struct vring_used;

#define VIRTQ_SIZE_MAX 256
#define VIRTQ_NO_VECTOR 0xffff

struct virtq {
	struct virtio *dev;
	unsigned int index;
	struct loop *loop;	/* on which it is served; NULL: not here */
	pthread_mutex_t lock;
	int kick_fd;		/* eventfd: buffers are available */
	uint16_t max;		/* size offered, a power of two */

	/* What the driver has set up, by the transport. */
	uint16_t size;
	bool enabled;
	_Atomic uint16_t vector;
	uint64_t desc_gpa, avail_gpa, used_gpa;

	/* While it is in use. */
	bool live;
	const struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next_avail;	/* the next to take */
	uint16_t next_used;	/* the next to give back */
	uint16_t told;		/* used index at the last look for a signal */
	unsigned int budget;	/* chains to take before others get a turn */
};

/* A chain of buffers: first those that the driver wrote, then those for it. */
struct virtq_chain {
	struct iovec *iov;	/* the caller's room for... */
	unsigned int max;	/* ...so many */
	uint16_t head;
	unsigned int nr_out;	/* iov[0] on: to read from */
	unsigned int nr_in;	/* iov[nr_out] on: to write to */
	uint32_t out_len, in_len; /* bytes of each */
};

/*
 * virtq_start - begin to use what the driver has set up, in the order in which
 * it enables queues. -EINVAL where its rings are not in RAM or not aligned.
 * virtq_stop - stop; from then on nothing is taken, and what is given back
 * vanishes. virtq_clear - as before the driver came.
 */
int virtq_start(struct virtq *q);
void virtq_stop(struct virtq *q);
void virtq_clear(struct virtq *q);
/*
 * virtq_turn - a new turn begins: a driver that never ends making chains
 * available keeps nobody else waiting for ever.
 */
void virtq_turn(struct virtq *q);

/*
 * virtq_pop - take the next chain. Returns whether there was one; false as well
 * if it made no sense, and once the turn's budget is spent. @chain's iov and max
 * are filled by the caller, the rest here. A chain of more pieces than max is
 * one that makes no sense.
 */
bool virtq_pop(struct virtq *q, struct virtq_chain *chain);
/* virtq_unpop - put back the chain taken last; it comes again. */
void virtq_unpop(struct virtq *q);
/* virtq_push - give @head's chain back, @len bytes of it written. */
void virtq_push(struct virtq *q, uint16_t head, uint32_t len);
/* virtq_signal - after pushes: interrupt the driver if it wants to be. */
void virtq_signal(struct virtq *q);

/*
 * virtq_quiet - the driver need not notify. virtq_listen - it has to, from the
 * next chain on. Returns whether some came in the meantime, which no
 * notification will tell of: to be looked for again.
 *
 *	do {
 *		virtq_quiet(q);
 *		while (virtq_pop(q, &chain))
 *			...
 *		virtq_signal(q);
 *	} while (virtq_listen(q));
 */
void virtq_quiet(struct virtq *q);
bool virtq_listen(struct virtq *q);

/*
 * chain_read - copy @len bytes from @off of what the driver wrote to @buf;
 * chain_write - to @off of what is for it. Return how many there were.
 */
size_t chain_read(const struct virtq_chain *chain, size_t off, void *buf,
		  size_t len);
size_t chain_write(const struct virtq_chain *chain, size_t off,
		   const void *buf, size_t len);

#endif
