/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See file.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

int file_open_any(const char *path, int flags, int mode)
{
	unsigned long n;
	char *end;

	if (strncmp(path, "fd:", 3))
		return sys_open(path, flags, mode);
	n = strtoul(path + 3, &end, 10);
	if (end == path + 3 || *end || n > INT32_MAX)
		return -EBADF;
	return sys_dup(n);
}

/* The status for a file that cannot be opened is always "no such input". */
static int report(const char *what, const char *path, int err)
{
	log_err("%s: cannot open %s: %s", what, path, err_text(err));
	return err == -EACCES || err == -EPERM ? -EACCES : -ENOENT;
}

static int open_regular(const char *what, const char *path, int flags,
			uint64_t *size)
{
	int fd = file_open_any(path, flags, 0), err;
	struct stat st;

	if (fd < 0)
		return report(what, path, fd);
	err = sys_fstat(fd, &st);
	if (!err && S_ISDIR(st.st_mode))
		err = -EISDIR;
	if (!err && !S_ISREG(st.st_mode)) {
		log_err("%s: %s: not a regular file", what, path);
		sys_close(fd);
		return -ENOENT;
	}
	if (err < 0) {
		sys_close(fd);
		return report(what, path, err);
	}
	*size = st.st_size;
	return fd;
}

int file_open(const char *what, const char *path, uint64_t *size)
{
	return open_regular(what, path, O_RDONLY, size);
}

int file_open_rw(const char *what, const char *path, uint64_t *size)
{
	return open_regular(what, path, O_RDWR, size);
}

int file_open_node(const char *path)
{
	return file_open_any(path, O_RDWR, 0);
}

int file_create(const char *what, const char *path)
{
	int fd = file_open_any(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd >= 0)
		return fd;
	log_err("%s: cannot create %s: %s", what, path, err_text(fd));
	return fd == -EACCES || fd == -EPERM ? -EACCES : -ENOENT;
}

int file_read(int fd, void *buf, size_t len, uint64_t offset)
{
	char *at = buf;
	ssize_t n;

	while (len) {
		n = sys_pread(fd, at, len, offset);
		if (n <= 0)
			return n < 0 ? n : -ENODATA;
		at += n;
		offset += n;
		len -= n;
	}
	return 0;
}

uint64_t file_kib(const char *path, const char *key)
{
	int fd = sys_open(path, O_RDONLY, 0);
	char text[2048], *at;
	ssize_t len;

	if (fd < 0)
		return 0;
	len = sys_pread(fd, text, sizeof(text) - 1, 0);
	sys_close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	at = strstr(text, key);
	return at ? strtoull(at + strlen(key), NULL, 10) * KiB : 0;
}
