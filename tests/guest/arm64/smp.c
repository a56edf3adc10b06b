/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wakes every processor of the device tree by PSCI; each says who it is, and
 * that must be whom was called. cpus=N: how many there must be. Each then turns
 * itself off, is seen to be, and is woken once more.
 */
#include "guest.h"

#define ALREADY_ON	-4

static volatile uint32_t awake[64];	/* how often each has come */
static volatile uint32_t bad;

static uint64_t who(void)
{
	return read_sysreg("mpidr_el1") & 0xff00ffffffULL;
}

void ap_main(unsigned int index)
{
	if (who() != boot.cpus[index])
		bad = 1;
	awake[index]++;
	psci(PSCI_CPU_OFF, 0, 0, 0);
	bad = 1;
}

/* How long a busy host may take is not for us to say: the runner stops us. */
static void wake(unsigned int index, uint32_t times)
{
	int64_t err = psci(PSCI_CPU_ON, boot.cpus[index], (uint64_t)secondary,
			   index);

	if (err)
		fail("processor %u: CPU_ON says %lu", index, -err);
	while (awake[index] < times)
		relax();
	while (psci(PSCI_AFFINITY_INFO, boot.cpus[index], 0, 0) != 1)
		relax();
}

int guest(void)
{
	unsigned int i;
	uint32_t times;

	check(boot.nr_cpus == option("cpus", 1));
	check(who() == boot.cpus[0]);
	check(psci(PSCI_CPU_ON, boot.cpus[0], (uint64_t)secondary, 0) ==
	      ALREADY_ON);
	for (times = 1; times <= 2; times++)
		for (i = 1; i < boot.nr_cpus; i++)
			wake(i, times);
	check(!bad);
	say("%u processors\n", boot.nr_cpus);
	return 0;
}
