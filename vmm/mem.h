/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Guest-physical memory: what lies where, and who must be told.
 *
 * A region is offered to every listener, or to none: KVM's memory slots are
 * the first listener, the DMA space of assigned devices the second, and
 * neither knows the other. RAM regions are added before the first vCPU runs;
 * regions of MEM_DEVICE (mmapped BARs) come and go while the guest runs.
 */
#ifndef VMM_MEM_H
#define VMM_MEM_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a region is made of: one of MEM_RAM and MEM_DEVICE. */
#define MEM_RAM		1U	/* guest RAM: reachable by mem_at(), DMA */
#define MEM_DEVICE	2U	/* a device's own memory, mmapped */
#define MEM_READONLY	4U	/* writes leave for the bus */
#define MEM_HUGETLB	8U	/* backed by hugetlb pages */
#define MEM_NO_DMA	16U	/* no device may be told of it */

/* The caller owns the struct; it must stay until mem_del(). */
struct mem_region {
	const char *name;	/* for messages and traces */
	uint64_t gpa;		/* page aligned */
	uint64_t size;		/* bytes, page aligned, not 0 */
	void *hva;
	/*
	 * The file behind hva, or -1; of MEM_DEVICE a dma-buf of just this
	 * region, where there is one.
	 */
	int fd;
	uint64_t fd_offset;	/* of hva in fd */
	unsigned int flags;
	int slot;		/* KVM's, kept by the slot listener */
	unsigned int dma;	/* DMA spaces that have it, as bits of theirs */
	struct mem_region *next; /* sorted by gpa */
	struct mem_region *next_ram; /* likewise, of RAM only */
};

/*
 * A listener's add is told of a region before it is published and may refuse
 * with -errno; del is told after. Both are called with the mem lock held.
 */
struct mem_listener {
	const char *name;
	int (*add)(struct mem_listener *listener, struct mem_region *region);
	void (*del)(struct mem_listener *listener, struct mem_region *region);
	struct mem_listener *next;	/* in order of arrival */
};

struct mem {
	pthread_mutex_t lock;
	struct mem_region *regions;
	struct mem_region *ram;	/* fixed once vCPUs run: read without lock */
	struct mem_listener *listeners;
	bool kept;		/* mem_discard() has said so */
	/* RAM made by mem_ram_create() */
	int ram_fd;
	void *ram_hva;		/* 1 GiB aligned */
	void *ram_base;		/* of the reservation around it */
	size_t ram_reserved;
};

void mem_create(struct mem *mem);
/* mem_destroy - all regions deleted and listeners gone before. */
void mem_destroy(struct mem *mem);

/*
 * mem_add - publish @region. -EINVAL: empty, unaligned or wrapping; -EEXIST:
 * overlaps another; else the first listener's refusal, those before it having
 * been told del. On failure nothing has changed.
 */
int mem_add(struct mem *mem, struct mem_region *region);
void mem_del(struct mem *mem, struct mem_region *region);

/*
 * mem_listen - join; existing regions are replayed in address order. On a
 * refusal those already offered are taken back and the number is returned.
 */
int mem_listen(struct mem *mem, struct mem_listener *listener);
/* mem_unlisten - leave; del is called for each region, last first. */
void mem_unlisten(struct mem *mem, struct mem_listener *listener);

/*
 * mem_at - the host address of @len bytes of guest RAM from @gpa, or NULL
 * unless all of it lies in one RAM region. The only way from a guest address
 * to a pointer. Valid while the VM is: RAM regions are never deleted while
 * vCPUs or device threads run. Takes no lock: RAM is published before them.
 */
void *mem_at(const struct mem *mem, uint64_t gpa, size_t len);

/*
 * mem_discard - give what lies in @len bytes of RAM at @at, which mem_at() has
 * returned, back to the host, in whole pages of it; from then on they read as
 * zeros. Nothing is done, and that is said once, to RAM that a device can reach
 * by DMA now, or that is in huge pages. Returns whether it was done. Any thread.
 */
bool mem_discard(struct mem *mem, void *at, size_t len);

/* mem_overlaps - the first region that shares an address, or NULL. */
const struct mem_region *mem_overlaps(const struct mem *mem, uint64_t gpa,
				      uint64_t size);

/*
 * mem_check_size - whether guest RAM can be of @size bytes: whole pages, no
 * more than the host has, and at most @limit, what the processor can address.
 * -EDOM or -ERANGE. Prints its errors.
 */
int mem_check_size(uint64_t size, uint64_t limit);

/*
 * mem_ram_create - one memfd of @size bytes (hugetlb pages if @hugepages)
 * and its mapping, aligned to 1 GiB so that an offset and its guest-physical
 * address agree modulo every page size; guard pages around it. Without
 * @hugepages, transparent huge pages are advised. Prints its errors.
 */
int mem_ram_create(struct mem *mem, uint64_t size, bool hugepages);
void mem_ram_destroy(struct mem *mem);

/*
 * mem_prefault - have the host allocate all pages of @region now, in
 * parallel, with progress on a terminal. -ENOMEM where the host lacks memory
 * (hugetlb pages run out). Prints its errors.
 */
int mem_prefault(const struct mem_region *region);

#endif
