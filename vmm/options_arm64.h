/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of the option table that only arm64 has; see options.c, which alone
 * includes this.
 */
#ifndef VMM_OPTIONS_ARM64_H
#define VMM_OPTIONS_ARM64_H

#include "vmm/util.h"

#if IS_ENABLED(CONFIG_ARM64)
#define OPTIONS_ARM64 \
	{ "cpu-features", 0, KIND_STRING, "LIST", \
	  "sve, pauth, pmu, each with =on or =off [what is there, pmu=off]", \
	  RUN, FIELD(cpu_features) }, \
	{ "flash", 0, KIND_FLASH, "FILE[,ro]", \
	  "what is in the next bank of flash; run if there is no kernel", \
	  RUN_IF(IS_ENABLED(CONFIG_FLASH_CFI)), FIELD(flash) }, \
	{ "vfio-platform", 0, KIND_PLATFORM, "DEVICE", \
	  "assign this platform or AMBA device; may be repeated", \
	  RUN_IF(IS_ENABLED(CONFIG_VFIO_PLATFORM)), FIELD(vfio_platform) }, \
	{ "dump-dtb", 0, KIND_STRING, "FILE", \
	  "write the guest's device tree to FILE, and do not run", RUN, \
	  FIELD(dump_dtb) }, \
	{ "dtb-overlay", 0, KIND_OVERLAY, "FILE", \
	  "apply this overlay to the device tree; may be repeated", RUN, \
	  FIELD(dtb_overlay) },
#else
#define OPTIONS_ARM64
#endif

#endif
