/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wakes every processor that the MADT lists; each says who it is by its local
 * APIC and by CPUID, and the two must agree. cpus=N: how many there must be.
 */
#include "guest.h"

#define TRAMPOLINE 0x8000UL
#define WAIT 0x100000

static volatile uint32_t awake;
static volatile uint8_t seen[256];
static volatile uint32_t bad;

extern volatile uint32_t ap_index;

static uint32_t lapic_id(void)
{
	return read32(LAPIC + 0x20) >> 24;
}

/* Leaf 1's initial APIC ID, and leaf 11's x2APIC ID if there is one. */
static bool cpuid_agrees(uint32_t id)
{
	uint32_t r[4], max;

	cpuid(0, 0, r);
	max = r[0];
	cpuid(1, 0, r);
	if (r[1] >> 24 != id)
		return false;
	if (max < 11)
		return true;
	cpuid(11, 0, r);
	return !r[1] || r[3] == id;
}

void ap_main(unsigned int index)
{
	uint32_t id = lapic_id();

	if (!cpuid_agrees(id) || id > 255 || seen[id])
		__sync_fetch_and_add(&bad, 1);
	else
		seen[id] = 1;
	__sync_fetch_and_add(&awake, 1);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void ipi(uint32_t id, uint32_t command)
{
	unsigned int i;

	write32(LAPIC + 0x310, id << 24);
	write32(LAPIC + 0x300, command);
	for (i = 0; i < WAIT && read32(LAPIC + 0x300) & 1 << 12; i++)
		;
}

static void wake(uint32_t id)
{
	ipi(id, 0x4500);			/* INIT */
	ipi(id, 0x4600 | TRAMPOLINE >> 12);	/* SIPI */
}

/* How long a busy host may take is not for us to say: the runner stops us. */
static void wait_for(uint32_t n)
{
	while (awake < n)
		__asm__ volatile("pause");
}

int guest(void)
{
	struct acpi_table *madt = acpi_find("APIC");
	uint8_t *p = (uint8_t *)madt + 44, *end = (uint8_t *)madt +
						  madt->length;
	uint32_t self, cpus = 0;

	lapic_on();
	self = lapic_id();
	check(cpuid_agrees(self));
	seen[self] = 1;
	memcpy((void *)TRAMPOLINE, ap_begin, ap_end - ap_begin);
	for (; p < end; p += p[1]) {
		if (p[0] != 0 || !(p[4] & 1))
			continue;
		if (p[3] != self)
			wake(p[3]);
		cpus++;
	}
	check(cpus == option("cpus", 1));
	wait_for(cpus - 1);
	check(!bad);
	say("%u processors\n", cpus);
	return 0;
}
