/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PVH and bzImage's boot protocol tell a guest.
 */
#include "guest.h"

struct pvh_info {
	uint32_t magic, version, flags, nr_modules;
	uint64_t modules, cmdline, rsdp, map;
	uint32_t nr_map, reserved;
};

struct pvh_module {
	uint64_t addr, size, cmdline, reserved;
};

struct pvh_map {
	uint64_t addr, size;
	uint32_t type, reserved;
};

static void boot_pvh(const struct pvh_info *info)
{
	const struct pvh_module *module = (void *)info->modules;
	const struct pvh_map *map = (void *)info->map;
	unsigned int i;

	if (info->magic != 0x336ec578)
		fail("PVH: magic is 0x%x", info->magic);
	if (info->version < 1)
		fail("PVH: version %u has no memory map", info->version);
	boot.how = "a PVH guest";
	boot.cmdline = (const char *)info->cmdline;
	boot.rsdp = info->rsdp;
	if (info->nr_modules) {
		boot.initrd = module->addr;
		boot.initrd_size = module->size;
	}
	for (i = 0; i < info->nr_map && i < 128; i++)
		boot.map[i] = (struct range){ map[i].addr, map[i].size,
					      map[i].type };
	boot.nr = i;
}

static uint32_t zero_page_u32(const uint8_t *zp, unsigned int at)
{
	uint32_t v;

	memcpy(&v, zp + at, 4);
	return v;
}

static void boot_bzimage(const uint8_t *zp)
{
	unsigned int i;

	boot.how = "a bzImage";
	boot.cmdline = "";
	if (zero_page_u32(zp, 0x202) != 0x53726448)
		fail("bzImage: no setup header in the zero page");
	boot.cmdline = (const char *)(zero_page_u32(zp, 0x228) |
				      (uint64_t)zero_page_u32(zp, 0xc8) << 32);
	boot.initrd = zero_page_u32(zp, 0x218) |
		      (uint64_t)zero_page_u32(zp, 0xc0) << 32;
	boot.initrd_size = zero_page_u32(zp, 0x21c) |
			   (uint64_t)zero_page_u32(zp, 0xc4) << 32;
	memcpy(&boot.rsdp, zp + 0x70, 8);
	if (!zp[0x210])
		fail("bzImage: type_of_loader is not set");
	for (i = 0; i < zp[0x1e8] && i < 128; i++)
		memcpy(&boot.map[i].addr, zp + 0x2d0 + 20 * i, 20);
	boot.nr = i;
}

void interrupts_init(void);
void guest_start(const void *info, int bzimage);

void guest_start(const void *info, int bzimage)
{
	outb(COM1 + 2, 0xc1);	/* FIFO on, trigger at 14 */
	outb(COM1 + 4, 0x0b);	/* DTR, RTS, OUT2: the port is open */
	interrupts_init();
	boot.cmdline = "";
	if (bzimage)
		boot_bzimage(info);
	else
		boot_pvh(info);
	leave(guest());
}
