/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The test guests' way with the machine: interrupts through IOAPIC and local
 * APIC, CMOS, and ACPI.
 */
#include "guest.h"

#define IOAPIC 0xfec00000UL
/* Inputs of the IOAPIC that nothing is wired to: their vectors are 32 more. */
#define MSI_GSI 20
#define KEPT 0x50		/* in CMOS */

uint8_t cmos_read(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

void cmos_write(uint8_t reg, uint8_t value)
{
	outb(0x70, reg);
	outb(0x71, value);
}

void keep(uint8_t n)
{
	cmos_write(KEPT, n);
}

uint8_t kept(void)
{
	return cmos_read(KEPT);
}

/* The clock counts in BCD. */
unsigned int second(void)
{
	uint8_t s = cmos_read(0), m = cmos_read(2);

	return ((m >> 4) * 10 + (m & 15)) * 60 + (s >> 4) * 10 + (s & 15);
}

void trap(void)
{
	inb(0x80);
}

/* ---- interrupts --------------------------------------------------------- */

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, zero;
};

extern char stubs[];
void interrupts_init(void);
void interrupt(uint64_t vector, uint64_t error, uint64_t rip);

static struct gate idt[64];
static void (*handlers[24])(void);

void interrupts_init(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) ptr = { sizeof(idt) - 1, (uint64_t)idt };
	unsigned int i;

	for (i = 0; i < 64; i++) {
		uint64_t at = (uint64_t)stubs + 16 * i;

		idt[i] = (struct gate){ at, 8, 0, 0x8e, at >> 16, at >> 32, 0 };
	}
	__asm__ volatile("lidt %0" : : "m"(ptr));
}

void lapic_on(void)
{
	write32(LAPIC + 0xf0, 0x1ff);	/* on; spurious vector 0xff */
}

static void ioapic_write(uint8_t reg, uint32_t value)
{
	write32(IOAPIC, reg);
	write32(IOAPIC + 0x10, value);
}

void interrupts_on(unsigned int gsi, bool level, void (*handler)(void))
{
	handlers[gsi] = handler;
	outb(0x21, 0xff);		/* the old controllers say nothing */
	outb(0xa1, 0xff);
	lapic_on();
	ioapic_write(0x10 + 2 * gsi + 1, read32(LAPIC + 0x20) & 0xff000000);
	ioapic_write(0x10 + 2 * gsi, (32 + gsi) | (level ? 1 << 15 : 0));
	__asm__ volatile("sti");
}

void interrupt(uint64_t vector, uint64_t error, uint64_t rip)
{
	if (vector < 32 || vector >= 56 || !handlers[vector - 32])
		fail("interrupt %lu, error 0x%lx, at 0x%lx", vector, error,
		     rip);
	handlers[vector - 32]();
	write32(LAPIC + 0xb0, 0);
}

unsigned int pin_line(unsigned int devfn)
{
	return read8(ecam() + devfn * 4096 + 0x3c);
}

uint32_t msi_target(unsigned int devfn, unsigned int n, void (*handler)(void),
		    uint64_t *addr)
{
	interrupts_on(MSI_GSI + n, false, handler);
	*addr = LAPIC;
	return 32 + MSI_GSI + n;
}

/* ---- ACPI --------------------------------------------------------------- */

struct acpi_table *acpi_find(const char *signature)
{
	struct acpi_table *xsdt, *table;
	uint64_t at;
	unsigned int i;

	if (!boot.rsdp || memcmp((void *)boot.rsdp, "RSD PTR ", 8))
		fail("no RSDP at 0x%lx", boot.rsdp);
	memcpy(&at, (char *)boot.rsdp + 24, 8);
	xsdt = (void *)at;
	if (memcmp(xsdt->signature, "XSDT", 4))
		fail("no XSDT at 0x%lx", at);
	for (i = 36; i < xsdt->length; i += 8) {
		memcpy(&at, (char *)xsdt + i, 8);
		table = (void *)at;
		if (!memcmp(table->signature, signature, 4))
			return table;
	}
	return NULL;
}

uint64_t fadt(unsigned int offset, unsigned int len)
{
	struct acpi_table *table = acpi_find("FACP");
	uint64_t value = 0;

	check(table && table->length >= offset + len);
	memcpy(&value, (char *)table + offset, len);
	return value;
}

/* The first number of DSDT's \_S5 package: Name, length, count, number. */
static unsigned int s5_type(void)
{
	struct acpi_table *dsdt = (void *)fadt(40, 4);
	uint8_t *p = (uint8_t *)dsdt, *end = p + dsdt->length - 8;

	for (p += 36; p < end; p++)
		if (!memcmp(p, "_S5_\x12", 5)) {
			p += 5;
			p += 1 + (*p >> 6);	/* length */
			p++;			/* count */
			return *p == 0x0a ? p[1] : *p;
		}
	fail("no \\_S5 in DSDT");
}

void power_off(void)
{
	unsigned int port = fadt(FADT_PM1_CNT, 4);

	outw(port, s5_type() << 10 | 1 << 13);
	halt();
}

void reset_machine(void)
{
	outb(fadt(FADT_RESET_PORT, 8), fadt(FADT_RESET_VALUE, 1));
	halt();
}

#define PWRBTN 0x100		/* in the PM1 event registers */

static void (*on_button)(void);
static unsigned int pm1;

static void sci(void)
{
	if (!(inw(pm1) & PWRBTN))
		return;
	outw(pm1, PWRBTN);
	check(!(inw(pm1) & PWRBTN));
	on_button();
}

void power_button_on(void (*handler)(void))
{
	on_button = handler;
	pm1 = fadt(FADT_PM1_EVT, 4);
	interrupts_on(fadt(FADT_SCI, 2), true, sci);
	outw(pm1 + 2, PWRBTN);
}

uint64_t ecam(void)
{
	static uint64_t base;
	struct acpi_table *mcfg;

	if (base)
		return base;
	mcfg = acpi_find("MCFG");
	check(mcfg);
	memcpy(&base, (char *)mcfg + 44, 8);
	return base;
}

void __attribute__((weak)) ap_main(unsigned int index)
{
	fail("processor %u has come uncalled", index);
}
