/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSIs through a GICv3's ITS, as LPIs of the first processor. Arm IHI 0069:
 * ITS (chapter 5), its commands (5.3), its registers (12.19).
 */
#include "guest.h"

#define GITS_CTLR	(GIC_ITS + 0x0000)
#define GITS_CBASER	(GIC_ITS + 0x0080)
#define GITS_CWRITER	(GIC_ITS + 0x0088)
#define GITS_CREADR	(GIC_ITS + 0x0090)
#define GITS_BASER(n)	(GIC_ITS + 0x0100 + 8 * (n))
#define BASER_TYPE(v)	((v) >> 56 & 7)
#define BASER_64K	0x200
#define VALID		(1ULL << 63)
#define GICR_CTLR	(GIC_REDIST + 0x0000)
#define GICR_PROPBASER	(GIC_REDIST + 0x0070)
#define GICR_PENDBASER	(GIC_REDIST + 0x0078)
#define ID_BITS		14
#define PEND_ZERO	(1ULL << 62)

#define CMD_SYNC	0x05
#define CMD_MAPD	0x08
#define CMD_MAPC	0x09
#define CMD_MAPTI	0x0a
#define CMD_INVALL	0x0d

#define KIB64		0x10000
#define COMMANDS	(KIB64 / 32)
#define EVENT_BITS	2		/* of a device; MSI_MAX of them */
#define DEVICES		256		/* by requester ids, on one bus */

struct command {
	uint64_t word[4];
};

#define TABLE __attribute__((aligned(KIB64)))
static char tables[8][KIB64] TABLE, pending[KIB64] TABLE;
static uint8_t properties[1 << ID_BITS] TABLE;
static struct command commands[COMMANDS] TABLE;
static char events[DEVICES][256] __attribute__((aligned(256)));
static bool mapped[DEVICES];
static unsigned int next;

static void command(uint64_t a, uint64_t b, uint64_t c)
{
	commands[next] = (struct command){ { a, b, c, 0 } };
	next = (next + 1) % COMMANDS;
	__asm__ volatile("dsb sy" : : : "memory");
	write64(GITS_CWRITER, next * 32);
	while ((read64(GITS_CREADR) & 0xfffe0) != next * 32)
		relax();
}

static void sync(void)
{
	command(CMD_SYNC, 0, 0);
}

static void lpis_on(void)
{
	memset(properties, 0xa1, sizeof(properties));	/* enabled */
	write64(GICR_PROPBASER, (uint64_t)properties | (ID_BITS - 1));
	write64(GICR_PENDBASER, (uint64_t)pending | PEND_ZERO);
	__asm__ volatile("dsb sy" : : : "memory");
	write32(GICR_CTLR, read32(GICR_CTLR) | 1);
}

void its_on(void)
{
	unsigned int i;

	lpis_on();
	for (i = 0; i < 8; i++)
		if (BASER_TYPE(read64(GITS_BASER(i))))
			write64(GITS_BASER(i), VALID | (uint64_t)tables[i] |
				BASER_64K);
	write64(GITS_CBASER, VALID | (uint64_t)commands |
		(KIB64 / 4096 - 1));
	write64(GITS_CWRITER, 0);
	write32(GITS_CTLR, 1);
	command(CMD_MAPC, 0, VALID);		/* collection 0, processor 0 */
	sync();
}

void its_map(unsigned int device, unsigned int event, unsigned int id)
{
	uint64_t who = (uint64_t)device << 32;

	check(device < DEVICES);
	if (!mapped[device])
		command(CMD_MAPD | who, EVENT_BITS - 1,
			VALID | (uint64_t)events[device]);
	mapped[device] = true;
	command(CMD_MAPTI | who, (uint64_t)id << 32 | event, 0);
	command(CMD_INVALL, 0, 0);
	sync();
}
