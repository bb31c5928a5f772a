// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Work for callgrind to count, done a given number of times:
 *
 *	counts chosen REPEAT FILE OUT	six new properties in /chosen of FILE
 *	counts open REPEAT FILE OUT	the same without the properties
 *	counts array REPEAT N		N ranges with one call
 *	counts loop REPEAT N		N ranges, deleted and appended
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_reg.h"

#define ROOM	4096

static void need(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "counts: %s\n", what);
		exit(1);
	}
}

static void *room(size_t size)
{
	void *p = calloc(1, size);

	need(p != NULL, "no memory");
	return p;
}

static void chosen(int repeat, int n, const char *from, const char *to)
{
	static const char *const names[] = {
		"linux,initrd-start", "linux,initrd-end", "linux,elfcorehdr",
		"linux,usable-memory-range", "rng-seed",
		"linux,booted-from-kexec",
	};
	FILE *f = fopen(from, "rb");
	int size, out, node, i;
	char *in, *tree;

	need(f && !fseek(f, 0, SEEK_END), from);
	size = (int)ftell(f);
	out = size + ROOM;
	in = room((size_t)size);
	tree = room((size_t)out);
	rewind(f);
	need(fread(in, 1, (size_t)size, f) == (size_t)size, from);
	fclose(f);

	while (repeat--) {
		need(!fdt_open_into(in, tree, out), "fdt_open_into");
		node = fdt_path_offset(tree, "/chosen");
		if (node < 0)
			node = fdt_add_subnode(tree, 0, "chosen");
		need(node >= 0, "/chosen");
		for (i = 0; i < n; i++)
			need(!fdt_setprop_u64(tree, node, names[i], 0x1234),
			     names[i]);
		need(!fdt_pack(tree), "fdt_pack");
	}

	f = fopen(to, "wb");
	need(f && fwrite(tree, fdt_totalsize(tree), 1, f) == 1, to);
	need(!fclose(f), to);
}

static void ranges(int repeat, int n, int loop)
{
	struct fdt_reg *regs = room(sizeof(*regs) * (size_t)n);
	int size = ROOM + 16 * n, node, i, err;
	void *tree = room((size_t)size);

	for (i = 0; i < n; i++) {
		regs[i].address = 0x1000u * (unsigned)i;
		regs[i].size = 0x1000;
	}
	need(!fdt_create_empty_tree(tree, size), "fdt_create_empty_tree");
	need(!fdt_setprop_u32(tree, 0, "#size-cells", 2), "#size-cells");
	need(!fdt_setprop_u32(tree, 0, "#address-cells", 2), "#address-cells");
	node = fdt_add_subnode(tree, 0, "chosen");
	need(!fdt_setprop_reg_array(tree, 0, node, "ranges-of-mine", regs, n),
	     "first");
	while (repeat--) {
		if (!loop) {
			err = fdt_setprop_reg_array(tree, 0, node,
						    "ranges-of-mine", regs, n);
			need(!err, "fdt_setprop_reg_array");
			continue;
		}
		need(!fdt_delprop(tree, node, "ranges-of-mine"), "fdt_delprop");
		for (i = 0; i < n; i++) {
			err = fdt_appendprop_addrrange(tree, 0, node,
						       "ranges-of-mine",
						       regs[i].address,
						       regs[i].size);
			need(!err, "fdt_appendprop_addrrange");
		}
	}
}

int main(int argc, char *argv[])
{
	need(argc >= 4, "usage: counts chosen|array|loop REPEAT ...");
	if (!strcmp(argv[1], "chosen") && argc == 5)
		chosen(atoi(argv[2]), 6, argv[3], argv[4]);
	else if (!strcmp(argv[1], "open") && argc == 5)
		chosen(atoi(argv[2]), 0, argv[3], argv[4]);
	else
		ranges(atoi(argv[2]), atoi(argv[3]), !strcmp(argv[1], "loop"));
	return 0;
}
