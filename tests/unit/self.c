/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness tried on itself: whatever can go wrong in a test is reported
 * as a failure, by line and by exit status. Each test here runs this program
 * again with the name of a test that is made to go wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static char output[65536];

/* Run this program on the test @name; returns its exit status. */
static int again(const char *name)
{
	char self[4096], command[4200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	size_t got;
	FILE *f;

	CHECK(n > 0);
	self[n] = 0;
	snprintf(command, sizeof(command), "TEST_TIMEOUT=1 '%s' %s 2>&1", self,
		 name);
	f = popen(command, "r");
	CHECK(f != NULL);
	got = fread(output, 1, sizeof(output) - 1, f);
	output[got] = 0;
	/* This child's own output: seen only if a CHECK below fails. */
	printf("%s", output);
	return WEXITSTATUS(pclose(f));
}

static void fails(const char *name, const char *words)
{
	char line[128];

	CHECK_EQ(again(name), 1);
	snprintf(line, sizeof(line), "FAIL self: %s", name);
	CHECK(strstr(output, line) == output);
	CHECK(strstr(output, words) != NULL);
	CHECK(strstr(output, "\n0 passed, 1 failed, 0 skipped\n") != NULL);
}

TEST_ONLY_IF_NAMED(broken_check)
{
	test_note("round %d", 7);
	CHECK(1 == 2);
	printf("a failed CHECK went on\n");
}

TEST(failed_check_fails)
{
	fails("broken_check", "self.c:");
	CHECK(strstr(output, "not so: 1 == 2, round 7\n") != NULL);
	CHECK(strstr(output, "went on") == NULL);
}

TEST_ONLY_IF_NAMED(broken_eq)
{
	CHECK_EQ(3, 3);
	CHECK_EQ(2 + 1, -1);
}

TEST(failed_eq_says_both)
{
	fails("broken_eq", "2 + 1 is 3 (0x3), not -1");
}

TEST_ONLY_IF_NAMED(broken_str)
{
	CHECK_STR("a", "a");
	CHECK_STR("a", "b");
}

TEST(failed_str_says_both)
{
	fails("broken_str", "\"a\" is \"a\", not \"b\"");
}

TEST_ONLY_IF_NAMED(broken_crash)
{
	abort();
}

TEST(crash_fails)
{
	fails("broken_crash", "(Aborted)");
}

TEST_ONLY_IF_NAMED(broken_memory)
{
	char *p = malloc(4);
	volatile size_t len = 5;

	memset(p, 0, len);
	printf("%d\n", p[0]);
	free(p);
}

TEST(write_beyond_the_end_fails)
{
	fails("broken_memory", "heap-buffer-overflow");
}

TEST_ONLY_IF_NAMED(broken_arithmetic)
{
	volatile int i = 0x7fffffff;

	i = i + 1;
}

TEST(undefined_behaviour_fails)
{
	fails("broken_arithmetic", "signed integer overflow");
}

TEST_ONLY_IF_NAMED(broken_leak)
{
	char *volatile p = malloc(123);

	p[0] = 1;
	p = NULL;
}

TEST(leak_fails)
{
	fails("broken_leak", "LeakSanitizer");
}

TEST_ONLY_IF_NAMED(broken_endless)
{
	for (;;)
		pause();
}

TEST(endless_test_fails)
{
	fails("broken_endless", "(Alarm clock)");
}

TEST_ONLY_IF_NAMED(broken_spinning)
{
	for (volatile unsigned int i = 0;; i++)
		;
}

TEST(spinning_test_fails)
{
	fails("broken_spinning", "(Profiling timer expired)");
}

TEST_ONLY_IF_NAMED(broken_skip)
{
	SKIP("no such hardware");
}

TEST(skip_is_counted_with_its_reason)
{
	CHECK_EQ(again("broken_skip"), 0);
	CHECK(strstr(output, "SKIP self: broken_skip\n"
			     "no such hardware\n"
			     "0 passed, 0 failed, 1 skipped\n") == output);
}

TEST(unknown_name_is_an_error)
{
	CHECK_EQ(again("no_such_test"), 64);
	CHECK(strstr(output, "passed") == NULL);
}
