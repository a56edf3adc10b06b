/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a kernel's file is, by its first bytes; see image.h.
 */
#include <string.h>

#include "arch/arm64/image.h"
#include "vmm/file.h"
#include "vmm/log.h"

/*
 * An EFI application with an Image in it that it would unpack; a kernel that
 * is one starts with the same two letters but has no such word.
 */
struct zboot {
	uint8_t mz[4];
	char zimg[4];
	uint32_t offset;	/* of what is packed */
	uint32_t size;
	uint32_t reserved[2];
	char method[8];		/* "gzip", "lz4", "zstd" ...: may lack a NUL */
};

#define IMAGE_PE_OFFSET 60	/* in an Image's header */

static int unusable(const struct image *i, const char *why)
{
	log_err("kernel %s: %s", i->name, why);
	return -ENOEXEC;
}

static int open_packed(struct image *i)
{
	int err = gunzip_open(&i->gunzip, i->fd, i->at, i->left);

	if (err == -EOPNOTSUPP)
		return unusable(i, "packed with gzip, and this program was built "
				   "without CONFIG_BOOT_GZIP");
	if (err < 0)
		log_err("kernel %s: cannot unpack: %s", i->name, err_text(err));
	return err;
}

static int open_zboot(struct image *i, const struct zboot *z)
{
	if (strncmp(z->method, "gzip", sizeof(z->method))) {
		log_err("kernel %s: packed with %.8s, only gzip is known",
			i->name, z->method);
		log_hint("take the kernel's Image or Image.gz");
		return -ENOEXEC;
	}
	if (!range_contains(0, i->left, z->offset, z->size))
		return unusable(i, "the file is truncated");
	i->at = z->offset;
	i->left = z->size;
	return open_packed(i);
}

int image_open(struct image *i, const char *name,
	       const struct boot_files *files)
{
	struct zboot head = { .mz = { 0 } };
	int err;

	*i = (struct image){
		.name = name, .fd = files->kernel_fd,
		.left = files->kernel_size,
	};
	if (!i->left)
		return unusable(i, "the file is empty");
	err = file_read(i->fd, &head, MIN(i->left, sizeof(head)), 0);
	if (err < 0) {
		log_err("kernel %s: cannot read: %s", name, err_text(err));
		return err == -ENODATA ? -ENOEXEC : err;
	}
	if (!memcmp(head.mz, "\x1f\x8b", 2))
		return open_packed(i);
	if (!memcmp(head.mz, "MZ\0\0zimg", 8))
		return open_zboot(i, &head);
	return 0;
}

void image_close(struct image *i)
{
	if (i->gunzip)
		gunzip_close(i->gunzip);
}

static ssize_t read_plain(struct image *i, void *buf, size_t len)
{
	int err;

	len = MIN(len, i->left);
	err = file_read(i->fd, buf, len, i->at);
	i->at += len;
	i->left -= len;
	return err < 0 ? err : (ssize_t)len;
}

ssize_t image_read(struct image *i, void *buf, size_t len)
{
	ssize_t n = i->gunzip ? gunzip_read(i->gunzip, buf, len) :
				read_plain(i, buf, len);

	if (n == -ENODATA)
		return unusable(i, "the file is truncated");
	if (n == -ENOEXEC)
		return unusable(i, "the packed data are damaged");
	if (n < 0)
		log_err("kernel %s: cannot read: %s", i->name, err_text(n));
	return n;
}

/* COFF header, with its signature. */
struct coff {
	char signature[4];
	uint16_t machine;
	uint16_t sections;
	uint32_t time, symbols, nr_symbols;
	uint16_t optional;	/* bytes between this and the sections */
	uint16_t flags;
};

struct section {
	char name[8];
	uint32_t memory[2];
	uint32_t size, at;	/* in the file */
	uint32_t rest[4];
};

uint64_t image_end(const void *data, uint64_t len)
{
	uint64_t end = len, at;
	struct section s;
	struct coff coff;
	uint32_t offset;
	unsigned int i;

	memcpy(&offset, (const char *)data + IMAGE_PE_OFFSET, sizeof(offset));
	if (!offset)
		return len;
	if (!range_contains(0, len, offset, sizeof(coff)))
		return offset + sizeof(coff);
	memcpy(&coff, (const char *)data + offset, sizeof(coff));
	if (memcmp(coff.signature, "PE\0", 4))
		return len;
	at = offset + sizeof(coff) + coff.optional;
	for (i = 0, end = 0; i < coff.sections; i++, at += sizeof(s)) {
		if (!range_contains(0, len, at, sizeof(s)))
			return at + sizeof(s);
		memcpy(&s, (const char *)data + at, sizeof(s));
		end = MAX(end, (uint64_t)s.at + s.size);
	}
	return end;
}
