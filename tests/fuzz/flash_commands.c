/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes flash: any writes and reads, with a file of any size behind it, which
 * may be read-only. What the guest sees is always what is in the file, and
 * ones behind it.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/flash.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define BASE 0x4000000ULL
#define BANK (2 * FLASH_SECTOR)

static uint8_t content[BANK];

static const uint8_t commands[] = {
	0xff, 0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0, 0xe8, 0x01,
	0x00, 0x2f, 0xf0, 0xb0,
};

static struct flash_config bank = { .base = BASE, .size = BANK };

static uint64_t a_value(struct input *in, unsigned int kind, unsigned int len)
{
	uint64_t val = take(in, 1);

	switch (kind) {
	case 0:
		return commands[val % ARRAY_SIZE(commands)];
	case 1:		/* a few words for the buffer */
		return val % 8;
	default:
		return take(in, len);
	}
}

static void access(struct vm *vm, struct input *in)
{
	uint8_t op = take(in, 1);
	unsigned int len = 1 << op % 4;
	uint64_t offset = take(in, 3) % (BANK - len + 1);

	if (op & 0x40)
		offset &= ~(uint64_t)0xffc;	/* more often the same */
	if (op & 4)
		bus_write(&vm->mmio, BASE + offset,
			  a_value(in, op >> 3 & 3, len), len);
	else
		bus_read(&vm->mmio, BASE + offset, len);
}

static void same(size_t size, bool readonly)
{
	const uint8_t *seen = fake_slot_at(BASE);
	const char *file = fake_text("/flash");
	size_t i;

	MUST(seen);
	MUST(!memcmp(seen, file, size));
	MUST(!readonly || !memcmp(file, content, size));
	for (i = size; i < BANK; i++)
		MUST(seen[i] == 0xff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const struct config cfg = { .quiet = true };
	struct input in = { data, length };
	bool readonly = take(&in, 1) & 1;
	size_t size = take(&in, 3) % BANK + 1;
	struct vm vm;

	memset(content, 0xf5, sizeof(content));
	fake_begin();
	fake_blob("/flash", content, size);
	MUST(fake_vm_create(&vm, &cfg, 64 * KiB) == 0);
	bank.spec = readonly ? "/flash,ro" : "/flash";
	MUST(flash_create(&vm, &bank) == 0);
	while (in.len)
		access(&vm, &in);
	devices_reset(&vm);
	same(size, readonly);
	devices_destroy(&vm);
	fake_vm_destroy(&vm);
	fake_end();
	return 0;
}
