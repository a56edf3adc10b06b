/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices with a back end elsewhere: which kinds there are, their option, and
 * their life. VIRTIO 1.2 sections 5.1 (network card), 5.2 (disk) and 5.11 (file
 * system).
 */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#include "devices/virtio/kinds.h"
#include "devices/virtio/vhost_user.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/options.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define TIMEOUT_MS 10000
#define RING_FEATURES (BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
		       BIT(VIRTIO_RING_F_EVENT_IDX))

/*
 * What a disk may have: no more than VUSER_CONFIG bytes tell of, none of which
 * the driver writes.
 */
#define BLK_FEATURES (BIT(VIRTIO_BLK_F_SIZE_MAX) | BIT(VIRTIO_BLK_F_SEG_MAX) | \
		      BIT(VIRTIO_BLK_F_GEOMETRY) | BIT(VIRTIO_BLK_F_RO) | \
		      BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_FLUSH) | \
		      BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_DISCARD) | \
		      BIT(VIRTIO_BLK_F_WRITE_ZEROES))
/* A card: offloads. There is no control queue, which would be ours to serve. */
#define NET_FEATURES (BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | \
		      BIT(VIRTIO_NET_F_GUEST_TSO4) | \
		      BIT(VIRTIO_NET_F_GUEST_TSO6) | \
		      BIT(VIRTIO_NET_F_GUEST_ECN) | \
		      BIT(VIRTIO_NET_F_GUEST_UFO) | \
		      BIT(VIRTIO_NET_F_HOST_TSO4) | \
		      BIT(VIRTIO_NET_F_HOST_TSO6) | \
		      BIT(VIRTIO_NET_F_HOST_ECN) | \
		      BIT(VIRTIO_NET_F_HOST_UFO) | \
		      BIT(VIRTIO_NET_F_MRG_RXBUF))

struct vuser_kind {
	const char *name;
	unsigned int type, class, queues, cfg_size;
	uint64_t features;	/* of the back end's, that are passed on */
	/* Fill in cfg, and features that need nothing of the back end. */
	int (*describe)(struct vuser *u, const struct vuser_spec *spec);
};

/* ---- kinds ------------------------------------------------------------------ */

static int describe_fs(struct vuser *u, const struct vuser_spec *spec)
{
	memcpy(u->cfg.fs.tag, spec->tag, strlen(spec->tag));
	u->cfg.fs.num_request_queues = u->v.nr_queues - 1;
	return 0;
}

static int describe_blk(struct vuser *u, const struct vuser_spec *spec)
{
	uint16_t nr = u->v.nr_queues;
	int err = vuser_config(u, u->cfg.bytes, VUSER_CONFIG);

	(void)spec;
	memcpy(&u->cfg.bytes[offsetof(struct virtio_blk_config, num_queues)],
	       &nr, sizeof(nr));
	if (nr > 1)
		u->v.features |= u->has & BIT(VIRTIO_BLK_F_MQ);
	return err;
}

static int describe_net(struct vuser *u, const struct vuser_spec *spec)
{
	memcpy(u->cfg.net.mac, spec->mac, VIRTIO_MAC);
	u->cfg.net.status = VIRTIO_NET_S_LINK_UP;
	u->v.features |= BIT(VIRTIO_NET_F_MAC) | BIT(VIRTIO_NET_F_STATUS);
	return 0;
}

static const struct vuser_kind kinds[] = {
	{ "fs", VIRTIO_ID_FS, 0x018000, 2, sizeof(struct virtio_fs_config), 0,
	  describe_fs },
	{ "blk", VIRTIO_ID_BLOCK, 0x010000, 1, VUSER_CONFIG, BLK_FEATURES,
	  describe_blk },
	{ "net", VIRTIO_ID_NET, 0x020000, 2,
	  offsetof(struct virtio_net_config, max_virtqueue_pairs),
	  NET_FEATURES, describe_net },
};

static const struct vuser_kind *find_kind(const char *name)
{
	const struct vuser_kind *k;

	for (k = kinds; k < kinds + ARRAY_SIZE(kinds); k++)
		if (!strcmp(name, k->name))
			return k;
	return NULL;
}

/* ---- the device -------------------------------------------------------------- */

/* The back end has interrupted a driver that does not use MSI-X. */
static void relayed(void *arg)
{
	struct vuser *u = arg;
	uint64_t count;
	unsigned int i;

	sys_read(u->relay, &count, sizeof(count));
	for (i = 0; i < u->v.nr_queues; i++)
		if (virtio_call_fd(&u->v.queues[i]) < 0)
			virtio_interrupt(&u->v.queues[i]);
}

static int vuser_run(struct virtio *v)
{
	struct vuser *u = container_of(v, struct vuser, v);
	int err = loop_add(&v->vm->loop, u->relay, relayed, u);

	if (err >= 0)
		err = loop_add(&v->vm->loop, u->fd, vuser_readable, u);
	if (err < 0)
		log_err("--%s: cannot be watched: %s", u->option,
			err_text(err));
	return err;
}

static void vuser_destroy(struct virtio *v)
{
	struct vuser *u = container_of(v, struct vuser, v);
	int fds[] = { u->relay, u->fd };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] < 0)
			continue;
		loop_del(&v->vm->loop, fds[i]);
		sys_close(fds[i]);
	}
	virtqs_destroy(v);
	pthread_mutex_destroy(&u->lock);
	free(u);
}

static const struct virtio_ops vuser_ops = {
	.run = vuser_run,
	.start = vuser_start,
	.stop = vuser_stop,
	.destroy = vuser_destroy,
};

static int check_ram(const struct vuser *u)
{
	const struct mem_region *r;
	unsigned int nr = 0;

	for (r = u->v.vm->mem.ram; r; r = r->next_ram)
		if (r->fd < 0 || nr++ == VUSER_REGIONS) {
			log_err("--%s: guest RAM is in pieces that cannot be shared",
				u->option);
			return -EOPNOTSUPP;
		}
	return 0;
}

static int check_greeting(const struct vuser *u, uint64_t has, uint64_t wanted)
{
	if (!(u->has & BIT(VIRTIO_F_VERSION_1))) {
		log_err("--%s: %s: the back end is one for drivers from before VIRTIO 1.0",
			u->option, u->what);
		return -EOPNOTSUPP;
	}
	if (wanted <= has)
		return 0;
	log_err("--%s: %s: the back end has fewer queues: %llu", u->option,
		u->what, (unsigned long long)has);
	return -EOPNOTSUPP;
}

static int build(struct vuser *u, const struct vuser_spec *spec)
{
	unsigned int nr = MAX(u->kind->queues, spec->queues), i;
	uint64_t has = u->kind->queues;
	int err = check_ram(u);

	if (err >= 0)
		err = sys_timeout(u->fd, TIMEOUT_MS);
	if (err >= 0)
		err = u->relay = sys_eventfd();
	if (err >= 0)
		err = vuser_greet(u, &has);
	if (err >= 0)
		err = check_greeting(u, has, nr);
	if (err >= 0)
		err = virtqs_create(&u->v, nr, VIRTQ_SIZE_MAX);
	if (err < 0)
		return err;
	for (i = 0; i < nr; i++)
		u->v.queues[i].loop = NULL;
	u->v.features = u->has & u->kind->features;
	u->v.lacks = ~u->has & RING_FEATURES;
	return u->kind->describe(u, spec);
}

int vuser_add(struct vm *vm, struct pci_host *host,
	      const struct vuser_spec *spec)
{
	const struct vuser_kind *kind = find_kind(spec->kind);
	struct vuser *u = calloc(1, sizeof(*u));
	int err;

	if (!u) {
		sys_close(spec->fd);
		return -ENOMEM;
	}
	pthread_mutex_init(&u->lock, NULL);
	u->kind = kind;
	u->option = spec->option;
	u->what = spec->what;
	u->fd = spec->fd;
	u->relay = -1;
	u->v = (struct virtio){
		.ops = &vuser_ops,
		.vm = vm,
		.name = kind->name,
		.type = kind->type,
		.class = kind->class,
		.cfg = &u->cfg,
		.cfg_size = kind->cfg_size,
	};
	err = build(u, spec);
	if (err >= 0)
		err = virtio_add(&u->v, host);
	if (err < 0)
		vuser_destroy(&u->v);
	return err;
}

/* ---- the option -------------------------------------------------------------- */

bool vuser_tag_ok(const char *tag)
{
	return *tag && strlen(tag) <=
		sizeof(((struct virtio_fs_config *)NULL)->tag);
}

static const char *parse_key(struct vuser_spec *spec, const char *key,
			     const char **path)
{
	const char *value;

	if ((value = virtio_option(key, "socket"))) {
		*path = value;
	} else if ((value = virtio_option(key, "tag")) && *spec->kind == 'f') {
		spec->tag = value;
		if (!vuser_tag_ok(value))
			return "tag: 1 to 36 characters";
	} else if ((value = virtio_option(key, "queues")) &&
		   *spec->kind == 'b') {
		if (parse_size(value, &spec->queues) < 0 || !spec->queues ||
		    spec->queues > VUSER_QUEUES)
			return "queues: 1 to 16";
	} else if ((value = virtio_option(key, "mac")) && *spec->kind == 'n') {
		if (!virtio_mac_parse(spec->mac, value))
			return VIRTIO_MAC_WRONG;
	} else {
		return "not socket=, tag= of fs, queues= of blk, or mac= of net";
	}
	return NULL;
}

/* @text is cut up, and pointed into. */
static const char *parse(struct vuser_spec *spec, char *text,
			 const char **path)
{
	const char *wrong = NULL;
	char *key;

	spec->kind = strsep(&text, ",");
	if (!find_kind(spec->kind))
		return "not fs, blk or net";
	while (!wrong && (key = strsep(&text, ",")))
		wrong = parse_key(spec, key, path);
	if (!wrong && !**path)
		wrong = "no socket=";
	if (!wrong && *spec->kind == 'f' && !spec->tag)
		wrong = "no tag=";
	return wrong;
}

static int connect_to(const char *path)
{
	int fd = strncmp(path, "fd:", 3) ? sys_unix_connect(path) :
		file_open_node(path);

	if (fd >= 0)
		return fd;
	log_err("--vhost-user: cannot connect to %s: %s", path, err_text(fd));
	return fd == -EACCES || fd == -EPERM ? fd : -ENOENT;
}

int vhost_user_create(struct vm *vm, struct pci_host *host, const char *value)
{
	struct vuser_spec spec = { .option = "vhost-user", .what = value };
	const char *path = "", *wrong;
	char *text = strdup(value);
	int err = virtio_mac_random(spec.mac);

	if (!text || err < 0) {
		free(text);
		return text ? err : -ENOMEM;
	}
	wrong = parse(&spec, text, &path);
	if (wrong) {
		log_err("--vhost-user: '%s': %s", value, wrong);
		err = -EDOM;
	} else {
		err = spec.fd = connect_to(path);
	}
	if (err >= 0)
		err = vuser_add(vm, host, &spec);
	free(text);
	return err;
}
