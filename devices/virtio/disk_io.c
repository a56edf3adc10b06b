/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of a disk: taken from the ring and checked, done by io_uring or, where
 * the host has none, one after the other by the queue's thread; see disk_priv.h.
 * VIRTIO 1.2 section 5.2.6.
 *
 * The queue's lock is held but for the time of a call that may take long. What
 * is under way then is counted, so that a reset can wait for its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <string.h>

#include "devices/virtio/disk_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define ZEROES 4096

/* ---- results ------------------------------------------------------------ */

static void finish(struct disk_queue *dq, struct disk_request *r,
		   uint8_t status)
{
	if (dq->q->live)
		*r->status = status;
	virtq_push(dq->q, r->chain.head,
		   status == VIRTIO_BLK_S_OK ? r->wrote : 1);
	r->next = dq->free;
	dq->free = r;
	if (!--dq->busy)
		pthread_cond_broadcast(&dq->idle);
}

/*
 * What a call on the image returned, as the driver's status. The user hears of
 * the first, unless it may be the driver's own fault.
 */
static uint8_t status_for(struct disk *d, int err)
{
	if (err >= 0)
		return VIRTIO_BLK_S_OK;
	if (err == -EOPNOTSUPP)
		return VIRTIO_BLK_S_UNSUPP;
	if (err != -EINVAL && !d->warned) {
		log_warn("disk %s: %s", d->v.text, err_text(err));
		d->warned = true;
	}
	return VIRTIO_BLK_S_IOERR;
}

void disk_wait(struct disk_queue *dq)
{
	pthread_mutex_lock(&dq->q->lock);
	while (dq->busy)
		pthread_cond_wait(&dq->idle, &dq->q->lock);
	pthread_mutex_unlock(&dq->q->lock);
}

/* ---- what is asked for -------------------------------------------------- */

/* Take @len bytes off the front of the data. */
static void advance(struct disk_request *r, size_t len)
{
	r->left -= len;
	r->offset += len;
	while (r->nr_data && len >= r->data->iov_len) {
		len -= r->data->iov_len;
		r->data++;
		r->nr_data--;
	}
	if (r->nr_data) {
		r->data->iov_base = (char *)r->data->iov_base + len;
		r->data->iov_len -= len;
	}
}

/* However the driver has cut it: a header, data, and a byte for the status. */
static bool take_apart(struct disk_request *r)
{
	struct virtq_chain *c = &r->chain;
	struct iovec *last;

	if (!c->nr_in || chain_read(c, 0, &r->header, sizeof(r->header)) !=
			 sizeof(r->header))
		return false;
	last = &c->iov[c->nr_out + c->nr_in - 1];
	r->status = (uint8_t *)last->iov_base + --last->iov_len;
	r->wrote = 1;
	r->offset = 0;
	r->syncing = false;
	if (r->header.type == VIRTIO_BLK_T_IN) {
		r->data = c->iov + c->nr_out;
		r->nr_data = c->nr_in - !last->iov_len;
		r->left = c->in_len - 1;
		r->wrote += r->left;
	} else {
		r->data = c->iov;
		r->nr_data = c->nr_out;
		r->left = c->out_len;
		advance(r, sizeof(r->header));
	}
	return true;
}

/* Whether there are these sectors; then *@offset is where. */
static bool there(const struct disk *d, uint64_t sector, uint64_t bytes,
		  uint64_t *offset)
{
	if (sector > d->size / SECTOR || bytes > d->size - sector * SECTOR)
		return false;
	*offset = sector * SECTOR;
	return true;
}

static bool is_transfer(const struct disk_request *r)
{
	return r->header.type == VIRTIO_BLK_T_IN ||
	       r->header.type == VIRTIO_BLK_T_OUT;
}

static bool transfer_ok(const struct disk *d, struct disk_request *r)
{
	return r->left % SECTOR == 0 &&
	       !(r->header.type == VIRTIO_BLK_T_OUT && d->ro) &&
	       there(d, r->header.sector, r->left, &r->offset);
}

/* Without flushes a write has to be safe at once. */
static bool write_through(const struct disk *d, const struct disk_request *r)
{
	return r->header.type == VIRTIO_BLK_T_OUT && !r->syncing &&
	       !virtio_has(&d->v, VIRTIO_BLK_F_FLUSH);
}

/* ---- one by one --------------------------------------------------------- */

static int transfer(struct disk *d, struct disk_request *r)
{
	ssize_t n;

	while (r->left) {
		n = r->header.type == VIRTIO_BLK_T_IN ?
			sys_preadv(d->fd, r->data, r->nr_data, r->offset) :
			sys_pwritev(d->fd, r->data, r->nr_data, r->offset);
		if (n <= 0)
			return n < 0 ? n : -EIO;
		advance(r, n);
	}
	return 0;
}

/* Whether the image is safe on the host's disk. */
static int flushed(struct disk *d, int err)
{
	if (err < 0)
		d->lost = true;
	return d->lost ? -EIO : 0;
}

static int flush(struct disk *d)
{
	return flushed(d, sys_fdatasync(d->fd));
}

/* The same zeroes over and over. */
static int write_zeroes(struct disk *d, uint64_t off, uint64_t len)
{
	/* Where they lie must please O_DIRECT, too. */
	char zeroes[ZEROES] __attribute__((aligned(ZEROES))) = { 0 };
	struct iovec iov[DISK_QUEUE];
	unsigned int nr;
	ssize_t n;

	while (len) {
		for (nr = 0; nr < ARRAY_SIZE(iov) &&
		     nr * sizeof(zeroes) < len; nr++)
			iov[nr] = (struct iovec){
				zeroes,
				MIN(sizeof(zeroes), len - nr * sizeof(zeroes)),
			};
		n = sys_pwritev(d->fd, iov, nr, off);
		if (n <= 0)
			return n < 0 ? n : -EIO;
		off += n;
		len -= n;
	}
	return 0;
}

static int range_ioctl(struct disk *d, unsigned long request, uint64_t off,
		       uint64_t len)
{
	uint64_t range[2] = { off, len };

	return sys_ioctl(d->fd, request, range);
}

static int zero_range(struct disk *d, uint64_t off, uint64_t len, bool unmap)
{
	int err;

	if (d->is_block)
		err = range_ioctl(d, BLKZEROOUT, off, len);
	else
		err = sys_fallocate(d->fd, FALLOC_FL_KEEP_SIZE |
				    (unmap ? FALLOC_FL_PUNCH_HOLE :
				     FALLOC_FL_ZERO_RANGE), off, len);
	return err == -EOPNOTSUPP || err == -ENOTTY ?
		write_zeroes(d, off, len) : err;
}

/* A wish, which the host may have no way to fulfil. */
static int discard_range(struct disk *d, uint64_t off, uint64_t len)
{
	int err;

	if (d->is_block)
		err = range_ioctl(d, BLKDISCARD, off, len);
	else
		err = sys_fallocate(d->fd, FALLOC_FL_KEEP_SIZE |
				    FALLOC_FL_PUNCH_HOLE, off, len);
	return err == -EOPNOTSUPP || err == -ENOTTY ? 0 : err;
}

/* All of its ranges are looked at before anything is done to one. */
static int ranges(struct disk *d, struct disk_request *r)
{
	const struct virtq_chain rest = {
		.iov = r->data, .nr_out = r->nr_data,
	};
	struct virtio_blk_discard_write_zeroes list[DISK_RANGES];
	bool zero = r->header.type == VIRTIO_BLK_T_WRITE_ZEROES;
	unsigned int nr = r->left / sizeof(list[0]), i;
	uint64_t off, len;
	int err = 0;

	if (d->ro || !nr || nr > DISK_RANGES || r->left % sizeof(list[0]))
		return -EINVAL;
	chain_read(&rest, 0, list, r->left);
	for (i = 0; i < nr; i++) {
		if (list[i].flags & ~(zero ? 1U : 0))
			return -EOPNOTSUPP;
		len = (uint64_t)list[i].num_sectors * SECTOR;
		if (!len || !there(d, list[i].sector, len, &off))
			return -EINVAL;
	}
	for (i = 0; i < nr && err >= 0; i++) {
		off = list[i].sector * SECTOR;
		len = (uint64_t)list[i].num_sectors * SECTOR;
		err = zero ? zero_range(d, off, len, list[i].flags) :
			discard_range(d, off, len);
	}
	if (err >= 0 && !virtio_has(&d->v, VIRTIO_BLK_F_FLUSH))
		err = flush(d);
	return err;
}

static int get_id(struct disk *d, struct disk_request *r)
{
	struct virtq_chain *c = &r->chain;

	r->wrote += chain_write(c, 0, d->serial, sizeof(d->serial));
	return 0;
}

static int do_request(struct disk *d, struct disk_request *r)
{
	int err;

	switch (r->header.type) {
	case VIRTIO_BLK_T_IN:
	case VIRTIO_BLK_T_OUT:
		err = transfer(d, r);
		return err < 0 || !write_through(d, r) ? err : flush(d);
	case VIRTIO_BLK_T_FLUSH:
		return flush(d);
	case VIRTIO_BLK_T_GET_ID:
		return get_id(d, r);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return ranges(d, r);
	}
	return -EOPNOTSUPP;
}

static void do_now(struct disk_queue *dq, struct disk_request *r)
{
	int err;

	pthread_mutex_unlock(&dq->q->lock);
	err = do_request(dq->disk, r);
	pthread_mutex_lock(&dq->q->lock);
	finish(dq, r, status_for(dq->disk, err));
	virtq_signal(dq->q);
}

/* ---- by io_uring -------------------------------------------------------- */

static bool queue_request(struct disk_queue *dq, struct disk_request *r)
{
	bool sync = r->header.type == VIRTIO_BLK_T_FLUSH || r->syncing;
	struct io_uring_sqe *sqe;

	if (dq->ring.fd < 0 || !(is_transfer(r) || sync))
		return false;
	sqe = uring_queue(&dq->ring);
	if (!sqe)
		return false;
	sqe->fd = dq->disk->fd;
	sqe->user_data = r - dq->requests;
	if (sync) {
		sqe->opcode = IORING_OP_FSYNC;
		sqe->fsync_flags = IORING_FSYNC_DATASYNC;
		return true;
	}
	sqe->opcode = r->header.type == VIRTIO_BLK_T_IN ? IORING_OP_READV :
		IORING_OP_WRITEV;
	sqe->addr = (uintptr_t)r->data;
	sqe->len = r->nr_data;
	sqe->off = r->offset;
	return true;
}

/* What the kernel does not take is done without. */
static void submit(struct disk_queue *dq)
{
	uint64_t nr;

	if (dq->ring.fd < 0)
		return;
	uring_submit(&dq->ring);
	while (uring_unqueue(&dq->ring, &nr))
		do_now(dq, &dq->requests[nr]);
}

static void again(struct disk_queue *dq, struct disk_request *r)
{
	if (!queue_request(dq, r))
		do_now(dq, r);
}

static void result(struct disk_queue *dq, struct disk_request *r, int res)
{
	struct disk *d = dq->disk;

	if (res == -EAGAIN || res == -EINTR) {
		again(dq, r);
		return;
	}
	if (r->header.type == VIRTIO_BLK_T_FLUSH || r->syncing) {
		res = flushed(d, res);
	} else if (res > 0) {
		advance(r, res);
		if (r->left) {
			again(dq, r);
			return;
		}
		if (write_through(d, r)) {
			r->syncing = true;
			again(dq, r);
			return;
		}
	} else if (!res && r->left) {
		res = -EIO;	/* behind the end: it has been cut off */
	}
	finish(dq, r, status_for(d, res));
}

void disk_done(void *arg)
{
	struct disk_queue *dq = arg;
	uint64_t nr;
	int res;
	bool starved;

	pthread_mutex_lock(&dq->q->lock);
	while (uring_result(&dq->ring, &nr, &res))
		result(dq, &dq->requests[nr], res);
	submit(dq);
	virtq_signal(dq->q);
	starved = dq->starved;
	dq->starved = false;
	pthread_mutex_unlock(&dq->q->lock);
	if (starved)
		virtio_serve(dq->q);
}

/* ---- from the ring ------------------------------------------------------ */

static void begin(struct disk_queue *dq, struct disk_request *r)
{
	struct disk *d = dq->disk;

	dq->busy++;
	if (is_transfer(r) && !transfer_ok(d, r))
		finish(dq, r, VIRTIO_BLK_S_IOERR);
	else if (is_transfer(r) && !r->left)
		finish(dq, r, VIRTIO_BLK_S_OK);
	else if (!queue_request(dq, r))
		do_now(dq, r);
}

static struct disk_request *next_request(struct disk_queue *dq)
{
	struct disk_request *r = dq->free;

	dq->starved = !r;
	if (!r)
		return NULL;
	r->chain.iov = r->iov;
	r->chain.max = ARRAY_SIZE(r->iov);
	if (!virtq_pop(dq->q, &r->chain))
		return NULL;
	dq->free = r->next;
	if (take_apart(r))
		return r;
	r->next = dq->free;
	dq->free = r;
	virtio_broken(&dq->disk->v, "a request without header or status");
	return NULL;
}

void disk_serve(struct virtio *v, struct virtq *q)
{
	struct disk *d = container_of(v, struct disk, v);
	struct disk_queue *dq = &d->queues[q->index];
	struct disk_request *r;

	do {
		virtq_quiet(q);
		while ((r = next_request(dq)))
			begin(dq, r);
		submit(dq);
		virtq_signal(q);
	} while (!dq->starved && virtq_listen(q));
}
