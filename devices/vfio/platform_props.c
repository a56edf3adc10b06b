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

/*
 * A * stands for any beginning or end. Words in one piece, with a NUL behind
 * each, because a pointer to each would be larger than it.
 */
static const char dropped[] =
	/* the guest's own: where it is, how it is wired, what it is called */
	"reg\0ranges\0dma-ranges\0interrupts\0interrupts-extended\0"
	"interrupt-parent\0interrupt-map\0interrupt-map-mask\0status\0name\0"
	"phandle\0linux,phandle\0"
	/* clocks are replaced, see platform_clocks.c */
	"clocks\0clock-names\0assigned-clock*\0"
	/* what the host keeps running for it */
	"resets\0reset-names\0power-domains\0power-domain-names\0"
	"performance-domains\0performance-domain-names\0required-opps\0"
	"operating-points*\0pinctrl-*\0*-supply\0power-supplies\0"
	"interconnects\0interconnect-names\0access-controllers\0"
	"access-controller-names\0cooling-device\0thermal-sensors\0"
	"post-init-providers\0cpus\0next-level-cache\0"
	/* how its DMA and its MSIs go */
	"iommus\0iommu-map*\0iommu-addresses\0msi-parent\0msi-map*\0"
	"memory-region\0memory-region-names\0"
	/* other devices */
	"dmas\0dma-names\0phys\0phy-names\0phy-handle\0phy\0usb-phy\0"
	"pcs-handle*\0mboxes\0mbox-names\0shmem\0hwlocks\0hwlock-names\0"
	"io-channels\0io-channel-names\0io-backends\0io-backend-names\0nvmem\0"
	"nvmem-names\0nvmem-cells\0nvmem-cell-names\0mux-controls\0"
	"mux-control-names\0mux-states\0mux-state-names\0extcon\0"
	"wakeup-parent\0pwms\0pwm-names\0leds\0backlight\0panel\0pses\0"
	"trigger-sources\0sound-dai\0sram\0syscon\0*-syscon\0mmc-pwrseq\0"
	"ddc-i2c-bus\0i2c-parent\0i2c-bus\0sfp\0remote-endpoint\0gpio\0gpios\0"
	"*-gpio\0*-gpios\0";

/* Numbers that look like references. */
static const char kept[] = "*,nr-gpios\0";

/* Nodes that lead to other devices: of_graph. */
static const char dropped_children[] = "port\0ports\0port@*\0";

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

static bool is_one_of(const char *name, const char *patterns)
{
	for (; *patterns; patterns += strlen(patterns) + 1)
		if (matches(patterns, name))
			return true;
	return false;
}

bool platform_prop_kept(const char *name)
{
	return is_one_of(name, kept) || !is_one_of(name, dropped);
}

bool platform_child_kept(const char *name)
{
	return !is_one_of(name, dropped_children);
}
