// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Versions 16, 17 and later, blocks in every order: what can be read, what
 * can be written, and what can be written after fdt_open_into()
 */
#include <string.h>

#include "tests.h"

#define ENTRY_0	"\0\0\0\0\0\0\0\1" "\0\0\0\2"
#define ENTRY_1	"\0\0\0\0\0\0\0\3" "\0\0\0\4"

static const char *const orders[] = {
	"mts", "mst", "tms", "tsm", "smt", "stm",
};

static struct sample old_sample(const char *order, uint32_t version)
{
	struct sample s = sample(2, 1);

	s.val = ENTRY_0 ENTRY_1;
	s.val_len = 24;
	s.order = order;
	s.version = version;
	return s;
}

/* The new entries, and the value after the writer ran */
static const struct fdt_reg regs[2] = {
	{ 0x5152535455565758, 0x61626364 }, { 0x7172737475767778, 0x01828384 },
};

static int wanted(const struct writer *w, int n, uint8_t *want)
{
	int len = 0;

	if (w->append) {
		memcpy(want, ENTRY_0 ENTRY_1, 24);
		len = 24;
	}
	memcpy(want + len, "\x51\x52\x53\x54\x55\x56\x57\x58\x61\x62\x63\x64"
	       "\x71\x72\x73\x74\x75\x76\x77\x78\x01\x82\x83\x84",
	       12 * (size_t)n);
	return len + 12 * n;
}

static void test_readers(const struct sample *s)
{
	struct blob b = assemble(s);
	uint64_t address = 0, size = 0;

	check_err("fdt_reg_len", 36, fdt_reg_len(b.fdt, b.root, 3));
	check_err("fdt_getprop_reg_count", 2,
		  fdt_getprop_reg_count(b.fdt, b.root, b.dev, TARGET));
	check_err("fdt_getprop_reg", 0,
		  fdt_getprop_reg(b.fdt, b.root, b.dev, TARGET, 1, &address,
				  &size));
	if (address != 3 || size != 4)
		FAIL("entry 1 is (0x%llx, 0x%llx), not (3, 4)",
		     (unsigned long long)address, (unsigned long long)size);
	free_blob(&b);
}

/* As fdt_open_into() leaves the tree: version 17, blocks in order */
static void test_opened(const struct sample *s, const struct writer *w)
{
	struct sample after = *s;
	uint8_t want[4 * 12];
	int n = w->single ? 1 : 2;
	struct blob b = assemble(s), opened = b, expected;

	after.order = "mts";
	after.version = 17;
	after.slack = 0;
	after.val = want;
	after.val_len = wanted(w, n, want);
	expected = assemble(&after);

	opened.size = expected.size > b.size ? expected.size : b.size;
	poke32(&expected, 4, (uint32_t)opened.size);
	opened.fdt = xmalloc(opened.size);
	check_err("fdt_open_into", 0,
		  fdt_open_into(b.fdt, opened.fdt, (int)opened.size));
	check_err(w->name, 0, w->write(opened.fdt, b.root, b.dev, TARGET,
				       regs, n));
	check_same(&expected, &opened);
	free_blob(&expected);
	free_blob(&opened);
	free_blob(&b);
}

static void test_version(const char *order, uint32_t version)
{
	int ordered = !strcmp(order, "mts"), w;
	struct sample s = old_sample(order, version);

	context("version %u, order %s", (unsigned int)version, order);
	test_readers(&s);

	s.slack = 100;
	for (w = 0; w < WRITERS; w++) {
		int n = writers[w].single ? 1 : 2;

		if (version < 17)
			check_refused(&writers[w], &s, regs, n,
				      -FDT_ERR_BADVERSION);
		else if (!ordered)
			check_refused(&writers[w], &s, regs, n,
				      -FDT_ERR_BADLAYOUT);
		test_opened(&s, &writers[w]);
	}
}

/* Later versions that are compatible with 17: libfdt writes 17, and says so
 * in the header even if the call fails; all other bytes are as they were */
static void test_later_version(uint32_t last_comp)
{
	struct sample s = old_sample("mts", 18);
	int w;

	context("version 18, compatible with %u", (unsigned int)last_comp);
	s.last_comp = last_comp;
	test_readers(&s);

	for (w = 0; w < WRITERS; w++) {
		int n = writers[w].single ? 1 : 2, len;
		struct sample after = s;
		uint8_t want[4 * 12];
		struct blob b, expected;

		len = wanted(&writers[w], n, want);
		s.slack = need(&s, len);
		after.version = 17;
		after.val = want;
		after.val_len = len;
		after.slack = 0;
		b = assemble(&s);
		expected = assemble(&after);
		poke32(&expected, 4, (uint32_t)b.size);
		check_err(writers[w].name, 0,
			  writers[w].write(b.fdt, b.root, b.dev, TARGET, regs,
					   n));
		check_same(&expected, &b);
		free_blob(&expected);
		free_blob(&b);

		/* A setter that shrinks the value needs no space */
		if (!writers[w].append)
			continue;
		s.slack = 0;
		b = assemble(&s);
		expected = copy_blob(&b);
		poke32(&expected, 20, 17);
		check_err(writers[w].name, -FDT_ERR_NOSPACE,
			  writers[w].write(b.fdt, b.root, b.dev, TARGET, regs,
					   n));
		check_same(&expected, &b);
		free_blob(&expected);
		free_blob(&b);
	}
}

int main(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		test_version(orders[i], 16);
		test_version(orders[i], 17);
	}
	test_later_version(16);
	test_later_version(17);
	PASS();
}
