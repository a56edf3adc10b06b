/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what is made of words: the command line, sizes, PCI addresses, the
 * value of --vfio, and the texts and links of sysfs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/pci/pci.h"
#include "devices/vfio/vfio.h"
#include "iommu/sysfs.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/options.h"
#include "vmm/status.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define ADDR "0000:01:00.0"
#define DEVICE SYSFS_PCI "devices/" ADDR "/"
#define WORDS 24

/* options_parse() ends the program, which here leads back. */
static void options(struct input *in)
{
	static char program[] = "postern";
	static char words[WORDS][64];
	static struct command_line line;
	char *argv[WORDS + 2] = { program };
	int argc = 1, status;
	jmp_buf back;

	while (in->len && argc <= WORDS) {
		take_text(in, words[argc - 1], sizeof(words[0]));
		argv[argc] = words[argc - 1];
		argc++;
	}
	exit_back = &back;
	status = setjmp(back) - 1;
	if (status < 0) {
		options_parse(&line, argc, argv);
		MUST(line.command < CMD_NR);
		MUST(line.cfg.nr_vfio <= CONFIG_VFIO_MAX);
		MUST(line.nr_args <= WORDS);
	} else {
		MUST(status == STATUS_OK || status == STATUS_USAGE);
	}
	exit_back = NULL;
}

static void size(struct input *in)
{
	uint64_t bytes;
	char text[64];

	take_text(in, text, sizeof(text));
	if (parse_size(text, &bytes) == 0)
		MUST(text[0] >= '0' && text[0] <= '9');
}

/* An address in full names itself. */
static void address(struct input *in)
{
	char text[64], addr[SYSFS_ADDR], again[SYSFS_ADDR];

	take_text(in, text, sizeof(text));
	if (sysfs_addr(text, addr) < 0)
		return;
	MUST(strnlen(addr, sizeof(addr)) < sizeof(addr));
	MUST(sysfs_addr(addr, again) == 0 && !strcmp(addr, again));
}

static int count(void *arg, const struct sysfs_device *dev)
{
	(void)dev;
	++*(unsigned int *)arg;
	return 0;
}

static void sysfs(struct input *in)
{
	static const char *const files[] = {
		"vendor", "device", "class", "driver_override",
		"vfio-dev/vfio0/dev",
	};
	struct sysfs_device dev, other;
	char text[600], who[40];
	unsigned int i, n = 0;
	uint8_t which;

	fake_begin();
	which = take(in, 1);
	fake_pci(ADDR, 0x1234, 0x11e8, 0xff0000, which & 1 ? -1 : 1,
		 which & 2 ? "nvme" : "vfio-pci");
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		char path[SYSFS_PATH];

		if (!(which >> i & 4))
			continue;
		take_text(in, text, sizeof(text));
		snprintf(path, sizeof(path), DEVICE "%s", files[i]);
		fake_file(path, text);
	}
	if (which & 0x80) {
		take_text(in, text, sizeof(text));
		fake_link(take(in, 1) & 1 ? DEVICE "driver" :
					    DEVICE "iommu_group", text);
	}
	if (sysfs_device(ADDR, &dev) == 0) {
		MUST(!strcmp(dev.addr, ADDR));
		MUST(strnlen(dev.driver, SYSFS_NAME) < SYSFS_NAME);
		MUST(strnlen(dev.node, SYSFS_NAME) < SYSFS_NAME);
		sysfs_intruder(&dev, &other);
		sysfs_members(dev.group, count, &n);
		sysfs_holder(&dev, who, sizeof(who));
	}
	fake_end();
}

static void spec(struct input *in)
{
	static const struct pci_layout layout = {
		.ecam = 0xe0000000, .mem32_base = 0xc0000000,
		.mem32_size = 0x10000000,
	};
	struct config cfg = { .quiet = true };
	struct pci_host *host;
	struct vm vm;
	char text[64];

	take_text(in, text, sizeof(text));
	fake_begin();
	fake_pci_nvme(ADDR, 1);
	MUST(fake_vm_create(&vm, &cfg, 64 * KiB) == 0);
	MUST(pci_host_create(&vm, &layout, &host) == 0);
	if (vfio_pci_create(&vm, host, text) < 0)
		MUST(!vm.iommu);
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct input in = { data, length };

	switch (take(&in, 1) % 5) {
	case 0:
		options(&in);
		break;
	case 1:
		size(&in);
		break;
	case 2:
		address(&in);
		break;
	case 3:
		sysfs(&in);
		break;
	case 4:
		spec(&in);
		break;
	}
	return 0;
}
