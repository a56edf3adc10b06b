/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An assigned device interrupts us, count=N times, and then we do traps=N
 * accesses that leave for user space; the host counts what leaves in either
 * part, between the steps.
 *
 *	intx, msi	edu's interrupt pin, its MSI
 *	msix		three vectors of igb in turn, which its Extended
 *			Interrupt Cause Set register raises (Intel 82576
 *			datasheet, section 8.8)
 */
#include "bus.h"

#define IGB_ID		0x10c98086
#define IGB_GPIE	0x1514
#define IGB_GPIE_MSIX	0x10
#define IGB_EICS	0x1520
#define IGB_EIMS	0x1524
#define IGB_EIAC	0x152c		/* causes that delivery clears */
#define IGB_VECTORS	3

static uint64_t regs;
static unsigned int device;
static volatile unsigned int came[IGB_VECTORS], spurious;

static unsigned int all(void)
{
	return came[0] + came[1] + came[2];
}

/* ---- edu ---------------------------------------------------------------- */

static void on_edu(void)
{
	if (!read32(regs + EDU_STATUS)) {
		spurious++;
		return;
	}
	write32(regs + EDU_ACK, 1);
	came[0]++;
}

static void raise_edu(unsigned int i)
{
	write32(regs + EDU_RAISE, 1);
}

static void begin_edu(void)
{
	int devfn = find_device(EDU_ID);

	check(devfn >= 0);
	device = devfn;
	regs = edu_on(devfn);
	if (flag("msi"))
		msi_on(devfn, on_edu);
	else
		interrupts_on(pin_line(devfn), true, on_edu);
}

/* ---- igb ---------------------------------------------------------------- */

static void on_igb0(void)
{
	came[0]++;
}

static void on_igb1(void)
{
	came[1]++;
}

static void on_igb2(void)
{
	came[2]++;
}

static void raise_igb(unsigned int i)
{
	write32(regs + IGB_EICS, 1 << i % IGB_VECTORS);
}

static void begin_igb(void)
{
	static void (*const handlers[])(void) = { on_igb0, on_igb1, on_igb2 };
	int devfn = find_device(IGB_ID);
	unsigned int cap, i;
	uint64_t entry, addr;
	uint32_t where, data;

	check(devfn >= 0);
	device = devfn;
	write16(config(devfn, PCI_COMMAND), 6);
	regs = bar(devfn, 0);
	cap = find_cap(devfn, PCI_CAP_MSIX);
	check(cap);
	where = read32(config(devfn, cap + 4));
	entry = bar(devfn, where & 7) + (where & ~7U);
	write16(config(devfn, cap + 2), 0x8000);
	for (i = 0; i < IGB_VECTORS; i++, entry += 16) {
		data = msi_target(devfn, i, handlers[i], &addr);
		write64(entry, addr);
		write32(entry + 8, data);
		write32(entry + 12, 0);
	}
	write32(regs + IGB_GPIE, IGB_GPIE_MSIX);
	write32(regs + IGB_EIAC, (1 << IGB_VECTORS) - 1);
	write32(regs + IGB_EIMS, (1 << IGB_VECTORS) - 1);
}

/* ------------------------------------------------------------------------- */

int guest(void)
{
	void (*raise)(unsigned int) = flag("msix") ? raise_igb : raise_edu;
	unsigned int count = option("count", 200), i;

	if (flag("msix"))
		begin_igb();
	else
		begin_edu();
	meet();
	step('1');
	for (i = 0; i < count; i++) {
		raise(i);
		while (all() <= i)
			relax();
	}
	step('2');
	for (i = option("traps", 0); i; i--)
		read32(config(device, 0));
	step('3');
	say("interrupts %u, spurious %u\n", all(), spurious);
	return all() == count ? 0 : 1;
}
