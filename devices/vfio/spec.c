/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the user says of an assigned device, "ADDRESS[,KEY=VALUE]...": one
 * table of keys.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/vfio/spec.h"
#include "devices/pci/pci.h"
#include "vmm/log.h"
#include "vmm/util.h"

static const char *set_slot(struct vfio_spec *spec, const char *val)
{
	unsigned long slot;
	char *end;

	slot = strtoul(val, &end, 10);
	if (*end || *val < '0' || *val > '9' || !slot || slot >= PCI_SLOTS)
		return "slot is a number from 1 to 31";
	spec->devfn = slot << 3;
	return NULL;
}

static const char *set_rom(struct vfio_spec *spec, const char *val)
{
	spec->rom_off = !strcmp(val, "off");
	if (!*val || strlen(val) >= sizeof(spec->rom))
		return "rom is off or a file";
	if (!spec->rom_off)
		snprintf(spec->rom, sizeof(spec->rom), "%s", val);
	return NULL;
}

/* The index of @val in @words, which a NULL ends, or -1. */
static int one_of(const char *const *words, const char *val)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], val))
			return i;
	return -1;
}

static const char *set_reset(struct vfio_spec *spec, const char *val)
{
	static const char *const words[] = { "auto", "flr", "bus", "none",
					     NULL };
	int how = one_of(words, val);

	if (how < 0)
		return "reset is one of auto, flr, bus, none";
	spec->reset = how;
	return NULL;
}

static const char *set_power(struct vfio_spec *spec, const char *val)
{
	static const char *const words[] = { "on", "auto", NULL };
	int how = one_of(words, val);

	if (how < 0)
		return "power is on or auto";
	spec->low_power = how;
	return NULL;
}

static const char *set_token(struct vfio_spec *spec, const char *val)
{
	if (!IS_ENABLED(CONFIG_VFIO_TOKEN))
		return "unknown key";
	return sysfs_uuid(val, spec->token) < 0 ? "vf-token is a uuid" : NULL;
}

static const struct {
	const char *name;
	const char *(*set)(struct vfio_spec *spec, const char *val);
} keys[] = {
	{ "slot", set_slot },
	{ "rom", set_rom },
	{ "reset", set_reset },
	{ "power", set_power },
	{ "vf-token", set_token },
};

static const char *set_key(struct vfio_spec *spec, char *text)
{
	char *val = strchr(text, '=');
	size_t i;

	if (!val)
		return "a key has a value: KEY=VALUE";
	*val++ = '\0';
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].name, text))
			return keys[i].set(spec, val);
	return "unknown key";
}

#define NO_ADDRESS \
	(IS_ENABLED(CONFIG_VFIO_MDEV) ? \
	 "not a pci address or a mediated device's uuid" : "not a pci address")

static const char *set_name(struct vfio_spec *spec, const char *text)
{
	unsigned long group;
	char *end;

	if (!strncmp(text, "group:", 6)) {
		group = strtoul(text + 6, &end, 10);
		if (*end || text[6] < '0' || text[6] > '9' || group > INT32_MAX)
			return "a group is a number: group:12";
		spec->group = group;
		return NULL;
	}
	return sysfs_addr(text, spec->addr) < 0 ? NO_ADDRESS : NULL;
}

static int bad_spec(const char *text, const char *why)
{
	log_err("vfio: %s: %s", text, why);
	log_hint("--vfio ADDRESS[,slot=N][,rom=off|FILE]"
		 "[,reset=auto|flr|bus|none][,power=on|auto]%s, "
		 "such as 0000:01:00.0; see postern devices",
		 IS_ENABLED(CONFIG_VFIO_TOKEN) ? "[,vf-token=UUID]" : "");
	return -EDOM;
}

int vfio_spec_parse(const char *text, struct vfio_spec *spec)
{
	char copy[2 * SYSFS_PATH], *at = copy, *next;
	const char *why;

	*spec = (struct vfio_spec){ .group = -1, .devfn = -1 };
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return bad_spec(text, "too long");
	next = strchr(at, ',');
	if (next)
		*next++ = '\0';
	why = set_name(spec, at);
	while (!why && next) {
		at = next;
		next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		why = set_key(spec, at);
	}
	return why ? bad_spec(text, why) : 0;
}
