/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options in files, one a line: the name, blanks, the value. The value is the
 * rest of the line as it stands, without blanks at its end, or in double
 * quotes, where a backslash begins \\, \", \n, \r, \t or \xHH. A line that
 * begins with # is a comment.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/file.h"
#include "vmm/log.h"
#include "vmm/options_priv.h"
#include "vmm/sys.h"

#define FILE_LIMIT (1 << 20)
#define BLANKS " \t\r\v\f"

struct config_text {
	struct config_text *next;
	char text[];
};

/* ---- reading ------------------------------------------------------------ */

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands behind a backslash at *@at, which is moved behind it; or -1. */
static int escaped(const char **at)
{
	static const char letters[] = "\\\"nrt", meant[] = "\\\"\n\r\t";
	const char *letter = **at ? strchr(letters, **at) : NULL;
	int high, low;

	if (letter) {
		(*at)++;
		return meant[letter - letters];
	}
	if (**at != 'x')
		return -1;
	high = hex((*at)[1]);
	low = high < 0 ? -1 : hex((*at)[2]);
	*at += 3;
	return low < 0 || !(high << 4 | low) ? -1 : high << 4 | low;
}

/* Take the quotes off @text, in place. Returns what is wrong, or NULL. */
static const char *unquote(char *text)
{
	const char *from = text + 1;
	char *to = text;
	int c;

	while (*from != '"') {
		if (!*from)
			return "no quote at the end";
		c = (unsigned char)*from++;
		if (c == '\\')
			c = escaped(&from);
		if (c < 0)
			return "no such escape: \\\\, \\\", \\n, \\r, \\t or \\xHH";
		*to++ = c;
	}
	*to = '\0';
	return from[1] ? "something behind the quote at the end" : NULL;
}

/* An option by its name, if a file may have it. */
static const struct option *find(const char *name)
{
	const struct option *o;
	unsigned int i;

	for (i = 0; (o = options_each(i)); i++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

static int parse_line(struct config *cfg, char *text, const char *where)
{
	const struct option *o;
	const char *wrong;
	char *val;

	val = text + strcspn(text, BLANKS);
	if (*val) {
		*val++ = '\0';
		val += strspn(val, BLANKS);
	}
	o = find(text);
	if (!o) {
		log_err("%sunknown option: %s", where, text);
		return -EDOM;
	}
	if (o->kind >= KIND_ACTION) {
		log_err("%s%s: only on the command line", where, text);
		return -EDOM;
	}
	if (!*val)
		return option_set(cfg, o, option_may_be_bare(o) ? "on" : NULL,
				  where);
	wrong = *val == '"' ? unquote(val) : NULL;
	if (wrong) {
		log_err("%s%s: %s", where, text, wrong);
		return -EDOM;
	}
	return option_set(cfg, o, val, where);
}

static int parse_text(struct config *cfg, char *text, const char *path)
{
	char *line, *end, where[300];
	unsigned int nr = 0;
	int err = 0;

	while (!err && (line = strsep(&text, "\n"))) {
		nr++;
		line += strspn(line, BLANKS);
		end = line + strlen(line);
		while (end > line && strchr(BLANKS, end[-1]))
			*--end = '\0';
		if (!*line || *line == '#')
			continue;
		snprintf(where, sizeof(where), "%.256s:%u: ", path, nr);
		err = parse_line(cfg, line, where);
	}
	return err;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = sys_read(fd, buf + len, size - len);
		if (n < 0)
			return n;
		len += n;
	} while (n && len < size);
	return len;
}

/* The text of a file, NUL at its end, kept with @line. */
static int read_text(struct command_line *line, int fd, const char *path)
{
	struct config_text *text = malloc(sizeof(*text) + FILE_LIMIT + 1);
	ssize_t len = text ? read_all(fd, text->text, FILE_LIMIT + 1) : -ENOMEM;

	if (len < 0) {
		log_err("config: cannot read %s: %s", path, err_text(len));
		free(text);
		return len == -EISDIR ? -ENOENT : len;
	}
	if (len > FILE_LIMIT || memchr(text->text, '\0', len)) {
		log_err("config: %s: not a text, or too large", path);
		free(text);
		return -EDOM;
	}
	text->text[len] = '\0';
	text->next = line->texts;
	line->texts = text;
	return 0;
}

static int read_file(struct command_line *line, const char *path)
{
	int fd = file_open_any(path, O_RDONLY, 0), err;

	if (fd < 0) {
		log_err("config: cannot open %s: %s", path, err_text(fd));
		return fd == -EACCES || fd == -EPERM ? -EACCES : -ENOENT;
	}
	err = read_text(line, fd, path);
	sys_close(fd);
	return err < 0 ? err :
		parse_text(&line->cfg, line->texts->text, path);
}

/* What is wrong with the arguments is said when they are parsed. */
int config_files(struct command_line *line, int argc, char **argv)
{
	const struct option *o;
	const char *val;
	int i = 1, took, err = 0;

	while (i < argc && err >= 0) {
		took = 1;
		o = argv[i][0] == '-' ? option_find(argv[i], -1) : NULL;
		if (o)
			took = option_value(o, argc - i, argv + i, &val);
		if (o && o->kind == KIND_CONFIG && val)
			err = read_file(line, val);
		i += took;
	}
	return err;
}

void options_release(struct command_line *line)
{
	struct config_text *text;

	while ((text = line->texts)) {
		line->texts = text->next;
		free(text);
	}
}

/* ---- writing ------------------------------------------------------------ */

static bool is_plain(const char *text)
{
	size_t len = strlen(text);
	const char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < 0x20 && *c != '\t')
			return false;
	return len && *text != '"' && !strchr(BLANKS, *text) &&
		!strchr(BLANKS, text[len - 1]);
}

static void print_text(const char *name, const char *text)
{
	if (is_plain(text)) {
		printf("%s %s\n", name, text);
		return;
	}
	printf("%s \"", name);
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20)
			printf("\\x%02x", *text);
		else
			printf(*text == '"' || *text == '\\' ? "\\%c" : "%c",
			       *text);
	}
	printf("\"\n");
}

/* In the largest unit that leaves a whole number. */
static void print_size(const char *name, uint64_t size)
{
	static const char units[] = "\0KMGT";
	unsigned int unit = 0;

	while (size && size % KiB == 0 && unit + 1 < sizeof(units) - 1) {
		size /= KiB;
		unit++;
	}
	printf("%s %" PRIu64 "%.1s\n", name, size, units + unit);
}

static void print_choice(const char *name, const char *choices, unsigned int n)
{
	while (n--)
		choices = strchr(choices, '|') + 1;
	printf("%s %.*s\n", name, (int)strcspn(choices, "|"), choices);
}

static void print_list(const char *name, const char *const *list,
		       unsigned int nr)
{
	for (; nr--; list++)
		print_text(name, *list);
}

static void print_option(const struct config *cfg, const struct option *o)
{
	const void *field = (const char *)cfg + o->field;

	switch (o->kind) {
	case KIND_FLAG:
		if (*(const bool *)field)
			printf("%s\n", o->name);
		break;
	case KIND_STRING:
		if (*(const char *const *)field)
			print_text(o->name, *(const char *const *)field);
		break;
	case KIND_SIZE:
		if (*(const uint64_t *)field >= o->min)
			print_size(o->name, *(const uint64_t *)field);
		break;
	case KIND_NUMBER:
		if (*(const unsigned int *)field >= o->min)
			printf("%s %u\n", o->name, *(const unsigned int *)field);
		break;
	case KIND_CHOICE:
		print_choice(o->name, o->choices, *(const unsigned int *)field);
		break;
	case KIND_DEVICE:
		print_list(o->name, cfg->vfio, cfg->nr_vfio);
		break;
	case KIND_PLATFORM:
		print_list(o->name, cfg->vfio_platform, cfg->nr_vfio_platform);
		break;
	case KIND_OVERLAY:
		print_list(o->name, cfg->dtb_overlay, cfg->nr_dtb_overlay);
		break;
	case KIND_FLASH:
		print_list(o->name, cfg->flash, cfg->nr_flash);
		break;
	case KIND_VIRTIO:	/* in the order of all of them */
	case KIND_ACTION:
	case KIND_CONFIG:
		break;
	}
}

/* Their order decides where on the bus they are. */
static void print_virtio(const struct config *cfg)
{
	const struct virtio_config *v = cfg->virtio;

	for (; v < cfg->virtio + cfg->nr_virtio; v++) {
		if (v->value)
			print_text(v->option, v->value);
		else
			printf("%s\n", v->option);
	}
}

int config_print(const struct config *cfg)
{
	const struct option *o;
	unsigned int i;

	for (i = 0; (o = options_each(i)); i++)
		print_option(cfg, o);
	if (IS_ENABLED(CONFIG_VIRTIO))
		print_virtio(cfg);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		log_err("print-config: cannot write to standard output");
		return -EIO;
	}
	return 0;
}
