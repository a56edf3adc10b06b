/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket with clients of every kind: polite, many, slow, gone,
 * and hostile. What commands do to a machine is shown by tests/tool.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture.h"
#include "json.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/balloon.h"
#include "vmm/control.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/vm.h"

static struct vm vm;
static struct config cfg;
static struct vcpu vcpus[64];
static char path[64];
static pthread_t thread;
static char text[65536];

static void *serve(void *arg)
{
	loop_run(&vm.loop);
	return NULL;
}

static void begin_at(const char *at)
{
	fake_begin();
	cfg = (struct config){ .cpus = 64, .control = at };
	vm = (struct vm){ .cfg = &cfg, .vcpus = vcpus, .nr_vcpus = 64 };
	CHECK_EQ(loop_create(&vm.loop), 0);
	CHECK_EQ(control_create(&vm), 0);
	CHECK_EQ(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void begin(void)
{
	snprintf(path, sizeof(path), "/tmp/postern-unit-%d.sock", getpid());
	begin_at(path);
}

static void end(void)
{
	loop_quit(&vm.loop);
	pthread_join(thread, NULL);
	control_destroy(&vm);
	loop_destroy(&vm.loop);
	CHECK(access(path, F_OK) < 0);
	fake_end();
}

static int connected(void)
{
	int fd = sys_unix_connect(path);

	CHECK(fd >= 0);
	return fd;
}

/* Up to @lines lines, or until the other end hangs up: the number. */
static unsigned int hear(int fd, unsigned int lines)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	unsigned int n = 0;
	size_t len = 0;

	while (n < lines && len < sizeof(text) - 1) {
		CHECK_EQ(poll(&ready, 1, 10000), 1);
		if (read(fd, text + len, 1) <= 0)
			break;
		n += text[len++] == '\n';
	}
	text[len] = '\0';
	return n;
}

static void say(int fd, const char *words)
{
	CHECK_EQ(write(fd, words, strlen(words)), strlen(words));
}

static void polite(int fd)
{
	say(fd, "status\n");
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(json_valid(text));
	CHECK(strstr(text, "{\"ok\": true, \"state\": \"running\""));
}

/* The other end has closed, after @lines of replies or fewer. */
static void let_go(int fd, unsigned int lines)
{
	CHECK(hear(fd, lines + 1) <= lines);
	close(fd);
}

TEST(lines_come_as_they_like)
{
	int fd;

	begin();
	fd = connected();
	say(fd, "\n\r\n  \t\nsta");
	usleep(10000);
	say(fd, "tus\r\n \tstatus\t \n\nfrob \"x\nstats");
	CHECK_EQ(hear(fd, 3), 3);
	CHECK(strstr(text, "{\"ok\": false, \"status\": 64, \"error\": "
			   "\"frob: unknown command\"}\n"));
	say(fd, "\n");
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(json_valid(text));
	close(fd);
	end();
}

TEST(statistics_of_the_largest_machine_are_whole)
{
	unsigned int i;
	int fd;

	begin();
	for (i = 0; i < 64; i++)
		vcpus[i].exits[EXIT_IO] = vcpus[i].exits[EXIT_MMIO] =
			vcpus[i].exits[EXIT_OTHER] = UINT64_MAX;
	fd = connected();
	say(fd, "stats\n");
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(json_valid(text));
	say(fd, "stats --prometheus\n");
	CHECK_EQ(hear(fd, 6 * 3 + 2 + 64 * 3 + 1), 6 * 3 + 2 + 64 * 3 + 1);
	CHECK(strstr(text, "{vcpu=\"63\",kind=\"other\"} 18446744073709551615"
			   "\n# EOF\n"));
	close(fd);
	end();
}

TEST(too_long_a_line_ends_its_client_alone)
{
	static char line[CONTROL_LINE + 1];
	int fd, other;

	begin();
	log_quiet();
	other = connected();
	memset(line, 'x', CONTROL_LINE - 1);
	line[CONTROL_LINE - 1] = '\n';
	fd = connected();
	say(fd, line);
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(json_valid(text));
	capture_begin(2);
	memset(line, 'y', CONTROL_LINE);
	say(fd, line);
	let_go(fd, 0);
	capture_end();
	CHECK(said("control: a request is too long"));
	polite(other);
	close(other);
	end();
}

TEST(any_bytes_are_an_unknown_command)
{
	char all[512];
	int fd, i;

	begin();
	fd = connected();
	for (i = 0; i < 256; i++)
		all[i] = i;
	all['\n'] = '?';
	all[256] = '\n';
	CHECK_EQ(write(fd, all + 1, 256), 256);
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(json_valid(text));
	CHECK_EQ(write(fd, "\0status\nstatus\0no\n", 18), 18);
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(strstr(text, "\"ok\": true"));
	polite(fd);
	close(fd);
	end();
}

TEST(who_does_not_read_is_let_go)
{
	int fd, other, i;

	begin();
	fd = connected();
	other = connected();
	for (i = 0; i < 100000; i++)
		if (send(fd, "stats\n", 6, MSG_NOSIGNAL) != 6)
			break;
	CHECK(i < 100000);
	polite(other);
	close(fd);
	close(other);
	end();
}

TEST(of_too_many_the_one_silent_longest_goes)
{
	int fds[CONTROL_CLIENTS + 1], i;

	begin();
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		fds[i] = connected();
		polite(fds[i]);
	}
	polite(fds[0]);
	fds[i] = connected();
	polite(fds[i]);
	let_go(fds[1], 0);
	for (i = 0; i <= CONTROL_CLIENTS; i++) {
		if (i == 1)
			continue;
		polite(fds[i]);
		close(fds[i]);
	}
	end();
}

TEST(clients_that_go_in_the_middle)
{
	int i, fd;

	begin();
	for (i = 0; i < 200; i++) {
		fd = connected();
		say(fd, i & 1 ? "stat" : "stats\nstats\n");
		close(fd);
	}
	fd = connected();
	polite(fd);
	close(fd);
	end();
}

TEST(an_inherited_socket_that_is_connected)
{
	char name[16];
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	snprintf(name, sizeof(name), "fd:%d", fds[1]);
	begin_at(name);
	close(fds[1]);
	polite(fds[0]);
	say(fds[0], "kill\n");
	CHECK_EQ(hear(fds[0], 1), 1);
	pthread_join(thread, NULL);
	CHECK_EQ(vm.state, VM_STOPPING);
	CHECK_EQ(vm.status, 137);
	control_destroy(&vm);
	CHECK_EQ(hear(fds[0], 1), 0);
	loop_destroy(&vm.loop);
	close(fds[0]);
	fake_end();
}

/* Who starts us has it from Linux. */
static int inherited(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof(path), "/tmp/postern-unit-%d.sock", getpid());
	strcpy(addr.sun_path, path);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(fd, 8), 0);
	return fd;
}

TEST(an_inherited_socket_that_listens)
{
	char name[16];
	int listens = inherited(), fd;

	snprintf(name, sizeof(name), "fd:%d", listens);
	begin_at(name);
	close(listens);
	fd = connected();
	polite(fd);
	close(fd);
	/* The path is not ours to remove. */
	CHECK_EQ(unlink(path), 0);
	end();
}

TEST(what_is_no_socket_is_refused)
{
	fake_begin();
	cfg = (struct config){ .cpus = 1, .control = "fd:2" };
	vm = (struct vm){ .cfg = &cfg };
	CHECK_EQ(loop_create(&vm.loop), 0);
	CHECK_EQ(control_create(&vm), -EDOM);
	CHECK(!vm.control);
	cfg.control = "fd:999";
	CHECK_EQ(control_create(&vm), -EDOM);
	cfg.control = "/tmp/.";
	CHECK_EQ(control_create(&vm), -EBUSY);
	cfg.control = NULL;
	CHECK_EQ(control_create(&vm), 0);
	control_destroy(&vm);
	loop_destroy(&vm.loop);
	fake_end();
}

static void resize(struct balloon *b, uint64_t bytes)
{
	b->target = bytes;
}

static void ask(struct balloon *b)
{
	b->figures[4]++;
}

static void replies(int fd, const char *words, const char *reply)
{
	say(fd, words);
	CHECK_EQ(hear(fd, 1), 1);
	test_note("%s", text);
	CHECK(json_valid(text));
	CHECK(strstr(text, reply));
}

TEST(a_balloon_is_told_its_size)
{
	struct balloon b = {
		.size = 4096, .discarded = 8192, .resize = resize, .ask = ask,
	};
	int fd;

	memset(b.figures, 0xff, sizeof(b.figures));
	b.figures[4] = 1000;
	begin();
	cfg.memory = 1 << 30;
	fd = connected();
	replies(fd, "balloon 1M\n", "\"status\": 69, \"error\": \"balloon: "
		"the guest has none\"");
	vm.balloon = &b;
	replies(fd, "balloon\n", "\"target\": 0, \"size\": 4096}");
	replies(fd, "balloon 1M\n", "\"target\": 1048576, \"size\": 4096}");
	replies(fd, "balloon 1025M\n", "\"status\": 64");
	replies(fd, "balloon x\n", "\"status\": 64");
	replies(fd, "stats\n", "\"balloon_target_bytes\": 1048576, "
		"\"balloon_bytes\": 4096, \"discarded_bytes\": 8192, "
		"\"free_bytes\": 1000, \"exits\"");
	replies(fd, "stats\n", "\"free_bytes\": 1001, \"exits\"");
	b.figures[9] = 3;
	say(fd, "stats --prometheus\nstatus\n");
	CHECK_EQ(hear(fd, 229), 229);
	CHECK(strstr(text, "postern_free_bytes 1002\n"));
	CHECK(strstr(text, "postern_hugetlb_failures_total 3\n"));
	close(fd);
	end();
}
