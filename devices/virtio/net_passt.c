/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A passt at the other end of a UNIX socket, which is a network without any
 * privilege: each packet goes as its length, four bytes with the highest first,
 * and itself (passt(1)). There are no offloads, so the driver's headers say
 * nothing and are left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/net_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define LENGTH 4
#define IN_SIZE (128 * KiB)

struct net_stream {
	uint8_t in[IN_SIZE];	/* read and not yet received */
	size_t in_at, in_len;
	uint8_t out[LENGTH + NET_PACKET_MAX]; /* begun and not yet sent */
	size_t out_at, out_len;
};

static uint32_t length_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* ---- receiving ----------------------------------------------------------- */

/* Whether a whole packet is there; *@len is its length. */
static bool whole(const struct net_stream *s, uint32_t *len)
{
	if (s->in_len < LENGTH)
		return false;
	*len = length_at(s->in + s->in_at);
	return s->in_len - LENGTH >= *len;
}

static ssize_t more(struct net_pair *p, struct net_stream *s)
{
	ssize_t n;

	memmove(s->in, s->in + s->in_at, s->in_len);
	s->in_at = 0;
	n = sys_read(p->fd, s->in + s->in_len, IN_SIZE - s->in_len);
	if (n > 0)
		s->in_len += n;
	return n ? n : -EPIPE;
}

static ssize_t gone(struct net_pair *p, int err)
{
	if (!p->net->warned)
		log_warn("net %s: the other end has gone: %s", p->net->v.text,
			 err_text(err));
	p->net->warned = true;
	return err;
}

static size_t scatter(const struct iovec *iov, unsigned int nr,
		      const uint8_t *data, size_t len)
{
	static const uint8_t header[NET_HEADER];
	struct virtq_chain c = { .iov = (struct iovec *)iov, .nr_in = nr };
	size_t n = chain_write(&c, 0, header, sizeof(header));

	return n + chain_write(&c, n, data, len);
}

static ssize_t passt_receive(struct net_pair *p, const struct iovec *iov,
			     unsigned int nr)
{
	struct net_stream *s = p->stream;
	uint32_t len;
	ssize_t n;

	while (!whole(s, &len)) {
		n = more(p, s);
		if (n == -EAGAIN)
			return n;
		if (n < 0)
			return gone(p, n);
		if (s->in_len >= LENGTH &&
		    length_at(s->in + s->in_at) > NET_PACKET_MAX)
			return gone(p, -EPROTO);
	}
	n = scatter(iov, nr, s->in + s->in_at + LENGTH, len);
	s->in_at += LENGTH + len;
	s->in_len -= LENGTH + len;
	return n;
}

/* ---- sending -------------------------------------------------------------- */

static int passt_flush(struct net_pair *p)
{
	struct net_stream *s = p->stream;
	ssize_t n;

	while (s->out_len) {
		n = sys_write(p->fd, s->out + s->out_at, s->out_len);
		if (n < 0)
			return n;
		s->out_at += n;
		s->out_len -= n;
	}
	return 0;
}

static ssize_t passt_send(struct net_pair *p, const struct iovec *iov,
			  unsigned int nr)
{
	struct virtq_chain c = { .iov = (struct iovec *)iov, .nr_out = nr };
	struct net_stream *s = p->stream;
	int err = passt_flush(p);
	uint32_t len;

	if (err < 0)
		return err;
	len = chain_read(&c, NET_HEADER, s->out + LENGTH, NET_PACKET_MAX);
	s->out[0] = len >> 24;
	s->out[1] = len >> 16;
	s->out[2] = len >> 8;
	s->out[3] = len;
	s->out_at = 0;
	s->out_len = LENGTH + len;
	/* What is left goes later, and before the next one. */
	err = passt_flush(p);
	return err == -EAGAIN ? 0 : err;
}

static const struct net_ops passt_ops = {
	.receive = passt_receive,
	.send = passt_send,
	.flush = passt_flush,
};

int passt_open(struct net *net, const char *path)
{
	struct net_pair *p = &net->pairs[0];
	int err;

	if (net->nr > 1 || net->vhost) {
		log_err("--net: passt: has one queue, and no vhost");
		return -EDOM;
	}
	net->ops = &passt_ops;
	p->stream = calloc(1, sizeof(*p->stream));
	if (!p->stream)
		return -ENOMEM;
	err = p->fd = sys_unix_connect(path);
	if (err >= 0)
		err = sys_nonblock(p->fd);
	if (err >= 0)
		return 0;
	log_err("--net: passt: cannot connect to %s: %s", path, err_text(err));
	log_hint("passt --socket %s", path);
	return err == -ECONNREFUSED ? -ENOENT : err;
}

void passt_close(struct net_pair *p)
{
	free(p->stream);
	p->stream = NULL;
}
