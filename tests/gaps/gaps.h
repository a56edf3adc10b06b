/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel answers to one and the same wish on each path by which a
 * device and memory can be brought together. A scenario is a function that
 * tries one thing in a fresh process, with a device that nobody has yet; main.c
 * runs every scenario on every path that this host has, and prints a line for
 * each.
 *
 * A function that calls the kernel returns what the call did, or -errno, and
 * notes in the space the call's name if it failed.
 */
#ifndef TESTS_GAPS_GAPS_H
#define TESTS_GAPS_GAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define KIB 1024ULL
#define MIB (1024 * KIB)
#define PAGE (4 * KIB)
#define PATH 320

/* Where RAM goes in most scenarios, which every IOMMU of the bed can reach. */
#define IOVA (16 * MIB)
/* Messages of interrupts, on x86: no IOMMU maps memory there. */
#define IOVA_RESERVED 0xfee00000ULL
/* More than any IOMMU of the bed can translate. */
#define IOVA_BEYOND (1ULL << 62)

/* This path has no such call, so that there is nothing to try. */
#define NOT_HERE INT_MIN

/* What the devices of this host can be, as the boot has it. */
enum {
	SAFE = 1,	/* an IOMMU that isolates interrupts */
	UNSAFE = 2,	/* an IOMMU that does not */
	NONE = 4,	/* no IOMMU */
};

/* --- host.c: this host's nodes ----------------------------------------- */

enum owner { NOBODY, CONTAINER, IOMMUFD };

struct device {
	const char *addr;
	char group[PATH];	/* its group's node, or nothing */
	char cdev[PATH];	/* its own node, or nothing */
};

/* What answers at /dev/vfio/vfio. */
enum owner host_owner(void);
/* Binds the device to vfio-pci. */
int host_bind(const char *addr);
void host_find(struct device *dev, const char *addr);
/* A module's parameter; -ENOENT if this kernel has no such module. */
int host_set(const char *module, const char *parameter, const char *value);

/* --- space.c: the paths ------------------------------------------------ */

enum { EDU, SHM, DEVICES };

struct way {
	const char *name;
	const char *base;	/* the node of its container or iommufd */
	enum owner owner;	/* who must answer at /dev/vfio/vfio, if it matters */
	bool by_group;
};

struct space {
	const struct way *way;
	const struct device *devices;
	int base;		/* the container or iommufd */
	int node[DEVICES];	/* a device's group, or its own node */
	int fd[DEVICES];	/* the device itself */
	uint32_t devid[DEVICES];
	uint32_t ioas;		/* 0: not known yet */
	const char *call;	/* the last that failed */
	char text[192];		/* what came out, if it is no mere number */
};

/* legacy, compat, group and cdev; ended by one without a name. */
extern const struct way ways[];
bool way_here(const struct way *way, const struct device *dev);
void space_init(struct space *s, const struct way *way,
		const struct device *devices);

/* ioctl(), but for how it fails. */
int call(struct space *s, int fd, unsigned long request, void *arg,
	 const char *name);
#define CALL(s, fd, request, arg) call(s, fd, request, arg, #request)

/*
 * A space comes into being in four steps: its container or iommufd; a device
 * joins it; a kind of IOMMU is chosen, if the path has that; the device is
 * there, and what it does reaches memory. space_attach() is the last three.
 */
int space_open(struct space *s);
int space_join(struct space *s, int which);
int space_choose(struct space *s, int type);
int space_device(struct space *s, int which);
int space_attach(struct space *s, int which);
/* All of it for one device, or the scenario is broken. */
void space_ready(struct space *s, int which);

/* The number of the IOAS that is mapped into: there is one with iommufd only. */
int space_ioas(struct space *s, uint32_t *ioas);

enum { R = 1, W = 2, STRANGE = 1 << 30 };
int map(struct space *s, uint64_t iova, void *va, uint64_t size);
int map_as(struct space *s, uint64_t iova, void *va, uint64_t size, int flags);
int map_file(struct space *s, uint64_t iova, int file, uint64_t size);
/* How many bytes there were. */
int unmap(struct space *s, uint64_t iova, uint64_t size, uint64_t *done);
int unmap_all(struct space *s, uint64_t *done);

/* --- for scenarios ----------------------------------------------------- */

struct scenario {
	const char *name;
	const char *title;	/* what is tried */
	int sets;		/* where it makes sense */
	int (*try)(struct space *s);
};

struct section {
	const char *title;
	const struct scenario *scenarios;	/* ended by one without a name */
};

extern const struct scenario attach_scenarios[], map_scenarios[],
	unmap_scenarios[], bar_scenarios[], limit_scenarios[],
	dirty_scenarios[], reset_scenarios[], unsafe_scenarios[],
	noiommu_scenarios[];

/* What must work, or the scenario says nothing: ends it if result is bad. */
int must(struct space *s, int result);
/* The outcome is in these words. */
int __attribute__((format(printf, 2, 3))) say(struct space *s,
					      const char *format, ...);
/* The outcome says at which call it went wrong. */
int where(struct space *s, int result);
/* Fresh memory, there and written to. */
void *ram(uint64_t size);
/* Go on as a user without any privilege who may lock so much. */
void become_nobody(struct space *s, uint64_t lockable);

/* --- device.c: a device's registers ------------------------------------ */

/* Where a region is in the device's file, and how long. */
uint64_t device_region(struct space *s, int which, int region, uint64_t *size);
void *device_map(struct space *s, int which, int region, uint64_t *size);
/* Decoding of memory and mastering of the bus, as PCI's command register. */
void device_command(struct space *s, int which, bool memory, bool master);
/* A piece of a region as a dma-buf: its file, or -errno. */
int device_dmabuf(struct space *s, int which, int region, uint64_t size);
/* edu copies 256 bytes from one address to another, as it sees them. */
void edu_copy(struct space *s, uint64_t from, uint64_t to);

#endif
