// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for the bounds of fdt_setprop_inplace_namelen_partial()
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>
#include <limits.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	512
#define LEN	8

static void *tree;

static void check(uint32_t idx, int len)
{
	char want[LEN] = "abcdefgh";
	const char *value;
	int err, fits, got;

	err = fdt_setprop_inplace(tree, 0, "prop", want, LEN);
	if (err)
		FAIL("fdt_setprop_inplace(): %s", fdt_strerror(err));

	fits = len >= 0 && (uint64_t)idx + (uint64_t)len <= LEN;
	err = fdt_setprop_inplace_namelen_partial(tree, 0, "prop", 4, idx,
						  "ABCDEFGH", len);
	if (err != (fits ? 0 : -FDT_ERR_NOSPACE))
		FAIL("index %u, length %d: returned %d", idx, len, err);
	if (fits)
		memcpy(want + idx, "ABCDEFGH", len);
	value = fdt_getprop(tree, 0, "prop", &got);
	if (!value || got != LEN || memcmp(value, want, LEN) != 0)
		FAIL("index %u, length %d: wrong value", idx, len);
}

int main(int argc, char *argv[])
{
	int err, len, i;

	test_init(argc, argv);
	tree = xmalloc(SIZE);

	err = fdt_create_empty_tree(tree, SIZE);
	if (err)
		FAIL("fdt_create_empty_tree(): %s", fdt_strerror(err));
	err = fdt_setprop(tree, 0, "prop", "abcdefgh", LEN);
	if (err)
		FAIL("fdt_setprop(): %s", fdt_strerror(err));

	for (i = 0; i <= 2 * LEN; i++) {
		for (len = 0; len <= LEN; len++) {
			check(i, len);
			check(UINT32_MAX - i, len);
		}
		for (len = -2 * LEN; len < 0; len++) {
			check(i, len);
			check(i, INT_MIN - len);
		}
	}
	PASS();
}
