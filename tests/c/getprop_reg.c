// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * fdt_getprop_reg_count(), fdt_getprop_reg(): the numbers that the bytes
 * stand for
 */
#include <limits.h>
#include <string.h>

#include "tests.h"

#define MAX_ENTRIES	4096
/* What fdt_getprop_reg() must leave alone when it fails */
#define UNTOUCHED	0x5a5a5a5a5a5a5a5a

static struct fdt_reg regs[MAX_ENTRIES];
static uint8_t val[MAX_ENTRIES * 32];

static void check_get(const struct blob *b, int n, uint64_t want_address,
		      uint64_t want_size)
{
	uint64_t address = UNTOUCHED, size = UNTOUCHED;

	check_err("fdt_getprop_reg", 0,
		  fdt_getprop_reg(b->fdt, b->root, b->dev, TARGET, n,
				  &address, &size));
	if (address != want_address || size != want_size)
		FAIL("entry %d is (0x%llx, 0x%llx), not (0x%llx, 0x%llx)", n,
		     (unsigned long long)address, (unsigned long long)size,
		     (unsigned long long)want_address,
		     (unsigned long long)want_size);
}

static void check_get_err(const struct blob *b, int n, int want_err)
{
	uint64_t address = UNTOUCHED, size = UNTOUCHED;

	check_err("fdt_getprop_reg", want_err,
		  fdt_getprop_reg(b->fdt, b->root, b->dev, TARGET, n,
				  &address, &size));
	if (address != UNTOUCHED || size != UNTOUCHED)
		FAIL("the results were written though entry %d failed", n);
}

static void check_count(const struct blob *b, int want)
{
	check_err("fdt_getprop_reg_count", want,
		  fdt_getprop_reg_count(b->fdt, b->root, b->dev, TARGET));
}

static void test_bytes_by_hand(void)
{
	struct sample s = sample(3, 2);
	struct blob b;

	context("3/2 cells by hand");
	s.val = "\0\0\0\0" "\x01\x23\x45\x67\x89\xab\xcd\xef"
		"\xfe\xdc\xba\x98\x76\x54\x32\x10"
		"\0\0\0\0" "\xff\xff\xff\xff\xff\xff\xff\xff"
		"\xff\xff\xff\xff\xff\xff\xff\xff";
	s.val_len = 40;
	b = assemble(&s);
	check_count(&b, 2);
	check_get(&b, 0, 0x0123456789abcdef, 0xfedcba9876543210);
	/* What cannot be written can still be read */
	check_get(&b, 1, UINT64_MAX, UINT64_MAX);
	free_blob(&b);
}

static void test_all_cells(void)
{
	static const int counts[] = { 0, 1, 2, 64, MAX_ENTRIES };
	int ac, sc, i, e;

	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++)
	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		struct sample s = sample(ac, sc);
		struct blob b;
		int n = counts[i];

		context("%d/%d cells, %d entries", ac, sc, n);
		some_regs(regs, n, ac, sc);
		s.val = val;
		s.val_len = encode(val, regs, n, ac, sc);
		b = assemble(&s);
		check_count(&b, n);
		for (e = 0; e < n; e++)
			check_get(&b, e, regs[e].address, regs[e].size);
		check_get_err(&b, -1, -FDT_ERR_NOTFOUND);
		check_get_err(&b, n, -FDT_ERR_NOTFOUND);
		check_get_err(&b, INT_MIN, -FDT_ERR_NOTFOUND);
		check_get_err(&b, INT_MAX, -FDT_ERR_NOTFOUND);
		/* n * entry length is a small number modulo 2^32 */
		check_get_err(&b, INT_MIN + 1, -FDT_ERR_NOTFOUND);
		check_get_err(&b, 0x40000000, -FDT_ERR_NOTFOUND);
		free_blob(&b);
	}
}

static void test_missing_cells(void)
{
	struct sample s = sample(MISSING, MISSING);
	struct blob b;

	context("no cells at all: 2/1");
	s.val = "\1\2\3\4\5\6\7\x8" "\x9\xa\xb\xc";
	s.val_len = 12;
	b = assemble(&s);
	check_count(&b, 1);
	check_get(&b, 0, 0x0102030405060708, 0x090a0b0c);
	free_blob(&b);
}

static void test_ragged(void)
{
	int ac, sc, len;

	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++)
	for (len = 0; len <= 3 * 4 * (ac + sc); len++) {
		struct sample s = sample(ac, sc);
		struct blob b;
		int whole = len / (4 * (ac + sc));

		context("%d/%d cells, length %d", ac, sc, len);
		s.val = val;
		s.val_len = len;
		memset(val, 0, (size_t)len);
		b = assemble(&s);
		if (len % (4 * (ac + sc))) {
			check_count(&b, -FDT_ERR_BADVALUE);
			check_get_err(&b, 0, -FDT_ERR_BADVALUE);
			check_get_err(&b, whole, -FDT_ERR_BADVALUE);
		} else {
			check_count(&b, whole);
		}
		free_blob(&b);
	}
}

/* Each bit above the 64th, in the address and in the size */
static void test_more_than_64_bits(void)
{
	int ac, sc, pos;

	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++)
	for (pos = 0; pos < 4 * (ac + sc); pos++) {
		/* Distance of the byte from the end of its number */
		int digit = pos < 4 * ac ? 4 * ac - 1 - pos :
			    4 * (ac + sc) - 1 - pos;
		int bit;

		for (bit = 0; bit < 8; bit++) {
			struct sample s = sample(ac, sc);
			struct blob b;

			context("%d/%d cells, bit %d of byte %d", ac, sc, bit,
				pos);
			memset(val, 0, 64);
			val[4 * (ac + sc) + pos] = (uint8_t)(1 << bit);
			s.val = val;
			s.val_len = 2 * 4 * (ac + sc);
			b = assemble(&s);
			check_count(&b, 2);
			check_get(&b, 0, 0, 0);
			if (digit > 7)
				check_get_err(&b, 1, -FDT_ERR_BADVALUE);
			else if (pos < 4 * ac)
				check_get(&b, 1, (uint64_t)1 <<
					  (8 * digit + bit), 0);
			else
				check_get(&b, 1, 0, (uint64_t)1 <<
					  (8 * digit + bit));
			free_blob(&b);
		}
	}
}

static void test_parent_is_the_callers(void)
{
	struct sample s = sample(2, 2);
	struct blob b;
	uint64_t address, size;

	context("24 bytes, the parent is /bus with 3/0 cells");
	s.val = "\0\0\0\0\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\0\0\0\0\2";
	s.val_len = 24;
	b = assemble(&s);
	check_err("fdt_getprop_reg_count", 2,
		  fdt_getprop_reg_count(b.fdt, b.bus, b.dev, TARGET));
	check_err("fdt_getprop_reg", 0,
		  fdt_getprop_reg(b.fdt, b.bus, b.dev, TARGET, 1, &address,
				  &size));
	if (address != 2 || size != 0)
		FAIL("entry 1 is (0x%llx, 0x%llx), not (2, 0)",
		     (unsigned long long)address, (unsigned long long)size);
	free_blob(&b);
}

int main(void)
{
	test_bytes_by_hand();
	test_all_cells();
	test_missing_cells();
	test_ragged();
	test_more_than_64_bits();
	test_parent_is_the_callers();
	PASS();
}
