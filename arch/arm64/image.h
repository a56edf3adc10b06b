/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's file as a stream of the Image in it, whether or not that is
 * packed. RFC 1952 (gzip); Linux: drivers/firmware/efi/libstub/zboot-header.S.
 */
#ifndef ARCH_ARM64_IMAGE_H
#define ARCH_ARM64_IMAGE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmm/boot.h"

struct gunzip;

struct image {
	const char *name;	/* for messages */
	int fd;
	uint64_t at, left;	/* where in the file the next bytes are */
	struct gunzip *gunzip;	/* of one that is packed, or NULL */
};

/*
 * image_open - find out what @files has as kernel: an Image, plain, packed with
 * gzip, or as an EFI application that would unpack it. -ENOEXEC for one that
 * is packed in a way not known here. Prints its errors.
 */
int image_open(struct image *image, const char *name,
	       const struct boot_files *files);
void image_close(struct image *image);

/*
 * image_read - the Image's next bytes into @buf: @len of them, or fewer where
 * it ends. Prints its errors, and -ENOEXEC for a file that is damaged.
 */
ssize_t image_read(struct image *image, void *buf, size_t len);

/*
 * image_end - how many bytes an Image has in its file: as the EFI application
 * says that most of them are too, or else @len. @data are its first @len
 * bytes; what would say it may lie beyond them, and the answer then does so
 * too. Microsoft: PE Format, of COFF header and section table.
 */
uint64_t image_end(const void *data, uint64_t len);

#if IS_ENABLED(CONFIG_BOOT_GZIP)
/*
 * gunzip_open - unpack what the file behind @fd has at [@at, @at + @left): one
 * member, whatever comes behind it. gunzip_read - as image_read(), but prints
 * nothing: -ENOEXEC where the data are damaged, -ENODATA where they end too
 * soon, and what pread(2) says.
 */
int gunzip_open(struct gunzip **gunzip, int fd, uint64_t at, uint64_t left);
ssize_t gunzip_read(struct gunzip *gunzip, void *buf, size_t len);
void gunzip_close(struct gunzip *gunzip);
#else
static inline int gunzip_open(struct gunzip **gunzip, int fd, uint64_t at,
			      uint64_t left)
{
	return -EOPNOTSUPP;
}

static inline ssize_t gunzip_read(struct gunzip *gunzip, void *buf, size_t len)
{
	return -EOPNOTSUPP;
}

static inline void gunzip_close(struct gunzip *gunzip)
{
}
#endif

#endif
