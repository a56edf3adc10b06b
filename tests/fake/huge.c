/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Huge pages, where they are in the host's memory, and who may know: the
 * pool, hugetlb memfds, and /proc/self/pagemap. Linux:
 * Documentation/admin-guide/mm/hugetlbpage.rst and pagemap.rst.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/fake/fake_priv.h"

#define POPULATE_WRITE 23
#define PM_PRESENT BIT(63)
#define MOVED GiB		/* where a page is once it has moved */
#define ENDLESS (16 * MiB)	/* where pages are with no pool given */

struct huge_page {
	bool reserved;
	bool there;
	bool moved;
	uint64_t pa;
};

void fake_huge_pages(const uint64_t *pa, unsigned int nr)
{
	if (nr > ARRAY_SIZE(world->huge))
		abort();
	world->huge_set = true;
	world->nr_huge = nr;
	memset(world->huge_taken, 0, sizeof(world->huge_taken));
	if (nr)
		memcpy(world->huge, pa, nr * sizeof(*pa));
}

unsigned int fake_huge_free(void)
{
	unsigned int i, n = 0;

	for (i = 0; world->huge_set && i < world->nr_huge; i++)
		n += !world->huge_taken[i];
	return n;
}

void huge_sysfs(void (*put)(const char *path, const char *text))
{
	static const char dir[] = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
	const struct {
		const char *name;
		unsigned int value;
	} files[] = {
		{ "nr_hugepages", world->nr_huge },
		{ "free_hugepages", fake_huge_free() },
		{ "resv_hugepages", world->huge_reserved },
	};
	char path[128], text[16];
	unsigned int i;

	for (i = 0; world->huge_set && i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, files[i].name);
		snprintf(text, sizeof(text), "%u\n", files[i].value);
		put(path, text);
	}
}

/* ---- the pool ----------------------------------------------------------- */

static bool take(struct huge_page *page)
{
	unsigned int i;

	if (!world->huge_set) {
		page->pa = ENDLESS + world->nr_huge++ * HUGE;
		page->there = true;
		return true;
	}
	for (i = 0; i < world->nr_huge && world->huge_taken[i]; i++)
		;
	if (i == world->nr_huge)
		return false;
	world->huge_taken[i] = true;
	page->pa = world->huge[i];
	page->there = true;
	return true;
}

/* Nothing may still write to it: it is somebody else's next. */
static void check_quiet(void)
{
	const struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->noiommu && pci->open &&
		    fake_cfg_get16(pci, PCI_COMMAND) & PCI_COMMAND_MASTER)
			violation("a huge page is given back while %s masters the bus",
				  pci->addr);
}

static void give(struct huge_page *page)
{
	unsigned int i;

	if (page->there) {
		check_quiet();
		for (i = 0; world->huge_set && i < world->nr_huge; i++)
			if (world->huge[i] == page->pa)
				world->huge_taken[i] = false;
	} else if (page->reserved) {
		world->huge_reserved--;
	}
	memset(page, 0, sizeof(*page));
}

/* ---- files -------------------------------------------------------------- */

static struct huge_page *page_of(struct file *file, uint64_t off)
{
	unsigned int n = off / HUGE;

	if (n >= file->nr_pages) {
		file->pages = realloc(file->pages,
				      (n + 1) * sizeof(*file->pages));
		if (!file->pages)
			abort();
		memset(file->pages + file->nr_pages, 0,
		       (n + 1 - file->nr_pages) * sizeof(*file->pages));
		file->nr_pages = n + 1;
	}
	return &file->pages[n];
}

void huge_release(struct file *file)
{
	unsigned int i;

	for (i = 0; i < file->nr_pages; i++)
		give(&file->pages[i]);
	free(file->pages);
}

/* A mapping has all its pages set aside for it, or is refused. */
int huge_map(struct file *file, uint64_t off, uint64_t len)
{
	struct huge_page *page;
	uint64_t at, want = 0;

	if (!file || !file->hugetlb)
		return 0;
	if (!IS_ALIGNED(off | len, HUGE))
		return -EINVAL;
	for (at = off; at < off + len; at += HUGE)
		want += !page_of(file, at)->reserved;
	if (world->huge_set &&
	    want + world->huge_reserved > fake_huge_free())
		return -ENOMEM;
	for (at = off; at < off + len; at += HUGE) {
		page = page_of(file, at);
		if (!page->reserved)
			world->huge_reserved++;
		page->reserved = true;
		page->moved |= page->there && world->host.huge_moves;
	}
	return 0;
}

static struct huge_page *page_at(uintptr_t va)
{
	const struct mapping *m = mm_find(va);

	return m && m->file && m->file->hugetlb ?
		page_of(m->file, m->offset + (va - m->start)) : NULL;
}

/* 1: not about huge pages, or nothing that the fake does. */
int huge_advise(uintptr_t at, uint64_t len, int advice)
{
	struct huge_page *page;
	uintptr_t end = at + len;

	for (; at < end; at += HUGE) {
		page = page_at(at);
		if (!page)
			return 1;
		if (advice == MADV_REMOVE) {
			give(page);
		} else if (advice == POPULATE_WRITE && !page->there) {
			if (!take(page))
				return -EFAULT;
			if (page->reserved)
				world->huge_reserved--;
		}
	}
	return 0;
}

bool huge_phys(uintptr_t va, uint64_t *pa)
{
	const struct huge_page *page = page_at(va);
	const struct mapping *m = mm_find(va);

	if (!page || !page->there)
		return false;
	*pa = (page->pa ^ (page->moved ? MOVED : 0)) +
		(m->offset + (va - m->start)) % HUGE;
	return true;
}

uint64_t fake_phys(const void *at)
{
	uint64_t pa;

	return huge_phys((uintptr_t)at, &pa) ? pa : 0;
}

/* ---- pagemap ------------------------------------------------------------ */

int pagemap_open(void)
{
	return file_new(KIND_PAGEMAP, "/proc/self/pagemap", NULL, -1);
}

ssize_t pagemap_read(uint64_t *entries, size_t len, uint64_t off)
{
	size_t i;
	uint64_t pa;

	if (!IS_ALIGNED(off | len, sizeof(*entries)))
		return -EINVAL;
	for (i = 0; i < len / sizeof(*entries); i++) {
		entries[i] = 0;
		if (huge_phys((off / sizeof(*entries) + i) * PAGE, &pa))
			entries[i] = PM_PRESENT |
				(world->host.cap_sys_admin ? pa / PAGE : 0);
	}
	return len;
}
