/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The token that the users of a physical function and of its virtual ones must
 * share, by every way to a device.
 */
#include <errno.h>
#include <string.h>

#include "capture.h"
#include "devices/vfio/spec.h"
#include "iommu/iommu.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/log.h"
#include "vmm/status.h"
#include "ways.h"

#define TOKEN "01234567-89ab-cdef-0f1e-2d3c4b5a6978"
#define OTHER "01234567-89ab-cdef-0f1e-2d3c4b5a6979"
#define PF "/sys/bus/pci/devices/" DEV

/* A machine whose device asks for @wanted (NULL: no token), given @token. */
static int assign(const struct words *w, const char *wanted, const char *token)
{
	struct iommu *iommu;
	int fd;

	fake_pci_find(DEV)->token = wanted;
	CHECK_EQ(iommu_create(&iommu, &vm, w->choice, DEV), 0);
	capture_begin(2);
	log_quiet();
	fd = iommu_attach(iommu, DEV, token);
	capture_end();
	if (fd >= 0)
		iommu_detach(iommu, fd);
	iommu_destroy(iommu);
	return fd < 0 ? fd : 0;
}

#define FOR_ALL(w) \
	for (const struct words *const *w = ways; *w && \
	     (test_note("%s", way_name(*w)), way = *w, true); w++)

TEST(shared_token_opens_the_device)
{
	FOR_ALL(w) {
		start();
		CHECK_EQ(assign(*w, TOKEN, TOKEN), 0);
		stop();
	}
}

/* By every way: exit status @status, @lines of message and hint, with @text. */
static void refuse(const char *wanted, const char *token, int status,
		   const char *text, unsigned int lines)
{
	FOR_ALL(w) {
		start();
		CHECK_EQ(status_of(assign(*w, wanted, token)), status);
		CHECK(said(text));
		CHECK_EQ(said_lines(), lines);
		stop();
	}
}

TEST(lacking_token_is_asked_for)
{
	refuse(TOKEN, NULL, 77, DEV ": cannot be assigned: vfio-pci has its "
	       "physical function", 2);
	refuse(TOKEN, NULL, 77, "hint: --vfio " DEV ",vf-token=UUID", 2);
}

TEST(another_token_is_refused)
{
	refuse(TOKEN, OTHER, 77,
	       DEV ": cannot be assigned: the VF token is not that", 1);
}

TEST(useless_token_is_told)
{
	refuse(NULL, TOKEN, 64, DEV ": vf-token: it takes none", 1);
}

/* Before Linux 6.17, the node of a physical function, or of one of VFIO's. */
TEST(old_node_takes_no_token)
{
	way = &iommufd;
	start();
	fake_host()->bind_token = false;
	fake_file(PF "/sriov_totalvfs", "8\n");
	CHECK_EQ(status_of(assign(way, TOKEN, TOKEN)), 69);
	CHECK(said(DEV ": vf-token: this kernel takes none"));
	CHECK_EQ(assign(way, TOKEN, NULL), 0);
	stop();

	start();
	fake_host()->bind_token = false;
	fake_link(PF "/physfn", "../" DEV2);
	CHECK_EQ(status_of(assign(way, TOKEN, TOKEN)), 69);
	CHECK(said(DEV ": vf-token: this kernel takes none"));
	stop();
}

TEST(key_takes_a_uuid)
{
	struct vfio_spec spec;

	CHECK_EQ(vfio_spec_parse(DEV ",vf-token=01234567-89AB-CDEF-0f1e-"
				 "2d3c4b5a6978", &spec), 0);
	CHECK(!strcmp(spec.token, TOKEN));
	capture_begin(2);
	CHECK_EQ(vfio_spec_parse(DEV ",vf-token=" DEV, &spec), -EDOM);
	CHECK_EQ(vfio_spec_parse(DEV ",vf-token=", &spec), -EDOM);
	CHECK_EQ(vfio_spec_parse(DEV ",vf-token=" TOKEN "0", &spec), -EDOM);
	capture_end();
	CHECK(said("vf-token is a uuid"));
}
