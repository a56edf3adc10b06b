/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF images that say where to enter them in a note of PVH's: entered in
 * 32-bit protected mode, paging off, EBX at the start info. Xen:
 * docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h; System V ABI,
 * chapters 4 and 5.
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/x86/board.h"
#include "arch/x86/boot.h"
#include "arch/x86/layout.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define NOTE_PHYS32_ENTRY 18	/* XEN_ELFNOTE_PHYS32_ENTRY */
#define START_MAGIC 0x336ec578U
#define PHDRS_MAX 64
#define NOTES_MAX (64 * KiB)

struct start_info {
	uint32_t magic;
	uint32_t version;
	uint32_t flags;
	uint32_t nr_modules;
	uint64_t modlist;
	uint64_t cmdline;
	uint64_t rsdp;
	uint64_t memmap;
	uint32_t memmap_entries;
	uint32_t reserved;
};

struct start_module {
	uint64_t addr;
	uint64_t size;
	uint64_t cmdline;
	uint64_t reserved;
};

struct start_memmap {
	uint64_t addr;
	uint64_t size;
	uint32_t type;
	uint32_t reserved;
};

/* All of it lies in one page of low memory. */
struct start_page {
	struct start_info info;
	struct start_module initrd;
	struct start_memmap memmap[BOOT_MAP_MAX];
};

struct elf {
	struct vm *vm;
	const struct boot_files *files;
	Elf64_Phdr phdrs[PHDRS_MAX];
	unsigned int nr;
	uint64_t end;		/* of what is loaded */
	uint64_t entry;		/* from the note, 0: none */
};

static int bad(const struct elf *elf, const char *what)
{
	log_err("kernel %s: %s", elf->vm->cfg->kernel, what);
	return -ENOEXEC;
}

static int read_at(const struct elf *elf, void *buf, size_t len, uint64_t at)
{
	int err = file_read(elf->files->kernel_fd, buf, len, at);

	return err == -ENODATA ? bad(elf, "the file is truncated") : err;
}

static void widen(Elf64_Phdr *wide, const Elf32_Phdr *narrow)
{
	*wide = (Elf64_Phdr){
		.p_type = narrow->p_type,
		.p_offset = narrow->p_offset,
		.p_paddr = narrow->p_paddr,
		.p_filesz = narrow->p_filesz,
		.p_memsz = narrow->p_memsz,
		.p_align = narrow->p_align,
	};
}

static int read_phdrs32(struct elf *elf, const Elf32_Ehdr *ehdr)
{
	Elf32_Phdr phdrs[PHDRS_MAX];
	unsigned int i;
	int err;

	if (ehdr->e_phentsize != sizeof(phdrs[0]) || ehdr->e_phnum > PHDRS_MAX)
		return bad(elf, "unusable ELF program headers");
	err = read_at(elf, phdrs, ehdr->e_phnum * sizeof(phdrs[0]),
		      ehdr->e_phoff);
	if (err < 0)
		return err;
	elf->nr = ehdr->e_phnum;
	for (i = 0; i < elf->nr; i++)
		widen(&elf->phdrs[i], &phdrs[i]);
	return 0;
}

static int read_phdrs64(struct elf *elf, const Elf64_Ehdr *ehdr)
{
	if (ehdr->e_phentsize != sizeof(elf->phdrs[0]) ||
	    ehdr->e_phnum > PHDRS_MAX)
		return bad(elf, "unusable ELF program headers");
	elf->nr = ehdr->e_phnum;
	return read_at(elf, elf->phdrs, elf->nr * sizeof(elf->phdrs[0]),
		       ehdr->e_phoff);
}

/* Whether it is ELF at all; then its program headers. */
static int read_headers(struct elf *elf)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} head = { 0 };
	int err;

	err = file_read(elf->files->kernel_fd, &head,
			MIN(sizeof(head), elf->files->kernel_size), 0);
	if (err < 0)
		return err;
	if (memcmp(head.ident, ELFMAG, SELFMAG))
		return 0;
	if (elf->files->kernel_size < sizeof(head))
		return bad(elf, "the file is truncated");
	if (head.ident[EI_CLASS] == ELFCLASS64 &&
	    head.e64.e_machine == EM_X86_64)
		err = read_phdrs64(elf, &head.e64);
	else if (head.ident[EI_CLASS] == ELFCLASS32 &&
		 head.e32.e_machine == EM_386)
		err = read_phdrs32(elf, &head.e32);
	else
		err = bad(elf, "an ELF image of another architecture");
	return err < 0 ? err : 1;
}

static int load_segment(struct elf *elf, const Elf64_Phdr *ph)
{
	uint64_t bss = ph->p_memsz - ph->p_filesz;
	uint8_t *at;
	int err;

	if (ph->p_filesz > ph->p_memsz)
		return bad(elf, "unusable ELF segment");
	at = mem_at(&elf->vm->mem, ph->p_paddr, ph->p_memsz);
	if (!at) {
		bad(elf, "a segment does not fit into guest RAM");
		if (config_noiommu(elf->vm->cfg) == NOIOMMU_ON)
			log_hint("RAM is where the host has it: take a bzImage, which can "
				 "be loaded anywhere");
		else
			boot_hint_room(elf->vm);
		return -ENOEXEC;
	}
	err = ph->p_filesz ? boot_read(elf->vm, elf->files, ph->p_offset,
				       ph->p_paddr, ph->p_filesz) : 0;
	if (err < 0)
		return err;
	memset(at + ph->p_filesz, 0, bss);
	elf->end = MAX(elf->end, ph->p_paddr + ph->p_memsz);
	return 0;
}

/* Names and descriptors of a note are padded to four bytes. */
static uint64_t find_entry(const uint8_t *notes, uint64_t size)
{
	uint64_t at = 0, name, desc, entry = 0;
	Elf64_Nhdr n;

	while (range_contains(0, size, at, sizeof(n))) {
		memcpy(&n, notes + at, sizeof(n));
		name = at + sizeof(n);
		desc = name + ALIGN_UP(n.n_namesz, 4);
		at = desc + ALIGN_UP(n.n_descsz, 4);
		if (n.n_type != NOTE_PHYS32_ENTRY || n.n_namesz != 4 ||
		    n.n_descsz < 4 || !range_contains(0, size, desc, 4) ||
		    memcmp(notes + name, "Xen", 4))
			continue;
		memcpy(&entry, notes + desc, MIN(n.n_descsz, 4U));
		return entry;
	}
	return 0;
}

static int read_notes(struct elf *elf, const Elf64_Phdr *ph)
{
	uint8_t *notes;
	int err;

	if (elf->entry || !ph->p_filesz || ph->p_filesz > NOTES_MAX)
		return 0;
	notes = malloc(ph->p_filesz);
	if (!notes)
		return -ENOMEM;
	err = read_at(elf, notes, ph->p_filesz, ph->p_offset);
	if (!err)
		elf->entry = find_entry(notes, ph->p_filesz);
	free(notes);
	return err;
}

static int load_segments(struct elf *elf)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < elf->nr && !err; i++) {
		if (elf->phdrs[i].p_type == PT_NOTE)
			err = read_notes(elf, &elf->phdrs[i]);
		else if (elf->phdrs[i].p_type == PT_LOAD &&
			 elf->phdrs[i].p_memsz)
			err = load_segment(elf, &elf->phdrs[i]);
	}
	if (!err && !elf->entry) {
		err = bad(elf, "an ELF image without a PVH entry point");
		log_hint("a Linux vmlinux needs CONFIG_PVH=y");
	}
	return err;
}

static void fill_start(struct elf *elf, uint64_t initrd, uint64_t rsdp)
{
	struct start_page *page = mem_at(&elf->vm->mem, X86_START_INFO,
					 sizeof(*page));
	const uint64_t at = X86_START_INFO;
	struct boot_map map;
	unsigned int i;

	boot_map_fill(elf->vm, &map);
	*page = (struct start_page){
		.info = {
			.magic = START_MAGIC,
			.version = 1,
			.nr_modules = initrd ? 1 : 0,
			.modlist = at + offsetof(struct start_page, initrd),
			.cmdline = X86_CMDLINE,
			.rsdp = rsdp,
			.memmap = at + offsetof(struct start_page, memmap),
			.memmap_entries = map.nr,
		},
		.initrd = {
			.addr = initrd,
			.size = elf->files->initrd_size,
		},
	};
	for (i = 0; i < map.nr; i++)
		page->memmap[i] = (struct start_memmap){
			map.entries[i].addr, map.entries[i].size,
			map.entries[i].type, 0,
		};
}

int pvh_load(struct vm *vm, const struct boot_files *files, uint64_t rsdp,
	     struct boot_entry *entry)
{
	struct elf elf = { .vm = vm, .files = files };
	uint64_t initrd;
	int ret;

	ret = read_headers(&elf);
	if (ret <= 0)
		return ret;
	ret = load_segments(&elf);
	if (ret < 0)
		return ret;
	ret = boot_place_initrd(vm, files, X86_EXTENDED_RAM,
				MAX(elf.end, X86_EXTENDED_RAM),
				X86_LOW_RAM_END, false, &initrd);
	if (ret < 0)
		return ret;
	ret = boot_place_cmdline(vm, X86_CMDLINE_MAX - 1);
	if (ret < 0)
		return ret;
	fill_start(&elf, initrd, rsdp);
	entry->rip = elf.entry;
	entry->rbx = X86_START_INFO;
	return 1;
}
