/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asks postern check, and reads its answers; see checked.h.
 */
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "checked.h"
#include "devices/vfio/command.h"
#include "json.h"
#include "vmm/log.h"

struct config how;
char text[65536], json[65536];

struct fake_pci *well_host(void)
{
	fake_begin();
	fake_dir("/run");
	how = (struct config){ .memory = 256 * MiB, .cpus = 1 };
	return fake_pci_nvme(DEV, 1);
}

int print(char *out, const char *addr)
{
	char word[64], *addrs[] = { word };
	int status;

	snprintf(word, sizeof(word), "%s", addr ? addr : "");
	capture_begin(1);
	status = command_check(&how, addr != NULL, addrs);
	strcpy(out, capture_end());
	return status;
}

/* Both ways; they must agree. */
int check(const char *addr)
{
	int status = print(text, addr);

	how.json = true;
	CHECK_EQ(print(json, addr), status);
	how.json = false;
	CHECK(json_valid(json));
	return status;
}

bool in(const char *where, const char *what)
{
	if (strstr(where, what))
		return true;
	fprintf(stderr, "not there: '%s', in:\n%s\n", what, where);
	return false;
}

/* What @text looks like inside a JSON string. */
static void quote(char *out, const char *what)
{
	for (; *what; what++) {
		if (*what == '"' || *what == '\\')
			*out++ = '\\';
		*out++ = *what;
	}
	*out = '\0';
}

static const char *line_after(const char *at, const char *name)
{
	at = at ? strchr(at, '\n') : NULL;
	if (!at)
		return "";
	at += 1 + strspn(at + 1, " \"");
	return strncmp(at, name, strlen(name)) ? "" :
		at + strlen(name) + strspn(at + strlen(name), "\": ");
}

/* In one of both: a problem that begins so, and right after it its remedy. */
static bool tells_in(const char *where, const char *problem,
		     const char *remedy)
{
	const char *at = strstr(where, problem);

	if (!strncmp(line_after(at, "remedy"), remedy, strlen(remedy)))
		return true;
	fprintf(stderr, "not told: '%s', remedy '%s', but:\n%s", problem,
		remedy, where);
	return false;
}

bool tells(const char *problem, const char *remedy)
{
	char line[512], quoted[400];

	snprintf(line, sizeof(line), "problem: %s", problem);
	if (!tells_in(text, line, remedy ? remedy : "none\n"))
		return false;
	quote(quoted, problem);
	snprintf(line, sizeof(line), "\"problem\": \"%s", quoted);
	quote(quoted, remedy ? remedy : "null,");
	return tells_in(json, line, quoted);
}

unsigned int problems(void)
{
	const char *at = text;
	unsigned int n = 0;

	while ((at = strstr(at, "- problem: "))) {
		at++;
		n++;
	}
	return n;
}

/* Nothing is wrong with @addr. */
void well(const char *addr)
{
	CHECK_EQ(check(addr), STATUS_OK);
	CHECK(in(text, "\nresult:\n  guests: yes\n  devices: yes\n  status: 0\n"));
	CHECK_EQ(problems(), 0);
}

void refused(const char *addr, int status, unsigned int nr)
{
	CHECK_EQ(check(addr), status);
	CHECK_EQ(problems(), nr);
	CHECK(in(text, "    assignable: no\n"));
	CHECK(in(text, "  devices: no\n"));
	CHECK(in(json, "\"assignable\": false\n"));
}

void shell(int (*command)(int n, char **addrs), const char *addr)
{
	char word[64], *addrs[] = { word };

	strcpy(word, addr);
	log_quiet();
	CHECK_EQ(command(1, addrs), 0);
}
