/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console between real descriptors, pipes, files and a pseudo-terminal,
 * and a port made up here; and the terminal's way into raw mode and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "vmm/arch.h"
#include "vmm/console.h"
#include "vmm/term.h"
#include "vmm/util.h"
#include "vmm/vm.h"
#include "tests/fake/fake.h"
#include "test.h"

static struct vm vm;
static struct console *con;
static char got[1 << 16];
static size_t nr_got;
static size_t take = SIZE_MAX;	/* how much the port takes of the input */
static int rooms, stops = -1, buttons, tick_timer;

void vm_stop(struct vm *v, int status)
{
	stops = status;
}

void board_power_button(struct vm *v)
{
	buttons++;
}

static void take_input(void *owner)
{
	int c;

	while (nr_got < take && (c = console_getc(con)) >= 0)
		got[nr_got++] = c;
}

static void note_room(void *owner)
{
	rooms++;
}

static const struct console_ops ops = {
	.input = take_input,
	.room = note_room,
};

static void begin(int in, int out)
{
	fake_begin();
	CHECK_EQ(loop_create(&vm.loop), 0);
	CHECK_EQ(console_create(&vm, in, out, &con), 0);
	console_connect(con, &ops, NULL);
}

static void end(void)
{
	console_destroy(con);
	loop_destroy(&vm.loop);
	fake_end();
}

static void tick(void *arg)
{
	loop_quit(&vm.loop);
}

/* Let the loop run for a while. */
static void run(unsigned int ms)
{
	tick_timer = loop_timer(&vm.loop, ms, tick, NULL);
	CHECK(tick_timer >= 0);
	CHECK_EQ(loop_run(&vm.loop), 0);
	loop_timer_del(&vm.loop, tick_timer);
}

static void put(const char *text)
{
	while (*text)
		CHECK(console_putc(con, *text++));
}

/* Non-blocking to write, for here no other descriptor can be opened of it. */
static void pipe_of(int fds[2])
{
	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	CHECK_EQ(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
}

TEST(output_comes_out)
{
	char buf[16] = "";
	int p[2];

	pipe_of(p);
	begin(-1, p[1]);
	put("hello");
	run(50);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
	end();
	close(p[0]), close(p[1]);
}

TEST(last_words_come_out_without_the_loop)
{
	char buf[16] = "";
	int p[2];

	pipe_of(p);
	begin(-1, p[1]);
	put("bye");
	end();
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 3);
	CHECK_STR(buf, "bye");
	close(p[0]), close(p[1]);
}

/* A pipe that nobody reads fills up; then there is no room; then there is. */
TEST(full_pipe_holds_the_port_back)
{
	size_t sent = 0, back = 0;
	char buf[4096];
	ssize_t n;
	int p[2];

	pipe_of(p);
	begin(-1, p[1]);
	while (console_putc(con, sent++ % 251) || (run(20), rooms--)) {
		if (sent % 4096 == 0)
			run(20);
		CHECK(sent < 1 << 20);
	}
	rooms = 0;
	CHECK(sent >= 65536);
	while (back < sent) {
		n = read(p[0], buf, sizeof(buf));
		CHECK(n > 0);
		for (ssize_t i = 0; i < n; i++, back++)
			CHECK_EQ((uint8_t)buf[i], back % 251);
		run(20);
	}
	CHECK(rooms > 0);
	end();
	close(p[0]), close(p[1]);
}

/* A stuck reader costs the end two seconds, not for ever. */
TEST(stuck_reader_does_not_hold_up_the_end)
{
	int p[2];

	pipe_of(p);
	begin(-1, p[1]);
	while (console_putc(con, 'x') || (run(20), rooms--))
		;
	alarm(10);
	end();
	close(p[0]), close(p[1]);
}

TEST(closed_reader_is_survived)
{
	int p[2];

	pipe_of(p);
	begin(-1, p[1]);
	close(p[0]);
	for (int i = 0; i < 10000; i++)
		if (!console_putc(con, 'x'))
			run(20);
	run(20);
	CHECK(console_putc(con, 'x'));
	end();
	close(p[1]);
}

TEST(pipe_input_arrives_up_to_its_end)
{
	int p[2];

	pipe_of(p);
	begin(p[0], -1);
	CHECK_EQ(write(p[1], "a\001xb", 4), 4);	/* no escapes here */
	run(50);
	close(p[1]);
	run(50);
	CHECK_EQ(nr_got, 4);
	CHECK(!memcmp(got, "a\001xb", 4));
	CHECK_EQ(stops, -1);
	CHECK_EQ(console_getc(con), -1);
	end();
	close(p[0]);
}

/* More than the ring holds waits in the pipe until the port takes it. */
TEST(input_waits_for_the_port)
{
	uint8_t sent[1000];
	int p[2], queued = 0;

	for (unsigned int i = 0; i < sizeof(sent); i++)
		sent[i] = i * 7;
	pipe_of(p);
	take = 0;
	begin(p[0], -1);
	CHECK_EQ(write(p[1], sent, sizeof(sent)), sizeof(sent));
	run(50);
	CHECK_EQ(ioctl(p[0], FIONREAD, &queued), 0);
	CHECK(queued >= 500);
	take = SIZE_MAX;
	take_input(NULL);
	run(50);
	CHECK_EQ(nr_got, sizeof(sent));
	CHECK(!memcmp(got, sent, sizeof(sent)));
	end();
	close(p[0]), close(p[1]);
}

TEST(file_input_is_read_when_asked_for)
{
	char name[] = "/tmp/postern-console.XXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	unlink(name);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(write(fd, "0123456789", 10), 10);
	lseek(fd, 0, SEEK_SET);
	begin(fd, -1);
	run(20);
	CHECK_EQ(nr_got, 0);
	take_input(NULL);
	CHECK_EQ(nr_got, 10000);
	CHECK(!memcmp(got + 9990, "0123456789", 10));
	CHECK_EQ(console_getc(con), -1);
	end();
	close(fd);
}

TEST(no_input_from_dev_null)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	begin(fd, fd);
	CHECK_EQ(console_getc(con), -1);
	put("x");
	run(20);
	end();
	close(fd);
}

/* ---- a terminal --------------------------------------------------------- */

/* A pseudo-terminal, ours to control: *@user is the far end. */
static int terminal(int *user)
{
	int fd;

	CHECK(setsid() >= 0);
	signal(SIGHUP, SIG_IGN);	/* comes when the far end closes */
	*user = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(*user >= 0);
	CHECK(!grantpt(*user) && !unlockpt(*user));
	fd = open(ptsname(*user), O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static bool is_raw(int fd)
{
	struct termios tio;

	CHECK_EQ(tcgetattr(fd, &tio), 0);
	return !(tio.c_lflag & (ICANON | ECHO | ISIG));
}

static void type(int user, const char *keys, size_t len)
{
	CHECK_EQ(write(user, keys, len), (ssize_t)len);
	run(50);
}

TEST(keys_pass_through_a_terminal)
{
	int user, fd = terminal(&user);

	CHECK(!is_raw(fd));
	begin(fd, fd);
	CHECK(is_raw(fd));
	type(user, "a\003\004\r\032\377", 6);
	CHECK_EQ(nr_got, 6);
	CHECK(!memcmp(got, "a\003\004\r\032\377", 6));
	end();
	CHECK(!is_raw(fd));
	close(fd), close(user);
}

TEST(escapes_on_a_terminal)
{
	int user, fd = terminal(&user);

	begin(fd, fd);
	type(user, "x\001\001y", 4);
	CHECK(nr_got == 3 && !memcmp(got, "x\001y", 3));
	type(user, "\001b", 2);
	CHECK_EQ(buttons, 1);
	type(user, "\001h\001?\001z", 6);
	CHECK_EQ(nr_got, 3);
	type(user, "\001", 1);		/* in two reads */
	CHECK_EQ(stops, -1);
	type(user, "x", 1);
	CHECK_EQ(stops, 0);
	CHECK_EQ(nr_got, 3);
	end();
	close(fd), close(user);
}

TEST(terminal_hangs_up)
{
	int user, fd = terminal(&user);

	begin(fd, fd);
	close(user);
	run(50);
	put("to nobody");
	run(50);
	CHECK_EQ(console_getc(con), -1);
	end();
	close(fd);
}

TEST(background_leaves_the_terminal_alone)
{
	int user, fd = terminal(&user), status;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		_exit(term_raw(fd) == TERM_BACKGROUND && !is_raw(fd) ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	close(fd), close(user);
}

/* Whatever ends the process by a signal finds the terminal restored. */
TEST(terminal_is_restored_on_every_deadly_signal)
{
	static const int deadly[] = {
		SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGHUP, SIGINT,
		SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGXCPU,
	};
	int user, fd = terminal(&user), status;

	for (unsigned int i = 0; i < ARRAY_SIZE(deadly); i++) {
		pid_t pid = fork();

		test_note("signal %d", deadly[i]);
		if (!pid) {
			/* The sanitizers' own handlers out of the way. */
			signal(deadly[i], SIG_DFL);
			CHECK_EQ(term_raw(fd), TERM_RAW);
			CHECK(is_raw(fd));
			raise(deadly[i]);
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), deadly[i]);
		CHECK(!is_raw(fd));
	}
	close(fd), close(user);
}

TEST(handled_signals_keep_their_handlers)
{
	int user, fd = terminal(&user);
	struct sigaction act;

	signal(SIGUSR1, SIG_IGN);
	CHECK_EQ(term_raw(fd), TERM_RAW);
	CHECK_EQ(sigaction(SIGUSR1, NULL, &act), 0);
	CHECK(act.sa_handler == SIG_IGN);
	term_restore();
	term_restore();
	CHECK(!is_raw(fd));
	close(fd), close(user);
}
