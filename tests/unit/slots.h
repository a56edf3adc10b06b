/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine with two slots and a disk on the host, over the fake kernel, and
 * the guest's driver of a slot, as Linux has it.
 */
#ifndef TESTS_UNIT_SLOTS_H
#define TESTS_UNIT_SLOTS_H

#include "assigned.h"
#include "vmm/hotplug.h"

#define PORT(n) SLOT(n)		/* of slot n, 1 or 2 */
#define BUS(n) ((n) << 8)
#define SECOND "0000:02:00.0"
#define EVENTS (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC)
#define ENABLE (PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_ABPE | \
		PCI_EXP_SLTCTL_DLLSCE)
#define ON PCI_EXP_SLTCTL_PWR_IND_ON
#define BLINK PCI_EXP_SLTCTL_PWR_IND_BLINK
#define OFF PCI_EXP_SLTCTL_PWR_IND_OFF

/* slots_begin - the machine, by cfg.iommu. slots_end - down again, no leaks. */
void slots_begin(void);
void slots_end(void);

/*
 * insert, take - hotplug_add(), and hotplug_remove() within a second; @why is
 * what they said. turn - the main thread runs, for @ms milliseconds.
 */
extern const char *why;
int insert(const char *what);
int take(const char *id);
void turn(unsigned int ms);

/* Registers of slot @n: @reg of the capability, its address; and the rest. */
unsigned int slot_reg(unsigned int n, unsigned int reg);
uint16_t slot_status(unsigned int n);
void slot_clear(unsigned int n, uint16_t events);
void slot_control(unsigned int n, uint16_t value);
bool slot_link(unsigned int n);
/* slot_vendor - of the device on bus @n. */
uint32_t slot_vendor(unsigned int n);

/*
 * slot_listen - it has an interrupt, and its events enabled. slot_use - what is
 * in it begins to be used: BAR 0 at @at, with a vector. slot_let_go - as asked.
 */
void slot_listen(unsigned int n);
void slot_use(unsigned int n, uint32_t at);
void slot_let_go(unsigned int n);

#endif
