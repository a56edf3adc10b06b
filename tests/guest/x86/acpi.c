/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every ACPI table's checksum, and that the RSDP which a scan of the BIOS
 * area finds is the one that the boot protocol names.
 */
#include "guest.h"

static void check_sum(const void *p, uint64_t len, const char *what)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (len--)
		sum += *b++;
	if (sum)
		fail("%.4s: bad checksum", what);
}

static uint64_t scan(void)
{
	uint64_t at;

	for (at = 0xe0000; at < 0x100000; at += 16)
		if (!memcmp((void *)at, "RSD PTR ", 8))
			return at;
	return 0;
}

static void check_table(struct acpi_table *table)
{
	say("%.4s %u\n", table->signature, table->length);
	check_sum(table, table->length, table->signature);
}

int guest(void)
{
	struct acpi_table *xsdt;
	uint64_t at;
	unsigned int i;

	check(scan());
	check(scan() == boot.rsdp);
	check_sum((void *)boot.rsdp, 20, "RSDP");
	check_sum((void *)boot.rsdp, 36, "RSDP");
	memcpy(&at, (char *)boot.rsdp + 24, 8);
	xsdt = (void *)at;
	check_table(xsdt);
	for (i = 36; i < xsdt->length; i += 8) {
		memcpy(&at, (char *)xsdt + i, 8);
		check_table((void *)at);
	}
	check_table((void *)fadt(40, 4));
	check(acpi_find("APIC"));
	check(fadt(FADT_SCI, 2) == 9);
	return 0;
}
