/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option table: options from the command line and from files, what is
 * refused and where, and that what is printed makes the same again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/options_priv.h"

static struct command_line line;

#define PARSE(...) parse((char *[]){ "postern", __VA_ARGS__, NULL })

static void parse(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	options_parse(&line, argc, argv);
}

/* What reading @text as a file makes of it: 0 or -errno, and said(). */
static int read_file(const char *text)
{
	char *argv[] = { "postern", "run", "--config", "/vm.conf", NULL };
	int err;

	line = (struct command_line){ .cfg.cpus = 1 };
	fake_file("/vm.conf", text);
	capture_begin(2);
	err = config_files(&line, 4, argv);
	capture_end();
	return err;
}

TEST(a_file_has_the_same_options)
{
	fake_begin();
	fake_file("/vm.conf",
		  "# a machine\n"
		  "\n"
		  "kernel /boot/vmlinuz\n"
		  "  memory\t 512M \r\n"
		  "\t# indented\n"
		  "append console=ttyS0 quiet # not a comment \"or so\"\n"
		  "cpus 3\n"
		  "once\n"
		  "p2p off\n"
		  "vfio 01:00.0,slot=3\n"
		  "vfio group:7");
	PARSE("run", "--config", "/vm.conf");
	CHECK_STR(line.cfg.kernel, "/boot/vmlinuz");
	CHECK_EQ(line.cfg.memory, 512 * MiB);
	CHECK_STR(line.cfg.append,
		  "console=ttyS0 quiet # not a comment \"or so\"");
	CHECK_EQ(line.cfg.cpus, 3);
	CHECK(line.cfg.once);
	CHECK_EQ(line.cfg.p2p, P2P_OFF);
	CHECK_EQ(line.cfg.nr_vfio, 2);
	CHECK_STR(line.cfg.vfio[0], "01:00.0,slot=3");
	CHECK_STR(line.cfg.vfio[1], "group:7");
	options_release(&line);
	fake_end();
}

TEST(the_command_line_wins_wherever_it_stands_and_lists_add_up)
{
	fake_begin();
	fake_file("/a", "kernel a\ncpus 2\nmemory 64M\nvfio 01:00.0\n");
	fake_file("/b", "memory 128M\nvfio 02:00.0\n");
	PARSE("run", "-c", "7", "--config", "/a", "--vfio", "03:00.0",
	      "--config=/b", "-k", "mine");
	CHECK_STR(line.cfg.kernel, "mine");
	CHECK_EQ(line.cfg.cpus, 7);
	CHECK_EQ(line.cfg.memory, 128 * MiB);
	CHECK_EQ(line.cfg.nr_vfio, 3);
	CHECK_STR(line.cfg.vfio[0], "01:00.0");
	CHECK_STR(line.cfg.vfio[1], "02:00.0");
	CHECK_STR(line.cfg.vfio[2], "03:00.0");
	options_release(&line);
	fake_end();
}

/* What looks like --config but is another option's value. */
TEST(a_value_is_no_option)
{
	fake_begin();
	PARSE("run", "--append", "--config", "--kernel", "--config=/none");
	CHECK_STR(line.cfg.append, "--config");
	CHECK_STR(line.cfg.kernel, "--config=/none");
	fake_end();
}

TEST(quotes_keep_what_a_line_cannot)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{ "append \"\"\n", "" },
		{ "append \" a \"\n", " a " },
		{ "append \"a\\\"b\\\\c\\n\\r\\td\\x7F\\xfe\"  \n",
		  "a\"b\\c\n\r\td\x7f\xfe" },
		{ "append a\"b\" \\n\n", "a\"b\" \\n" },
		{ "append \"#\"\n", "#" },
	};
	unsigned int i;

	fake_begin();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		test_note("%s", cases[i].text);
		CHECK_EQ(read_file(cases[i].text), 0);
		CHECK_STR(line.cfg.append, cases[i].value);
		options_release(&line);
	}
	fake_end();
}

TEST(mistakes_name_file_and_line)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "\n\nspeed 3\n", "/vm.conf:3: unknown option: speed" },
		{ "--kernel x\n", "/vm.conf:1: unknown option: --kernel" },
		{ "kernel=x\n", "/vm.conf:1: unknown option: kernel=x" },
		{ "k x\n", "/vm.conf:1: unknown option: k" },
		{ "json\n", "/vm.conf:1: unknown option: json" },
		{ "once\ncpus 65\n",
		  "/vm.conf:2: --cpus: '65': out of range: 1 to 64" },
		{ "memory 1Q\n", "/vm.conf:1: --memory: '1Q': not a size" },
		{ "p2p maybe\n",
		  "/vm.conf:1: --p2p: 'maybe': not one of its choices: on|off" },
		{ "kernel\n", "/vm.conf:1: --kernel: needs a value: FILE" },
		{ "once yes\n", "/vm.conf:1: --once: takes no value" },
		{ "once \"\"\n", "/vm.conf:1: --once: takes no value" },
		{ "append \"a\n", "/vm.conf:1: append: no quote at the end" },
		{ "append \"a\\\"\n", "append: no quote at the end" },
		{ "append \"a\\", "no such escape" },
		{ "append \"\\x0\"\n", "no such escape" },
		{ "append \"\\x00\"\n", "no such escape" },
		{ "append \"\\q\"\n", "no such escape" },
		{ "append \"a\" b\n", "append: something behind the quote" },
		{ "config /other\n",
		  "/vm.conf:1: config: only on the command line" },
		{ "help\n", "/vm.conf:1: help: only on the command line" },
		{ "dry-run\n", "/vm.conf:1: dry-run: only on the command" },
	};
	unsigned int i;

	fake_begin();
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		test_note("%s", cases[i].text);
		CHECK_EQ(read_file(cases[i].text), -EDOM);
		CHECK(said(cases[i].words));
		CHECK_EQ(said_lines(), 1);
		options_release(&line);
	}
	fake_end();
}

TEST(files_that_are_none)
{
	char *argv[] = { "postern", "--config", "/missing", NULL };
	static char huge[(1 << 20) + 2];

	fake_begin();
	line = (struct command_line){ 0 };
	CHECK_EQ(config_files(&line, 3, argv), -ENOENT);
	fake_dir("/folder");
	argv[2] = "/folder";
	CHECK_EQ(config_files(&line, 3, argv), -ENOENT);
	argv[2] = "fd:99";
	CHECK_EQ(config_files(&line, 3, argv), -ENOENT);
	memset(huge, '\n', sizeof(huge) - 1);
	CHECK_EQ(read_file(huge), -EDOM);
	huge[1 << 20] = '\0';
	CHECK_EQ(read_file(huge), 0);
	options_release(&line);
	fake_blob("/vm.conf", "once\n\0once\n", 11);
	argv[2] = "/vm.conf";
	CHECK_EQ(config_files(&line, 3, argv), -EDOM);
	CHECK(!line.cfg.once);
	options_release(&line);
	fake_end();
}

static const char *printed(void)
{
	capture_begin(1);
	CHECK_EQ(config_print(&line.cfg), 0);
	return capture_end();
}

TEST(what_is_printed_makes_the_same_machine)
{
	static char first[8192];

	fake_begin();
	PARSE("run", "-k", "\"odd name ", "-a", " a\\b\"c\n\x01\xc3\xa4 ", "-m",
	      "1536M", "-c", "64", "--hugepages", "-d", "01:00.0,slot=3", "-d",
	      "group:1", "--iommu", "legacy", "--noiommu=device-only", "--p2p",
	      "off", "--on-device-error", "continue", "--stop-timeout", "0",
	      "--timeout", "9", "--once", "-q", "--trace", "all", "--events",
	      "fd:3", "--container", "/c", "-i", "initrd", "--dry-run");
	strcpy(first, printed());
	CHECK(strstr(first, "kernel \"\\\"odd name \"\n"));
	CHECK(strstr(first, "memory 1536M\n"));
	CHECK(strstr(first, "\\x01"));
	CHECK(!strstr(first, "dry-run"));
	CHECK_EQ(read_file(first), 0);
	CHECK_STR(line.cfg.kernel, "\"odd name ");
	CHECK_STR(line.cfg.append, " a\\b\"c\n\x01\xc3\xa4 ");
	CHECK_EQ(line.cfg.memory, 1536 * MiB);
	CHECK_EQ(line.cfg.noiommu, NOIOMMU_DEVICE_ONLY);
	CHECK_EQ(line.cfg.stop_timeout, 0);
	CHECK_STR(printed(), first);
	options_release(&line);
	fake_end();
}

/* Each option that takes a value, or none, is in there once it is given. */
TEST(every_option_of_a_file_is_printed)
{
	const struct option *o;
	char text[128];
	unsigned int i;

	fake_begin();
	for (i = 0; (o = options_each(i)); i++) {
		if (o->kind >= KIND_ACTION)
			continue;
		test_note("%s", o->name);
		snprintf(text, sizeof(text), "%s%s\n", o->name,
			 !o->arg ? "" : o->kind == KIND_SIZE ? " 64M" :
			 o->kind == KIND_CHOICE ? " on" : " 2");
		if (o->kind == KIND_CHOICE && !strstr(o->choices, "on"))
			snprintf(text, sizeof(text), "%s %.*s\n", o->name,
				 (int)strcspn(o->choices, "|"), o->choices);
		if (o->kind == KIND_CHOICE && strstr(o->choices, "stop|"))
			snprintf(text, sizeof(text), "%s stop\n", o->name);
		CHECK_EQ(read_file(text), 0);
		CHECK(strstr(printed(), text));
		options_release(&line);
	}
	CHECK(i > 15);
	fake_end();
}

TEST(paravirtual_devices_are_printed_in_their_order)
{
	static const char text[] = "disk a\nrng\nnet tap=x\ndisk b,ro\n";

	fake_begin();
	CHECK_EQ(read_file(text), 0);
	CHECK(strstr(printed(), text));
	options_release(&line);
	fake_end();
}

TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t size;
	} cases[] = {
		{ "0", 0 }, { "1k", KiB }, { "3M", 3 * MiB }, { "0x10", 16 },
		{ "2g", 2 * GiB }, { "1T", 1024 * GiB },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const wrong[] = {
		"", "-1", "M", "1Q", "1MM", "18446744073709551616",
		"16777216T", " 1", "1 ", "0x",
	};
	unsigned int i;
	uint64_t size;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_EQ(parse_size(cases[i].text, &size), 0);
		CHECK_EQ(size, cases[i].size);
	}
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		test_note("'%s'", wrong[i]);
		CHECK_EQ(parse_size(wrong[i], &size), -EDOM);
	}
}
