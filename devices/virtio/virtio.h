/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A paravirtual device: what it is to its transport, the modern PCI one of
 * Virtual I/O Device (VIRTIO) 1.2 section 4.1, which knows nothing of its kind.
 *
 * A device embeds struct virtio, fills in what is said to be its own, and ends
 * its constructor with virtio_add().
 *
 * Locks: PCI's -> the transport's -> a queue's -> the device's own. The
 * transport's is held around start, stop and cfg_write; a queue's around serve.
 */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/virtio/ring.h"

struct vm;
struct pci_host;
struct virtio;
struct virtio_pci;

struct virtio_ops {
	/* Start its threads; the sandbox is closed. May be NULL. */
	int (*run)(struct virtio *v);
	/*
	 * The driver is ready, accepted[] is known and its queues are live.
	 * May be NULL. -errno breaks the device.
	 */
	int (*start)(struct virtio *v);
	/*
	 * The driver has reset the device: its queues are live no longer.
	 * When this returns, no thread touches guest memory on its behalf.
	 * May be NULL.
	 */
	void (*stop)(struct virtio *v);
	/*
	 * Do what can be done with @q, live and locked: the driver has made
	 * buffers available, or the device asked for it by virtio_serve().
	 * NULL where no queue has a loop.
	 */
	void (*serve)(struct virtio *v, struct virtq *q);
	/* A write inside cfg, not yet done. May be NULL: nothing is. */
	void (*cfg_write)(struct virtio *v, unsigned int off, uint64_t val,
			  unsigned int len);
	/* Its place on the bus is gone: end its threads, its queues, and it. */
	void (*destroy)(struct virtio *v);
};

struct virtio {
	/* The device's own, constant but for cfg. */
	const struct virtio_ops *ops;
	struct vm *vm;
	const char *name;	/* "rng", for messages */
	uint16_t type;		/* VIRTIO_ID_... */
	uint32_t class;		/* as in config space: base, sub, interface */
	uint64_t features;	/* offered beyond the rings' own */
	uint64_t lacks;		/* of these, not offered */
	unsigned int nr_queues;
	struct virtq *queues;	/* max filled in, and loop if not the VM's */
	void *cfg;		/* device configuration, as the driver sees it */
	unsigned int cfg_size;
	char *text;		/* virtio_parse()'s, or NULL */

	/* The transport's. */
	struct virtio_pci *pci;
	uint64_t accepted;	/* features, once started */
	_Atomic uint8_t status;	/* VIRTIO_CONFIG_S_... */
};

static inline bool virtio_has(const struct virtio *v, unsigned int feature)
{
	return v->accepted >> feature & 1;
}

/*
 * virtqs_create - @nr queues of @max descriptors each for @v, whose vm is
 * filled in, to be served on the VM's loop. virtqs_destroy - what it made, or
 * nothing; v->text, too.
 */
int virtqs_create(struct virtio *v, unsigned int nr, uint16_t max);
void virtqs_destroy(struct virtio *v);

/*
 * virtio_add - put @v on the bus of @host and publish it. Prints its errors. On
 * failure @v is the caller's still.
 */
int virtio_add(struct virtio *v, struct pci_host *host);

/*
 * virtq_watch, virtq_unwatch - for a device that has @q's notifications go
 * elsewhere for a time: on its loop again (-errno), or off.
 */
int virtq_watch(struct virtq *q);
void virtq_unwatch(struct virtq *q);

/* virtio_serve - serve @q if it is live. On the thread of its loop. */
void virtio_serve(struct virtq *q);
/*
 * virtio_broken - the driver has done what makes no sense, or the device is of no
 * more use, in the words of @what: it needs a reset. Any thread.
 */
void virtio_broken(struct virtio *v, const char *what);
/* virtio_interrupt - tell the driver of @q's used ring. Any thread. */
void virtio_interrupt(struct virtq *q);
/* virtio_cfg_changed - cfg has: tell the driver. Any thread. */
void virtio_cfg_changed(struct virtio *v);
/*
 * A key that may stand behind a comma in an option's value: NAME alone, which
 * sets a bool (@max is 0); NAME=N, 1 to @max, an unsigned int; or NAME=TEXT, a
 * const char * (@max is VIRTIO_TEXT). They are in the struct of a device that
 * begins with its struct virtio. A table of them ends with VIRTIO_KEYS_END.
 */
struct virtio_key {
	char name[8];
	uint16_t at, max;
};

#define VIRTIO_TEXT UINT16_MAX
#define VIRTIO_FLAG(type, name) { #name, offsetof(type, name), 0 }
#define VIRTIO_KEYS_END { "", 0, 0 }

/*
 * virtio_parse - cut @spec, the value of the option that has @v's name, into
 * v->text, which is left with what is before the first comma, and @keys. Prints
 * what is wrong: -EDOM.
 */
int virtio_parse(struct virtio *v, const char *spec,
		 const struct virtio_key *keys);
/* virtio_wrong - print @what is wrong with @spec, and return -EDOM. */
int virtio_wrong(const struct virtio *v, const char *spec, const char *what);

/*
 * virtio_option - whether @text is, or begins with, @key: of "key=value" the
 * value is returned, of "key" alone an empty text; NULL: it is another.
 */
const char *virtio_option(const char *text, const char *key);

/*
 * virtio_mac_parse - make *@mac the address that is written in @text: whether it
 * is one. virtio_mac_random - some that no factory has given away.
 */
#define VIRTIO_MAC 6
#define VIRTIO_MAC_WRONG "mac: six bytes, of one station: 02:00:00:00:00:01"
bool virtio_mac_parse(uint8_t *mac, const char *text);
int virtio_mac_random(uint8_t *mac);

/*
 * virtio_call_fd - the eventfd that interrupts for @q, for the kernel to
 * signal; -1: none such. From start until stop.
 */
int virtio_call_fd(const struct virtq *q);

#endif
