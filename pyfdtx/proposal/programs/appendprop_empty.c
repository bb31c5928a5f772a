// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for fdt_appendprop() of nothing; -fsanitize=undefined
 *	sees whether NULL goes to memcpy()
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	512

int main(int argc, char *argv[])
{
	void *tree;
	const char *value;
	int err, i, len;

	test_init(argc, argv);
	tree = xmalloc(SIZE);

	err = fdt_create_empty_tree(tree, SIZE);
	if (err)
		FAIL("fdt_create_empty_tree(): %s", fdt_strerror(err));

	/* New, then there already */
	for (i = 0; i < 2; i++) {
		err = fdt_appendprop(tree, 0, "empty", NULL, 0);
		if (err)
			FAIL("fdt_appendprop() #%d: %s", i, fdt_strerror(err));
		if (!fdt_getprop(tree, 0, "empty", &len) || len != 0)
			FAIL("fdt_appendprop() #%d: length %d, not 0", i, len);
	}

	err = fdt_setprop(tree, 0, "full", "abc", 3);
	if (err)
		FAIL("fdt_setprop(): %s", fdt_strerror(err));
	err = fdt_appendprop(tree, 0, "full", NULL, 0);
	if (err)
		FAIL("fdt_appendprop(\"full\"): %s", fdt_strerror(err));
	value = fdt_getprop(tree, 0, "full", &len);
	if (!value || len != 3 || memcmp(value, "abc", 3) != 0)
		FAIL("fdt_appendprop(\"full\") changed the value");
	PASS();
}
