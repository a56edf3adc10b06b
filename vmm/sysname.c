/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks up words for ioctl requests in the tables of the interfaces that
 * this program was built with; see sysname.h.
 */
#include <string.h>

#include "vmm/sysname.h"

static const struct sys_word *const tables[] = {
	sys_words_kvm,
	sys_words_arch,
	IS_ENABLED(CONFIG_VFIO_CONTAINER) ? sys_words_container : NULL,
	IS_ENABLED(CONFIG_VFIO_GROUP) ? sys_words_group : NULL,
	IS_ENABLED(CONFIG_VFIO) ? sys_words_vfio : NULL,
	IS_ENABLED(CONFIG_IOMMUFD) ? sys_words_iommufd : NULL,
};

static uint64_t field_value(const struct sys_field *field, const void *arg)
{
	uint64_t value = 0;

	/* little-endian hosts only, as KVM's x86 and arm64 are */
	memcpy(&value, (const char *)arg + field->offset, field->size);
	return value;
}

static bool word_fits(const struct sys_word *word, unsigned long request,
		      const void *arg)
{
	uint32_t argsz;

	if (word->request != request)
		return false;
	if (!word->fits)
		return true;
	if (!arg)
		return false;
	memcpy(&argsz, arg, sizeof(argsz));
	return word->fits(argsz);
}

static const struct sys_word *find(unsigned long request, const void *arg)
{
	const struct sys_word *word;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (word = tables[i]; word && word->name; word++)
			if (word_fits(word, request, arg))
				return word;
	return NULL;
}

void sys_name(char *buf, size_t size, unsigned long request, const void *arg)
{
	const struct sys_word *word = find(request, arg);
	const struct sys_field *field;
	size_t len;

	if (!word) {
		snprintf(buf, size, "0x%lx", request);
		return;
	}
	len = snprintf(buf, size, "%s", word->name);
	if (!arg)
		return;
	for (field = word->fields;
	     field < word->fields + ARRAY_SIZE(word->fields) && field->name[0] &&
	     len < size; field++)
		len += snprintf(buf + len, size - len, " %s=0x%llx",
				field->name, (unsigned long long)
				field_value(field, arg));
}
