/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI and the edu device for the test guests; see bus.h.
 */
#include "bus.h"

#define EDU_LIVE	0x04
#define EDU_DMA_FROM	0x80
#define EDU_DMA_TO	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND	0x98
#define EDU_DMA_START	1
#define EDU_DMA_OUT	2	/* from the device to memory */

uint64_t config(unsigned int devfn, unsigned int reg)
{
	return ecam() + devfn * 4096 + reg;
}

int find_device(uint32_t id)
{
	int devfn;

	for (devfn = 0; devfn < 256; devfn++)
		if (read32(config(devfn, 0)) == id)
			return devfn;
	return -1;
}

unsigned int find_cap(unsigned int devfn, uint8_t id)
{
	unsigned int at = read8(config(devfn, PCI_CAPS)), n;

	for (n = 0; at && n < 48; n++) {
		if (read8(config(devfn, at)) == id)
			return at;
		at = read8(config(devfn, at + 1));
	}
	return 0;
}

uint64_t bar(unsigned int devfn, unsigned int index)
{
	uint64_t reg = config(devfn, PCI_BAR0 + 4 * index);
	uint64_t addr = read32(reg);

	if ((addr & 7) == 4)
		addr |= (uint64_t)read32(reg + 4) << 32;
	return addr & ~15ULL;
}

void msi_on(unsigned int devfn, void (*handler)(void))
{
	unsigned int cap = find_cap(devfn, PCI_CAP_MSI);
	uint64_t addr;
	uint32_t data;

	check(cap);
	data = msi_target(devfn, 0, handler, &addr);
	write32(config(devfn, cap + 4), addr);
	write32(config(devfn, cap + 8), addr >> 32);
	write16(config(devfn, cap + 12), data);
	write16(config(devfn, cap + 2), 1);
}

uint64_t edu_on(unsigned int devfn)
{
	uint64_t regs = bar(devfn, 0);

	write16(config(devfn, PCI_COMMAND), 6);
	write32(regs + EDU_LIVE, 0x12345678);
	check(read32(regs + EDU_LIVE) == ~0x12345678U);
	return regs;
}

static void edu_dma(uint64_t regs, uint64_t from, uint64_t to, uint32_t len,
		    uint32_t command)
{
	write64(regs + EDU_DMA_FROM, from);
	write64(regs + EDU_DMA_TO, to);
	write64(regs + EDU_DMA_COUNT, len);
	write64(regs + EDU_DMA_COMMAND, EDU_DMA_START | command);
	while (read32(regs + EDU_DMA_COMMAND) & EDU_DMA_START)
		;
}

void edu_read(uint64_t regs, uint64_t gpa, uint32_t len)
{
	edu_dma(regs, gpa, EDU_BUFFER, len, 0);
}

void edu_write(uint64_t regs, uint64_t gpa, uint32_t len)
{
	edu_dma(regs, EDU_BUFFER, gpa, len, EDU_DMA_OUT);
}

static volatile unsigned int came;

static void on_msi(void)
{
	came++;
}

static bool raise(uint64_t regs, unsigned int n)
{
	unsigned int i;
	uint64_t spins;

	came = 0;
	for (i = 0; i < n; i++) {
		write32(regs + EDU_RAISE, 1);
		for (spins = 0; came <= i && spins < 2000000000; spins++)
			;
		write32(regs + EDU_ACK, 1);
	}
	return came == n;
}

bool edu_interrupts(unsigned int devfn, uint64_t regs, unsigned int n)
{
	msi_on(devfn, on_msi);
	return raise(regs, n);
}

static uint64_t pin_regs;

/* The line stays up until the device is told. */
static void on_pin(void)
{
	write32(pin_regs + EDU_ACK, 1);
	came++;
}

bool edu_pins(uint64_t regs, unsigned int n)
{
	unsigned int i;

	pin_regs = regs;
	for (i = 0; i < PIN_COUNT; i++)
		interrupts_on(PIN_FIRST + i, true, on_pin);
	return raise(regs, n);
}
