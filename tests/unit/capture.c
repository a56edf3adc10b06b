/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps in a memfd what is printed; see capture.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"

static struct {
	int fd;
	int saved;
	int file;
	char text[65536];
} capture;

void capture_begin(int fd)
{
	fflush(stdout);
	capture.fd = fd;
	capture.saved = dup(fd);
	capture.file = memfd_create("capture", 0);
	if (capture.saved < 0 || capture.file < 0 ||
	    dup2(capture.file, fd) < 0)
		abort();
}

const char *capture_end(void)
{
	ssize_t len;

	fflush(stdout);
	dup2(capture.saved, capture.fd);
	len = pread(capture.file, capture.text, sizeof(capture.text) - 1, 0);
	capture.text[len > 0 ? len : 0] = '\0';
	close(capture.saved);
	close(capture.file);
	return capture.text;
}

bool said(const char *text)
{
	if (strstr(capture.text, text))
		return true;
	fprintf(stderr, "not said: '%s', but:\n%s", text, capture.text);
	return false;
}

unsigned int said_lines(void)
{
	unsigned int n = 0;
	const char *at;

	for (at = capture.text; *at; at++)
		n += *at == '\n';
	return n;
}
