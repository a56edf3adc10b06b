/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PL011 as a driver sees it, between a console made up here and an
 * interrupt line that is watched.
 */
#include <stdlib.h>
#include <string.h>

#include "devices/pl011.h"
#include "vmm/console.h"
#include "vmm/vm.h"
#include "test.h"

#define BASE 0x9000000

enum {
	DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, FBRD = 0x28,
	LCR_H = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38, RIS = 0x3c,
	MIS = 0x40, ICR = 0x44, DMACR = 0x48,
};

static struct vm vm;
static const struct console_ops *port;
static void *port_owner;
static const char *input;	/* what the user types */
static char output[64];
static unsigned int nr_output, limit; /* bytes in and into the console */
static int line;

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
	CHECK_EQ(gsi, 1);
	CHECK(level != line);
	line = level;
}

static void out(unsigned int reg, uint32_t val)
{
	bus_write(&vm.mmio, BASE + reg, val, 4);
}

static uint32_t in(unsigned int reg)
{
	return bus_read(&vm.mmio, BASE + reg, 4);
}

static void begin(void)
{
	struct pl011_config cfg = { .name = "serial", .base = BASE, .irq = 1 };

	limit = sizeof(output);
	bus_create(&vm.mmio, "mmio");
	CHECK_EQ(pl011_create(&vm, &cfg), 0);
	bus_freeze(&vm.mmio);
}

/* The port opened as drivers do: FIFOs, RTS, receive interrupts. */
static void open_port(void)
{
	begin();
	out(LCR_H, 0x70);
	out(CR, 0xb01);
	out(IMSC, 0x50);
}

static void end(void)
{
	devices_destroy(&vm);
	CHECK(!port);
}

static void type(const char *text)
{
	input = text;
	port->input(port_owner);
}

TEST(looks_like_a_pl011_with_fifos_of_16)
{
	static const uint8_t id[] = { 0x11, 0x10, 0x14, 0x00,
				      0x0d, 0xf0, 0x05, 0xb1 };
	unsigned int i;

	begin();
	for (i = 0; i < sizeof(id); i++) {
		CHECK_EQ(in(0xfe0 + 4 * i), id[i]);
		CHECK_EQ(bus_read(&vm.mmio, BASE + 0xfe0 + 4 * i, 1), id[i]);
	}
	CHECK_EQ(in(0xfdc), 0);
	CHECK_EQ(in(FR), 0x97);
	CHECK_EQ(in(CR), 0x300);
	CHECK_EQ(in(IFLS), 0x12);
	CHECK_EQ(in(RIS), 0);
	end();
}

TEST(registers_keep_the_bits_that_there_are)
{
	begin();
	out(IBRD, 0x12345);
	CHECK_EQ(in(IBRD), 0x2345);
	out(FBRD, 0xff);
	CHECK_EQ(in(FBRD), 0x3f);
	out(IMSC, 0xffff);
	CHECK_EQ(in(IMSC), 0x7ff);
	out(CR, 0xffff);
	CHECK_EQ(in(CR), 0xff87);
	out(IFLS, 0xff);
	CHECK_EQ(in(IFLS), 0x3f);
	out(DMACR, 0xff);
	CHECK_EQ(in(DMACR), 7);
	out(LCR_H, 0x1ff);
	CHECK_EQ(in(LCR_H), 0xff);
	out(0x20, 0x55);
	CHECK_EQ(in(0x20), 0x55);
	end();
}

TEST(halves_and_bytes_of_registers_can_be_read)
{
	begin();
	out(IBRD, 0x1234);
	CHECK_EQ(bus_read(&vm.mmio, BASE + IBRD, 2), 0x1234);
	CHECK_EQ(bus_read(&vm.mmio, BASE + IBRD + 1, 1), 0x12);
	CHECK_EQ(bus_read(&vm.mmio, BASE + IBRD, 8), 0x1234);
	bus_write(&vm.mmio, BASE + IBRD + 2, 0xffff, 2);
	CHECK_EQ(in(IBRD), 0x1234);
	bus_write(&vm.mmio, BASE + DR, 'x', 1);
	CHECK_EQ(output[0], 'x');
	end();
}

TEST(early_consoles_need_not_switch_it_on)
{
	begin();
	out(DR, 'a');
	out(DR, 'b');
	CHECK_EQ(nr_output, 2);
	CHECK_EQ(in(FR) & 0xa8, 0x80);
	CHECK_EQ(line, 0);
	end();
}

TEST(transmit_interrupt_lasts_until_acknowledged)
{
	begin();
	out(IMSC, 0x20);
	CHECK_EQ(line, 0);
	out(DR, 'x');
	CHECK_EQ(line, 1);
	CHECK_EQ(in(MIS), 0x20);
	out(ICR, 0x20);
	CHECK_EQ(line, 0);
	out(DR, 'y');
	CHECK_EQ(line, 1);
	out(IMSC, 0);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(RIS), 0x20);
	end();
}

/* Busy as soon as a whole FIFO would not fit; what does fit is still taken. */
TEST(full_console_fills_the_transmitter)
{
	unsigned int i;

	begin();
	out(IMSC, 0x20);
	limit = 17;
	out(DR, 'a');
	CHECK_EQ(line, 1);
	for (i = 0; i < 16; i++)
		out(DR, 'b');
	CHECK_EQ(nr_output, 17);
	CHECK_EQ(in(FR) & 0xa8, 0x28);
	CHECK_EQ(line, 0);
	limit = 64;
	port->room(port_owner);
	CHECK_EQ(in(FR) & 0xa8, 0x80);
	CHECK_EQ(line, 1);
	end();
}

TEST(input_interrupts_until_read)
{
	open_port();
	type("ab");
	CHECK_EQ(line, 1);
	CHECK_EQ(in(MIS), 0x40);	/* below the trigger level */
	CHECK_EQ(in(FR) & 0x10, 0);
	CHECK_EQ(in(DR), 'a');
	CHECK_EQ(line, 1);
	out(ICR, 0x50);			/* one is still there */
	CHECK_EQ(line, 1);
	CHECK_EQ(in(DR), 'b');
	CHECK_EQ(line, 0);
	CHECK_EQ(in(FR) & 0x10, 0x10);
	CHECK_EQ(in(DR), 0);
	end();
}

TEST(the_trigger_level_is_the_guests)
{
	open_port();
	out(IMSC, 0x10);
	out(IFLS, 0);
	type("a");
	CHECK_EQ(line, 0);
	type("b");
	CHECK_EQ(line, 1);
	out(IFLS, 1 << 3);
	CHECK_EQ(line, 0);
	type("cd");
	CHECK_EQ(line, 1);
	end();
}

TEST(input_waits_while_the_fifo_is_full)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const char *p;

	open_port();
	type(text);
	CHECK_EQ(in(FR) & 0x50, 0x40);
	CHECK_EQ(input - text, 16);
	CHECK_EQ(in(MIS), 0x50);
	for (p = text; *p; p++)
		CHECK_EQ(in(DR), *p);
	CHECK_EQ(in(FR) & 0x50, 0x10);
	CHECK_EQ(line, 0);
	end();
}

TEST(without_fifos_characters_come_singly)
{
	open_port();
	out(LCR_H, 0x60);
	type("xyz");
	CHECK_EQ(in(FR) & 0x50, 0x40);
	CHECK_EQ(in(MIS), 0x50);
	CHECK_EQ(in(DR), 'x');
	CHECK_EQ(in(DR), 'y');
	CHECK_EQ(in(DR), 'z');
	CHECK_EQ(in(FR) & 0x50, 0x10);
	end();
}

/* Linux reads what is there, twice the FIFO, before it sets RTS. */
TEST(early_input_survives_the_drivers_set_up)
{
	unsigned int i;

	begin();
	type("early");
	out(LCR_H, 0x70);
	out(CR, 0x301);
	for (i = 0; i < 32; i++) {
		CHECK(in(FR) & 0x10);
		in(DR);
	}
	out(IMSC, 0x50);
	CHECK_EQ(line, 0);
	out(CR, 0xf01);
	CHECK_EQ(line, 1);
	CHECK_EQ(in(DR), 'e');
	end();
}

/* A driver without RTS that polls and polls wants to read. */
TEST(polling_opens_the_port)
{
	unsigned int i;

	begin();
	type("p");
	for (i = 0; i < 100 && in(FR) & 0x10; i++)
		;
	CHECK(i > 32 && i < 100);
	CHECK_EQ(in(DR), 'p');
	end();
}

TEST(sending_does_not_open_the_port)
{
	unsigned int i;

	begin();
	type("p");
	for (i = 0; i < 40; i++) {
		in(FR), in(FR), in(FR);
		out(DR, '.');
	}
	CHECK(in(FR) & 0x10);
	end();
}

TEST(loopback_receives_what_it_sends)
{
	begin();
	out(CR, 0x381);
	out(DR, 'x');
	CHECK_EQ(nr_output, 0);
	CHECK_EQ(in(FR) & 0x107, 0);
	CHECK_EQ(in(DR), 'x');
	out(CR, 0x3f81);
	CHECK_EQ(in(FR) & 0x107, 0x107);
	end();
}

TEST(loopback_overruns)
{
	begin();
	out(CR, 0x381);
	out(IMSC, 0x400);
	out(DR, 'a');
	CHECK_EQ(line, 0);
	out(DR, 'b');
	CHECK_EQ(line, 1);
	CHECK_EQ(in(RSR), 8);
	out(ICR, 0x400);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(DR), 0x800 | 'a');
	CHECK_EQ(in(RSR), 0);
	out(DR, 'c');
	out(DR, 'd');
	out(RSR, 0);
	CHECK_EQ(in(DR), 'c');
	end();
}

TEST(reset_is_power_on)
{
	open_port();
	type("abc");
	out(IBRD, 5);
	vm.devices->ops->reset(vm.devices);
	CHECK_EQ(line, 0);
	CHECK_EQ(in(CR), 0x300);
	CHECK_EQ(in(IMSC), 0);
	CHECK_EQ(in(RIS), 0);
	CHECK_EQ(in(IBRD), 0);
	CHECK_EQ(in(LCR_H), 0);
	CHECK_EQ(in(FR), 0x97);
	end();
}

TEST(describes_itself)
{
	struct desc desc = { .irq = -1 };

	begin();
	vm.devices->ops->describe(vm.devices, &desc);
	CHECK_STR(desc.compatible, "arm,pl011");
	CHECK_EQ(desc.ranges[0].base, BASE);
	CHECK_EQ(desc.ranges[0].size, 0x1000);
	CHECK_EQ(desc.irq, 1);
	CHECK(desc.irq_level && desc.primecell && desc.clock_hz);
	end();
}

TEST(taken_addresses_are_an_error)
{
	struct pl011_config cfg = { .name = "two", .base = BASE + 0x800 };

	begin();
	vm.mmio.frozen = false;
	CHECK(pl011_create(&vm, &cfg) < 0);
	end();
}
