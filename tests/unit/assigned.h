/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine with one assigned device, like an NVMe disk, over the fake kernel,
 * and a guest's way to its registers.
 */
#ifndef TESTS_UNIT_ASSIGNED_H
#define TESTS_UNIT_ASSIGNED_H

#include <linux/pci_regs.h>
#include <linux/vfio.h>

#include "devices/pci/pci.h"
#include "devices/vfio/vfio.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/util.h"
#include "vmm/vm.h"

#define ADDR "0000:01:00.0"
#define SLOT(n) ((n) << 3)
#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX

/*
 * What a test has the guest or the main thread do, the sandbox must allow
 * them.
 */
#define bus_read(...) AS(FAKE_VCPU, bus_read(__VA_ARGS__))
#define bus_write(...) AS_VOID(FAKE_VCPU, bus_write(__VA_ARGS__))
#define devices_reset(...) AS_VOID(FAKE_MAIN, devices_reset(__VA_ARGS__))
#define devices_destroy(...) AS_VOID(FAKE_MAIN, devices_destroy(__VA_ARGS__))

extern const struct pci_layout layout;
extern struct config cfg;
extern struct vm vm;
extern struct pci_host *host;
extern struct fake_pci *hw;

/* begin - a fresh world with the device, and a machine (machine()) without.
 * plug - assign it. end - take all down; a leak fails the test. */
void begin(void);
void machine(void);
void plug(void);
void end(void);

/* Config space of a function, by ECAM. */
uint32_t get(unsigned int devfn, unsigned int off, unsigned int len);
void put(unsigned int devfn, unsigned int off, uint32_t val,
	 unsigned int len);
/* cap - where the guest finds the capability, or 0. bar - a BAR's address. */
unsigned int cap(unsigned int devfn, uint8_t id);
uint64_t bar(unsigned int devfn, unsigned int n);

/* The device in slot 1: its command register, and its MSI-X. */
void command(uint16_t val);
void msix_on(void);
void msix_off(void);
void msix_mask(unsigned int v, unsigned int masked);
void msix_entry(unsigned int v, uint32_t data);
/* msix_table - where the guest finds the table; after msix_on(). */
extern uint64_t msix_table;

/* delivers - vector @v fires and reaches the guest as this message. */
void delivers(unsigned int index, unsigned int v, uint64_t address,
	      uint32_t data);

#endif
