/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option table, between the files that read it.
 */
#ifndef VMM_OPTIONS_PRIV_H
#define VMM_OPTIONS_PRIV_H

#include "vmm/options.h"

enum option_kind {
	KIND_FLAG,
	KIND_STRING,
	KIND_SIZE,	/* bytes, at least min */
	KIND_NUMBER,	/* min to max */
	KIND_CHOICE,	/* one of choices, as its index */
	KIND_DEVICE,	/* appended to cfg->vfio */
	KIND_PLATFORM,	/* appended to cfg->vfio_platform */
	KIND_OVERLAY,	/* appended to cfg->dtb_overlay */
	KIND_FLASH,	/* appended to cfg->flash */
	KIND_VIRTIO,	/* appended to cfg->virtio, under the option's name */
	/* What only the command line may have: */
	KIND_ACTION,	/* a flag */
	KIND_CONFIG,	/* a file of options */
};

struct option {
	const char *name;
	char letter;
	enum option_kind kind;
	const char *arg;	/* what --help calls its value; NULL: none */
	const char *help;
	unsigned int commands;	/* BIT(CMD_...); 0: not in this program */
	size_t field;		/* in struct config */
	uint64_t min, max;
	const char *choices;	/* "auto|legacy|iommufd"; "on" if given none */
};

/* Without files there is but one reader, and nothing to share. */
#if IS_ENABLED(CONFIG_CONFIG_FILE)
#define OPTIONS_SHARED
#else
#define OPTIONS_SHARED static __attribute__((unused))
#endif

/* options_each - the @i-th option of `run`, or NULL behind the last. */
OPTIONS_SHARED const struct option *options_each(unsigned int i);

/* option_find - what @arg names, as it is given to @command (-1: to any). */
OPTIONS_SHARED const struct option *option_find(const char *arg, int command);

/* option_may_be_bare - its value may be left out, or else comes behind a =. */
OPTIONS_SHARED bool option_may_be_bare(const struct option *o);

/*
 * option_value - the value that argv[0], @o's, has in it or behind it: NULL
 * where it has none. Returns how many arguments that makes.
 */
OPTIONS_SHARED int option_value(const struct option *o, int argc, char **argv,
				const char **value);

/*
 * option_set - note @o in @cfg; @value as given, or NULL, lives as long as
 * @cfg. Prints what is wrong with it, @where ("FILE:3: ") in front: -EDOM.
 */
OPTIONS_SHARED int option_set(struct config *cfg, const struct option *o,
			      const char *value, const char *where);

/*
 * config_files - for each --config among the arguments, what is in the file.
 * Prints its errors.
 */
int config_files(struct command_line *line, int argc, char **argv);

#endif
