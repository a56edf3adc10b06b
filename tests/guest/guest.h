/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test guests share: a processor whose addresses are physical, words
 * on the serial port, and what the boot protocol said. A guest is one file with
 * guest() in it; its status is what it returns or gives to leave(). What
 * depends on the architecture is in ARCH/arch.h and behind the functions here.
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_TYPE	1

struct range {
	uint64_t addr, size;
	uint32_t type;
};

extern struct boot {
	const char *how;	/* the protocol's name */
	const char *cmdline;
	uint64_t initrd, initrd_size;
	uint64_t rsdp;		/* x86: of the ACPI tables */
	struct range map[128];
	unsigned int nr;
	uint64_t cpus[64];	/* arm64: their MPIDRs */
	unsigned int nr_cpus;
} boot;

int guest(void);
/* leave - end the machine with @status through the exit device. */
void leave(int status) __attribute__((noreturn));

#include "arch.h"

/* Words. fail() prints its text and leaves with status 1. */
void put_char(char c);
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));
#define check(cond) \
	do { \
		if (!(cond)) \
			fail("%s:%d: not so: %s", __FILE__, __LINE__, #cond); \
	} while (0)

/* option - the number after `@name=` on the command line, else @otherwise. */
uint64_t option(const char *name, uint64_t otherwise);
bool flag(const char *word);

/*
 * Talk with a host that watches us, by memory, so without an exit; its half is
 * tests/bed/meet. meet() prints where in RAM; step() says that we have come as
 * far as @n, a digit, and busily waits until the host has seen it.
 */
void meet(void);
void step(char n);

/* Strings; the compiler may call the mem functions too. */
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/*
 * What the machine has, in each its own way. arch.h has besides:
 * read8() to write64()	one access of exactly that width
 * relax(), halt()	busy waiting; no more work for ever
 * idle()		until an interrupt has been handled
 * uart_...()		the serial port
 * PIN_FIRST, PIN_COUNT	lines that interrupt pins are on
 * MEM32_BASE		of the window for 32-bit BARs; ELSEWHERE: a place in it
 *			that nothing is put at
 */
void power_off(void) __attribute__((noreturn));
void reset_machine(void) __attribute__((noreturn));
/* keep - a number under 256 that a reset leaves alone; kept - it, or 0. */
void keep(uint8_t n);
uint8_t kept(void);
/* second - of an hour. trap - an access that user space answers. */
unsigned int second(void);
void trap(void);
/* power_button_on - call @handler when it is pressed. */
void power_button_on(void (*handler)(void));

/* interrupts_on - line @line goes to @handler. May be called for several. */
void interrupts_on(unsigned int line, bool level, void (*handler)(void));
/* pin_line - the line that the function's interrupt pin is on. */
unsigned int pin_line(unsigned int devfn);
/*
 * msi_target - what the function writes, as MSI or by MSI-X entry @n (under
 * MSI_MAX), comes to @handler: the data; @addr is where it is written.
 */
#define MSI_MAX 4
uint32_t msi_target(unsigned int devfn, unsigned int n, void (*handler)(void),
		    uint64_t *addr);
/* ecam - where config space is; and the same by ports, where there are any. */
uint64_t ecam(void);
void check_config_ports(void);

#endif
