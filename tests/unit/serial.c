/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 16550A as a driver sees it, between a console made up here and an
 * interrupt line that is watched.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/serial.h"
#include "vmm/console.h"
#include "vmm/vm.h"
#include "test.h"

#define COM1 0x3f8

static struct vm vm;
static const struct console_ops *port;
static void *port_owner;
static const char *input;	/* what the user types */
static char output[64];
static unsigned int nr_output, limit; /* bytes in and into the console */
static int line, edges;

void console_connect(struct console *con, const struct console_ops *ops,
		     void *owner)
{
	port = ops;
	port_owner = owner;
}

int console_getc(struct console *con)
{
	return input && *input ? *input++ : -1;
}

bool console_putc(struct console *con, uint8_t c)
{
	if (nr_output < limit)
		output[nr_output++] = c;
	return nr_output + CONSOLE_ROOM <= limit;
}

void irq_line_set(struct irqs *irqs, unsigned int gsi, int level)
{
	CHECK_EQ(gsi, 4);
	edges += level && !line;
	line = level;
}

static void out(unsigned int reg, uint8_t val)
{
	bus_write(&vm.pio, COM1 + reg, val, 1);
}

static uint8_t in(unsigned int reg)
{
	return bus_read(&vm.pio, COM1 + reg, 1);
}

static void begin(void)
{
	struct serial_config cfg = {
		.name = "COM1", .kind = DESC_PIO, .base = COM1, .irq = 4,
	};

	limit = sizeof(output);
	bus_create(&vm.pio, "pio");
	CHECK_EQ(serial_create(&vm, &cfg), 0);
	bus_freeze(&vm.pio);
}

/* The port opened as drivers do: FIFO, modem lines, receive interrupt. */
static void open_port(void)
{
	begin();
	out(2, 0xc1);
	out(4, 0x0b);
	out(1, 0x01);
}

static void end(void)
{
	devices_destroy(&vm);
}

static void type(const char *text)
{
	input = text;
	port->input(port_owner);
}

TEST(looks_like_a_16550a)
{
	begin();
	CHECK_EQ(in(2), 0x01);
	CHECK_EQ(in(5), 0x60);
	CHECK_EQ(in(6), 0xb0);
	out(7, 0x5a);
	CHECK_EQ(in(7), 0x5a);
	out(2, 0x01);
	CHECK_EQ(in(2), 0xc1);
	out(2, 0x21);			/* no 64-byte FIFO of a 16750 */
	CHECK_EQ(in(2), 0xc1);
	out(1, 0xff);
	CHECK_EQ(in(1), 0x0f);
	end();
}

TEST(divisor_hides_behind_dlab)
{
	begin();
	out(3, 0x83);
	CHECK_EQ(in(0), 12);
	out(0, 0x34);
	out(1, 0x12);
	CHECK_EQ(in(0), 0x34);
	CHECK_EQ(in(1), 0x12);
	out(3, 0x03);
	CHECK_EQ(in(1), 0);
	CHECK_EQ(nr_output, 0);
	end();
}

TEST(loopback_turns_the_lines_round)
{
	begin();
	out(4, 0x10 | 0x08 | 0x02);
	CHECK_EQ(in(6) & 0xf0, 0x90);
	out(4, 0x10 | 0x04 | 0x01);
	CHECK_EQ(in(6) & 0xf0, 0x60);
	out(0, 'x');
	CHECK_EQ(nr_output, 0);
	CHECK_EQ(in(5) & 1, 1);
	CHECK_EQ(in(0), 'x');
	CHECK_EQ(in(5) & 1, 0);
	end();
}

TEST(loopback_overruns)
{
	begin();
	out(4, 0x10);
	out(1, 0x04);
	out(0, 'a');
	CHECK_EQ(line, 0);
	out(0, 'b');
	CHECK_EQ(line, 1);
	CHECK_EQ(in(2) & 0x0f, 0x06);
	CHECK_EQ(in(5) & 3, 3);
	CHECK_EQ(in(5) & 3, 1);		/* reading has cleared it */
	CHECK_EQ(line, 0);
	CHECK_EQ(in(0), 'a');
	end();
}

TEST(modem_lines_that_change_interrupt_once)
{
	begin();
	in(6);
	out(1, 0x08);
	out(4, 0x10);			/* all lines fall */
	CHECK_EQ(line, 1);
	CHECK_EQ(in(2) & 0x0f, 0x00);
	CHECK_EQ(in(6) & 0x0f, 0x0b);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(6) & 0x0f, 0);
	end();
}

TEST(transmit_interrupt_comes_and_is_acknowledged)
{
	begin();
	out(1, 0x02);
	CHECK_EQ(line, 1);		/* empty when enabled */
	CHECK_EQ(in(2) & 0x0f, 0x02);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(2) & 0x0f, 0x01);
	out(0, 'x');
	CHECK_EQ(line, 1);
	CHECK_EQ(edges, 2);
	CHECK_EQ(output[0], 'x');
	out(1, 0x00);
	CHECK_EQ(line, 0);
	out(1, 0x02);			/* enabled anew: pending anew */
	CHECK_EQ(line, 1);
	end();
}

/* Busy as soon as a whole FIFO would not fit; what does fit is still taken. */
TEST(full_console_makes_the_transmitter_busy)
{
	unsigned int i;

	begin();
	out(1, 0x02);
	in(2);
	limit = 17;
	out(0, 'a');
	CHECK_EQ(in(5) & 0x60, 0x60);
	CHECK_EQ(line, 1);
	in(2);
	for (i = 0; i < 16; i++)	/* empty: so 16 are taken */
		out(0, 'b');
	CHECK_EQ(nr_output, 17);
	CHECK_EQ(in(5) & 0x60, 0);
	CHECK_EQ(line, 0);
	out(0, 'x');			/* the guest's own fault */
	CHECK_EQ(nr_output, 17);
	limit = 64;
	port->room(port_owner);
	CHECK_EQ(in(5) & 0x60, 0x60);
	CHECK_EQ(line, 1);
	out(0, 'c');
	CHECK_EQ(output[16], 'b');
	CHECK_EQ(output[17], 'c');
	end();
}

TEST(input_interrupts_until_read)
{
	open_port();
	type("ab");
	CHECK_EQ(line, 1);
	CHECK_EQ(in(2) & 0x0f, 0x0c);	/* below the trigger level */
	CHECK_EQ(in(0), 'a');
	CHECK_EQ(line, 1);
	CHECK_EQ(in(0), 'b');
	CHECK_EQ(line, 0);
	CHECK_EQ(in(2) & 0x0f, 0x01);
	end();
}

TEST(input_waits_while_the_fifo_is_full)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const char *p;

	open_port();
	type(text);
	CHECK_EQ(in(2) & 0x0f, 0x04);
	CHECK_EQ(input - text, 16);
	for (p = text; *p; p++) {
		CHECK_EQ(in(5) & 3, 1);
		CHECK_EQ(in(0), *p);
	}
	CHECK_EQ(in(5) & 1, 0);
	CHECK_EQ(line, 0);
	end();
}

TEST(without_fifo_bytes_come_singly)
{
	open_port();
	out(2, 0);
	type("xyz");
	CHECK_EQ(in(2), 0x04);
	CHECK_EQ(in(0), 'x');
	CHECK_EQ(in(0), 'y');
	CHECK_EQ(in(0), 'z');
	CHECK_EQ(in(5) & 1, 0);
	end();
}

/* What Linux does before it opens the port must not eat what was typed. */
TEST(early_input_survives_the_drivers_set_up)
{
	begin();
	type("early");
	CHECK_EQ(in(5) & 1, 0);
	out(2, 0x07);
	out(2, 0x00);
	in(5), in(0), in(2), in(6);
	out(4, 0x08);
	in(5), in(0), in(2), in(6);
	out(1, 0x05);
	out(2, 0x81);
	CHECK_EQ(line, 0);
	out(4, 0x0b);			/* RTS */
	CHECK_EQ(line, 1);
	CHECK_EQ(in(0), 'e');
	end();
}

/* A driver without RTS that polls and polls wants to read. */
TEST(polling_opens_the_port)
{
	unsigned int i;

	begin();
	type("p");
	for (i = 0; i < 100 && !(in(5) & 1); i++)
		;
	CHECK(i > 16 && i < 100);
	CHECK_EQ(in(0), 'p');
	end();
}

/* One that polls between bytes to send does not. */
TEST(sending_does_not_open_the_port)
{
	unsigned int i;

	begin();
	type("p");
	for (i = 0; i < 40; i++) {
		in(5), in(5), in(5);
		out(0, '.');
	}
	CHECK_EQ(in(5) & 1, 0);
	end();
}

TEST(wide_accesses_are_so_many_bytes)
{
	begin();
	bus_write(&vm.pio, COM1 + 6, 0x5a00, 2);
	CHECK_EQ(bus_read(&vm.pio, COM1 + 4, 4) >> 24, 0x5a);
	CHECK_EQ(bus_read(&vm.pio, COM1 + 7, 2), 0xffff);
	end();
}

TEST(reset_is_power_on)
{
	open_port();
	type("abc");
	out(7, 0x5a);
	out(3, 0x83);
	out(0, 1);
	vm.devices->ops->reset(vm.devices);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(1), 0);
	CHECK_EQ(in(2), 0x01);
	CHECK_EQ(in(3), 0);
	CHECK_EQ(in(4), 0);
	CHECK_EQ(in(5), 0x60);
	CHECK_EQ(in(7), 0);
	out(3, 0x80);
	CHECK_EQ(in(0), 12);
	end();
}

TEST(taken_ports_are_an_error)
{
	struct serial_config cfg = {
		.name = "COM2", .kind = DESC_PIO, .base = COM1 + 7, .irq = 3,
	};

	begin();
	vm.pio.frozen = false;
	CHECK(serial_create(&vm, &cfg) < 0);
	end();
}
