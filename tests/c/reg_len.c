// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * fdt_reg_len(), fdt_prop_len(): the arithmetic, up to its limits
 */
#include <limits.h>
#include <string.h>

#include "tests.h"

static void check_len(const struct blob *b, int n, int want)
{
	check_err("fdt_reg_len", want, fdt_reg_len(b->fdt, b->root, n));
}

static void test_all_cells(void)
{
	int ac, sc, n;

	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++) {
		struct sample s = sample(ac, sc);
		struct blob b = assemble(&s);
		int entry = 4 * ac + 4 * sc;

		context("%d/%d cells", ac, sc);
		for (n = 0; n <= 4096; n++)
			check_len(&b, n, n * entry);

		/* The last number of entries whose length is an int */
		n = INT_MAX / entry;
		check_len(&b, n - 1, (n - 1) * entry);
		check_len(&b, n, n * entry);
		check_len(&b, n + 1, -FDT_ERR_BADVALUE);
		check_len(&b, INT_MAX, -FDT_ERR_BADVALUE);
		/* A small number modulo 2^32 */
		check_len(&b, 0x40000000, -FDT_ERR_BADVALUE);

		check_len(&b, -1, -FDT_ERR_BADVALUE);
		check_len(&b, INT_MIN, -FDT_ERR_BADVALUE);
		free_blob(&b);
	}
}

static void test_missing_cells(void)
{
	struct sample s = sample(MISSING, 3);
	struct blob b = assemble(&s);

	context("no #address-cells, 3 size cells");
	check_len(&b, 1, 4 * (2 + 3));
	free_blob(&b);

	context("3 address cells, no #size-cells");
	s = sample(3, MISSING);
	b = assemble(&s);
	check_len(&b, 1, 4 * (3 + 1));
	free_blob(&b);

	context("no cells at all");
	s = sample(MISSING, MISSING);
	b = assemble(&s);
	check_len(&b, 7, 7 * 4 * (2 + 1));
	free_blob(&b);
}

static void test_parent_is_the_callers(void)
{
	struct sample s = sample(2, 2);
	struct blob b = assemble(&s);

	context("three nodes of one tree");
	check_err("fdt_reg_len", 16, fdt_reg_len(b.fdt, b.root, 1));
	check_err("fdt_reg_len", 12, fdt_reg_len(b.fdt, b.bus, 1));
	check_err("fdt_reg_len", 8, fdt_reg_len(b.fdt, b.dev, 1));
	free_blob(&b);
}

/* FDT_PROP, length, name offset: 12 bytes. Then the value, padded to whole
 * cells, and the name with its NUL elsewhere. */
static void test_prop_len(void)
{
	static const struct {
		const char *name;
		int len, want;
	} rows[] = {
		{ "", 0, 12 + 0 + 1 },
		{ "", 1, 12 + 4 + 1 },
		{ "a", 0, 12 + 0 + 2 },
		{ "a", 1, 12 + 4 + 2 },
		{ "a", 2, 12 + 4 + 2 },
		{ "a", 3, 12 + 4 + 2 },
		{ "a", 4, 12 + 4 + 2 },
		{ "a", 5, 12 + 8 + 2 },
		{ "reg", 16, 12 + 16 + 4 },
		{ "linux,elfcorehdr", 16, 12 + 16 + 17 },
		{ "linux,usable-memory-range", 31, 12 + 32 + 26 },

		/* 2^31 - 1 is one below a whole number of cells */
		{ "", INT_MAX - 15, INT_MAX - 15 + 13 },
		{ "", INT_MAX - 14, -FDT_ERR_BADVALUE },
		{ "", INT_MAX - 13, -FDT_ERR_BADVALUE },
		{ "ab", INT_MAX - 15, INT_MAX },
		{ "ab", INT_MAX - 16, INT_MAX },
		{ "ab", INT_MAX - 14, -FDT_ERR_BADVALUE },
		{ "abc", INT_MAX - 15, -FDT_ERR_BADVALUE },
		{ "abc", INT_MAX - 18, -FDT_ERR_BADVALUE },
		{ "abc", INT_MAX - 19, INT_MAX - 3 },
		{ "abcdef", INT_MAX - 19, INT_MAX },
		{ "abcdefg", INT_MAX - 19, -FDT_ERR_BADVALUE },
		{ "a", INT_MAX - 3, -FDT_ERR_BADVALUE },
		{ "a", INT_MAX, -FDT_ERR_BADVALUE },
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		context("name \"%s\", %d bytes", rows[i].name, rows[i].len);
		check_err("fdt_prop_len", rows[i].want,
			  fdt_prop_len(0, rows[i].name, rows[i].len));
	}
}

/* The size so far is part of the sum, and of its limit */
static void test_prop_len_adds(void)
{
	int total;

	for (total = 0; total <= 4096; total++) {
		context("total %d", total);
		check_err("fdt_prop_len", total + 12 + 8 + 4,
			  fdt_prop_len(total, "reg", 5));
	}
	context("total up to the last int");
	check_err("fdt_prop_len", INT_MAX,
		  fdt_prop_len(INT_MAX - 24, "reg", 5));
	check_err("fdt_prop_len", -FDT_ERR_BADVALUE,
		  fdt_prop_len(INT_MAX - 23, "reg", 5));
	check_err("fdt_prop_len", -FDT_ERR_BADVALUE,
		  fdt_prop_len(INT_MAX, "", 0));
	check_err("fdt_prop_len", -FDT_ERR_BADVALUE,
		  fdt_prop_len(INT_MAX, "reg", INT_MAX));
}

/* What is negative stays what it is, whatever is added before and behind */
static void test_prop_len_keeps_errors(void)
{
	static const int negative[] = {
		-1, -2, -3, -4, -FDT_ERR_BADNCELLS, -FDT_ERR_BADVALUE, -4096,
		INT_MIN + 1, INT_MIN,
	};
	int i, j, total;

	for (i = 0; i < ARRAY_SIZE(negative); i++) {
		context("%d", negative[i]);
		for (total = 0; total <= 100; total++)
			check_err("fdt_prop_len", negative[i],
				  fdt_prop_len(total, "a", negative[i]));
		check_err("fdt_prop_len", negative[i],
			  fdt_prop_len(INT_MAX, "a", negative[i]));

		total = negative[i];
		for (j = 0; j < 100; j++) {
			total = fdt_prop_len(total, "longer-name", 1 << 20);
			check_err("fdt_prop_len", negative[i], total);
			/* The first error is the one that is kept */
			total = fdt_prop_len(total, "a", -FDT_ERR_NOTFOUND);
			check_err("fdt_prop_len", negative[i], total);
		}
	}
}

/* One check at the end of a chain sees bad cells in the middle of it */
static void test_prop_len_of_bad_cells(void)
{
	struct sample s = sample(5, 1);
	struct blob b = assemble(&s);
	int size = (int)b.size;

	context("5 address cells");
	size = fdt_prop_len(size, "a", 8);
	size = fdt_prop_len(size, TARGET, fdt_reg_len(b.fdt, b.root, 1));
	size = fdt_prop_len(size, "c", 1 << 20);
	check_err("fdt_prop_len", -FDT_ERR_BADNCELLS, size);
	free_blob(&b);
}

int main(void)
{
	test_all_cells();
	test_missing_cells();
	test_parent_is_the_callers();
	test_prop_len();
	test_prop_len_adds();
	test_prop_len_keeps_errors();
	test_prop_len_of_bad_cells();
	PASS();
}
