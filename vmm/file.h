/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that the user names: by path, or fd:N for an inherited descriptor.
 */
#ifndef VMM_FILE_H
#define VMM_FILE_H

#include <stddef.h>
#include <stdint.h>

/*
 * file_open - open @path for reading; "fd:N" duplicates descriptor N. Only
 * regular files, whose size is known and which can be read at any offset. @what
 * ("kernel") names it in messages. Prints its errors. *@size in bytes.
 */
int file_open(const char *what, const char *path, uint64_t *size);

/* file_open_rw - the same for reading and writing. */
int file_open_rw(const char *what, const char *path, uint64_t *size);

/*
 * file_open_any - open @path, whatever it is; the @flags of an inherited
 * descriptor are those that it has. Prints nothing.
 */
int file_open_any(const char *path, int flags, int mode);

/*
 * file_open_node - open @path, "fd:N" likewise, for reading and writing,
 * whatever it is. Prints nothing.
 */
int file_open_node(const char *path);

/*
 * file_create - create @path for writing, or empty it if it is there already;
 * "fd:N" as it is. @what names it in messages. Prints its errors.
 */
int file_create(const char *what, const char *path);

/*
 * file_read - exactly @len bytes from @offset, or -ENODATA at the end of the
 * file, or what pread(2) says. Prints nothing.
 */
int file_read(int fd, void *buf, size_t len, uint64_t offset);

/*
 * file_kib - what @key ("MemTotal:") has behind it in a file of /proc, which
 * counts in KiB, in bytes; 0 where the kernel does not say.
 */
uint64_t file_kib(const char *path, const char *key);

#endif
