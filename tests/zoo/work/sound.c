/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sound, both ends: what is played through ALSA's kernel interface, without
 * its library, and the search for the very same samples in the file that the
 * emulated card played into. All of it fits into the card's buffer before it
 * starts, so that a slow guest is no gap in the sound.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <sound/asound.h>

#include "work.h"

/* The pattern, and silence behind it, so that all of it is played. */
#define FRAMES 1024
#define ALL_FRAMES 8192

static void pattern(int16_t *samples, uint32_t seed)
{
	uint32_t i;

	for (i = 0; i < FRAMES * 2; i++)
		samples[i] = (int16_t)noise(seed, i);
}

static void set_element(int fd, struct snd_ctl_elem_id *id)
{
	struct snd_ctl_elem_info info = { .id = *id };
	struct snd_ctl_elem_value value = { .id = *id };
	const char *name = (const char *)id->name;
	unsigned int i;

	if (ioctl(fd, SNDRV_CTL_IOCTL_ELEM_INFO, &info) < 0 ||
	    strstr(name, "Capture") || strstr(name, "IEC958"))
		return;
	if (info.type == SNDRV_CTL_ELEM_TYPE_BOOLEAN && strstr(name, "Switch"))
		for (i = 0; i < info.count; i++)
			value.value.integer.value[i] = 1;
	else if (info.type == SNDRV_CTL_ELEM_TYPE_INTEGER &&
		 strstr(name, "Volume"))
		for (i = 0; i < info.count; i++)
			value.value.integer.value[i] = info.value.integer.max;
	else
		return;
	ioctl(fd, SNDRV_CTL_IOCTL_ELEM_WRITE, &value);
}

/* Cards start mute: every switch on, every volume up. */
static int unmute(const char *card)
{
	static struct snd_ctl_elem_id ids[256];
	struct snd_ctl_elem_list list = { .space = 256, .pids = ids };
	char path[64];
	unsigned int i;
	int fd;

	snprintf(path, sizeof(path), "/dev/snd/controlC%s", card);
	fd = open(path, O_RDWR);
	if (fd < 0 || ioctl(fd, SNDRV_CTL_IOCTL_ELEM_LIST, &list) < 0)
		return fail("mixer");
	for (i = 0; i < list.used; i++)
		set_element(fd, &ids[i]);
	close(fd);
	return 0;
}

static struct snd_interval *interval(struct snd_pcm_hw_params *p, int which)
{
	return &p->intervals[which - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
}

static void only(struct snd_pcm_hw_params *p, int which, unsigned int value)
{
	*interval(p, which) = (struct snd_interval){
		.min = value, .max = value, .integer = 1,
	};
}

static void only_bit(struct snd_pcm_hw_params *p, int which, unsigned int bit)
{
	struct snd_mask *m = &p->masks[which - SNDRV_PCM_HW_PARAM_FIRST_MASK];

	memset(m, 0, sizeof(*m));
	m->bits[bit / 32] = 1u << (bit % 32);
}

static int set_up(int fd, unsigned int rate)
{
	struct snd_pcm_hw_params p;
	int i;

	memset(&p, 0, sizeof(p));
	memset(p.masks, 0xff, sizeof(p.masks));
	for (i = 0; i < (int)(sizeof(p.intervals) / sizeof(*p.intervals)); i++)
		p.intervals[i].max = UINT_MAX;
	p.rmask = UINT_MAX;
	only_bit(&p, SNDRV_PCM_HW_PARAM_ACCESS,
		 SNDRV_PCM_ACCESS_RW_INTERLEAVED);
	only_bit(&p, SNDRV_PCM_HW_PARAM_FORMAT, SNDRV_PCM_FORMAT_S16_LE);
	only(&p, SNDRV_PCM_HW_PARAM_CHANNELS, 2);
	only(&p, SNDRV_PCM_HW_PARAM_RATE, rate);
	/*
	 * Left alone, ALSA takes the shortest periods there are, and a card
	 * that nobody tells about more of them soon stops.
	 */
	only(&p, SNDRV_PCM_HW_PARAM_PERIODS, 2);
	interval(&p, SNDRV_PCM_HW_PARAM_BUFFER_SIZE)->min = ALL_FRAMES;
	interval(&p, SNDRV_PCM_HW_PARAM_BUFFER_SIZE)->max = 4 * ALL_FRAMES;
	if (ioctl(fd, SNDRV_PCM_IOCTL_HW_PARAMS, &p) < 0)
		return fail("parameters");
	if (ioctl(fd, SNDRV_PCM_IOCTL_PREPARE) < 0)
		return fail("prepare");
	return 0;
}

/* play RATE SEED CARD */
int work_play(char **args)
{
	static int16_t samples[ALL_FRAMES * 2];
	struct snd_xferi x = { .buf = samples, .frames = ALL_FRAMES };
	char path[64];
	int fd;

	if (unmute(args[2]))
		return 1;
	snprintf(path, sizeof(path), "/dev/snd/pcmC%sD0p", args[2]);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return fail("sound device");
	if (set_up(fd, atoi(args[0])))
		return 1;
	pattern(samples, atoi(args[1]));
	if (ioctl(fd, SNDRV_PCM_IOCTL_WRITEI_FRAMES, &x) < 0)
		return fail("samples");
	if (ioctl(fd, SNDRV_PCM_IOCTL_DRAIN) < 0)
		return fail("drain");
	close(fd);
	return 0;
}

/* listen FILE SEED: says `found`, or how much of the pattern there is. */
int work_listen(char **args)
{
	static int16_t samples[FRAMES * 2];
	const size_t want = sizeof(samples);
	size_t size, at, n, best = 0;
	char *file = map_file(open(args[0], O_RDWR), &size);

	if (!file)
		return fail("%s", args[0]);
	pattern(samples, atoi(args[1]));
	for (at = 44; at + 4 <= size; at += 4) {
		n = 0;
		while (n < want && at + n < size &&
		       file[at + n] == ((char *)samples)[n])
			n++;
		if (n > best)
			best = n;
	}
	if (best == want)
		printf("found\n");
	else
		printf("%zu of %zu bytes\n", best, want);
	return best != want;
}
