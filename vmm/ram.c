/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory behind guest RAM: one memfd, mapped once, so that iommufd can
 * map it by file and helper processes can share it. And its prefault, which
 * pinning for DMA would otherwise do page by page in one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/mem.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define RAM_ALIGN GiB		/* the largest page an IOMMU maps at once */
#define RAM_GUARD (64 * KiB)	/* the largest base page of any host */

/* MADV_POPULATE_WRITE of Linux 5.14, which older C libraries do not name. */
#define POPULATE_WRITE 23

static int report_no_memory(uint64_t size, uint64_t page, int err)
{
	log_err("memory: cannot get %llu MiB: %s",
		(unsigned long long)(size / MiB), err_text(err));
	if (page)
		log_hint("echo %llu > /proc/sys/vm/nr_hugepages",
			 (unsigned long long)(size / page));
	return err == -ENOMEM ? -ERANGE : err;
}

/* The page size of a memfd: huge or not, its block size. */
static int file_page_size(int fd, uint64_t *page)
{
	struct stat st;
	int err = sys_fstat(fd, &st);

	if (err < 0)
		return err;
	*page = st.st_blksize;
	return 0;
}

static int ram_file(uint64_t size, bool hugepages, uint64_t *page)
{
	int fd, err;

	fd = sys_memfd("guest-ram", MFD_CLOEXEC | (hugepages ? MFD_HUGETLB : 0));
	if (fd < 0) {
		log_err("memory: cannot create a memfd: %s", err_text(fd));
		return fd;
	}
	*page = 0;
	if (hugepages) {
		err = file_page_size(fd, page);
		if (err < 0)
			goto close;
		if (!IS_ALIGNED(size, *page)) {
			log_err("memory: not a multiple of the huge page size, %llu KiB",
				(unsigned long long)(*page / KiB));
			err = -EDOM;
			goto close;
		}
	}
	err = sys_ftruncate(fd, size);
	if (err < 0) {
		report_no_memory(size, *page, err);
		goto close;
	}
	return fd;

close:
	sys_close(fd);
	return err;
}

int mem_check_size(uint64_t size, uint64_t limit)
{
	uint64_t host = file_kib("/proc/meminfo", "MemTotal:");
	uint64_t page = sys_page_size();

	if (!IS_ALIGNED(size, page)) {
		log_err("--memory: not a multiple of the page size, %llu",
			(unsigned long long)page);
		return -EDOM;
	}
	if (host && size > host) {
		log_err("--memory: %llu MiB asked for, the host has %llu MiB",
			(unsigned long long)(size / MiB),
			(unsigned long long)(host / MiB));
		return -ERANGE;
	}
	if (size > limit) {
		log_err("--memory: more than this processor can address");
		return -ERANGE;
	}
	return 0;
}

int mem_ram_create(struct mem *mem, uint64_t size, bool hugepages)
{
	size_t reserve = size + RAM_ALIGN + 2 * RAM_GUARD;
	uint64_t page;
	void *va, *at;
	int fd, err;

	fd = ram_file(size, hugepages, &page);
	if (fd < 0)
		return fd;
	err = sys_mmap(&va, NULL, reserve, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (err < 0) {
		err = report_no_memory(size, 0, err);
		goto close;
	}
	at = (void *)ALIGN_UP((uintptr_t)va + RAM_GUARD, RAM_ALIGN);
	err = sys_mmap(&at, at, size, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_FIXED, fd, 0);
	if (err < 0)
		goto unmap;
	if (!hugepages)	/* advice: a host without them serves small ones */
		sys_madvise(at, size, MADV_HUGEPAGE);
	mem->ram_fd = fd;
	mem->ram_hva = at;
	mem->ram_base = va;
	mem->ram_reserved = reserve;
	return 0;

unmap:
	/*
	 * A mapping that fails leaves a gap in the reservation, where others'
	 * memory may come to lie; so nothing is said, which could need some,
	 * before it is gone.
	 */
	sys_munmap(va, reserve);
	err = report_no_memory(size, page, err);
close:
	sys_close(fd);
	return err;
}

void mem_ram_destroy(struct mem *mem)
{
	if (mem->ram_fd < 0)
		return;
	sys_munmap(mem->ram_base, mem->ram_reserved);
	sys_close(mem->ram_fd);
	mem->ram_fd = -1;
}

#define PREFAULT_CHUNK (32 * MiB)
#define PREFAULT_THREADS 16

struct prefault {
	const struct mem_region *region;
	_Atomic uint64_t next;	/* offset of the chunk to take */
	_Atomic uint64_t done;
	_Atomic int err;
	uint64_t start;
};

/* Before 5.14 there is no advice for it: write what is there to each page. */
static void touch(volatile uint8_t *at, uint64_t len)
{
	uint64_t page = sys_page_size(), off;

	for (off = 0; off < len; off += page)
		at[off] = at[off];
}

static bool prefault_chunk(struct prefault *p)
{
	uint64_t off = atomic_fetch_add(&p->next, PREFAULT_CHUNK);
	uint8_t *at = (uint8_t *)p->region->hva + off;
	uint64_t len;
	int err;

	if (off >= p->region->size || p->err)
		return false;
	len = MIN(PREFAULT_CHUNK, p->region->size - off);
	err = sys_madvise(at, len, POPULATE_WRITE);
	if (err == -EINVAL)
		touch(at, len);
	else if (err < 0)
		p->err = err;
	p->done += len;
	return true;
}

static void *prefault_thread(void *arg)
{
	while (prefault_chunk(arg))
		;
	return NULL;
}

int mem_prefault(const struct mem_region *region)
{
	struct prefault p = { .region = region, .start = time_now() };
	uint64_t chunks = (region->size + PREFAULT_CHUNK - 1) / PREFAULT_CHUNK;
	unsigned int want = MIN((uint64_t)sys_cpus(), chunks);
	pthread_t threads[PREFAULT_THREADS];
	unsigned int nr = 0, i;

	/* This thread is one of them; fewer than wanted is only slower. */
	while (nr + 1 < MIN(want, PREFAULT_THREADS) &&
	       !pthread_create(&threads[nr], NULL, prefault_thread, &p))
		nr++;
	while (prefault_chunk(&p))
		log_progress("memory", p.done, region->size, p.start);
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	if (p.err)
		return report_no_memory(region->size, 0, p.err);
	log_progress("memory", region->size, region->size, p.start);
	return 0;
}
