/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks at the host before anything is assigned; see survey.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "iommu/backend.h"
#include "iommu/explain.h"
#include "iommu/memlock.h"
#include "iommu/survey.h"
#include "vmm/log.h"
#include "vmm/sys.h"
#include "vmm/util.h"

#define GROUPS "/sys/kernel/iommu_groups/"
#define IOMMUS "/sys/class/iommu"

/* ---- the host ----------------------------------------------------------- */

/* What a device that lacks nothing looks like to a backend. */
static const struct sysfs_device any = {
	.addr = "devices", .group = -1, .vfio = true, .has_node = true,
};

static const struct iommu_backend *choose(const struct config *cfg,
					  const struct sysfs_device *dev,
					  const char **why)
{
	return backend_choose(cfg, cfg->iommu, dev ? dev : &any, why);
}

/* Opened and closed again, if it can be, to see what it is. */
static int look(const struct iommu_backend *backend, const struct config *cfg,
		const struct sysfs_device *dev, struct survey_backend *b)
{
	void *space;

	*b = (struct survey_backend){
		.name = backend->name,
		.node = backend->home,
		.by_process = true,
		.holds = backend->holds,
		.unsafe_on = -ENOENT,
	};
	b->err = backend->open(&space, NULL, cfg, dev);
	if (b->err < 0)
		return b->err;
	backend->about(space, b);
	backend->close(space);
	b->unsafe_on = sysfs_param(b->unsafe);
	return 0;
}

bool survey_backend(const struct config *cfg, const struct sysfs_device *dev,
		    unsigned int i, struct survey_backend *b)
{
	const struct iommu_backend *backend = backend_nr(i);

	if (!backend)
		return false;
	look(backend, cfg, dev ? dev : &any, b);
	return true;
}

const char *survey_choice(const struct config *cfg,
			  const struct sysfs_device *dev, const char **why)
{
	const struct iommu_backend *backend = choose(cfg, dev, why);

	return backend ? backend->name : NULL;
}

int survey_iommus(int (*each)(void *arg, const char *name), void *arg)
{
	int err = sys_listdir(IOMMUS, each, arg);

	return err == -ENOENT ? 0 : err;
}

/* Two kinds have a folder of their own, the others a driver. */
void survey_iommu_kind(const char *name, char *kind, size_t size)
{
	static const struct {
		const char *sign;
		const char *kind;
	} kinds[] = {
		{ "intel-iommu", "Intel VT-d" },
		{ "amd-iommu", "AMD-Vi" },
	};
	char path[SYSFS_PATH], driver[SYSFS_PATH];
	const char *base;
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(path, sizeof(path), IOMMUS "/%s/%s", name,
			 kinds[i].sign);
		if (sys_stat(path, &st) == 0) {
			snprintf(kind, size, "%s", kinds[i].kind);
			return;
		}
	}
	snprintf(path, sizeof(path), IOMMUS "/%s/device/driver", name);
	if (sys_readlink(path, driver, sizeof(driver)) < 0)
		driver[0] = '\0';
	base = strrchr(driver, '/');
	snprintf(kind, size, "%s", base ? base + 1 : "not known");
}

/* An interrupt chip behind a remapping unit has a name that says so. */
enum isolation survey_isolation(void)
{
	int says;

	if (!IS_ENABLED(CONFIG_X86))
		return ISOLATION_UNKNOWN;
	says = sysfs_says("/proc/interrupts", " IR-");
	return says < 0 ? ISOLATION_UNKNOWN :
		says ? ISOLATION_YES : ISOLATION_NO;
}

int survey_noiommu(void)
{
	return sysfs_param(SYSFS_NOIOMMU);
}

int survey_memlock(uint64_t bytes, bool by_process)
{
	return memlock_check(bytes, 0, by_process);
}

/* ---- a device ----------------------------------------------------------- */

int survey_name(const char *text, char addr[SYSFS_ADDR])
{
	return sysfs_name(text, addr) < 0 ? explain_name(text) : 0;
}

int survey_driver(const struct sysfs_device *dev)
{
	const char *driver = sysfs_vfio_driver(dev->addr);

	if (sysfs_driver_there(dev->addr))
		return 0;
	log_err("%s: cannot be bound: the driver %s is not loaded", dev->addr,
		driver);
	log_hint("modprobe %s", driver);
	return -ENODEV;
}

/* Whether it has what @backend takes, if only at need. */
static bool serves(const struct iommu_backend *backend,
		   const struct sysfs_device *dev)
{
	return !backend->lacks(dev) ||
		(backend->fallback && backend->fallback(dev));
}

void survey_node(const struct config *cfg, const struct sysfs_device *dev,
		 char path[SYSFS_PATH])
{
	const struct iommu_backend *backend;
	const char *why;

	path[0] = '\0';
	if (!dev->vfio || (dev->group < 0 && !dev->node[0]))
		return;
	backend = choose(cfg, dev, &why);
	if (backend && serves(backend, dev))
		backend->node(dev, path);
}

/*
 * What the firmware wants mapped for the device at all times bars it; what it
 * says can be relaxed does not.
 */
static int check_firmware(const struct sysfs_device *dev)
{
	struct iommu_reserved reserved[16];
	int i, nr = survey_reserved(dev->group, reserved, ARRAY_SIZE(reserved));

	for (i = 0; i < nr; i++)
		if (!strcmp(reserved[i].kind, "direct"))
			return explain_owner(dev, -EINVAL);
	return 0;
}

static int check_isolation(const struct sysfs_device *dev,
			   const struct survey_backend *b)
{
	if (survey_isolation() != ISOLATION_NO || b->err < 0 ||
	    b->unsafe_on == 1)
		return 0;
	return explain_isolation(dev, b->unsafe);
}

static int check_node(const struct sysfs_device *dev,
		      const struct iommu_backend *backend)
{
	char path[SYSFS_PATH];
	int err = backend->node(dev, path);

	if (err < 0)
		return err;
	err = sys_access(path);
	return err < 0 ? explain_open(path, dev, err) : 0;
}

static int check_in_use(const struct sysfs_device *dev)
{
	char who[SYSFS_NAME + 16];

	return sysfs_holder(dev, who, sizeof(who)) ? explain_in_use(dev) : 0;
}

/* Keeps the first of several. */
static void note(int *first, int err)
{
	if (err < 0 && *first >= 0)
		*first = err;
}

/*
 * What keeps the node of a bound device from being of use. What is missing,
 * if anything is, the backend's own attempts say best.
 */
static int check_bound(const struct config *cfg,
		       const struct sysfs_device *dev)
{
	bool isolated = survey_isolation() != ISOLATION_NO ||
		dev->noiommu || sysfs_is_mdev(dev->addr);
	const struct iommu_backend *backend;
	struct survey_backend b;
	const char *why;
	int err = 0;

	backend = choose(cfg, dev, &why);
	if (!backend)
		return -EDOM;
	if (!isolated || backend->lacks(dev))
		err = look(backend, cfg, dev, &b);
	if (err >= 0)
		err = check_node(dev, backend);
	note(&err, check_in_use(dev));
	if (!isolated)
		note(&err, check_isolation(dev, &b));
	return err;
}

int survey_device(const struct config *cfg, const char *addr)
{
	struct sysfs_device dev;
	int err = sysfs_device(addr, &dev), first = 0;

	if (err < 0 || (!dev.vfio && sysfs_is_bridge(&dev)))
		return explain_device(addr, config_noiommu(cfg), &dev);
	if (!dev.vfio && !sysfs_is_mdev(addr))
		note(&first, survey_driver(&dev));
	err = explain_device(addr, config_noiommu(cfg), &dev);
	note(&first, err);
	if (!dev.vfio && dev.group < 0 && !config_noiommu(cfg))
		note(&first, explain_no_isolation(&dev));
	note(&first, explain_intruder(&dev));
	if (dev.group >= 0)
		note(&first, check_firmware(&dev));
	if (err >= 0)
		note(&first, check_bound(cfg, &dev));
	return first;
}

static int stop(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return 1;
}

int survey_host(const struct config *cfg, const struct survey_backend *chosen)
{
	if (config_noiommu(cfg))
		return explain_noiommu_off(NULL, sysfs_param(SYSFS_NOIOMMU));
	if (survey_iommus(stop, NULL) == 0)
		return explain_no_iommu();
	return check_isolation(&any, chosen);
}

/* ---- addresses ---------------------------------------------------------- */

static bool parse_reserved(const char *line, struct iommu_reserved *out)
{
	char *at;

	out->range.first = strtoull(line, &at, 16);
	if (at == line || *at != ' ')
		return false;
	out->range.last = strtoull(at, &at, 16);
	if (*at++ != ' ' || out->range.last < out->range.first)
		return false;
	snprintf(out->kind, sizeof(out->kind), "%.*s",
		 (int)strcspn(at, " \n"), at);
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct iommu_reserved *x = a, *y = b;

	return x->range.first < y->range.first ? -1 :
		x->range.first > y->range.first;
}

int survey_reserved(int group, struct iommu_reserved *out, unsigned int max)
{
	char path[SYSFS_PATH], text[4096], *line, *rest = text;
	unsigned int nr = 0;
	int err;

	snprintf(path, sizeof(path), GROUPS "%d/reserved_regions", group);
	err = sysfs_read_all(path, text, sizeof(text));
	if (err < 0)
		return err;
	while (nr < max && (line = strsep(&rest, "\n")))
		nr += parse_reserved(line, &out[nr]);
	if (nr)
		qsort(out, nr, sizeof(*out), compare);
	return nr;
}

unsigned int survey_free(const struct iommu_reserved *reserved,
			 unsigned int nr, struct iommu_range *out)
{
	uint64_t at = 0;
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++) {
		if (!strcmp(reserved[i].kind, "direct-relaxable"))
			continue;
		if (reserved[i].range.first > at)
			out[n++] = (struct iommu_range){
				at, reserved[i].range.first - 1,
			};
		if (reserved[i].range.last == UINT64_MAX)
			return n;
		at = MAX(at, reserved[i].range.last + 1);
	}
	out[n++] = (struct iommu_range){ at, UINT64_MAX };
	return n;
}
