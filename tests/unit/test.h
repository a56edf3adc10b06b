/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The harness of the unit tests. A file holds tests,
 *
 *	TEST(add_rejects_overlap)
 *	{
 *		CHECK(bus_add(&bus, 0, 8) == 0);
 *		CHECK_EQ(bus_add(&bus, 4, 8), -EEXIST);
 *	}
 *
 * and is a program once tests/unit/Makefile names it. Each test runs in a
 * child process of its own, so it starts from fresh memory, and a crash, a
 * sanitizer's report, a leak or a minute of work without an end fails that test
 * alone. What a test prints is shown only if it fails.
 *
 *	build/unit/bus			all tests, in the file's order
 *	build/unit/bus NAME...		only these
 *	build/unit/bus -v [NAME...]	and show what they print
 */
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <stdbool.h>

struct test {
	const char *name;
	void (*run)(void);
	bool only_if_named;
	struct test *next;
};

void test_add(struct test *test);

/* test_failed, test_skip - end the running test. */
void test_failed(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
void test_skip(const char *reason) __attribute__((noreturn));

/*
 * test_note - words to print should a CHECK fail from here on, in place of
 * those said before: in a loop, which round it was.
 */
void test_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void test_check_eq(const char *file, int line, const char *what,
		   long long is, long long want);
void test_check_str(const char *file, int line, const char *what,
		    const char *is, const char *want);

#define TEST_DEFINE(fn, hide) \
	static void fn(void); \
	static struct test fn##_test = { #fn, fn, hide, 0 }; \
	static void __attribute__((constructor)) fn##_add(void) \
	{ \
		test_add(&fn##_test); \
	} \
	static void fn(void)

#define TEST(name) TEST_DEFINE(name, false)
/* A test that runs only when named: made to fail, to try the harness. */
#define TEST_ONLY_IF_NAMED(name) TEST_DEFINE(name, true)

#define CHECK(cond) \
	do { \
		if (!(cond)) \
			test_failed(__FILE__, __LINE__, "not so: %s", #cond); \
	} while (0)
#define CHECK_EQ(is, want) \
	test_check_eq(__FILE__, __LINE__, #is, (long long)(is), \
		      (long long)(want))
#define CHECK_STR(is, want) \
	test_check_str(__FILE__, __LINE__, #is, is, want)
#define SKIP(reason) test_skip(reason)

#endif
