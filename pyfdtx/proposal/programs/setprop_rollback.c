// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_setprop_namelen() without enough space
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>

#include <libfdt.h>

#include "tests.h"

#define NAME	"gamma-and-a-long-tail"
#define NAMELEN	5
#define SIZE	512

int main(int argc, char *argv[])
{
	void *tree, *before;
	uint32_t size, min;
	int err;

	test_init(argc, argv);
	tree = xmalloc(SIZE);
	before = xmalloc(SIZE);

	err = fdt_create_empty_tree(tree, SIZE);
	if (err)
		FAIL("fdt_create_empty_tree(): %s", fdt_strerror(err));
	err = fdt_setprop_string(tree, 0, "alpha", "beta");
	if (err)
		FAIL("fdt_setprop_string(): %s", fdt_strerror(err));
	min = fdt_off_dt_strings(tree) + fdt_size_dt_strings(tree);

	/* Tag, length, name offset, one cell; the name and its terminator */
	for (size = min; size < min + 16 + NAMELEN + 1; size++) {
		fdt_set_totalsize(tree, size);
		memcpy(before, tree, SIZE);
		err = fdt_setprop_namelen(tree, 0, NAME, NAMELEN, "x", 1);
		if (err != -FDT_ERR_NOSPACE)
			FAIL("%u bytes free: returned %s, not NOSPACE",
			     size - min, fdt_strerror(err));
		/* Free space may be left dirty, header and blocks may not */
		if (fdt_size_dt_strings(tree) != fdt_size_dt_strings(before))
			FAIL("%u bytes free: the strings block has %u bytes, not %u",
			     size - min, fdt_size_dt_strings(tree),
			     fdt_size_dt_strings(before));
		if (memcmp(tree, before, min) != 0)
			FAIL("%u bytes free: the tree has changed", size - min);
	}

	fdt_set_totalsize(tree, size);
	err = fdt_setprop_namelen(tree, 0, NAME, NAMELEN, "x", 1);
	if (err)
		FAIL("enough space: %s", fdt_strerror(err));
	PASS();
}
