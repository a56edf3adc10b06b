/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in a bank of flash, and its file; private to flash*.c. Nothing in
 * here is locked.
 */
#ifndef DEVICES_FLASH_PRIV_H
#define DEVICES_FLASH_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flash_store {
	char *path;
	bool readonly;
	bool warned;		/* of a file that can't be written */
	int fd;
	uint64_t size;		/* of the bank */
	uint64_t file_size;
	uint8_t *hva;		/* all of it; no writing beyond file_size */
	uint8_t *erased;	/* a sector that is */
};

/*
 * flash_store_open - what @spec (FILE[,ro]) says, in a bank of @size bytes.
 * Prints its errors.
 */
int flash_store_open(struct flash_store *store, const char *spec,
		     uint64_t size);
void flash_store_close(struct flash_store *store);

/*
 * flash_store_program - make zeroes of ones, where @data has zeroes; @len at
 * most FLASH_BUFFER, all within the bank. flash_store_erase - make ones of the
 * sector at @offset. In the file first, so that what failed has not been.
 * -EROFS: read-only; -ENOSPC: zeroes beyond the file; else what pwrite(2)
 * says, of which there is a warning, once.
 */
int flash_store_program(struct flash_store *store, uint64_t offset,
			const void *data, size_t len);
int flash_store_erase(struct flash_store *store, uint64_t offset);

#endif
