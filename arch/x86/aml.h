/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An encoder of ACPI Machine Language, as much as the board's DSDT needs:
 * scopes, devices, methods, values and resource templates. ACPI 6.3, chapter
 * 20 (AML) and section 6.4 (resource descriptors).
 *
 * Calls append in the order of the source text; what opens a block is ended
 * by aml_end(). Running out of space or nesting too deep is noted and makes
 * aml_ok() false; nothing is written outside the buffer, so only the end
 * needs a check.
 */
#ifndef ARCH_X86_AML_H
#define ARCH_X86_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AML_DEPTH 8

struct aml {
	uint8_t *buf;
	size_t size;
	size_t len;
	size_t open[AML_DEPTH];	/* where the lengths of open blocks are */
	unsigned int depth;
	size_t crs;		/* where the open template's size is */
	bool bad;
};

void aml_create(struct aml *aml, void *buf, size_t size);
/* aml_ok - everything fitted and every block was ended. */
bool aml_ok(const struct aml *aml);

/* Raw opcodes and operands, for what has no helper. */
void aml_byte(struct aml *aml, uint8_t byte);
void aml_bytes(struct aml *aml, const void *bytes, size_t len);
/* aml_int - an integer constant, as short as it goes. */
void aml_int(struct aml *aml, uint64_t value);
/*
 * aml_path - a name: up to four letters, padded; leading '\' (root) kept;
 * segments separated by '.', two at most.
 */
void aml_path(struct aml *aml, const char *path);

/* Blocks. */
void aml_scope(struct aml *aml, const char *path);
void aml_device(struct aml *aml, const char *name);
void aml_method(struct aml *aml, const char *name, unsigned int args);
void aml_if(struct aml *aml);	/* the predicate follows */
void aml_else(struct aml *aml);
void aml_end(struct aml *aml);

/* Name (@name, ...) with an integer, a hardware id, a package of integers. */
void aml_name_int(struct aml *aml, const char *name, uint64_t value);
/* "PNP0501" becomes an EISA id; any other form is a string. */
void aml_name_id(struct aml *aml, const char *name, const char *id);
/* Name (@name, Package () {@nr of anything}); a block. */
void aml_name_block(struct aml *aml, const char *name, unsigned int nr);
/* A package inside another; a block. */
void aml_package(struct aml *aml, unsigned int nr);
void aml_name_package(struct aml *aml, const char *name,
		      const uint8_t *values, unsigned int nr);

/* Name (_CRS, ResourceTemplate () { ... }); entries between the two. */
void aml_crs(struct aml *aml);
void aml_crs_end(struct aml *aml);
/* Ports that the device decodes. */
void aml_io(struct aml *aml, uint16_t base, uint8_t size);
/* Memory that the device decodes: any address and size. */
void aml_memory(struct aml *aml, uint64_t base, uint64_t size);
void aml_irq(struct aml *aml, uint32_t gsi, bool level);
/* What a bridge passes on. */
void aml_bus_window(struct aml *aml, uint16_t first, uint16_t last);
void aml_io_window(struct aml *aml, uint16_t base, uint32_t size);
void aml_memory_window(struct aml *aml, uint64_t base, uint64_t size,
		       bool prefetch);

#endif
