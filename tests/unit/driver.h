/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A little driver of virtio devices, on the guest's side of a machine over the
 * fake kernel: it finds a device's structures by its capabilities, lays rings
 * into RAM, and says what it likes in them.
 */
#ifndef TESTS_UNIT_DRIVER_H
#define TESTS_UNIT_DRIVER_H

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "devices/pci/pci.h"
#include "devices/virtio/create.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define GUEST_RAM (16 * MiB)
#define DRIVER_QUEUES 10
#define SLOT(n) ((n) << 3)

extern struct config guest_cfg;
extern struct vm guest_vm;
extern struct pci_host *guest_host;

/* A queue as the driver has it. */
struct ring {
	unsigned int index, size;
	uint64_t desc_gpa, avail_gpa, used_gpa;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	unsigned int free;	/* next descriptor to use, they go round */
	uint16_t seen;		/* of the used ring */
};

/* The device that is driven. */
struct driven {
	unsigned int devfn;
	uint64_t bar, common, isr, config, notify;
	uint32_t notify_step;
	uint64_t table;		/* MSI-X; 0: the pin is used */
	unsigned int nr;
	struct ring rings[DRIVER_QUEUES];
};

extern struct driven dev;

/*
 * guest_begin - a machine without devices. guest_add - an option. guest_boot -
 * the devices for them, with addresses; the first is in slot 1, and driven.
 * guest_end - take all down; a leak fails the test.
 */
void guest_begin(void);
void guest_add(const char *option, const char *value);
void guest_boot(void);
void guest_end(void);

/* Config space of a function, by ECAM. */
uint32_t cfg_get(unsigned int devfn, unsigned int off, unsigned int len);
void cfg_put(unsigned int devfn, unsigned int off, uint32_t val,
	 unsigned int len);
/* A register of the common configuration. */
uint64_t reg(unsigned int off, unsigned int len);
void set_reg(unsigned int off, uint64_t val, unsigned int len);
uint8_t status(void);

/* drive - find the structures of the device in @slot, and turn it on. */
void drive(unsigned int slot);
/* use_msix - before ready(): a vector for each queue, the config's the last. */
void use_msix(void);
/*
 * ready - reset it, accept @features of what it offers (and VERSION_1), set up
 * its queues, say that the driver is ready.
 */
void ready(uint64_t features);
/* try_ready - the same, where the device may be broken then: its status. */
uint8_t try_ready(uint64_t features);
/* unready - reset it. */
void unready(void);
void setup_queue(struct ring *r);

/* ram - @len bytes of guest memory, aligned to 4 KiB, zeroed; its address. */
uint64_t ram(size_t len);
void *at(uint64_t gpa);

/* A buffer of a chain. */
struct buffer {
	uint64_t gpa;
	uint32_t len;
	bool in;		/* the device writes it */
};

/*
 * offer - make a chain of these available; returns its head. kick - notify.
 * collect - whether a chain has come back; its head and length.
 */
unsigned int offer(struct ring *r, const struct buffer *b, unsigned int nr);
unsigned int offer_indirect(struct ring *r, const struct buffer *b,
			    unsigned int nr);
void make_available(struct ring *r, unsigned int head);
void kick(struct ring *r);
bool collect(struct ring *r, unsigned int *head, unsigned int *len);
/* wait_used - let the loop run until one has, for some seconds at most. */
unsigned int wait_used(struct ring *r, unsigned int *len);

/* run - let the loop run for a while. */
void run(unsigned int ms);

#endif
