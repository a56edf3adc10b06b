/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is in a bank of flash; see flash_priv.h. It is a copy of the file, so
 * that nobody who writes or truncates that can take the guest's memory away. A
 * bank is far larger than most files: where the file ends, there is one
 * erased sector again and again, and where it has only zeroes, no memory.
 */
#include <errno.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "devices/flash.h"
#include "devices/flash_priv.h"
#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

/* What of [@offset, @offset + @len) the file has, from its beginning on. */
static size_t inside(const struct flash_store *s, uint64_t offset, size_t len)
{
	return offset < s->file_size ? MIN(len, s->file_size - offset) : 0;
}

static bool all_of(const uint8_t *at, size_t len, uint8_t val)
{
	return !len || (*at == val && !memcmp(at, at + 1, len - 1));
}

static int cannot_read(const struct flash_store *s, int err)
{
	log_err("flash %s: cannot read: %s", s->path, err_text(err));
	return err == -ENODATA ? -ENOEXEC : err;
}

static int load(struct flash_store *s)
{
	uint8_t *sector = malloc(FLASH_SECTOR);
	uint64_t at;
	size_t len;
	int err = sector ? 0 : -ENOMEM;

	for (at = 0; at < s->file_size && !err; at += len) {
		len = inside(s, at, FLASH_SECTOR);
		err = file_read(s->fd, sector, len, at);
		if (!err && !all_of(sector, len, 0))
			memcpy(s->hva + at, sector, len);
	}
	free(sector);
	if (err < 0)
		return cannot_read(s, err);
	at = ALIGN_UP(s->file_size, FLASH_SECTOR);
	memset(s->hva + s->file_size, 0xff, at - s->file_size);
	return 0;
}

/* The sector to be copied, and where there is nothing but such. */
static int map_erased(struct flash_store *s, int fd)
{
	void *at;
	uint64_t offset;
	int err = sys_ftruncate(fd, FLASH_SECTOR);

	if (!err)
		err = sys_mmap(&at, NULL, FLASH_SECTOR, PROT_READ | PROT_WRITE,
			       MAP_SHARED, fd, 0);
	if (err < 0)
		return err;
	s->erased = at;
	memset(s->erased, 0xff, FLASH_SECTOR);
	for (offset = ALIGN_UP(s->file_size, FLASH_SECTOR);
	     offset < s->size && !err; offset += FLASH_SECTOR)
		err = sys_mmap(&at, s->hva + offset, FLASH_SECTOR, PROT_READ,
			       MAP_SHARED | MAP_FIXED, fd, 0);
	if (err < 0)
		sys_munmap(s->erased, FLASH_SECTOR);
	return err;
}

static int map(struct flash_store *s)
{
	void *at;
	int fd, err;

	fd = sys_memfd("flash-erased", MFD_CLOEXEC);
	if (fd < 0)
		return fd;
	err = sys_mmap(&at, NULL, s->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (err < 0)
		goto close;
	s->hva = at;
	err = map_erased(s, fd);
	if (err < 0)
		sys_munmap(s->hva, s->size);
close:
	sys_close(fd);
	return err;
}

/* A descriptor that was inherited may be for reading only. */
static int open_file(struct flash_store *s)
{
	int err = 0;

	s->fd = s->readonly ? file_open("flash", s->path, &s->file_size)
			    : file_open_rw("flash", s->path, &s->file_size);
	if (s->fd >= 0 && !s->readonly)
		err = sys_pwrite(s->fd, "", 0, 0);
	if (err < 0) {
		log_err("flash %s: cannot be written: %s", s->path,
			err_text(err));
		sys_close(s->fd);
		s->fd = -EACCES;
	}
	if (s->fd == -EACCES && !s->readonly)
		log_hint("if the guest need not write it: --flash %s,ro",
			 s->path);
	return MIN(s->fd, 0);
}

static int check_size(const struct flash_store *s)
{
	if (!s->file_size)
		log_err("flash %s: the file is empty", s->path);
	else if (s->file_size > s->size)
		log_err("flash %s: %llu bytes, more than the %llu KiB of a bank",
			s->path, (unsigned long long)s->file_size,
			(unsigned long long)(s->size / KiB));
	else
		return 0;
	return -ENOEXEC;
}

/* The file's name, and whether it is followed by ",ro". */
static int parse(struct flash_store *s, const char *spec)
{
	size_t len = strlen(spec);

	s->path = strdup(spec);
	if (!s->path)
		return -ENOMEM;
	s->readonly = len > 3 && !strcmp(spec + len - 3, ",ro");
	if (s->readonly)
		s->path[len - 3] = '\0';
	return 0;
}

int flash_store_open(struct flash_store *s, const char *spec, uint64_t size)
{
	int err;

	*s = (struct flash_store){ .size = size };
	err = parse(s, spec);
	if (err < 0)
		return err;
	err = open_file(s);
	if (err < 0)
		goto free_path;
	err = check_size(s);
	if (err < 0)
		goto close;
	err = map(s);
	if (err < 0) {
		log_err("flash %s: cannot get memory: %s", s->path,
			err_text(err));
		goto close;
	}
	err = load(s);
	if (err < 0)
		goto unmap;
	return 0;

unmap:
	sys_munmap(s->erased, FLASH_SECTOR);
	sys_munmap(s->hva, s->size);
close:
	sys_close(s->fd);
free_path:
	free(s->path);
	return err;
}

void flash_store_close(struct flash_store *s)
{
	sys_munmap(s->erased, FLASH_SECTOR);
	sys_munmap(s->hva, s->size);
	sys_close(s->fd);
	free(s->path);
}

static int write_file(struct flash_store *s, const uint8_t *data, size_t len,
		      uint64_t offset)
{
	ssize_t n = 0;

	for (; len; data += n, offset += n, len -= n) {
		n = sys_pwrite(s->fd, data, len, offset);
		if (n <= 0)
			break;
	}
	if (!len)
		return 0;
	n = n ? n : -EIO;
	if (!s->warned)
		log_warn("flash %s: cannot write: %s", s->path, err_text(n));
	s->warned = true;
	return n;
}

int flash_store_program(struct flash_store *s, uint64_t offset,
			const void *data, size_t len)
{
	size_t in_file = inside(s, offset, len), i;
	uint8_t is[FLASH_BUFFER];
	int err;

	if (s->readonly)
		return -EROFS;
	for (i = 0; i < len; i++)
		is[i] = s->hva[offset + i] & ((const uint8_t *)data)[i];
	if (!all_of(is + in_file, len - in_file, 0xff))
		return -ENOSPC;
	err = write_file(s, is, in_file, offset);
	if (!err)
		memcpy(s->hva + offset, is, in_file);
	return err;
}

int flash_store_erase(struct flash_store *s, uint64_t offset)
{
	size_t in_file = inside(s, offset, FLASH_SECTOR);
	int err;

	if (s->readonly)
		return -EROFS;
	err = write_file(s, s->erased, in_file, offset);
	if (!err)
		memset(s->hva + offset, 0xff, in_file);
	return err;
}
