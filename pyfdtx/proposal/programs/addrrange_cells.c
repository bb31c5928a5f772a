// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_appendprop_addrrange(): every number of cells, both
 *	sides of every limit, and old values of every length
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	512
#define MISSING	-1	/* in place of a length: no such property */

static const struct {
	int ac, sc, oldlen;
	uint64_t addr, size;
	int err;
} rows[] = {
	/* As before it was written on top of fdt_appendprop_reg() */
	{ 1, 1, MISSING, 0xffffffff, 1, 0 },
	{ 1, 1, MISSING, 0xffffffff, 2, -FDT_ERR_BADVALUE },
	{ 1, 1, 8, 0x100000000, 0, -FDT_ERR_BADVALUE },
	{ 1, 1, 8, 0, 0x100000000, -FDT_ERR_BADVALUE },
	{ 1, 2, 0, 0, 0x100000000, 0 },
	{ 1, 2, 12, 1, 0x100000000, -FDT_ERR_BADVALUE },
	{ 2, 1, 24, UINT64_MAX, 1, 0 },
	{ 2, 1, 24, 0, 0x100000000, -FDT_ERR_BADVALUE },
	{ 2, 2, 16, UINT64_MAX, 1, 0 },
	{ 2, 2, 32, 1, UINT64_MAX, 0 },
	{ 5, 1, MISSING, 0, 0, -FDT_ERR_BADNCELLS },
	{ 1, 5, MISSING, 0, 0, -FDT_ERR_BADNCELLS },
	{ 0, 1, MISSING, 0, 0, -FDT_ERR_BADNCELLS },

	/* Was -FDT_ERR_BADNCELLS */
	{ 3, 2, MISSING, UINT64_MAX, 1, 0 },
	{ 4, 4, 32, 0x1122334455667788, 0x99, 0 },
	{ 2, 3, 20, 1, 2, 0 },
	{ 2, 4, 24, 1, 2, 0 },
	{ 1, 0, 4, 0xffffffff, 0, 0 },
	{ 2, 0, MISSING, UINT64_MAX, 0, 0 },
	{ 3, 2, MISSING, UINT64_MAX, 2, -FDT_ERR_BADVALUE },
	{ 1, 0, 4, 0, 1, -FDT_ERR_BADVALUE },

	/* Was success: a range beyond 2^64, a value that cannot be read */
	{ 2, 2, MISSING, UINT64_MAX, 2, -FDT_ERR_BADVALUE },
	{ 2, 1, MISSING, UINT64_MAX - 1, 3, -FDT_ERR_BADVALUE },
	{ 1, 1, 3, 0, 0, -FDT_ERR_BADVALUE },
	{ 2, 2, 8, 0, 0, -FDT_ERR_BADVALUE },
	{ 2, 2, 33, 0, 0, -FDT_ERR_BADVALUE },
};

int main(int argc, char *argv[])
{
	static const char old[64] = "what was there before, and untouched";
	char *tree, *before, *want;
	unsigned int i;
	int err;

	test_init(argc, argv);
	tree = xmalloc(SIZE);
	before = xmalloc(SIZE);
	want = xmalloc(SIZE);

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(tree, 0, SIZE);
		err = fdt_create_empty_tree(tree, SIZE);
		if (!err)
			err = fdt_setprop_u32(tree, 0, "#address-cells",
					      rows[i].ac);
		if (!err)
			err = fdt_setprop_u32(tree, 0, "#size-cells",
					      rows[i].sc);
		if (!err && rows[i].oldlen != MISSING)
			err = fdt_setprop(tree, 0, "prop", old,
					  rows[i].oldlen);
		if (err)
			FAIL("row %u: making the tree: %s", i,
			     fdt_strerror(err));
		memcpy(before, tree, SIZE);
		memcpy(want, tree, SIZE);

		err = fdt_appendprop_addrrange(tree, 0, 0, "prop",
					       rows[i].addr, rows[i].size);
		if (err != rows[i].err)
			FAIL("row %u: returned %d, not %d", i, err,
			     rows[i].err);
		if (!err)
			err = fdt_appendprop_reg(want, 0, 0, "prop",
						 rows[i].addr, rows[i].size);
		else
			memcpy(want, before, SIZE);
		if (err != rows[i].err || memcmp(tree, want, SIZE))
			FAIL("row %u: not what fdt_appendprop_reg() does", i);
	}
	PASS();
}
