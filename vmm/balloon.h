/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A balloon in the guest, as far as the core is concerned: how much of the
 * guest's RAM is to be in it, and what the guest tells of its memory. The device
 * that is one fills this in, from any thread; its functions are for the main one.
 */
#ifndef VMM_BALLOON_H
#define VMM_BALLOON_H

#include <stdint.h>

#define BALLOON_FIGURES 10

struct balloon {
	uint64_t target;	/* bytes; change it by resize() */
	uint64_t size;		/* bytes that are in it, as the guest says */
	uint64_t discarded;	/* bytes given back to the host so far */
	/* As VIRTIO 1.2 section 5.5.6.4 numbers them; UINT64_MAX: not told. */
	uint64_t figures[BALLOON_FIGURES];
	void (*resize)(struct balloon *balloon, uint64_t bytes);
	/* Have the guest tell figures anew, when it gets to it. */
	void (*ask)(struct balloon *balloon);
};

#endif
