/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test guests need of an x86 PC; see guest.h.
 */
#ifndef TESTS_GUEST_X86_ARCH_H
#define TESTS_GUEST_X86_ARCH_H

#define COM1		0x3f8
#define EXIT_PORT	0xf4

#define RAM_BASE	0UL	/* that below the gap, which is the first */
#define PIN_FIRST	16
#define PIN_COUNT	8
#define MEM32_BASE	0xc0000000UL
#define MEM32_END	0xdff00000UL
#define ELSEWHERE	0xd0000000UL
#define HOSTILE_VALUES	0xc0000000, 0xc8000004, 0xdffff000, 0xe0000000, \
			0xfee00000, 0xfec00000

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

static inline void relax(void)
{
	__asm__ volatile("pause");
}

static inline void __attribute__((noreturn)) halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static inline void idle(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* The serial port: a 16550. Where it can be written, it takes BURST bytes. */
#define UART_LINE	4
#define UART_LEVEL	false
#define UART_BURST	16

static inline bool uart_readable(void)
{
	return inb(COM1 + 5) & 1;
}

static inline uint8_t uart_get(void)
{
	return inb(COM1);
}

static inline bool uart_writable(void)
{
	return inb(COM1 + 5) & 0x20;
}

static inline void uart_put(uint8_t c)
{
	outb(COM1, c);
}

/* uart_string - as one string instruction. */
static inline void uart_string(const char *p, uint64_t n)
{
	__asm__ volatile("cld; rep outsb" : "+S"(p), "+c"(n)
			 : "d"(COM1) : "memory");
}

/* Interrupts when something came, and, with @tx, when it can be written. */
static inline void uart_interrupts(bool tx)
{
	outb(COM1 + 1, tx ? 3 : 1);
}

static inline bool uart_pending(void)
{
	return !(inb(COM1 + 2) & 1);
}

/*
 * config_port_access - config space by 0xcf8, one of four kinds of access:
 * writes of 1, 2 and 4 bytes, a read of 4.
 */
static inline uint32_t config_port_access(uint32_t where,
					  unsigned int kind,
					  unsigned int at, uint32_t val)
{
	outl(0xcf8, where);
	switch (kind) {
	case 0:
		outb(0xcfc + at, val);
		break;
	case 1:
		outw(0xcfc + at % 3, val);
		break;
	case 2:
		outl(0xcfc, val);
		break;
	case 3:
		return inl(0xcfc + at);
	}
	return 0xffffffff;
}

static inline void exit_write(uint32_t status, unsigned int bits)
{
	if (bits == 8)
		outb(EXIT_PORT, status);
	else if (bits == 16)
		outw(EXIT_PORT, status);
	else
		outl(EXIT_PORT, status);
}

uint8_t cmos_read(uint8_t reg);
void cmos_write(uint8_t reg, uint8_t value);

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

/* Other processors: start.S calls ap_main(), which a guest may define. */
extern char ap_begin[], ap_end[];
void ap_main(unsigned int index);

#endif
