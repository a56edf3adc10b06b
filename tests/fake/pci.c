/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI devices and their drivers: what sysfs shows of them, and what writing
 * to it does. Linux: Documentation/ABI/testing/sysfs-bus-pci.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fake/fake_priv.h"

#define PCI "/sys/bus/pci/"
#define GROUPS "/sys/kernel/iommu_groups/"

struct fake_pci *fake_pci_find(const char *addr)
{
	struct fake_pci *pci;

	for (pci = world->pcis; pci; pci = pci->next)
		if (!strcmp(pci->addr, addr) && pci->present)
			return pci;
	return NULL;
}

/* vfio_pci_validate_vf_token() of drivers/vfio/pci/vfio_pci_core.c */
int pci_token(const struct fake_pci *pci, const char *token)
{
	if (!pci->token)
		return token ? -EINVAL : 0;
	return token && !strcmp(token, pci->token) ? 0 : -EACCES;
}

struct fake_pci *fake_pci(const char *addr, uint16_t vendor, uint16_t device,
			  uint32_t class, int group, const char *driver)
{
	struct fake_pci *pci = zalloc(sizeof(*pci));
	unsigned int i, j;

	pci->priv = zalloc(sizeof(*pci->priv));
	snprintf(pci->addr, sizeof(pci->addr), "%s", addr);
	snprintf(pci->native, sizeof(pci->native), "%s",
		 driver && strncmp(driver, "vfio-", 5) ? driver : "");
	pci->group = group;
	pci->present = true;
	pci->cfg_size = 256;
	pci->priv->next_cap = 0x40;
	pci->priv->next_ecap = 0x100;
	for (i = 0; i < 6; i++)
		pci->priv->bar_fd[i] = -1;
	for (i = 0; i < IRQ_INDEXES; i++)
		for (j = 0; j < IRQ_VECTORS; j++)
			pci->priv->vectors[i][j].fd = -1;
	fake_cfg16(pci, PCI_VENDOR_ID, vendor);
	fake_cfg16(pci, PCI_DEVICE_ID, device);
	fake_cfg32(pci, PCI_CLASS_REVISION, class << 8 | 1);
	pci->next = world->pcis;
	world->pcis = pci;
	fake_pci_bind(pci, driver);
	return pci;
}

struct fake_pci *fake_pci_nvme(const char *addr, int group)
{
	struct fake_pci *pci = fake_pci(addr, 0x1b36, 0x0010, 0x010802, group,
					"vfio-pci");
	unsigned int pm;

	strcpy(pci->native, "nvme");
	fake_bar(pci, 0, 16 * KiB, false, true, false);
	fake_cap_msix(pci, 65, 0, 0x2000, 0, 0x3000);
	fake_cap_pcie(pci);
	pm = fake_cap(pci, PCI_CAP_ID_PM, PCI_PM_SIZEOF);
	fake_cfg16(pci, pm + PCI_PM_PMC, 3);
	return pci;
}

struct fake_pci *fake_mdev(const char *uuid, int group)
{
	struct fake_pci *pci = fake_pci(uuid, 0x4348, 0x3253, 0x070002, group,
					"mtty");

	pci->mdev = true;
	pci->nr = world->next_vfio++;
	pci->cfg_size = 255;
	pci->cfg[PCI_INTERRUPT_PIN] = 1;
	pci->intx = true;
	pci->no_unmask_fd = pci->no_bus_reset = pci->no_mmap = true;
	fake_bar(pci, 0, 8, true, false, false);
	return pci;
}

struct fake_pci *fake_platform(const char *name, const char *bus, int group,
			       const char *driver)
{
	struct fake_pci *pci = fake_pci(name, 0, 0, 0, group, driver);

	pci->bus = bus;
	pci->can_reset = pci->no_bus_reset = true;
	pci->nr_regions = pci->nr_irqs = 1;
	pci->level[0] = true;
	pci->bars[0].size = PAGE;
	return pci;
}

const char *pci_vfio_driver(const struct fake_pci *pci)
{
	return !pci->bus ? "vfio-pci" :
		!strcmp(pci->bus, "amba") ? "vfio-amba" : "vfio-platform";
}

bool pci_is_vfio(const struct fake_pci *pci)
{
	return pci->mdev || strstr(pci->driver, "vfio");
}

static bool can_noiommu(void)
{
	return world->host.noiommu && world->host.unsafe_noiommu;
}

void fake_pci_bind(struct fake_pci *pci, const char *driver)
{
	bool vfio = driver && strstr(driver, "vfio");

	snprintf(pci->driver, sizeof(pci->driver), "%s",
		 driver ? driver : "");
	if (vfio)
		pci->nr = world->next_vfio++;
	if (vfio && pci->group < 0 && can_noiommu()) {
		pci->noiommu = true;
		pci->group = world->next_noiommu++;
	} else if (!vfio && pci->noiommu) {
		pci->noiommu = false;
		pci->group = -1;
	}
}

void pci_free(void)
{
	struct fake_pci *pci;
	unsigned int i;

	while ((pci = world->pcis)) {
		world->pcis = pci->next;
		for (i = 0; i < 6; i++)
			if (pci->priv->bar_fd[i] >= 0) {
				munmap(pci->bar_mem[i],
				       ALIGN_UP(pci->bars[i].size, PAGE));
				close(pci->priv->bar_fd[i]);
			}
		free(pci->priv);
		free(pci);
	}
}

/* Its name tells the mode only since it has a node in that. */
static void node_name(const struct fake_pci *pci, char *name, size_t size)
{
	snprintf(name, size, "%svfio%u", pci->noiommu &&
		 world->host.noiommu_cdev ? "noiommu-" : "", pci->nr);
}

struct fake_pci *pci_by_node(const char *name)
{
	struct fake_pci *pci;
	char node[32];

	for (pci = world->pcis; pci; pci = pci->next) {
		node_name(pci, node, sizeof(node));
		if (pci_is_vfio(pci) && !strcmp(node, name))
			return pci;
	}
	return NULL;
}

/* ---- sysfs and /dev, made afresh whenever they are looked at ------------ */

static void __attribute__((format(printf, 3, 4)))
put(enum node_type type, const char *data, const char *fmt, ...)
{
	char path[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (!fs_find(path))
		fs_set(path, type, data, strlen(data), true);
}

static const char *bus(const struct fake_pci *pci)
{
	if (!pci->bus)
		return pci->mdev ? "/sys/bus/mdev/" : PCI;
	return !strcmp(pci->bus, "amba") ? "/sys/bus/amba/" :
		"/sys/bus/platform/";
}

void fake_of_node(const struct fake_pci *pci, const char *name,
		  const void *data, size_t len)
{
	char path[256];

	snprintf(path, sizeof(path), "%sdevices/%s/of_node/%s", bus(pci),
		 pci->addr, name);
	fake_blob(path, data, len);
}

static void show_hex(const struct fake_pci *pci, const char *name,
		     int digits, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "0x%0*x\n", digits, value);
	put(NODE_TEXT, text, "%sdevices/%s/%s", bus(pci), pci->addr, name);
}

static void show_config(const struct fake_pci *pci)
{
	unsigned int size = world->host.root ? pci->cfg_size : 64;
	char path[256];

	snprintf(path, sizeof(path), PCI "devices/%s/config", pci->addr);
	if (!fs_find(path))
		fs_set(path, NODE_TEXT, pci->cfg, size, true);
}

/* A line for each BAR and the ROM: first, last, and IORESOURCE_ flags. */
static void show_resource(const struct fake_pci *pci)
{
	char text[1024];
	unsigned int i;
	size_t len = 0;

	for (i = 0; i < 7; i++) {
		uint64_t size = i < 6 ? pci->bars[i].size : pci->rom_size;
		uint64_t at = size ? 0x8000000000 + i * size : 0;
		uint64_t flags = !size ? 0 : i == 6 ? 0x46200 :
			pci->bars[i].io ? 0x40101 : 0x40200 |
			(pci->bars[i].prefetch ? 0x2000 : 0) |
			(pci->bars[i].mem64 ? 0x100000 : 0);

		len += snprintf(text + len, sizeof(text) - len,
				"0x%016llx 0x%016llx 0x%016llx\n",
				(unsigned long long)at,
				(unsigned long long)(size ? at + size - 1 : 0),
				(unsigned long long)flags);
	}
	put(NODE_TEXT, text, PCI "devices/%s/resource", pci->addr);
}

static void show_reset(const struct fake_pci *pci)
{
	char text[32];

	snprintf(text, sizeof(text), "%s%s%s\n",
		 pci->can_reset ? "flr" : "",
		 pci->can_reset && !pci->no_bus_reset ? " " : "",
		 pci->no_bus_reset ? "" : "bus");
	if (text[1])
		put(NODE_TEXT, text, PCI "devices/%s/reset_method",
		    pci->addr);
}

static void show_driver(const struct fake_pci *pci)
{
	char text[128];

	if (!pci->driver[0])
		return;
	snprintf(text, sizeof(text), "../../../bus/pci/drivers/%s",
		 pci->driver);
	put(NODE_LINK, text, "%sdevices/%s/driver", bus(pci), pci->addr);
	put(NODE_TEXT, "", "%sdrivers/%s/bind", bus(pci), pci->driver);
	put(NODE_TEXT, "", "%sdrivers/%s/unbind", bus(pci), pci->driver);
}

/* In the words of sysfs, ascending. */
static const char *reserved(void)
{
	const struct fake_host *host = &world->host;
	static char text[256];
	size_t len = 0;

	text[0] = '\0';
	if (host->rmrr)
		len += sprintf(text, "0x000000007a000000 0x000000007affffff direct\n");
	if (host->hole_size)
		len += sprintf(text + len, "0x%016llx 0x%016llx msi\n",
			       (unsigned long long)host->hole_base,
			       (unsigned long long)(host->hole_base +
						    host->hole_size - 1));
	if (host->iova_last != UINT64_MAX)
		sprintf(text + len, "0x%016llx 0x%016llx reserved\n",
			(unsigned long long)host->iova_last + 1,
			(unsigned long long)UINT64_MAX);
	return text;
}

static void show_group(const struct fake_pci *pci)
{
	char text[128];

	if (pci->group < 0)
		return;
	snprintf(text, sizeof(text), "../../../kernel/iommu_groups/%d",
		 pci->group);
	put(NODE_LINK, text, "%sdevices/%s/iommu_group", bus(pci), pci->addr);
	snprintf(text, sizeof(text), "../../../../devices/pci0000:00/%s",
		 pci->addr);
	put(NODE_LINK, text, GROUPS "%d/devices/%s", pci->group, pci->addr);
	/* The kernel makes no difference between these two kinds of group. */
	if (pci->mdev || pci->noiommu)
		put(NODE_TEXT, "vfio-noiommu\n", GROUPS "%d/name", pci->group);
	if (pci->mdev || pci->noiommu)
		return;
	put(NODE_LINK, "../../../virtual/iommu/dmar0",
	    "%sdevices/%s/iommu", bus(pci), pci->addr);
	put(NODE_TEXT, "0xd2008c222f0686\n",
	    "/sys/class/iommu/dmar0/intel-iommu/cap");
	put(NODE_TEXT, "DMA-FQ\n", GROUPS "%d/type", pci->group);
	put(NODE_TEXT, reserved(), GROUPS "%d/reserved_regions", pci->group);
}

static void show_vfio(const struct fake_pci *pci)
{
	const struct fake_host *host = &world->host;
	char text[32], node[32];

	if (!pci_is_vfio(pci))
		return;
	node_name(pci, node, sizeof(node));
	put(NODE_DIR, "", "%sdevices/%s/vfio-dev/%s", bus(pci), pci->addr, node);
	if ((host->legacy || host->compat || host->groups) && pci->group >= 0)
		put(NODE_DEV, "", "/dev/vfio/%s%d",
		    pci->noiommu ? "noiommu-" : "", pci->group);
	if (!host->iommufd || !host->cdev ||
	    (pci->noiommu && !host->noiommu_cdev))
		return;
	snprintf(text, sizeof(text), "511:%u\n", pci->nr);
	put(NODE_TEXT, text, "%sdevices/%s/vfio-dev/%s/dev", bus(pci), pci->addr,
	    node);
	put(NODE_DEV, "", "/dev/vfio/devices/%s", node);
}

static void show_override(const struct fake_pci *pci)
{
	char text[64];

	snprintf(text, sizeof(text), "%s\n",
		 pci->override[0] ? pci->override : "(null)");
	put(NODE_TEXT, text, "%sdevices/%s/driver_override", bus(pci),
	    pci->addr);
	if (pci->native[0])
		put(NODE_TEXT, "", "%sdrivers/%s/bind", bus(pci), pci->native);
	if (pci->native[0])
		put(NODE_TEXT, "", "%sdrivers/%s/unbind", bus(pci),
		    pci->native);
}

static void show_device(const struct fake_pci *pci)
{
	show_driver(pci);
	show_group(pci);
	show_vfio(pci);
	if (pci->mdev)
		return;
	show_override(pci);
	if (pci->bus)
		return;
	show_hex(pci, "vendor", 4, fake_cfg_get16(pci, PCI_VENDOR_ID));
	show_hex(pci, "device", 4, fake_cfg_get16(pci, PCI_DEVICE_ID));
	show_hex(pci, "class", 6, fake_cfg_get32(pci, PCI_CLASS_REVISION) >> 8);
	show_config(pci);
	show_resource(pci);
	show_reset(pci);
}

static void show_bus(const struct fake_pci *pci)
{
	put(NODE_TEXT, "", "%sdrivers_probe", bus(pci));
	if (!world->host.vfio_platform)
		return;
	put(NODE_TEXT, "", "%sdrivers/%s/bind", bus(pci),
	    pci_vfio_driver(pci));
	put(NODE_TEXT, "", "%sdrivers/%s/unbind", bus(pci),
	    pci_vfio_driver(pci));
	put(NODE_TEXT, world->host.reset_required ? "Y\n" : "N\n",
	    "/sys/module/vfio_platform/parameters/reset_required");
}

static void put_text(const char *path, const char *text)
{
	put(NODE_TEXT, text, "%s", path);
}

void pci_sysfs(void)
{
	const struct fake_host *host = &world->host;
	const struct fake_pci *pci;
	char text[64];

	fs_drop_made();
	put(NODE_LINK, "1000", "/proc/self");
	snprintf(text, sizeof(text), "Name:\tx\nVmLck:\t    %llu kB\n",
		 (unsigned long long)(dma_locked(true) / KiB));
	put(NODE_TEXT, text, "/proc/self/status");
	put(NODE_TEXT, "", PCI "drivers_probe");
	put(NODE_TEXT, host->intremap ?
	    "            CPU0       CPU1\n"
	    "   0:         12          0  IR-IO-APIC    2-edge      timer\n"
	    "  24:          0          0  DMAR-MSI    0-edge      dmar0\n" :
	    "            CPU0       CPU1\n"
	    "   0:         12          0   IO-APIC    2-edge      timer\n",
	    "/proc/interrupts");
	put(NODE_TEXT, "MemTotal:        4194304 kB\n"
	    "MemFree:         3145728 kB\nMemAvailable:    3145728 kB\n"
	    "HugePages_Total:     256\nHugePages_Free:      128\n"
	    "Hugepagesize:       2048 kB\n", "/proc/meminfo");
	if (host->vfio)
		put(NODE_DIR, "", "/sys/class/vfio-dev");
	if (host->vfio_pci) {
		put(NODE_TEXT, "", PCI "drivers/vfio-pci/bind");
		put(NODE_TEXT, "", PCI "drivers/vfio-pci/unbind");
	}
	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->bus)
			show_bus(pci);
	huge_sysfs(put_text);
	if (host->noiommu)
		put(NODE_TEXT, host->unsafe_noiommu ? "Y\n" : "N\n",
		    "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	if (host->kvm)
		put(NODE_DEV, "", "/dev/kvm");
	if (world->host.vhost)
		put(NODE_DEV, "", "/dev/vhost-vsock");
	if (host->vfio && (host->legacy || host->compat))
		put(NODE_DEV, "", "/dev/vfio/vfio");
	if (host->vfio && host->iommufd)
		put(NODE_DEV, "", "/dev/iommu");
	for (pci = world->pcis; pci; pci = pci->next)
		if (pci->present)
			show_device(pci);
}

/* ---- what writing to it does -------------------------------------------- */

static int probe(struct fake_pci *pci, const char *driver)
{
	bool vfio = !strcmp(driver, pci_vfio_driver(pci));

	if (vfio && !(pci->bus ? world->host.vfio_platform :
		      world->host.vfio_pci))
		return -ENODEV;
	if (pci->override[0] ? strcmp(pci->override, driver) :
	    strcmp(pci->native, driver))
		return -ENODEV;
	if (vfio && (pci->no_probe || (pci->group < 0 && !can_noiommu())))
		return -EINVAL;
	if (vfio && pci->bus && !strcmp(pci->bus, "platform") &&
	    world->host.reset_required && !pci->can_reset)
		return -ENODEV;
	fake_pci_bind(pci, driver);
	return 0;
}

static int unbind(struct fake_pci *pci, const char *driver)
{
	if (strcmp(pci->driver, driver))
		return -ENODEV;
	if (pci->open) {
		violation("%s is unbound while it is open, which hangs",
			  pci->addr);
		return -EBUSY;
	}
	fake_pci_bind(pci, NULL);
	return 0;
}

static int write_driver(const char *rest, struct fake_pci *pci)
{
	char driver[64];
	const char *slash = strchr(rest, '/');

	if (!slash)
		return 0;
	snprintf(driver, sizeof(driver), "%.*s", (int)(slash - rest), rest);
	if (!pci)
		return -ENODEV;
	if (!strcmp(slash, "/unbind"))
		return unbind(pci, driver);
	if (!strcmp(slash, "/bind"))
		return pci->driver[0] ? -EBUSY : probe(pci, driver);
	return 0;
}

/* As in Linux, a driver that fails is no failure of drivers_probe. */
static int write_probe(struct fake_pci *pci)
{
	if (!pci)
		return -ENODEV;
	if (!pci->driver[0])
		probe(pci, pci->override[0] ? pci->override : pci->native);
	return 0;
}

static int write_device(const char *rest, const char *text)
{
	char addr[64];
	const char *slash = strchr(rest, '/');
	struct fake_pci *pci;

	if (!slash || strcmp(slash, "/driver_override"))
		return 0;
	snprintf(addr, sizeof(addr), "%.*s", (int)(slash - rest), rest);
	pci = fake_pci_find(addr);
	if (!pci)
		return -ENODEV;
	if (strlen(text) >= sizeof(pci->override))
		return -EINVAL;
	strcpy(pci->override, text);
	return 0;
}

/* What of @path is behind the bus's folder, NULL: it is of no bus. */
static const char *below_bus(const char *path)
{
	static const char *const buses[] = {
		PCI, "/sys/bus/platform/", "/sys/bus/amba/",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buses); i++)
		if (!strncmp(path, buses[i], strlen(buses[i])))
			return path + strlen(buses[i]);
	return NULL;
}

/* The device named, on the bus that @path is of. */
static struct fake_pci *on_bus(const char *path, const char *addr)
{
	struct fake_pci *pci = fake_pci_find(addr);

	return pci && !strncmp(path, bus(pci), strlen(bus(pci))) ? pci : NULL;
}

int pci_sysfs_write(const char *path, const char *text)
{
	const char *rest = below_bus(path);
	char word[64];

	if (!rest)
		return 0;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(text, "\n"), text);
	if (!strcmp(rest, "drivers_probe"))
		return write_probe(on_bus(path, word));
	if (!strncmp(rest, "drivers/", 8))
		return write_driver(rest + 8, on_bus(path, word));
	if (!strncmp(rest, "devices/", 8))
		return write_device(rest + 8, word);
	return 0;
}
