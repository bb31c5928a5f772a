// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * fdt_setprop_reg(), fdt_setprop_reg_array(): the right bytes at the right
 * place, and nothing else changed
 */
#include <string.h>

#include "tests.h"

#define MAX_ENTRIES	4096
#define MAX_LEN		(MAX_ENTRIES * 32)

static const struct writer *const set_one = &writers[0];
static const struct writer *const set_array = &writers[1];

static struct fdt_reg regs[MAX_ENTRIES];
static uint8_t want[MAX_LEN], old[MAX_LEN + 8];

/* Written out by hand: each number big-endian, as many cells, from the right */
static void test_bytes_by_hand(void)
{
	static const struct fdt_reg reg = { 0x89abcdef, 0x12345678 };
	static const struct fdt_reg wide[2] = {
		{ 0x0123456789abcdef, 0x00000000fedcba98 },
		{ 0x8000000000000001, 0x7000000000000002 },
	};
	static const struct fdt_reg cpu = { 0x0000000100000203, 0 };
	struct sample s;

	context("1/1 cells by hand");
	s = sample(1, 1);
	check_write(set_one, &s, &reg, 1,
		    "\x89\xab\xcd\xef" "\x12\x34\x56\x78", 8);

	context("2/1 cells by hand");
	s = sample(2, 1);
	check_write(set_one, &s, &wide[0], 1,
		    "\x01\x23\x45\x67\x89\xab\xcd\xef" "\xfe\xdc\xba\x98", 12);

	context("2/2 cells by hand");
	s = sample(2, 2);
	check_write(set_array, &s, wide, 2,
		    "\x01\x23\x45\x67\x89\xab\xcd\xef"
		    "\x00\x00\x00\x00\xfe\xdc\xba\x98"
		    "\x80\x00\x00\x00\x00\x00\x00\x01"
		    "\x70\x00\x00\x00\x00\x00\x00\x02", 32);

	context("3/2 cells, as below PCI, by hand");
	s = sample(3, 2);
	check_write(set_one, &s, &wide[0], 1,
		    "\0\0\0\0" "\x01\x23\x45\x67\x89\xab\xcd\xef"
		    "\x00\x00\x00\x00\xfe\xdc\xba\x98", 20);

	context("2/0 cells, as below /cpus, by hand");
	s = sample(2, 0);
	check_write(set_one, &s, &cpu, 1,
		    "\x00\x00\x00\x01\x00\x00\x02\x03", 8);

	context("4/4 cells by hand");
	s = sample(4, 4);
	check_write(set_one, &s, &wide[1], 1,
		    "\0\0\0\0\0\0\0\0" "\x80\x00\x00\x00\x00\x00\x00\x01"
		    "\0\0\0\0\0\0\0\0" "\x70\x00\x00\x00\x00\x00\x00\x02", 32);
}

/* Both forms, whatever the property was before */
static void test_every_state(int ac, int sc, int n)
{
	int len = encode(want, regs, n, ac, sc), known, form;
	/* missing, empty, ragged, shorter, same, longer by a byte, longer */
	int lens[7];

	lens[0] = MISSING;
	lens[1] = 0;
	lens[2] = 3;
	lens[3] = len > 4 ? len - 4 : 0;
	lens[4] = len;
	lens[5] = len + 1;
	lens[6] = len + 8;

	for (form = 0; form < 2 * ARRAY_SIZE(lens); form++) {
		for (known = 0; known <= 1; known++) {
			struct sample s = sample(ac, sc);

			s.known = known;
			s.val = old;
			s.val_len = lens[form / 2];
			context("%d/%d cells, %d entries over %d bytes, "
				"name %s", ac, sc, n, s.val_len,
				known ? "known" : "last or new");
			if (form % 2 == 0)
				check_write(set_array, &s, regs, n, want, len);
			else if (n == 1)
				check_write(set_one, &s, regs, 1, want, len);
		}
	}
}

static void test_all_cells(void)
{
	static const int counts[] = { 0, 1, 2, 3, 64, MAX_ENTRIES };
	int ac, sc, i;

	for (ac = 1; ac <= 4; ac++)
		for (sc = 0; sc <= 4; sc++)
			for (i = 0; i < ARRAY_SIZE(counts); i++) {
				some_regs(regs, counts[i], ac, sc);
				test_every_state(ac, sc, counts[i]);
			}
}

/* libfdt.h: a missing #address-cells means 2, a missing #size-cells 1 */
static void test_missing_cells(void)
{
	int cells, len;
	struct sample s;

	for (cells = 1; cells <= 4; cells++) {
		context("no #size-cells, %d address cells", cells);
		s = sample(cells, MISSING);
		some_regs(regs, 2, cells, 1);
		len = encode(want, regs, 2, cells, 1);
		check_write(set_array, &s, regs, 2, want, len);
	}
	for (cells = 0; cells <= 4; cells++) {
		context("no #address-cells, %d size cells", cells);
		s = sample(MISSING, cells);
		some_regs(regs, 2, 2, cells);
		len = encode(want, regs, 2, 2, cells);
		check_write(set_array, &s, regs, 2, want, len);
	}
	context("no cells at all");
	s = sample(MISSING, MISSING);
	some_regs(regs, 2, 2, 1);
	len = encode(want, regs, 2, 2, 1);
	check_write(set_array, &s, regs, 2, want, len);
}

static void check_value(const struct blob *b, int node, const void *value,
			int want_len)
{
	int len;
	const void *p = fdt_getprop(b->fdt, node, TARGET, &len);

	if (!p || len != want_len || memcmp(p, value, (size_t)len))
		FAIL("not the cells of that parent (length %d, not %d)", len,
		     want_len);
}

/* The caller names the parent; the tree is not asked who it is */
static void test_parent_is_the_callers(void)
{
	struct sample s = sample(2, 2);
	struct blob b;

	s.slack = need(&s, 12);

	context("the parent is /bus, 3/0 cells");
	b = assemble(&s);
	check_err("fdt_setprop_reg", 0,
		  fdt_setprop_reg(b.fdt, b.bus, b.dev, TARGET, 0x11223344, 0));
	check_value(&b, b.dev, "\0\0\0\0\0\0\0\0\x11\x22\x33\x44", 12);
	free_blob(&b);

	context("the parent is the node itself, 1/1 cells");
	b = assemble(&s);
	check_err("fdt_setprop_reg", 0,
		  fdt_setprop_reg(b.fdt, b.dev, b.dev, TARGET, 0x11223344, 0));
	check_value(&b, b.dev, "\x11\x22\x33\x44\0\0\0\0", 8);
	free_blob(&b);

	/* Linux looks further up the tree, libfdt does not */
	context("the parent has no cells, only nodes above it have");
	b = assemble(&s);
	check_err("fdt_setprop_reg", 0,
		  fdt_setprop_reg(b.fdt, b.leaf, b.leaf, TARGET,
				  0x11223344, 0));
	check_value(&b, b.leaf, "\0\0\0\0\x11\x22\x33\x44\0\0\0\0", 12);
	free_blob(&b);
}

static void test_no_entries_need_no_array(void)
{
	struct sample s = sample(2, 2);

	context("no entries, new property");
	check_write(set_array, &s, NULL, 0, "", 0);
	context("no entries, over 16 bytes");
	s.val = old;
	s.val_len = 16;
	check_write(set_array, &s, NULL, 0, "", 0);
}

int main(void)
{
	memset(old, 0xa7, sizeof(old));
	test_bytes_by_hand();
	test_all_cells();
	test_missing_cells();
	test_parent_is_the_callers();
	test_no_entries_need_no_array();
	PASS();
}
