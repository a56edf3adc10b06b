/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arm64 test guests' way with the machine: PSCI, the clock, the power
 * button, and which interrupt is whose.
 */
#include "guest.h"

int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

	__asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
			 : : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			     "x12", "x13", "x14", "x15", "x16", "x17",
			     "memory");
	return x0;
}

void power_off(void)
{
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	halt();
}

void reset_machine(void)
{
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	halt();
}

/* ---- the clock, which a battery keeps ----------------------------------- */

#define RTC_DR		(RTC + 0x00)
#define RTC_LR		(RTC + 0x08)
#define KEEPS		0x80000000	/* a time that is none of now */
#define KEPT_SHIFT	20		/* 12 days each */

void keep(uint8_t n)
{
	write32(RTC_LR, KEEPS + (n << KEPT_SHIFT));
}

uint8_t kept(void)
{
	uint32_t now = read32(RTC_DR);

	return now & KEEPS ? now >> KEPT_SHIFT : 0;
}

unsigned int second(void)
{
	return read32(RTC_DR) % 3600;
}

void trap(void)
{
	read32(EXIT);
}

/* ---- the power button --------------------------------------------------- */

#define GPIO_IEV	(GPIO + 0x40c)
#define GPIO_IE		(GPIO + 0x410)
#define GPIO_MIS	(GPIO + 0x418)
#define GPIO_IC		(GPIO + 0x41c)

static void (*on_button)(void);

static void gpio(void)
{
	uint32_t pins = read32(GPIO_MIS);

	write32(GPIO_IC, pins);
	if (!(pins & 1 << POWER_PIN))
		return;
	check(!(read32(GPIO_MIS) & 1 << POWER_PIN));
	on_button();
}

void power_button_on(void (*handler)(void))
{
	on_button = handler;
	interrupts_on(GPIO_LINE, true, gpio);
	write32(GPIO_IEV, 1 << POWER_PIN);	/* rising edges */
	write32(GPIO_IE, 1 << POWER_PIN);
}

/* ---- PCI ---------------------------------------------------------------- */

uint64_t ecam(void)
{
	return ECAM;
}

void check_config_ports(void)
{
}

/* As the device tree's interrupt-map has it. */
unsigned int pin_line(unsigned int devfn)
{
	unsigned int pin = read8(ECAM + devfn * 4096 + 0x3d);

	return PIN_FIRST + (devfn / 8 + pin - 1) % PIN_COUNT;
}

void __attribute__((weak)) ap_main(unsigned int index)
{
	fail("processor %u has come uncalled", index);
}
