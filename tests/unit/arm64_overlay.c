/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Overlays: good ones, ones that are meant for another tree, and files that
 * are none.
 */
#include <errno.h>
#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arm64/dt.h"
#include "arch/arm64/overlay.h"
#include "arm64_tree.h"
#include "capture.h"
#include "test.h"
#include "tests/fake/fake.h"
#include "vmm/config.h"

#define SIZE (64 * KiB)
#define OVERLAY 4096

static struct config cfg;
static uint8_t base[SIZE], blob[2 * MiB];
static uint8_t overlay[OVERLAY];

static void make_base(void)
{
	struct dt *dt = malloc(sizeof(*dt));

	dt_open(dt, base, SIZE);
	dt_u32(dt, "#address-cells", 2);
	dt_u32(dt, "#size-cells", 2);
	dt_begin(dt, "bus@1000");
	dt_label(dt, "bus0", 0);
	dt_u32(dt, "value", 1);
	dt_end(dt);
	CHECK_EQ(dt_close(dt), 0);
	free(dt);
}

static void begin(void)
{
	fake_begin();
	make_base();
	cfg = (struct config){ .append = "" };
}

static void use(const char *path, const void *data, size_t len)
{
	fake_blob(path, data, len);
	cfg.dtb_overlay[cfg.nr_dtb_overlay++] = path;
}

/*
 * An overlay that gives the node behind @label, or else at @path, a property
 * @name of value @val.
 */
static size_t make(const char *label, const char *path, const char *name,
		   uint32_t val)
{
	fdt_create(overlay, sizeof(overlay));
	fdt_finish_reservemap(overlay);
	fdt_begin_node(overlay, "");
	fdt_begin_node(overlay, "fragment@0");
	if (label)
		fdt_property_u32(overlay, "target", UINT32_MAX);
	if (path)
		fdt_property_string(overlay, "target-path", path);
	fdt_begin_node(overlay, "__overlay__");
	fdt_property_u32(overlay, name, val);
	fdt_end_node(overlay);
	fdt_end_node(overlay);
	if (label) {
		fdt_begin_node(overlay, "__fixups__");
		fdt_property_string(overlay, label, "/fragment@0:target:0");
		fdt_end_node(overlay);
	}
	fdt_end_node(overlay);
	CHECK_EQ(fdt_finish(overlay), 0);
	return fdt_totalsize(overlay);
}

static int apply(void)
{
	memcpy(blob, base, sizeof(base));
	return overlays_apply(&cfg, blob, sizeof(blob));
}

static void good(void)
{
	CHECK_EQ(apply(), 0);
	CHECK_EQ(fdt_check_full(blob, sizeof(blob)), 0);
}

/* That it is refused with @err and @text, in one line, or with @hint in two. */
static void refuse(int err, const char *text, const char *hint)
{
	capture_begin(2);
	CHECK_EQ(apply(), err);
	capture_end();
	if (!said(text) || (hint && !said(hint)))
		test_failed(__FILE__, __LINE__, "not said: %s", text);
	CHECK_EQ(said_lines(), hint ? 2 : 1);
	CHECK_EQ(fake_fds(), 0);
}

TEST(without_overlays_the_tree_gets_short)
{
	begin();
	good();
	CHECK(fdt_totalsize(blob) < 1024);
	fake_end();
}

TEST(one_by_label_and_one_by_path_in_order)
{
	begin();
	use("/one", overlay, make("bus0", NULL, "value", 2));
	use("/two", overlay, make(NULL, "/bus@1000", "more", 3));
	use("/three", overlay, make(NULL, "/", "value", 4));
	use("/four", overlay, make("bus0", NULL, "more", 5));
	good();
	CHECK_EQ(tree_cell(blob, "/bus@1000", "value", 0), 2);
	CHECK_EQ(tree_cell(blob, "/bus@1000", "more", 0), 5);
	CHECK_EQ(tree_cell(blob, "/", "value", 0), 4);
	CHECK(!tree_has(blob, "/fragment@0", NULL));
	fake_end();
}

TEST(the_files_are_left_as_they_were)
{
	size_t len;

	begin();
	len = make("bus0", NULL, "value", 2);
	use("/one", overlay, len);
	use("/one", overlay, len);
	good();
	CHECK_EQ(tree_cell(blob, "/bus@1000", "value", 0), 2);
	fake_end();
}

TEST(labels_that_are_not_there_are_named)
{
	begin();
	use("/good", overlay, make("bus0", NULL, "value", 2));
	use("/dir/bad.dtbo", overlay, make("i2c7", NULL, "value", 2));
	refuse(-ENOEXEC, "overlay /dir/bad.dtbo: /fragment@0: the device tree has no label 'i2c7'",
	       "hint: postern run ... --dump-dtb FILE, then /__symbols__ in it");
	fake_end();
}

TEST(paths_that_are_not_there_are_named)
{
	begin();
	use("/bad", overlay, make(NULL, "/soc/i2c@7", "value", 2));
	refuse(-ENOEXEC, "overlay /bad: fragment@0: the device tree has no node /soc/i2c@7",
	       NULL);
	fake_end();
}

TEST(a_fragment_without_a_target)
{
	begin();
	use("/bad", overlay, make(NULL, NULL, "value", 2));
	refuse(-ENOEXEC, "overlay /bad: fragment@0: no target", NULL);
	fake_end();
}

TEST(a_tree_that_is_no_overlay)
{
	begin();
	use("/tree", base, fdt_totalsize(base));
	refuse(-ENOEXEC, "overlay /tree: a device tree, but not an overlay",
	       NULL);
	fake_end();
}

TEST(files_that_are_no_trees)
{
	static uint8_t big[256 * KiB + 1];

	begin();
	use("/none", "", 0);
	refuse(-ENOEXEC, "overlay /none: not a compiled device tree", NULL);
	cfg.nr_dtb_overlay = 0;
	use("/text", big, 4096);
	refuse(-ENOEXEC, "overlay /text: not a compiled device tree", NULL);
	cfg.nr_dtb_overlay = 0;
	use("/big", big, sizeof(big));
	refuse(-ENOEXEC, "overlay /big: larger than 256 KiB", NULL);
	fake_end();
}

TEST(files_that_are_not_there)
{
	begin();
	cfg.dtb_overlay[cfg.nr_dtb_overlay++] = "/nowhere";
	refuse(-ENOENT, "overlay: cannot open /nowhere: ", NULL);
	fake_end();
}

/* Whatever is missing at the end, there is one message and no crash. */
/* libfdt would follow a null pointer to the name of such a tree's root. */
TEST(old_version)
{
	size_t len;

	begin();
	len = make("bus0", NULL, "value", 2);
	fdt_set_version(overlay, 15);
	fdt_set_last_comp_version(overlay, 2);
	use("/old", overlay, len);
	refuse(-ENOEXEC, "overlay /old: of an older version", NULL);
	fake_end();
}

TEST(truncated_files)
{
	size_t len, n;

	begin();
	len = make("bus0", NULL, "value", 2);
	for (n = 0; n < len; n++) {
		test_note("%zu of %zu bytes", n, len);
		cfg.nr_dtb_overlay = 0;
		use("/short", overlay, n);
		refuse(-ENOEXEC, "overlay /short: ", NULL);
	}
	fake_end();
}

/* One byte changed in turn: usable or refused, never worse. */
TEST(damaged_files)
{
	static const uint8_t with[] = { 0x01, 0x80, 0xff };
	unsigned int i, n;
	size_t len;

	begin();
	len = make("bus0", NULL, "value", 2);
	for (n = 0; n < len * ARRAY_SIZE(with); n++) {
		i = n / ARRAY_SIZE(with);
		overlay[i] ^= with[n % ARRAY_SIZE(with)];
		cfg.nr_dtb_overlay = 0;
		use("/damaged", overlay, len);
		overlay[i] ^= with[n % ARRAY_SIZE(with)];
		test_note("byte %u, 0x%x", i, with[n % ARRAY_SIZE(with)]);
		capture_begin(2);
		if (apply() == 0)
			CHECK_EQ(fdt_check_full(blob, sizeof(blob)), 0);
		capture_end();
	}
	fake_end();
}

/* An overlay with @list in its __fixups__ or, of @indices, __local_fixups__. */
static void use_references(const char *list, size_t len, const char *name,
			   uint32_t index)
{
	fdt_create(overlay, sizeof(overlay));
	fdt_finish_reservemap(overlay);
	fdt_begin_node(overlay, "");
	fdt_begin_node(overlay, "fragment@0");
	fdt_property_u32(overlay, "target", UINT32_MAX);
	fdt_begin_node(overlay, "__overlay__");
	fdt_property_u32(overlay, "value", 7);
	fdt_property_u32(overlay, "phandle", 1);
	fdt_end_node(overlay);
	fdt_end_node(overlay);
	fdt_begin_node(overlay, "__fixups__");
	fdt_property(overlay, "bus0", list, len);
	fdt_end_node(overlay);
	fdt_begin_node(overlay, "__local_fixups__");
	fdt_begin_node(overlay, "fragment@0");
	fdt_begin_node(overlay, "__overlay__");
	if (name)
		fdt_property_u32(overlay, name, index);
	fdt_end_node(overlay);
	fdt_end_node(overlay);
	fdt_end_node(overlay);
	fdt_end_node(overlay);
	CHECK_EQ(fdt_finish(overlay), 0);
	cfg.nr_dtb_overlay = 0;
	use("/overlay", overlay, fdt_totalsize(overlay));
}

#define TARGET "/fragment@0:target:0"

/* libfdt reads and writes there without a look at how long the property is. */
TEST(references_outside_of_their_property)
{
	static const struct {
		const char *name;
		uint32_t index;
	} wrong[] = {
		{ "value", 1 }, { "value", 4 }, { "value", 0xfd0000 },
		{ "value", UINT32_MAX }, { "value", UINT32_MAX - 3 },
		{ "nothing", 0 }, { "phandle", 0 },
	};
	unsigned int i;

	begin();
	use_references(TARGET, sizeof(TARGET), "value", 0);
	good();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		test_note("%s %u", wrong[i].name, wrong[i].index);
		use_references(TARGET, sizeof(TARGET), wrong[i].name,
			       wrong[i].index);
		refuse(-ENOEXEC, "overlay /overlay: malformed /__local_fixups__",
		       NULL);
	}
	fake_end();
}

TEST(labels_wanted_where_there_is_nothing)
{
	static const char *const wrong[] = {
		"", "/", "/:", "/fragment@0", "/fragment@0:target",
		"/fragment@0:target:", "/fragment@0:target:x",
		"/fragment@0:target:1", "/fragment@0:target:-1",
		"/fragment@0:target:4294967295", "/fragment@0::0",
		"/fragment@0:nothing:0", "/fragment@7:target:0",
		"fragment@0:target:0", "/__fixups__:bus0:0",
		"/__local_fixups__/fragment@0/__overlay__:value:0",
	};
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		test_note("'%s'", wrong[i]);
		use_references(wrong[i], strlen(wrong[i]) + 1, "value", 0);
		refuse(-ENOEXEC, "overlay /overlay: malformed /__fixups__, of label 'bus0'",
		       NULL);
	}
	use_references(TARGET, sizeof(TARGET) - 1, "value", 0);
	refuse(-ENOEXEC, "malformed /__fixups__", NULL);
	use_references(TARGET "\0" TARGET, 2 * sizeof(TARGET), NULL, 0);
	good();
	fake_end();
}

/* libfdt would go down as deep as the file says. */
TEST(nodes_within_nodes_without_end)
{
	static uint8_t deep[256 * KiB];
	unsigned int i, n = 10000;

	begin();
	fdt_create(deep, sizeof(deep));
	fdt_finish_reservemap(deep);
	fdt_begin_node(deep, "");
	fdt_begin_node(deep, "fragment@0");
	fdt_property_string(deep, "target-path", "/");
	fdt_begin_node(deep, "__overlay__");
	for (i = 0; i < n; i++)
		fdt_begin_node(deep, "n");
	for (i = 0; i < n + 3; i++)
		fdt_end_node(deep);
	CHECK_EQ(fdt_finish(deep), 0);
	use("/deep", deep, fdt_totalsize(deep));
	refuse(-ENOEXEC, "overlay /deep: ", NULL);
	fake_end();
}

TEST(a_tree_that_gets_too_large)
{
	static uint8_t large[256 * KiB], data[200 * KiB];
	static const char *const names[] = {
		"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i", "/j",
		"/k",
	};
	unsigned int i;

	begin();
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		fdt_create(large, sizeof(large));
		fdt_finish_reservemap(large);
		fdt_begin_node(large, "");
		fdt_begin_node(large, "fragment@0");
		fdt_property_string(large, "target-path", "/");
		fdt_begin_node(large, "__overlay__");
		fdt_property(large, names[i] + 1, data, sizeof(data));
		fdt_end_node(large);
		fdt_end_node(large);
		fdt_end_node(large);
		CHECK_EQ(fdt_finish(large), 0);
		use(names[i], large, fdt_totalsize(large));
	}
	refuse(-ENOEXEC, "overlay /k: cannot be applied: the device tree gets larger than 2 MiB",
	       NULL);
	fake_end();
}

static void build(void)
{
	make_base();
	cfg = (struct config){ .append = "" };
	use("/one", overlay, make("bus0", NULL, "value", 2));
}

TEST(every_call_may_fail)
{
	CHECK(fake_sweep(build, apply, NULL) >= 3);
}

/* As users make them. */
TEST(what_dtc_compiles)
{
	static const char text[] =
		"/dts-v1/;\n/plugin/;\n"
		"&bus0 { new: child@5 { reg = <5>; at = <&bus0>; }; };\n"
		"&{/} { user { points = <&new>; }; };\n";
	size_t len;

	begin();
	len = tree_dtc("-q -@ -I dts -O dtb", text, sizeof(text) - 1, overlay,
		       sizeof(overlay));
	use("/compiled", overlay, len);
	good();
	CHECK_EQ(tree_cell(blob, "/bus@1000/child@5", "reg", 0), 5);
	CHECK_EQ(tree_cell(blob, "/bus@1000/child@5", "at", 0),
		 tree_cell(blob, "/bus@1000", "phandle", 0));
	CHECK_EQ(tree_cell(blob, "/user", "points", 0),
		 tree_cell(blob, "/bus@1000/child@5", "phandle", 0));
	CHECK_STR(tree_string(blob, "/__symbols__", "new"),
		  "/bus@1000/child@5");
	fake_end();
}
