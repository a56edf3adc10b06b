/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a node of the host's device tree a guest can use: not what points at
 * other nodes, as the guest has others; and not what the guest is given of its
 * own. By name, as nothing in a tree tells a phandle from a number. Devicetree
 * Specification 0.4, chapter 2; dt-schema's bindings of consumers; Linux:
 * drivers/of/property.c (of_supplier_bindings).
 */
#include <string.h>

#include "devices/vfio/platform_priv.h"

/* A * stands for any beginning or end. */
static const char *const dropped[] = {
	/* the guest's own: where it is, how it is wired, what it is called */
	"reg", "ranges", "dma-ranges", "interrupts", "interrupts-extended",
	"interrupt-parent", "interrupt-map", "interrupt-map-mask", "status",
	"name", "phandle", "linux,phandle",
	/* clocks are replaced, see platform_clocks.c */
	"clocks", "clock-names", "assigned-clock*",
	/* what the host keeps running for it */
	"resets", "reset-names", "power-domains", "power-domain-names",
	"performance-domains", "performance-domain-names", "required-opps",
	"operating-points*", "pinctrl-*", "*-supply", "power-supplies",
	"interconnects", "interconnect-names", "access-controllers",
	"access-controller-names", "cooling-device", "thermal-sensors",
	"post-init-providers", "cpus", "next-level-cache",
	/* how its DMA and its MSIs go */
	"iommus", "iommu-map*", "iommu-addresses", "msi-parent", "msi-map*",
	"memory-region", "memory-region-names",
	/* other devices */
	"dmas", "dma-names", "phys", "phy-names", "phy-handle", "phy",
	"usb-phy", "pcs-handle*", "mboxes", "mbox-names", "shmem", "hwlocks",
	"hwlock-names", "io-channels", "io-channel-names", "io-backends",
	"io-backend-names", "nvmem", "nvmem-names", "nvmem-cells",
	"nvmem-cell-names", "mux-controls", "mux-control-names",
	"mux-states", "mux-state-names", "extcon", "wakeup-parent", "pwms",
	"pwm-names", "leds", "backlight", "panel", "pses",
	"trigger-sources", "sound-dai", "sram", "syscon", "*-syscon",
	"mmc-pwrseq", "ddc-i2c-bus", "i2c-parent", "i2c-bus", "sfp",
	"remote-endpoint", "gpio", "gpios", "*-gpio", "*-gpios",
};

/* Numbers that look like references. */
static const char *const kept[] = { "*,nr-gpios" };

/* Nodes that lead to other devices: of_graph. */
static const char *const dropped_children[] = { "port", "ports", "port@*" };

static bool matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern), has = strlen(name);

	if (pattern[0] == '*')
		return has >= len - 1 &&
		       !strcmp(name + has - (len - 1), pattern + 1);
	if (pattern[len - 1] == '*')
		return !strncmp(name, pattern, len - 1);
	return !strcmp(name, pattern);
}

static bool is_one_of(const char *name, const char *const *patterns, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (matches(patterns[i], name))
			return true;
	return false;
}

bool platform_prop_kept(const char *name)
{
	return is_one_of(name, kept, ARRAY_SIZE(kept)) ||
	       !is_one_of(name, dropped, ARRAY_SIZE(dropped));
}

bool platform_child_kept(const char *name)
{
	return !is_one_of(name, dropped_children,
			  ARRAY_SIZE(dropped_children));
}
