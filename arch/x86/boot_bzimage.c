/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's 64-bit boot protocol. Linux: Documentation/arch/x86/boot.rst and
 * zero-page.rst; struct boot_params of asm/bootparam.h.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <string.h>

#include "arch/x86/board.h"
#include "arch/x86/boot.h"
#include "arch/x86/layout.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define SETUP_HEADER		0x1f1	/* of struct setup_header in the file */
#define SETUP_JUMP_LEN		0x201	/* header ends at 0x202 + this byte */
#define HDRS_MAGIC		0x53726448 /* "HdrS" */
#define VERSION_64BIT		0x20c	/* xloadflags */
#define VERSION_ACPI_RSDP	0x20e
#define SECTOR			512
#define DEFAULT_SETUP_SECTS	4
#define LOADER_UNDEFINED	0xff
#define VGA_NORMAL		0xffff
#define ENTRY_64		0x200	/* of the 64-bit entry in the kernel */

#define PTE_PRESENT_WRITE	3ULL
#define PDE_LARGE		BIT(7)
#define PAGE			0x1000

static int check_header(const char *name, const struct setup_header *hdr,
			uint64_t file_size)
{
	uint64_t setup = (hdr->setup_sects + 1) * SECTOR, end;

	if (hdr->version < VERSION_64BIT ||
	    !(hdr->xloadflags & XLF_KERNEL_64)) {
		log_err("kernel %s: a 32-bit kernel, boot protocol %u.%02u",
			name, hdr->version >> 8, hdr->version & 0xff);
		log_hint("use a 64-bit kernel of Linux 3.8 or newer");
		return -ENOEXEC;
	}
	end = setup + MAX(hdr->syssize * 16ULL, 1ULL);
	/* syssize counts paragraphs: the file's last one may be cut short */
	if (file_size <= setup || file_size + 15 < end) {
		log_err("kernel %s: the file is truncated: %llu bytes of %llu",
			name, (unsigned long long)file_size,
			(unsigned long long)end);
		return -ENOEXEC;
	}
	return 0;
}

/*
 * A kernel that may be moved, not below its preferred address, where it would
 * unpack itself all the same; above 4 GiB only if it must and says it can.
 */
static bool find_address(const struct vm *vm, const struct setup_header *hdr,
			 uint64_t *addr)
{
	struct boot_wish wish = {
		.size = hdr->init_size,
		.align = hdr->kernel_alignment,
		.min = hdr->pref_address,
		.max = X86_HIGH_RAM_BASE,
	};

	if (!hdr->relocatable_kernel || !wish.align ||
	    wish.align & (wish.align - 1))
		return false;
	if (boot_find(vm, &wish, false, addr))
		return true;
	wish.max = UINT64_MAX;
	return BOOT_HIGH && hdr->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G &&
		boot_find(vm, &wish, false, addr);
}

static int choose_address(const struct vm *vm, const struct setup_header *hdr,
			  uint64_t *addr)
{
	*addr = hdr->pref_address;
	if (*addr >= X86_EXTENDED_RAM && *addr < X86_HIGH_RAM_BASE &&
	    mem_at(&vm->mem, *addr, hdr->init_size))
		return 0;
	if (find_address(vm, hdr, addr))
		return 0;
	log_err("kernel %s: needs %u MiB in one piece, at 0x%llx%s, more than guest RAM has",
		vm->cfg->kernel, (unsigned int)(hdr->init_size / MiB),
		(unsigned long long)hdr->pref_address,
		hdr->relocatable_kernel ? " or above" : "");
	boot_hint_room(vm);
	return -ENOEXEC;
}

static void fill_map(const struct vm *vm, struct boot_params *params)
{
	struct boot_map map;
	unsigned int i;

	boot_map_fill(vm, &map);
	for (i = 0; i < map.nr; i++) {
		params->e820_table[i].addr = map.entries[i].addr;
		params->e820_table[i].size = map.entries[i].size;
		params->e820_table[i].type = map.entries[i].type;
	}
	params->e820_entries = map.nr;
}

static void fill_params(struct vm *vm, const struct boot_files *files,
			struct boot_params *params, uint64_t initrd,
			uint64_t rsdp)
{
	struct setup_header *hdr = &params->hdr;
	uint64_t size = initrd ? files->initrd_size : 0;

	hdr->type_of_loader = LOADER_UNDEFINED;
	hdr->loadflags &= ~(CAN_USE_HEAP | QUIET_FLAG);
	hdr->vid_mode = VGA_NORMAL;
	hdr->cmd_line_ptr = X86_CMDLINE;
	hdr->ramdisk_image = (uint32_t)initrd;
	hdr->ramdisk_size = (uint32_t)size;
	params->ext_ramdisk_image = initrd >> 32;
	params->ext_ramdisk_size = size >> 32;
	if (hdr->version >= VERSION_ACPI_RSDP)
		params->acpi_rsdp_addr = rsdp;
	fill_map(vm, params);
}

struct tables {
	uint64_t *host;		/* where the first one is */
	unsigned int nr;
};

/* The table behind @entry, a new one if there is none. */
static uint64_t *table_at(struct tables *t, uint64_t *entry)
{
	if (!*entry)
		*entry = (X86_PAGE_TABLES + t->nr++ * PAGE) |
			 PTE_PRESENT_WRITE;
	return t->host + ((*entry & ~(PAGE - 1ULL)) - X86_PAGE_TABLES) / 8;
}

/* Map the GiB that @addr is in, 1:1. */
static void map_gib(struct tables *t, uint64_t addr)
{
	uint64_t *pdpt = table_at(t, &t->host[addr / (512 * GiB)]);
	uint64_t *pd = table_at(t, &pdpt[addr / GiB % 512]);
	uint64_t i;

	for (i = 0; i < 512; i++)
		pd[i] = (ALIGN_DOWN(addr, GiB) + i * 2 * MiB) |
			PTE_PRESENT_WRITE | PDE_LARGE;
}

/*
 * The lowest 4 GiB, in six tables, and what is around the kernel: at most two
 * more of level 3 and two of level 2.
 */
static void fill_page_tables(struct vm *vm, uint64_t kernel, uint64_t size)
{
	uint64_t *pml4 = mem_at(&vm->mem, X86_PAGE_TABLES, 10 * PAGE);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;
	struct tables t = { pml4, 6 };
	uint64_t i;

	memset(pml4, 0, 10 * PAGE);
	pml4[0] = (X86_PAGE_TABLES + PAGE) | PTE_PRESENT_WRITE;
	for (i = 0; i < 4; i++)
		pdpt[i] = (X86_PAGE_TABLES + (2 + i) * PAGE) |
			  PTE_PRESENT_WRITE;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = i * 2 * MiB | PTE_PRESENT_WRITE | PDE_LARGE;
	if (!BOOT_HIGH || kernel + size <= X86_HIGH_RAM_BASE)
		return;
	map_gib(&t, kernel);
	map_gib(&t, kernel + MIN(size, GiB) - 1);
}

static void fill_gdt(struct vm *vm)
{
	uint64_t *gdt = mem_at(&vm->mem, X86_BOOT_GDT, 4 * sizeof(*gdt));

	gdt[0] = gdt[1] = 0;
	gdt[BOOT_CS / 8] = 0x00af9b000000ffffULL;	/* 64-bit code */
	gdt[BOOT_DS / 8] = 0x00cf93000000ffffULL;	/* flat data */
}

/* Whether the file begins as a bzImage does; its header into @params. */
static int read_header(struct vm *vm, const struct boot_files *files,
		       struct boot_params *params)
{
	uint8_t head[SECTOR * 2] = { 0 };
	uint64_t len;
	int err;

	err = file_read(files->kernel_fd, head,
			MIN(sizeof(head), files->kernel_size), 0);
	if (err < 0) {
		log_err("kernel %s: cannot read: %s", vm->cfg->kernel,
			err_text(err));
		return err;
	}
	len = 0x202 + head[SETUP_JUMP_LEN] - SETUP_HEADER;
	len = MIN(len, sizeof(params->hdr));
	memcpy(&params->hdr, head + SETUP_HEADER, len);
	if (params->hdr.boot_flag != 0xaa55 ||
	    params->hdr.header != HDRS_MAGIC)
		return 0;
	if (!params->hdr.setup_sects)
		params->hdr.setup_sects = DEFAULT_SETUP_SECTS;
	err = check_header(vm->cfg->kernel, &params->hdr, files->kernel_size);
	return err < 0 ? err : 1;
}

/* The kernel, the initrd and the command line, each by the header's rules. */
static int place(struct vm *vm, const struct boot_files *files,
		 const struct setup_header *hdr, uint64_t *kernel,
		 uint64_t *initrd)
{
	uint64_t skip = (hdr->setup_sects + 1) * SECTOR;
	int err;

	err = choose_address(vm, hdr, kernel);
	if (err < 0)
		return err;
	err = boot_read(vm, files, skip, *kernel, files->kernel_size - skip);
	if (err < 0)
		return err;
	err = boot_place_initrd(vm, files, *kernel, *kernel + hdr->init_size,
				hdr->initrd_addr_max + 1ULL,
				hdr->xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G,
				initrd);
	if (err < 0)
		return err;
	return boot_place_cmdline(vm, hdr->cmdline_size);
}

int bzimage_load(struct vm *vm, const struct boot_files *files, uint64_t rsdp,
		 struct boot_entry *entry)
{
	struct boot_params params = { 0 };
	uint64_t kernel, initrd;
	int ret;

	ret = read_header(vm, files, &params);
	if (ret <= 0)
		return ret;
	ret = place(vm, files, &params.hdr, &kernel, &initrd);
	if (ret < 0)
		return ret;
	fill_params(vm, files, &params, initrd, rsdp);
	memcpy(mem_at(&vm->mem, X86_ZERO_PAGE, sizeof(params)), &params,
	       sizeof(params));
	fill_page_tables(vm, kernel, params.hdr.init_size);
	fill_gdt(vm);
	*entry = (struct boot_entry){
		.long_mode = true,
		.rip = kernel + ENTRY_64,
		.rsi = X86_ZERO_PAGE,
		.page_table = X86_PAGE_TABLES,
		.gdt = X86_BOOT_GDT,
		.gdt_limit = 4 * 8 - 1,
	};
	return 1;
}
