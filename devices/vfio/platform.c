/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of an assigned platform or AMBA device: its registers, mapped into
 * the guest where the kernel lets us and passed on one by one where not; its
 * interrupts, which reach the guest without us; reset, and giving it back.
 * Linux: include/uapi/linux/vfio.h, drivers/vfio/platform.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "devices/vfio/platform_priv.h"
#include "devices/vfio/vfio.h"
#include "vmm/events.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

/* Guests with large pages map all of one, so each region begins a page. */
#define PAGE_MAX (64 * KiB)
#define BLOCK (2 * MiB)

/* What of the board's room is left. */
struct room {
	struct platform_layout layout;
	uint64_t next;		/* address */
	unsigned int line;
};

/* ---- registers ---------------------------------------------------------- */

static uint64_t region_read(void *owner, uint64_t offset, unsigned int len)
{
	const struct platform_region *r = owner;
	uint64_t val = vfio_region_read(r->dev->fd, r->offset + offset, len);

	trace(TRACE_VFIO, "%s: region %u read 0x%llx len=%u -> 0x%llx",
	      r->dev->name, (unsigned int)(r - r->dev->regions),
	      (unsigned long long)offset, len, (unsigned long long)val);
	return val;
}

static void region_write(void *owner, uint64_t offset, uint64_t value,
			 unsigned int len)
{
	const struct platform_region *r = owner;

	trace(TRACE_VFIO, "%s: region %u write 0x%llx len=%u <- 0x%llx",
	      r->dev->name, (unsigned int)(r - r->dev->regions),
	      (unsigned long long)offset, len, (unsigned long long)value);
	vfio_region_write(r->dev->fd, r->offset + offset, value, len);
}

static const struct bus_ops region_ops = { region_read, region_write };

static int region_query(struct vfio_platform *d, unsigned int index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info), .index = index,
	};
	int err = sys_ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &info);

	if (err < 0) {
		log_err("vfio %s: cannot ask for region %u: %s", d->name,
			index, err_text(err));
		return err;
	}
	if (!info.size) {
		log_err("vfio %s: region %u makes no sense: it is empty",
			d->name, index);
		return -ENODEV;
	}
	d->regions[index] = (struct platform_region){
		.dev = d,
		.offset = info.offset,
		.size = info.size,
		.flags = info.flags,
	};
	return 0;
}

/* As far from the last one as it is large, for the sake of large pages. */
static int region_place(struct platform_region *r, unsigned int index,
			struct room *room)
{
	uint64_t end = room->layout.base + room->layout.size;
	uint64_t align = MAX(PAGE_MAX, (uint64_t)sys_page_size());

	while (align < r->size && align < BLOCK)
		align <<= 1;
	r->base = ALIGN_UP(room->next, align);
	if (r->base >= end || r->size > end - r->base) {
		log_err("vfio %s: no room for region %u, 0x%llx bytes", r->dev->name,
			index, (unsigned long long)r->size);
		log_hint("the guest has 0x%llx bytes for platform devices",
			 (unsigned long long)room->layout.size);
		return -ERANGE;
	}
	room->next = r->base + r->size;
	return 0;
}

/* Whole pages of registers only: what else is there may be another's. */
static bool can_mmap(const struct platform_region *r)
{
	return r->flags & VFIO_REGION_INFO_FLAG_MMAP &&
	       IS_ALIGNED(r->size | r->offset, sys_page_size());
}

static int region_mmap(struct platform_region *r)
{
	bool writable = r->flags & VFIO_REGION_INFO_FLAG_WRITE;
	void *hva;
	int err;

	err = sys_mmap(&hva, NULL, r->size,
		       PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED,
		       r->dev->fd, r->offset);
	if (err < 0)
		return err;
	r->mem = (struct mem_region){
		.name = r->dev->name,
		.gpa = r->base,
		.size = r->size,
		.hva = hva,
		.fd = -1,
		.flags = MEM_DEVICE | MEM_NO_DMA |
			 (writable ? 0 : MEM_READONLY),
	};
	err = mem_add(&r->dev->vm->mem, &r->mem);
	if (err < 0) {
		sys_munmap(hva, r->size);
		r->mem.size = 0;
	}
	return err;
}

static void region_unmap(struct platform_region *r)
{
	if (!r->mem.size)
		return;
	mem_del(&r->dev->vm->mem, &r->mem);
	sys_munmap(r->mem.hva, r->mem.size);
	r->mem.size = 0;
}

/* One that can't be mapped works all the same. */
static int region_add(struct platform_region *r, unsigned int index)
{
	struct vm *vm = r->dev->vm;
	int err;

	err = can_mmap(r) ? region_mmap(r) : -ENODEV;
	if (err >= 0)
		return 0;
	if (can_mmap(r))
		log_warn("vfio %s: cannot map region %u, which will be slow: %s",
			 r->dev->name, index, err_text(err));
	err = bus_add(&vm->mmio, r->dev->name, r->base, r->size, &region_ops,
		      r);
	if (err < 0)
		log_err("vfio %s: cannot claim addresses for region %u: %s",
			r->dev->name, index, err_text(err));
	return err;
}

static int regions_add(struct vfio_platform *d, struct room *room)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < d->nr_regions && err >= 0; i++) {
		err = region_query(d, i);
		if (err >= 0)
			err = region_place(&d->regions[i], i, room);
		if (err >= 0)
			err = region_add(&d->regions[i], i);
	}
	return err;
}

/* The bus keeps its ranges: it is frozen, or of no more use. */
static void regions_del(struct vfio_platform *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_regions; i++)
		region_unmap(&d->regions[i]);
}

/* ---- interrupts --------------------------------------------------------- */

static int irq_query(struct vfio_platform *d, unsigned int index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	int err = sys_ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info);

	if (err < 0) {
		log_err("vfio %s: cannot ask for interrupt %u: %s", d->name,
			index, err_text(err));
		return err;
	}
	if (info.count != 1 || !(info.flags & VFIO_IRQ_INFO_EVENTFD)) {
		log_err("vfio %s: interrupt %u makes no sense: %u of them, flags 0x%x",
			d->name, index, info.count, info.flags);
		return -ENODEV;
	}
	d->irqs[index].level = info.flags & VFIO_IRQ_INFO_AUTOMASKED;
	return 0;
}

static int irqs_probe(struct vfio_platform *d, struct room *room)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < d->nr_irqs; i++)
		d->irqs[i] = (struct vfio_line){ -1, false, -1, -1, false };
	for (i = 0; i < d->nr_irqs && err >= 0; i++) {
		if (room->line - room->layout.line == room->layout.nr_lines) {
			log_err("vfio %s: no line is free for interrupt %u",
				d->name, i);
			return -ERANGE;
		}
		d->irqs[i].gsi = room->line++;
		err = irq_query(d, i);
	}
	return err;
}

/* Masked when it fired, it stays so until it is told otherwise. */
static int irq_on(struct vfio_platform *d, unsigned int index)
{
	struct vfio_line *line = &d->irqs[index];
	int err = line_on(line, d->vm, d->fd, index);

	if (err >= 0 && line->level)
		err = vfio_irqs_none(d->fd, index,
				     VFIO_IRQ_SET_ACTION_UNMASK, 1);
	trace(TRACE_IRQ, "%s: interrupt %u on line %d: %d", d->name, index,
	      line->gsi, err);
	if (err < 0)
		log_err("vfio %s: cannot wire interrupt %u: %s", d->name,
			index, err_text(err));
	return MIN(err, 0);
}

static int irqs_on(struct vfio_platform *d)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < d->nr_irqs && err >= 0; i++)
		err = irq_on(d, i);
	return err;
}

static void irqs_off(struct vfio_platform *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_irqs; i++) {
		struct vfio_line *line = &d->irqs[i];

		if (line->attached)
			vfio_irqs_none(d->fd, i, VFIO_IRQ_SET_ACTION_TRIGGER,
				       0);
		if (line->attached && line->level)
			vfio_set_eventfd(d->fd, i, VFIO_IRQ_SET_ACTION_UNMASK,
					 -1);
		line_off(line, d->vm);
	}
}

/* ---- the device --------------------------------------------------------- */

static int query(struct vfio_platform *d)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	int err = sys_ioctl(d->fd, VFIO_DEVICE_GET_INFO, &info);

	if (err < 0) {
		log_err("vfio %s: cannot ask what it is: %s", d->name,
			err_text(err));
		return err;
	}
	if (!(info.flags & (VFIO_DEVICE_FLAGS_PLATFORM |
			    VFIO_DEVICE_FLAGS_AMBA))) {
		log_err("vfio %s: is not a platform device", d->name);
		return -ENODEV;
	}
	if (info.num_regions > PLATFORM_REGIONS ||
	    info.num_irqs > PLATFORM_IRQS) {
		log_err("vfio %s: makes no sense: %u regions, %u interrupts",
			d->name, info.num_regions, info.num_irqs);
		return -ENODEV;
	}
	d->can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	d->nr_regions = info.num_regions;
	d->nr_irqs = info.num_irqs;
	return 0;
}

/* Quiet first, if it can be made so: only then is memory taken from it. */
static void quiesce(struct vfio_platform *d)
{
	int err;

	irqs_off(d);
	err = d->can_reset ? vfio_reset(d->fd) : 0;
	if (err < 0)
		log_warn("vfio %s: cannot reset it: %s", d->name,
			 err_text(err));
}

static void platform_destroy(struct device *device)
{
	struct vfio_platform *d = container_of(device, struct vfio_platform,
					       device);

	quiesce(d);
	regions_del(d);
	vfio_detach(d->vm, d->fd);
	free(d);
}

static void platform_reset(struct device *device)
{
	struct vfio_platform *d = container_of(device, struct vfio_platform,
					       device);

	quiesce(d);
}

/* Not before: an interrupt controller that does not work takes no irqfd. */
static int platform_start(struct device *device, void *fdt)
{
	struct vfio_platform *d = container_of(device, struct vfio_platform,
					       device);
	int err = irqs_on(d);

	if (err < 0 && d->started) {
		device_lost(d->vm, d->name, "has lost its interrupts");
		err = 0;
	}
	d->started = true;
	return err < 0 || !fdt ? err : platform_dt_node(d, fdt);
}

static const struct device_ops platform_ops = {
	.reset = platform_reset,
	.destroy = platform_destroy,
	.start = platform_start,
};

static void announce(const struct vfio_platform *d)
{
	char where[40] = "no registers", lines[40] = "no interrupts", at[20];

	if (d->nr_regions) {
		snprintf(at, sizeof(at), "0x%llx",
			 (unsigned long long)d->regions[0].base);
		snprintf(where, sizeof(where), "registers at guest %s", at);
	}
	if (d->nr_irqs)
		snprintf(lines, sizeof(lines), "%u interrupt%s from line %d",
			 d->nr_irqs, d->nr_irqs == 1 ? "" : "s",
			 d->irqs[0].gsi);
	log_info("vfio %s: %s, %s", d->name, where, lines);
	events_device(d->vm, d->name, NULL, d->nr_regions ? at : NULL);
	if (config_noiommu(d->vm->cfg) == NOIOMMU_DEVICE_ONLY)
		log_warn("vfio %s: no bus keeps it from DMA: if it can do any, all of this "
			 "host's memory is open to the guest", d->name);
	if (d->can_reset)
		return;
	log_warn("vfio %s: the kernel knows no way to reset it: the next user finds it "
		 "as the guest left it%s", d->name,
		 config_noiommu(d->vm->cfg) == NOIOMMU_ON ?
		 ", and its DMA goes on in memory that is the host's again" :
		 "");
}

static int setup(struct vfio_platform *d, struct room *room)
{
	int err = query(d);

	if (err >= 0)
		err = irqs_probe(d, room);
	if (err >= 0)
		err = regions_add(d, room);
	return err;
}

static int platform_add(struct vm *vm, const struct platform_spec *spec,
			struct room *room)
{
	struct vfio_platform *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->vm = vm;
	d->spec = *spec;
	d->name = d->spec.name;
	d->fd = err = vfio_attach(vm, d->name, NULL);
	if (err < 0)
		goto free;
	err = setup(d, room);
	if (err < 0)
		goto undo;
	device_add(vm, &d->device, d->name, &platform_ops);
	announce(d);
	return 0;

undo:
	regions_del(d);
	vfio_detach(vm, d->fd);
free:
	free(d);
	return err;
}

int vfio_platform_create_all(struct vm *vm,
			     const struct platform_layout *layout)
{
	struct room room = {
		.layout = *layout, .next = layout->base, .line = layout->line,
	};
	const struct config *cfg = vm->cfg;
	struct platform_spec spec;
	unsigned int i;
	int err = 0;

	for (i = 0; i < cfg->nr_vfio_platform && err >= 0; i++) {
		err = platform_spec_parse(cfg->vfio_platform[i], &spec);
		if (err >= 0)
			err = platform_add(vm, &spec, &room);
	}
	return err;
}
