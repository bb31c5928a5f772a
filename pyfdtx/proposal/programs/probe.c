// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * One function of a libfdt beside ours of the same name: both must return the
 * same and leave the same tree, for all cells, states and edge values.
 * PROBE_<function> says which.
 */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "ours_reg.h"
#include "tests.h"

#define SIZE	1024
#define MISSING	-1
#define MAX_N	3

static uint64_t start[SIZE / 8], theirs[SIZE / 8], ours[SIZE / 8];
static int ac, sc, node, oldlen, n, cases;
static uint32_t slack;
static struct ours_fdt_reg ours_regs[MAX_N];
static int theirs_ret, ours_ret;
static uint64_t theirs_out[2], ours_out[2];

static const uint64_t values[] = {
	0, 1, 0xfffff000, 0xffffffff, 0x100000000, 0xfffffffffffff000,
	0xffffffffffffffff,
};

static void need(int ok)
{
	if (!ok) {
		printf("the tree of the probe cannot be made\n");
		exit(1);
	}
}

static void make_tree(void)
{
	static const char old[64] = "0123456789abcdef0123456789abcdef";
	uint32_t used;

	memset(start, 0, sizeof(start));
	need(!fdt_create_empty_tree(start, SIZE));
	if (sc != MISSING)
		need(!fdt_setprop_u32(start, 0, "#size-cells", (uint32_t)sc));
	if (ac != MISSING)
		need(!fdt_setprop_u32(start, 0, "#address-cells",
				      (uint32_t)ac));
	node = fdt_add_subnode(start, 0, "dev");
	need(node > 0);
	need(!fdt_setprop(start, node, "after", "abc", 3));
	if (oldlen != MISSING)
		need(!fdt_setprop(start, node, "prop", old, oldlen));
	used = fdt_off_dt_strings(start) + fdt_size_dt_strings(start);
	fdt_set_totalsize(start, used + slack);
}

#define SAME_ARGS(fdt)	fdt, 0, node, "prop"

static void call(void)
{
#if defined(PROBE_fdt_prop_len)
	theirs_ret = fdt_prop_len(slack, "prop", oldlen * n);
	ours_ret = ours_fdt_prop_len(slack, "prop", oldlen * n);
#elif defined(PROBE_fdt_reg_len)
	theirs_ret = fdt_reg_len(theirs, 0, n);
	ours_ret = ours_fdt_reg_len(ours, 0, n);
#elif defined(PROBE_fdt_setprop_reg)
	theirs_ret = fdt_setprop_reg(SAME_ARGS(theirs),
				     ours_regs[0].address, ours_regs[0].size);
	ours_ret = ours_fdt_setprop_reg(SAME_ARGS(ours), ours_regs[0].address,
					ours_regs[0].size);
#elif defined(PROBE_fdt_appendprop_reg)
	theirs_ret = fdt_appendprop_reg(SAME_ARGS(theirs),
					ours_regs[0].address,
					ours_regs[0].size);
	ours_ret = ours_fdt_appendprop_reg(SAME_ARGS(ours),
					   ours_regs[0].address,
					   ours_regs[0].size);
#elif defined(PROBE_fdt_getprop_reg_count)
	theirs_ret = fdt_getprop_reg_count(SAME_ARGS(theirs));
	ours_ret = ours_fdt_getprop_reg_count(SAME_ARGS(ours));
#elif defined(PROBE_fdt_getprop_reg)
	theirs_ret = fdt_getprop_reg(SAME_ARGS(theirs), n, &theirs_out[0],
				     &theirs_out[1]);
	ours_ret = ours_fdt_getprop_reg(SAME_ARGS(ours), n, &ours_out[0],
					&ours_out[1]);
#else
	struct fdt_reg regs[MAX_N];
	int i;

	for (i = 0; i < MAX_N; i++) {
		regs[i].address = ours_regs[i].address;
		regs[i].size = ours_regs[i].size;
	}
#if defined(PROBE_fdt_setprop_reg_array)
	theirs_ret = fdt_setprop_reg_array(SAME_ARGS(theirs), regs, n);
	ours_ret = ours_fdt_setprop_reg_array(SAME_ARGS(ours), ours_regs, n);
#elif defined(PROBE_fdt_appendprop_reg_array)
	theirs_ret = fdt_appendprop_reg_array(SAME_ARGS(theirs), regs, n);
	ours_ret = ours_fdt_appendprop_reg_array(SAME_ARGS(ours), ours_regs,
						 n);
#else
#error "name a function to probe"
#endif
#endif
}

static void compare(void)
{
	uint32_t live;

	make_tree();
	memcpy(theirs, start, SIZE);
	memcpy(ours, start, SIZE);
	memset(theirs_out, 0, sizeof(theirs_out));
	memset(ours_out, 0, sizeof(ours_out));
	call();
	cases++;

	live = fdt_off_dt_strings(ours) + fdt_size_dt_strings(ours);
	if (theirs_ret != ours_ret || memcmp(theirs, ours, live) ||
	    memcmp(theirs_out, ours_out, sizeof(ours_out))) {
		printf("%d/%d cells, n %d, old length %d, %u bytes free, "
		       "(0x%llx, 0x%llx): it returned %d, ours %d%s\n", ac, sc,
		       n, oldlen, slack,
		       (unsigned long long)ours_regs[0].address,
		       (unsigned long long)ours_regs[0].size, theirs_ret,
		       ours_ret, theirs_ret == ours_ret ?
		       "; what they wrote or read differs" : "");
		exit(2);
	}
}

int main(void)
{
	static const int olds[] = { MISSING, 0, 3, 4, 8, 12, 16, 24, 32, 64 };
	static const int counts[] = { INT_MIN, -1, 0, 1, MAX_N };
	unsigned int i, j, k, l;

	for (ac = MISSING; ac <= 5; ac++)
	for (sc = MISSING; sc <= 5; sc++)
	for (i = 0; i < ARRAY_SIZE(olds); i++)
	for (j = 0; j < ARRAY_SIZE(counts); j++) {
		oldlen = olds[i];
		n = counts[j];
		slack = 512;
		for (k = 0; k < ARRAY_SIZE(values); k++)
		for (l = 0; l < ARRAY_SIZE(values); l++) {
			ours_regs[0].address = values[k];
			ours_regs[0].size = values[l];
			compare();
		}
		memset(ours_regs, 0, sizeof(ours_regs));
		for (slack = 0; slack < 140; slack++)
			compare();
	}
	printf("%d cases\n", cases);
	return 0;
}
