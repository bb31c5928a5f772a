// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * fdt_appendprop_reg(), fdt_appendprop_reg_array(): the old bytes, then the
 * right new ones, and nothing else changed
 */
#include <string.h>

#include "tests.h"

#define MAX_ENTRIES	4096
#define MAX_OLD		(64 * 32)
#define MAX_LEN		(MAX_OLD + MAX_ENTRIES * 32)

static const struct writer *const append_one = &writers[2];
static const struct writer *const append_array = &writers[3];

static struct fdt_reg regs[MAX_ENTRIES];
static uint8_t want[MAX_LEN], old[MAX_OLD];

static void test_bytes_by_hand(void)
{
	static const struct fdt_reg low = { 0x40000000, 0x2000 };
	struct sample s = sample(2, 1);

	context("2/1 cells by hand");
	s.val = "\0\0\0\1\2\3\4\5\6\7\x8\x9";
	s.val_len = 12;
	check_write(append_one, &s, &low, 1,
		    "\0\0\0\1\2\3\4\5\6\7\x8\x9"
		    "\0\0\0\0\x40\0\0\0" "\0\0\x20\0", 24);
}

static void test_all_cells(void)
{
	static const int olds[] = { MISSING, 0, 1, 2, 64 };
	static const int counts[] = { 0, 1, 2, 64, MAX_ENTRIES };
	int ac, sc, i, j, known;

	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++)
	for (i = 0; i < ARRAY_SIZE(olds); i++)
	for (j = 0; j < ARRAY_SIZE(counts); j++)
	for (known = 0; known <= 1; known++) {
		struct sample s = sample(ac, sc);
		int n = counts[j], len;

		s.known = known;
		s.val = old;
		s.val_len = olds[i] == MISSING ? MISSING :
			    olds[i] * 4 * (ac + sc);
		context("%d/%d cells, %d entries behind %d bytes, name %s",
			ac, sc, n, s.val_len, known ? "known" : "last or new");

		len = s.val_len == MISSING ? 0 : s.val_len;
		some_regs(regs, n, ac, sc);
		memcpy(want, old, (size_t)len);
		len += encode(want + len, regs, n, ac, sc);
		check_write(append_array, &s, regs, n, want, len);
		if (n == 1)
			check_write(append_one, &s, regs, n, want, len);
	}
}

static void test_missing_cells(void)
{
	struct sample s = sample(MISSING, MISSING);

	context("no cells at all: 2/1");
	s.val = old;
	s.val_len = 12;
	some_regs(regs, 2, 2, 1);
	memcpy(want, old, 12);
	encode(want + 12, regs, 2, 2, 1);
	check_write(append_array, &s, regs, 2, want, 36);
}

/* An entry behind a broken one would be read at the wrong place */
static void test_ragged_is_refused(void)
{
	int ac, sc, len, n;

	some_regs(regs, 1, 1, 0);
	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++)
	for (len = 0; len <= 2 * 4 * (ac + sc); len++) {
		struct sample s = sample(ac, sc);

		if (len % (4 * (ac + sc)) == 0)
			continue;
		s.val = old;
		s.val_len = len;
		s.slack = 100;
		context("%d/%d cells, old length %d", ac, sc, len);
		for (n = 0; n <= 1; n++)
			check_refused(append_array, &s, regs, n,
				      -FDT_ERR_BADVALUE);
		check_refused(append_one, &s, regs, 1, -FDT_ERR_BADVALUE);
	}
}

static void test_no_entries_need_no_array(void)
{
	struct sample s = sample(2, 2);

	context("no entries, new property");
	check_write(append_array, &s, NULL, 0, "", 0);
	context("no entries, behind 16 bytes");
	s.val = old;
	s.val_len = 16;
	check_write(append_array, &s, NULL, 0, old, 16);
}

/* n single calls build what one call with n entries builds */
static void test_one_by_one(void)
{
	struct sample s = sample(3, 2), after = s;
	struct blob b, expected;
	int i;

	context("64 single calls");
	some_regs(regs, 64, 3, 2);
	after.val = want;
	after.val_len = encode(want, regs, 64, 3, 2);
	after.front = 1;
	expected = assemble(&after);

	s.slack = need(&s, after.val_len);
	b = assemble(&s);
	for (i = 0; i < 64; i++)
		check_err("fdt_appendprop_reg", 0,
			  fdt_appendprop_reg(b.fdt, b.root, b.dev, TARGET,
					     regs[i].address, regs[i].size));
	check_same(&expected, &b);
	free_blob(&b);
	free_blob(&expected);
}

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(old); i++)
		old[i] = (uint8_t)(i * 7 + 1);
	test_bytes_by_hand();
	test_all_cells();
	test_missing_cells();
	test_ragged_is_refused();
	test_no_entries_need_no_array();
	test_one_by_one();
	PASS();
}
