// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_getprop_reg() and fdt_getprop_reg_count()
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE		1024
#define MAX_N		4
#define UNTOUCHED	0x5a5a5a5a5a5a5a5a

static char *tree;

static void make_tree(int ac, int sc, const void *val, int len)
{
	int err;

	err = fdt_create_empty_tree(tree, SIZE);
	if (!err)
		err = fdt_setprop_u32(tree, 0, "#address-cells", ac);
	if (!err)
		err = fdt_setprop_u32(tree, 0, "#size-cells", sc);
	if (!err)
		err = fdt_setprop(tree, 0, "prop", val, len);
	if (err)
		FAIL("making the tree: %s", fdt_strerror(err));
}

static void check_count(int want)
{
	int got = fdt_getprop_reg_count(tree, 0, 0, "prop");

	if (got != want)
		FAIL("the number of entries is %d, not %d", got, want);
}

static void check_get(int n, uint64_t address, uint64_t size)
{
	uint64_t a = UNTOUCHED, s = UNTOUCHED;
	int err = fdt_getprop_reg(tree, 0, 0, "prop", n, &a, &s);

	if (err || a != address || s != size)
		FAIL("entry %d: returned %d, (0x%llx, 0x%llx), not (0x%llx, 0x%llx)",
		     n, err, (unsigned long long)a, (unsigned long long)s,
		     (unsigned long long)address, (unsigned long long)size);
}

static void check_get_err(int n, int want)
{
	uint64_t a = UNTOUCHED, s = UNTOUCHED;
	int err = fdt_getprop_reg(tree, 0, 0, "prop", n, &a, &s);

	if (err != want)
		FAIL("entry %d: returned %d, not %d", n, err, want);
	if (a != UNTOUCHED || s != UNTOUCHED)
		FAIL("entry %d: results were written in spite of an error", n);
}

/* One byte of an entry, all others zero */
static void check_byte(int ac, int sc, int pos, uint8_t byte)
{
	uint8_t val[MAX_N * 32];
	int entry = 4 * (ac + sc), n;
	/* How far the byte is from the end of its number */
	int in_size = pos >= 4 * ac;
	int digit = (in_size ? entry : 4 * ac) - 1 - pos;
	uint64_t number = 0;

	if (digit < 8)
		number = (uint64_t)byte << (8 * digit);
	memset(val, 0, sizeof(val));
	val[2 * entry + pos] = byte;
	make_tree(ac, sc, val, MAX_N * entry);
	check_count(MAX_N);
	for (n = 0; n < MAX_N; n++)
		if (n != 2)
			check_get(n, 0, 0);
	if (!number)
		check_get_err(2, -FDT_ERR_BADVALUE);
	else
		check_get(2, in_size ? 0 : number, in_size ? number : 0);
}

static void check_cells(int ac, int sc)
{
	static const uint8_t zeros[64];
	int entry = 4 * (ac + sc), pos;

	/* The lowest and the highest bit of each byte */
	for (pos = 0; pos < entry; pos++) {
		check_byte(ac, sc, pos, 0x01);
		check_byte(ac, sc, pos, 0x80);
	}
	check_get_err(MAX_N, -FDT_ERR_NOTFOUND);
	check_get_err(-1, -FDT_ERR_NOTFOUND);
	check_get_err(INT_MAX, -FDT_ERR_NOTFOUND);
	check_get_err(INT_MIN, -FDT_ERR_NOTFOUND);
	/* A small number modulo 2^32, when multiplied by the entry's size */
	check_get_err(INT_MIN + 1, -FDT_ERR_NOTFOUND);
	check_get_err(0x40000000, -FDT_ERR_NOTFOUND);

	for (pos = 0; pos <= 2 * entry; pos++) {
		make_tree(ac, sc, zeros, pos);
		if (pos % entry) {
			check_count(-FDT_ERR_BADVALUE);
			check_get_err(0, -FDT_ERR_BADVALUE);
		} else {
			check_count(pos / entry);
		}
	}
}

int main(int argc, char *argv[])
{
	struct fdt_reg regs[MAX_N] = {
		{ 0x1122334455667788, 0x99aabbcc }, { 1, 0 }, { 0, 2 },
		{ UINT64_MAX, 1 },
	};
	int ac, sc, err, n;

	test_init(argc, argv);
	tree = xmalloc(SIZE);

	for (ac = 1; ac <= 4; ac++)
		for (sc = 0; sc <= 4; sc++)
			check_cells(ac, sc);

	make_tree(3, 1, "", 0);
	err = fdt_setprop_reg_array(tree, 0, 0, "prop", regs, MAX_N);
	if (err)
		FAIL("fdt_setprop_reg_array(): %s", fdt_strerror(err));
	check_count(MAX_N);
	for (n = 0; n < MAX_N; n++)
		check_get(n, regs[n].address, regs[n].size);

	/* What is there is read, also what cannot be written */
	make_tree(2, 2, "\xff\xff\xff\xff\xff\xff\xff\xff"
			"\xff\xff\xff\xff\xff\xff\xff\xff", 16);
	check_get(0, UINT64_MAX, UINT64_MAX);

	err = fdt_delprop(tree, 0, "prop");
	if (err)
		FAIL("fdt_delprop(): %s", fdt_strerror(err));
	check_count(-FDT_ERR_NOTFOUND);
	check_get_err(0, -FDT_ERR_NOTFOUND);
	make_tree(2, 5, "", 0);
	check_count(-FDT_ERR_BADNCELLS);
	check_get_err(0, -FDT_ERR_BADNCELLS);
	fdt_set_magic(tree, 0);
	check_count(-FDT_ERR_BADMAGIC);
	check_get_err(0, -FDT_ERR_BADMAGIC);
	PASS();
}
