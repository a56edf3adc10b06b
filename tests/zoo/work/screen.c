/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A screen, both ends: a picture painted into the guest's frame buffer, and
 * the look at the copy of the screen that was made outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "work.h"

static void draw(char *picture, uint32_t seed,
		 const struct fb_var_screeninfo *var, uint32_t line_length)
{
	uint32_t x, y, *line;

	for (y = 0; y < var->yres; y++) {
		line = (uint32_t *)(picture + (size_t)y * line_length);
		for (x = 0; x < var->xres; x++)
			line[x] = noise(seed, y * var->xres + x) & 0xffffff;
	}
}

/*
 * paint SEED: noise, except that the unused byte of each point is 0. All of it
 * by one call: Linux 6.12 takes a write of exactly one line for one without
 * width, and does not bring it to the screen.
 */
int work_paint(char **args)
{
	struct fb_var_screeninfo var;
	struct fb_fix_screeninfo fix;
	int fd = open("/dev/fb0", O_RDWR);
	size_t size;
	char *picture;

	if (fd < 0 || ioctl(fd, FBIOGET_VSCREENINFO, &var) < 0 ||
	    ioctl(fd, FBIOGET_FSCREENINFO, &fix) < 0)
		return fail("frame buffer");
	if (var.bits_per_pixel != 32)
		return fail("%u bits per point", var.bits_per_pixel);
	size = (size_t)fix.line_length * var.yres;
	picture = calloc(1, size);
	if (!picture)
		return fail("memory");
	draw(picture, atoi(args[0]), &var, fix.line_length);
	if (pwrite(fd, picture, size, 0) != (ssize_t)size)
		return fail("frame buffer");
	free(picture);
	return fsync(fd) && errno != EINVAL ? fail("frame buffer") : 0;
}

/* look FILE SEED: says `seen`, or how many points of a PPM file differ. */
int work_look(char **args)
{
	unsigned int w, h, i, wrong = 0, seed = atoi(args[1]);
	FILE *f = fopen(args[0], "r");

	if (!f || fscanf(f, "P6 %u %u 255", &w, &h) != 2)
		return fail("%s", args[0]);
	fgetc(f);
	for (i = 0; i < w * h; i++) {
		unsigned int rgb = fgetc(f) << 16;

		rgb |= fgetc(f) << 8;
		rgb |= fgetc(f);
		wrong += rgb != (noise(seed, i) & 0xffffff);
	}
	fclose(f);
	if (!wrong && w)
		printf("seen\n");
	else
		printf("%u of %u points differ\n", wrong, w * h);
	return wrong != 0;
}
