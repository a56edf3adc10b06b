/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test guests share: a processor in long mode with the first 8 GiB
 * mapped one to one, words on the serial port, and what the boot protocol
 * said. A guest is one file with guest() in it; its status is what it returns
 * or gives to leave().
 */
#ifndef TESTS_GUEST_H
#define TESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COM1		0x3f8
#define EXIT_PORT	0xf4

#define RAM_TYPE	1

struct range {
	uint64_t addr, size;
	uint32_t type;
};

extern struct boot {
	bool bzimage;
	const char *cmdline;
	uint64_t initrd, initrd_size;
	uint64_t rsdp;
	struct range map[128];
	unsigned int nr;
} boot;

int guest(void);
/* leave - end the machine with @status through the exit device. */
void leave(int status) __attribute__((noreturn));

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
 * tests/bed/meet. meet() prints the address; step() says that we have come as
 * far as @n, a digit, and busily waits until the host has seen it.
 */
void meet(void);
void step(char n);

/* Strings; the compiler may call the mem functions too. */
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int c, size_t len);
int memcmp(const void *a, const void *b, size_t len);

/* The machine. */
static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

/* One access of exactly that width, by a MOV that every emulator knows. */
#define MMIO(bits) \
static inline uint##bits##_t read##bits(uint64_t addr) \
{ \
	uint##bits##_t v; \
\
	__asm__ volatile("mov (%1), %0" : "=r"(v) \
			 : "r"(addr) : "memory"); \
	return v; \
} \
static inline void write##bits(uint64_t addr, uint##bits##_t v) \
{ \
	__asm__ volatile("mov %0, (%1)" : : "r"(v), "r"(addr) : "memory"); \
}

MMIO(8)
MMIO(16)
MMIO(32)
MMIO(64)

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]),
			 "=d"(out[3]) : "0"(leaf), "2"(sub));
}

uint8_t cmos_read(uint8_t reg);
void cmos_write(uint8_t reg, uint8_t value);

/*
 * interrupts_on - send GSI @gsi to @handler, edge or level. May be called
 * for several; the local APIC is acknowledged after the handler.
 */
void interrupts_on(unsigned int gsi, bool level, void (*handler)(void));
#define LAPIC 0xfee00000UL
void lapic_on(void);

/* ACPI. */
struct acpi_table {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char rest[26];
};

/* acpi_find - a table by its signature, or NULL. */
struct acpi_table *acpi_find(const char *signature);
/* fadt - a field of @len bytes at @offset. */
uint64_t fadt(unsigned int offset, unsigned int len);
#define FADT_SCI	46
#define FADT_PM1_EVT	56
#define FADT_PM1_CNT	64
#define FADT_PM_TMR	76
#define FADT_RESET_PORT	120
#define FADT_RESET_VALUE 128
/* power_off - by \_S5 of DSDT and PM1 control of FADT. */
void power_off(void) __attribute__((noreturn));

/* Other processors: start.S calls ap_main(), which a guest may define. */
extern char ap_begin[], ap_end[];
void ap_main(unsigned int index);

#endif
