/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip by zlib, piece by piece; see image.h. Nothing is unpacked that was not
 * asked for, so that a small file cannot ask for much memory.
 */
#include <stdlib.h>
#include <zlib.h>

#include "arch/arm64/image.h"
#include "vmm/file.h"

#define CHUNK (32 * KiB)
#define OUT_MAX (1 * GiB)	/* zlib counts in 32 bits */
#define GZIP_WRAPPER 16		/* to inflateInit2(): not zlib's own header */

struct gunzip {
	z_stream z;
	int fd;
	uint64_t at, left;
	bool end;
	uint8_t in[CHUNK];
};

int gunzip_open(struct gunzip **out, int fd, uint64_t at, uint64_t left)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (inflateInit2(&g->z, GZIP_WRAPPER + MAX_WBITS) != Z_OK) {
		free(g);
		return -ENOMEM;
	}
	g->fd = fd;
	g->at = at;
	g->left = left;
	*out = g;
	return 0;
}

void gunzip_close(struct gunzip *g)
{
	inflateEnd(&g->z);
	free(g);
}

static int refill(struct gunzip *g)
{
	size_t len = MIN(g->left, CHUNK);
	int err;

	if (g->z.avail_in)
		return 0;
	if (!len)
		return -ENODATA;
	err = file_read(g->fd, g->in, len, g->at);
	if (err < 0)
		return err;
	g->at += len;
	g->left -= len;
	g->z.next_in = g->in;
	g->z.avail_in = len;
	return 0;
}

static int step(struct gunzip *g)
{
	int err = refill(g);

	if (err < 0)
		return err;
	switch (inflate(&g->z, Z_NO_FLUSH)) {
	case Z_STREAM_END:
		g->end = true;
		return 0;
	case Z_OK:
	case Z_BUF_ERROR:
		return 0;
	case Z_MEM_ERROR:
		return -ENOMEM;
	default:
		return -ENOEXEC;
	}
}

ssize_t gunzip_read(struct gunzip *g, void *buf, size_t len)
{
	size_t done = 0, want;
	int err;

	while (done < len && !g->end) {
		want = MIN(len - done, OUT_MAX);
		g->z.next_out = (uint8_t *)buf + done;
		g->z.avail_out = want;
		err = step(g);
		if (err < 0)
			return err;
		done += want - g->z.avail_out;
	}
	return done;
}
