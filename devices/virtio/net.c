/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card: its option, its life, and its control queue, by which a driver
 * says how many of its queues it uses. VIRTIO 1.2 section 5.1.
 */
#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/net_priv.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

static struct net *net_of(struct virtio *v)
{
	return container_of(v, struct net, v);
}

/* ---- control --------------------------------------------------------------- */

/* The last queue, where the driver knows how many there are. */
static unsigned int control_index(const struct net *net)
{
	return virtio_has(&net->v, VIRTIO_NET_F_MQ) ? 2 * net->nr : 2;
}

/* The host is to spread packets over those alone that the driver reads. */
static void use_pairs(struct net *net, unsigned int nr)
{
	unsigned int i;

	for (i = 1; i < net->nr; i++) {
		if (net->pairs[i].off == (i >= nr))
			continue;
		net->pairs[i].off = i >= nr;
		net->ops->use(&net->pairs[i], i < nr);
	}
}

static uint8_t handle(struct net *net, const struct virtq_chain *c)
{
	struct virtio_net_ctrl_hdr h;
	uint16_t pairs;

	if (chain_read(c, 0, &h, sizeof(h)) != sizeof(h) ||
	    h.class != VIRTIO_NET_CTRL_MQ ||
	    h.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
	    chain_read(c, sizeof(h), &pairs, sizeof(pairs)) != sizeof(pairs) ||
	    !pairs || pairs > net->nr)
		return VIRTIO_NET_ERR;
	use_pairs(net, pairs);
	return VIRTIO_NET_OK;
}

static void control(struct net *net, struct virtq *q)
{
	struct iovec iov[VIRTQ_SIZE_MAX];
	struct virtq_chain c = { .iov = iov, .max = VIRTQ_SIZE_MAX };
	uint8_t ack;

	do {
		virtq_quiet(q);
		while (virtq_pop(q, &c)) {
			ack = handle(net, &c);
			virtq_push(q, c.head,
				   chain_write(&c, 0, &ack, sizeof(ack)));
		}
		virtq_signal(q);
	} while (virtq_listen(q));
}

/* ---- the device ------------------------------------------------------------ */

static void net_serve(struct virtio *v, struct virtq *q)
{
	struct net *net = net_of(v);
	struct net_pair *p = &net->pairs[q->index / 2];

	if (virtio_has(v, VIRTIO_NET_F_CTRL_VQ) &&
	    q->index == control_index(net))
		control(net, q);
	else if (p->by_vhost)
		return;
	else if (q == p->tx)
		net_transmit(p);
	else
		net_receive(p);
}

/* The kernel waits for the doorbells then, not we. */
static void kernel_takes(struct net_pair *p)
{
	int err = vhost_start(p);

	if (err >= 0) {
		virtq_unwatch(p->rx);
		virtq_unwatch(p->tx);
	} else {
		log_warn("net %s: without vhost: %s", p->net->v.text,
			 err_text(err));
	}
}

static int net_run(struct virtio *v)
{
	struct net *net = net_of(v);
	unsigned int i;
	int err = 0;

	for (i = 0; i < net->nr && err >= 0; i++)
		err = virtio_thread_run(net->pairs[i].thread);
	return err;
}

static int net_start(struct virtio *v)
{
	struct net *net = net_of(v);
	unsigned int i;
	int err = net->ops->start ? net->ops->start(net) : 0;

	use_pairs(net, 1);
	for (i = 0; i < net->nr && err >= 0 && net->vhost; i++)
		if (net->pairs[i].rx->live && net->pairs[i].tx->live)
			kernel_takes(&net->pairs[i]);
	return err;
}

static void net_stop(struct virtio *v)
{
	struct net *net = net_of(v);
	unsigned int i;

	for (i = 0; i < net->nr; i++) {
		struct net_pair *p = &net->pairs[i];

		net_quiet(p);
		if (!p->by_vhost)
			continue;
		vhost_stop(p);
		if (virtq_watch(p->rx) < 0 || virtq_watch(p->tx) < 0)
			log_warn("net %s: is of no more use", net->v.text);
	}
}

static void net_destroy(struct virtio *v)
{
	struct net *net = net_of(v);
	unsigned int i;

	for (i = 0; i < net->nr; i++) {
		struct net_pair *p = &net->pairs[i];

		virtio_thread_destroy(p->thread);
		passt_close(p);
		free(p->bounce);
		if (p->vhost >= 0)
			sys_close(p->vhost);
		if (p->fd >= 0)
			sys_close(p->fd);
	}
	virtqs_destroy(v);
	free(net);
}

static const struct virtio_ops net_ops = {
	.run = net_run,
	.start = net_start,
	.stop = net_stop,
	.serve = net_serve,
	.destroy = net_destroy,
};

/* ---- the option ------------------------------------------------------------ */

static int parse(struct net *net, const char *spec)
{
	static const struct virtio_key keys[] = {
		VIRTIO_FLAG(struct net, vhost),
		{ "queues", offsetof(struct net, nr), NET_PAIRS },
		{ "mac", offsetof(struct net, mac), VIRTIO_TEXT },
		VIRTIO_KEYS_END
	};
	int err = virtio_parse(&net->v, spec, keys);

	if (err >= 0 && net->mac && !virtio_mac_parse(net->cfg.mac, net->mac))
		return virtio_wrong(&net->v, spec, VIRTIO_MAC_WRONG);
	return err;
}

static int open_host(struct net *net)
{
	const char *value = virtio_option(net->v.text, "tap");
	int err;

	if (value) {
		err = tap_open(net, value);
	} else if ((value = virtio_option(net->v.text, "passt")) && *value) {
		err = passt_open(net, value);
	} else {
		return virtio_wrong(&net->v, net->v.text,
				    "not tap=NAME, tap=fd:N or passt=SOCKET");
	}
	return err < 0 || !net->vhost ? err : vhost_open(net);
}

/* ---- life ------------------------------------------------------------------ */

static int pair_create(struct net *net, unsigned int nr)
{
	struct net_pair *p = &net->pairs[nr];

	p->net = net;
	p->rx = &net->v.queues[2 * nr];
	p->tx = p->rx + 1;
	p->bounce = malloc(NET_BOUNCE);
	if (!p->bounce)
		return -ENOMEM;
	p->thread = virtio_thread_create(net->v.vm->cfg, "net");
	if (!p->thread)
		return -ENOMEM;
	p->rx->loop = p->tx->loop = &p->thread->loop;
	return 0;
}

static void describe(struct net *net)
{
	net->v.features = net->ops->features | BIT(VIRTIO_NET_F_MAC) |
			  BIT(VIRTIO_NET_F_STATUS) |
			  BIT(VIRTIO_NET_F_MRG_RXBUF);
	if (net->nr > 1)
		net->v.features |= BIT(VIRTIO_NET_F_MQ) |
				   BIT(VIRTIO_NET_F_CTRL_VQ);
	net->cfg.status = VIRTIO_NET_S_LINK_UP;
	net->cfg.max_virtqueue_pairs = net->nr;
}

static int build(struct net *net, const char *spec)
{
	unsigned int i;
	int err;

	err = virtio_mac_random(net->cfg.mac);
	if (err >= 0)
		err = parse(net, spec);
	if (err >= 0)
		err = open_host(net);
	if (err < 0)
		return err;
	describe(net);
	err = virtqs_create(&net->v, 2 * net->nr + (net->nr > 1), NET_QUEUE);
	for (i = 0; i < net->nr && err >= 0; i++)
		err = pair_create(net, i);
	return err;
}

int net_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	struct net *net = calloc(1, sizeof(*net));
	unsigned int i;
	int err;

	if (!net)
		return -ENOMEM;
	net->nr = 1;
	for (i = 0; i < NET_PAIRS; i++)
		net->pairs[i].fd = net->pairs[i].vhost =
			net->pairs[i].retry = -1;
	net->v = (struct virtio){
		.ops = &net_ops,
		.vm = vm,
		.name = "net",
		.type = VIRTIO_ID_NET,
		.class = 0x020000,
		.cfg = &net->cfg,
		.cfg_size = sizeof(net->cfg),
	};
	err = build(net, spec);
	if (err >= 0)
		err = virtio_add(&net->v, host);
	if (err < 0)
		net_destroy(&net->v);
	return err;
}
