/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a scenario once for each of its calls, that call failing; see fake.h.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_priv.h"

#define ERRNO_MAX 4095

/* What is wrong with @ret, the call in fake_failed() having failed. */
static const char *judge(int ret, bool (*tolerates)(const char *line))
{
	if (ret > 0)
		return "returned a positive number";
	if (ret < -ERRNO_MAX)
		return "returned no errno";
	if (!ret && !(tolerates && tolerates(fake_failed())))
		return "went on as if nothing had failed";
	return fake_check() ? "left something behind" : NULL;
}

static const char *run_once(int (*run)(void), unsigned int nth,
			    bool (*tolerates)(const char *line), bool *fired)
{
	const char *wrong;
	int ret;

	fake_fail_nth(nth, 0);
	ret = run();
	*fired = fake_failed() != NULL;
	if (!*fired)
		return ret ? "failed although no call did" : NULL;
	wrong = judge(ret, tolerates);
	if (wrong)
		return wrong;
	world->fail_nth = 0;
	if (run())
		return "failed when tried again";
	return fake_check() ? "left something behind when tried again" : NULL;
}

int fake_sweep(void (*build)(void), int (*run)(void),
	       bool (*tolerates)(const char *line))
{
	const char *wrong = NULL;
	unsigned int nth;
	bool fired = true;

	for (nth = 1; fired && !wrong; nth++) {
		fake_begin();
		build();
		wrong = run_once(run, nth, tolerates, &fired);
		if (wrong)
			fprintf(stderr,
				"fake: call %u made to fail, '%s': %s\nthe calls were:\n%s",
				nth, fake_failed() ? fake_failed() : "none",
				wrong, fake_journal());
		drop_world();
	}
	return wrong ? -1 : (int)nth - 2;
}
