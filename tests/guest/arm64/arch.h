/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the test guests need of the arm64 machine with the map of QEMU's `virt`
 * (arch/arm64/layout.h); see guest.h. They run at EL1 with the MMU off, so an
 * access must be aligned.
 */
#ifndef TESTS_GUEST_ARM64_ARCH_H
#define TESTS_GUEST_ARM64_ARCH_H

#define RAM_BASE	0x40000000UL
#define GIC_DIST	0x08000000UL
#define GIC_ITS		0x08080000UL
#define GIC_REDIST	0x080a0000UL
#define UART		0x09000000UL
#define RTC		0x09010000UL
#define GPIO		0x09030000UL
#define EXIT		0x090f0000UL
#define ECAM		0x3f000000UL

#define UART_LINE	1	/* lines are SPIs: interrupt ids less 32 */
#define GPIO_LINE	7
#define POWER_PIN	3	/* of the GPIO chip */
#define PIN_FIRST	3
#define PIN_COUNT	4
#define MEM32_BASE	0x10000000UL
#define MEM32_END	0x3eff0000UL
#define ELSEWHERE	0x30000000UL
#define HOSTILE_VALUES	0x10000000, 0x18000004, 0x3efff000, 0x3f000000, \
			GIC_DIST, GIC_ITS

/* One access of exactly that width. */
#define MMIO(bits, size, reg) \
static inline uint##bits##_t read##bits(uint64_t addr) \
{ \
	uint##bits##_t v; \
\
	__asm__ volatile("ldr" size " %" reg "0, [%1]" : "=r"(v) \
			 : "r"(addr) : "memory"); \
	return v; \
} \
static inline void write##bits(uint64_t addr, uint##bits##_t v) \
{ \
	__asm__ volatile("str" size " %" reg "0, [%1]" \
			 : : "r"(v), "r"(addr) : "memory"); \
}

MMIO(8, "b", "w")
MMIO(16, "h", "w")
MMIO(32, "", "w")
MMIO(64, "", "x")

#define read_sysreg(name) \
({ \
	uint64_t v_; \
\
	__asm__ volatile("mrs %0, " name : "=r"(v_)); \
	v_; \
})
#define write_sysreg(name, v) \
	__asm__ volatile("msr " name ", %0; isb" : : "r"((uint64_t)(v)) \
			 : "memory")

static inline void relax(void)
{
	__asm__ volatile("yield");
}

static inline void __attribute__((noreturn)) halt(void)
{
	for (;;)
		__asm__ volatile("msr daifset, #2; wfi");
}

static inline void idle(void)
{
	__asm__ volatile("wfi; msr daifclr, #2; isb; msr daifset, #2"
			 : : : "memory");
}

/* The serial port: a PL011 with its FIFOs on. */
#define UART_LEVEL	true
#define UART_BURST	1
#define UART_FR		(UART + 0x18)
#define UART_FR_RXFE	0x10
#define UART_FR_TXFF	0x20
#define UART_LCRH	(UART + 0x2c)
#define UART_CR		(UART + 0x30)
#define UART_IMSC	(UART + 0x38)
#define UART_MIS	(UART + 0x40)
#define UART_ICR	(UART + 0x44)
#define UART_RX_INTS	0x50	/* something came, a while ago */
#define UART_TX_INT	0x20

static inline void uart_on(void)
{
	write32(UART_LCRH, 0x70);	/* 8 bits, FIFOs */
	write32(UART_CR, 0xb01);	/* both directions, request to send */
}

static inline bool uart_readable(void)
{
	return !(read32(UART_FR) & UART_FR_RXFE);
}

static inline uint8_t uart_get(void)
{
	return read32(UART);
}

static inline bool uart_writable(void)
{
	return !(read32(UART_FR) & UART_FR_TXFF);
}

static inline void uart_put(uint8_t c)
{
	write32(UART, c);
}

/* uart_string - by writes of all widths, of which only one byte counts. */
static inline void uart_string(const char *p, uint64_t n)
{
	for (; n; n--, p++)
		if (n % 3 == 0)
			write8(UART, *p);
		else if (n % 3 == 1)
			write16(UART, *p);
		else
			write32(UART, *p);
}

/* Interrupts when something came, and, with @tx, when it can be written. */
static inline void uart_interrupts(bool tx)
{
	write32(UART_IMSC, UART_RX_INTS | (tx ? UART_TX_INT : 0));
}

static inline bool uart_pending(void)
{
	uint32_t pending = read32(UART_MIS);

	write32(UART_ICR, pending);
	return pending;
}

static inline void exit_write(uint32_t status, unsigned int bits)
{
	if (bits == 8)
		write8(EXIT, status);
	else if (bits == 16)
		write16(EXIT, status);
	else
		write32(EXIT, status);
}

/* There are no ports for config space. */
static inline uint32_t config_port_access(uint32_t where, unsigned int kind,
					  unsigned int at, uint32_t val)
{
	return 0xffffffff;
}

/*
 * psci - a call of the firmware that KVM plays (Arm DEN 0022). Linux:
 * include/uapi/linux/psci.h.
 */
#define PSCI_CPU_SUSPEND	0xc4000001
#define PSCI_CPU_OFF		0x84000002
#define PSCI_CPU_ON		0xc4000003
#define PSCI_AFFINITY_INFO	0xc4000004
#define PSCI_SYSTEM_OFF		0x84000008
#define PSCI_SYSTEM_RESET	0x84000009
#define PSCI_FEATURES		0x8400000a
#define PSCI_SYSTEM_RESET2	0xc4000012
int64_t psci(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* gic_cpu_on - this processor may have interrupts. gic_enable - has it @id. */
void gic_cpu_on(void);
void gic_enable(unsigned int id, bool level);

/* its_on - the ITS and LPIs of the first processor. its_map - @event of that
 * device is interrupt @id from now on. */
void its_on(void);
void its_map(unsigned int device, unsigned int event, unsigned int id);
#define LPI_BASE	8192
#define LPIS		64

/* What start.S has: the way in for further processors, and what it calls. */
extern char secondary[];
void ap_main(unsigned int index);

#endif
