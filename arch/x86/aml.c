/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AML encoder; see aml.h. A block's length is written when it ends, into
 * the three bytes left for it, the form of PkgLength that holds 20 bits.
 */
#include <ctype.h>
#include <string.h>

#include "arch/x86/aml.h"
#include "vmm/util.h"

#define PKG_BYTES 3

enum {				/* opcodes, ACPI 6.3 section 20.2 */
	OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_STRING = 0x0d,
	OP_QWORD = 0x0e, OP_NAME = 0x08, OP_SCOPE = 0x10, OP_BUFFER = 0x11,
	OP_PACKAGE = 0x12, OP_METHOD = 0x14, OP_DUAL_NAME = 0x2e,
	OP_EXT = 0x5b, OP_EXT_DEVICE = 0x82, OP_IF = 0xa0, OP_ELSE = 0xa1,
};

enum {				/* resource tags, section 6.4 */
	RES_IRQ = 0x22, RES_IO = 0x47, RES_END = 0x79, RES_MEM32_FIXED = 0x86,
	RES_DWORD = 0x87, RES_WORD = 0x88, RES_EXT_IRQ = 0x89,
	RES_QWORD = 0x8a,
};

/* Address space descriptors: what kind, and their flags. */
#define SPACE_MEMORY	0
#define SPACE_IO	1
#define SPACE_BUS	2
#define SPACE_FIXED	0x0c	/* neither end moves; the bridge passes it on */
#define SPACE_CONSUMER	0x01	/* or: the device itself decodes it */
#define SPACE_IO_ALL	0x03	/* ISA and non-ISA addresses */
#define SPACE_MEM_RW	0x01
#define SPACE_MEM_PREFETCH 0x06

void aml_create(struct aml *aml, void *buf, size_t size)
{
	memset(aml, 0, sizeof(*aml));
	aml->buf = buf;
	aml->size = size;
}

bool aml_ok(const struct aml *aml)
{
	return !aml->bad && !aml->depth && !aml->crs;
}

void aml_bytes(struct aml *aml, const void *bytes, size_t len)
{
	if (aml->bad || len > aml->size - aml->len) {
		aml->bad = true;
		return;
	}
	memcpy(aml->buf + aml->len, bytes, len);
	aml->len += len;
}

void aml_byte(struct aml *aml, uint8_t byte)
{
	aml_bytes(aml, &byte, 1);
}

/* Little-endian, as is the only host there is. */
static void number(struct aml *aml, uint64_t value, unsigned int len)
{
	aml_bytes(aml, &value, len);
}

void aml_int(struct aml *aml, uint64_t value)
{
	if (value <= 1) {
		aml_byte(aml, value);	/* ZeroOp, OneOp */
	} else if (value <= UINT8_MAX) {
		aml_byte(aml, OP_BYTE);
		number(aml, value, 1);
	} else if (value <= UINT16_MAX) {
		aml_byte(aml, OP_WORD);
		number(aml, value, 2);
	} else if (value <= UINT32_MAX) {
		aml_byte(aml, OP_DWORD);
		number(aml, value, 4);
	} else {
		aml_byte(aml, OP_QWORD);
		number(aml, value, 8);
	}
}

static const char *segment(struct aml *aml, const char *name)
{
	char seg[4] = { '_', '_', '_', '_' };
	unsigned int i;

	for (i = 0; i < 4 && *name && *name != '.'; i++)
		seg[i] = *name++;
	if (*name && *name != '.')
		aml->bad = true;	/* too long */
	aml_bytes(aml, seg, 4);
	return *name ? name + 1 : name;
}

void aml_path(struct aml *aml, const char *path)
{
	if (*path == '\\')
		aml_byte(aml, *path++);
	if (strchr(path, '.'))
		aml_byte(aml, OP_DUAL_NAME);
	path = segment(aml, path);
	if (*path)
		path = segment(aml, path);
	if (*path)
		aml->bad = true;
}

/* ---- blocks ------------------------------------------------------------- */

static void begin(struct aml *aml)
{
	static const uint8_t later[PKG_BYTES];

	if (aml->depth == AML_DEPTH) {
		aml->bad = true;
		return;
	}
	aml->open[aml->depth++] = aml->len;
	aml_bytes(aml, later, sizeof(later));
}

void aml_end(struct aml *aml)
{
	size_t at, len;

	if (aml->bad || !aml->depth) {
		aml->bad = true;
		return;
	}
	at = aml->open[--aml->depth];
	len = aml->len - at;	/* counts itself */
	if (len >= BIT(20)) {
		aml->bad = true;
		return;
	}
	aml->buf[at] = (PKG_BYTES - 1) << 6 | (len & 15);
	aml->buf[at + 1] = len >> 4;
	aml->buf[at + 2] = len >> 12;
}

void aml_scope(struct aml *aml, const char *path)
{
	aml_byte(aml, OP_SCOPE);
	begin(aml);
	aml_path(aml, path);
}

void aml_device(struct aml *aml, const char *name)
{
	aml_byte(aml, OP_EXT);
	aml_byte(aml, OP_EXT_DEVICE);
	begin(aml);
	aml_path(aml, name);
}

void aml_method(struct aml *aml, const char *name, unsigned int args)
{
	aml_byte(aml, OP_METHOD);
	begin(aml);
	aml_path(aml, name);
	aml_byte(aml, args);
}

void aml_if(struct aml *aml)
{
	aml_byte(aml, OP_IF);
	begin(aml);
}

void aml_else(struct aml *aml)
{
	aml_byte(aml, OP_ELSE);
	begin(aml);
}

/* ---- names -------------------------------------------------------------- */

static void name(struct aml *aml, const char *path)
{
	aml_byte(aml, OP_NAME);
	aml_path(aml, path);
}

void aml_name_int(struct aml *aml, const char *path, uint64_t value)
{
	name(aml, path);
	aml_int(aml, value);
}

static unsigned int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
					   toupper((unsigned char)c) - 'A' + 10;
}

static bool is_eisa(const char *id)
{
	unsigned int i;

	if (strlen(id) != 7)
		return false;
	for (i = 0; i < 7; i++)
		if (i < 3 ? !isupper((unsigned char)id[i]) :
			    !isxdigit((unsigned char)id[i]))
			return false;
	return true;
}

/* Three letters of five bits, four hex digits; big-endian. Section 19.3.4. */
static uint32_t eisa_id(const char *id)
{
	uint32_t value = (id[0] - '@') << 26 | (id[1] - '@') << 21 |
			 (id[2] - '@') << 16 | hex_digit(id[3]) << 12 |
			 hex_digit(id[4]) << 8 | hex_digit(id[5]) << 4 |
			 hex_digit(id[6]);

	return __builtin_bswap32(value);
}

void aml_name_id(struct aml *aml, const char *path, const char *id)
{
	name(aml, path);
	if (is_eisa(id)) {
		aml_byte(aml, OP_DWORD);
		number(aml, eisa_id(id), 4);
	} else {
		aml_byte(aml, OP_STRING);
		aml_bytes(aml, id, strlen(id) + 1);
	}
}

void aml_package(struct aml *aml, unsigned int nr)
{
	aml_byte(aml, OP_PACKAGE);
	begin(aml);
	aml_byte(aml, nr);
}

void aml_name_block(struct aml *aml, const char *path, unsigned int nr)
{
	name(aml, path);
	aml_package(aml, nr);
}

void aml_name_package(struct aml *aml, const char *path,
		      const uint8_t *values, unsigned int nr)
{
	unsigned int i;

	aml_name_block(aml, path, nr);
	for (i = 0; i < nr; i++)
		aml_int(aml, values[i]);
	aml_end(aml);
}

/* ---- resource templates ------------------------------------------------- */

void aml_crs(struct aml *aml)
{
	name(aml, "_CRS");
	aml_byte(aml, OP_BUFFER);
	begin(aml);
	aml_byte(aml, OP_WORD);
	aml->crs = aml->len;
	number(aml, 0, 2);
}

void aml_crs_end(struct aml *aml)
{
	size_t size;

	aml_byte(aml, RES_END);
	aml_byte(aml, 0);	/* no checksum */
	if (aml->bad || !aml->crs) {
		aml->bad = true;
		return;
	}
	size = aml->len - (aml->crs + 2);
	if (size > UINT16_MAX)
		aml->bad = true;
	aml->buf[aml->crs] = size;
	aml->buf[aml->crs + 1] = size >> 8;
	aml->crs = 0;
	aml_end(aml);
}

void aml_io(struct aml *aml, uint16_t base, uint8_t size)
{
	aml_byte(aml, RES_IO);
	aml_byte(aml, 1);	/* decodes 16 bits */
	number(aml, base, 2);
	number(aml, base, 2);
	aml_byte(aml, 1);	/* alignment */
	aml_byte(aml, size);
}

void aml_irq(struct aml *aml, uint32_t gsi, bool level)
{
	if (gsi < 16 && !level) {
		aml_byte(aml, RES_IRQ);
		number(aml, BIT(gsi), 2);
		return;
	}
	aml_byte(aml, RES_EXT_IRQ);
	number(aml, 6, 2);
	aml_byte(aml, level ? 0x01 : 0x03); /* consumer; edge; active high */
	aml_byte(aml, 1);
	number(aml, gsi, 4);
}

/* An address space descriptor with fields of @width bytes. */
static void space(struct aml *aml, unsigned int width, uint8_t kind,
		  uint8_t flags, uint8_t kind_flags, uint64_t base,
		  uint64_t size)
{
	aml_byte(aml, width == 2 ? RES_WORD :
		      width == 4 ? RES_DWORD : RES_QWORD);
	number(aml, 3 + 5 * width, 2);
	aml_byte(aml, kind);
	aml_byte(aml, flags);
	aml_byte(aml, kind_flags);
	number(aml, 0, width);			/* granularity */
	number(aml, base, width);
	number(aml, base + (size - 1), width);
	number(aml, 0, width);			/* translation */
	number(aml, size, width);
}

static unsigned int memory_width(uint64_t base, uint64_t size)
{
	return base + (size - 1) <= UINT32_MAX && size <= UINT32_MAX ? 4 : 8;
}

void aml_memory(struct aml *aml, uint64_t base, uint64_t size)
{
	if (memory_width(base, size) == 8) {
		space(aml, 8, SPACE_MEMORY, SPACE_FIXED | SPACE_CONSUMER,
		      SPACE_MEM_RW, base, size);
		return;
	}
	aml_byte(aml, RES_MEM32_FIXED);
	number(aml, 9, 2);
	aml_byte(aml, 1);	/* writable */
	number(aml, base, 4);
	number(aml, size, 4);
}

void aml_bus_window(struct aml *aml, uint16_t first, uint16_t last)
{
	space(aml, 2, SPACE_BUS, SPACE_FIXED, 0, first, last - first + 1);
}

void aml_io_window(struct aml *aml, uint16_t base, uint32_t size)
{
	space(aml, 2, SPACE_IO, SPACE_FIXED, SPACE_IO_ALL, base, size);
}

void aml_memory_window(struct aml *aml, uint64_t base, uint64_t size,
		       bool prefetch)
{
	space(aml, memory_width(base, size), SPACE_MEMORY, SPACE_FIXED,
	      SPACE_MEM_RW | (prefetch ? SPACE_MEM_PREFETCH : 0), base, size);
}
