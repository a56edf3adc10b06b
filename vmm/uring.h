/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring, as far as disks need it: one thread queues requests, submits them
 * with one call, and takes their results. Linux: io_uring(7), io_uring_setup(2),
 * io_uring_enter(2); include/uapi/linux/io_uring.h.
 */
#ifndef VMM_URING_H
#define VMM_URING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct io_uring_sqe;
struct io_uring_cqe;

struct uring {
	int fd;			/* readable while there are results */
	void *rings;
	size_t rings_size;
	struct io_uring_sqe *sqes;
	size_t sqes_size;
	unsigned int entries, sq_mask, cq_mask;
	unsigned int *sq_head, *sq_tail, *cq_head, *cq_tail;
	struct io_uring_cqe *cqes;
	unsigned int tail;	/* of what is queued */
};

/*
 * uring_create - room for @entries requests under way, a power of two. -errno
 * where the kernel has none, forbids it, or has one before 5.5; prints nothing.
 */
int uring_create(struct uring *u, unsigned int entries);
void uring_destroy(struct uring *u);

/* uring_queue - the next request, zeroed, to be filled; NULL: no room. */
struct io_uring_sqe *uring_queue(struct uring *u);
/*
 * uring_submit - hand what is queued to the kernel. Where it takes none or not
 * all of them, uring_unqueue() gives back the last one's user_data, as long as
 * it returns true.
 */
void uring_submit(struct uring *u);
bool uring_unqueue(struct uring *u, uint64_t *data);
/* uring_result - the next result, if there is one. */
bool uring_result(struct uring *u, uint64_t *data, int *result);

#endif
