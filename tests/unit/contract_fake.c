/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The contract's world made of the fake kernel; see contract.h.
 */
#include <string.h>

#include "contract.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "ways.h"

static struct config nothing;

const char *world_begin(const char *name, struct vm *machine)
{
	const struct words *const *w = ways;

	while (*w && strcmp(way_name(*w), name))
		w++;
	CHECK(*w);
	fake_begin();
	host_as(*w);
	fake_pci_nvme(DEV, 1);
	CHECK_EQ(fake_vm_create(machine, &nothing, RAM), 0);
	return DEV;
}

void world_end(struct vm *machine)
{
	fake_vm_destroy(machine);
	fake_end();
}

uint64_t world_pinned(void)
{
	return fake_pinned();
}

uint64_t world_msi(void)
{
	return 0xfee00000;
}

void world_memlock(uint64_t bytes)
{
	fake_host()->cap_ipc_lock = false;
	fake_host()->memlock = bytes;
}
