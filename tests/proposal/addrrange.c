// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * fdt_appendprop_addrrange() of the libfdt at hand: one line per combination of
 * cells, old length and numbers, with what it returned and, by a checksum,
 * what it left of the tree
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#define SIZE	512

static const int oldlens[] = { -1, 0, 3, 4, 8, 12, 16, 24, 32, 33 };
static const uint64_t numbers[][2] = {
	{ 0, 0 }, { 0, 1 }, { 0x1000, 0x2000 }, { 0xffffffff, 0 },
	{ 0xffffffff, 1 }, { 0xffffffff, 2 }, { 0x100000000, 0 },
	{ 0, 0x100000000 }, { 1, 0xffffffff }, { 2, 0xffffffff },
	{ 0xffff0000, 0x20000 }, { 0x1122334455667788, 0x99aabbccddeeff00 },
	{ UINT64_MAX, 0 }, { UINT64_MAX, 1 }, { UINT64_MAX, 2 },
	{ 1, UINT64_MAX },
};

static uint64_t room[SIZE / 8];
static void *const tree = room;

static void need(int err)
{
	if (err) {
		fprintf(stderr, "addrrange: %s\n", fdt_strerror(err));
		exit(1);
	}
}

static uint32_t checksum(void)
{
	const uint8_t *p = tree;
	uint32_t sum = 2166136261u, i;

	for (i = 0; i < fdt_off_dt_strings(tree) + fdt_size_dt_strings(tree);
	     i++)
		sum = (sum ^ p[i]) * 16777619u;
	return sum;
}

static void question(int ac, int sc, int oldlen, uint64_t address,
		     uint64_t size)
{
	static const char old[64] = "what was there before";
	int err;

	memset(tree, 0, SIZE);
	need(fdt_create_empty_tree(tree, SIZE));
	need(fdt_setprop_u32(tree, 0, "#address-cells", (uint32_t)ac));
	need(fdt_setprop_u32(tree, 0, "#size-cells", (uint32_t)sc));
	if (oldlen >= 0)
		need(fdt_setprop(tree, 0, "prop", old, oldlen));
	err = fdt_appendprop_addrrange(tree, 0, 0, "prop", address, size);
	printf("%d %d %d 0x%llx 0x%llx\t%d %08x\n", ac, sc, oldlen,
	       (unsigned long long)address, (unsigned long long)size, err,
	       (unsigned int)checksum());
}

int main(void)
{
	size_t i, j;
	int ac, sc;

	for (ac = 0; ac < 6; ac++)
		for (sc = 0; sc < 6; sc++)
			for (i = 0; i < sizeof(oldlens) / sizeof(*oldlens); i++)
				for (j = 0; j < sizeof(numbers) /
				     sizeof(*numbers); j++)
					question(ac, sc, oldlens[i],
						 numbers[j][0], numbers[j][1]);
	return 0;
}
