// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_appendprop_reg() and fdt_appendprop_reg_array():
 *	what they append to what was set is what could have been set at once
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	1024
#define MAX_N	4
#define NONE	-1	/* in place of a number of entries: no property */

static char *tree, *want;

static void make_tree(char *fdt, int ac, int sc)
{
	int err;

	memset(fdt, 0, SIZE);
	err = fdt_create_empty_tree(fdt, SIZE);
	if (!err)
		err = fdt_setprop_u32(fdt, 0, "#address-cells", ac);
	if (!err)
		err = fdt_setprop_u32(fdt, 0, "#size-cells", sc);
	if (!err)
		err = fdt_setprop_string(fdt, 0, "after", "abc");
	if (err)
		FAIL("making the tree: %s", fdt_strerror(err));
}

static void set(char *fdt, const struct fdt_reg *regs, int n)
{
	int err = fdt_setprop_reg_array(fdt, 0, 0, "prop", regs, n);

	if (err)
		FAIL("fdt_setprop_reg_array(): %s", fdt_strerror(err));
}

/* Behind the blocks there may be anything */
static void check_same(const char *what)
{
	if (memcmp(tree, want,
		   fdt_off_dt_strings(want) + fdt_size_dt_strings(want)))
		FAIL("%s: not the tree that it must be", what);
}

static void check_append(int ac, int sc, int there, int n)
{
	struct fdt_reg regs[2 * MAX_N];
	int i, err;

	for (i = 0; i < 2 * MAX_N; i++) {
		regs[i].address = 0x1020304 + i * 0x1010101;
		regs[i].size = sc ? 0x90807 + i * 0x11111 : 0;
	}
	make_tree(want, ac, sc);
	set(want, regs, (there == NONE ? 0 : there) + n);
	make_tree(tree, ac, sc);
	if (there == NONE)
		there = 0;
	else
		set(tree, regs, there);
	err = fdt_appendprop_reg_array(tree, 0, 0, "prop", regs + there, n);
	if (err)
		FAIL("%d/%d cells, %d behind %d: %s", ac, sc, n, there,
		     fdt_strerror(err));
	check_same("array");

	make_tree(tree, ac, sc);
	set(tree, regs, there);
	for (i = there; i < there + n; i++) {
		err = fdt_appendprop_reg(tree, 0, 0, "prop", regs[i].address,
					 regs[i].size);
		if (err)
			FAIL("%d/%d cells, entry %d: %s", ac, sc, i,
			     fdt_strerror(err));
	}
	check_same("one by one");
}

static void check_cells(int ac, int sc)
{
	int there, n;

	for (there = NONE; there <= MAX_N; there++)
		for (n = 0; n <= MAX_N; n++)
			check_append(ac, sc, there, n);
}

/* An entry behind a broken one would be read at the wrong place */
static void check_ragged(int ac, int sc)
{
	static const char old[64] = "what was there before, and untouched";
	int entry = 4 * (ac + sc), len, err;

	for (len = 0; len <= 2 * entry; len++) {
		make_tree(tree, ac, sc);
		err = fdt_setprop(tree, 0, "prop", old, len);
		if (err)
			FAIL("fdt_setprop(): %s", fdt_strerror(err));
		memcpy(want, tree, SIZE);
		err = fdt_appendprop_reg(tree, 0, 0, "prop", 1, 0);
		if (err != (len % entry ? -FDT_ERR_BADVALUE : 0))
			FAIL("%d/%d cells, %d bytes: returned %d", ac, sc, len,
			     err);
		if (err)
			check_same("ragged");
	}
}

static void check_refused(const char *what, int err, int expected)
{
	if (err != expected)
		FAIL("%s: returned %d, not %d", what, err, expected);
	check_same(what);
}

static void check_errors(void)
{
	static const struct fdt_reg regs[2] = { { 0, 0 }, { UINT64_MAX, 2 } };
	static const struct fdt_reg good[2] = { { 1, 2 }, { 3, 4 } };
	uint32_t used;

	make_tree(tree, 2, 2);
	set(tree, regs, 1);
	memcpy(want, tree, SIZE);
	check_refused("a range that wraps",
		      fdt_appendprop_reg_array(tree, 0, 0, "prop", regs, 2),
		      -FDT_ERR_BADVALUE);
	check_refused("n -1",
		      fdt_appendprop_reg_array(tree, 0, 0, "prop", NULL, -1),
		      -FDT_ERR_BADVALUE);
	/* Together with the entry that is there */
	check_refused("n beyond INT_MAX bytes",
		      fdt_appendprop_reg_array(tree, 0, 0, "prop", NULL,
					       INT_MAX / 16),
		      -FDT_ERR_BADVALUE);
	check_refused("parent", fdt_appendprop_reg(tree, 4, 0, "prop", 1, 1),
		      -FDT_ERR_BADOFFSET);
	check_refused("node", fdt_appendprop_reg(tree, 0, 4, "prop", 1, 1),
		      -FDT_ERR_BADOFFSET);
	used = fdt_off_dt_strings(tree) + fdt_size_dt_strings(tree);
	fdt_set_totalsize(tree, used + 31);
	memcpy(want, tree, SIZE);
	check_refused("31 bytes free, 32 needed",
		      fdt_appendprop_reg_array(tree, 0, 0, "prop", good, 2),
		      -FDT_ERR_NOSPACE);
	make_tree(tree, 5, 2);
	memcpy(want, tree, SIZE);
	check_refused("5 cells", fdt_appendprop_reg(tree, 0, 0, "prop", 1, 1),
		      -FDT_ERR_BADNCELLS);
}

int main(int argc, char *argv[])
{
	static const uint8_t by_hand[24] = {
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		0x90, 0xa0, 0xb0, 0xc0,
		0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2,
	};
	int ac, sc, err;

	test_init(argc, argv);
	tree = xmalloc(SIZE);
	want = xmalloc(SIZE);

	for (ac = 1; ac <= 4; ac++) {
		for (sc = 0; sc <= 4; sc++) {
			check_cells(ac, sc);
			check_ragged(ac, sc);
		}
	}
	check_errors();

	make_tree(tree, 2, 1);
	err = fdt_appendprop_reg(tree, 0, 0, "prop", 0x1122334455667788,
				 0x90a0b0c0);
	if (!err)
		err = fdt_appendprop_reg(tree, 0, 0, "prop", 1, 2);
	if (err)
		FAIL("fdt_appendprop_reg(): %s", fdt_strerror(err));
	check_getprop(tree, 0, "prop", sizeof(by_hand), by_hand);
	PASS();
}
