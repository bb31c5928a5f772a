// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Free space from none to more than enough, byte by byte: the function works
 * from exactly the need on, and below it leaves every live byte alone
 */
#include <string.h>

#include "tests.h"

#define MAX_ENTRIES	3

static const uint8_t old[128] = { 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6 };

static void sweep(const struct writer *w, int ac, int sc, int n,
		  int old_len, int known)
{
	struct fdt_reg regs[MAX_ENTRIES];
	uint8_t want[sizeof(old) + MAX_ENTRIES * 32];
	struct sample s = sample(ac, sc);
	size_t slack, min;
	int len = 0;

	s.known = known;
	s.val = old;
	s.val_len = old_len;
	if (w->append && old_len != MISSING) {
		memcpy(want, old, (size_t)old_len);
		len = old_len;
	}
	some_regs(regs, n, ac, sc);
	len += encode(want + len, regs, n, ac, sc);

	min = need(&s, len);
	for (slack = 0; slack <= min + 8; slack++) {
		context("%s, %d/%d cells, %d entries over %d bytes, name %s, "
			"%lu bytes free", w->name, ac, sc, n, old_len,
			known ? "known" : "last or new", (unsigned long)slack);
		if (slack < min) {
			s.slack = slack;
			check_refused(w, &s, regs, n, -FDT_ERR_NOSPACE);
		} else {
			s.slack = slack - min;
			check_write(w, &s, regs, n, want, len);
		}
	}
}

static void test_every_free_space(const struct writer *w, int ac, int sc,
				  int n)
{
	int entry = 4 * (ac + sc), known;

	for (known = 0; known <= 1; known++) {
		sweep(w, ac, sc, n, MISSING, known);
		sweep(w, ac, sc, n, 0, known);
		sweep(w, ac, sc, n, entry, known);
		sweep(w, ac, sc, n, 4 * entry, known);
		/* Odd lengths, which only a setter accepts */
		if (!w->append) {
			sweep(w, ac, sc, n, 1, known);
			sweep(w, ac, sc, n, n * entry + 1, known);
		}
		if (!w->append && n)
			sweep(w, ac, sc, n, n * entry - 1, known);
	}
}

/* The first place where the name's bytes stand will do, as in all of libfdt */
static void test_name_that_is_the_tail_of_another(void)
{
	struct sample s = sample(2, 2);
	int w;

	for (w = 0; w < WRITERS; w++)
	for (s.slack = 0; s.slack <= 12 + 16 + 8; s.slack++) {
		static const struct fdt_reg reg = { 1, 2 };
		struct blob b = assemble(&s), before = copy_blob(&b);
		int err;

		context("%s, \"cells\", %lu bytes free", writers[w].name,
			(unsigned long)s.slack);
		err = writers[w].write(b.fdt, b.root, b.dev, "cells", &reg, 1);
		check_err(writers[w].name,
			  s.slack < 12 + 16 ? -FDT_ERR_NOSPACE : 0, err);
		if (err)
			check_same(&before, &b);
		free_blob(&before);
		free_blob(&b);
	}
}

/* fdt_prop_len() is the need when the name is new, and never less */
static void test_prop_len_is_the_need(void)
{
	int n;

	for (n = 0; n <= 64; n++) {
		struct sample s = sample(2, 2);
		struct blob b = assemble(&s);
		int len = fdt_reg_len(b.fdt, b.root, n);

		context("%d entries", n);
		if (fdt_prop_len(0, TARGET, len) != (int)need(&s, len))
			FAIL("fdt_prop_len() is %d, the need is %d",
			     fdt_prop_len(0, TARGET, len), (int)need(&s, len));
		s.known = 1;
		if (fdt_prop_len(0, TARGET, len) < (int)need(&s, len))
			FAIL("fdt_prop_len() is %d, below the need, %d",
			     fdt_prop_len(0, TARGET, len), (int)need(&s, len));
		free_blob(&b);
	}
}

/* A failure is no loss: the same call works once the tree has grown */
static void test_grow_and_try_again(void)
{
	static const struct fdt_reg regs[2] = { { 1, 2 }, { 3, 4 } };
	struct sample s = sample(1, 1), after = s;
	size_t min = need(&s, 16);
	int w;

	after.val = "\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4";
	after.front = 1;
	for (w = 0; w < WRITERS; w++) {
		int n = writers[w].single ? 1 : 2;
		struct blob b, grown, expected;

		context("%s", writers[w].name);
		after.val_len = 8 * n;
		expected = assemble(&after);
		for (s.slack = 0; s.slack < min - 16 + 8 * (size_t)n;
		     s.slack++) {
			b = assemble(&s);
			check_err(writers[w].name, -FDT_ERR_NOSPACE,
				  writers[w].write(b.fdt, b.root, b.dev,
						   TARGET, regs, n));
			grown = b;
			grown.size = expected.size;
			grown.fdt = xmalloc(grown.size);
			check_err("fdt_open_into", 0,
				  fdt_open_into(b.fdt, grown.fdt,
						(int)grown.size));
			check_err(writers[w].name, 0,
				  writers[w].write(grown.fdt, b.root, b.dev,
						   TARGET, regs, n));
			check_same(&expected, &grown);
			free_blob(&grown);
			free_blob(&b);
		}
		free_blob(&expected);
	}
}

int main(void)
{
	int w, ac, sc;

	for (w = 0; w < WRITERS; w++)
	for (ac = 1; ac <= 4; ac++)
	for (sc = 0; sc <= 4; sc++) {
		test_every_free_space(&writers[w], ac, sc, 1);
		if (writers[w].single)
			continue;
		test_every_free_space(&writers[w], ac, sc, 0);
		test_every_free_space(&writers[w], ac, sc, 3);
	}
	test_name_that_is_the_tail_of_another();
	test_prop_len_is_the_need();
	test_grow_and_try_again();
	PASS();
}
