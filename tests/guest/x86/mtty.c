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

/* These reads all go to the host and back, which takes a while. */
static bool came_within(unsigned int reads, unsigned int before)
{
	while (nr == before && reads--)
		inb(port + LSR);
	return nr != before;
}

/*
 * The device forgets an interrupt that falls into the time between ours and
 * its unmasking by the host, which a busy host takes its time for. So a byte
 * that did not interrupt is fetched, and sent again.
 */
static unsigned int echo(char c)
{
	unsigned int before = nr, tries;

	for (tries = 0; nr == before && tries < 20; tries++) {
		outb(port + DATA, c);
		if (came_within(2000, before))
			continue;
		while (inb(port + LSR) & LSR_DATA)
			inb(port + DATA);
	}
	if (nr == before)
		fail("'%c' does not interrupt", c);
	came_within(300, nr);
	return tries ? tries - 1 : 0;
}

int guest(void)
{
	static const char words[] = "A mediated device says this.";
	int devfn = find_device(MTTY_ID);
	unsigned int i, again = 0;

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
		again += echo(words[i]);
	if (nr != sizeof(words) || memcmp(got, words, nr))
		fail("%u bytes came back, or others", nr);
	say("mtty: %s\n", got);
	say("mtty: %u bytes, %u interrupts, %u sent again\n", nr, came, again);
	return 0;
}
