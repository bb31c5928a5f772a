// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for local fixups of an overlay that point outside the
 *	property that they are for
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	1024
#define PHANDLE	0x7ffffff0

static char *base, *overlay;

static void check(const char *what, int err)
{
	if (err < 0)
		FAIL("%s: %s", what, fdt_strerror(err));
}

/* / with a phandle, so that the overlay's clashes with it */
static void make_base(void)
{
	check("base", fdt_create_empty_tree(base, SIZE));
	check("base", fdt_setprop_u32(base, 0, "phandle", PHANDLE));
}

static int add(int parent, const char *name)
{
	int node = fdt_add_subnode(overlay, parent, name);

	check(name, node);
	return node;
}

/* Properties and nodes come in front of those that are there already */
static void make_overlay(int len, uint32_t offset, int of_fixups)
{
	int node;

	check("overlay", fdt_create_empty_tree(overlay, SIZE));
	node = add(0, "__local_fixups__");
	node = add(add(node, "fragment"), "__overlay__");
	check("fixup", fdt_setprop_u32(overlay, node, "ref", offset));
	if (of_fixups) {
		/* Behind "fragment", with which it changes the fixup above */
		node = fdt_path_offset(overlay, "/__local_fixups__/fragment");
		check("fragment", fdt_set_name(overlay, node, "x"));
		node = add(fdt_path_offset(overlay, "/__local_fixups__"),
			   "__local_fixups__");
		node = add(add(node, "fragment"), "__overlay__");
		check("fixup", fdt_setprop_u32(overlay, node, "ref", 0));
		node = add(fdt_path_offset(overlay, "/__local_fixups__"),
			   "fragment");
		node = add(node, "__overlay__");
		check("fixup", fdt_setprop_u32(overlay, node, "ref", offset));
		check("x", fdt_del_node(overlay,
					fdt_path_offset(overlay,
							"/__local_fixups__/x")));
	}
	node = add(0, "fragment");
	check("path", fdt_setprop_string(overlay, node, "target-path", "/"));
	node = add(node, "__overlay__");
	check("ref", fdt_setprop(overlay, node, "ref",
				 "\0\0\0\1\0\0\0\1", len));
	check("phandle", fdt_setprop_u32(overlay, node, "phandle", 1));
	check("the overlay", fdt_check_full(overlay, SIZE));
}

static void try_one(int len, uint32_t offset)
{
	int fits = len >= 4 && offset <= (uint32_t)len - 4, err;

	make_base();
	make_overlay(len, offset, 0);
	err = fdt_overlay_apply(base, overlay);
	if (err != (fits ? 0 : -FDT_ERR_BADOVERLAY))
		FAIL("%d bytes, offset 0x%x: returned %d", len, offset, err);
}

int main(int argc, char *argv[])
{
	uint32_t i;
	int len, err;

	test_init(argc, argv);
	base = xmalloc(SIZE);
	overlay = xmalloc(SIZE);

	for (len = 0; len <= 8; len++) {
		for (i = 0; i <= 12; i++) {
			try_one(len, i);
			try_one(len, UINT32_MAX - i);
			try_one(len, 0x80000000 - i);
			try_one(len, 0x80000000 + i);
		}
	}

	/* A fixup that is in order until another one has changed it */
	make_base();
	make_overlay(4, 0, 1);
	err = fdt_overlay_apply(base, overlay);
	if (err && err != -FDT_ERR_BADOVERLAY)
		FAIL("a fixup of a fixup: returned %d", err);
	PASS();
}
