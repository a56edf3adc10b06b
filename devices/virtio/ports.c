/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consoles and named ports, as ports of one device. VIRTIO 1.2 section 5.3. A
 * driver that cannot do with several uses the first.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/ports_priv.h"
#include "vmm/log.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define QUEUE 64
#define PIECE 256

#define ADD BIT(VIRTIO_CONSOLE_PORT_ADD)
#define CONSOLE BIT(VIRTIO_CONSOLE_CONSOLE_PORT)
#define NAME BIT(VIRTIO_CONSOLE_PORT_NAME)
#define OPEN BIT(VIRTIO_CONSOLE_PORT_OPEN)

static struct ports *ports_of(struct virtio *v)
{
	return container_of(v, struct ports, v);
}

/* Room for a chain, for as long as it is looked at. */
#define CHAIN(c) \
	struct iovec c##_iov[VIRTQ_SIZE_MAX]; \
	struct virtq_chain c = { .iov = c##_iov, .max = VIRTQ_SIZE_MAX }

/* ---- to the driver ------------------------------------------------------ */

static size_t fill(struct port *port, const struct virtq_chain *c)
{
	uint8_t buf[PIECE];
	size_t done = 0, n;
	int byte;

	do {
		n = 0;
		while (n < MIN(sizeof(buf), c->in_len - done) &&
		       (byte = console_getc(port->con)) >= 0)
			buf[n++] = byte;
		done += chain_write(c, done, buf, n);
	} while (n == sizeof(buf));
	return done;
}

static void serve_rx(struct port *port)
{
	struct virtq *q = port->rx;
	CHAIN(c);
	size_t n;

	virtq_quiet(q);
	while (port->con && port->guest_open) {
		if (!virtq_pop(q, &c)) {
			if (virtq_listen(q))
				continue;
			break;
		}
		n = fill(port, &c);
		if (!n && c.in_len) {
			virtq_unpop(q);
			break;
		}
		virtq_push(q, c.head, n);
	}
	virtq_signal(q);
}

/* ---- from the driver ---------------------------------------------------- */

/* Whether all of it is sent; if not, room() tells when to go on. */
static bool drain(struct port *port, const struct virtq_chain *c)
{
	uint8_t buf[PIECE];
	size_t n, i;
	bool more = true;

	while (port->con && more && port->sent < c->out_len) {
		n = chain_read(c, port->sent, buf, sizeof(buf));
		for (i = 0; i < n && more; i++)
			more = console_putc(port->con, buf[i]);
		port->sent += i;
	}
	return !port->con || port->sent >= c->out_len;
}

static void serve_tx(struct port *port)
{
	struct virtq *q = port->tx;
	CHAIN(c);

	do {
		virtq_quiet(q);
		while (virtq_pop(q, &c)) {
			if (!drain(port, &c)) {
				virtq_unpop(q);
				virtq_signal(q);
				return;
			}
			port->sent = 0;
			virtq_push(q, c.head, 0);
		}
		virtq_signal(q);
	} while (virtq_listen(q));
}

/* ---- control ------------------------------------------------------------ */

/* The first of what there is to tell of a port. */
static bool next_message(struct port *port, struct virtio_console_control *m)
{
	static const uint16_t order[] = {
		VIRTIO_CONSOLE_PORT_ADD, VIRTIO_CONSOLE_CONSOLE_PORT,
		VIRTIO_CONSOLE_PORT_NAME, VIRTIO_CONSOLE_PORT_OPEN,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		if (!(port->pending & BIT(order[i])))
			continue;
		m->id = port->id;
		m->event = order[i];
		m->value = order[i] != VIRTIO_CONSOLE_PORT_OPEN || port->con;
		return true;
	}
	return false;
}

static size_t put_message(const struct virtq_chain *c, const struct port *port,
			  const struct virtio_console_control *m)
{
	size_t n = chain_write(c, 0, m, sizeof(*m));

	if (m->event == VIRTIO_CONSOLE_PORT_NAME)
		n += chain_write(c, n, port->name, strlen(port->name));
	return n;
}

static void serve_control_rx(struct ports *d)
{
	struct virtio_console_control m;
	struct virtq *q = d->control_rx;
	unsigned int i;
	CHAIN(c);

	for (i = 0; i < d->nr; i++) {
		while (next_message(&d->ports[i], &m)) {
			if (!virtq_pop(q, &c)) {
				if (virtq_listen(q))
					continue;
				goto out;
			}
			virtq_push(q, c.head,
				   put_message(&c, &d->ports[i], &m));
			d->ports[i].pending &= ~BIT(m.event);
		}
	}
	virtq_quiet(q);
out:
	virtq_signal(q);
}

static void handle(struct ports *d, const struct virtio_console_control *m)
{
	struct port *port = m->id < d->nr ? &d->ports[m->id] : NULL;
	unsigned int i;

	if (m->event == VIRTIO_CONSOLE_DEVICE_READY && m->value) {
		for (i = 0; i < d->nr; i++)
			d->ports[i].pending |= ADD;
	} else if (port && m->event == VIRTIO_CONSOLE_PORT_READY && m->value) {
		port->pending |= (port->name ? NAME : CONSOLE) | OPEN;
	} else if (port && m->event == VIRTIO_CONSOLE_PORT_OPEN) {
		port->guest_open = m->value;
		virtio_serve(port->rx);
	}
}

static void serve_control_tx(struct ports *d)
{
	struct virtio_console_control m;
	struct virtq *q = d->control_tx;
	CHAIN(c);

	do {
		virtq_quiet(q);
		while (virtq_pop(q, &c)) {
			if (chain_read(&c, 0, &m, sizeof(m)) == sizeof(m))
				handle(d, &m);
			virtq_push(q, c.head, 0);
		}
		virtq_signal(q);
	} while (virtq_listen(q));
	virtio_serve(d->control_rx);
}

void port_changed(struct port *port)
{
	port->pending |= OPEN;
	virtio_serve(port->dev->control_rx);
	virtio_serve(port->tx);
}

/* ---- the device --------------------------------------------------------- */

/* The first port's two queues, control's two, then two a port. */
static void ports_serve(struct virtio *v, struct virtq *q)
{
	struct ports *d = ports_of(v);
	struct port *port;

	if (q == d->control_rx) {
		serve_control_rx(d);
		return;
	}
	if (q == d->control_tx) {
		serve_control_tx(d);
		return;
	}
	port = &d->ports[q->index < 2 ? 0 : q->index / 2 - 1];
	if (q == port->rx)
		serve_rx(port);
	else
		serve_tx(port);
}

static int ports_start(struct virtio *v)
{
	struct ports *d = ports_of(v);

	if (!virtio_has(v, VIRTIO_CONSOLE_F_MULTIPORT))
		d->ports[0].guest_open = true;
	return 0;
}

static void ports_stop(struct virtio *v)
{
	struct ports *d = ports_of(v);
	unsigned int i;

	for (i = 0; i < d->nr; i++) {
		d->ports[i].guest_open = false;
		d->ports[i].pending = 0;
		d->ports[i].sent = 0;
	}
}

static void ports_destroy(struct virtio *v)
{
	struct ports *d = ports_of(v);
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		port_close(&d->ports[i]);
	virtqs_destroy(v);
	free(d);
}

static const struct virtio_ops ports_ops = {
	.start = ports_start,
	.stop = ports_stop,
	.serve = ports_serve,
	.destroy = ports_destroy,
};

static unsigned int count(const struct config *cfg)
{
	unsigned int i, n = 0;

	for (i = 0; i < cfg->nr_virtio; i++)
		n += !strcmp(cfg->virtio[i].option, "console");
	return n;
}

/* Opened before the driver's end is there: it shows only once it is. */
static int open_ports(struct ports *d)
{
	const struct config *cfg = d->v.vm->cfg;
	unsigned int i;
	int err = 0;

	for (i = 0; i < cfg->nr_virtio && err >= 0; i++) {
		struct port *port = &d->ports[d->nr];

		if (strcmp(cfg->virtio[i].option, "console"))
			continue;
		*port = (struct port){
			.dev = d, .id = d->nr, .fd = -1, .listener = -1,
			.rx = &d->v.queues[d->nr ? 2 * d->nr + 2 : 0],
		};
		port->tx = port->rx + 1;
		d->nr++;
		err = port_open(port, cfg->virtio[i].value);
	}
	return err;
}

int ports_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	unsigned int nr = count(vm->cfg);
	struct ports *d = calloc(1, sizeof(*d) + nr * sizeof(d->ports[0]));
	int err;

	(void)spec;
	if (!d)
		return -ENOMEM;
	d->cfg.max_nr_ports = nr;
	d->v = (struct virtio){
		.ops = &ports_ops,
		.vm = vm,
		.name = "console",
		.type = VIRTIO_ID_CONSOLE,
		.class = 0x078000,
		.features = BIT(VIRTIO_CONSOLE_F_MULTIPORT),
		.cfg = &d->cfg,
		.cfg_size = sizeof(d->cfg),
	};
	err = virtqs_create(&d->v, 2 * nr + 2, QUEUE);
	if (err >= 0) {
		d->control_rx = &d->v.queues[2];
		d->control_tx = &d->v.queues[3];
		err = open_ports(d);
	}
	if (err >= 0)
		err = virtio_add(&d->v, host);
	if (err < 0)
		ports_destroy(&d->v);
	return err;
}
