/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ACPI tables in a fake VM's RAM: every checksum, every pointer, room and
 * no room; and what Intel's compiler makes of them, where it is installed.
 * The devices around are made up; the PCI host says what the real one does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/x86/acpi.h"
#include "arch/x86/acpi_tables.h"
#include "arch/x86/aml.h"
#include "arch/x86/layout.h"
#include "devices/rtc.h"
#include "vmm/util.h"
#include "vmm/vm.h"
#include "test.h"

static struct vm vm;
static struct config cfg = { .cpus = 2 };
static struct mem_region ram;
static _Alignas(4096) uint8_t low[1 << 20];

static unsigned int last_bus;

static void describe_com(const struct device *dev, struct desc *desc)
{
	desc->name = dev->name;
	desc->acpi_hid = "PNP0501";
	desc->ranges[desc->nr_ranges++] =
		(struct desc_range){ DESC_PIO, 0x3f8, 8, false };
	desc->irq = 4;
}

static void describe_pci(const struct device *dev, struct desc *desc)
{
	desc->name = dev->name;
	desc->acpi_hid = "PNP0A08";
	desc->acpi_cid = "PNP0A03";
	desc->last_bus = last_bus;
	desc->ranges[0] = (struct desc_range){ DESC_MMIO, X86_ECAM_BASE,
		X86_ECAM_SIZE * (1 + last_bus), false };
	desc->ranges[1] = (struct desc_range){ DESC_PIO, 0xcf8, 8, false };
	desc->ranges[2] = (struct desc_range){ DESC_PIO_WINDOW, 0x1000, 0xf000,
					       false };
	desc->ranges[3] = (struct desc_range){ DESC_MMIO_WINDOW,
					       X86_MEM32_BASE, X86_MEM32_SIZE,
					       false };
	desc->ranges[4] = (struct desc_range){ DESC_MMIO_WINDOW, 64 * GiB,
					       16 * GiB, true };
	desc->nr_ranges = 5;
	desc->intx_first = 16;
	desc->intx_nr = 8;
}

/* Something no board of ours has yet: memory, a level interrupt, a long id. */
static void describe_other(const struct device *dev, struct desc *desc)
{
	desc->name = dev->name;
	desc->acpi_hid = "QWRT0001";
	desc->acpi_cid = "PNP0F13";
	desc->ranges[0] = (struct desc_range){ DESC_MMIO, 0xfed00000, 0x1000,
					       false };
	desc->ranges[1] = (struct desc_range){ DESC_MMIO, 512 * GiB, 0x2000,
					       false };
	desc->nr_ranges = 2;
	desc->irq = 20;
	desc->irq_level = true;
}

static const struct device_ops com_ops = { .describe = describe_com };
static const struct device_ops pci_ops = { .describe = describe_pci };
static const struct device_ops other_ops = { .describe = describe_other };
static const struct device_ops silent_ops = { 0 };

static void begin(void)
{
	static struct device com1, com2, pci, other, silent;

	memset(&vm, 0, sizeof(vm));
	vm.cfg = &cfg;
	mem_create(&vm.mem);
	ram = (struct mem_region){ .name = "low", .size = sizeof(low),
				   .hva = low, .fd = -1, .flags = MEM_RAM };
	CHECK_EQ(mem_add(&vm.mem, &ram), 0);
	device_add(&vm, &com1, "COM1", &com_ops);
	device_add(&vm, &silent, "none", &silent_ops);
	device_add(&vm, &com2, "COM2", &com_ops);
	device_add(&vm, &pci, "PCI0", &pci_ops);
	device_add(&vm, &other, "OTHR", &other_ops);
}

static unsigned int sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t all = 0;

	while (len--)
		all += *p++;
	return all;
}

static void *at(uint64_t gpa)
{
	CHECK(range_contains(X86_ACPI_BASE, X86_ACPI_SIZE, gpa,
			     sizeof(struct acpi_header)));
	return low + gpa;
}

static struct acpi_header *table_at(uint64_t gpa)
{
	struct acpi_header *h = at(gpa);

	CHECK(range_contains(X86_ACPI_BASE, X86_ACPI_SIZE, gpa, h->length));
	CHECK_EQ(sum(h, h->length), 0);
	return h;
}

/* The XSDT's entry with @signature, or NULL. */
static void *find(const char *signature)
{
	struct acpi_rsdp *rsdp;
	struct acpi_header *xsdt, *h;
	uint64_t gpa, entry;
	unsigned int i;

	CHECK_EQ(acpi_build(&vm, X86_ACPI_BASE, X86_ACPI_SIZE, &gpa), 0);
	CHECK_EQ(gpa, X86_ACPI_BASE);
	rsdp = at(gpa);
	CHECK(!memcmp(rsdp->signature, "RSD PTR ", 8));
	CHECK_EQ(sum(rsdp, 20), 0);
	CHECK_EQ(sum(rsdp, sizeof(*rsdp)), 0);
	xsdt = table_at(rsdp->xsdt);
	CHECK(!memcmp(xsdt->signature, "XSDT", 4));
	for (i = 0; i < (xsdt->length - sizeof(*xsdt)) / 8; i++) {
		memcpy(&entry, (uint8_t *)(xsdt + 1) + 8 * i, 8);
		h = table_at(entry);
		if (!memcmp(h->signature, signature, 4))
			return h;
	}
	return NULL;
}

TEST(fadt_points_to_facs_and_dsdt)
{
	struct acpi_fadt *fadt;
	struct acpi_facs *facs;

	begin();
	fadt = find("FACP");
	CHECK(fadt);
	facs = at(fadt->facs);
	CHECK(!memcmp(facs->signature, "FACS", 4));
	CHECK_EQ(fadt->facs % 64, 0);
	CHECK_EQ(facs->length, 64);
	CHECK_EQ(fadt->dsdt, fadt->x_dsdt);
	CHECK(!memcmp(table_at(fadt->dsdt)->signature, "DSDT", 4));
	CHECK_EQ(fadt->sci_int, X86_SCI_IRQ);
	CHECK_EQ(fadt->smi_cmd, 0);
	CHECK_EQ(fadt->x_pm1a_cnt_blk.address, 0x604);
	CHECK_EQ(fadt->reset_reg.address, 0x60c);
	CHECK_EQ(fadt->century, RTC_CENTURY);
}

/* Entries of @type, walked as an OS does; the walk must end at the end. */
static unsigned int madt_count(uint8_t type)
{
	struct acpi_madt *madt = find("APIC");
	const uint8_t *p = (uint8_t *)(madt + 1);
	const uint8_t *end = (uint8_t *)madt + madt->header.length;
	unsigned int n = 0;

	for (; p < end; p += p[1]) {
		CHECK(p[1] >= 2);
		n += p[0] == type;
	}
	CHECK(p == end);
	return n;
}

TEST(madt_has_an_entry_per_cpu)
{
	static const unsigned int cpus[] = { 1, 2, 3, 64, 254, 255, 256, 1024 };
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(cpus); i++) {
		cfg.cpus = cpus[i];
		test_note("%u cpus", cpus[i]);
		CHECK_EQ(madt_count(0), MIN(cpus[i], 255));
		CHECK_EQ(madt_count(9), cpus[i] - MIN(cpus[i], 255));
		CHECK_EQ(madt_count(1), 1);
		CHECK_EQ(madt_count(2), 2);
		CHECK_EQ(madt_count(4), 1);
	}
}

TEST(mcfg_covers_the_hosts_buses)
{
	struct acpi_mcfg *mcfg;

	begin();
	mcfg = find("MCFG");
	CHECK(mcfg);
	CHECK_EQ(mcfg->base, X86_ECAM_BASE);
	CHECK_EQ(mcfg->start_bus, 0);
	CHECK_EQ(mcfg->end_bus, 0);
}

TEST(buses_behind_ports_are_covered)
{
	last_bus = 3;
	begin();
	CHECK_EQ(((struct acpi_mcfg *)find("MCFG"))->end_bus, 3);
}

TEST(no_mcfg_without_pci)
{
	begin();
	vm.devices = NULL;
	CHECK(!find("MCFG"));
	CHECK(find("FACP"));
}

/* Every size from nothing to enough: -ENOSPC or success, nothing outside. */
TEST(too_little_room_is_an_error)
{
	uint64_t gpa, size;
	int err = -ENOSPC;

	begin();
	for (size = 64; err; size += 16) {
		memset(low, 0xaa, sizeof(low));
		err = acpi_build(&vm, X86_ACPI_BASE, size, &gpa);
		test_note("size %llu", (unsigned long long)size);
		CHECK(err == 0 || err == -ENOSPC);
		CHECK_EQ(low[X86_ACPI_BASE - 1], 0xaa);
		CHECK_EQ(low[X86_ACPI_BASE + size], 0xaa);
		CHECK(size < 8192);
	}
}

TEST(no_ram_is_an_error)
{
	uint64_t gpa;

	begin();
	CHECK_EQ(acpi_build(&vm, 2 << 20, X86_ACPI_SIZE, &gpa), -EFAULT);
}

TEST(aml_is_bad_when_unbalanced)
{
	uint8_t buf[64];
	struct aml aml;

	aml_create(&aml, buf, sizeof(buf));
	aml_scope(&aml, "\\_SB");
	CHECK(!aml_ok(&aml));
	aml_end(&aml);
	CHECK(aml_ok(&aml));
	aml_end(&aml);
	CHECK(!aml_ok(&aml));
}

TEST(aml_is_bad_when_nested_too_deep)
{
	uint8_t buf[256];
	struct aml aml;
	unsigned int i;

	aml_create(&aml, buf, sizeof(buf));
	for (i = 0; i <= AML_DEPTH; i++)
		aml_device(&aml, "DEEP");
	for (i = 0; i <= AML_DEPTH; i++)
		aml_end(&aml);
	CHECK(!aml_ok(&aml));
}

TEST(aml_is_bad_with_a_long_name)
{
	uint8_t buf[64];
	struct aml aml;

	aml_create(&aml, buf, sizeof(buf));
	aml_name_int(&aml, "LONGER", 1);
	CHECK(!aml_ok(&aml));
}

TEST(aml_integers_are_as_short_as_can_be)
{
	static const struct {
		uint64_t value;
		size_t len;
	} ints[] = {
		{ 0, 1 }, { 1, 1 }, { 2, 2 }, { 255, 2 }, { 256, 3 },
		{ 65535, 3 }, { 65536, 5 }, { UINT32_MAX, 5 },
		{ 1ULL << 32, 9 }, { UINT64_MAX, 9 },
	};
	uint8_t buf[16];
	struct aml aml;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ints); i++) {
		aml_create(&aml, buf, sizeof(buf));
		aml_int(&aml, ints[i].value);
		test_note("%llx", (unsigned long long)ints[i].value);
		CHECK_EQ(aml.len, ints[i].len);
	}
}

static void dump(const char *dir, const char *name, const void *table)
{
	const struct acpi_header *h = table;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.aml", dir, name);
	f = fopen(path, "w");
	CHECK(f);
	CHECK_EQ(fwrite(table, 1, h->length, f), h->length);
	fclose(f);
}

/*
 * Run @command in @dir. It must succeed, say @must and not say @not (extended
 * regular expressions); else what it said is shown.
 */
static void shell(const char *dir, const char *command, const char *must,
		  const char *not)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "cd %s && { { %s; } >log 2>&1 && grep -qE '%s' log &&"
		 "! grep -qiE '%s' log || { cat log; exit 1; }; }",
		 dir, command, must, not);
	CHECK_EQ(system(line), 0);
}

/*
 * iasl takes the tables apart and puts the DSDT together again: no error, no
 * warning, no remark; acpiexec loads it into a namespace.
 */
TEST(acpica_understands_the_tables)
{
	char dir[] = "/tmp/postern-acpi.XXXXXX";
	struct acpi_fadt *fadt;

	if (system("command -v iasl acpiexec >/dev/null"))
		SKIP("acpica-tools is not installed");
	begin();
	cfg.cpus = 3;
	fadt = find("FACP");
	CHECK(mkdtemp(dir));
	dump(dir, "facp", fadt);
	dump(dir, "dsdt", table_at(fadt->dsdt));
	dump(dir, "apic", find("APIC"));
	dump(dir, "mcfg", find("MCFG"));
	shell(dir, "iasl -d *.aml", "Formatted output: +mcfg.dsl",
	      "error|warning|invalid");
	/* A name that is used without being there would be External. */
	shell(dir, "cat dsdt.dsl", "_OSC", "External");
	shell(dir, "iasl -vs -p again dsdt.dsl", "0 Errors, 0 Warnings, 0 Rem",
	      "[1-9][0-9]* (errors|warnings|remarks)");
	shell(dir, "for t in facp apic mcfg; do iasl -p again $t.dsl || exit;"
		   "done", "Compilation successful",
	      "[1-9][0-9]* (errors|warnings|remarks)");
	shell(dir, "acpiexec -b 'namespace; quit' dsdt.aml facp.aml", "COM2",
	      "error|exception");
	/* Each pin of slots 1 to 31; the last: pin D of 31, (31 + 3) % 8. */
	shell(dir, "acpiexec -b 'evaluate \\_SB.PCI0._PRT; quit' dsdt.aml |"
		   "grep -A 4 'Count 4\\|Contains 4' | tail -n 5",
	      "0000000000000012", "error|exception");
	/* Of all that is asked for, the OS gets one, and learns that. */
	shell(dir, "acpiexec -b 'execute \\_SB.PCI0._OSC "
		   "(5B4DDB33F71F1C4096577441C03DD766) 1 3 "
		   "(00000000FFFFFFFFFF010000); quit' dsdt.aml",
	      "10 00 00 00 FF FF FF FF 10 00 00 00", "error|exception");
	CHECK_EQ(system("rm -rf /tmp/postern-acpi.??????"), 0);
}

/* It may drive slots where there are some, and is told of their buses. */
TEST(acpica_grants_hotplug_where_there_are_slots)
{
	char dir[] = "/tmp/postern-acpi.XXXXXX";
	struct acpi_fadt *fadt;

	if (system("command -v iasl acpiexec >/dev/null"))
		SKIP("acpica-tools is not installed");
	last_bus = 3;
	begin();
	fadt = find("FACP");
	CHECK(mkdtemp(dir));
	dump(dir, "dsdt", table_at(fadt->dsdt));
	shell(dir, "acpiexec -b 'execute \\_SB.PCI0._OSC "
		   "(5B4DDB33F71F1C4096577441C03DD766) 1 3 "
		   "(00000000FFFFFFFFFF010000); quit' dsdt.aml",
	      "10 00 00 00 FF FF FF FF 11 00 00 00", "error|exception");
	shell(dir, "iasl -d dsdt.aml && cat dsdt.dsl",
	      "0x0003, .*// Range Maximum", "error|warning");
	CHECK_EQ(system("rm -rf /tmp/postern-acpi.??????"), 0);
}
