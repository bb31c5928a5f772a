// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_setprop_reg() and fdt_setprop_reg_array()
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	1024
#define MAX_N	3
#define MISSING	-1	/* in place of cells or a length: no such property */

static char *tree, *before;
static int node;

/* / and /dev, which has the property between two others */
static void make_tree(int ac, int sc, int oldlen)
{
	static const char old[64] = "what was there before, and untouched";
	int err;

	memset(tree, 0, SIZE);
	err = fdt_create_empty_tree(tree, SIZE);
	if (!err && ac != MISSING)
		err = fdt_setprop_u32(tree, 0, "#address-cells", ac);
	if (!err && sc != MISSING)
		err = fdt_setprop_u32(tree, 0, "#size-cells", sc);
	node = fdt_add_subnode(tree, 0, "dev");
	if (err || node < 0)
		FAIL("making the tree: %s", fdt_strerror(err ? err : node));
	err = fdt_setprop_string(tree, node, "after", "abc");
	if (!err && oldlen != MISSING)
		err = fdt_setprop(tree, node, "prop", old, oldlen);
	if (!err)
		err = fdt_setprop_u32(tree, node, "#address-cells", 4);
	if (err)
		FAIL("making the tree: %s", fdt_strerror(err));
}

static int free_space(void)
{
	return fdt_totalsize(tree) - fdt_off_dt_strings(tree) -
	       fdt_size_dt_strings(tree);
}

static void set_free_space(int len)
{
	fdt_set_totalsize(tree, fdt_totalsize(tree) - free_space() + len);
	memcpy(before, tree, SIZE);
}

/* Header and blocks are as they were; what is behind them does not matter */
static void check_unchanged(void)
{
	if (memcmp(tree, before, fdt_off_dt_strings(before) +
		   fdt_size_dt_strings(before)))
		FAIL("the tree has changed in spite of an error");
}

static int encode(uint8_t *out, const struct fdt_reg *regs, int n, int ac,
		  int sc)
{
	int len = 4 * (ac + sc), i, j;

	memset(out, 0, n * len);
	for (i = 0; i < n; i++) {
		for (j = 0; j < 4 * ac && j < 8; j++)
			out[i * len + 4 * ac - 1 - j] =
				regs[i].address >> (8 * j);
		for (j = 0; j < 4 * sc && j < 8; j++)
			out[(i + 1) * len - 1 - j] = regs[i].size >> (8 * j);
	}
	return n * len;
}

/* Entries that fit, with every byte another */
static void fill(struct fdt_reg *regs, int ac, int sc)
{
	int i;

	for (i = 0; i < MAX_N; i++) {
		regs[i].address = 0x1122334455667788 + i * 0x10203;
		regs[i].size = 0x0a0b0c0d0e0f1011 + i * 0x50607;
		if (ac == 1)
			regs[i].address &= 0x7fffffff;
		if (ac == 1 || sc == 1)
			regs[i].size &= 0x7fffffff;
		if (sc == 0)
			regs[i].size = 0;
	}
}

static void check_set(int ac, int sc, int n, int oldlen)
{
	struct fdt_reg regs[MAX_N];
	uint8_t want[MAX_N * 32];
	int len, err;

	fill(regs, ac == MISSING ? 2 : ac, sc == MISSING ? 1 : sc);
	len = encode(want, regs, n, ac == MISSING ? 2 : ac,
		     sc == MISSING ? 1 : sc);
	make_tree(ac, sc, oldlen);
	err = fdt_setprop_reg_array(tree, 0, node, "prop", regs, n);
	if (err)
		FAIL("%d/%d cells, %d entries over %d bytes: %s", ac, sc, n,
		     oldlen, fdt_strerror(err));
	check_getprop(tree, node, "prop", len, want);
	check_getprop_string(tree, node, "after", "abc");
	check_getprop_cell(tree, node, "#address-cells", 4);

	if (n != 1)
		return;
	memcpy(before, tree, SIZE);
	make_tree(ac, sc, oldlen);
	err = fdt_setprop_reg(tree, 0, node, "prop", regs[0].address,
			      regs[0].size);
	if (err)
		FAIL("%d/%d cells, one entry over %d bytes: %s", ac, sc,
		     oldlen, fdt_strerror(err));
	check_unchanged();
}

static void check_cells(int ac, int sc)
{
	static const int oldlens[] = { MISSING, 0, 3, 8, 12, 16, 32, 64 };
	unsigned int i;
	int n;

	for (i = 0; i < ARRAY_SIZE(oldlens); i++)
		for (n = 0; n <= MAX_N; n++)
			check_set(ac, sc, n, oldlens[i]);
}

/* From no free space to more than enough, byte by byte */
static void check_space(int oldlen, int need)
{
	static const struct fdt_reg regs[2] = { { 1, 2 }, { 3, 4 } };
	int len, err;

	for (len = 0; len <= need + 4; len++) {
		make_tree(2, 2, oldlen);
		set_free_space(len);
		err = fdt_setprop_reg_array(tree, 0, node, "prop", regs, 2);
		if (err != (len < need ? -FDT_ERR_NOSPACE : 0))
			FAIL("%d bytes free, %d needed: returned %d", len,
			     need, err);
		if (err)
			check_unchanged();
	}
}

static void check_refused(const char *what, int want, int parent, int child,
			  const struct fdt_reg *regs, int n)
{
	int err;

	memcpy(before, tree, SIZE);
	err = fdt_setprop_reg_array(tree, parent, child, "prop", regs, n);
	if (err != want)
		FAIL("%s: returned %d, not %d", what, err, want);
	check_unchanged();
}

static void check_values(void)
{
	static const struct {
		int ac, sc;
		uint64_t address, size;
		int fits;
	} rows[] = {
		{ 1, 1, 0xffffffff, 1, 1 },
		{ 1, 1, 0xffffffff, 2, 0 },
		{ 1, 1, 0x100000000, 0, 0 },
		{ 1, 1, 0, 0x100000000, 0 },
		{ 1, 2, 0, 0x100000000, 1 },
		{ 1, 2, 1, 0x100000000, 0 },
		{ 1, 2, 0, UINT64_MAX, 0 },
		{ 2, 1, UINT64_MAX, 0xffffffff, 0 },
		{ 2, 1, UINT64_MAX - 0xfffffffe, 0xffffffff, 1 },
		{ 2, 2, UINT64_MAX, 0, 1 },
		{ 2, 2, UINT64_MAX, 1, 1 },
		{ 2, 2, UINT64_MAX, 2, 0 },
		{ 2, 2, 1, UINT64_MAX, 1 },
		{ 2, 2, 2, UINT64_MAX, 0 },
		{ 4, 4, 2, UINT64_MAX, 0 },
		{ 3, 0, UINT64_MAX, 0, 1 },
		{ 3, 0, 0, 1, 0 },
	};
	struct fdt_reg regs[MAX_N];
	unsigned int i;
	int at, err, want;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (at = 0; at < MAX_N; at++) {
			memset(regs, 0, sizeof(regs));
			regs[at].address = rows[i].address;
			regs[at].size = rows[i].size;
			make_tree(rows[i].ac, rows[i].sc, 8);
			memcpy(before, tree, SIZE);
			err = fdt_setprop_reg_array(tree, 0, node, "prop",
						    regs, MAX_N);
			want = rows[i].fits ? 0 : -FDT_ERR_BADVALUE;
			if (err != want)
				FAIL("row %u, entry %d: returned %d, not %d",
				     i, at, err, want);
			if (err)
				check_unchanged();
		}
	}
}

static void check_errors(void)
{
	static const struct fdt_reg reg = { 0, 0 };
	int bad;

	for (bad = 0; bad < 8; bad++) {
		make_tree(bad, 1, 8);
		if (bad < 1 || bad > 4)
			check_refused("#address-cells", -FDT_ERR_BADNCELLS, 0,
				      node, &reg, 1);
		make_tree(1, bad, 8);
		if (bad > 4)
			check_refused("#size-cells", -FDT_ERR_BADNCELLS, 0,
				      node, &reg, 1);
	}
	make_tree(2, 2, 8);
	check_refused("parent", -FDT_ERR_BADOFFSET, 4, node, &reg, 1);
	check_refused("node", -FDT_ERR_BADOFFSET, 0, node + 4, &reg, 1);
	check_refused("n -1", -FDT_ERR_BADVALUE, 0, node, NULL, -1);
	check_refused("n INT_MIN", -FDT_ERR_BADVALUE, 0, node, NULL, INT_MIN);
	check_refused("n INT_MAX", -FDT_ERR_BADVALUE, 0, node, NULL, INT_MAX);
	check_refused("n beyond INT_MAX bytes", -FDT_ERR_BADVALUE, 0, node,
		      NULL, INT_MAX / 16 + 1);
	fdt_set_magic(tree, 0);
	check_refused("magic", -FDT_ERR_BADMAGIC, 0, node, &reg, 1);
}

int main(int argc, char *argv[])
{
	static const struct fdt_reg reg = { 0x11223344, 0 };
	int ac, sc, err;

	test_init(argc, argv);
	tree = xmalloc(SIZE);
	before = xmalloc(SIZE);

	for (ac = 1; ac <= 4; ac++)
		for (sc = 0; sc <= 4; sc++)
			check_cells(ac, sc);
	check_cells(MISSING, 3);
	check_cells(3, MISSING);
	check_cells(MISSING, MISSING);

	check_space(MISSING, 12 + 32 + 5);
	check_space(16, 16);
	check_space(30, 0);
	check_space(32, 0);
	check_space(64, 0);
	check_values();
	check_errors();

	/* The caller says whose cells apply */
	make_tree(2, 2, MISSING);
	err = fdt_setprop_reg_array(tree, node, node, "prop", &reg, 1);
	if (err)
		FAIL("cells of another node: %s", fdt_strerror(err));
	check_getprop(tree, node, "prop", 20,
		      "\0\0\0\0\0\0\0\0\0\0\0\0\x11\x22\x33\x44\0\0\0\0");
	PASS();
}
