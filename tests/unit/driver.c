/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver; see driver.h.
 */
#include <string.h>

#include "driver.h"

#define ECAM 0xe0000000ULL
#define FIRST_BUFFER MiB

static const struct pci_layout layout = {
	.ecam = ECAM, .cf8 = true, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = 0xc0000000, .mem32_size = 0x10000000,
	.mem64_min = 0x100000000, .mem64_max = 0x10000000000,
	.intx_first = 16, .intx_nr = 8,
};

struct config guest_cfg;
struct vm guest_vm;
struct pci_host *guest_host;
struct driven dev;
static uint64_t next_buffer;
static int tick_timer;

/* ---- the machine -------------------------------------------------------- */

void guest_begin(void)
{
	guest_cfg = (struct config){ .memory = GUEST_RAM };
	next_buffer = FIRST_BUFFER;
	fake_begin();
	CHECK_EQ(fake_vm_create(&guest_vm, &guest_cfg, GUEST_RAM), 0);
	CHECK_EQ(loop_create(&guest_vm.loop), 0);
	CHECK_EQ(pci_host_create(&guest_vm, &layout, &guest_host), 0);
}

void guest_add(const char *option, const char *value)
{
	guest_cfg.virtio[guest_cfg.nr_virtio++] = (struct virtio_config){ option, value };
}

void guest_boot(void)
{
	CHECK_EQ(virtio_create_all(&guest_vm, guest_host), 0);
	CHECK_EQ(pci_host_assign(guest_host), 0);
	CHECK_EQ(devices_run(&guest_vm), 0);
	drive(1);
}

void guest_end(void)
{
	devices_destroy(&guest_vm);
	loop_destroy(&guest_vm.loop);
	fake_vm_destroy(&guest_vm);
	fake_end();
}

static void tick(void *arg)
{
	loop_quit(&guest_vm.loop);
}

void run(unsigned int ms)
{
	tick_timer = loop_timer(&guest_vm.loop, ms, tick, NULL);
	CHECK(tick_timer >= 0);
	CHECK_EQ(loop_run(&guest_vm.loop), 0);
	loop_timer_del(&guest_vm.loop, tick_timer);
}

uint64_t ram(size_t len)
{
	uint64_t gpa = next_buffer;

	next_buffer += ALIGN_UP(len, 4096);
	CHECK(next_buffer <= GUEST_RAM);
	memset(at(gpa), 0, len);
	return gpa;
}

void *at(uint64_t gpa)
{
	return mem_at(&guest_vm.mem, gpa, 1);
}

/* ---- registers ---------------------------------------------------------- */

uint32_t cfg_get(unsigned int devfn, unsigned int off, unsigned int len)
{
	return bus_read(&guest_vm.mmio, ECAM + devfn * 4096 + off, len);
}

void cfg_put(unsigned int devfn, unsigned int off, uint32_t val,
	 unsigned int len)
{
	bus_write(&guest_vm.mmio, ECAM + devfn * 4096 + off, val, len);
}

uint64_t reg(unsigned int off, unsigned int len)
{
	return bus_read(&guest_vm.mmio, dev.common + off, len);
}

void set_reg(unsigned int off, uint64_t val, unsigned int len)
{
	bus_write(&guest_vm.mmio, dev.common + off, val, len);
}

uint8_t status(void)
{
	return reg(VIRTIO_PCI_COMMON_STATUS, 1);
}

static void take_cap(unsigned int cap)
{
	uint64_t where = dev.bar + cfg_get(dev.devfn, cap + VIRTIO_PCI_CAP_OFFSET,
				       4);

	switch (cfg_get(dev.devfn, cap + VIRTIO_PCI_CAP_CFG_TYPE, 1)) {
	case VIRTIO_PCI_CAP_COMMON_CFG:
		dev.common = where;
		break;
	case VIRTIO_PCI_CAP_ISR_CFG:
		dev.isr = where;
		break;
	case VIRTIO_PCI_CAP_DEVICE_CFG:
		dev.config = where;
		break;
	case VIRTIO_PCI_CAP_NOTIFY_CFG:
		dev.notify = where;
		dev.notify_step = cfg_get(dev.devfn, cap +
				      VIRTIO_PCI_NOTIFY_CAP_MULT, 4);
		break;
	}
}

static unsigned int msix_cap(void)
{
	unsigned int cap = cfg_get(dev.devfn, PCI_CAPABILITY_LIST, 1);

	while (cap && cfg_get(dev.devfn, cap, 1) != PCI_CAP_ID_MSIX)
		cap = cfg_get(dev.devfn, cap + 1, 1);
	return cap;
}

void drive(unsigned int slot)
{
	unsigned int cap, i;

	memset(&dev, 0, sizeof(dev));
	dev.devfn = SLOT(slot);
	dev.bar = cfg_get(dev.devfn, PCI_BASE_ADDRESS_0, 4) & ~15U;
	for (cap = cfg_get(dev.devfn, PCI_CAPABILITY_LIST, 1); cap;
	     cap = cfg_get(dev.devfn, cap + 1, 1))
		if (cfg_get(dev.devfn, cap, 1) == PCI_CAP_ID_VNDR)
			take_cap(cap);
	cfg_put(dev.devfn, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
	    2);
	dev.nr = MIN(reg(VIRTIO_PCI_COMMON_NUMQ, 2), DRIVER_QUEUES);
	for (i = 0; i < dev.nr; i++)
		dev.rings[i].index = i;
}

void use_msix(void)
{
	unsigned int cap = msix_cap(), i;

	dev.table = dev.bar + cfg_get(dev.devfn, cap + PCI_MSIX_TABLE, 4);
	for (i = 0; i <= dev.nr; i++) {
		bus_write(&guest_vm.mmio, dev.table + i * 16, 0xfee00000, 8);
		bus_write(&guest_vm.mmio, dev.table + i * 16 + 8, 0x40 + i, 4);
		bus_write(&guest_vm.mmio, dev.table + i * 16 + 12, 0, 4);
	}
	cfg_put(dev.devfn, cap + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

/* ---- life --------------------------------------------------------------- */

void setup_queue(struct ring *r)
{
	set_reg(VIRTIO_PCI_COMMON_Q_SELECT, r->index, 2);
	r->size = reg(VIRTIO_PCI_COMMON_Q_SIZE, 2);
	r->desc_gpa = ram(r->size * 16);
	r->avail_gpa = ram(6 + 2 * r->size);
	r->used_gpa = ram(6 + 8 * r->size);
	r->desc = at(r->desc_gpa);
	r->avail = at(r->avail_gpa);
	r->used = at(r->used_gpa);
	r->free = r->seen = 0;
	set_reg(VIRTIO_PCI_COMMON_Q_DESCLO, r->desc_gpa, 8);
	set_reg(VIRTIO_PCI_COMMON_Q_AVAILLO, r->avail_gpa, 8);
	set_reg(VIRTIO_PCI_COMMON_Q_USEDLO, r->used_gpa, 8);
	if (dev.table)
		set_reg(VIRTIO_PCI_COMMON_Q_MSIX, r->index, 2);
	set_reg(VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static void accept_features(uint64_t features)
{
	unsigned int i;

	features |= BIT(VIRTIO_F_VERSION_1);
	for (i = 0; i < 2; i++) {
		set_reg(VIRTIO_PCI_COMMON_DFSELECT, i, 4);
		set_reg(VIRTIO_PCI_COMMON_GFSELECT, i, 4);
		set_reg(VIRTIO_PCI_COMMON_GF, reg(VIRTIO_PCI_COMMON_DF, 4) &
			features >> i * 32, 4);
	}
}

uint8_t try_ready(uint64_t features)
{
	unsigned int i, s = VIRTIO_CONFIG_S_ACKNOWLEDGE |
			    VIRTIO_CONFIG_S_DRIVER;

	unready();
	set_reg(VIRTIO_PCI_COMMON_STATUS, s, 1);
	accept_features(features);
	s |= VIRTIO_CONFIG_S_FEATURES_OK;
	set_reg(VIRTIO_PCI_COMMON_STATUS, s, 1);
	CHECK_EQ(status(), s);
	if (dev.table)
		set_reg(VIRTIO_PCI_COMMON_MSIX, dev.nr, 2);
	for (i = 0; i < dev.nr; i++)
		setup_queue(&dev.rings[i]);
	s |= VIRTIO_CONFIG_S_DRIVER_OK;
	set_reg(VIRTIO_PCI_COMMON_STATUS, s, 1);
	return status();
}

void ready(uint64_t features)
{
	CHECK_EQ(try_ready(features), VIRTIO_CONFIG_S_ACKNOWLEDGE |
		 VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |
		 VIRTIO_CONFIG_S_DRIVER_OK);
}

void unready(void)
{
	set_reg(VIRTIO_PCI_COMMON_STATUS, 0, 1);
	CHECK_EQ(status(), 0);
}

/* ---- rings -------------------------------------------------------------- */

static void fill(struct vring_desc *d, const struct buffer *b, bool more,
		 unsigned int next)
{
	*d = (struct vring_desc){
		.addr = b->gpa, .len = b->len,
		.flags = (b->in ? VRING_DESC_F_WRITE : 0) |
			 (more ? VRING_DESC_F_NEXT : 0),
		.next = next,
	};
}

void make_available(struct ring *r, unsigned int head)
{
	r->avail->ring[r->avail->idx % r->size] = head;
	__atomic_store_n(&r->avail->idx, r->avail->idx + 1, __ATOMIC_SEQ_CST);
}

unsigned int offer(struct ring *r, const struct buffer *b, unsigned int nr)
{
	unsigned int head = r->free % r->size, i;

	for (i = 0; i < nr; i++, r->free++)
		fill(&r->desc[r->free % r->size], &b[i], i + 1 < nr,
		     (r->free + 1) % r->size);
	make_available(r, head);
	return head;
}

unsigned int offer_indirect(struct ring *r, const struct buffer *b,
			    unsigned int nr)
{
	unsigned int head = r->free++ % r->size, i;
	uint64_t table = ram(nr * sizeof(struct vring_desc));
	struct vring_desc *d = at(table);

	for (i = 0; i < nr; i++)
		fill(&d[i], &b[i], i + 1 < nr, i + 1);
	r->desc[head] = (struct vring_desc){
		.addr = table, .len = nr * sizeof(*d),
		.flags = VRING_DESC_F_INDIRECT,
	};
	make_available(r, head);
	return head;
}

void kick(struct ring *r)
{
	uint64_t where = dev.notify + r->index * dev.notify_step;

	if (!fake_ring(where))
		bus_write(&guest_vm.mmio, where, r->index, 2);
}

bool collect(struct ring *r, unsigned int *head, unsigned int *len)
{
	const struct vring_used_elem *e = &r->used->ring[r->seen % r->size];

	if (__atomic_load_n(&r->used->idx, __ATOMIC_SEQ_CST) == r->seen)
		return false;
	r->seen++;
	*head = e->id;
	*len = e->len;
	return true;
}

unsigned int wait_used(struct ring *r, unsigned int *len)
{
	unsigned int head, tries;

	for (tries = 0; tries < 2000; tries++) {
		if (collect(r, &head, len))
			return head;
		run(1);
	}
	CHECK(!"a chain came back");
	return 0;
}
