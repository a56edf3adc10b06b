/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events: that each line is JSON whatever is in it, that nobody waits, and
 * that what was lost is counted. And the exit statuses that they tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/events.h"
#include "vmm/json.h"
#include "vmm/vm.h"

static struct vm vm;
static struct config cfg;
static char text[1 << 20];

static void begin(int fd)
{
	static char name[16];

	fake_begin();
	snprintf(name, sizeof(name), "fd:%d", fd);
	cfg = (struct config){ .kernel = "/k", .cpus = 1, .events = name };
	vm = (struct vm){ .cfg = &cfg };
	CHECK_EQ(events_create(&vm), 0);
}

/* All that can be read of @fd now; the length. */
static size_t read_all(int fd, char *at)
{
	size_t len = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((n = read(fd, at + len, text + sizeof(text) - 1 - at - len)) > 0)
		len += n;
	at[len] = '\0';
	return len;
}

static size_t drain(int fd)
{
	return read_all(fd, text);
}

static unsigned int valid_lines(void)
{
	char *line, *rest = text;
	unsigned int n = 0;

	while ((line = strsep(&rest, "\n")) && rest) {
		CHECK(json_valid(line));
		n++;
	}
	CHECK(!*line);
	return n;
}

TEST(json_is_valid_whatever_the_text)
{
	char all[256], buf[2048];
	struct json j;
	size_t len;
	int i;

	for (i = 0; i < 255; i++)
		all[i] = i + 1;
	all[255] = '\0';
	json_begin(&j, buf, sizeof(buf));
	json_text(&j, "text", all);
	json_text(&j, "none", NULL);
	json_open(&j, "inner");
	json_close(&j);
	json_open(&j, "more");
	json_number(&j, "n", UINT64_MAX);
	json_flag(&j, "on", true);
	json_close(&j);
	json_flag(&j, "off", false);
	len = json_end(&j);
	CHECK_EQ(len, strlen(buf));
	CHECK(json_valid(buf));
	CHECK(strstr(buf, "\\u0001\\u0002"));
	CHECK(strstr(buf, " !\\\"#"));
	CHECK(strstr(buf, "[\\\\]"));
	CHECK(strstr(buf, "\\u00ff"));
	CHECK(strstr(buf, "\"inner\": {}, \"more\": {\"n\": 18446744073709551615, "
			  "\"on\": true}, \"off\": false}\n"));
}

TEST(json_that_does_not_fit_says_so)
{
	char buf[64];
	struct json j;
	size_t size;

	for (size = 1; size < sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		json_begin(&j, buf, size);
		json_text(&j, "a", "b\n");
		if (json_end(&j))
			break;
		CHECK_EQ(buf[size], 'x');
	}
	CHECK_EQ(size, strlen("{\"a\": \"b\\u000a\"}\n") + 1);
}

TEST(a_full_pipe_loses_events_and_the_next_says_how_many)
{
	unsigned int i, kept;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 4096);
	begin(fds[1]);
	for (i = 0; i < 1000; i++)
		events_plain(&vm, "reset");
	drain(fds[0]);
	kept = valid_lines();
	CHECK(kept > 50 && kept < 1000);
	events_plain(&vm, "reset");
	events_plain(&vm, "reset");
	drain(fds[0]);
	snprintf(text + sizeof(text) / 2, 64, "\"lost\": %u}\n", 1000 - kept);
	CHECK(strstr(text, text + sizeof(text) / 2));
	CHECK(!strstr(strchr(text, '\n'), "lost"));
	CHECK_EQ(valid_lines(), 2);
	events_destroy(&vm);
	close(fds[0]);
	close(fds[1]);
	fake_end();
}

/* A blocking pipe with another reader's flags: they are not ours to change. */
TEST(the_flags_of_an_inherited_pipe_stay)
{
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	begin(fds[1]);
	events_plain(&vm, "panic");
	CHECK_EQ(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	CHECK(drain(fds[0]) > 0);
	events_destroy(&vm);
	fake_end();
}

TEST(a_socket_that_takes_half_a_line_gets_the_rest_first)
{
	unsigned int i;
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	begin(fds[1]);
	fake_send_at_most(10);
	for (i = 0; i < 3; i++)
		events_plain(&vm, "panic");
	CHECK_EQ(drain(fds[0]), 30);
	fake_send_at_most(0);
	events_plain(&vm, "reset");
	read_all(fds[0], text + 30);
	CHECK(strstr(text, "\"panic\""));
	CHECK(strstr(text, "\"lost\": 2}\n"));
	CHECK_EQ(valid_lines(), 2);
	events_destroy(&vm);
	close(fds[0]);
	fake_end();
}

TEST(a_reader_that_has_gone_is_no_error)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	begin(fds[1]);
	close(fds[1]);
	close(fds[0]);
	events_plain(&vm, "reset");
	events_stop(&vm, 0);
	events_destroy(&vm);
	fake_end();
}

TEST(nothing_is_said_where_nobody_asked)
{
	fake_begin();
	cfg = (struct config){ .cpus = 1 };
	vm = (struct vm){ .cfg = &cfg };
	CHECK_EQ(events_create(&vm), 0);
	CHECK(!vm.events);
	events_plain(&vm, "reset");
	events_stop(&vm, 0);
	events_destroy(&vm);
	CHECK_STR(fake_journal(), "");
	fake_end();
}

TEST(the_reason_goes_with_the_status)
{
	static const struct {
		int status;
		const char *reason;
	} cases[] = {
		{ 0, "power-off" }, { 1, "exit-device" },
		{ 63, "exit-device" }, { 64, "error" }, { 69, "error" },
		{ 70, "error" }, { 80, "reset" }, { 81, "panic" },
		{ 82, "watchdog" }, { 83, "timeout" }, { 84, "crash" },
		{ 85, "device-lost" }, { 130, "signal" }, { 137, "signal" },
	};
	char want[64];
	unsigned int i;
	int fds[2];

	CHECK_EQ(pipe(fds), 0);
	begin(fds[1]);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		events_stop(&vm, cases[i].status);
		drain(fds[0]);
		snprintf(want, sizeof(want), "\"reason\": \"%s\", \"status\": %d",
			 cases[i].reason, cases[i].status);
		CHECK(strstr(text, want));
		CHECK_EQ(valid_lines(), 1);
	}
	events_destroy(&vm);
	fake_end();
}

/* Who reports an error picks its number by this; DESIGN has the same table. */
TEST(each_error_number_has_its_status)
{
	static const struct {
		int err, status;
	} cases[] = {
		{ 0, 0 }, { 1, 0 }, { -EDOM, 64 }, { -ENOEXEC, 65 },
		{ -ENOENT, 66 }, { -EISDIR, 66 }, { -ENOTDIR, 66 },
		{ -ENODEV, 69 }, { -ENXIO, 69 }, { -EBUSY, 69 },
		{ -ENOSYS, 69 }, { -EOPNOTSUPP, 69 }, { -ENOTTY, 69 },
		{ -ERANGE, 69 }, { -ENOTRECOVERABLE, 70 }, { -EIO, 71 },
		{ -EINVAL, 71 }, { -ENOMEM, 71 }, { -EPERM, 77 },
		{ -EACCES, 77 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_EQ(status_of(cases[i].err), cases[i].status);
}
