// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_reg_len()
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	512

static char *tree;

static void make_tree(int ac, int sc)
{
	int err;

	err = fdt_create_empty_tree(tree, SIZE);
	if (!err && ac >= 0)
		err = fdt_setprop_u32(tree, 0, "#address-cells", ac);
	if (!err && sc >= 0)
		err = fdt_setprop_u32(tree, 0, "#size-cells", sc);
	if (err)
		FAIL("making the tree: %s", fdt_strerror(err));
}

static void check(int parent, int n, int want)
{
	int got = fdt_reg_len(tree, parent, n);

	if (got != want)
		FAIL("parent %d, %d entries: returned %d, not %d", parent, n,
		     got, want);
}

static void check_cells(int ac, int sc)
{
	int entry = 4 * (ac + sc), n;

	make_tree(ac, sc);
	for (n = 0; n < 100; n++)
		check(0, n, n * entry);
	n = INT_MAX / entry;
	check(0, n, n * entry);
	check(0, n + 1, -FDT_ERR_BADVALUE);
	check(0, INT_MAX, -FDT_ERR_BADVALUE);
	check(0, -1, -FDT_ERR_BADVALUE);
	check(0, INT_MIN, -FDT_ERR_BADVALUE);
}

int main(int argc, char *argv[])
{
	int ac, sc, node;

	test_init(argc, argv);
	tree = xmalloc(SIZE);

	for (ac = 1; ac <= 4; ac++)
		for (sc = 0; sc <= 4; sc++)
			check_cells(ac, sc);

	/* Missing cells are 2 and 1, and not those of nodes further up */
	make_tree(-1, -1);
	check(0, 3, 36);
	make_tree(4, 4);
	node = fdt_add_subnode(tree, 0, "sub");
	if (node < 0)
		FAIL("fdt_add_subnode(): %s", fdt_strerror(node));
	check(node, 3, 36);
	check(node + 4, 3, -FDT_ERR_BADOFFSET);

	make_tree(0, 1);
	check(0, 1, -FDT_ERR_BADNCELLS);
	make_tree(1, 5);
	check(0, 1, -FDT_ERR_BADNCELLS);
	fdt_set_magic(tree, 0);
	check(0, 1, -FDT_ERR_BADMAGIC);
	PASS();
}
