/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness behind test.h: keeps the list of tests, runs each in a child
 * whose output goes to an unnamed file, and reads the verdict from the
 * child's end.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

/* Exit statuses of a child; anything else is a failure with a reason. */
enum { CHILD_PASSED = 0, CHILD_FAILED = 101, CHILD_SKIPPED = 102 };

/* Seconds of work; on a busy machine they take as long as they take. */
enum { TIMEOUT = 60 };

static struct test *first, **last = &first;
static char note[256];
static bool verbose;

void test_add(struct test *test)
{
	*last = test;
	last = &test->next;
}

void test_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(note, sizeof(note), fmt, args);
	va_end(args);
}

void test_failed(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%d: ", file, line);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "%s%s\n", *note ? ", " : "", note);
	_exit(CHILD_FAILED);
}

void test_skip(const char *reason)
{
	fflush(stdout);
	fprintf(stderr, "%s\n", reason);
	_exit(CHILD_SKIPPED);
}

void test_check_eq(const char *file, int line, const char *what,
		   long long is, long long want)
{
	if (is != want)
		test_failed(file, line, "%s is %lld (0x%llx), not %lld (0x%llx)",
			    what, is, is, want, want);
}

void test_check_str(const char *file, int line, const char *what,
		    const char *is, const char *want)
{
	if (!is || strcmp(is, want))
		test_failed(file, line, "%s is \"%s\", not \"%s\"", what,
			    is ? is : "(null)", want);
}

/* Who spins has a minute of a processor, who waits five by the clock. */
static void limit(void)
{
	const char *text = getenv("TEST_TIMEOUT");
	unsigned int seconds = text ? atoi(text) : TIMEOUT;
	struct itimerval work = { .it_value.tv_sec = seconds };

	setitimer(ITIMER_PROF, &work, NULL);
	alarm(5 * seconds);
}

/* The child. Leaves by exit(), where leaks are looked for. */
static void run_here(const struct test *test, int out)
{
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
	}
	limit();
	test->run();
	exit(CHILD_PASSED);
}

static void show(int out)
{
	char buf[4096];
	ssize_t n;

	lseek(out, 0, SEEK_SET);
	while ((n = read(out, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
}

static int verdict(const char *program, const struct test *test, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	const char *word = code == CHILD_PASSED ? "PASS" :
			   code == CHILD_SKIPPED ? "SKIP" : "FAIL";

	printf("%s %s: %s", word, program, test->name);
	if (WIFSIGNALED(status))
		printf(" (%s)", strsignal(WTERMSIG(status)));
	else if (*word == 'F' && code != CHILD_FAILED)
		printf(" (ended with status %d)", code);
	putchar('\n');
	return code;
}

static int run(const char *program, const struct test *test)
{
	int out = verbose ? -1 : memfd_create("output", MFD_CLOEXEC);
	int status, code;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_here(test, out);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(1);
	}
	code = verdict(program, test, status);
	if (out >= 0 && code != CHILD_PASSED)
		show(out);
	if (out >= 0)
		close(out);
	return code;
}

static bool wanted(const struct test *test, char **names)
{
	if (!*names)
		return !test->only_if_named;
	for (; *names; names++)
		if (!strcmp(test->name, *names))
			return true;
	return false;
}

static bool exists(const char *name)
{
	for (const struct test *test = first; test; test = test->next)
		if (!strcmp(test->name, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	const char *program = slash ? slash + 1 : argv[0];
	char **names = argv + 1;
	int passed = 0, failed = 0, skipped = 0;

	if (argc > 1 && !strcmp(argv[1], "-v")) {
		verbose = true;
		names++;
	}
	for (char **name = names; *name; name++)
		if (!exists(*name)) {
			fprintf(stderr, "%s: no test %s\n", program, *name);
			return 64;
		}
	for (const struct test *test = first; test; test = test->next) {
		int code;

		if (!wanted(test, names))
			continue;
		code = run(program, test);
		passed += code == CHILD_PASSED;
		skipped += code == CHILD_SKIPPED;
		failed += code != CHILD_PASSED && code != CHILD_SKIPPED;
	}
	printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
	return failed != 0;
}
