/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands about devices, of platform and AMBA devices.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "devices/vfio/command.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/status.h"
#include "vmm/vm.h"

#define GPIO "9030000.pl061"
#define NIC "a000000.ethernet"

static struct fake_pci *dev;

static void bound_and_back(const char *name, const char *bus,
			   const char *vfio)
{
	char *args[] = { (char *)name };

	fake_begin();
	fake_dir("/run");
	dev = fake_platform(name, bus, 1, "its-own");
	CHECK_EQ(command_bind(1, args), 0);
	CHECK_STR(dev->driver, vfio);
	CHECK_STR(dev->override, vfio);
	CHECK_EQ(command_unbind(1, args), 0);
	CHECK_STR(dev->driver, "its-own");
	CHECK_STR(dev->override, "");
	fake_end();
}

TEST(bind_and_unbind)
{
	bound_and_back(GPIO, "amba", "vfio-amba");
	bound_and_back(NIC, "platform", "vfio-platform");
	bound_and_back("soc@0:a-usb:b", "platform", "vfio-platform");
}

TEST(bind_says_what_vfio_lacks)
{
	char *args[] = { NIC };

	fake_begin();
	fake_dir("/run");
	dev = fake_platform(NIC, "platform", 1, "its-own");
	dev->can_reset = false;
	fake_host()->reset_required = true;
	capture_begin(2);
	CHECK_EQ(command_bind(1, args), -ENXIO);
	capture_end();
	CHECK(said("vfio-platform does not take it; see dmesg"));
	CHECK(said("vfio_platform.reset_required=0"));
	CHECK_STR(dev->driver, "its-own");
	fake_host()->vfio_platform = false;
	capture_begin(2);
	CHECK_EQ(command_bind(1, args), -ENODEV);
	capture_end();
	CHECK(said("hint: modprobe vfio-platform"));
	fake_end();
}

static const char *listed(bool json)
{
	const struct config how = { .json = json };
	const char *text;

	capture_begin(1);
	CHECK_EQ(command_devices(&how, 0, NULL), 0);
	fflush(stdout);
	text = capture_end();
	return text;
}

TEST(devices_lists_what_could_be_assigned)
{
	static const char kinds[] = "arm,pl061\0arm,primecell";

	fake_begin();
	dev = fake_platform(GPIO, "amba", 1, "vfio-amba");
	fake_of_node(dev, "compatible", kinds, sizeof(kinds));
	fake_platform(NIC, "platform", 3, NULL);
	fake_platform("a1.timer", "platform", -1, NULL);
	CHECK(strstr(listed(false), GPIO "  arm,pl061"));
	CHECK(strstr(listed(false), "vfio-amba     assignable"));
	CHECK(strstr(listed(false), NIC "  platform device"));
	CHECK(!strstr(listed(false), "a1.timer"));
	CHECK(strstr(listed(true), "\"compatible\": \"arm,pl061\""));
	fake_end();
}

TEST(check_knows_it)
{
	struct config how = {
		.memory = 256 * MiB, .cpus = 1, .try_attach = true,
	};
	char *args[] = { GPIO };
	const char *text;

	fake_begin();
	dev = fake_platform(GPIO, "amba", 1, "vfio-amba");
	capture_begin(1);
	CHECK_EQ(command_check(&how, 1, args), 0);
	fflush(stdout);
	text = capture_end();
	CHECK(strstr(text, "address: " GPIO));
	CHECK(strstr(text, "name: platform device"));
	CHECK(strstr(text, "assignable: yes"));
	CHECK(strstr(text, "can be reset: yes"));
	CHECK(strstr(text, "interrupts: 1"));
	fake_pci_bind(dev, "pl061_gpio");
	capture_begin(1);
	CHECK_EQ(command_check(&how, 1, args), STATUS_HOST);
	fflush(stdout);
	text = capture_end();
	CHECK(strstr(text, "not bound to vfio-amba"));
	fake_end();
}
