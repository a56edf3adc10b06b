/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said to a back end; see vhost_user.h. Each message is a header, a
 * payload of as many bytes as it says, and descriptors beside it. All numbers are
 * the machine's own.
 */
#include <errno.h>
#include <linux/vhost_types.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/uio.h>

#include "devices/virtio/vhost_user.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"
#include "vmm/vm.h"

enum {
	GET_FEATURES = 1, SET_FEATURES, SET_OWNER,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE,
	SET_VRING_KICK, SET_VRING_CALL,
	GET_PROTOCOL_FEATURES = 15, SET_PROTOCOL_FEATURES, GET_QUEUE_NUM,
	SET_VRING_ENABLE,
	GET_CONFIG = 24,
};

/* Flags of a header: the version's two bits, and two more. */
#define VERSION 1U
#define REPLY 4U
#define NEED_REPLY 8U

#define HAS_PROTOCOL BIT(30)	/* a feature: protocol features are told */
#define PROTOCOL_MQ BIT(0)
#define PROTOCOL_REPLY_ACK BIT(3)
#define PROTOCOL_CONFIG BIT(9)

#define SECONDS 10

struct header {
	uint32_t request, flags, size;
};

/* ---- one message ---------------------------------------------------------- */

static void begin(struct vuser *u)
{
	pthread_mutex_lock(&u->lock);
	u->until = time_now() + SECONDS * 1000000000ULL;
}

static void end(struct vuser *u)
{
	pthread_mutex_unlock(&u->lock);
}

static int lost(struct vuser *u, int err)
{
	log_err("--%s: %s: the back end is lost: %s", u->option, u->what,
		err_text(err == -EAGAIN ? -ETIMEDOUT : err));
	loop_del(&u->v.vm->loop, u->fd);
	sys_close(u->fd);
	u->fd = -1;
	if (u->v.pci)
		virtio_broken(&u->v, "no back end");
	return -ENODEV;
}

static int say(struct vuser *u, uint32_t request, uint32_t flags,
	       const void *data, uint32_t len, const int *fds, unsigned int nr)
{
	struct header h = { request, VERSION | flags, len };
	struct iovec iov[] = { { &h, sizeof(h) }, { (void *)data, len } };
	ssize_t n = sys_sendmsg(u->fd, iov, 2, fds, nr);

	/* One that is cut short has met a full socket, and waited. */
	if (n >= 0 && n != (ssize_t)sizeof(h) + len)
		return -EAGAIN;
	return n < 0 ? n : 0;
}

static int read_all(struct vuser *u, void *buf, size_t len)
{
	char *at = buf;
	ssize_t n;

	for (; len; at += n, len -= n) {
		n = time_now() < u->until ? sys_read(u->fd, at, len) : -EAGAIN;
		if (n <= 0)
			return n ? n : -EPIPE;
	}
	return 0;
}

static int hear(struct vuser *u, uint32_t request, void *data, uint32_t len)
{
	struct header h;
	int err = read_all(u, &h, sizeof(h));

	if (!err && (h.request != request || h.size != len ||
		     (h.flags & (NEED_REPLY - 1)) != (VERSION | REPLY)))
		err = -EPROTO;
	return err ? err : read_all(u, data, len);
}

/* A request of @len bytes that has an answer of @size, to @data as well. */
static int ask(struct vuser *u, uint32_t request, void *data, uint32_t len,
	       uint32_t size)
{
	int err;

	if (u->fd < 0)
		return -ENODEV;
	err = say(u, request, 0, data, len, NULL, 0);
	if (!err)
		err = hear(u, request, data, size);
	return err ? lost(u, err) : 0;
}

/* One that has none, unless the back end says by one how it went. */
static int tell(struct vuser *u, uint32_t request, const void *data,
		uint32_t len, const int *fds, unsigned int nr)
{
	bool ack = u->protocol & PROTOCOL_REPLY_ACK;
	uint64_t refused = 0;
	int err;

	if (u->fd < 0)
		return -ENODEV;
	err = say(u, request, ack ? NEED_REPLY : 0, data, len, fds, nr);
	if (!err && ack)
		err = hear(u, request, &refused, sizeof(refused));
	if (err)
		return lost(u, err);
	if (refused)
		log_err("--%s: %s: the back end refuses request %u", u->option,
			u->what, request);
	return refused ? -EREMOTEIO : 0;
}

static int tell_number(struct vuser *u, uint32_t request, uint64_t n)
{
	return tell(u, request, &n, sizeof(n), NULL, 0);
}

/* ---- at the beginning ------------------------------------------------------ */

static int greet(struct vuser *u, uint64_t *queues)
{
	uint64_t offered = 0;
	int err = ask(u, GET_FEATURES, &u->has, 0, sizeof(u->has));

	if (!err && u->has & HAS_PROTOCOL)
		err = ask(u, GET_PROTOCOL_FEATURES, &offered, 0,
			  sizeof(offered));
	offered &= PROTOCOL_MQ | PROTOCOL_REPLY_ACK | PROTOCOL_CONFIG;
	if (!err && u->has & HAS_PROTOCOL)
		err = tell_number(u, SET_PROTOCOL_FEATURES, offered);
	u->protocol = offered;
	if (!err)
		err = tell(u, SET_OWNER, NULL, 0, NULL, 0);
	if (!err && offered & PROTOCOL_MQ)
		err = ask(u, GET_QUEUE_NUM, queues, 0, sizeof(*queues));
	return err;
}

int vuser_greet(struct vuser *u, uint64_t *queues)
{
	int err;

	begin(u);
	err = greet(u, queues);
	end(u);
	return err;
}

int vuser_config(struct vuser *u, void *cfg, uint32_t len)
{
	struct {
		uint32_t offset, size, flags;
		uint8_t data[VUSER_CONFIG];
	} c = { .size = len };
	uint32_t size = offsetof(typeof(c), data) + len;
	int err;

	if (!(u->protocol & PROTOCOL_CONFIG)) {
		log_err("--%s: %s: the back end does not tell its configuration",
			u->option, u->what);
		return -EOPNOTSUPP;
	}
	begin(u);
	err = ask(u, GET_CONFIG, &c, size, size);
	end(u);
	memcpy(cfg, c.data, len);
	return err;
}

/* ---- while there is a driver ------------------------------------------------ */

static int set_memory(struct vuser *u)
{
	const struct mem_region *r;
	struct {
		uint32_t nr, padding;
		struct {
			uint64_t gpa, size, hva, offset;
		} regions[VUSER_REGIONS];
	} table = { .nr = 0 };
	int fds[VUSER_REGIONS];

	for (r = u->v.vm->mem.ram; r; r = r->next_ram) {
		fds[table.nr] = r->fd;
		table.regions[table.nr].gpa = r->gpa;
		table.regions[table.nr].size = r->size;
		table.regions[table.nr].hva = (uintptr_t)r->hva;
		table.regions[table.nr++].offset = r->fd_offset;
	}
	return tell(u, SET_MEM_TABLE, &table,
		    offsetof(typeof(table), regions[table.nr]), fds, table.nr);
}

static int tell_state(struct vuser *u, uint32_t request, unsigned int ring,
		      unsigned int num)
{
	struct vhost_vring_state state = { ring, num };

	return tell(u, request, &state, sizeof(state), NULL, 0);
}

static int tell_fd(struct vuser *u, uint32_t request, uint64_t ring, int fd)
{
	return tell(u, request, &ring, sizeof(ring), &fd, 1);
}

static int set_ring(struct vuser *u, const struct virtq *q)
{
	struct vhost_vring_addr addr = {
		.index = q->index,
		.desc_user_addr = (uintptr_t)q->desc,
		.avail_user_addr = (uintptr_t)q->avail,
		.used_user_addr = (uintptr_t)q->used,
	};
	int call = virtio_call_fd(q), err;

	u->rings |= BIT(q->index);
	err = tell_state(u, SET_VRING_NUM, q->index, q->size);
	if (!err)
		err = tell_state(u, SET_VRING_BASE, q->index, q->next_avail);
	if (!err)
		err = tell(u, SET_VRING_ADDR, &addr, sizeof(addr), NULL, 0);
	if (!err)
		err = tell_fd(u, SET_VRING_CALL, q->index,
			      call < 0 ? u->relay : call);
	if (!err)
		err = tell_fd(u, SET_VRING_KICK, q->index, q->kick_fd);
	if (!err && u->has & HAS_PROTOCOL)
		err = tell_state(u, SET_VRING_ENABLE, q->index, 1);
	return err;
}

int vuser_start(struct virtio *v)
{
	struct vuser *u = container_of(v, struct vuser, v);
	unsigned int i;
	int err;

	begin(u);
	err = tell_number(u, SET_FEATURES,
			  u->has & (v->accepted | HAS_PROTOCOL));
	if (!err)
		err = set_memory(u);
	for (i = 0; i < v->nr_queues && !err; i++)
		if (v->queues[i].live)
			err = set_ring(u, &v->queues[i]);
	end(u);
	return err;
}

/* Once it has told where it was in a ring, it does nothing more there. */
void vuser_stop(struct virtio *v)
{
	struct vuser *u = container_of(v, struct vuser, v);
	struct vhost_vring_state state;
	unsigned int i;

	begin(u);
	for (i = 0; i < v->nr_queues; i++) {
		state = (struct vhost_vring_state){ .index = i };
		if (u->rings & BIT(i))
			ask(u, GET_VRING_BASE, &state, sizeof(state),
			    sizeof(state));
	}
	u->rings = 0;
	end(u);
}

void vuser_readable(void *arg)
{
	struct vuser *u = arg;
	char byte;
	ssize_t n;

	pthread_mutex_lock(&u->lock);
	n = u->fd < 0 ? -EAGAIN : sys_recv(u->fd, &byte, 1);
	if (n != -EAGAIN)
		lost(u, n > 0 ? -EPROTO : n ? n : -EPIPE);
	end(u);
}
