/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end; see backend.h.
 */
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend.h"
#include "driver.h"

#define NEED_REPLY 8
#define FLAGS 5			/* version 1, a reply */

struct message {
	uint32_t request, flags, size;
	uint8_t data[512];
	int fds[8];
	unsigned int nr;
};

/* ---- rings -------------------------------------------------------------------- */

static void serve(struct back_ring *r)
{
	struct vring_desc *desc = (void *)r->desc;
	struct vring_avail *avail = (void *)r->avail;
	struct vring_used *used = (void *)r->used;
	uint64_t one;

	if (read(r->kick, &one, sizeof(one)) < 0 || !r->on)
		return;
	while (__atomic_load_n(&avail->idx, __ATOMIC_SEQ_CST) != r->seen) {
		uint16_t head = avail->ring[r->seen++ % r->num], i = head;
		struct vring_used_elem *e = &used->ring[used->idx % r->num];

		*e = (struct vring_used_elem){ .id = head };
		for (;; i = desc[i].next) {
			if (desc[i].flags & VRING_DESC_F_WRITE) {
				memset(at(desc[i].addr), BACK_FILL, desc[i].len);
				e->len += desc[i].len;
			}
			if (!(desc[i].flags & VRING_DESC_F_NEXT))
				break;
		}
		one = 1;
		CHECK_EQ(write(r->call, &one, sizeof(one)), sizeof(one));
		__atomic_store_n(&used->idx, used->idx + 1, __ATOMIC_SEQ_CST);
	}
}

static void let_go(struct back_ring *r)
{
	if (r->kick >= 0)
		close(r->kick);
	if (r->call >= 0)
		close(r->call);
	*r = (struct back_ring){ .kick = -1, .call = -1 };
}

/* ---- messages ------------------------------------------------------------------- */

static bool receive(struct back *b, struct message *m)
{
	char control[CMSG_SPACE(sizeof(m->fds))];
	struct iovec iov = { m, 12 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;

	if (recvmsg(b->fd, &msg, MSG_CMSG_CLOEXEC) != 12)
		return false;
	c = CMSG_FIRSTHDR(&msg);
	m->nr = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
	if (c)
		memcpy(m->fds, CMSG_DATA(c), m->nr * sizeof(int));
	CHECK_EQ(m->flags & ~NEED_REPLY, 1);
	CHECK(m->size <= sizeof(m->data));
	return !m->size ||
	       recv(b->fd, m->data, m->size, MSG_WAITALL) == m->size;
}

static void answer(struct back *b, const struct message *m, const void *data,
		   uint32_t size)
{
	bool now = b->at == m->request;
	uint32_t h[3] = { m->request, FLAGS, size };
	uint8_t out[600] = { 0 };
	size_t len;

	if (now && b->wrong == W_SILENT)
		return;
	if (now && b->wrong == W_LONG)
		h[2] += 8;
	if (now && b->wrong == W_EMPTY)
		h[2] = 0;
	if (now && b->wrong == W_OTHER)
		h[0]++;
	if (now && b->wrong == W_FLAGS)
		h[1] = 1;
	memcpy(out, h, sizeof(h));
	memcpy(out + 12, data, size);
	len = 12 + h[2];
	if (now && (b->wrong == W_SHORT || b->wrong == W_TRICKLE))
		len = 7;
	send(b->fd, out, len, MSG_NOSIGNAL);
	if (now && b->wrong == W_SHORT)
		shutdown(b->fd, SHUT_RDWR);
}

static uint64_t number(const struct message *m)
{
	uint64_t n;

	memcpy(&n, m->data, sizeof(n));
	return n;
}

static void set_memory(struct back *b, const struct message *m)
{
	uint32_t i;

	memcpy(&b->regions, m->data, 4);
	b->fds = m->nr;
	CHECK_EQ(m->size, 8 + 32 * b->regions);
	for (i = 0; i < m->nr; i++)
		close(m->fds[i]);
	memcpy(&b->ram_size, m->data + 16, 8);
}

static void set_ring(struct back *b, const struct message *m)
{
	struct back_ring *r = &b->rings[m->data[0]];
	struct vhost_vring_addr a;
	uint32_t num;

	CHECK(m->data[0] < BACK_RINGS);
	memcpy(&num, m->data + 4, 4);
	switch (m->request) {
	case B_SET_VRING_NUM:
		r->num = num;
		break;
	case B_SET_VRING_BASE:
		r->seen = num;
		break;
	case B_SET_VRING_ADDR:
		memcpy(&a, m->data, sizeof(a));
		r->desc = a.desc_user_addr;
		r->avail = a.avail_user_addr;
		r->used = a.used_user_addr;
		break;
	case B_SET_VRING_CALL:
		r->call = m->fds[0];
		break;
	case B_SET_VRING_KICK:
		r->kick = m->fds[0];
		r->on = !(b->features & B_PROTOCOL);
		break;
	case B_SET_VRING_ENABLE:
		r->on = num;
		break;
	}
}

/* Whether it has an answer of its own. */
static bool handle(struct back *b, struct message *m)
{
	switch (m->request) {
	case B_GET_FEATURES:
		answer(b, m, &b->features, 8);
		return true;
	case B_GET_PROTOCOL:
		answer(b, m, &b->protocol, 8);
		return true;
	case B_GET_QUEUE_NUM:
		answer(b, m, &b->queues, 8);
		return true;
	case B_GET_CONFIG:
		CHECK_EQ(number(m) >> 32, m->size - 12);
		memcpy(m->data + 12, b->config, m->size - 12);
		answer(b, m, m->data, m->size);
		return true;
	case B_GET_VRING_BASE:
		let_go(&b->rings[m->data[0]]);
		answer(b, m, m->data, 8);
		return true;
	case B_SET_FEATURES:
		b->accepted = number(m);
		break;
	case B_SET_PROTOCOL:
		b->protocol_on = number(m);
		break;
	case B_SET_MEM_TABLE:
		set_memory(b, m);
		break;
	case B_SET_OWNER:
		break;
	default:
		set_ring(b, m);
	}
	return false;
}

static bool talk(struct back *b)
{
	struct message m = { 0 };
	uint64_t verdict = 0;
	size_t len = strlen(b->asked);

	if (!receive(b, &m))
		return false;
	snprintf(b->asked + len, sizeof(b->asked) - len, " %u", m.request);
	if (m.request == b->at && b->wrong == W_HANG_UP)
		return false;
	if (handle(b, &m) || !(m.flags & NEED_REPLY))
		return true;
	if (m.request == b->at && b->wrong == W_REFUSE) {
		verdict = 1;
		b->at = 0;
	}
	answer(b, &m, &verdict, 8);
	return true;
}

static void *work(void *arg)
{
	struct back *b = arg;
	struct pollfd p[2 + BACK_RINGS];
	unsigned int i;

	do {
		p[0] = (struct pollfd){ b->wake[0], POLLIN, 0 };
		p[1] = (struct pollfd){ b->fd, POLLIN, 0 };
		for (i = 0; i < BACK_RINGS; i++)
			p[2 + i] = (struct pollfd){
				b->rings[i].on ? b->rings[i].kick : -1, POLLIN, 0,
			};
		poll(p, 2 + BACK_RINGS, -1);
		for (i = 0; i < BACK_RINGS; i++)
			if (p[2 + i].revents & POLLIN)
				serve(&b->rings[i]);
	} while (!p[0].revents && (!p[1].revents || talk(b)));
	for (i = 0; i < BACK_RINGS; i++)
		let_go(&b->rings[i]);
	shutdown(b->fd, SHUT_RDWR);
	return NULL;
}

/* ---- life ------------------------------------------------------------------------ */

void back_begin(struct back *b)
{
	unsigned int i;

	*b = (struct back){
		.features = BIT(VIRTIO_F_VERSION_1) | B_PROTOCOL |
			    BIT(VIRTIO_RING_F_INDIRECT_DESC) |
			    BIT(VIRTIO_RING_F_EVENT_IDX),
		.protocol = B_MQ | B_ACK | B_CONFIG,
		.queues = BACK_RINGS,
		.peer = -1,
	};
	for (i = 0; i < sizeof(b->config); i++)
		b->config[i] = i;
	for (i = 0; i < BACK_RINGS; i++)
		b->rings[i].kick = b->rings[i].call = -1;
}

void back_start(struct back *b, int fd)
{
	int pair[2] = { fd, -1 };

	if (fd < 0)
		CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				    pair), 0);
	b->fd = pair[0];
	b->peer = pair[1];
	CHECK_EQ(pipe(b->wake), 0);
	CHECK_EQ(pthread_create(&b->thread, NULL, work, b), 0);
}

void back_end(struct back *b)
{
	CHECK_EQ(write(b->wake[1], "", 1), 1);
	CHECK_EQ(pthread_join(b->thread, NULL), 0);
	close(b->wake[0]);
	close(b->wake[1]);
	close(b->fd);
	if (b->peer >= 0)
		close(b->peer);
}

unsigned int back_asked(struct back *b, uint32_t request)
{
	char want[16], all[sizeof(b->asked) + 1];
	const char *p = all;
	unsigned int n = 0;

	snprintf(want, sizeof(want), " %u ", request);
	snprintf(all, sizeof(all), "%s ", b->asked);
	for (; (p = strstr(p, want)); p++)
		n++;
	return n;
}
