/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user says of an assigned platform device: the value of
 * --vfio-platform, "DEVICE[,dt=PATH|label=NAME]", taken apart.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devices/vfio/platform_priv.h"
#include "vmm/log.h"

/* Other names for the same place, and where it really is. */
static const char *const trees[] = { PLATFORM_TREE, "/proc/device-tree" };

static const char *set_dt(struct platform_spec *spec, const char *path)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(trees); i++) {
		len = strlen(trees[i]);
		if (!strncmp(path, trees[i], len) && path[len] == '/') {
			path += len;
			break;
		}
	}
	if (path[0] != '/' || !path[1])
		return "dt is the path of a node in the host's device tree";
	len = snprintf(spec->dt, sizeof(spec->dt), PLATFORM_TREE "%s", path);
	return len < sizeof(spec->dt) ? NULL : "dt is too long";
}

static const char *set_label(struct platform_spec *spec, const char *label)
{
	size_t len = snprintf(spec->label, sizeof(spec->label), "%s", label);

	return len && len < sizeof(spec->label) ? NULL :
		"label is that of a node in an overlay";
}

static const char *set_key(struct platform_spec *spec, const char *text)
{
	if (strchr(text, ','))
		return "either dt or label, and no more";
	if (!strncmp(text, "dt=", 3))
		return set_dt(spec, text + 3);
	if (!strncmp(text, "label=", 6))
		return set_label(spec, text + 6);
	return "unknown key";
}

static const char *parse(const char *text, struct platform_spec *spec)
{
	size_t len = strcspn(text, ",");
	char name[SYSFS_PATH];

	*spec = (struct platform_spec){ .name = "" };
	if (len >= sizeof(name))
		return "too long";
	memcpy(name, text, len);
	name[len] = '\0';
	if (sysfs_name(name, spec->name) < 0)
		return "not the name of a platform device";
	if (!sysfs_is_platform(spec->name))
		return "not a platform device: --vfio is for it";
	return text[len] ? set_key(spec, text + len + 1) : NULL;
}

int platform_spec_parse(const char *text, struct platform_spec *spec)
{
	const char *why = parse(text, spec);

	if (!why)
		return 0;
	log_err("vfio-platform: %s: %s", text, why);
	log_hint("--vfio-platform DEVICE[,dt=PATH|label=NAME], "
		 "such as 9010000.pl031; see postern devices");
	return -EDOM;
}
