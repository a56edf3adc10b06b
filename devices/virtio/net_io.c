/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets between the rings and the host; see net_priv.h. VIRTIO 1.2 sections
 * 5.1.6.2 and 5.1.6.4.
 *
 * A packet is received into the next chain of buffers; what is too long for it
 * lands behind, and is copied to further chains where the driver can merge them.
 */
#include <errno.h>
#include <stddef.h>

#include "devices/virtio/net_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define RETRY_MS 1
#define TURNS (4 * NET_QUEUE)

/* ---- receiving ----------------------------------------------------------- */

/* While there are no buffers, packets wait in the host. */
static void watch(struct net_pair *p, bool on)
{
	if (p->watched == on || p->fd < 0)
		return;
	p->watched = on;
	if (!on)
		loop_del(&p->thread->loop, p->fd);
	else if (loop_add(&p->thread->loop, p->fd, net_readable, p) < 0)
		p->watched = false;
}

/* The chains behind the first, until @len bytes of the bounce are in. */
static unsigned int spread(struct net_pair *p, size_t len, uint16_t *heads,
			   uint32_t *lens)
{
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain c = { .iov = iov, .max = VIRTQ_SIZE_MAX };
	unsigned int nr = 0;
	size_t at = 0;

	while (at < len && nr < NET_QUEUE && virtq_pop(p->rx, &c)) {
		lens[nr] = chain_write(&c, 0, p->bounce + at, len - at);
		at += lens[nr];
		heads[nr++] = c.head;
	}
	if (at == len)
		return nr;
	while (nr--)
		virtq_unpop(p->rx);
	return 0;
}

static void put_count(const struct virtq_chain *c, uint16_t nr)
{
	chain_write(c, offsetof(struct virtio_net_hdr_v1, num_buffers), &nr,
		    sizeof(nr));
}

/* @len bytes have come, to @c and behind it. False: there is no room for all. */
static bool deliver(struct net_pair *p, const struct virtq_chain *c, size_t len)
{
	uint16_t heads[NET_QUEUE];
	uint32_t lens[NET_QUEUE];
	unsigned int more = 0, i;

	if (len > c->in_len) {
		if (!virtio_has(&p->net->v, VIRTIO_NET_F_MRG_RXBUF))
			return false;
		more = spread(p, len - c->in_len, heads, lens);
		if (!more)
			return false;
	}
	put_count(c, 1 + more);
	virtq_push(p->rx, c->head, MIN(len, c->in_len));
	for (i = 0; i < more; i++)
		virtq_push(p->rx, heads[i], lens[i]);
	return true;
}

static ssize_t receive_to(struct net_pair *p, struct virtq_chain *c)
{
	c->iov[c->nr_out + c->nr_in] = (struct iovec){ p->bounce, NET_BOUNCE };
	return p->net->ops->receive(p, c->iov + c->nr_out, c->nr_in + 1);
}

void net_receive(struct net_pair *p)
{
	struct iovec iov[VIRTQ_SIZE_MAX + 1];
	struct virtq_chain c = { .iov = iov, .max = VIRTQ_SIZE_MAX };
	unsigned int turn;
	ssize_t n = 0;

	virtq_quiet(p->rx);
	/* Also a flood of packets that are lost has an end. */
	for (turn = 0; turn < TURNS; turn++) {
		if (!virtq_pop(p->rx, &c)) {
			if (virtq_listen(p->rx))
				continue;
			watch(p, false);
			break;
		}
		if (c.in_len < NET_HEADER) {
			virtio_broken(&p->net->v, "a buffer without a header");
			break;
		}
		n = receive_to(p, &c);
		if (n < (ssize_t)NET_HEADER || !deliver(p, &c, n))
			virtq_unpop(p->rx);
		if (n < 0) {	/* if not for now, it has gone */
			watch(p, n == -EAGAIN);
			break;
		}
	}
	if (turn == TURNS)
		watch(p, true);
	virtq_signal(p->rx);
}

void net_readable(void *arg)
{
	struct net_pair *p = arg;

	virtio_serve(p->rx);
}

/* ---- transmitting --------------------------------------------------------- */

static void stop_retry(struct net_pair *p)
{
	if (p->retry >= 0)
		loop_timer_del(&p->thread->loop, p->retry);
	p->retry = -1;
}

static void try_again(void *arg)
{
	struct net_pair *p = arg;

	pthread_mutex_lock(&p->tx->lock);
	stop_retry(p);
	pthread_mutex_unlock(&p->tx->lock);
	virtio_serve(p->tx);
}

static void retry_later(struct net_pair *p)
{
	p->retry = loop_timer(&p->thread->loop, RETRY_MS, try_again, p);
}

void net_transmit(struct net_pair *p)
{
	const struct net_ops *ops = p->net->ops;
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain c = { .iov = iov, .max = VIRTQ_SIZE_MAX };
	ssize_t n;

	if (p->retry >= 0)
		return;
	do {
		virtq_quiet(p->tx);
		while (virtq_pop(p->tx, &c)) {
			n = c.out_len <= NET_HEADER || c.out_len > NET_BOUNCE ?
				0 : ops->send(p, c.iov, c.nr_out);
			if (n == -EAGAIN) {
				virtq_unpop(p->tx);
				virtq_signal(p->tx);
				retry_later(p);
				return;
			}
			virtq_push(p->tx, c.head, 0);
		}
		virtq_signal(p->tx);
	} while (virtq_listen(p->tx));
	if (ops->flush && ops->flush(p) == -EAGAIN)
		retry_later(p);
}

void net_quiet(struct net_pair *p)
{
	pthread_mutex_lock(&p->rx->lock);
	watch(p, false);
	pthread_mutex_unlock(&p->rx->lock);
	pthread_mutex_lock(&p->tx->lock);
	stop_retry(p);
	pthread_mutex_unlock(&p->tx->lock);
}
