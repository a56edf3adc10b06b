/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers with a point are not printed here. The C library's printf could: it
 * calculates in quadruple precision, for which this architecture has no
 * instructions, and libgcc's functions for it are 20 KiB. Nobody calls them
 * (tests/style looks), so they give way to one that ends the program.
 *
 * The names are those of GCC's manual, "Routines for floating point emulation".
 */
#include "vmm/util.h"

void no_float(void);

void no_float(void)
{
	__builtin_trap();
}

#define INSTEAD_OF(name) \
	void name(void); \
	void name(void) __attribute__((alias("no_float")))

INSTEAD_OF(__addtf3);
INSTEAD_OF(__subtf3);
INSTEAD_OF(__multf3);
INSTEAD_OF(__eqtf2);
INSTEAD_OF(__netf2);
INSTEAD_OF(__extenddftf2);
INSTEAD_OF(__fixtfsi);
INSTEAD_OF(__fixunstfsi);
INSTEAD_OF(__floatsitf);
INSTEAD_OF(__floatunsitf);
