/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says everything that comes in on the serial port again, in capitals, with receive and
 * transmit interrupts, until a NUL comes; then ends with status 0.
 */
#include "guest.h"

#define RING 4096

static uint8_t ring[RING];
static volatile unsigned int in, out;
static volatile bool end;

static void receive(void)
{
	unsigned int n = 16;
	uint8_t c;

	while (n-- && uart_readable()) {
		c = uart_get();
		if (!c) {
			end = true;
			continue;
		}
		if (c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		ring[in++ % RING] = c;
	}
}

static void transmit(void)
{
	unsigned int n = 16;

	while (n-- && out != in && uart_writable())
		uart_put(ring[out++ % RING]);
}

static void serial(void)
{
	while (uart_pending() || uart_readable()) {
		/* A full ring is emptied before more is taken. */
		if (uart_readable() && in - out < RING - 16)
			receive();
		transmit();
		/* The transmitter only interrupts while there is something. */
		uart_interrupts(out != in);
	}
}

int guest(void)
{
	say("ready\n");
	interrupts_on(UART_LINE, UART_LEVEL, serial);
	uart_interrupts(false);
	while (!end || in != out)
		idle();
	return 0;
}
