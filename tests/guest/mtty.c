/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's sample mediated device, assigned: a serial port whose words
 * come back to it. Each byte that is sent is to interrupt, by the pin, and to
 * be read again.
 */
#include "bus.h"

#define MTTY_ID		0x32534348
#define PCI_LINE	0x3c

/* 16550: its registers and bits. */
#define DATA		0
#define IER		1
#define IER_DATA	0x01
#define FCR		2
#define FCR_CLEAR	0x07	/* FIFOs on, and empty */
#define LCR		3
#define LCR_8N1		0x03
#define MCR		4
#define MCR_ON		0x0b
#define LSR		5
#define LSR_DATA	0x01

static uint16_t port;
static volatile unsigned int came;
static char got[64];
static volatile unsigned int nr;

static void on_data(void)
{
	came++;
	while (inb(port + LSR) & LSR_DATA && nr < sizeof(got))
		got[nr++] = inb(port + DATA);
}

/*
 * The device drops an interrupt while its last one is not unmasked, which
 * takes the host a moment after ours: these reads all go there and back.
 */
static void pause(void)
{
	int i;

	for (i = 0; i < 300; i++)
		inb(port + LSR);
}

static void echo(char c)
{
	unsigned int before = nr, i;

	outb(port + DATA, c);
	for (i = 0; nr == before && i < 3000; i++)
		inb(port + LSR);
	if (nr == before)
		fail("'%c' does not interrupt", c);
	pause();
}

int guest(void)
{
	static const char words[] = "A mediated device says this.";
	int devfn = find_device(MTTY_ID);
	unsigned int i;

	check(devfn >= 0);
	port = read32(config(devfn, PCI_BAR0)) & ~3U;
	check(port);
	write16(config(devfn, PCI_COMMAND), 1);
	interrupts_on(read8(config(devfn, PCI_LINE)), true, on_data);
	outb(port + LCR, LCR_8N1);
	outb(port + FCR, FCR_CLEAR);
	outb(port + MCR, MCR_ON);
	outb(port + IER, IER_DATA);
	for (i = 0; i < sizeof(words); i++)
		echo(words[i]);
	if (nr != sizeof(words) || memcmp(got, words, nr))
		fail("%u bytes came back, or others", nr);
	say("mtty: %s\n", got);
	say("mtty: %u bytes, %u interrupts\n", nr, came);
	return 0;
}
