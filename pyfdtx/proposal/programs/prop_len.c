// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_prop_len()
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	1024
#define VALUE	"0123456789abcdef0123456789abcdef"

static char *tree;

static void check(int total, const char *name, int len, int want)
{
	int got = fdt_prop_len(total, name, len);

	if (got != want)
		FAIL("%d, \"%s\", %d: returned %d, not %d", total, name, len,
		     got, want);
}

/* As much free space as it says is enough, and one byte less is not */
static void check_enough(const char *name, int len)
{
	int used, err, slack;

	for (slack = -1; slack <= 0; slack++) {
		err = fdt_create_empty_tree(tree, SIZE);
		if (!err)
			err = fdt_setprop_string(tree, 0, "other", "abc");
		if (err)
			FAIL("making the tree: %s", fdt_strerror(err));
		used = fdt_off_dt_strings(tree) + fdt_size_dt_strings(tree);
		fdt_set_totalsize(tree, fdt_prop_len(used, name, len) + slack);
		err = fdt_setprop(tree, 0, name, VALUE, len);
		if (err != (slack ? -FDT_ERR_NOSPACE : 0))
			FAIL("\"%s\", %d bytes: returned %d with %d bytes more than it says",
			     name, len, err, slack);
	}
}

int main(int argc, char *argv[])
{
	static const int negative[] = { -1, -FDT_ERR_BADNCELLS, -1000, INT_MIN };
	unsigned int i;
	int len;

	test_init(argc, argv);
	tree = xmalloc(SIZE);

	for (len = 0; len <= (int)strlen(VALUE); len++) {
		check_enough("a", len);
		check_enough("linux,usable-memory-range", len);
	}

	check(0, "", 0, 12 + 1);
	check(1000, "reg", 5, 1000 + 12 + 8 + 4);
	check(INT_MAX - 24, "reg", 5, INT_MAX);
	check(INT_MAX - 23, "reg", 5, -FDT_ERR_BADVALUE);
	check(INT_MAX, "", 0, -FDT_ERR_BADVALUE);
	check(0, "ab", INT_MAX - 15, INT_MAX);
	check(0, "abc", INT_MAX - 15, -FDT_ERR_BADVALUE);
	check(0, "a", INT_MAX, -FDT_ERR_BADVALUE);
	check(INT_MAX, "a", INT_MAX, -FDT_ERR_BADVALUE);

	/* The first error goes through to the end */
	for (i = 0; i < ARRAY_SIZE(negative); i++) {
		check(1000, "a", negative[i], negative[i]);
		check(negative[i], "a", 1000, negative[i]);
		check(negative[i], "a", INT_MAX, negative[i]);
		check(negative[i], "a", -2, negative[i]);
	}
	PASS();
}
