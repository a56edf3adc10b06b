/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tap interface of the host: it takes packets with the driver's own header, and
 * so does checksums and segments for it. Linux:
 * Documentation/networking/tuntap.rst, include/uapi/linux/if_tun.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/ioctl.h>
#include <string.h>

#include "devices/virtio/net_priv.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define TUN "/dev/net/tun"

static ssize_t tap_receive(struct net_pair *p, const struct iovec *iov,
			   unsigned int nr)
{
	return sys_readv(p->fd, iov, nr);
}

static ssize_t tap_send(struct net_pair *p, const struct iovec *iov,
			unsigned int nr)
{
	return sys_writev(p->fd, iov, nr);
}

/* What the driver takes from others, the host need not do. */
static int tap_start(struct net *net)
{
	static const struct {
		unsigned int feature, flag;
	} table[] = {
		{ VIRTIO_NET_F_GUEST_CSUM, TUN_F_CSUM },
		{ VIRTIO_NET_F_GUEST_TSO4, TUN_F_TSO4 },
		{ VIRTIO_NET_F_GUEST_TSO6, TUN_F_TSO6 },
		{ VIRTIO_NET_F_GUEST_ECN, TUN_F_TSO_ECN },
	};
	unsigned int flags = 0, i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (virtio_has(&net->v, table[i].feature))
			flags |= table[i].flag;
	for (i = 0; i < net->nr && err >= 0; i++)
		err = sys_ioctl_num(net->pairs[i].fd, TUNSETOFFLOAD, flags);
	return err;
}

static void tap_use(struct net_pair *p, bool on)
{
	struct ifreq req = {
		.ifr_flags = on ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
	};
	int err = sys_ioctl(p->fd, TUNSETQUEUE, &req);

	if (err < 0)
		log_warn("net %s: a queue cannot be switched: %s", p->net->v.text,
			 err_text(err));
}

#define BITS(guest, host) (BIT(VIRTIO_NET_F_##guest) | BIT(VIRTIO_NET_F_##host))

static const struct net_ops tap_ops = {
	.features = BITS(GUEST_CSUM, CSUM) | BITS(GUEST_TSO4, HOST_TSO4) |
		    BITS(GUEST_TSO6, HOST_TSO6) | BITS(GUEST_ECN, HOST_ECN),
	.receive = tap_receive,
	.send = tap_send,
	.start = tap_start,
	.use = tap_use,
};

static int report(const char *name, const char *what, int err)
{
	log_err("--net: tap %s: %s: %s", name, what, err_text(err));
	if (err == -EPERM)
		log_hint("ip tuntap add NAME mode tap user USER vnet_hdr, as the superuser");
	return err;
}

static int header_size(const char *name, int fd)
{
	int size = NET_HEADER, err = sys_ioctl(fd, TUNSETVNETHDRSZ, &size);

	return err < 0 ? report(name, "cannot have headers", err) : 0;
}

static int open_named(struct net *net, const char *name, int *fd)
{
	struct ifreq req = {
		.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
			     (net->nr > 1 ? IFF_MULTI_QUEUE : 0),
	};
	int err;

	strcpy(req.ifr_name, name);
	*fd = sys_open(TUN, O_RDWR | O_NONBLOCK, 0);
	if (*fd < 0)
		return report(name, "cannot open " TUN, *fd);
	err = sys_ioctl(*fd, TUNSETIFF, &req);
	return err < 0 ? report(name, "cannot attach to it", err) : 0;
}

static int take_open(const char *name, int *fd)
{
	struct ifreq req = { 0 };
	int err;

	*fd = file_open_node(name);
	if (*fd < 0)
		return report(name, "cannot use it", *fd);
	err = sys_ioctl(*fd, TUNGETIFF, &req);
	if (err < 0)
		return report(name, "is no tap", err);
	if (!(req.ifr_flags & IFF_TAP) || !(req.ifr_flags & IFF_VNET_HDR)) {
		log_err("--net: tap %s: is not a tap with IFF_VNET_HDR", name);
		return -EDOM;
	}
	return sys_nonblock(*fd);
}

int tap_open(struct net *net, const char *name)
{
	bool open = !strncmp(name, "fd:", 3);
	unsigned int i;
	int err = 0;

	if (!*name || (!open && strlen(name) >= IFNAMSIZ) ||
	    (open && net->nr > 1)) {
		log_err("--net: tap '%s': %s", name, open ?
			"an open tap has one queue" : "no name of an interface");
		return -EDOM;
	}
	net->ops = &tap_ops;
	for (i = 0; i < net->nr && err >= 0; i++) {
		int *fd = &net->pairs[i].fd;

		err = open ? take_open(name, fd) : open_named(net, name, fd);
		if (err >= 0)
			err = header_size(name, *fd);
	}
	return err;
}
