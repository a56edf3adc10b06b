/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Root ports and their slots; see port.h. Everything of a port is under the
 * PCI lock, held for writing by who changes it.
 *
 * It shows itself as 1b36:000c, a root port of virtual machines: for Linux its
 * class alone counts.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>

#include "devices/pci/msix.h"
#include "devices/pci/pci_priv.h"
#include "devices/pci/port.h"
#include "devices/pci/vector.h"
#include "vmm/log.h"
#include "vmm/sys.h"

#define PORT_VENDOR 0x1b36
#define PORT_DEVICE 0x000c
#define PORT_CLASS 0x0604

/* Its capabilities, and of the first the registers of the slot. */
#define AT_EXPRESS 0x40
#define AT_MSI 0x80
#define SLOT_CONTROL (AT_EXPRESS + PCI_EXP_SLTCTL)
#define SLOT_STATUS (AT_EXPRESS + PCI_EXP_SLTSTA)
#define LINK_STATUS (AT_EXPRESS + PCI_EXP_LNKSTA)

#define LINK (PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1)
#define SLOT_EVENTS \
	(PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC)

struct pci_port {
	struct pci_dev pci;
	unsigned int n;
	bool shown;		/* what is in the slot answers */
	bool asked;		/* to let go of it, */
	bool pressed;		/* by the button, */
	bool left;		/* and has */
	bool raised;		/* there is cause for an interrupt */
	struct msi_cap msi;
	struct pci_vector vector;
	int fd;
};

static struct pci_dev *inside(const struct pci_port *port)
{
	return port->pci.host->devs[PCI_FUNCTIONS + port->n];
}

struct pci_dev *port_of(const struct pci_dev *dev)
{
	return dev->devfn < PCI_FUNCTIONS ? NULL :
		&dev->host->ports[dev->devfn - PCI_FUNCTIONS].pci;
}

/* Two may have the same number, if the guest wants it so: the first answers. */
struct pci_dev *port_child(const struct pci_host *host, unsigned int rid)
{
	const struct pci_port *port = host->ports;

	for (; port && port < host->ports + host->nr_ports; port++)
		if (port->pci.cfg[PCI_SECONDARY_BUS] << 8 == (int)rid)
			return port->shown ? inside(port) : NULL;
	return NULL;
}

/* ---- the slot ----------------------------------------------------------- */

static uint16_t get(const struct pci_port *port, unsigned int reg)
{
	return pci_get(port->pci.cfg, reg, 2);
}

static uint16_t indicator(const struct pci_port *port)
{
	return get(port, SLOT_CONTROL) & PCI_EXP_SLTCTL_PIC;
}

/* An MSI is sent when there is cause, and was none before. Section 6.7.3.4. */
static void sync_irq(struct pci_port *port)
{
	uint16_t control = get(port, SLOT_CONTROL);
	uint16_t status = get(port, SLOT_STATUS);
	bool cause = control & PCI_EXP_SLTCTL_HPIE &&
		(control & status & (PCI_EXP_SLTSTA_ABP | PCI_EXP_SLTSTA_PDC) ||
		 (control & PCI_EXP_SLTCTL_DLLSCE &&
		  status & PCI_EXP_SLTSTA_DLLSC));

	if (cause && !port->raised && port->vector.fd >= 0)
		vector_raise(&port->vector);
	port->raised = cause;
}

static void happened(struct pci_port *port, uint16_t events)
{
	pci_put(port->pci.cfg, SLOT_STATUS,
		get(port, SLOT_STATUS) | events, 2);
	sync_irq(port);
}

static void press(struct pci_port *port)
{
	port->pressed = true;
	happened(port, PCI_EXP_SLTSTA_ABP);
}

static void let_go(struct pci_port *port)
{
	static const uint64_t one = 1;

	port->left = true;
	sys_write(port->fd, &one, sizeof(one));
}

/* What is in the slot, or not, for the guest to read. */
static void set_presence(struct pci_port *port, bool there)
{
	uint8_t *cfg = port->pci.cfg;

	port->shown = there;
	port->asked = port->pressed = port->left = false;
	pci_put(cfg, LINK_STATUS, LINK | (there ? PCI_EXP_LNKSTA_DLLLA : 0), 2);
	pci_put(cfg, SLOT_STATUS, (get(port, SLOT_STATUS) & SLOT_EVENTS) |
		(there ? PCI_EXP_SLTSTA_PDS : 0), 2);
}

static void change(struct pci_host *host, unsigned int n, bool there)
{
	struct pci_port *port = &host->ports[n];
	struct pci_dev *dev;

	pthread_rwlock_wrlock(&host->lock);
	dev = inside(port);
	if (!there && dev) {
		dev->decode = 0;
		window_sync(host);
	}
	set_presence(port, there);
	happened(port, PCI_EXP_SLTSTA_PDC | PCI_EXP_SLTSTA_DLLSC);
	pthread_rwlock_unlock(&host->lock);
}

void port_show(struct pci_host *host, unsigned int n)
{
	change(host, n, true);
}

void port_hide(struct pci_host *host, unsigned int n)
{
	change(host, n, false);
}

/*
 * The button means "off" to a guest that has the indicator on, and nothing
 * good while it blinks: then it is pressed when it is on.
 */
void port_ask(struct pci_host *host, unsigned int n)
{
	struct pci_port *port = &host->ports[n];
	struct pci_dev *dev;

	pthread_rwlock_wrlock(&host->lock);
	dev = inside(port);
	if (!port->asked && dev) {
		port->asked = true;
		if (indicator(port) == PCI_EXP_SLTCTL_PWR_IND_OFF &&
		    !(pci_get(dev->cfg, PCI_COMMAND, 2) & PCI_COMMAND_MASTER))
			let_go(port);
		else if (indicator(port) != PCI_EXP_SLTCTL_PWR_IND_BLINK)
			press(port);
	}
	pthread_rwlock_unlock(&host->lock);
}

void port_unask(struct pci_host *host, unsigned int n)
{
	struct pci_port *port = &host->ports[n];

	pthread_rwlock_wrlock(&host->lock);
	port->asked = port->pressed = port->left = false;
	pthread_rwlock_unlock(&host->lock);
}

bool port_left(struct pci_host *host, unsigned int n)
{
	bool left;

	pthread_rwlock_rdlock(&host->lock);
	left = host->ports[n].left;
	pthread_rwlock_unlock(&host->lock);
	return left;
}

/* ---- config space ------------------------------------------------------- */

/* Events in the status register are cleared by writing ones. */
static void clear_events(struct pci_port *port, unsigned int off, uint32_t val,
			 unsigned int len)
{
	uint8_t reg[4] = { 0 };

	pci_put(reg, off % 4, val, len);
	pci_put(port->pci.cfg, SLOT_STATUS, get(port, SLOT_STATUS) &
		~(pci_get(reg, 2, 2) & SLOT_EVENTS), 2);
}

static void indicated(struct pci_port *port)
{
	if (!port->asked)
		return;
	if (indicator(port) == PCI_EXP_SLTCTL_PWR_IND_OFF)
		let_go(port);
	else if (indicator(port) == PCI_EXP_SLTCTL_PWR_IND_ON && !port->pressed)
		press(port);
}

static void port_write(struct pci_dev *dev, unsigned int off, uint32_t val,
		       unsigned int len)
{
	struct pci_port *port = container_of(dev, struct pci_port, pci);
	uint16_t was = indicator(port);

	pci_cfg_put(dev, off, val, len);
	msi_cfg_written(&port->msi, off, len);
	if (!pci_covers(off, len, SLOT_CONTROL, 4))
		return;
	clear_events(port, off, val, len);
	if (indicator(port) != was)
		indicated(port);
	sync_irq(port);
}

static const struct pci_dev_ops port_ops = {
	.cfg_write = port_write,
};

static void msi_update(void *owner, unsigned int vector)
{
	struct pci_port *port = owner;
	struct irqs *irqs = &port->pci.host->vm->irqs;
	struct msi msg;
	int err;

	if (msi_want(&port->msi, vector, &msg) != MSI_LIVE) {
		vector_mask(irqs, &port->vector);
		return;
	}
	err = vector_live(irqs, &port->vector, &msg);
	if (err < 0)
		trace(TRACE_IRQ, "port %u: %s", port->n, err_text(err));
}

static bool msi_pending(void *owner, unsigned int vector)
{
	return false;	/* it has no mask bits */
}

static const struct msi_ops msi_ops = { msi_update, msi_pending };

static void fill_express(struct pci_port *port, bool there)
{
	uint8_t *cap = port->pci.cfg + AT_EXPRESS;

	cap[0] = PCI_CAP_ID_EXP;
	cap[1] = AT_MSI;
	pci_put(cap, PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ROOT_PORT << 4 |
		PCI_EXP_FLAGS_SLOT, 2);
	pci_put(cap, PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER, 4);
	pci_put(cap, PCI_EXP_LNKCAP, (port->n + 1) << 24 |
		PCI_EXP_LNKCAP_DLLLARC | LINK, 4);
	pci_put(cap, PCI_EXP_SLTCAP, (port->n + 1) << 19 |
		PCI_EXP_SLTCAP_NCCS | PCI_EXP_SLTCAP_HPC |
		PCI_EXP_SLTCAP_HPS | PCI_EXP_SLTCAP_PIP | PCI_EXP_SLTCAP_ABP,
		4);
	pci_put(cap, PCI_EXP_SLTCTL, there ? PCI_EXP_SLTCTL_PWR_IND_ON :
		PCI_EXP_SLTCTL_PWR_IND_OFF, 2);
	pci_put(port->pci.wmask + AT_EXPRESS, PCI_EXP_SLTCTL,
		PCI_EXP_SLTCTL_DLLSCE | PCI_EXP_SLTCTL_PIC |
		PCI_EXP_SLTCTL_HPIE | PCI_EXP_SLTCTL_CCIE |
		PCI_EXP_SLTCTL_PDCE | PCI_EXP_SLTCTL_ABPE, 2);
}

/* Windows are closed: they end before they begin. */
static void fill_bridge(struct pci_port *port)
{
	uint8_t *cfg = port->pci.cfg, *wmask = port->pci.wmask;

	cfg[PCI_SECONDARY_BUS] = cfg[PCI_SUBORDINATE_BUS] = port->n + 1;
	pci_put(cfg, PCI_IO_BASE, 0x00f0, 2);
	pci_put(cfg, PCI_MEMORY_BASE, 0x0000fff0, 4);
	pci_put(cfg, PCI_PREF_MEMORY_BASE, 0x0001fff1, 4);
	pci_put(wmask, PCI_PRIMARY_BUS, 0x00ffffff, 4);
	pci_put(wmask, PCI_IO_BASE, 0xf0f0, 2);
	pci_put(wmask, PCI_MEMORY_BASE, 0xfff0fff0, 4);
	pci_put(wmask, PCI_PREF_MEMORY_BASE, 0xfff0fff0, 4);
	memset(wmask + PCI_PREF_BASE_UPPER32, 0xff, 8);
	pci_put(wmask, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CTL_PARITY |
		PCI_BRIDGE_CTL_SERR, 2);
}

/* As after power-on, with what is in the slot. */
static void fill(struct pci_port *port, bool there)
{
	uint8_t *cfg = port->pci.cfg;

	memset(cfg, 0, PCI_CFG_SIZE);
	pci_put(cfg, PCI_VENDOR_ID, PORT_VENDOR | PORT_DEVICE << 16, 4);
	pci_put(cfg, PCI_STATUS, PCI_STATUS_CAP_LIST, 2);
	pci_put(cfg, PCI_CLASS_DEVICE, PORT_CLASS, 2);
	cfg[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_BRIDGE;
	cfg[PCI_CAPABILITY_LIST] = AT_EXPRESS;
	cfg[AT_MSI] = PCI_CAP_ID_MSI;
	pci_put(port->pci.wmask, PCI_COMMAND, PCI_COMMAND_IO |
		PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_SERR |
		PCI_COMMAND_INTX_DISABLE, 2);
	fill_bridge(port);
	fill_express(port, there);
	msi_init(&port->msi, &port->pci, AT_MSI, 1, true, false, &msi_ops,
		 port);
	set_presence(port, there);
	port->raised = false;
}

/* ---- life --------------------------------------------------------------- */

struct ports {
	struct device device;
	struct pci_host *host;
	struct pci_port ports[];
};

/* A guest that begins anew has let go of what it was asked to. */
static void ports_reset(struct device *device)
{
	struct ports *ports = container_of(device, struct ports, device);
	struct pci_port *port = ports->ports;
	bool asked;

	for (; port < ports->ports + ports->host->nr_ports; port++) {
		asked = port->asked;
		vector_drop(&ports->host->vm->irqs, &port->vector);
		fill(port, port->shown);
		port->asked = asked;
		if (asked)
			let_go(port);
	}
}

static void ports_destroy(struct device *device)
{
	struct ports *ports = container_of(device, struct ports, device);
	struct pci_host *host = ports->host;

	while (host->nr_ports) {
		struct pci_port *port = &ports->ports[--host->nr_ports];

		vector_drop(&host->vm->irqs, &port->vector);
		pci_dev_del(&port->pci);
	}
	host->ports = NULL;
	free(ports);
}

static const struct device_ops ports_device_ops = {
	.reset = ports_reset,
	.destroy = ports_destroy,
};

static int add(struct pci_host *host, int fd)
{
	struct pci_port *port = &host->ports[host->nr_ports];
	int err;

	port->n = host->nr_ports;
	port->fd = fd;
	port->vector.fd = port->vector.gsi = -1;
	port->pci.name = "port";
	port->pci.ops = &port_ops;
	fill(port, false);
	err = pci_dev_add(host, &port->pci, -1);
	if (err < 0)
		log_err("--hotplug: no place on the guest's bus for %u ports",
			host->layout.ports);
	else
		host->nr_ports++;
	return err < 0 ? -EDOM : 0;
}

int pci_ports_create(struct vm *vm, struct pci_host *host, int fd)
{
	unsigned int n = host->layout.ports;
	struct ports *ports = calloc(1, sizeof(*ports) +
				     n * sizeof(ports->ports[0]));
	int err = 0;

	if (!ports)
		return -ENOMEM;
	ports->host = host;
	host->ports = ports->ports;
	while (n-- && err >= 0)
		err = add(host, fd);
	if (err < 0)
		ports_destroy(&ports->device);
	else
		device_add(vm, &ports->device, "ports", &ports_device_ops);
	return err;
}
