/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who asks for devices in slots, over the fake kernel: what is refused, every
 * kernel call made to fail, and the control socket's commands.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture.h"
#include "devices/hotplug.h"
#include "json.h"
#include "slots.h"
#include "vmm/control.h"
#include "vmm/sys.h"

/* ---- what is refused ---------------------------------------------------- */

static void refused(const char *what, int err, const char *reason)
{
	test_note("%s", what);
	capture_begin(2);
	CHECK_EQ(insert(what), err);
	capture_end();
	CHECK(strstr(why, reason));
	CHECK_EQ(slot_vendor(1), 0xffff);
	CHECK_EQ(fake_maps(), 0);
}

TEST(what_is_no_device_is_refused)
{
	slots_begin();
	refused("frob=1", -EDOM, "not vfio=");
	refused("vfio=frob", -EDOM, "not a pci address");
	refused("vfio=group:1", -EDOM, "no groups");
	refused("vfio=" ADDR ",slot=3", -EDOM, "no slot=");
	refused("vfio=0000:09:00.0", -ENODEV, "0000:09:00.0");
	CHECK(said("postern: 0000:09:00.0"));
	fake_pci_bind(hw, NULL);
	refused("vfio=" ADDR, -EBUSY, ADDR);
	fake_pci_bind(hw, "vfio-pci");
	CHECK_EQ(take("1"), -ENODEV);
	CHECK_EQ(insert("vfio=" ADDR), 1);
	capture_begin(2);
	CHECK_EQ(insert("vfio=" ADDR), -EDOM);
	capture_end();
	CHECK(strstr(why, "given twice"));
	CHECK_EQ(take("3"), -ENODEV);
	CHECK_EQ(take(""), -ENODEV);
	fake_pci_nvme(SECOND, 2);
	fake_pci_nvme("0000:03:00.0", 3);
	CHECK_EQ(insert("vfio=" SECOND), 2);
	CHECK_EQ(insert("vfio=0000:03:00.0"), -EBUSY);
	slots_end();
}

/* ---- every call fails once ---------------------------------------------- */

static void sweep_build(void)
{
	hw = fake_pci_nvme(ADDR, 1);
}

static int sweep_slots(void)
{
	struct pci_layout with = layout;
	int ret;

	with.ports = cfg.hotplug = 1;
	ret = pci_host_create(&vm, &with, &host);
	if (ret >= 0)
		ret = hotplug_create(&vm, host);
	if (ret >= 0)
		ret = pci_host_assign(host);
	if (ret >= 0)
		ret = insert("vfio=" ADDR);
	if (ret > 0) {
		take("1");
		turn(2);
	}
	devices_destroy(&vm);
	return MIN(ret, 0);
}

static int sweep_run(void)
{
	int err = fake_vm_create(&vm, &cfg, 64 * MiB);

	if (err < 0)
		return err;
	err = loop_create(&vm.loop);
	if (err >= 0) {
		err = sweep_slots();
		loop_destroy(&vm.loop);
	}
	fake_vm_destroy(&vm);
	return err;
}

static bool survivable(const char *line)
{
	static const char *const words[] = {
		"madvise", "KVM_CHECK_EXTENSION", "/sys/", "IOMMU_OPTION",
		"listdir", "stat ", "GET_IRQ_INFO", "VFIO_DEVICE_FEATURE",
		"len=0x8000 ", "mmap VFIO device", "index=0x6", "pwrite",
		"pread VFIO device", "VFIO_DEVICE_RESET", "DETACH", "_DEL",
		"eventfd", "VFIO_DEVICE_SET_IRQS", "VFIO_CHECK_EXTENSION",
		"IOMMU_VFIO_IOAS",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

TEST(every_failing_call_is_survived_legacy)
{
	cfg.iommu = IOMMU_LEGACY;
	CHECK(fake_sweep(sweep_build, sweep_run, survivable) >= 30);
}

TEST(every_failing_call_is_survived_iommufd)
{
	cfg.iommu = IOMMU_IOMMUFD;
	CHECK(fake_sweep(sweep_build, sweep_run, survivable) >= 30);
}

/* ---- by the control socket ---------------------------------------------- */

static char text[4096];

static const char *heard(int fd)
{
	ssize_t len;

	turn(5);
	len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[MAX(len, 0)] = '\0';
	return text;
}

static const char *ask(int fd, const char *line)
{
	CHECK_EQ(write(fd, line, strlen(line)), strlen(line));
	return heard(fd);
}

static int connected(char name[16])
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	snprintf(name, 16, "fd:%d", fds[1]);
	return fds[0];
}

TEST(who_asks_is_answered_when_it_is_done)
{
	char name[16];
	int fd = connected(name);

	slots_begin();
	cfg.control = name;
	CHECK_EQ(control_create(&vm), 0);
	CHECK_STR(ask(fd, "add vfio=" ADDR "\n"), "{\"ok\": true, \"slot\": 1}\n");
	CHECK(strstr(ask(fd, "status\n"),
		     "\"slots\": {\"1\": \"" ADDR "\", \"2\": null}"));
	CHECK(json_valid(text));
	slot_use(1, 0xc0100000);
	CHECK_STR(ask(fd, "remove 1 5\nstatus\nremove 2\n"), "");
	slot_let_go(1);
	heard(fd);
	CHECK(!strncmp(text, "{\"ok\": true}\n{\"ok\": true, \"state\"", 33));
	CHECK(strstr(text, "{\"ok\": false, \"status\": 69, \"error\": "
			   "\"remove: no such device in a slot\"}\n"));
	CHECK(strstr(ask(fd, "remove 1 0\n"), "\"status\": 64"));
	CHECK(strstr(ask(fd, "add\n"), "\"status\": 64"));
	capture_begin(2);
	CHECK(strstr(ask(fd, "add vfio=0000:09:00.0\n"), "0000:09:00.0"));
	capture_end();
	CHECK(json_valid(text));
	/* The guest does not answer, and then the client is gone. */
	CHECK(strstr(ask(fd, "add vfio=" ADDR "\n"), "\"slot\": 1"));
	slot_use(1, 0xc0100000);
	capture_begin(2);
	CHECK_STR(ask(fd, "remove 1 1\n"), "");
	turn(1100);
	CHECK(strstr(heard(fd), "\"status\": 83, \"error\": "
		     "\"remove: the guest has not let go of it\""));
	capture_end();
	slot_clear(1, EVENTS);
	CHECK_STR(ask(fd, "remove 1 5\n"), "");
	close(fd);
	turn(5);
	slot_let_go(1);
	AS_VOID(FAKE_MAIN, control_destroy(&vm));
	slots_end();
}

/* A file of 64 KiB, without a name. */
static int open_file(void)
{
	char name[] = "/tmp/postern-unit-XXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0);
	CHECK_EQ(unlink(name), 0);
	CHECK_EQ(ftruncate(fd, 64 * KiB), 0);
	return fd;
}

/* With the same open file so many times, two at most; more than one: none stays. */
static void say_with(int socket, const char *line, int fd, unsigned int nr)
{
	struct iovec iov = { (void *)line, strlen(line) };
	int fds[2] = { fd, fd };

	CHECK_EQ(sys_sendmsg(socket, &iov, 1, fds, nr), strlen(line));
}

static int lowest_free(void)
{
	int fd = dup(2);

	close(fd);
	return fd;
}

TEST(a_disk_comes_with_its_file)
{
	char name[16];
	int fd = connected(name), file = open_file(), round, first = 0;
	static const char line[] = "add disk=some/name,serial=x\n";

	slots_begin();
	cfg.control = name;
	CHECK_EQ(control_create(&vm), 0);
	CHECK(strstr(ask(fd, line), "disk: no open file came along"));
	for (round = 0; round < 5; round++) {
		say_with(fd, line, file, 1);
		CHECK_STR(heard(fd), "{\"ok\": true, \"slot\": 1}\n");
		CHECK(strstr(ask(fd, "status\n"), "{\"1\": \"disk\""));
		CHECK_EQ(get(BUS(1), 0, 4), 0x10421af4);
		put(BUS(1), PCI_COMMAND, PCI_COMMAND_MASTER, 2);
		slot_control(1, ENABLE | ON);
		CHECK_STR(ask(fd, "remove disk 9\n"), "");
		slot_clear(1, EVENTS);
		slot_control(1, ENABLE | OFF);
		CHECK_STR(heard(fd), "{\"ok\": true}\n");
		CHECK_EQ(get(BUS(1), 0, 4), 0xffffffff);
		say_with(fd, "status\n", file, 2);
		CHECK(strstr(heard(fd), "{\"1\": null"));
		first = round ? first : lowest_free();
		CHECK_EQ(lowest_free(), first);
	}
	/* What is said of the file is about what came, or nothing. */
	capture_begin(2);
	say_with(fd, "add disk=x,frob\n", file, 1);
	CHECK(strstr(heard(fd), "\"status\": 64"));
	CHECK(strstr(ask(fd, "add disk=fd:2\n"), "no open file"));
	CHECK(strstr(ask(fd, "add net=tap=fd:2\n"), "not vfio="));
	CHECK(strstr(ask(fd, "add net=passt=/x\n"), "not vfio="));
	CHECK(strstr(ask(fd, "add net=tap=tap0\n"), "tap0"));
	capture_end();
	AS_VOID(FAKE_MAIN, control_destroy(&vm));
	close(file);
	close(fd);
	slots_end();
}

TEST(without_slots_there_is_nothing_to_add_to)
{
	char name[16];
	int fd = connected(name);

	begin();
	CHECK_EQ(loop_create(&vm.loop), 0);
	cfg.control = name;
	CHECK_EQ(control_create(&vm), 0);
	CHECK(strstr(ask(fd, "add vfio=" ADDR "\n"), "--hotplug"));
	CHECK(strstr(ask(fd, "remove 1\n"), "\"status\": 69"));
	CHECK(!strstr(ask(fd, "status\n"), "slots"));
	control_destroy(&vm);
	close(fd);
	loop_destroy(&vm.loop);
	end();
}
