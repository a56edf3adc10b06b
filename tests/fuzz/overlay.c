/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what becomes of a file that is given as an overlay: it is refused, or
 * the tree is well formed afterwards. The size in the file's header is made to
 * be true, which few inputs would be past otherwise.
 */
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/arm64/dt.h"
#include "arch/arm64/overlay.h"
#include "tests/fake/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vmm/config.h"

#define SIZE (64 * KiB)

static struct dt dt;
static uint8_t base[SIZE], tree[SIZE], file[SIZE];

static void once(void)
{
	if (fdt_magic(base) == FDT_MAGIC)
		return;
	fake_begin();
	dt_open(&dt, base, SIZE);
	dt_begin(&dt, "bus@1000");
	dt_label(&dt, "bus0", 0);
	dt_u32(&dt, "value", 1);
	dt_begin(&dt, "child");
	dt_label(&dt, "child0", 0);
	dt_end(&dt);
	dt_end(&dt);
	MUST(dt_close(&dt) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config cfg = { .nr_dtb_overlay = 1 };
	char path[16];
	int fd;

	once();
	memcpy(tree, base, SIZE);
	size = MIN(size, SIZE);
	memcpy(file, data, size);
	if (size >= sizeof(struct fdt_header))
		fdt_set_totalsize(file, size);
	fd = memfd_create("overlay", MFD_CLOEXEC);
	MUST(fd >= 0 && write(fd, file, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "fd:%d", fd);
	cfg.dtb_overlay[0] = path;
	if (overlays_apply(&cfg, tree, SIZE) == 0)
		MUST(fdt_check_full(tree, SIZE) == 0);
	close(fd);
	return 0;
}
