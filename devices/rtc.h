/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PC's real-time clock and its 128 bytes of CMOS RAM. Motorola MC146818A
 * data sheet; the century is at 0x32, as ACPI's FADT says.
 */
#ifndef DEVICES_RTC_H
#define DEVICES_RTC_H

#include <stdint.h>

struct vm;

#define RTC_CENTURY 0x32

/*
 * rtc_create - index and data port at @base and @base + 1. The clock starts
 * with the host's UTC; what the guest sets stays until the VM ends, across
 * guest resets. There is no interrupt: alarm, periodic and update-ended
 * interrupts never fire. Prints its errors.
 */
int rtc_create(struct vm *vm, uint64_t base);

#endif
