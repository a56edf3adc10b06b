/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks for huge pages in usable places and makes guest RAM of them; see
 * frags.h. Linux: Documentation/admin-guide/mm/hugetlbpage.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "vmm/frags.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define POOL "/sys/kernel/mm/hugepages/hugepages-%llukB/%s"
#define ROUNDS_MAX 32
#define BELOW (4 * GiB)
#define LOOK_MAX 8	/* times as much as is needed, to find such */

struct page {
	uint64_t pa;
	uint64_t off;		/* in the file */
	void *hva;
	bool usable;
	bool chosen;
};

/* Pages that follow each other in the host's memory. */
struct run {
	size_t first;		/* of the pages, which are sorted */
	size_t nr;
	bool taken;
};

/* What is under way, all of it gone afterwards but the file. */
struct hunt {
	struct vm *vm;
	const struct frags_wish *wish;
	int fd;
	uint64_t page;		/* bytes */
	struct page *pages;
	size_t nr;
	struct run *runs;
	size_t nr_runs;
	struct {
		void *hva;
		uint64_t size;
	} chunks[ROUNDS_MAX];
	unsigned int rounds;
};

/* ---- the host's pool ---------------------------------------------------- */

static uint64_t pool_number(const struct hunt *h, const char *name)
{
	char path[96], text[24] = "";
	int fd;

	snprintf(path, sizeof(path), POOL, (unsigned long long)(h->page / KiB),
		 name);
	fd = sys_open(path, O_RDONLY, 0);
	if (fd < 0)
		return 0;
	if (sys_read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	sys_close(fd);
	return strtoull(text, NULL, 10);
}

/* Pages that nobody has, nor has been promised. */
static uint64_t pool_free(const struct hunt *h)
{
	uint64_t all = pool_number(h, "free_hugepages");
	uint64_t promised = pool_number(h, "resv_hugepages");

	return all > promised ? all - promised : 0;
}

/* @more pages than there are would do. */
static int hint_more(const struct hunt *h, uint64_t more)
{
	char path[96];

	snprintf(path, sizeof(path), POOL, (unsigned long long)(h->page / KiB),
		 "nr_hugepages");
	log_hint("echo %llu > %s, or hugepages=%llu on the host's kernel command line",
		 (unsigned long long)(pool_number(h, "nr_hugepages") + more),
		 path,
		 (unsigned long long)(pool_number(h, "nr_hugepages") + more));
	return -ERANGE;
}

static int report_few(const struct hunt *h, uint64_t there)
{
	uint64_t need = h->wish->size / h->page;

	log_err("memory: %llu huge pages of %llu KiB are needed, the host has %llu free",
		(unsigned long long)need, (unsigned long long)(h->page / KiB),
		(unsigned long long)there);
	return hint_more(h, need - there);
}

/* ---- taking pages ------------------------------------------------------- */

static int map_chunk(struct hunt *h, uint64_t size, void **hva)
{
	uint64_t off = h->nr * h->page;
	struct mem_region chunk = { .size = size };
	int err;

	err = sys_ftruncate(h->fd, off + size);
	if (err >= 0)
		err = sys_mmap(hva, NULL, size, PROT_READ | PROT_WRITE,
			       MAP_SHARED, h->fd, off);
	if (err < 0) {
		log_err("memory: cannot get %llu MiB of huge pages: %s",
			(unsigned long long)(size / MiB), err_text(err));
		return err == -ENOMEM ? -ERANGE : err;
	}
	h->chunks[h->rounds].hva = chunk.hva = *hva;
	h->chunks[h->rounds++].size = size;
	return mem_prefault(&chunk);
}

static int take(struct hunt *h, size_t count)
{
	uint64_t size = count * h->page, *pa;
	struct page *pages;
	void *hva;
	size_t i;
	int err;

	err = map_chunk(h, size, &hva);
	if (err < 0)
		return err;
	pages = realloc(h->pages, (h->nr + count) * sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	h->pages = pages;
	pa = calloc(count, sizeof(*pa));
	err = pa ? h->wish->locate(h->vm, hva, size, h->page, pa) : -ENOMEM;
	for (i = 0; i < count && err >= 0; i++)
		pages[h->nr + i] = (struct page){
			.pa = pa[i],
			.off = (h->nr + i) * h->page,
			.hva = (char *)hva + i * h->page,
			.usable = h->wish->usable(h->vm, pa[i], h->page),
		};
	h->nr += err < 0 ? 0 : count;
	free(pa);
	return err;
}

/* Bytes in usable places below @limit. */
static uint64_t usable_below(const struct hunt *h, uint64_t limit)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (h->pages[i].usable && h->pages[i].pa < limit)
			bytes += h->page;
	return bytes;
}

static bool enough(const struct hunt *h)
{
	return usable_below(h, UINT64_MAX) >= h->wish->size &&
	       (usable_below(h, BELOW) >= MIN(h->wish->low, h->wish->size) ||
		h->nr * h->page >= LOOK_MAX * h->wish->size);
}

/*
 * First as many as are needed; then, as long as those don't do, as many again.
 * What is in a bad place is kept meanwhile, so as not to be given out anew.
 */
static int collect(struct hunt *h)
{
	uint64_t need = h->wish->size / h->page, left = pool_free(h);
	int err = h->wish->locate(h->vm, NULL, 0, h->page, NULL);

	if (err < 0)
		return err;
	if (left < need)
		return report_few(h, left);
	for (; left && h->rounds < ROUNDS_MAX && !enough(h);
	     left = pool_free(h)) {
		err = take(h, MIN(left, h->nr ? h->nr : need));
		if (err < 0)
			return err;
	}
	if (usable_below(h, UINT64_MAX) >= h->wish->size)
		return 0;
	log_err("memory: of %zu free huge pages of %llu KiB only %llu are where this guest "
		"can have RAM, %llu are needed",
		h->nr, (unsigned long long)(h->page / KiB),
		(unsigned long long)(usable_below(h, UINT64_MAX) / h->page),
		(unsigned long long)need);
	return hint_more(h, need - usable_below(h, UINT64_MAX) / h->page);
}

/* ---- choosing ----------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return x->pa < y->pa ? -1 : x->pa > y->pa;
}

/* Usable pages, side by side. */
static int find_runs(struct hunt *h)
{
	const struct page *p = h->pages;
	struct run *run = NULL;
	size_t i;

	qsort(h->pages, h->nr, sizeof(*h->pages), by_address);
	h->runs = calloc(h->nr, sizeof(*h->runs));
	if (!h->runs)
		return -ENOMEM;
	for (i = 0; i < h->nr; i++) {
		if (!p[i].usable)
			continue;
		if (!run || !p[i - 1].usable ||
		    p[i].pa != p[i - 1].pa + h->page) {
			run = &h->runs[h->nr_runs++];
			run->first = i;
		}
		run->nr++;
	}
	return 0;
}

/* The longest run that is not taken and begins below @limit, or NULL. */
static struct run *longest(const struct hunt *h, uint64_t limit)
{
	struct run *run, *found = NULL;

	for (run = h->runs; run < h->runs + h->nr_runs; run++)
		if (!run->taken && h->pages[run->first].pa < limit &&
		    (!found || run->nr > found->nr))
			found = run;
	return found;
}

/* Take of the longest runs below @limit until @want pages of @need are. */
static void choose(struct hunt *h, uint64_t limit, uint64_t *want,
		   uint64_t *need, unsigned int *pieces)
{
	struct run *run;
	uint64_t n, i;

	while (*want && *pieces && (run = longest(h, limit))) {
		run->taken = true;
		--*pieces;
		n = MIN(run->nr, *need);
		for (i = 0; i < n; i++)
			h->pages[run->first + i].chosen = true;
		*need -= n;
		*want -= MIN(n, *want);
	}
}

/* What is wanted below 4 GiB gets half of the pieces, if it must. */
static int choose_pages(struct hunt *h)
{
	uint64_t need = h->wish->size / h->page, all = need;
	uint64_t low = MIN(h->wish->low, h->wish->size) / h->page;
	unsigned int half = FRAGS_MAX / 2, pieces;
	int err = find_runs(h);

	if (err < 0)
		return err;
	choose(h, BELOW, &low, &need, &half);
	pieces = FRAGS_MAX / 2 + half;
	low = need;
	choose(h, UINT64_MAX, &low, &need, &pieces);
	if (!need)
		return 0;
	log_err("memory: the host's huge pages lie too far apart: the largest %d pieces "
		"hold %llu MiB of %llu",
		FRAGS_MAX, (unsigned long long)((all - need) * h->page / MiB),
		(unsigned long long)(h->wish->size / MiB));
	log_hint("hugepages=%llu on the host's kernel command line",
		 (unsigned long long)all);
	return -ERANGE;
}

/* ---- making RAM of them ------------------------------------------------- */

static int reserve(struct frags *f, const struct hunt *h, char **at)
{
	size_t size = h->wish->size + h->page;
	int err = sys_mmap(&f->base, NULL, size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (err < 0) {
		log_err("memory: cannot get %llu MiB of addresses: %s",
			(unsigned long long)(size / MiB), err_text(err));
		f->base = NULL;
		return err;
	}
	f->reserved = size;
	*at = (char *)ALIGN_UP((uintptr_t)f->base, h->page);
	return 0;
}

/* Chosen pages from @i on that follow each other in both. */
static size_t stretch(const struct hunt *h, size_t i)
{
	const struct page *p = h->pages + i;
	size_t n = 1;

	while (i + n < h->nr && p[n].chosen &&
	       p[n].pa == p[0].pa + n * h->page &&
	       p[n].off == p[0].off + n * h->page)
		n++;
	return n;
}

static void add(struct frags *f, uint64_t pa, void *hva, uint64_t size)
{
	struct mem_region *last = f->nr ? &f->regions[f->nr - 1] : NULL;

	if (last && last->gpa + last->size == pa) {
		last->size += size;
		return;
	}
	f->regions[f->nr++] = (struct mem_region){
		.name = "ram", .gpa = pa, .size = size, .hva = hva, .fd = -1,
		.flags = MEM_RAM | MEM_HUGETLB,
	};
}

static int build(struct frags *f, const struct hunt *h)
{
	const struct page *p = h->pages;
	char *at = NULL;
	void *va;
	size_t i, n;
	int err = reserve(f, h, &at);

	for (i = 0; i < h->nr && err >= 0; i += n) {
		n = p[i].chosen ? stretch(h, i) : 1;
		if (!p[i].chosen)
			continue;
		err = sys_mmap(&va, at, n * h->page, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_FIXED, h->fd, p[i].off);
		if (err < 0)
			log_err("memory: cannot map huge pages again: %s",
				err_text(err));
		else
			add(f, p[i].pa, at, n * h->page);
		at += n * h->page;
	}
	return err;
}

/* ---- from the beginning to the end -------------------------------------- */

static int begin(struct hunt *h)
{
	struct stat st;
	int err;

	h->fd = sys_memfd("guest-ram", MFD_CLOEXEC | MFD_HUGETLB);
	if (h->fd < 0) {
		log_err("memory: cannot create a memfd of huge pages: %s",
			err_text(h->fd));
		return h->fd;
	}
	err = sys_fstat(h->fd, &st);
	h->page = err < 0 ? 0 : st.st_blksize;
	if (err >= 0 && IS_ALIGNED(h->wish->size, h->page))
		return 0;
	if (err >= 0) {
		log_err("memory: not a multiple of the huge page size, %llu KiB",
			(unsigned long long)(h->page / KiB));
		err = -EDOM;
	}
	sys_close(h->fd);
	return err;
}

/* Pages that were not chosen go back to the host. */
static void end(struct hunt *h)
{
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (!h->pages[i].chosen)
			sys_madvise(h->pages[i].hva, h->page, MADV_REMOVE);
	while (h->rounds--)
		sys_munmap(h->chunks[h->rounds].hva,
			   h->chunks[h->rounds].size);
	free(h->runs);
	free(h->pages);
}

int frags_check(uint64_t size)
{
	const struct frags_wish wish = { .size = size };
	struct hunt hunt = { .wish = &wish };
	uint64_t left;
	int err = begin(&hunt);

	if (err < 0)
		return err;
	left = pool_free(&hunt);
	if (left < size / hunt.page)
		err = report_few(&hunt, left);
	sys_close(hunt.fd);
	return err;
}

/* Where a piece is refused, what was published before is left to be taken back. */
static int publish(struct frags *f, struct mem *mem)
{
	int err = 0;

	while (f->added < f->nr && err >= 0) {
		err = mem_add(mem, &f->regions[f->added]);
		if (err >= 0)
			f->added++;
	}
	return err;
}

int frags_create(struct frags *f, struct vm *vm, const struct frags_wish *wish)
{
	struct hunt hunt = { .vm = vm, .wish = wish };
	int err;

	memset(f, 0, sizeof(*f));
	err = begin(&hunt);
	if (err < 0)
		return err;
	f->fd = hunt.fd;
	f->there = true;
	err = collect(&hunt);
	if (err >= 0)
		err = choose_pages(&hunt);
	if (err >= 0)
		err = build(f, &hunt);
	end(&hunt);
	if (err >= 0)
		err = publish(f, &vm->mem);
	if (err < 0) {
		frags_destroy(f, vm);
		return err;
	}
	log_info("memory: %llu MiB in %u piece%s, from 0x%llx on",
		 (unsigned long long)(wish->size / MiB), f->nr,
		 f->nr == 1 ? "" : "s", (unsigned long long)f->regions[0].gpa);
	return 0;
}

void frags_destroy(struct frags *f, struct vm *vm)
{
	if (!f->there)
		return;
	while (f->added)
		mem_del(&vm->mem, &f->regions[--f->added]);
	if (f->base)
		sys_munmap(f->base, f->reserved);
	sys_close(f->fd);
	f->there = false;
	f->base = NULL;
	f->nr = 0;
}

uint64_t frags_end(const struct frags *f)
{
	const struct mem_region *last;

	if (!f->nr)
		return 0;
	last = &f->regions[f->nr - 1];
	return last->gpa + last->size;
}
