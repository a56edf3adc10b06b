/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * postern devices, bind and unbind over the fake kernel's sysfs: round trips,
 * what is said, and nothing lost when a step fails.
 */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "devices/vfio/command.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/log.h"
#include "vmm/status.h"
#include "vmm/sys.h"

#define DEV "0000:01:00.0"
#define BESIDE "0000:01:00.1"
#define NOTE "/run/postern/" DEV
#define OVERRIDE "/sys/bus/pci/devices/" DEV "/driver_override"

static struct fake_pci *start(const char *driver)
{
	fake_begin();
	fake_dir("/run");
	return fake_pci(DEV, 0x1b36, 0x0010, 0x010802, 1, driver);
}

static int bind(const char *addr)
{
	char text[64];
	char *addrs[] = { text };

	strcpy(text, addr);
	return command_bind(1, addrs);
}

static int unbind(const char *addr)
{
	char text[64];
	char *addrs[] = { text };

	strcpy(text, addr);
	return command_unbind(1, addrs);
}

static void refuse(int (*command)(const char *addr), const char *addr,
		   int status, unsigned int lines)
{
	int err;

	log_quiet();
	capture_begin(2);
	err = command(addr);
	capture_end();
	CHECK(err < 0);
	CHECK_EQ(status_of(err), status);
	CHECK_EQ(said_lines(), lines);
}

/* ---- bind and unbind ---------------------------------------------------- */

static const struct config table, json = { .json = true };

TEST(round_trip)
{
	struct fake_pci *pci = start("nvme");

	CHECK_EQ(bind("01:00.0"), 0);
	CHECK_STR(pci->driver, "vfio-pci");
	CHECK_STR(fake_text(NOTE), "nvme");
	CHECK_EQ(unbind(DEV), 0);
	CHECK_STR(pci->driver, "nvme");
	CHECK_STR(pci->override, "");
	CHECK(!fake_text(NOTE));
	fake_end();
}

/* The kernel's own choice would be another: the note decides. */
TEST(the_driver_from_before_gets_it_back)
{
	struct fake_pci *pci = start("nvme");

	CHECK_EQ(bind(DEV), 0);
	fake_file(NOTE, "nvme");
	CHECK_EQ(unbind(DEV), 0);
	CHECK(fake_order("write /sys/bus/pci/drivers/vfio-pci/unbind '" DEV "'",
			 "write /sys/bus/pci/drivers/nvme/bind '" DEV "'",
			 NULL));
	CHECK_STR(pci->driver, "nvme");
	fake_end();
}

TEST(a_device_without_driver_stays_without)
{
	struct fake_pci *pci = start(NULL);

	strcpy(pci->native, "nvme");
	CHECK_EQ(bind(DEV), 0);
	CHECK_STR(pci->driver, "vfio-pci");
	CHECK_STR(fake_text(NOTE), "-");
	CHECK_EQ(unbind(DEV), 0);
	CHECK_STR(pci->driver, "");
	fake_end();
}

TEST(without_a_note_the_kernel_chooses)
{
	struct fake_pci *pci = start("nvme");

	fake_remove("/run");
	CHECK_EQ(bind(DEV), 0);
	CHECK(!fake_text(NOTE));
	CHECK_EQ(unbind(DEV), 0);
	CHECK_STR(pci->driver, "nvme");
	fake_end();
}

/* The note is a file, and files may say anything. */
TEST(a_note_of_nonsense_is_no_note)
{
	static const char *const notes[] = {
		"../../../devices/x", "a/b", "..", "nvme;reboot", "",
	};
	struct fake_pci *pci = start("nvme");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(notes); i++) {
		test_note("'%s'", notes[i]);
		CHECK_EQ(bind(DEV), 0);
		fake_file(NOTE, notes[i]);
		CHECK_EQ(unbind(DEV), 0);
		CHECK_STR(pci->driver, "nvme");
		CHECK(!notes[i][0] || !fake_count(notes[i]));
	}
	fake_end();
}

TEST(a_driver_that_is_gone_is_replaced)
{
	struct fake_pci *pci = start("nvme");

	CHECK_EQ(bind(DEV), 0);
	fake_file(NOTE, "nvme-old");
	capture_begin(2);
	CHECK_EQ(unbind(DEV), 0);
	capture_end();
	CHECK(said("warning: " DEV ": the driver nvme-old does not take it"));
	CHECK_STR(pci->driver, "nvme");
	fake_end();
}

TEST(no_driver_takes_it_back)
{
	struct fake_pci *pci = start("nvme");

	CHECK_EQ(bind(DEV), 0);
	pci->native[0] = '\0';
	refuse(unbind, DEV, STATUS_KERNEL, 1);
	CHECK(said("nvme"));
	fake_end();
}

TEST(twice_is_as_once)
{
	struct fake_pci *pci = start("nvme");

	CHECK_EQ(bind(DEV), 0);
	CHECK_EQ(bind(DEV), 0);
	CHECK_STR(pci->driver, "vfio-pci");
	CHECK_STR(fake_text(NOTE), "nvme");
	CHECK_EQ(unbind(DEV), 0);
	CHECK_EQ(unbind(DEV), 0);
	CHECK_STR(pci->driver, "nvme");
	fake_end();
}

TEST(several_are_all_tried)
{
	struct fake_pci *pci = start("nvme");
	char bad[] = "nonsense", gone[] = "0000:09:00.0", good[] = DEV;
	char *addrs[] = { bad, gone, good };

	CHECK_EQ(command_bind(3, addrs), -EDOM);
	CHECK_STR(pci->driver, "vfio-pci");
	fake_end();
}

TEST(bad_addresses)
{
	start("nvme");
	refuse(bind, "nvme0", STATUS_USAGE, 1);
	CHECK(said("nvme0: not a PCI address"));
	refuse(bind, "0000:09:00.0", STATUS_HOST, 2);
	CHECK(said("no such device"));
	refuse(unbind, "0000:09:00.0", STATUS_HOST, 2);
	fake_end();
}

TEST(vfio_pci_not_loaded)
{
	struct fake_pci *pci = start("nvme");

	fake_host()->vfio_pci = false;
	refuse(bind, DEV, STATUS_HOST, 2);
	CHECK(said("hint: modprobe vfio-pci"));
	CHECK_STR(pci->driver, "nvme");
	CHECK_EQ(fake_count("write "), 0);
	fake_end();
}

TEST(a_bridge_is_not_bound)
{
	struct fake_pci *bridge;

	start("nvme");
	bridge = fake_pci("0000:00:01.0", 0x8086, 1, 0x060400, 1, "pcieport");
	refuse(bind, "0000:00:01.0", STATUS_HOST, 1);
	CHECK_STR(bridge->driver, "pcieport");
	fake_end();
}

TEST(vfio_pci_does_not_take_it)
{
	struct fake_pci *pci = start("nvme");

	pci->no_probe = true;
	refuse(bind, DEV, STATUS_HOST, 1);
	CHECK(said("vfio-pci does not take it"));
	CHECK_STR(pci->driver, "nvme");
	CHECK_STR(pci->override, "");
	CHECK(!fake_text(NOTE));
	fake_end();
}

TEST(without_iommu_it_says_so)
{
	struct fake_pci *pci;

	fake_begin();
	fake_dir("/run");
	pci = fake_pci(DEV, 0x1b36, 0x10, 0x010802, -1, "nvme");
	refuse(bind, DEV, STATUS_HOST, 2);
	CHECK(said("it has no IOMMU in front of it"));
	CHECK_STR(pci->driver, "nvme");
	fake_end();
}

TEST(others_of_the_group_are_warned_of)
{
	struct fake_pci *other;

	start("nvme");
	other = fake_pci(BESIDE, 0x8086, 0x1521, 0x020000, 1, "igb");
	capture_begin(2);
	CHECK_EQ(bind(DEV), 0);
	capture_end();
	CHECK(said("warning: " DEV ": cannot be assigned yet: " BESIDE));
	CHECK_STR(other->driver, "igb");
	fake_end();
}

/* Linux's unbind would wait for the guest to end. */
TEST(a_device_in_use_is_not_unbound)
{
	struct fake_pci *pci = start("nvme");
	int fd;

	CHECK_EQ(bind(DEV), 0);
	fake_link("/proc/77/fd/5", "/dev/vfio/1");
	fake_file("/proc/77/comm", "postern\n");
	fd = fake_device_fd(pci);
	refuse(unbind, DEV, STATUS_HOST, 1);
	CHECK(said("in use by process 77 (postern)"));
	CHECK_STR(pci->driver, "vfio-pci");
	CHECK_STR(fake_text(NOTE), "nvme");
	sys_close(fd);
	fake_end();
}

TEST(not_permitted)
{
	struct fake_pci *pci = start("nvme");

	fake_fail_call("open " OVERRIDE, EACCES);
	refuse(bind, DEV, STATUS_PERMISSION, 2);
	CHECK(said("hint: run it as root"));
	CHECK_STR(pci->driver, "nvme");
	fake_end();
}

/*
 * Whichever single step of a bind fails, the device ends with vfio-pci, or
 * with the driver it had. Never with none.
 */
TEST(no_failing_step_loses_the_device)
{
	struct fake_pci *pci;
	unsigned int nth;
	bool fired = true;
	int err;

	for (nth = 1; fired; nth++) {
		pci = start("nvme");
		fake_fail_nth(nth, 0);
		err = bind(DEV);
		fired = fake_failed() != NULL;
		test_note("call %u, %s", nth, fired ? fake_failed() : "none");
		CHECK(err <= 0);
		CHECK_STR(pci->driver, err ? "nvme" : "vfio-pci");
		fake_fail_nth(0, 0);
		CHECK_EQ(bind(DEV), 0);
		CHECK_EQ(unbind(DEV), 0);
		CHECK_STR(pci->driver, "nvme");
		fake_end();
	}
	CHECK(nth > 20);
}

/* ---- the list ----------------------------------------------------------- */

static void world_of_all_kinds(void)
{
	start("nvme");
	fake_pci("0000:00:01.0", 0x8086, 1, 0x060400, 5, "pcieport");
	fake_pci("0000:02:00.0", 0x8086, 0x1521, 0x020000, 2, "vfio-pci");
	fake_pci("0000:03:00.0", 0x8086, 0x1521, 0x0c0330, 3, NULL);
	fake_pci("0000:04:00.0", 0x8086, 0x1521, 0x030000, -1, "bochs-drm");
	fake_pci("0000:05:00.0", 0x8086, 0x1521, 0x020000, 6, "vfio-pci");
	fake_pci("0000:05:00.1", 0x8086, 0x1521, 0x020000, 6, "igb");
	fake_pci("0000:06:00.0", 0x1af4, 0x1041, 0x020000, 8, "vfio-pci");
	fake_link("/proc/12/fd/3", "/dev/vfio/8");
	fake_file("/proc/12/comm", "qe\"mu\n");
}

TEST(the_list_for_people)
{
	const char *text;

	world_of_all_kinds();
	capture_begin(1);
	CHECK_EQ(command_devices(&table, 0, NULL), 0);
	text = capture_end();
	CHECK_EQ(said_lines(), 8);
	CHECK(!strncmp(text, "ADDRESS ", 8));
	CHECK(said("0000:01:00.0  1b36:0010 NVMe controller"));
	CHECK(said("bound to nvme\n"));
	CHECK(said("  assignable\n"));
	CHECK(said("no driver\n"));
	CHECK(said("no IOMMU\n"));
	CHECK(said("shares its group with 0000:05:00.1 (igb)\n"));
	CHECK(said("in use by 12 (qe\"mu)\n"));
	CHECK(!strstr(text, "0000:00:01.0"));
	CHECK(strstr(text, "0000:02:00.0") < strstr(text, "0000:03:00.0"));
	fake_end();
}

TEST(the_list_for_programs)
{
	const char *text;

	world_of_all_kinds();
	capture_begin(1);
	CHECK_EQ(command_devices(&json, 0, NULL), 0);
	text = capture_end();
	CHECK(text[0] == '[');
	CHECK_STR(text + strlen(text) - 3, "}]\n");
	CHECK(said("{\"address\": \"0000:01:00.0\", \"name\": \"NVMe controller\", "
		   "\"vendor\": \"1b36\", \"device\": \"0010\", \"class\": \"010802\", "
		   "\"group\": 1, \"driver\": \"nvme\", \"state\": \"bound\", "
		   "\"detail\": \"bound to nvme\"}"));
	CHECK(said("\"driver\": null, \"state\": \"unbound\""));
	CHECK(said("\"group\": null, \"driver\": \"bochs-drm\", \"state\": \"no-iommu\""));
	CHECK(said("\"state\": \"in-use\", \"detail\": \"in use by 12 (qe\\\"mu)\"}"));
	fake_end();
}

TEST(no_devices_at_all)
{
	fake_begin();
	fake_dir("/sys/bus/pci/devices");
	capture_begin(1);
	CHECK_EQ(command_devices(&json, 0, NULL), 0);
	CHECK_STR(capture_end(), "[]\n");
	fake_end();
}

/* A system on a chip may have none, and devices all the same. */
static void check_no_pci_is_no_error(void)
{
	capture_begin(1);
	CHECK_EQ(command_devices(&json, 0, NULL), 0);
	CHECK_STR(capture_end(), "[]\n");
}

static void check_no_pci_is_an_error(void)
{
	capture_begin(2);
	CHECK_EQ(status_of(command_devices(&table, 0, NULL)), STATUS_HOST);
	capture_end();
	CHECK(said("cannot list /sys/bus/pci/devices"));
}

TEST(no_pci_at_all)
{
	fake_begin();
	if (IS_ENABLED(CONFIG_VFIO_PLATFORM))
		check_no_pci_is_no_error();
	else
		check_no_pci_is_an_error();
	fake_end();
}

TEST(capabilities_and_their_verdicts)
{
	static const struct config verbose = { .verbose = true };
	char *addrs[] = { "01:00.0" }, *none[] = { "07:00.0" };
	char path[] = "/sys/bus/pci/devices/0000:01:00.0/config";
	struct fake_pci *pci;
	const char *out;

	fake_begin();
	pci = fake_pci_nvme("0000:01:00.0", 1);
	fake_pci_nvme("0000:02:00.0", 2);
	fake_ecap(pci, 0x10, 1, 0x40);
	fake_blob(path, pci->cfg, 4096);
	capture_begin(1);
	CHECK_EQ(command_devices(&verbose, 1, addrs), 0);
	out = capture_end();
	CHECK(strstr(out, "0000:01:00.0"));
	CHECK(!strstr(out, "0000:02:00.0"));
	CHECK(strstr(out, "0x040  msix      0x11  virtualized\n"));
	CHECK(strstr(out, "express   0x10  virtualized\n"));
	CHECK(strstr(out, "pm        0x01  passed\n"));
	CHECK(strstr(out, "0x100  sriov     0x10  hidden: VFs are"));
	/* Not for everybody. */
	fake_blob(path, pci->cfg, 64);
	capture_begin(1);
	CHECK_EQ(command_devices(&verbose, 1, addrs), 0);
	CHECK(!strstr(capture_end(), "msix"));
	CHECK_EQ(command_devices(&verbose, 1, none), -ENODEV);
	fake_end();
}
