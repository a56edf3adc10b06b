/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the zoo's helper is made of. It is no driver: it does from user space
 * what a shell has no command for, in the guest (through sysfs, as root), in
 * the emulated host and outside. One function per word of the command line;
 * each gets the words behind it and returns an exit status.
 */
#ifndef WORK_H
#define WORK_H

#include <stddef.h>
#include <stdint.h>

int work_play(char **args);
int work_listen(char **args);
int work_edu(char **args);
int work_testdev(char **args);
int work_shm(char **args);
int work_check(char **args);
int work_doorbell(char **args);
int work_serve(char **args);
int work_paint(char **args);
int work_look(char **args);
int work_nvme_vf(char **args);
int work_no_tso(char **args);

/* fail - says what went wrong, and why if errno knows; always 1. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* report - a fact, `KEY VALUE`, of the device that the environment names. */
void report(const char *what);

/* noise - the i-th of the pseudo-random numbers that belong to seed. */
uint32_t noise(uint32_t seed, uint32_t i);

/* A file of the device's folder in sysfs, opened for reading and writing. */
int open_in(const char *dir, const char *name);

/* The size of a file, and the file in memory; NULL if that can't be. */
void *map_file(int fd, size_t *size);

/* The device's registers: the BAR of that number, all of it. */
void *map_bar(const char *dir, int bar);

/* config_read/write - configuration space, size 1, 2 or 4. */
uint32_t config_read(const char *dir, unsigned int at, unsigned int size);
void config_write(const char *dir, unsigned int at, unsigned int size,
		  uint32_t value);

/* Sets bits in the command register: 2 memory, 4 bus master. */
void config_enable(const char *dir, unsigned int bits);

/* Where the capability with this number is, or 0. */
unsigned int config_capability(const char *dir, unsigned int id);

/*
 * An interrupt that needs no driver: a vector of the processor's own that
 * the kernel counts and otherwise ignores (that of posted interrupts), as
 * address and data of a message; and how often it came.
 */
#define MESSAGE_ADDRESS 0xfee00000u
#define MESSAGE_DATA 0xf2u
long messages(void);

#endif
