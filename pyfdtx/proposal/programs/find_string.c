// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libfdt - Flat Device Tree manipulation
 *	Testcase for the place that a new property's name gets: the first
 *	one in the strings block that has its bytes and a terminator
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <stdint.h>

#include <libfdt.h>

#include "tests.h"

#define SIZE	65536
#define NAMES	600

static char strings[SIZE];

/* Few letters, so that prefixes and tails of other names are frequent */
static void make_name(char *name)
{
	static uint32_t state = 1;
	int len, i;

	state = state * 1664525 + 1013904223;
	len = (state >> 16) % 9;
	for (i = 0; i < len; i++) {
		state = state * 1664525 + 1013904223;
		name[i] = "aab#"[(state >> 24) & 3];
	}
	name[len] = '\0';
}

static int first_place(int size, const char *name)
{
	int len = strlen(name) + 1, i, j;

	for (i = 0; i + len <= size; i++) {
		for (j = 0; j < len && strings[i + j] == name[j]; j++)
			;
		if (j == len)
			return i;
	}
	return size;
}

int main(int argc, char *argv[])
{
	const struct fdt_property *prop;
	char name[16], *tree;
	int err, i, size, want, got, node;

	test_init(argc, argv);
	tree = xmalloc(SIZE);

	err = fdt_create_empty_tree(tree, SIZE);
	if (err)
		FAIL("fdt_create_empty_tree(): %s", fdt_strerror(err));

	for (i = 0; i < NAMES; i++) {
		make_name(name);
		size = fdt_size_dt_strings(tree);
		memcpy(strings, tree + fdt_off_dt_strings(tree), size);
		want = first_place(size, name);

		/* A node of its own, where the name is new */
		node = fdt_add_subnode(tree, 0, "node");
		if (node < 0)
			FAIL("fdt_add_subnode(): %s", fdt_strerror(node));
		err = fdt_setprop(tree, node, name, "x", 1);
		if (err)
			FAIL("fdt_setprop(\"%s\"): %s", name,
			     fdt_strerror(err));
		prop = fdt_get_property(tree, node, name, NULL);
		got = prop ? (int)fdt32_to_cpu(prop->nameoff) : -1;
		if (got != want)
			FAIL("\"%s\", name %d: at %d, not %d", name, i, got,
			     want);
		err = fdt_del_node(tree, node);
		if (err)
			FAIL("fdt_del_node(): %s", fdt_strerror(err));
	}
	PASS();
}
