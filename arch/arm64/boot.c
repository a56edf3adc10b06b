/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel, device tree and initrd into RAM; see boot.h. The kernel as low as it
 * goes, as it cannot use what is below it if it is old; the tree behind it, in
 * two MiB of its own; the initrd as high as the kernel can reach.
 */
#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arm64/board.h"
#include "arch/arm64/boot.h"
#include "arch/arm64/fdt.h"
#include "arch/arm64/image.h"
#include "arch/arm64/layout.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define MAGIC		0x644d5241	/* "ARM\x64" */
#define BASE_ALIGN	(2 * MiB)
#define OFFSET_ALIGN	(4 * KiB)
#define OFFSET_MAX	(1 * GiB)	/* real ones are below 2 MiB */
#define IMAGE_MAX	(1024 * GiB)	/* nor is any Image that large */
#define INITRD_REACH	(32 * GiB)	/* from the GiB that the kernel is in */
#define CMDLINE_MAX	2047		/* without its NUL */

/* All fields little-endian, of big-endian kernels too. */
struct image_header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;	/* with what follows the file in memory */
	uint64_t flags;
	uint64_t reserved[3];
	uint32_t magic;
	uint32_t pe_offset;
};

struct placed {
	uint64_t kernel, kernel_end;
	uint64_t tree;
	uint64_t initrd;
};

static int check_header(const char *name, const struct image_header *h,
			ssize_t len)
{
	if (len < (ssize_t)sizeof(*h) || h->magic != MAGIC) {
		log_err("kernel %s: not an arm64 Linux Image%s", name,
			len < (ssize_t)sizeof(*h) ? " (or truncated)" : "");
		return -ENOEXEC;
	}
	if (!h->image_size) {
		log_err("kernel %s: does not say how much memory it needs",
			name);
		log_hint("use a kernel of Linux 3.17 or newer");
		return -ENOEXEC;
	}
	if (h->image_size < sizeof(*h) || h->image_size > IMAGE_MAX ||
	    h->text_offset > OFFSET_MAX ||
	    !IS_ALIGNED(h->text_offset, OFFSET_ALIGN)) {
		log_err("kernel %s: the header makes no sense", name);
		return -ENOEXEC;
	}
	return 0;
}

static int find_kernel(const struct vm *vm, const struct image_header *h,
		       struct placed *p)
{
	bool in_place = config_noiommu(vm->cfg) == NOIOMMU_ON;
	struct boot_wish wish = {
		.size = h->text_offset + h->image_size,
		.align = BASE_ALIGN,
		.min = in_place ? 0 : ARM64_RAM_BASE + ARM64_KERNEL_OFFSET,
		.max = UINT64_MAX,
	};
	uint64_t base;

	if (!boot_find(vm, &wish, false, &base)) {
		log_err("kernel %s: needs %llu MiB in one piece, more than guest RAM has",
			vm->cfg->kernel,
			(unsigned long long)(wish.size / MiB));
		boot_hint_room(vm);
		return -ENOEXEC;
	}
	p->kernel = base + h->text_offset;
	p->kernel_end = p->kernel + h->image_size;
	return 0;
}

/* Behind the header, which was read already. */
static int read_rest(struct vm *vm, struct image *image,
		     const struct image_header *h, uint64_t addr)
{
	uint64_t left = h->image_size - sizeof(*h), have, end;
	char *at = mem_at(&vm->mem, addr, h->image_size), more;
	ssize_t n;

	memcpy(at, h, sizeof(*h));
	n = image_read(image, at + sizeof(*h), left);
	if (n < 0)
		return n;
	have = sizeof(*h) + n;
	end = image_end(at, have);
	if (end > have) {
		log_err("kernel %s: the file is truncated: %llu bytes of %llu",
			vm->cfg->kernel, (unsigned long long)have,
			(unsigned long long)end);
		return -ENOEXEC;
	}
	if ((uint64_t)n == left)
		n = image_read(image, &more, 1);
	else
		n = 0;
	if (n > 0)
		log_err("kernel %s: more than the %llu KiB that its header says",
			vm->cfg->kernel,
			(unsigned long long)(h->image_size / KiB));
	return n > 0 ? -ENOEXEC : n;
}

static int place_kernel(struct vm *vm, const struct boot_files *files,
			struct placed *p)
{
	struct image_header h = { .magic = 0 };
	struct image image;
	ssize_t len;
	int err = image_open(&image, vm->cfg->kernel, files);

	if (err < 0)
		return err;
	len = image_read(&image, &h, sizeof(h));
	err = len < 0 ? len : check_header(vm->cfg->kernel, &h, len);
	if (!err)
		err = find_kernel(vm, &h, p);
	if (!err)
		err = read_rest(vm, &image, &h, p->kernel);
	image_close(&image);
	return err;
}

/* Behind the kernel, or else below it. */
static int find_tree(const struct vm *vm, struct placed *p)
{
	struct boot_wish above = { DT_MAX, DT_MAX, p->kernel_end, UINT64_MAX };
	struct boot_wish below = { DT_MAX, DT_MAX, 0, p->kernel };

	if (boot_find(vm, &above, false, &p->tree) ||
	    boot_find(vm, &below, true, &p->tree))
		return 0;
	log_err("device tree: no room for 2 MiB beside the kernel");
	boot_hint_room(vm);
	return -ENOEXEC;
}

static int place_initrd(struct vm *vm, const struct boot_files *files,
			struct placed *p)
{
	uint64_t start = MIN(p->kernel, p->tree);
	uint64_t end = MAX(p->kernel_end, p->tree + DT_MAX);
	uint64_t max = ALIGN_DOWN(p->kernel, GiB) + INITRD_REACH;

	return boot_place_initrd(vm, files, start, end, max, false,
				 &p->initrd);
}

static int dump(struct vm *vm, const void *tree)
{
	const char *path = vm->cfg->dump_dtb;
	size_t len = fdt_totalsize(tree), done;
	int fd = file_create("dump-dtb", path);
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	for (done = 0; done < len && n >= 0; done += n)
		n = sys_write(fd, (const char *)tree + done, len - done);
	sys_close(fd);
	if (n < 0) {
		log_err("dump-dtb: cannot write %s: %s", path, err_text(n));
		return n;
	}
	vm_stop(vm, STATUS_OK);
	return 0;
}

static int place_tree(struct vm *vm, const struct boot_files *files,
		      const struct placed *p)
{
	const struct dt_boot boot = {
		.append = vm->cfg->append,
		.initrd = p->initrd,
		.initrd_size = p->initrd ? files->initrd_size : 0,
	};
	void **tree = &vm->board->tree;
	int err = dt_build(vm, &boot, tree);

	if (err < 0)
		return err;
	memcpy(mem_at(&vm->mem, p->tree, DT_MAX), *tree, fdt_totalsize(*tree));
	return vm->cfg->dump_dtb ? dump(vm, *tree) : 0;
}

static int load_firmware(struct vm *vm, const struct boot_files *files,
			 struct boot_entry *entry)
{
	const struct placed p = { .tree = ARM64_RAM_BASE };

	if (!mem_at(&vm->mem, p.tree, DT_MAX)) {
		log_err("flash: firmware wants the device tree at 0x%llx, where no RAM is",
			(unsigned long long)p.tree);
		return -ERANGE;
	}
	entry->pc = ARM64_FLASH_BASE;
	entry->x0 = 0;
	return place_tree(vm, files, &p);
}

static int load_kernel(struct vm *vm, const struct boot_files *files,
		       struct boot_entry *entry)
{
	struct placed p;
	int err;

	err = place_kernel(vm, files, &p);
	if (!err)
		err = find_tree(vm, &p);
	if (!err)
		err = place_initrd(vm, files, &p);
	if (!err)
		err = place_tree(vm, files, &p);
	if (err < 0)
		return err;
	entry->pc = p.kernel;
	entry->x0 = p.tree;
	return 0;
}

int boot_load(struct vm *vm, const struct boot_files *files,
	      struct boot_entry *entry)
{
	size_t len = strlen(vm->cfg->append);

	if (len > CMDLINE_MAX) {
		log_err("--append: %zu bytes, this kernel takes at most %d",
			len, CMDLINE_MAX);
		return -EDOM;
	}
	return IS_ENABLED(CONFIG_FLASH_CFI) && !vm->cfg->kernel ?
		load_firmware(vm, files, entry) :
		load_kernel(vm, files, entry);
}
