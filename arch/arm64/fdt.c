/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device tree; see fdt.h. What devices are comes from their descriptions,
 * the rest from the board. Linux: Documentation/devicetree/bindings, of the
 * nodes' compatible strings, and chosen.yaml of dt-schema.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arm64/board.h"
#include "arch/arm64/dt.h"
#include "arch/arm64/fdt.h"
#include "arch/arm64/overlay.h"
#include "arch/arm64/vcpu.h"
#include "devices/primecell.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

#define KEY_POWER 116		/* linux/input-event-codes.h */

/* ---- memory, processors, interrupts ------------------------------------- */

static void put_memory(struct dt *dt, const struct vm *vm)
{
	const struct mem_region *r;

	for (r = vm->mem.ram; r; r = r->next_ram) {
		dt_begin(dt, "memory@%llx", (unsigned long long)r->gpa);
		dt_string(dt, "device_type", "memory");
		dt_reg(dt, r->gpa, r->size);
		dt_end(dt);
	}
}

static void put_psci(struct dt *dt)
{
	dt_begin(dt, "psci");
	dt_label(dt, "psci", 0);
	dt_strings(dt, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	dt_string(dt, "method", "hvc");
	dt_end(dt);
}

/* A GICv2 wants to know for which processors, as bits. */
static uint32_t ppi_flags(const struct vm *vm)
{
	uint32_t cpus = vm->board->gic.version == 2 ? BIT(vm->nr_vcpus) - 1 : 0;

	return cpus << 8 | DT_LEVEL;
}

static void put_timer(struct dt *dt, const struct vm *vm)
{
	struct dt_cells irqs = { .nr = 0 };

	dt_irq(&irqs, DT_PPI, ARM64_PPI_TIMER_SECURE, ppi_flags(vm));
	dt_irq(&irqs, DT_PPI, ARM64_PPI_TIMER, ppi_flags(vm));
	dt_irq(&irqs, DT_PPI, ARM64_PPI_TIMER_VIRT, ppi_flags(vm));
	dt_irq(&irqs, DT_PPI, ARM64_PPI_TIMER_HYP, ppi_flags(vm));
	dt_begin(dt, "timer");
	dt_label(dt, "timer", 0);
	dt_string(dt, "compatible", "arm,armv8-timer");
	dt_cells(dt, "interrupts", &irqs);
	dt_empty(dt, "always-on");
	dt_end(dt);
}

static void put_pmu(struct dt *dt, const struct vm *vm)
{
	struct dt_cells irqs = { .nr = 0 };

	dt_irq(&irqs, DT_PPI, ARM64_PPI_PMU, ppi_flags(vm));
	dt_begin(dt, "pmu");
	dt_label(dt, "pmu", 0);
	dt_string(dt, "compatible", "arm,armv8-pmuv3");
	dt_cells(dt, "interrupts", &irqs);
	dt_end(dt);
}

static void put_its(struct dt *dt, const struct gic_range *its)
{
	dt_begin(dt, "msi-controller@%llx", (unsigned long long)its->base);
	dt_label(dt, "its", DT_MSI);
	dt_string(dt, "compatible", "arm,gic-v3-its");
	dt_empty(dt, "msi-controller");
	dt_u32(dt, "#msi-cells", 1);
	dt_reg(dt, its->base, its->size);
	dt_end(dt);
}

static void put_v2m(struct dt *dt, const struct gic *gic)
{
	dt_begin(dt, "v2m@%llx", (unsigned long long)gic->v2m.base);
	dt_label(dt, "v2m", DT_MSI);
	dt_string(dt, "compatible", "arm,gic-v2m-frame");
	dt_empty(dt, "msi-controller");
	dt_reg(dt, gic->v2m.base, gic->v2m.size);
	dt_u32(dt, "arm,msi-base-spi", ARM64_SPI_BASE + gic->v2m_line);
	dt_u32(dt, "arm,msi-num-spis", gic->v2m_lines);
	dt_end(dt);
}

static void put_gic(struct dt *dt, const struct gic *gic)
{
	struct dt_cells reg = { .nr = 0 };

	dt_cell64(&reg, gic->dist.base);
	dt_cell64(&reg, gic->dist.size);
	dt_cell64(&reg, gic->cpu.base);
	dt_cell64(&reg, gic->cpu.size);
	dt_begin(dt, "interrupt-controller@%llx",
		 (unsigned long long)gic->dist.base);
	dt_label(dt, "gic", DT_GIC);
	dt_string(dt, "compatible", gic->version == 3 ?
		  "arm,gic-v3" : "arm,cortex-a15-gic");
	dt_u32(dt, "#interrupt-cells", 3);
	dt_empty(dt, "interrupt-controller");
	dt_cells(dt, "reg", &reg);
	dt_u32(dt, "#address-cells", 2);
	dt_u32(dt, "#size-cells", 2);
	dt_empty(dt, "ranges");
	if (gic->its.size)
		put_its(dt, &gic->its);
	if (gic->v2m.size)
		put_v2m(dt, gic);
	dt_end(dt);
}

/* ---- devices ------------------------------------------------------------ */

static void put_clock(struct dt *dt)
{
	dt_begin(dt, "apb-pclk");
	dt_label(dt, "clk", DT_CLOCK);
	dt_string(dt, "compatible", "fixed-clock");
	dt_u32(dt, "#clock-cells", 0);
	dt_u32(dt, "clock-frequency", PRIMECELL_CLOCK_HZ);
	dt_string(dt, "clock-output-names", "clk24mhz");
	dt_end(dt);
}

/*
 * @first and, if it is a PrimeCell, what all of these are compatible with and
 * are clocked by.
 */
static void put_kind(struct dt *dt, const struct desc *desc)
{
	struct dt_cells clocks = { .nr = 0 };
	char both[64];
	size_t len = strlen(desc->compatible) + 1;

	if (!desc->primecell) {
		dt_string(dt, "compatible", desc->compatible);
		if (desc->clock_hz)
			dt_u32(dt, "clock-frequency", desc->clock_hz);
		if (desc->bank_width)
			dt_u32(dt, "bank-width", desc->bank_width);
		return;
	}
	memcpy(both, desc->compatible, len);
	memcpy(both + len, "arm,primecell", sizeof("arm,primecell"));
	dt_bytes(dt, "compatible", both, len + sizeof("arm,primecell"));
	if (desc->clock_hz)
		dt_cell(&clocks, DT_CLOCK);
	dt_cell(&clocks, DT_CLOCK);
	dt_cells(dt, "clocks", &clocks);
	if (desc->clock_hz)
		dt_strings(dt, "clock-names", "uartclk\0apb_pclk");
	else
		dt_string(dt, "clock-names", "apb_pclk");
}

static void put_gpio_lines(struct dt *dt)
{
	dt_empty(dt, "gpio-controller");
	dt_u32(dt, "#gpio-cells", 2);
	dt_empty(dt, "interrupt-controller");
	dt_u32(dt, "#interrupt-cells", 2);
	dt_u32(dt, "#address-cells", 0);
}

static void put_power_button(struct dt *dt, unsigned int gpio)
{
	struct dt_cells gpios = { .nr = 0 };

	dt_cell(&gpios, DT_GPIO);
	dt_cell(&gpios, gpio);
	dt_cell(&gpios, 0);	/* active high */
	dt_begin(dt, "gpio-keys");
	dt_string(dt, "compatible", "gpio-keys");
	dt_begin(dt, "power-button");
	dt_string(dt, "label", "power button");
	dt_u32(dt, "linux,code", KEY_POWER);
	dt_cells(dt, "gpios", &gpios);
	dt_end(dt);
	dt_end(dt);
}

static void put_simple(struct dt *dt, const struct desc *desc)
{
	const struct desc_range *reg = &desc->ranges[0];
	struct dt_cells irq = { .nr = 0 };
	char label[16];

	snprintf(label, sizeof(label), "%s%u", desc->name, desc->index);
	dt_begin(dt, "%s@%llx", desc->name, (unsigned long long)reg->base);
	dt_label(dt, label, desc->gpios ? DT_GPIO : 0);
	put_kind(dt, desc);
	dt_reg(dt, reg->base, reg->size);
	if (desc->irq >= 0) {
		dt_irq(&irq, DT_SPI, desc->irq,
		       desc->irq_level ? DT_LEVEL : DT_EDGE);
		dt_cells(dt, "interrupts", &irq);
	}
	if (desc->gpios)
		put_gpio_lines(dt);
	dt_end(dt);
	if (desc->gpios)
		put_power_button(dt, desc->power_gpio);
}

static void put_device(struct dt *dt, const struct device *dev)
{
	struct desc desc = { .irq = -1 };

	if (dev->ops->describe)
		dev->ops->describe(dev, &desc);
	if (!desc.compatible || desc.ranges[0].kind != DESC_MMIO)
		return;
	if (desc.intx_nr)
		dt_pci(dt, &desc);
	else
		put_simple(dt, &desc);
}

/* The list has the newest first, a tree is read from the top. */
static void put_devices(struct dt *dt, const struct device *dev)
{
	if (!dev)
		return;
	put_devices(dt, dev->next);
	put_device(dt, dev);
}

/* ---- what this start of the guest is told ------------------------------- */

struct seeds {
	uint64_t kaslr;
	uint8_t rng[64];
};

/* The one serial port, whatever it is: its path, or NULL. */
static const char *console_path(const struct dt *dt)
{
	unsigned int i;

	for (i = 0; i < dt->nr_labels; i++)
		if (!strcmp(dt->labels[i].name, "serial0"))
			return dt->labels[i].path;
	return NULL;
}

static void put_chosen(struct dt *dt, const struct dt_boot *boot,
		       const struct seeds *seeds)
{
	const char *console = console_path(dt);

	dt_begin(dt, "chosen");
	dt_label(dt, "chosen", 0);
	dt_string(dt, "bootargs", boot->append);
	if (console)
		dt_string(dt, "stdout-path", console);
	if (boot->initrd_size) {
		dt_u64(dt, "linux,initrd-start", boot->initrd);
		dt_u64(dt, "linux,initrd-end",
		       boot->initrd + boot->initrd_size);
	}
	dt_u64(dt, "kaslr-seed", seeds->kaslr);
	dt_bytes(dt, "rng-seed", seeds->rng, sizeof(seeds->rng));
	dt_end(dt);
}

static void put_aliases(struct dt *dt)
{
	const char *console = console_path(dt);

	dt_begin(dt, "aliases");
	if (console)
		dt_string(dt, "serial0", console);
	dt_end(dt);
}

static void put_root(struct dt *dt, const struct vm *vm,
		     const struct dt_boot *boot, const struct seeds *seeds)
{
	dt_string(dt, "model", "Postern");
	dt_strings(dt, "compatible", "postern,virt\0linux,dummy-virt");
	dt_u32(dt, "#address-cells", 2);
	dt_u32(dt, "#size-cells", 2);
	dt_u32(dt, "interrupt-parent", DT_GIC);
	put_memory(dt, vm);
	dt_cpus(dt, vm);
	put_psci(dt);
	put_timer(dt, vm);
	if (vm_has_pmu(vm))
		put_pmu(dt, vm);
	put_gic(dt, &vm->board->gic);
	put_clock(dt);
	put_devices(dt, vm->devices);
	put_aliases(dt);
	put_chosen(dt, boot, seeds);
}

static int get_seeds(struct seeds *seeds)
{
	int err = sys_random(seeds, sizeof(*seeds));

	if (err < 0)
		log_err("device tree: no random numbers: %s", err_text(err));
	return err;
}

static int write_tree(struct vm *vm, const struct dt_boot *boot, void *blob)
{
	struct seeds seeds;
	struct dt *dt;
	int err = get_seeds(&seeds);

	if (err < 0)
		return err;
	dt = malloc(sizeof(*dt));
	if (!dt)
		return -ENOMEM;
	dt_open(dt, blob, DT_MAX);
	put_root(dt, vm, boot, &seeds);
	err = dt_close(dt);
	free(dt);
	if (!err)
		return 0;
	log_err("device tree: %s", err == -FDT_ERR_NOSPACE ?
		"larger than 2 MiB" : fdt_strerror(err));
	return err == -FDT_ERR_NOSPACE ? -ENOEXEC : -ENOTRECOVERABLE;
}

static int start_devices(const struct vm *vm, void *blob)
{
	struct device *dev;
	int err = 0;

	for (dev = vm->devices; dev && err >= 0; dev = dev->next)
		if (dev->ops->start)
			err = dev->ops->start(dev, blob);
	return MIN(err, 0);
}

/* The whole is there, and those who know better what they are add to it. */
static int complete(const struct vm *vm, void *blob)
{
	int err;

	if (fdt_open_into(blob, blob, DT_MAX))
		return -ENOTRECOVERABLE;
	err = start_devices(vm, blob);
	if (!err && fdt_pack(blob))
		return -ENOTRECOVERABLE;
	return err;
}

/* What an overlay has in a seed's place, of another length, stays. */
static int build_again(struct vm *vm, void *blob)
{
	int chosen = fdt_path_offset(blob, "/chosen"), err;
	struct seeds seeds;

	err = get_seeds(&seeds);
	if (err < 0)
		return err;
	fdt_setprop_inplace_u64(blob, chosen, "kaslr-seed", seeds.kaslr);
	fdt_setprop_inplace(blob, chosen, "rng-seed", seeds.rng,
			    sizeof(seeds.rng));
	return start_devices(vm, NULL);
}

int dt_build(struct vm *vm, const struct dt_boot *boot, void **blob)
{
	int err;

	if (*blob)
		return build_again(vm, *blob);
	*blob = calloc(1, DT_MAX);
	if (!*blob)
		return -ENOMEM;
	err = write_tree(vm, boot, *blob);
	if (!err)
		err = overlays_apply(vm->cfg, *blob, DT_MAX);
	if (!err)
		err = complete(vm, *blob);
	if (!err)
		return 0;
	free(*blob);
	*blob = NULL;
	return err;
}
