/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract's world as it is: /dev/kvm, and the device that CONTRACT_DEVICE
 * names, which vfio-pci has. CONTRACT_WAYS are those that this host has; see
 * contract.h.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "contract.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/config.h"
#include "vmm/util.h"
#include "vmm/vm.h"

static struct config nothing;
static uint64_t before;

/* Whichever counter this way has: VmLck and VmPin, in bytes, the larger. */
static uint64_t pinned(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	unsigned long kib, most = 0;
	char line[256];

	CHECK(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "VmLck: %lu kB", &kib) == 1 ||
		    sscanf(line, "VmPin: %lu kB", &kib) == 1)
			most = MAX(most, kib);
	fclose(file);
	return most * KiB;
}

static bool listed(const char *list, const char *way)
{
	size_t len = strlen(way);
	const char *at;

	for (at = list; at && (at = strstr(at, way)); at += len)
		if ((at == list || at[-1] == ' ') &&
		    (at[len] == ' ' || !at[len]))
			return true;
	return false;
}

const char *world_begin(const char *way, struct vm *vm)
{
	const char *device = getenv("CONTRACT_DEVICE");

	if (!listed(getenv("CONTRACT_WAYS"), way))
		SKIP("not in CONTRACT_WAYS");
	if (!device)
		test_failed(__FILE__, __LINE__, "no CONTRACT_DEVICE");
	CHECK_EQ(fake_vm_create(vm, &nothing, 4 * MiB), 0);
	before = pinned();
	return device;
}

void world_end(struct vm *vm)
{
	fake_vm_destroy(vm);
}

uint64_t world_pinned(void)
{
	return pinned() - before;
}

/* On x86 the processor's own; MSI_IOVA_BASE of Linux's drivers of SMMUs. */
uint64_t world_msi(void)
{
	return IS_ENABLED(CONFIG_ARM64) ? 0x8000000 : 0xfee00000;
}

void world_memlock(uint64_t bytes)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];
	const struct rlimit limit = { before + bytes, before + bytes };

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	CHECK_EQ(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	data[0].permitted &= ~(1U << CAP_IPC_LOCK);
	CHECK_EQ(syscall(SYS_capset, &header, data), 0);
}
