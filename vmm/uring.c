/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two rings that are shared with the kernel; see uring.h.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/sys.h"
#include "vmm/uring.h"
#include "vmm/util.h"

#define FEATURES (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP)

static unsigned int *field(const struct uring *u, uint32_t off)
{
	return (unsigned int *)((char *)u->rings + off);
}

static int map(struct uring *u, const struct io_uring_params *p)
{
	int prot = PROT_READ | PROT_WRITE, err;
	void *at;

	u->rings_size = MAX(p->sq_off.array + p->sq_entries * sizeof(uint32_t),
			    p->cq_off.cqes +
			    p->cq_entries * sizeof(struct io_uring_cqe));
	err = sys_mmap(&u->rings, NULL, u->rings_size, prot,
		       MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQ_RING);
	if (err < 0)
		return err;
	u->sqes_size = p->sq_entries * sizeof(struct io_uring_sqe);
	err = sys_mmap(&at, NULL, u->sqes_size, prot,
		       MAP_SHARED | MAP_POPULATE, u->fd, IORING_OFF_SQES);
	if (err < 0) {
		sys_munmap(u->rings, u->rings_size);
		return err;
	}
	u->sqes = at;
	return 0;
}

int uring_create(struct uring *u, unsigned int entries)
{
	struct io_uring_params p = { 0 };
	unsigned int i;
	int err = -EOPNOTSUPP;

	memset(u, 0, sizeof(*u));
	u->fd = sys_uring_setup(entries, &p);
	if (u->fd < 0)
		return u->fd;
	if ((p.features & FEATURES) == FEATURES)
		err = map(u, &p);
	if (err < 0) {
		sys_close(u->fd);
		u->fd = -1;
		return err;
	}
	u->entries = p.sq_entries;
	u->sq_mask = *field(u, p.sq_off.ring_mask);
	u->cq_mask = *field(u, p.cq_off.ring_mask);
	u->sq_head = field(u, p.sq_off.head);
	u->sq_tail = field(u, p.sq_off.tail);
	u->cq_head = field(u, p.cq_off.head);
	u->cq_tail = field(u, p.cq_off.tail);
	u->cqes = (struct io_uring_cqe *)field(u, p.cq_off.cqes);
	for (i = 0; i < p.sq_entries; i++)
		field(u, p.sq_off.array)[i] = i;
	return 0;
}

void uring_destroy(struct uring *u)
{
	if (u->fd < 0)
		return;
	sys_munmap(u->sqes, u->sqes_size);
	sys_munmap(u->rings, u->rings_size);
	sys_close(u->fd);
	u->fd = -1;
}

static unsigned int taken(const struct uring *u)
{
	return __atomic_load_n(u->sq_head, __ATOMIC_ACQUIRE);
}

struct io_uring_sqe *uring_queue(struct uring *u)
{
	struct io_uring_sqe *sqe;

	if (u->tail - taken(u) == u->entries)
		return NULL;
	sqe = &u->sqes[u->tail++ & u->sq_mask];
	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

void uring_submit(struct uring *u)
{
	unsigned int n = u->tail - taken(u);
	int ret = 1;

	__atomic_store_n(u->sq_tail, u->tail, __ATOMIC_RELEASE);
	while (n && ret > 0) {
		ret = sys_uring_enter(u->fd, n, 0, 0);
		n = u->tail - taken(u);
	}
}

bool uring_unqueue(struct uring *u, uint64_t *data)
{
	if (u->tail == taken(u))
		return false;
	u->tail--;
	__atomic_store_n(u->sq_tail, u->tail, __ATOMIC_RELEASE);
	*data = u->sqes[u->tail & u->sq_mask].user_data;
	return true;
}

bool uring_result(struct uring *u, uint64_t *data, int *result)
{
	unsigned int head = *u->cq_head;
	const struct io_uring_cqe *cqe = &u->cqes[head & u->cq_mask];

	if (head == __atomic_load_n(u->cq_tail, __ATOMIC_ACQUIRE))
		return false;
	*data = cqe->user_data;
	*result = cqe->res;
	__atomic_store_n(u->cq_head, head + 1, __ATOMIC_RELEASE);
	return true;
}
