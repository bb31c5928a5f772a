// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Every documented error of every function, provoked; after each the tree is
 * as it was
 */
#include <limits.h>
#include <string.h>

#include "tests.h"

#define VAL	"\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2"
#define RAGGED	12
/* What fdt_getprop_reg() must leave alone when it fails */
#define UNTOUCHED	0x5a5a5a5a5a5a5a5a

/* A tree and the arguments of a call */
struct call {
	struct sample s;
	struct blob b;
	int parent, node;
	const struct fdt_reg *regs;
	int n;		/* entries to write */
	int index;	/* of the entry to read */
};

/* What the functions must return; OK: success */
#define OK	0
struct errors {
	int len, set, append, count, get;
};

#define ALL(e)		{ -(e), -(e), -(e), -(e), -(e) }
#define NODE(e)		{ OK, -(e), -(e), -(e), -(e) }
#define WRITE(e)	{ OK, -(e), -(e), OK, OK }
#define READ(e)		{ OK, OK, OK, -(e), -(e) }

/* ---- damage: one function for each row of the table ---- */

static void parent_negative(struct call *c) { c->parent = -4; }
static void parent_unaligned(struct call *c) { c->parent = c->b.dev + 2; }
static void parent_is_a_prop(struct call *c) { c->parent = c->b.root + 8; }
static void parent_too_far(struct call *c) { c->parent = 0x100000; }
static void parent_int_max(struct call *c) { c->parent = INT_MAX & ~3; }
static void node_negative(struct call *c) { c->node = -4; }
static void node_unaligned(struct call *c) { c->node = c->b.dev + 2; }
static void node_is_a_prop(struct call *c) { c->node = c->b.root + 8; }
static void node_too_far(struct call *c) { c->node = 0x100000; }

static void magic(struct call *c) { poke32(&c->b, 0, 0xd00dfeee); }

static void unfinished(struct call *c)
{
	/* What fdt_create() writes; no structure block yet */
	poke32(&c->b, 0, ~0xd00dfeedu);
	poke32(&c->b, 36, 0);
}

static void version_1(struct call *c) { poke32(&c->b, 20, 1); }
static void version_16(struct call *c) { poke32(&c->b, 20, 16); }

static void compatible_with_18(struct call *c)
{
	poke32(&c->b, 20, 18);
	poke32(&c->b, 24, 18);
}

static void totalsize_int_max(struct call *c)
{
	poke32(&c->b, 4, INT_MAX);
}

/* The block ends where the first property of the parent or the node stood */
static void parent_cut_off(struct call *c)
{
	poke32(&c->b, 36, (uint32_t)c->b.root + 8);
}

static void node_cut_off(struct call *c)
{
	poke32(&c->b, 36, (uint32_t)c->b.dev + 8);
}

static void parent_bad_tag(struct call *c)
{
	poke32(&c->b, peek32(&c->b, 8) + (uint32_t)c->b.root + 8, 5);
}

static void node_bad_tag(struct call *c)
{
	poke32(&c->b, peek32(&c->b, 8) + (uint32_t)c->b.dev + 8, 5);
}

static void strings_first(struct call *c) { c->s.order = "stm"; }
static void reserved_last(struct call *c) { c->s.order = "tsm"; }

static void no_property(struct call *c) { c->s.val_len = MISSING; }
static void index_behind(struct call *c) { c->index = 1; }
static void index_negative(struct call *c) { c->index = -1; }

static void ragged(struct call *c) { c->s.val_len = RAGGED; }

static void more_than_64_bits(struct call *c)
{
	c->s.ac[3] = 3;
	c->s.sc[3] = 1;
	c->s.val = "\0\0\0\1\0\0\0\0\0\0\0\0" "\0\0\0\0";
}

static void address_too_large(struct call *c)
{
	static const struct fdt_reg reg = { 0x100000000, 0 };

	c->s.ac[3] = 1;
	c->s.sc[3] = 1;
	c->regs = &reg;
}

static void size_too_large(struct call *c)
{
	static const struct fdt_reg reg = { 0, 0x100000000 };

	c->s.ac[3] = 3;
	c->s.sc[3] = 1;
	c->regs = &reg;
}

static void size_without_cells(struct call *c)
{
	static const struct fdt_reg reg = { 0, 1 };

	c->s.ac[3] = 4;
	c->s.sc[3] = 0;
	c->s.val = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1";
	c->regs = &reg;
}

static void range_wraps(struct call *c)
{
	static const struct fdt_reg reg = { UINT64_MAX, 2 };

	c->regs = &reg;
}

static void full(struct call *c)
{
	c->s.val_len = MISSING;
	c->s.slack = 0;
}

/* No more space would help, so a caller that grows trees must not see it */
static void range_wraps_in_full(struct call *c)
{
	range_wraps(c);
	full(c);
}

static void bad_cells_in_full(struct call *c)
{
	c->s.ac[3] = 5;
	full(c);
}

/* The array must not be touched */
static void negative_n(struct call *c)
{
	c->n = -1;
	c->regs = NULL;
}

static void too_many(struct call *c)
{
	c->n = INT_MAX / 16 + 1;
	c->regs = NULL;
}

static void too_many_by_1_entry(struct call *c)
{
	c->n = INT_MAX / 16;
	c->regs = NULL;
	c->s.val_len = 16;
}

static const struct {
	const char *what;
	void (*prepare)(struct call *c);	/* before assembly */
	void (*damage)(struct call *c);		/* after it */
	struct errors want;
	int arrays_only;
} rows[] = {
	{ "parent < 0", NULL, parent_negative, ALL(FDT_ERR_BADOFFSET), 0 },
	{ "parent unaligned", NULL, parent_unaligned,
	  ALL(FDT_ERR_BADOFFSET), 0 },
	{ "parent is a property", NULL, parent_is_a_prop,
	  ALL(FDT_ERR_BADOFFSET), 0 },
	{ "parent behind the end", NULL, parent_too_far,
	  ALL(FDT_ERR_BADOFFSET), 0 },
	{ "parent near INT_MAX", NULL, parent_int_max,
	  ALL(FDT_ERR_BADOFFSET), 0 },
	{ "node < 0", NULL, node_negative, NODE(FDT_ERR_BADOFFSET), 0 },
	{ "node unaligned", NULL, node_unaligned, NODE(FDT_ERR_BADOFFSET), 0 },
	{ "node is a property", NULL, node_is_a_prop,
	  NODE(FDT_ERR_BADOFFSET), 0 },
	{ "node behind the end", NULL, node_too_far,
	  NODE(FDT_ERR_BADOFFSET), 0 },

	{ "magic", NULL, magic, ALL(FDT_ERR_BADMAGIC), 0 },
	{ "unfinished tree", NULL, unfinished, ALL(FDT_ERR_BADSTATE), 0 },
	{ "version 1", NULL, version_1, ALL(FDT_ERR_BADVERSION), 0 },
	{ "compatible with 18", NULL, compatible_with_18,
	  ALL(FDT_ERR_BADVERSION), 0 },
	{ "version 16", NULL, version_16, WRITE(FDT_ERR_BADVERSION), 0 },
	{ "totalsize is INT_MAX", NULL, totalsize_int_max,
	  ALL(FDT_ERR_TRUNCATED), 0 },
	{ "structure block cut off in the parent", NULL, parent_cut_off,
	  ALL(FDT_ERR_TRUNCATED), 0 },
	{ "structure block cut off in the node", NULL, node_cut_off,
	  NODE(FDT_ERR_TRUNCATED), 0 },
	{ "unknown tag in the parent", NULL, parent_bad_tag,
	  ALL(FDT_ERR_BADSTRUCTURE), 0 },
	{ "unknown tag in the node", NULL, node_bad_tag,
	  NODE(FDT_ERR_BADSTRUCTURE), 0 },
	{ "strings block first", strings_first, NULL,
	  WRITE(FDT_ERR_BADLAYOUT), 0 },
	{ "reservations last", reserved_last, NULL,
	  WRITE(FDT_ERR_BADLAYOUT), 0 },

	{ "no such property", no_property, NULL, READ(FDT_ERR_NOTFOUND), 0 },
	{ "index behind the last", index_behind, NULL,
	  { OK, OK, OK, OK, -FDT_ERR_NOTFOUND }, 0 },
	{ "index < 0", index_negative, NULL,
	  { OK, OK, OK, OK, -FDT_ERR_NOTFOUND }, 0 },
	{ "ragged length", ragged, NULL,
	  { OK, OK, -FDT_ERR_BADVALUE, -FDT_ERR_BADVALUE,
	    -FDT_ERR_BADVALUE }, 0 },
	{ "65 bits in the tree", more_than_64_bits, NULL,
	  { OK, OK, OK, OK, -FDT_ERR_BADVALUE }, 0 },

	{ "address too large", address_too_large, NULL,
	  WRITE(FDT_ERR_BADVALUE), 0 },
	{ "size too large", size_too_large, NULL,
	  WRITE(FDT_ERR_BADVALUE), 0 },
	{ "size without cells", size_without_cells, NULL,
	  WRITE(FDT_ERR_BADVALUE), 0 },
	{ "range wraps", range_wraps, NULL, WRITE(FDT_ERR_BADVALUE), 0 },
	{ "no space", full, NULL,
	  { OK, -FDT_ERR_NOSPACE, -FDT_ERR_NOSPACE,
	    -FDT_ERR_NOTFOUND, -FDT_ERR_NOTFOUND }, 0 },
	{ "range wraps, no space", range_wraps_in_full, NULL,
	  { OK, -FDT_ERR_BADVALUE, -FDT_ERR_BADVALUE,
	    -FDT_ERR_NOTFOUND, -FDT_ERR_NOTFOUND }, 0 },
	{ "bad cells, no space", bad_cells_in_full, NULL,
	  ALL(FDT_ERR_BADNCELLS), 0 },

	{ "n < 0", negative_n, NULL,
	  { -FDT_ERR_BADVALUE, -FDT_ERR_BADVALUE, -FDT_ERR_BADVALUE,
	    OK, OK }, 1 },
	{ "n entries beyond INT_MAX", too_many, NULL,
	  { -FDT_ERR_BADVALUE, -FDT_ERR_BADVALUE, -FDT_ERR_BADVALUE,
	    OK, OK }, 1 },
};

static struct call call(void)
{
	static const struct fdt_reg reg = { 0x1000, 0 };
	struct call c;

	memset(&c, 0, sizeof(c));
	c.s = sample(2, 2);
	c.s.val = VAL;
	c.s.val_len = 16;
	c.s.slack = 200;
	c.regs = &reg;
	c.n = 1;
	return c;
}

static void start(struct call *c)
{
	c->b = assemble(&c->s);
	c->parent = c->b.root;
	c->node = c->b.dev;
}

/* Success is "not negative", since two of the functions return a number */
static void check(const char *function, int want, int got)
{
	check_err(function, want, want == OK && got > 0 ? OK : got);
}

static void check_readers(const struct call *c, const struct errors *want)
{
	uint64_t address = UNTOUCHED, size = UNTOUCHED;
	struct blob before = copy_blob(&c->b);

	check("fdt_reg_len", want->len,
	      fdt_reg_len(c->b.fdt, c->parent, c->n));
	check("fdt_getprop_reg_count", want->count,
	      fdt_getprop_reg_count(c->b.fdt, c->parent, c->node, TARGET));
	check("fdt_getprop_reg", want->get,
	      fdt_getprop_reg(c->b.fdt, c->parent, c->node, TARGET, c->index,
			      &address, &size));
	if ((address == UNTOUCHED && size == UNTOUCHED) != (want->get != OK))
		FAIL("fdt_getprop_reg() wrote its results on failure, or not "
		     "on success");
	check_same(&before, &c->b);
	free_blob(&before);
}

static void check_writer(const struct call *c, const struct errors *want,
			 const struct writer *w)
{
	struct blob b = copy_blob(&c->b);
	int err = w->append ? want->append : want->set;

	check(w->name, err,
	      w->write(b.fdt, c->parent, c->node, TARGET, c->regs, c->n));
	if (err != OK)
		check_same(&c->b, &b);
	free_blob(&b);
}

static void test_row(int i)
{
	struct call c = call();
	int w;

	context("%s", rows[i].what);
	if (rows[i].prepare)
		rows[i].prepare(&c);
	start(&c);
	if (rows[i].damage)
		rows[i].damage(&c);

	check_readers(&c, &rows[i].want);
	for (w = 0; w < WRITERS; w++)
		if (!(rows[i].arrays_only && writers[w].single))
			check_writer(&c, &rows[i].want, &writers[w]);
	free_blob(&c.b);
}

/* The old bytes count: they and n entries are beyond INT_MAX */
static void test_old_and_new_beyond_int_max(void)
{
	struct call c = call();

	context("16 bytes and INT_MAX / 16 entries");
	too_many_by_1_entry(&c);
	start(&c);
	check_err("fdt_appendprop_reg_array", -FDT_ERR_BADVALUE,
		  fdt_appendprop_reg_array(c.b.fdt, c.parent, c.node, TARGET,
					   c.regs, c.n));
	free_blob(&c.b);
}

/* The values count first, however much too small the tree is */
static void test_bad_value_in_array_larger_than_tree(void)
{
	static struct fdt_reg regs[1000];
	struct call c = call();
	int w;

	c.n = ARRAY_SIZE(regs);
	for (w = 0; w < WRITERS; w++) {
		if (writers[w].single)
			continue;
		context("%s, %d entries", writers[w].name, c.n);
		regs[c.n - 1].size = 0;
		check_refused(&writers[w], &c.s, regs, c.n, -FDT_ERR_NOSPACE);
		context("%s, %d entries, the last one wraps",
			writers[w].name, c.n);
		regs[c.n - 1].address = UINT64_MAX;
		regs[c.n - 1].size = 2;
		check_refused(&writers[w], &c.s, regs, c.n,
			      -FDT_ERR_BADVALUE);
	}
}

/* The parent's cells: all numbers and lengths but the good ones */
static void test_bad_cells(void)
{
	static const struct errors bad = ALL(FDT_ERR_BADNCELLS);
	static const uint8_t numbers[][4] = {
		{ 0, 0, 0, 0 }, { 0, 0, 0, 5 }, { 0, 0, 0, 6 },
		{ 0, 0, 0, 0xff }, { 0, 0, 1, 1 }, { 0, 1, 0, 1 },
		{ 1, 0, 0, 1 }, { 0x80, 0, 0, 1 }, { 0xff, 0xff, 0xff, 0xff },
	};
	int i, size, w;

	for (size = 0; size <= 1; size++) {
		for (i = size; i < ARRAY_SIZE(numbers); i++) {
			struct call c = call();

			context("%s is number %d of the list",
				size ? "#size-cells" : "#address-cells", i);
			memcpy(size ? c.s.sc : c.s.ac, numbers[i], 4);
			start(&c);
			check_readers(&c, &bad);
			for (w = 0; w < WRITERS; w++)
				check_writer(&c, &bad, &writers[w]);
			free_blob(&c.b);
		}
		for (i = 0; i <= 8; i++) {
			struct call c = call();

			if (i == 4)
				continue;
			context("%s has %d bytes",
				size ? "#size-cells" : "#address-cells", i);
			/* 1 and 1, so that any reading of it looks good */
			memcpy(size ? c.s.sc : c.s.ac, "\0\0\0\1\0\0\0\1", 8);
			*(size ? &c.s.sc_len : &c.s.ac_len) = i;
			start(&c);
			check_readers(&c, &bad);
			for (w = 0; w < WRITERS; w++)
				check_writer(&c, &bad, &writers[w]);
			free_blob(&c.b);
		}
	}
}

int main(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		test_row(i);
	test_old_and_new_beyond_int_max();
	test_bad_value_in_array_larger_than_tree();
	test_bad_cells();
	PASS();
}
