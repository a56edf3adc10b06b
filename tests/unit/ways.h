/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ways to a DMA space, by what the host's kernel has and which backend is
 * asked for, and a machine with two devices to try each.
 */
#ifndef TESTS_UNIT_WAYS_H
#define TESTS_UNIT_WAYS_H

#include <stdbool.h>

#include "iommu/iommu.h"
#include "vmm/util.h"

#define DEV "0000:01:00.0"
#define DEV2 "0000:02:00.0"
#define RAM (4 * MiB)

enum path { LEGACY, COMPAT, INSTEAD, CDEV, BY_GROUP };

/* What the host has, and what is called how. */
struct words {
	enum path path;
	enum iommu_choice choice;
	const char *map;
	const char *whole_map;
	const char *unmap;
	const char *open;	/* of the device's or its group's node */
	const char *use;	/* what the device fd comes from */
	bool by_process;	/* how locked memory counts, without privilege */
};

extern const struct words legacy;
extern const struct words compat;	/* iommufd owns /dev/vfio/vfio */
extern const struct words instead;	/* no such; /dev/iommu serves as it */
extern const struct words iommufd;
extern const struct words by_group;	/* devices have no nodes */

extern const struct words *way;	/* of the test that runs; NULL: a host of all */
extern struct vm vm;
extern struct config cfg;

/* All of them, ended by NULL. */
extern const struct words *const ways[];
/* way_name - of @w, in words for test_note(). */
const char *way_name(const struct words *w);

/* host_as - change the host to have what @w takes. */
void host_as(const struct words *w);
/* build - the host as @way has it, and the devices. start - and a machine.
 * stop - take all down; a leak fails the test. */
void build(void);
void start(void);
void stop(void);
/*
 * run_two - for fake_sweep(): the life of a machine with both devices attached,
 * from beginning to end, by @way. 0 or -errno.
 */
int run_two(void);
/*
 * way_survives - for fake_sweep(): whether the program may do without the call
 * in @line.
 */
bool way_survives(const char *line);
/* host_pages - memory for a region; the caller unmaps it. */
void *host_pages(size_t size);

#define RUN(prefix, name) \
	TEST(prefix##_##name) { way = &prefix; name(&prefix); }
/* A test for every way, of a function that is given it. */
#define ALL(name) \
	RUN(legacy, name) RUN(compat, name) RUN(instead, name) \
	RUN(iommufd, name) RUN(by_group, name)

#endif
