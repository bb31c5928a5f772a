// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Which entries fit: both sides of every limit, for all cells, in all four
 * functions that write, at every place of an array
 */
#include <string.h>

#include "tests.h"

#define MAX_ENTRIES	5

static uint8_t want[MAX_ENTRIES * 32];

/* One entry at place `at` of n, the others (0, 0), and the verdict */
static void check_entry(int ac, int sc, uint64_t address, uint64_t size,
			int fits)
{
	int w, n, at;

	for (w = 0; w < WRITERS; w++)
	for (n = 1; n <= (writers[w].single ? 1 : MAX_ENTRIES); n += 4)
	for (at = 0; at < n; at += 2) {
		struct fdt_reg regs[MAX_ENTRIES];
		struct sample s = sample(ac, sc);

		memset(regs, 0, sizeof(regs));
		regs[at].address = address;
		regs[at].size = size;
		context("%d/%d cells, (0x%llx, 0x%llx) is entry %d of %d",
			ac, sc, (unsigned long long)address,
			(unsigned long long)size, at, n);
		if (fits) {
			int len = encode(want, regs, n, ac, sc);

			check_write(&writers[w], &s, regs, n, want, len);
		} else {
			s.slack = 1000;
			check_refused(&writers[w], &s, regs, n,
				      -FDT_ERR_BADVALUE);
		}
	}
}

/* Every row is right by reading it: 2^32 is 0x1_0000_0000 */
static void test_by_hand(void)
{
	static const struct {
		uint64_t address, size;
		int size_cells;	/* that the size needs */
		int one, more;	/* fits 1 address cell, fits 2 or more */
	} rows[] = {
		{ 0,			0,			0, 1, 1 },
		{ 0xffffffff,		0,			0, 1, 1 },
		{ 0x100000000,		0,			0, 0, 1 },
		{ 0x100000001,		0,			0, 0, 1 },
		{ 0x8000000000000000,	0,			0, 0, 1 },
		{ 0xffffffffffffffff,	0,			0, 0, 1 },
		{ 0,			1,			1, 1, 1 },
		{ 0,			0xffffffff,		1, 1, 1 },
		{ 0,			0x100000000,		2, 1, 1 },
		{ 0,			0x100000001,		2, 0, 1 },
		{ 1,			0xffffffff,		1, 1, 1 },
		{ 1,			0x100000000,		2, 0, 1 },
		{ 2,			0xffffffff,		1, 0, 1 },
		{ 0x80000000,		0x80000000,		1, 1, 1 },
		{ 0x80000000,		0x80000001,		1, 0, 1 },
		{ 0xfffffffe,		2,			1, 1, 1 },
		{ 0xffffffff,		1,			1, 1, 1 },
		{ 0xffffffff,		2,			1, 0, 1 },
		{ 0xffff0000,		0x20000,		1, 0, 1 },
		{ 0x100000000,		1,			1, 0, 1 },
		{ 0xffffffff,		0xffffffff,		1, 0, 1 },
		{ 0,			0xffffffffffffffff,	2, 0, 1 },
		{ 1,			0xffffffffffffffff,	2, 0, 1 },
		{ 2,			0xffffffffffffffff,	2, 0, 0 },
		{ 0xffffffff,		0xffffffffffffffff,	2, 0, 0 },
		{ 0x8000000000000000,	0x8000000000000000,	2, 0, 1 },
		{ 0x8000000000000000,	0x8000000000000001,	2, 0, 0 },
		{ 0xffffffff00000000,	0xffffffff,		1, 0, 1 },
		{ 0xffffffff00000001,	0xffffffff,		1, 0, 1 },
		{ 0xffffffff00000002,	0xffffffff,		1, 0, 0 },
		{ 0xffffffff00000000,	0x100000000,		2, 0, 1 },
		{ 0xffffffff00000000,	0x100000001,		2, 0, 0 },
		{ 0xffffffffffff0000,	0x20000,		1, 0, 0 },
		{ 0xffffffffffffffff,	1,			1, 0, 1 },
		{ 0xffffffffffffffff,	2,			1, 0, 0 },
		{ 0xffffffffffffffff,	0xffffffffffffffff,	2, 0, 0 },
	};
	int i, ac, sc;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (ac = 1; ac <= 4; ac++)
			for (sc = 0; sc <= 4; sc++)
				check_entry(ac, sc, rows[i].address,
					    rows[i].size,
					    sc >= rows[i].size_cells &&
					    (ac == 1 ? rows[i].one :
					     rows[i].more));
}

/* A range that ends one before the end of all addresses, at it, one behind */
static void test_ends(int ac, int sc, int bits)
{
	int bit, beyond;

	for (bit = 0; bit < bits; bit++) {
		uint64_t size = (uint64_t)1 << bit;
		/* 2^64 is 0 here, and 0 - size is right */
		uint64_t address = (bits == 32 ? (uint64_t)1 << 32 : 0) - size;

		/* A size of 2^32 or more needs two cells */
		if (sc == 1 && bit >= 32)
			break;
		for (beyond = -1; beyond <= 1; beyond++) {
			if (size == 1 && beyond == -1)
				continue;	/* an empty range */
			check_entry(ac, sc, address, size + (uint64_t)beyond,
				    beyond <= 0);
		}
	}
}

int main(void)
{
	int ac, sc;

	test_by_hand();
	for (ac = 1; ac <= 4; ac++)
		for (sc = 1; sc <= 4; sc++)
			test_ends(ac, sc, ac == 1 ? 32 : 64);
	PASS();
}
