// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_del_mem_rsv() with an index that does not exist
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	512

int main(int argc, char *argv[])
{
	static const int bad[] = {
		-1, -2, -3, INT_MIN, INT_MIN + 1, 2, 3, INT_MAX,
	};
	void *tree, *before;
	unsigned int i;
	int err;

	test_init(argc, argv);
	tree = xmalloc(SIZE);
	before = xmalloc(SIZE);

	err = fdt_create_empty_tree(tree, SIZE);
	if (err)
		FAIL("fdt_create_empty_tree(): %s", fdt_strerror(err));
	for (i = 1; i <= 2; i++) {
		err = fdt_add_mem_rsv(tree, i * 0x1000, 0x1000);
		if (err)
			FAIL("fdt_add_mem_rsv(): %s", fdt_strerror(err));
	}
	memcpy(before, tree, SIZE);

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err = fdt_del_mem_rsv(tree, bad[i]);
		if (err != -FDT_ERR_NOTFOUND)
			FAIL("index %d: returned %d, not NOTFOUND", bad[i],
			     err);
		if (memcmp(tree, before, SIZE) != 0)
			FAIL("index %d: the tree has changed", bad[i]);
	}

	for (i = 2; i > 0; i--) {
		err = fdt_del_mem_rsv(tree, i - 1);
		if (err || fdt_num_mem_rsv(tree) != (int)i - 1)
			FAIL("index %d, of %d: returned %d", i - 1, i, err);
	}
	PASS();
}
