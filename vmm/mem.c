/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions and their listeners; see mem.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/log.h"
#include "vmm/mem.h"
#include "vmm/sys.h"
#include "vmm/util.h"

void mem_create(struct mem *mem)
{
	memset(mem, 0, sizeof(*mem));
	pthread_mutex_init(&mem->lock, NULL);
	mem->ram_fd = -1;
}

void mem_destroy(struct mem *mem)
{
	pthread_mutex_destroy(&mem->lock);
}

static void trace_region(const char *what, const char *who,
			 const struct mem_region *r, int err)
{
	trace(TRACE_MEM, "%s %s %s gpa=0x%llx size=0x%llx -> %d", who, what,
	      r->name, (unsigned long long)r->gpa,
	      (unsigned long long)r->size, err);
}

/* Offer @region to each listener; if one refuses, those before are told. */
static int tell_add(struct mem *mem, struct mem_region *region)
{
	struct mem_listener *l, *undo;
	int err;

	for (l = mem->listeners; l; l = l->next) {
		err = l->add(l, region);
		trace_region("add", l->name, region, err);
		if (err < 0)
			goto refused;
	}
	return 0;

refused:
	for (undo = mem->listeners; undo != l; undo = undo->next)
		undo->del(undo, region);
	return err;
}

static void tell_del(struct mem *mem, struct mem_region *region)
{
	struct mem_listener *l;

	for (l = mem->listeners; l; l = l->next) {
		l->del(l, region);
		trace_region("del", l->name, region, 0);
	}
}

const struct mem_region *mem_overlaps(const struct mem *mem, uint64_t gpa,
				      uint64_t size)
{
	const struct mem_region *r;

	for (r = mem->regions; r; r = r->next)
		if (ranges_overlap(r->gpa, r->size, gpa, size))
			return r;
	return NULL;
}

static void insert(struct mem *mem, struct mem_region *region)
{
	struct mem_region **at = &mem->regions;

	while (*at && (*at)->gpa < region->gpa)
		at = &(*at)->next;
	region->next = *at;
	*at = region;
	if (!(region->flags & MEM_RAM))
		return;
	at = &mem->ram;
	while (*at && (*at)->gpa < region->gpa)
		at = &(*at)->next_ram;
	region->next_ram = *at;
	*at = region;
}

static bool unlink_region(struct mem *mem, struct mem_region *region)
{
	struct mem_region **at = &mem->regions;

	while (*at && *at != region)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = region->next;
	for (at = &mem->ram; *at; at = &(*at)->next_ram) {
		if (*at == region) {
			*at = region->next_ram;
			break;
		}
	}
	return true;
}

static int mem_add_locked(struct mem *mem, struct mem_region *region)
{
	int err;

	if (mem_overlaps(mem, region->gpa, region->size))
		return -EEXIST;
	err = tell_add(mem, region);
	if (err < 0)
		return err;
	insert(mem, region);
	return 0;
}

int mem_add(struct mem *mem, struct mem_region *region)
{
	uint64_t page = sys_page_size();
	int err;

	if (!range_ok(region->gpa, region->size) ||
	    !IS_ALIGNED(region->gpa, page) || !IS_ALIGNED(region->size, page))
		return -EINVAL;
	region->slot = -1;
	region->dma = 0;
	pthread_mutex_lock(&mem->lock);
	err = mem_add_locked(mem, region);
	pthread_mutex_unlock(&mem->lock);
	return err;
}

void mem_del(struct mem *mem, struct mem_region *region)
{
	pthread_mutex_lock(&mem->lock);
	if (unlink_region(mem, region))
		tell_del(mem, region);
	pthread_mutex_unlock(&mem->lock);
}

/* Last first, so that a listener sees the exact reverse of its replay. */
static void del_all_until(struct mem_listener *l, struct mem_region *r,
			  const struct mem_region *end)
{
	if (!r || r == end)
		return;
	del_all_until(l, r->next, end);
	l->del(l, r);
	trace_region("del", l->name, r, 0);
}

static int replay(struct mem *mem, struct mem_listener *l)
{
	struct mem_region *r;
	int err;

	for (r = mem->regions; r; r = r->next) {
		err = l->add(l, r);
		trace_region("add", l->name, r, err);
		if (err < 0) {
			del_all_until(l, mem->regions, r);
			return err;
		}
	}
	return 0;
}

int mem_listen(struct mem *mem, struct mem_listener *listener)
{
	struct mem_listener **at = &mem->listeners;
	int err;

	pthread_mutex_lock(&mem->lock);
	err = replay(mem, listener);
	if (!err) {
		while (*at)
			at = &(*at)->next;
		listener->next = NULL;
		*at = listener;
	}
	pthread_mutex_unlock(&mem->lock);
	return err;
}

void mem_unlisten(struct mem *mem, struct mem_listener *listener)
{
	struct mem_listener **at = &mem->listeners;

	pthread_mutex_lock(&mem->lock);
	while (*at && *at != listener)
		at = &(*at)->next;
	if (*at) {
		*at = listener->next;
		del_all_until(listener, mem->regions, NULL);
	}
	pthread_mutex_unlock(&mem->lock);
}

void *mem_at(const struct mem *mem, uint64_t gpa, size_t len)
{
	const struct mem_region *r;

	for (r = mem->ram; r && r->gpa <= gpa; r = r->next_ram)
		if (range_contains(r->gpa, r->size, gpa, len))
			return (char *)r->hva + (gpa - r->gpa);
	return NULL;
}

/*
 * A device would go on with the pages that it had pinned. The lock keeps one
 * from being attached meanwhile.
 */
static bool may_discard(struct mem *mem, uintptr_t at, size_t len)
{
	const struct mem_region *r = mem->ram;

	while (r && !range_contains((uintptr_t)r->hva, r->size, at, len))
		r = r->next_ram;
	if (!r)
		return false;
	if (!r->dma && !(r->flags & MEM_HUGETLB))
		return true;
	if (!mem->kept)
		log_warn("memory: what the guest gives back stays with it: %s",
			 r->dma ? "a device can reach it by DMA" :
			 "it is in huge pages");
	mem->kept = true;
	return false;
}

bool mem_discard(struct mem *mem, void *at, size_t len)
{
	uint64_t page = sys_page_size();
	uintptr_t from = ALIGN_UP((uintptr_t)at, page);
	uintptr_t to = ALIGN_DOWN((uintptr_t)at + len, page);
	bool done;

	if (from >= to)
		return false;
	pthread_mutex_lock(&mem->lock);
	done = may_discard(mem, from, to - from) &&
	       sys_madvise((void *)from, to - from, MADV_REMOVE) >= 0;
	pthread_mutex_unlock(&mem->lock);
	return done;
}
