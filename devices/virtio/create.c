/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From options to devices; see create.h.
 */
#include <errno.h>
#include <string.h>

#include "devices/virtio/create.h"
#include "devices/virtio/kinds.h"
#include "devices/virtio/virtio.h"
#include "vmm/util.h"
#include "vmm/vm.h"

static const struct {
	const char *option;
	int (*create)(struct vm *vm, struct pci_host *host, const char *spec);
	bool at_once;		/* one device for all of its options */
} kinds[] = {
	{ "disk", IS_ENABLED(CONFIG_VIRTIO_DISK) ? disk_create : NULL, false },
	{ "net", IS_ENABLED(CONFIG_VIRTIO_NET) ? net_create : NULL, false },
	{ "rng", IS_ENABLED(CONFIG_VIRTIO_RNG) ? rng_create : NULL, true },
	{ "console", IS_ENABLED(CONFIG_VIRTIO_CONSOLE) ? ports_create : NULL,
	  true },
};

static bool first_of(const struct config *cfg, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!strcmp(cfg->virtio[i].option, cfg->virtio[nr].option))
			return false;
	return true;
}

static int create(struct vm *vm, struct pci_host *host, unsigned int nr)
{
	const struct virtio_config *c = &vm->cfg->virtio[nr];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!kinds[i].create || strcmp(kinds[i].option, c->option))
			continue;
		if (kinds[i].at_once && !first_of(vm->cfg, nr))
			return 0;
		return kinds[i].create(vm, host, c->value);
	}
	return -ENOTRECOVERABLE;
}

int virtio_create(struct vm *vm, struct pci_host *host, const char *option,
		  const char *value)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].create && !kinds[i].at_once &&
		    !strcmp(kinds[i].option, option))
			return kinds[i].create(vm, host, value);
	return -EDOM;
}

int virtio_create_all(struct vm *vm, struct pci_host *host)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < vm->cfg->nr_virtio && err >= 0; i++)
		err = create(vm, host, i);
	return err;
}

const char *virtio_option(const char *text, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(text, key, len))
		return NULL;
	if (text[len] == '=')
		return text + len + 1;
	return text[len] ? NULL : "";
}
