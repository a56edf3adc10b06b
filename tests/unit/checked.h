/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of postern check share: a host with one device, and what is said
 * of it, for people and for programs.
 */
#ifndef TESTS_UNIT_CHECKED_H
#define TESTS_UNIT_CHECKED_H

#include <stdbool.h>

#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/config.h"
#include "vmm/status.h"
#include "vmm/util.h"

#define DEV "0000:01:00.0"
#define BESIDE "0000:01:00.1"

/* How check is called, and what it said last. */
extern struct config how;
extern char text[65536], json[65536];

/* well_host - a fresh friendly host with a disk that can be assigned. */
struct fake_pci *well_host(void);

/*
 * print - what how asks for, into @out. check - both ways, which must agree;
 * the JSON must be such. NULL: of no device. Both return the status.
 */
int print(char *out, const char *addr);
int check(const char *addr);

/* well - nothing is wrong with @addr. refused - @nr problems are. */
void well(const char *addr);
void refused(const char *addr, int status, unsigned int nr);

/* in - whether @what is in what was said; shows it if not. */
bool in(const char *where, const char *what);
/*
 * tells - whether both ways have a problem that begins so, and its remedy;
 * NULL: it has none.
 */
bool tells(const char *problem, const char *remedy);
/* problems - how many were told of. */
unsigned int problems(void);

/* shell - one of the other commands, for one device. */
void shell(int (*command)(int n, char **addrs), const char *addr);

#endif
