// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for overlays with deeply nested nodes
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>

#include <libfdt.h>

#include "tests.h"

#define LEVELS	200000
#define SIZE	(LEVELS * 12 + 4096)
#define ROOM	8192

static char *base, *overlay;

static void check(const char *what, int err)
{
	if (err)
		FAIL("%s: %s", what, fdt_strerror(err));
}

/* /fragment/__overlay__, and below it so many levels of nodes */
static void make_overlay(int levels)
{
	int i;

	check("overlay", fdt_create(overlay, SIZE));
	check("overlay", fdt_finish_reservemap(overlay));
	check("overlay", fdt_begin_node(overlay, ""));
	check("overlay", fdt_begin_node(overlay, "fragment"));
	check("overlay", fdt_property_string(overlay, "target-path", "/"));
	check("overlay", fdt_begin_node(overlay, "__overlay__"));
	for (i = 0; i < levels; i++)
		check("overlay", fdt_begin_node(overlay, "n"));
	for (i = 0; i < levels + 3; i++)
		check("overlay", fdt_end_node(overlay));
	check("overlay", fdt_finish(overlay));
}

static void try_levels(int levels, int want)
{
	static char before[ROOM];
	int err;

	check("base", fdt_create_empty_tree(base, ROOM));
	memcpy(before, base, ROOM);
	make_overlay(levels);
	err = fdt_overlay_apply(base, overlay);
	if (err != want)
		FAIL("%d levels: returned %d, not %d", levels, err, want);
	if (err && memcmp(base, before, ROOM))
		FAIL("%d levels: the base has changed", levels);
	if (err && fdt_check_header(overlay))
		FAIL("%d levels: the overlay has changed", levels);
}

int main(int argc, char *argv[])
{
	test_init(argc, argv);
	base = xmalloc(ROOM);
	overlay = xmalloc(SIZE);

	/* The root, the fragment and __overlay__ are levels, too */
	try_levels(0, 0);
	try_levels(1, 0);
	try_levels(61, 0);
	try_levels(62, -FDT_ERR_BADOVERLAY);
	try_levels(1000, -FDT_ERR_BADOVERLAY);
	try_levels(LEVELS, -FDT_ERR_BADOVERLAY);
	PASS();
}
