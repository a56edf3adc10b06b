/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what a driver can do to a virtio device. The first byte of the input
 * chooses the device; the rest is what the driver does: registers of any width,
 * rings at any address, descriptors that say anything, notifications, resets, and
 * kernel calls that fail. There are short ways to what a good driver does, so that
 * what lies behind it is reached.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "devices/pci/pci.h"
#include "devices/virtio/create.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/balloon.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define ECAM 0xe0000000ULL
#define RAM (128 * KiB)
#define IMAGE (64 * KiB)
#define STEPS 300
#define DEVFN (1 << 3)
#define QUEUES 6		/* that have a place in RAM */
#define QUEUE_SIZE 8

/* BAR 0, as the capabilities say too. */
#define COMMON 0
#define ISR 0x1000
#define CONFIG 0x2000
#define NOTIFY 0x3000
#define TABLE 0x4000

static const struct pci_layout layout = {
	.ecam = ECAM, .io_base = 0x1000, .io_size = 0xf000,
	.mem32_base = 0xc0000000, .mem32_size = 0x10000000,
	.mem64_min = 0x100000000, .mem64_max = 0x10000000000,
	.intx_first = 16, .intx_nr = 8,
};

struct world {
	struct config cfg;
	struct vm vm;
	struct pci_host *host;
	uint64_t bar;
	char spec[2][64];
	int image, peer[2];	/* what the devices have on the host */
	int turns_fd, turns;
};

/* ---- the devices --------------------------------------------------------- */

static void add(struct world *w, const char *option, const char *value)
{
	w->cfg.virtio[w->cfg.nr_virtio++] =
		(struct virtio_config){ option, value };
}

static void choose(struct world *w, uint8_t what)
{
	if (what & 0x20) {
		add(w, what & 1 ? "balloon" : "vsock", what & 1 ? NULL : "3");
		return;
	}
	switch (what % 4) {
	case 0:
		add(w, "rng", NULL);
		break;
	case 1:
		snprintf(w->spec[0], sizeof(w->spec[0]), "fd:%d", w->peer[1]);
		snprintf(w->spec[1], sizeof(w->spec[1]), "fd:%d,name=port",
			 w->image);
		add(w, "console", w->spec[0]);
		add(w, "console", w->spec[1]);
		break;
	case 2:
		snprintf(w->spec[0], sizeof(w->spec[0]), "tap=fd:%d",
			 w->peer[1]);
		add(w, "net", w->spec[0]);
		break;
	case 3:
		snprintf(w->spec[0], sizeof(w->spec[0]), "fd:%d%s%s", w->image,
			 what & 0x40 ? ",ro" : "", what & 0x80 ? ",queues=2" :
			 "");
		add(w, "disk", w->spec[0]);
		break;
	}
}

/* ---- the loop ------------------------------------------------------------ */

static void turn(void *arg)
{
	struct world *w = arg;

	if (++w->turns % 3 == 0)
		loop_quit(&w->vm.loop);
}

/* All that is ready now, and what comes of that. */
static void run_loop(struct world *w)
{
	static const uint64_t one = 1;
	uint64_t count;

	if (write(w->turns_fd, &one, sizeof(one)) < 0)
		return;
	loop_run(&w->vm.loop);
	if (read(w->turns_fd, &count, sizeof(count)) < 0)
		return;
}

/* ---- what the driver does ------------------------------------------------- */

static void put_reg(struct world *w, uint64_t off, uint64_t val,
		    unsigned int len)
{
	bus_write(&w->vm.mmio, w->bar + off, val, len);
}

static uint64_t desc_of(unsigned int q)
{
	return q * 4096;
}

static void good_queue(struct world *w, unsigned int q)
{
	put_reg(w, VIRTIO_PCI_COMMON_Q_SELECT, q, 2);
	put_reg(w, VIRTIO_PCI_COMMON_Q_SIZE, QUEUE_SIZE, 2);
	put_reg(w, VIRTIO_PCI_COMMON_Q_DESCLO, desc_of(q), 8);
	put_reg(w, VIRTIO_PCI_COMMON_Q_AVAILLO, desc_of(q) + 1024, 8);
	put_reg(w, VIRTIO_PCI_COMMON_Q_USEDLO, desc_of(q) + 2048, 8);
	put_reg(w, VIRTIO_PCI_COMMON_Q_MSIX, q & 1, 2);
	put_reg(w, VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
}

static void good_start(struct world *w, uint32_t features)
{
	unsigned int q;

	bus_write(&w->vm.mmio, ECAM + DEVFN * 4096 + PCI_COMMAND,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	put_reg(w, VIRTIO_PCI_COMMON_STATUS, 0, 1);
	MUST(!bus_read(&w->vm.mmio, w->bar + VIRTIO_PCI_COMMON_STATUS, 1));
	memset(mem_at(&w->vm.mem, 0, QUEUES * 4096), 0, QUEUES * 4096);
	put_reg(w, VIRTIO_PCI_COMMON_STATUS, 3, 1);
	put_reg(w, VIRTIO_PCI_COMMON_GFSELECT, 0, 4);
	put_reg(w, VIRTIO_PCI_COMMON_DFSELECT, 0, 4);
	put_reg(w, VIRTIO_PCI_COMMON_GF, features &
		bus_read(&w->vm.mmio, w->bar + VIRTIO_PCI_COMMON_DF, 4), 4);
	put_reg(w, VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
	put_reg(w, VIRTIO_PCI_COMMON_GF, 1, 4);
	put_reg(w, VIRTIO_PCI_COMMON_STATUS, 11, 1);
	for (q = 0; q < QUEUES; q++)
		good_queue(w, q);
	put_reg(w, VIRTIO_PCI_COMMON_STATUS, 15, 1);
}

static void write_ram(struct world *w, uint64_t at, const void *data,
		      size_t len)
{
	void *to = mem_at(&w->vm.mem, at, len);

	if (to)
		memcpy(to, data, len);
}

/* In RAM as a rule, at its ends, or anywhere. */
static uint64_t address(struct input *in)
{
	uint8_t how = take(in, 1);

	if (how < 0xf0)
		return QUEUES * 4096 + take(in, 2);
	return how < 0xf8 ? RAM - take(in, 1) : take(in, 8);
}

static void descriptor(struct input *in, struct world *w)
{
	uint8_t where = take(in, 1), what = take(in, 1);
	struct vring_desc d = {
		.addr = address(in),
		.len = what & 0x80 ? take(in, 4) : take(in, 1) << (what >> 4),
		.flags = what & 7,
		.next = take(in, 1) % (QUEUE_SIZE + 1),
	};

	if (what & 8)	/* where a request begins */
		write_ram(w, d.addr, in->at, MIN(in->len, 16));
	write_ram(w, desc_of(where >> 4) + (where & 15) * sizeof(d), &d,
		  sizeof(d));
}

/* A chain of header, data, status, as disks and others want it. */
static void good_chain(struct input *in, struct world *w)
{
	unsigned int q = take(in, 1) % QUEUES, i;
	uint8_t what = take(in, 1);
	uint64_t base = QUEUES * 4096 + q * 1024;
	struct vring_desc d[3] = {
		{ base, 16, VRING_DESC_F_NEXT, 1 },
		{ base + 512, take(in, 1) * 4, VRING_DESC_F_NEXT |
		  (what & 1 ? VRING_DESC_F_WRITE : 0), 2 },
		{ base + 16, 1, VRING_DESC_F_WRITE, 0 },
	};
	uint32_t header[4] = { what >> 1 & 15, 0, take(in, 1), 0 };

	write_ram(w, base, header, sizeof(header));
	for (i = 0; i < 3; i++)
		write_ram(w, desc_of(q) + i * sizeof(d[0]), &d[i],
			  sizeof(d[0]));
}

static void available(struct input *in, struct world *w)
{
	unsigned int q = take(in, 1) % QUEUES, head = take(in, 1);
	struct vring_avail *avail = mem_at(&w->vm.mem, desc_of(q) + 1024, 64);

	avail->flags = head >> 7;
	if (head & 0x40) {
		avail->idx += take(in, 1);
	} else {
		avail->ring[avail->idx % QUEUE_SIZE] = head % 12;
		avail->idx++;
	}
	if (!fake_ring(w->bar + NOTIFY + 4 * q))
		put_reg(w, NOTIFY + 4 * q, q, 2);
}

static void any_register(struct input *in, struct world *w)
{
	static const uint16_t pages[] = { COMMON, ISR, CONFIG, NOTIFY, TABLE };
	uint8_t what = take(in, 1);
	uint64_t at = w->bar + pages[(what >> 4) % ARRAY_SIZE(pages)] +
		take(in, what & 8 ? 2 : 1);
	unsigned int len = 1U << (what & 3);

	if (what & 4)
		bus_read(&w->vm.mmio, at, len);
	else
		bus_write(&w->vm.mmio, at, take(in, len), len);
}

static void any_config(struct input *in, struct world *w)
{
	uint8_t what = take(in, 1);
	unsigned int off = take(in, 1), len = 1U << what % 3;
	uint64_t at = ECAM + DEVFN * 4096 + off;

	/* The BAR stays where the rest of the input expects it. */
	if (what & 4)
		bus_read(&w->vm.mmio, at, len);
	else if (!pci_covers(off, len, PCI_BASE_ADDRESS_0, 4))
		bus_write(&w->vm.mmio, at, take(in, len), len);
}

static void vector(struct input *in, struct world *w)
{
	uint64_t entry = TABLE + take(in, 1) % 4 * 16;
	uint8_t what = take(in, 1);

	put_reg(w, entry, 0xfee00000, 8);
	put_reg(w, entry + 8, what, 4);
	put_reg(w, entry + 12, what & 1, 4);
	bus_write(&w->vm.mmio, ECAM + DEVFN * 4096 + 0x42,
		  what & 2 ? PCI_MSIX_FLAGS_ENABLE : 0, 2);
}

static void from_outside(struct input *in, struct world *w)
{
	char buf[256];
	size_t n = MIN(in->len, take(in, 1));

	if (write(w->peer[0], in->at, MIN(n, in->len)) < 0)
		return;
	while (read(w->peer[0], buf, sizeof(buf)) > 0)
		;
}

static void step(struct input *in, struct world *w)
{
	uint8_t what = take(in, 1);
	struct fake_msg msg;

	switch (what % 12) {
	case 0:
		any_register(in, w);
		break;
	case 1:
		any_config(in, w);
		break;
	case 2:
		good_start(w, what & 0x80 ? UINT32_MAX : take(in, 4));
		break;
	case 3:
	case 4:
		descriptor(in, w);
		break;
	case 5:
		good_chain(in, w);
		break;
	case 6:
	case 7:
		available(in, w);
		break;
	case 8:
		vector(in, w);
		break;
	case 9:
		if (w->vm.balloon)
			w->vm.balloon->ask(w->vm.balloon);
		from_outside(in, w);
		break;
	case 10:
		if (fake_interrupt(&msg) && msg.pin)
			fake_ack(msg.gsi);
		break;
	case 11:
		if (what & 0x80)
			devices_reset(&w->vm);
		else
			fake_fail_nth(1 + what / 12, 0);
		return;
	}
	run_loop(w);
	MUST(!fake_violations());
}

/* ---- one life ------------------------------------------------------------- */

static bool machine(struct world *w)
{
	if (fake_vm_create(&w->vm, &w->cfg, RAM) < 0)
		return false;
	MUST(!loop_create(&w->vm.loop));
	MUST(!loop_add(&w->vm.loop, w->turns_fd, turn, w));
	MUST(!pci_host_create(&w->vm, &layout, &w->host));
	return !virtio_create_all(&w->vm, w->host) &&
	       !pci_host_assign(w->host) && !devices_run(&w->vm);
}

static void drive(struct input *in, struct world *w)
{
	unsigned int n;

	w->bar = bus_read(&w->vm.mmio, ECAM + DEVFN * 4096 +
			  PCI_BASE_ADDRESS_0, 4) & ~15ULL;
	bus_write(&w->vm.mmio, ECAM + DEVFN * 4096 + PCI_COMMAND,
		  PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	for (n = 0; n < STEPS && in->len; n++)
		step(in, w);
	fake_fail_nth(0, 0);
	/* It can always be used again. */
	good_start(w, UINT32_MAX);
	MUST(!fake_violations());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = { data, size };

	memset(&w, 0, sizeof(w));
	w.image = memfd_create("image", MFD_CLOEXEC);
	MUST(!ftruncate(w.image, IMAGE));
	MUST(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
			 SOCK_NONBLOCK, 0,
			 w.peer));
	w.turns_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fake_begin();
	choose(&w, take(&in, 1));
	if (machine(&w))
		drive(&in, &w);
	devices_destroy(&w.vm);
	loop_destroy(&w.vm.loop);
	fake_vm_destroy(&w.vm);
	MUST(!fake_check());
	fake_end();
	close(w.turns_fd);
	close(w.image);
	close(w.peer[0]);
	close(w.peer[1]);
	return 0;
}
