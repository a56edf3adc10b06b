/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks: a file or a block device of the host as one of the guest's. VIRTIO 1.2
 * section 5.2.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "devices/virtio/disk_priv.h"
#include "devices/virtio/kinds.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define BLOCK_MAX 4096U
/* A range of one: what takes the host long should not take it for ever. */
#define RANGE_SECTORS (GiB / SECTOR)

/* ---- the option --------------------------------------------------------- */

static int parse(struct disk *d, const char *spec)
{
	static const struct virtio_key keys[] = {
		VIRTIO_FLAG(struct disk, ro),
		VIRTIO_FLAG(struct disk, direct),
		{ "queues", offsetof(struct disk, nr), DISK_QUEUES },
		{ "serial", offsetof(struct disk, serial_text), VIRTIO_TEXT },
		VIRTIO_KEYS_END
	};
	int err = virtio_parse(&d->v, spec, keys);
	size_t len = d->serial_text ? strlen(d->serial_text) : 1;

	if (err < 0)
		return err;
	if (!*d->v.text)
		return virtio_wrong(&d->v, spec, "no file named");
	if (!len || len > sizeof(d->serial))
		return virtio_wrong(&d->v, spec,
				    "a serial number has 1 to 20 characters");
	if (d->serial_text)
		memcpy(d->serial, d->serial_text, len);
	if (d->direct && !strncmp(d->v.text, "fd:", 3))
		return virtio_wrong(&d->v, spec,
				    "direct: an open file is as it was opened");
	return 0;
}

/* ---- the image ---------------------------------------------------------- */

static int report(const struct disk *d, const char *what, int err)
{
	log_err("--disk: %s: %s: %s", d->v.text, what, err_text(err));
	return err == -EACCES || err == -EPERM ? err : -ENOENT;
}

static int take_lock(const struct disk *d)
{
	int err = sys_lock(d->fd, !d->ro);

	if (err != -EAGAIN && err != -EACCES)
		return err < 0 ? report(d, "cannot lock it", err) : 0;
	log_err("--disk: %s: another program %s", d->v.text, d->ro ?
		"writes to it" : "uses it");
	return -EBUSY;
}

/* The smallest block that the host reads past its cache. */
static uint32_t direct_block(const struct disk *d)
{
	uint32_t size = SECTOR;
	void *buf = NULL;

	if (posix_memalign(&buf, BLOCK_MAX, BLOCK_MAX))
		return BLOCK_MAX;
	while (size < BLOCK_MAX && sys_pread(d->fd, buf, size, 0) == -EINVAL)
		size *= 2;
	free(buf);
	return size;
}

static void ask(const struct disk *d, unsigned long request, void *value)
{
	/* What the host does not tell stays as it is. */
	if (sys_ioctl(d->fd, request, value) < 0)
		trace(TRACE_PCI, "%s: no answer to 0x%lx", d->v.text, request);
}

static void probe_block(struct disk *d)
{
	uint32_t logical = SECTOR, physical = 0, min = 0, opt = 0;

	ask(d, BLKGETSIZE64, &d->size);
	ask(d, BLKSSZGET, &logical);
	ask(d, BLKPBSZGET, &physical);
	ask(d, BLKIOMIN, &min);
	ask(d, BLKIOOPT, &opt);
	if (logical < SECTOR || logical > BLOCK_MAX)
		logical = SECTOR;
	d->cfg.blk_size = logical;
	while (d->cfg.physical_block_exp < 8 &&
	       logical << d->cfg.physical_block_exp < physical)
		d->cfg.physical_block_exp++;
	d->cfg.min_io_size = MIN(min / logical, UINT16_MAX);
	d->cfg.opt_io_size = opt / logical;
}

static int probe(struct disk *d)
{
	struct stat st;
	int err = sys_fstat(d->fd, &st);

	if (err < 0)
		return report(d, "cannot be looked at", err);
	d->is_block = S_ISBLK(st.st_mode);
	if (!d->is_block && !S_ISREG(st.st_mode)) {
		log_err("--disk: %s: not a file or block device", d->v.text);
		return -ENOENT;
	}
	d->size = st.st_size;
	d->cfg.blk_size = SECTOR;
	if (d->is_block)
		probe_block(d);
	else if (d->direct)
		d->cfg.blk_size = direct_block(d);
	d->size = ALIGN_DOWN(d->size, d->cfg.blk_size);
	if (d->size)
		return 0;
	log_err("--disk: %s: smaller than a sector", d->v.text);
	return -ENOEXEC;
}

static int open_image(struct disk *d)
{
	int flags = (d->ro ? O_RDONLY : O_RDWR) | (d->direct ? O_DIRECT : 0);
	int err;

	d->fd = file_open_any(d->v.text, flags, 0);
	if (d->fd < 0)
		return report(d, "cannot open it", d->fd);
	err = take_lock(d);
	return err < 0 ? err : probe(d);
}

/* ---- life --------------------------------------------------------------- */

static void queue_destroy(struct disk_queue *dq)
{
	virtio_thread_destroy(dq->thread);
	uring_destroy(&dq->ring);
	free(dq->requests);
	pthread_cond_destroy(&dq->idle);
}

static int queue_create(struct disk *d, unsigned int nr)
{
	struct disk_queue *dq = &d->queues[nr];
	unsigned int i;
	int err;

	dq->disk = d;
	dq->q = &d->v.queues[nr];
	dq->ring.fd = -1;
	pthread_cond_init(&dq->idle, NULL);
	dq->requests = calloc(DISK_QUEUE, sizeof(*dq->requests));
	if (!dq->requests)
		return -ENOMEM;
	for (i = 0; i < DISK_QUEUE; i++) {
		dq->requests[i].next = dq->free;
		dq->free = &dq->requests[i];
	}
	dq->thread = virtio_thread_create(d->v.vm->cfg, d->v.name);
	if (!dq->thread)
		return -ENOMEM;
	dq->q->loop = &dq->thread->loop;
	err = uring_create(&dq->ring, DISK_QUEUE);
	if (err >= 0 && loop_add(dq->q->loop, dq->ring.fd, disk_done, dq) < 0)
		uring_destroy(&dq->ring);
	if (err < 0)
		trace(TRACE_SYS, "%s: no io_uring: %s", d->v.text,
		      err_text(err));
	return 0;
}

static int disk_run(struct virtio *v)
{
	struct disk *d = container_of(v, struct disk, v);
	unsigned int i;
	int err = 0;

	for (i = 0; i < v->nr_queues && err >= 0; i++)
		err = virtio_thread_run(d->queues[i].thread);
	return err;
}

static void disk_stop(struct virtio *v)
{
	struct disk *d = container_of(v, struct disk, v);
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		disk_wait(&d->queues[i]);
}

static void disk_destroy(struct virtio *v)
{
	struct disk *d = container_of(v, struct disk, v);
	unsigned int i;

	for (i = 0; d->queues && i < d->nr; i++)
		if (d->queues[i].disk)
			queue_destroy(&d->queues[i]);
	free(d->queues);
	virtqs_destroy(v);
	if (d->fd >= 0)
		sys_close(d->fd);
	free(d);
}

static const struct virtio_ops disk_ops = {
	.run = disk_run,
	.stop = disk_stop,
	.serve = disk_serve,
	.destroy = disk_destroy,
};

static void describe(struct disk *d)
{
	struct virtio_blk_config *cfg = &d->cfg;

	d->v.features = BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_BLK_SIZE) |
			BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_FLUSH) |
			BIT(VIRTIO_BLK_F_MQ);
	cfg->capacity = d->size / SECTOR;
	cfg->seg_max = DISK_SEGMENTS;
	cfg->num_queues = d->nr;
	if (d->ro) {
		d->v.features |= BIT(VIRTIO_BLK_F_RO);
		return;
	}
	d->v.features |= BIT(VIRTIO_BLK_F_DISCARD) |
			 BIT(VIRTIO_BLK_F_WRITE_ZEROES);
	cfg->max_discard_sectors = cfg->max_write_zeroes_sectors =
		RANGE_SECTORS;
	cfg->max_discard_seg = cfg->max_write_zeroes_seg = DISK_RANGES;
	cfg->discard_sector_alignment = cfg->blk_size / SECTOR;
	cfg->write_zeroes_may_unmap = 1;
}

static int build(struct disk *d, const char *spec)
{
	unsigned int i;
	int err = parse(d, spec);

	if (err >= 0)
		err = open_image(d);
	if (err < 0)
		return err;
	describe(d);
	err = virtqs_create(&d->v, d->nr, DISK_QUEUE);
	if (err < 0)
		return err;
	d->queues = calloc(d->nr, sizeof(*d->queues));
	if (!d->queues)
		return -ENOMEM;
	for (i = 0; i < d->nr && err >= 0; i++)
		err = queue_create(d, i);
	return err;
}

int disk_create(struct vm *vm, struct pci_host *host, const char *spec)
{
	struct disk *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->fd = -1;
	d->nr = 1;
	d->v = (struct virtio){
		.ops = &disk_ops,
		.vm = vm,
		.name = "disk",
		.type = VIRTIO_ID_BLOCK,
		.class = 0x010000,
		.cfg = &d->cfg,
		.cfg_size = sizeof(d->cfg),
	};
	err = build(d, spec);
	if (err >= 0)
		err = virtio_add(&d->v, host);
	if (err < 0)
		disk_destroy(&d->v);
	return err;
}
