/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * QEMU's devices made for testing, its NVMe virtual functions, and what its
 * network cards can't do. The registers are in QEMU's specs/edu and
 * specs/pci-testdev; the commands in the NVMe base specification,
 * "Virtualization Management command".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/nvme_ioctl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "work.h"

/* The guest-physical address of a locked page. */
static uint64_t physical(void *page)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)page / 4096 * 8) != 8) {
		fail("page map");
		exit(1);
	}
	close(fd);
	return (entry & ((1ull << 55) - 1)) * 4096;
}

static int edu_transfer(volatile uint32_t *regs, uint64_t from, uint64_t to,
			uint32_t command)
{
	int tries;

	*(volatile uint64_t *)(regs + 0x80 / 4) = from;
	*(volatile uint64_t *)(regs + 0x88 / 4) = to;
	*(volatile uint64_t *)(regs + 0x90 / 4) = 4096;
	*(volatile uint64_t *)(regs + 0x98 / 4) = command;
	for (tries = 0; tries < 500; tries++) {
		if (!(regs[0x98 / 4] & 1))
			return 0;
		usleep(10000);
	}
	return fail("DMA without an end");
}

static int edu_dma(volatile uint32_t *regs)
{
	uint32_t *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED |
			      MAP_POPULATE, -1, 0);
	uint32_t i;

	if (page == MAP_FAILED)
		return fail("memory");
	for (i = 0; i < 1024; i++)
		page[i] = noise(7, i);
	if (edu_transfer(regs, physical(page), 0x40000, 1) ||
	    edu_transfer(regs, 0x40000, physical(page + 1024), 3))
		return 1;
	for (i = 0; i < 1024; i++)
		if (page[1024 + i] != noise(7, i))
			return fail("DMA brought wrong data");
	return 0;
}

static int edu_registers(volatile uint32_t *regs)
{
	int tries;

	if ((regs[0] & 0xff) != 0xed)
		return fail("id %08x", regs[0]);
	regs[1] = 0x12345678;
	if (regs[1] != ~0x12345678u)
		return fail("liveness %08x", regs[1]);
	regs[2] = 10;
	for (tries = 0; tries < 500 && regs[8] & 1; tries++)
		usleep(10000);
	if (regs[2] != 3628800)
		return fail("factorial %u", regs[2]);
	return 0;
}

/* Through uio_pci_generic, which turns INTx off each time it comes. */
static int edu_intx(const char *dir, const char *uio, volatile uint32_t *regs)
{
	struct pollfd p = { .fd = open(uio, O_RDONLY), .events = POLLIN };
	uint32_t count;
	int i;

	for (i = 0; i < 3; i++) {
		config_write(dir, 4, 2, config_read(dir, 4, 2) & ~0x400u);
		regs[0x60 / 4] = 1;
		if (poll(&p, 1, 5000) != 1 || read(p.fd, &count, 4) != 4)
			return fail("no INTx");
		regs[0x64 / 4] = 1;
	}
	config_write(dir, 4, 2, config_read(dir, 4, 2) | 0x400);
	close(p.fd);
	return 0;
}

static int edu_msi(const char *dir, volatile uint32_t *regs)
{
	unsigned int cap = config_capability(dir, 5);
	unsigned int data, control;
	long before = messages();
	int i, tries;

	if (!cap)
		return fail("no MSI");
	/* A message is DMA, and uio has taken that away as it was closed. */
	config_enable(dir, 4);
	control = config_read(dir, cap + 2, 2);
	data = control & 0x80 ? cap + 12 : cap + 8;
	config_write(dir, cap + 4, 4, MESSAGE_ADDRESS);
	if (control & 0x80)
		config_write(dir, cap + 8, 4, 0);
	config_write(dir, data, 2, MESSAGE_DATA);
	config_write(dir, cap + 2, 2, control | 1);
	for (i = 0; i < 3; i++) {
		regs[0x60 / 4] = 1;
		for (tries = 0; tries < 300 && messages() == before + i; tries++)
			usleep(10000);
		regs[0x64 / 4] = 1;
	}
	config_write(dir, cap + 2, 2, control & ~1u);
	if (messages() - before != 3)
		return fail("MSI: %ld of 3 came", messages() - before);
	return 0;
}

/* edu DIR UIO */
int work_edu(char **args)
{
	volatile uint32_t *regs;

	config_enable(args[0], 6);
	regs = map_bar(args[0], 0);
	if (edu_registers(regs) || edu_dma(regs) ||
	    edu_intx(args[0], args[1], regs) || edu_msi(args[0], regs))
		return 1;
	report("interrupts INTx and MSI");
	report("edu id, liveness, factorial, DMA out and in, INTx, MSI");
	return 0;
}

/* Ports through sysfs: one access per call. */
static uint32_t port_read(int fd, unsigned int at, unsigned int size)
{
	uint32_t value = 0;

	if (pread(fd, &value, size, at) != (ssize_t)size) {
		fail("port 0x%x", at);
		exit(1);
	}
	return value;
}

static void port_write(int fd, unsigned int at, unsigned int size,
		       uint32_t value)
{
	if (pwrite(fd, &value, size, at) != (ssize_t)size) {
		fail("port 0x%x", at);
		exit(1);
	}
}

static int testdev_ports(const char *dir)
{
	int fd = open_in(dir, "resource1");
	unsigned int width, at, i;

	if (fd < 0)
		return fail("ports");
	port_write(fd, 0, 1, 0);
	width = port_read(fd, 1, 1);
	at = port_read(fd, 4, 4);
	for (i = 0; i < 5; i++)
		port_write(fd, at, width, port_read(fd, 8, 4));
	i = port_read(fd, 12, 4);
	close(fd);
	return i == 5 ? 0 : fail("ports: %u of 5 counted", i);
}

static int testdev_memory(volatile uint8_t *regs)
{
	volatile uint32_t *words = (volatile uint32_t *)regs;
	unsigned int i;

	regs[0] = 0;
	for (i = 0; i < 5; i++) {
		if (regs[1] == 1)
			regs[words[1]] = words[2];
		else if (regs[1] == 2)
			*(volatile uint16_t *)(regs + words[1]) = words[2];
		else
			*(volatile uint32_t *)(regs + words[1]) = words[2];
	}
	i = words[3];
	return i == 5 ? 0 : fail("memory: %u of 5 counted", i);
}

/* testdev DIR: its first test, once through memory and once through ports. */
int work_testdev(char **args)
{
	volatile uint8_t *regs;

	config_enable(args[0], 3);
	regs = map_bar(args[0], 0);
	if (testdev_memory(regs) || testdev_ports(args[0]))
		return 1;
	report("testdev 5 accesses to memory, 5 to ports");
	return 0;
}

static int manage(int fd, unsigned int cntlid, unsigned int action,
		  unsigned int resource, unsigned int number)
{
	struct nvme_admin_cmd c = {
		.opcode = 0x1c,
		.cdw10 = cntlid << 16 | resource << 8 | action,
		.cdw11 = number,
	};

	return ioctl(fd, NVME_IOCTL_ADMIN_CMD, &c);
}

/* nvme-vf NODE: two queues and an interrupt or two for the first VF. */
int work_nvme_vf(char **args)
{
	int fd = open(args[0], O_RDWR);
	int err;

	if (fd < 0)
		return fail("%s", args[0]);
	manage(fd, 1, 7, 0, 0);
	err = manage(fd, 1, 8, 0, 2);
	if (!err)
		err = manage(fd, 1, 8, 1, 1);
	if (!err)
		err = manage(fd, 1, 9, 0, 0);
	return err ? fail("%s: status 0x%x", args[0], err) : 0;
}

/*
 * no-tso INTERFACE: the kernel cuts its segments itself. QEMU's igb and e1000e
 * lose those that they have to cut for a peer that takes no larger ones.
 */
int work_no_tso(char **args)
{
	struct ethtool_value off = { .cmd = ETHTOOL_STSO };
	struct ifreq ifr = { .ifr_data = (char *)&off };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", args[0]);
	if (fd < 0 || (ioctl(fd, SIOCETHTOOL, &ifr) < 0 &&
		       errno != EOPNOTSUPP))
		return fail("offloads of %s", args[0]);
	close(fd);
	return 0;
}
