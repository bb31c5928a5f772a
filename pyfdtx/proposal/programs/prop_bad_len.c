// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for property lengths that are negative or too large
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	512

static void *tree, *before;

static void check(const char *function, const char *name, int len, int err)
{
	int want = len < 0 ? -FDT_ERR_BADVALUE : -FDT_ERR_NOSPACE;

	if (err != want)
		FAIL("%s(\"%s\", len %d) returned %d, not %d", function, name,
		     len, err, want);
	if (memcmp(tree, before,
		   fdt_off_dt_strings(before) + fdt_size_dt_strings(before)))
		FAIL("%s(\"%s\", len %d) changed the tree", function, name,
		     len);
}

static void check_all(const char *name, int len)
{
	void *data;

	check("fdt_setprop_placeholder", name, len,
	      fdt_setprop_placeholder(tree, 0, name, len, &data));
	/* No byte of the value may be read */
	check("fdt_setprop", name, len, fdt_setprop(tree, 0, name, "", len));
	check("fdt_appendprop", name, len,
	      fdt_appendprop(tree, 0, name, "", len));
}

int main(int argc, char *argv[])
{
	int err, i;

	test_init(argc, argv);
	tree = xmalloc(SIZE);
	before = xmalloc(SIZE);

	err = fdt_create_empty_tree(tree, SIZE);
	if (err)
		FAIL("fdt_create_empty_tree(): %s", fdt_strerror(err));
	err = fdt_setprop(tree, 0, "there", "abcdefgh", 8);
	if (err)
		FAIL("fdt_setprop(): %s", fdt_strerror(err));
	memcpy(before, tree, SIZE);

	for (i = 0; i < 20; i++) {
		check_all("there", -20 + i);
		check_all("new", -20 + i);
		check_all("there", INT_MIN + i);
		check_all("new", INT_MIN + i);
		check_all("there", INT_MAX - i);
		check_all("new", INT_MAX - i);
	}
	PASS();
}
