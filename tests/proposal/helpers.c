// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * What fdt_appendprop_addrrange() of the libfdt at hand does, and what
 * fdt_setprop_reg() and fdt_appendprop_reg() do: one line per question,
 * question, tab, the one, tab, the other. Set means delete and append for
 * fdt_appendprop_addrrange(), which cannot set.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_reg.h"

#define SIZE	1024
#define NAME	"my-ranges"
#define GIB4	0x100000000ULL

static uint64_t room[SIZE / 8];
static void *const tree = room;
static int node;

static void need(int ok)
{
	if (!ok) {
		fprintf(stderr, "helpers: the tree cannot be made\n");
		exit(1);
	}
}

static void make_tree(int ac, int sc, int oldlen)
{
	static const char old[32] = "what was there before, untouched";

	need(!fdt_create_empty_tree(tree, SIZE));
	need(!fdt_setprop_u32(tree, 0, "#size-cells", (uint32_t)sc));
	need(!fdt_setprop_u32(tree, 0, "#address-cells", (uint32_t)ac));
	node = fdt_add_subnode(tree, 0, "dev");
	need(node > 0);
	if (oldlen >= 0)
		need(!fdt_setprop(tree, node, NAME, old, oldlen));
}

/* What became of the call, with the bytes that say so */
static const char *verdict(int err, uint64_t address, uint64_t size, int ac,
			   int sc)
{
	const uint8_t *p;
	uint64_t got[2] = { 0, 0 };
	int len, i;

	if (err)
		return "refuses";
	p = fdt_getprop(tree, node, NAME, &len);
	if (!p || len != 4 * (ac + sc))
		return "writes a wrong length";
	for (i = 0; i < len; i++)
		got[i >= 4 * ac] = got[i >= 4 * ac] << 8 | p[i];
	return got[0] == address && got[1] == size ? "takes" : "truncates";
}

static int addrrange(uint64_t address, uint64_t size)
{
	return fdt_appendprop_addrrange(tree, 0, node, NAME, address, size);
}

static int ours(uint64_t address, uint64_t size)
{
	return fdt_appendprop_reg(tree, 0, node, NAME, address, size);
}

typedef int append_fn(uint64_t address, uint64_t size);
static append_fn *const append[2] = { addrrange, ours };

static void range(const char *what, int ac, int sc, uint64_t address,
		  uint64_t size)
{
	int i;

	printf("%s", what);
	for (i = 0; i < 2; i++) {
		int err;

		make_tree(ac, sc, -1);
		err = append[i](address, size);
		printf("\t%s", verdict(err, address, size, ac, sc));
	}
	printf("\n");
}

static void cells(const char *what, int ac_from, int ac_to, int sc_from,
		  int sc_to)
{
	int i, ac, sc;

	printf("%s", what);
	for (i = 0; i < 2; i++) {
		int taken = 0, all = 0;

		for (ac = ac_from; ac <= ac_to; ac++)
		for (sc = sc_from; sc <= sc_to; sc++) {
			uint64_t size = sc ? 2 : 0;
			int err;

			make_tree(ac, sc, -1);
			err = append[i](1, size);
			taken += !strcmp(verdict(err, 1, size, ac, sc),
					 "takes");
			all++;
		}
		printf("\t%s", taken == all ? "takes" : !taken ? "refuses" :
		       "takes some");
	}
	printf("\n");
}

static void ragged(void)
{
	int i, len;

	printf("appending to 3 bytes");
	for (i = 0; i < 2; i++) {
		int err;

		make_tree(1, 1, 3);
		err = append[i](1, 2);
		need(fdt_getprop(tree, node, NAME, &len) != NULL);
		printf("\t%s", err ? "refuses" : len == 11 ?
		       "writes 11 bytes" : "something else");
	}
	printf("\n");
}

/* Setting two 16-byte entries over one, with space for none */
static void no_space(void)
{
	int i, len;

	printf("the old value, when setting fails for lack of space");
	for (i = 0; i < 2; i++) {
		static const struct fdt_reg regs[2] = { { 1, 2 }, { 3, 4 } };
		int err;

		make_tree(2, 2, 16);
		fdt_set_totalsize(tree, fdt_off_dt_strings(tree) +
				  fdt_size_dt_strings(tree));
		if (i) {
			err = fdt_setprop_reg_array(tree, 0, node, NAME, regs,
						    2);
		} else {
			need(!fdt_delprop(tree, node, NAME));
			err = addrrange(1, 2);
			if (!err)
				err = addrrange(3, 4);
		}
		need(err == -FDT_ERR_NOSPACE);
		fdt_getprop(tree, node, NAME, &len);
		printf("\t%s", len == 16 && !memcmp(fdt_getprop(tree, node,
		       NAME, NULL), "what was there b", 16) ?
		       "is kept" : "is lost");
	}
	printf("\n");
}

static void grandparent(void)
{
	int i, len;

	printf("cells of a node that is not the parent");
	for (i = 0; i < 2; i++) {
		int leaf, err;

		make_tree(2, 1, -1);
		need(!fdt_setprop_u32(tree, node, "#address-cells", 1));
		leaf = fdt_add_subnode(tree, node, "leaf");
		need(leaf > 0);
		node = leaf;
		err = append[i](1, 2);
		fdt_getprop(tree, node, NAME, &len);
		printf("\t%s", err ? "refuses" : len == 12 ? "takes" : "?");
	}
	printf("\n");
}

int main(void)
{
	cells("1 or 2 address, 1 or 2 size cells", 1, 2, 1, 2);
	cells("3 or 4 address cells", 3, 4, 1, 2);
	cells("3 or 4 size cells", 1, 2, 3, 4);
	cells("no size cells", 1, 4, 0, 0);
	cells("5 address cells", 5, 5, 1, 2);
	range("address of 33 bits in one cell", 1, 1, GIB4, 0);
	range("size of 33 bits in one cell", 2, 1, 0, GIB4);
	range("1 address cell, end at 2^32", 1, 1, GIB4 - 0x1000, 0x1000);
	range("1 address cell, end beyond 2^32", 1, 1, 0xffff0000, 0x20000);
	range("2 address cells, end at 2^64", 2, 2, 0 - 0x1000ULL, 0x1000);
	range("2 address cells, end beyond 2^64", 2, 2, 0 - 0x10000ULL,
	      0x20000);
	ragged();
	no_space();
	grandparent();
	return 0;
}
