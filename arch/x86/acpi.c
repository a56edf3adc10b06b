/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables, one after the other into guest RAM; see acpi.h. XSDT comes last
 * because it lists the others; RSDP, which points to it, is written into the
 * place kept for it at the start.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "arch/x86/acpi.h"
#include "arch/x86/acpi_tables.h"
#include "arch/x86/dsdt.h"
#include "arch/x86/layout.h"
#include "arch/x86/pm.h"
#include "devices/rtc.h"
#include "vmm/log.h"
#include "vmm/vm.h"

#define MAX_TABLES 8
#define ALIGNMENT 64		/* FACS's; good for all */

struct tables {
	struct vm *vm;
	uint8_t *host;
	uint64_t base, size, used;
	uint64_t list[MAX_TABLES];	/* what XSDT will list */
	unsigned int nr;
	bool full;
};

static uint8_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint8_t sum = 0;

	while (len--)
		sum += *p++;
	return -sum;
}

/*
 * Keep @len zeroed bytes. Returns NULL where they don't fit, and then every
 * time; the caller goes on without, acpi_build() reports.
 */
static void *take(struct tables *t, size_t len)
{
	uint64_t at = ALIGN_UP(t->used, ALIGNMENT);

	if (t->full || at > t->size || len > t->size - at) {
		t->full = true;
		return NULL;
	}
	t->used = at + len;
	return memset(t->host + at, 0, len);
}

static uint64_t gpa_of(const struct tables *t, const void *p)
{
	return t->base + ((const uint8_t *)p - t->host);
}

static void header(struct acpi_header *h, const char *signature, size_t len,
		   uint8_t revision)
{
	memcpy(h->signature, signature, 4);
	h->length = len;
	h->revision = revision;
	memcpy(h->oem_id, "POSTRN", 6);
	memcpy(h->oem_table_id, "POSTERN ", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "PSTN", 4);
	h->creator_revision = 1;
}

/* The table is complete; @listed in XSDT or found by FADT. */
static uint64_t seal(struct tables *t, void *table, bool listed)
{
	struct acpi_header *h = table;
	uint64_t gpa = gpa_of(t, table);

	h->checksum = checksum(table, h->length);
	if (listed && t->nr < MAX_TABLES)
		t->list[t->nr++] = gpa;
	return gpa;
}

static uint64_t build_facs(struct tables *t)
{
	struct acpi_facs *facs = take(t, sizeof(*facs));

	if (!facs)
		return 0;
	memcpy(facs->signature, "FACS", 4);
	facs->length = sizeof(*facs);
	facs->version = 2;
	return gpa_of(t, facs);
}

/* All the space that is left is for the AML; then DSDT ends where that does. */
static uint64_t build_dsdt(struct tables *t)
{
	struct acpi_header *dsdt = take(t, sizeof(*dsdt));
	struct aml aml;

	if (!dsdt)
		return 0;
	aml_create(&aml, dsdt + 1, t->size - t->used);
	dsdt_build(t->vm, &aml);
	if (!aml_ok(&aml)) {
		t->full = true;
		return 0;
	}
	t->used += aml.len;
	header(dsdt, "DSDT", sizeof(*dsdt) + aml.len, 2);
	return seal(t, dsdt, false);
}

static struct acpi_gas io_gas(uint16_t port, uint8_t bytes)
{
	return (struct acpi_gas){
		.space = ACPI_SPACE_IO,
		.bits = bytes * 8,
		.access = bytes == 4 ? 3 : bytes,
		.address = port,
	};
}

static void fadt_hardware(struct acpi_fadt *f)
{
	f->sci_int = X86_SCI_IRQ;
	f->pm1a_evt_blk = X86_PM_PORT + PM1_STS;
	f->pm1_evt_len = 4;
	f->pm1a_cnt_blk = X86_PM_PORT + PM1_CNT;
	f->pm1_cnt_len = 2;
	f->pm_tmr_blk = X86_PM_PORT + PM_TMR;
	f->pm_tmr_len = 4;
	f->x_pm1a_evt_blk = io_gas(f->pm1a_evt_blk, 4);
	f->x_pm1a_evt_blk.access = 2;	/* two registers of 16 bits */
	f->x_pm1a_cnt_blk = io_gas(f->pm1a_cnt_blk, 2);
	f->x_pm_tmr_blk = io_gas(f->pm_tmr_blk, 4);
	f->reset_reg = io_gas(X86_PM_PORT + PM_RESET, 1);
	f->reset_value = PM_RESET_VALUE;
	f->c2_latency = 0xfff;		/* there is neither C2 */
	f->c3_latency = 0xfff;		/* nor C3 */
	f->century = IS_ENABLED(CONFIG_RTC_CMOS) ? RTC_CENTURY : 0;
}

static void build_fadt(struct tables *t, uint64_t facs, uint64_t dsdt)
{
	struct acpi_fadt *f = take(t, sizeof(*f));

	if (!f)
		return;
	header(&f->header, "FACP", sizeof(*f), 6);
	f->minor_revision = 3;
	fadt_hardware(f);
	f->facs = facs;		/* all tables are below 4 GiB, and the spec */
	f->dsdt = dsdt;		/* wants only one of the two for FACS */
	f->x_dsdt = dsdt;
	f->flags = FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON |
		   FADT_FIX_RTC | FADT_TMR_VAL_EXT | FADT_RESET_REG_SUP;
	f->boot_arch = FADT_LEGACY_DEVICES | FADT_NO_VGA |
		       (IS_ENABLED(CONFIG_RTC_CMOS) ? 0 : FADT_NO_RTC);
	seal(t, f, true);
}

static void madt_cpu(struct tables *t, uint32_t id)
{
	struct madt_lapic *lapic;
	struct madt_x2apic *x2apic;

	/* Entries follow each other without gaps. */
	if (id < 255) {
		lapic = (void *)(t->host + t->used);
		*lapic = (struct madt_lapic){ 0, sizeof(*lapic), id, id, 1 };
		t->used += sizeof(*lapic);
		return;
	}
	x2apic = (void *)(t->host + t->used);
	*x2apic = (struct madt_x2apic){ 9, sizeof(*x2apic), 0, id, 1, id };
	t->used += sizeof(*x2apic);
}

/*
 * The in-kernel interrupt controllers: dual 8259, one IOAPIC; the PIT is on
 * pin 2, the SCI level and active high; NMI on every LAPIC's LINT1.
 */
static const struct madt_fixed madt_fixed = {
	.ioapic = { 1, sizeof(struct madt_ioapic), 0, 0, X86_IOAPIC_BASE, 0 },
	.pit = { 2, sizeof(struct madt_override), 0, 0, 2, 0 },
	.sci = { 2, sizeof(struct madt_override), 0, X86_SCI_IRQ, X86_SCI_IRQ,
		 MADT_LEVEL | MADT_ACTIVE_HIGH },
	.nmi = { 4, sizeof(struct madt_nmi), 0xff, 0, 1 },
};

static void build_madt(struct tables *t)
{
	unsigned int cpus = t->vm->cfg->cpus, id;
	struct acpi_madt *madt = take(t, sizeof(*madt));

	/* Room for the longest entry each, to have one check. */
	if (!madt ||
	    t->size - t->used < sizeof(madt_fixed) +
				cpus * sizeof(struct madt_x2apic)) {
		t->full = true;
		return;
	}
	madt->lapic_address = X86_LAPIC_BASE;
	madt->flags = MADT_PCAT_COMPAT;
	for (id = 0; id < cpus; id++)
		madt_cpu(t, id);
	memcpy(t->host + t->used, &madt_fixed, sizeof(madt_fixed));
	t->used += sizeof(madt_fixed);
	header(&madt->header, "APIC", t->host + t->used - (uint8_t *)madt, 5);
	seal(t, madt, true);
}

static void build_mcfg(struct tables *t)
{
	struct desc_range ecam;
	struct acpi_mcfg *mcfg;

	if (!dsdt_pci_ecam(t->vm, &ecam))
		return;
	mcfg = take(t, sizeof(*mcfg));
	if (!mcfg)
		return;
	header(&mcfg->header, "MCFG", sizeof(*mcfg), 1);
	mcfg->base = ecam.base;
	mcfg->end_bus = ecam.size / MiB - 1;
	seal(t, mcfg, true);
}

static uint64_t build_xsdt(struct tables *t)
{
	size_t len = sizeof(struct acpi_header) + t->nr * sizeof(t->list[0]);
	struct acpi_header *xsdt = take(t, len);

	if (!xsdt)
		return 0;
	header(xsdt, "XSDT", len, 1);
	memcpy(xsdt + 1, t->list, t->nr * sizeof(t->list[0]));
	return seal(t, xsdt, false);
}

static void fill_rsdp(struct acpi_rsdp *rsdp, uint64_t xsdt)
{
	memcpy(rsdp->signature, "RSD PTR ", 8);
	memcpy(rsdp->oem_id, "POSTRN", 6);
	rsdp->revision = 2;
	rsdp->length = sizeof(*rsdp);
	rsdp->xsdt = xsdt;
	rsdp->checksum = checksum(rsdp, offsetof(struct acpi_rsdp, length));
	rsdp->ext_checksum = checksum(rsdp, sizeof(*rsdp));
}

int acpi_build(struct vm *vm, uint64_t base, uint64_t size, uint64_t *out)
{
	struct tables t = {
		.vm = vm, .base = base, .size = size,
		.host = mem_at(&vm->mem, base, size),
	};
	struct acpi_rsdp *rsdp;
	uint64_t facs, dsdt, xsdt;
	int err = -EFAULT;

	if (!t.host)
		goto report;
	rsdp = take(&t, sizeof(*rsdp));
	facs = build_facs(&t);
	dsdt = build_dsdt(&t);
	build_fadt(&t, facs, dsdt);
	build_madt(&t);
	build_mcfg(&t);
	xsdt = build_xsdt(&t);
	err = -ENOSPC;
	if (t.full)
		goto report;
	fill_rsdp(rsdp, xsdt);
	*out = base;
	return 0;

report:
	log_err("acpi: no tables at 0x%llx: %s", (unsigned long long)base,
		err_text(err));
	return err;
}
