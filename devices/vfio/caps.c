/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capability lists of an assigned device: each capability is passed on,
 * made up here, or hidden, as the tables say. PCI Local Bus 3.0 section 6.7
 * and appendix H; PCI Express Base 5.0 sections 7.5.3 and 7.6 to 7.9.
 *
 * A capability that is shown stays where the device has it, since drivers
 * find some by their place; only the links are ours. Config space is not to
 * be trusted: lists may loop, overlap, or lead out of it.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>

#include "devices/vfio/vfio_priv.h"
#include "vmm/log.h"

#define CFG_BASIC 256
#define CAPS_MAX 48		/* four bytes each, from 0x40 */
#define ECAPS_MAX 480

enum verdict { HIDE, PASS, OURS };

struct rule {
	uint16_t id;
	uint8_t verdict;
	uint8_t size;		/* bytes; 0: its own length field says */
	char name[12];
	char why[44];
};

static const struct rule rules[] = {
	{ PCI_CAP_ID_PM, PASS, 8, "pm", "" },
	{ PCI_CAP_ID_AGP, HIDE, 12, "agp", "no such slot here" },
	{ PCI_CAP_ID_VPD, PASS, 8, "vpd", "" },
	{ PCI_CAP_ID_SLOTID, HIDE, 4, "slotid", "tells the host's chassis" },
	{ PCI_CAP_ID_MSI, OURS, 0, "msi", "" },
	{ PCI_CAP_ID_CHSWP, HIDE, 4, "hotswap", "tells the host's slot" },
	{ PCI_CAP_ID_PCIX, PASS, 8, "pcix", "" },
	{ PCI_CAP_ID_HT, HIDE, 4, "ht", "tells the host's fabric" },
	{ PCI_CAP_ID_VNDR, PASS, 0, "vendor", "" },
	{ PCI_CAP_ID_DBG, PASS, 4, "debug", "" },
	{ PCI_CAP_ID_CCRC, HIDE, 4, "ccrc", "belongs to a chassis" },
	{ PCI_CAP_ID_SHPC, HIDE, 8, "shpc", "belongs to a bridge" },
	{ PCI_CAP_ID_SSVID, PASS, 8, "ssvid", "" },
	{ PCI_CAP_ID_AGP3, HIDE, 12, "agp3", "no such slot here" },
	{ PCI_CAP_ID_SECDEV, HIDE, 24, "secure", "is an iommu of the host" },
	{ PCI_CAP_ID_EXP, OURS, 0, "express", "" },
	{ PCI_CAP_ID_MSIX, OURS, 12, "msix", "" },
	{ PCI_CAP_ID_SATA, PASS, 8, "sata", "" },
	{ PCI_CAP_ID_AF, PASS, 6, "af", "" },
	{ PCI_CAP_ID_EA, HIDE, 4, "ea", "names fixed host addresses" },
};

static const struct rule ext_rules[] = {
	{ PCI_EXT_CAP_ID_ERR, PASS, 0x2c, "aer", "" },
	{ PCI_EXT_CAP_ID_VC, HIDE, 0, "vc", "sets up the host's link" },
	{ PCI_EXT_CAP_ID_DSN, PASS, 0xc, "serial", "" },
	{ PCI_EXT_CAP_ID_PWR, PASS, 0x10, "power", "" },
	{ PCI_EXT_CAP_ID_VNDR, PASS, 0, "vendor", "" },
	{ PCI_EXT_CAP_ID_ACS, HIDE, 0, "acs", "isolation is the host's" },
	{ PCI_EXT_CAP_ID_ARI, HIDE, 0, "ari", "no such numbering here" },
	{ PCI_EXT_CAP_ID_ATS, HIDE, 0, "ats", "the guest has no iommu" },
	{ PCI_EXT_CAP_ID_SRIOV, HIDE, 0, "sriov", "VFs are the host's to make" },
	{ PCI_EXT_CAP_ID_PRI, HIDE, 0, "pri", "the guest has no iommu" },
	{ PCI_EXT_CAP_ID_REBAR, HIDE, 0, "rebar", "the size of BARs is fixed" },
	{ PCI_EXT_CAP_ID_TPH, HIDE, 0, "tph", "its tags name host processors" },
	{ PCI_EXT_CAP_ID_LTR, HIDE, 0, "ltr", "sets up the host's link" },
	{ PCI_EXT_CAP_ID_PASID, HIDE, 0, "pasid", "the guest has no iommu" },
	{ PCI_EXT_CAP_ID_DPC, HIDE, 0, "dpc", "contains errors for the host" },
	{ PCI_EXT_CAP_ID_L1SS, HIDE, 0, "l1ss", "sets up the host's link" },
	{ PCI_EXT_CAP_ID_PTM, HIDE, 0, "ptm", "the host's clock, by its link" },
	{ PCI_EXT_CAP_ID_DVSEC, PASS, 0, "dvsec", "" },
};

static const struct rule unknown = {
	0, HIDE, 0, "unknown", "nothing is known of it",
};

struct walk {
	struct vfio_pci *d;
	uint8_t raw[PCI_CFG_SIZE];	/* the device's */
	uint8_t used[PCI_CFG_SIZE];	/* bytes that some capability has */
	unsigned int link;	/* where the next one's place is written */
	bool express;
	bool print;		/* only tell, on standard output */
};

static const struct rule *rule_of(const struct rule *table, unsigned int nr,
				  uint16_t id)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (table[i].id == id)
			return &table[i];
	return &unknown;
}

static void say(const struct walk *w, unsigned int pos, unsigned int id,
		const struct rule *rule, bool shown)
{
	static const char *const verdicts[] = { "hidden", "passed",
						"virtualized" };

	if (w->print)
		printf("  0x%03x  %-8s  0x%02x  %s%s%s\n", pos, rule->name, id,
		       shown ? verdicts[rule->verdict] : "hidden",
		       shown ? "" : ": ",
		       shown ? "" : *rule->why ? rule->why :
		       "does not fit where it is");
	trace(TRACE_VFIO, "%s: capability 0x%x (%s) at 0x%x: %s%s%s",
	      w->d->name, id, rule->name, pos, shown ? "shown" : "hidden",
	      *rule->why ? ", " : "", rule->why);
}

/*
 * Claim [@pos, @pos + @size) for one capability; false when it leaves
 * the space that ends at @end or overlaps another.
 */
static bool claim(struct walk *w, unsigned int pos, unsigned int size,
		  unsigned int end)
{
	unsigned int i;

	if (size > end || pos > end - size)
		return false;
	for (i = pos; i < pos + size; i++)
		if (w->used[i])
			return false;
	memset(w->used + pos, 1, size);
	return true;
}

/* From now on these bytes are cfg[]'s, zero until somebody writes them. */
static void take(struct walk *w, unsigned int pos, unsigned int size)
{
	memset(w->d->pci.cfg + pos, 0, size);
	memset(w->d->hw + pos, 0, size);
}

static unsigned int express_size(const struct walk *w, unsigned int pos)
{
	uint16_t flags = pci_get(w->raw, pos + PCI_EXP_FLAGS, 2);

	if ((flags & PCI_EXP_FLAGS_VERS) > 1)
		return 0x3c;
	return (flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END ?
		PCI_EXP_LNKCAP : PCI_EXP_SLTCAP;
}

/* A capability whose fields do not even begin inside has none. */
static unsigned int cap_size(const struct walk *w, unsigned int pos,
			     const struct rule *rule)
{
	uint16_t flags;

	if (rule->size || pos > CFG_BASIC - 4)
		return MAX(rule->size, 2);
	flags = pci_get(w->raw, pos + 2, 2);
	switch (w->raw[pos]) {
	case PCI_CAP_ID_MSI:
		return msi_size(flags & PCI_MSI_FLAGS_64BIT,
				flags & PCI_MSI_FLAGS_MASKBIT);
	case PCI_CAP_ID_EXP:
		return express_size(w, pos);
	case PCI_CAP_ID_VNDR:
		return MAX(w->raw[pos + 2], 3);
	default:
		return 2;
	}
}

static void copy(struct walk *w, unsigned int pos, unsigned int size)
{
	memcpy(w->d->pci.cfg + pos, w->raw + pos, size);
}

/*
 * PCI Express: on a root bus there are integrated endpoints only, which have
 * no link, and behind a port the others, whose link is as it was; device
 * control and status are the device's own. What needs a partner upstream
 * (latency reports, buffer flushes) is not offered.
 */
static int express_show(struct walk *w, unsigned int pos)
{
	uint8_t *cfg = w->d->pci.cfg;
	bool behind = w->d->spec.devfn >= PCI_FUNCTIONS;
	unsigned int type, size = express_size(w, pos);
	uint32_t flags, cap2;

	copy(w, pos, behind ? MIN(size, PCI_EXP_SLTCAP) : PCI_EXP_LNKCAP);
	memset(w->d->hw + pos + PCI_EXP_DEVCTL, 0xff, 4);
	flags = pci_get(cfg, pos + PCI_EXP_FLAGS, 2);
	type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;
	if (!behind && (type == PCI_EXP_TYPE_ENDPOINT ||
			type == PCI_EXP_TYPE_LEG_END))
		type = PCI_EXP_TYPE_RC_END;
	flags &= ~(PCI_EXP_FLAGS_TYPE | PCI_EXP_FLAGS_SLOT);
	pci_put(cfg, pos + PCI_EXP_FLAGS, flags | type << 4, 2);
	if (size > PCI_EXP_DEVCTL2) {
		cap2 = pci_get(w->raw, pos + PCI_EXP_DEVCAP2, 4);
		cap2 &= ~(PCI_EXP_DEVCAP2_ARI | PCI_EXP_DEVCAP2_LTR |
			  PCI_EXP_DEVCAP2_OBFF_MASK);
		pci_put(cfg, pos + PCI_EXP_DEVCAP2, cap2, 4);
		memset(w->d->hw + pos + PCI_EXP_DEVCTL2, 0xff, 4);
	}
	w->express = true;
	w->d->express = pos;
	return 1;
}

/* Those that are ours, in cfg[] as the device has them: 1, 0 or -errno. */
static int ours_show(struct walk *w, unsigned int pos, unsigned int size)
{
	int shown = 0;

	switch (w->raw[pos]) {
	case PCI_CAP_ID_EXP:
		return express_show(w, pos);
	case PCI_CAP_ID_MSI:
		copy(w, pos, size);
		shown = w->print ? 1 : irqs_msi(w->d, pos);
		break;
	case PCI_CAP_ID_MSIX:
		copy(w, pos, size);
		shown = w->print ? 1 : irqs_msix(w->d, pos);
		break;
	}
	if (!shown)
		take(w, pos, size);
	return shown;
}

static int cap_show(struct walk *w, unsigned int pos, const struct rule *rule,
		    unsigned int size)
{
	if (rule->verdict == HIDE) {
		take(w, pos, size);
		return 0;
	}
	if (rule->verdict == OURS) {
		take(w, pos, size);
		return ours_show(w, pos, size);
	}
	take(w, pos, 2);
	memset(w->d->hw + pos + 2, 0xff, size - 2);
	if (rule->id == PCI_CAP_ID_PM)
		w->d->pm = pos;
	if (rule->id == PCI_CAP_ID_AF)
		w->d->af = pos;
	return 1;
}

static int cap_visit(struct walk *w, unsigned int pos)
{
	uint8_t id = w->raw[pos];
	const struct rule *rule = rule_of(rules, ARRAY_SIZE(rules), id);
	unsigned int size = cap_size(w, pos, rule);
	int shown;

	if (!claim(w, pos, size, CFG_BASIC)) {
		/* Not what it says it is; hide that much of it there is. */
		claim(w, pos, 2, CFG_BASIC);
		take(w, pos, 2);
		shown = 0;
	} else {
		shown = cap_show(w, pos, rule, size);
	}
	say(w, pos, id, rule, shown > 0);
	if (shown <= 0)
		return shown;
	w->d->pci.cfg[w->link] = pos;
	pci_put(w->d->pci.cfg, pos, id, 2);	/* links nowhere yet */
	w->link = pos + 1;
	return 0;
}

static int basic_build(struct walk *w)
{
	unsigned int n, pos = w->raw[PCI_CAPABILITY_LIST] & ~3U;
	int err;

	if (!(w->raw[PCI_STATUS] & PCI_STATUS_CAP_LIST))
		return 0;
	w->link = PCI_CAPABILITY_LIST;
	for (n = 0; n < CAPS_MAX && pos >= 0x40 && !w->used[pos]; n++) {
		if (w->raw[pos] == 0xff)
			break;
		err = cap_visit(w, pos);
		if (err < 0)
			return err;
		pos = w->raw[pos + 1] & ~3U;
	}
	return 0;
}

static unsigned int ext_size(const struct walk *w, unsigned int pos,
			     const struct rule *rule)
{
	if (rule->verdict == HIDE)
		return 4;
	if (rule->size || pos > PCI_CFG_SIZE - 8)
		return MAX(rule->size, 8);
	/* Both kinds of vendor's capability have it in the same place. */
	return MAX(pci_get(w->raw, pos + PCI_VNDR_HEADER, 4) >> 20, 8);
}

static void ext_visit(struct walk *w, unsigned int pos, uint32_t header)
{
	uint16_t id = PCI_EXT_CAP_ID(header);
	const struct rule *rule = rule_of(ext_rules, ARRAY_SIZE(ext_rules), id);
	unsigned int size = ext_size(w, pos, rule);
	uint8_t *cfg = w->d->pci.cfg;
	bool shown = rule->verdict == PASS &&
		     claim(w, pos, size, w->d->cfg_size);

	say(w, pos, id, rule, shown);
	if (!shown) {
		claim(w, pos, 4, w->d->cfg_size);
		return;
	}
	memset(w->d->hw + pos + 4, 0xff, size - 4);
	/* The list begins at 0x100, with an empty one if that is hidden. */
	if (pos != w->link)
		pci_put(cfg, w->link, pci_get(cfg, w->link, 4) | pos << 20, 4);
	pci_put(cfg, pos, header & 0xfffff, 4);
	w->link = pos;
}

/*
 * The extended list; all else up there is hidden. Only for Express devices: a
 * guest looks for it on no other.
 */
static void ext_build(struct walk *w)
{
	unsigned int n, pos = CFG_BASIC;

	take(w, CFG_BASIC, PCI_CFG_SIZE - CFG_BASIC);
	if (!w->express)
		return;
	w->link = CFG_BASIC;
	for (n = 0; n < ECAPS_MAX && pos >= CFG_BASIC &&
		    pos + 4 <= w->d->cfg_size && !w->used[pos]; n++) {
		uint32_t header = pci_get(w->raw, pos, 4);

		if (!header || header == UINT32_MAX)
			break;
		ext_visit(w, pos, header);
		pos = PCI_EXT_CAP_NEXT(header);
	}
}

static int walk(struct vfio_pci *d, bool print)
{
	struct walk w = { .d = d, .print = print };
	int err;

	memcpy(w.raw, d->pci.cfg, sizeof(w.raw));
	d->pci.cfg[PCI_CAPABILITY_LIST] = 0;
	err = basic_build(&w);
	if (err >= 0)
		ext_build(&w);
	return err;
}

int caps_build(struct vfio_pci *d)
{
	return walk(d, false);
}

int caps_print(const uint8_t *cfg, unsigned int size)
{
	struct vfio_pci *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->name = "caps";
	d->cfg_size = MIN(size, PCI_CFG_SIZE);
	memcpy(d->pci.cfg, cfg, d->cfg_size);
	err = walk(d, true);
	free(d);
	return err;
}
