// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * FDT_NOP tags at every place of the tree, one by one, in pairs and all at
 * once: all functions work, and the tags stay where they are
 */
#include <string.h>

#include "tests.h"

static const struct fdt_reg regs[2] = {
	{ 0x0102030405060708, 0x1112131415161718 },
	{ 0x2122232425262728, 0x3132333435363738 },
};

static void test_write(const struct sample *s)
{
	uint8_t want[4 * 16];
	int w;

	for (w = 0; w < WRITERS; w++) {
		int n = writers[w].single ? 1 : 2, len = 0;

		if (writers[w].append && s->val_len != MISSING) {
			memcpy(want, s->val, (size_t)s->val_len);
			len = s->val_len;
		}
		len += encode(want + len, regs, n, 2, 2);
		context("%s over %d bytes, NOPs 0x%x", writers[w].name,
			s->val_len, s->nops);
		check_write(&writers[w], s, regs, n, want, len);
	}
}

static void test_read(const struct sample *s, int want)
{
	struct blob b = assemble(s);
	uint64_t address = 0, size = 0;

	context("reading %d bytes, NOPs 0x%x", s->val_len, s->nops);
	check_err("fdt_reg_len", 48, fdt_reg_len(b.fdt, b.root, 3));
	check_err("fdt_getprop_reg_count", want,
		  fdt_getprop_reg_count(b.fdt, b.root, b.dev, TARGET));
	if (want > 0) {
		check_err("fdt_getprop_reg", 0,
			  fdt_getprop_reg(b.fdt, b.root, b.dev, TARGET,
					  want - 1, &address, &size));
		if (address != 0x41 || size != 0x42)
			FAIL("the last entry is (0x%llx, 0x%llx)",
			     (unsigned long long)address,
			     (unsigned long long)size);
	}
	free_blob(&b);
}

static void test_nops(unsigned int nops)
{
	struct sample s = sample(2, 2);

	s.nops = nops;
	test_write(&s);
	test_read(&s, -FDT_ERR_NOTFOUND);

	s.val = "\0\0\0\0\0\0\0\x41" "\0\0\0\0\0\0\0\x42";
	s.val_len = 16;
	test_write(&s);
	test_read(&s, 1);

	s.val = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1"
		"\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\2"
		"\0\0\0\0\0\0\0\x41" "\0\0\0\0\0\0\0\x42";
	s.val_len = 48;
	s.known = 1;
	s.front = 1;
	test_read(&s, 3);
}

int main(void)
{
	int a, b;

	for (a = 0; a < GAPS; a++)
		for (b = a; b < GAPS; b++)
			test_nops(1u << a | 1u << b);
	test_nops(NOP_EVERYWHERE);
	PASS();
}
