/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts through a GICv3. Arm IHI 0069: distributor (section 12.9),
 * redistributor (12.11), CPU interface (12.5).
 */
#include "guest.h"

#define GICD_CTLR	(GIC_DIST + 0x0000)
#define GICD_CTLR_ON	0x12		/* group 1, affinity routing */
#define GICD_IGROUPR	(GIC_DIST + 0x0080)
#define GICD_ISENABLER	(GIC_DIST + 0x0100)
#define GICD_ICPENDR	(GIC_DIST + 0x0280)
#define GICD_IPRIORITYR	(GIC_DIST + 0x0400)
#define GICD_ICFGR	(GIC_DIST + 0x0c00)
#define GICD_IROUTER	(GIC_DIST + 0x6000)
#define GICR_WAKER	(GIC_REDIST + 0x0014)
#define PRIORITY	0xa0
#define SPURIOUS	1020		/* and above, under LPI_BASE */
#define SPI_BASE	32
#define SPIS		256

static void (*handlers[SPI_BASE + SPIS])(void);
static void (*lpi_handlers[LPIS])(void);
static unsigned int lpis;

static uint64_t affinity(void)
{
	return read_sysreg("mpidr_el1") & 0xff00ffffffULL;
}

void gic_cpu_on(void)
{
	write_sysreg("s3_0_c12_c12_5", 7);	/* ICC_SRE_EL1 */
	write32(GICD_CTLR, GICD_CTLR_ON);
	write32(GICR_WAKER, 0);
	while (read32(GICR_WAKER) & 4)
		relax();
	write_sysreg("s3_0_c4_c6_0", 0xff);	/* ICC_PMR_EL1 */
	write_sysreg("s3_0_c12_c12_7", 1);	/* ICC_IGRPEN1_EL1 */
}

void gic_enable(unsigned int id, bool level)
{
	uint64_t bit = id % 32, word = id / 32 * 4, cfg = id / 16 * 4;
	uint32_t kind = read32(GICD_ICFGR + cfg) & ~(2U << id % 16 * 2);

	write32(GICD_ICFGR + cfg, kind | (level ? 0 : 2U << id % 16 * 2));
	write32(GICD_IGROUPR + word, read32(GICD_IGROUPR + word) | 1U << bit);
	write8(GICD_IPRIORITYR + id, PRIORITY);
	write64(GICD_IROUTER + 8 * id, affinity());
	write32(GICD_ICPENDR + word, 1U << bit);
	write32(GICD_ISENABLER + word, 1U << bit);
}

void interrupts_on(unsigned int line, bool level, void (*handler)(void))
{
	handlers[SPI_BASE + line] = handler;
	gic_enable(SPI_BASE + line, level);
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

uint32_t msi_target(unsigned int devfn, unsigned int n, void (*handler)(void),
		    uint64_t *addr)
{
	check(lpis < LPIS && n < MSI_MAX);
	if (!lpis)
		its_on();
	lpi_handlers[lpis] = handler;
	its_map(devfn, n, LPI_BASE + lpis++);
	__asm__ volatile("msr daifclr, #2" : : : "memory");
	*addr = GIC_ITS + 0x10040;		/* GITS_TRANSLATER */
	return n;
}

void interrupt(void);
void exception(uint64_t kind, uint64_t esr, uint64_t elr, uint64_t far);

void interrupt(void)
{
	uint32_t id = read_sysreg("s3_0_c12_c12_0");	/* ICC_IAR1_EL1 */
	void (*handler)(void) = NULL;

	if (id >= SPURIOUS && id < LPI_BASE)
		return;
	if (id < SPI_BASE + SPIS)
		handler = handlers[id];
	else if (id >= LPI_BASE && id < LPI_BASE + LPIS)
		handler = lpi_handlers[id - LPI_BASE];
	if (!handler)
		fail("interrupt %u", id);
	handler();
	write_sysreg("s3_0_c12_c12_1", id);		/* ICC_EOIR1_EL1 */
}

/* Where there is no exit device, the failure itself ends here. */
void exception(uint64_t kind, uint64_t esr, uint64_t elr, uint64_t far)
{
	static bool again;

	if (again)
		halt();
	again = true;
	fail("exception %lu: ESR 0x%lx, at 0x%lx, address 0x%lx", kind, esr, elr,
	     far);
}
