// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * What the test programs share: verdicts, an assembler for one sample tree,
 * an encoder of (address, size) entries, comparisons
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests.h"

#define HEADER_LEN	40
#define V16_HEADER_LEN	36

static char doing[256];

void context(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(doing, sizeof(doing), fmt, ap);
	va_end(ap);
}

void finish(int rc, const char *verdict, const char *fmt, ...)
{
	va_list ap;

	fputs(verdict, stdout);
	if (fmt) {
		fputs("\t", stdout);
		if (doing[0])
			printf("%s: ", doing);
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
	}
	fputs("\n", stdout);
	exit(rc);
}

void *xmalloc(size_t len)
{
	void *p = malloc(len ? len : 1);

	if (!p)
		CONFIG("no memory for %lu bytes", (unsigned long)len);
	return p;
}

/* ---- writers ---- */

static int set_one(void *fdt, int parent, int nodeoffset, const char *name,
		   const struct fdt_reg *regs, int n)
{
	if (n != 1)
		BUG("fdt_setprop_reg() takes one entry, not %d", n);
	return fdt_setprop_reg(fdt, parent, nodeoffset, name,
			       regs->address, regs->size);
}

static int append_one(void *fdt, int parent, int nodeoffset, const char *name,
		      const struct fdt_reg *regs, int n)
{
	if (n != 1)
		BUG("fdt_appendprop_reg() takes one entry, not %d", n);
	return fdt_appendprop_reg(fdt, parent, nodeoffset, name,
				  regs->address, regs->size);
}

const struct writer writers[WRITERS] = {
	{ "fdt_setprop_reg", 0, 1, set_one },
	{ "fdt_setprop_reg_array", 0, 0, fdt_setprop_reg_array },
	{ "fdt_appendprop_reg", 1, 1, append_one },
	{ "fdt_appendprop_reg_array", 1, 0, fdt_appendprop_reg_array },
};

/* ---- the assembler ---- */

struct bytes {
	uint8_t *p;
	size_t len, room;
};

static void put(struct bytes *b, const void *data, size_t len)
{
	if (b->len + len > b->room) {
		b->room = 2 * (b->len + len) + 64;
		b->p = realloc(b->p, b->room);
		if (!b->p)
			CONFIG("no memory for %lu bytes",
			       (unsigned long)b->room);
	}
	if (len)
		memcpy(b->p + b->len, data, len);
	b->len += len;
}

static void put32(struct bytes *b, uint32_t value)
{
	uint8_t cell[4];

	cell[0] = (uint8_t)(value >> 24);
	cell[1] = (uint8_t)(value >> 16);
	cell[2] = (uint8_t)(value >> 8);
	cell[3] = (uint8_t)value;
	put(b, cell, sizeof(cell));
}

static void put_padding(struct bytes *b)
{
	while (b->len % 4)
		put(b, "", 1);
}

struct assembler {
	struct bytes tree, strings;
	unsigned int nops;
	int gap;
};

/* Where the name stands in the strings block; it is added if needed */
static uint32_t string(struct assembler *a, const char *name)
{
	size_t pos = 0;

	while (pos < a->strings.len) {
		const char *s = (const char *)a->strings.p + pos;

		if (!strcmp(s, name))
			return (uint32_t)pos;
		pos += strlen(s) + 1;
	}
	put(&a->strings, name, strlen(name) + 1);
	return (uint32_t)pos;
}

static void gap(struct assembler *a)
{
	if (a->nops & (1u << a->gap++))
		put32(&a->tree, 4);	/* FDT_NOP */
}

static int begin(struct assembler *a, const char *name)
{
	size_t pos = a->tree.len;

	put32(&a->tree, 1);	/* FDT_BEGIN_NODE */
	put(&a->tree, name, strlen(name) + 1);
	put_padding(&a->tree);
	return (int)pos;
}

static void end(struct assembler *a)
{
	put32(&a->tree, 2);	/* FDT_END_NODE */
}

static void prop(struct assembler *a, const char *name, const void *val,
		 int len)
{
	if (len == MISSING)
		return;
	put32(&a->tree, 3);	/* FDT_PROP */
	put32(&a->tree, (uint32_t)len);
	put32(&a->tree, string(a, name));
	put(&a->tree, val, (size_t)len);
	put_padding(&a->tree);
}

struct sample sample(int ac, int sc)
{
	struct sample s;

	memset(&s, 0, sizeof(s));
	s.ac[3] = (uint8_t)ac;
	s.sc[3] = (uint8_t)sc;
	s.ac_len = ac == MISSING ? MISSING : 4;
	s.sc_len = sc == MISSING ? MISSING : 4;
	s.val_len = MISSING;
	s.version = 17;
	s.last_comp = 16;
	s.order = "mts";
	return s;
}

static void tree(struct assembler *a, const struct sample *s, struct blob *b)
{
	gap(a);
	b->root = begin(a, "");
	gap(a);
	prop(a, "#address-cells", s->ac, s->ac_len);
	gap(a);
	prop(a, "#size-cells", s->sc, s->sc_len);
	gap(a);
	prop(a, "model", "m", 2);
	gap(a);

	b->bus = begin(a, "bus");
	gap(a);
	prop(a, "#address-cells", "\0\0\0\3", 4);
	prop(a, "#size-cells", "\0\0\0\0", 4);
	end(a);
	gap(a);

	b->dev = begin(a, "dev");
	if (s->front)
		prop(a, TARGET, s->val, s->val_len);
	gap(a);
	prop(a, "before", "", 0);
	prop(a, "#address-cells", "\0\0\0\1", 4);
	prop(a, "#size-cells", "\0\0\0\1", 4);
	gap(a);
	if (!s->front)
		prop(a, TARGET, s->val, s->val_len);
	gap(a);
	prop(a, "after", "abc", 3);
	gap(a);
	b->leaf = begin(a, "leaf");
	gap(a);
	end(a);
	gap(a);
	end(a);
	gap(a);

	begin(a, "last");
	prop(a, "tail", "z", 2);
	end(a);
	gap(a);
	end(a);
	gap(a);
	put32(&a->tree, 9);	/* FDT_END */
	if (a->gap != GAPS)
		BUG("the sample has %d gaps, not %d", a->gap, GAPS);
}

struct blob assemble(const struct sample *s)
{
	/* 0x70000000 + 0x1000 bytes are reserved; (0, 0) ends the list */
	static const uint8_t reserved[32] = {
		0, 0, 0, 0, 0x70, 0, 0, 0,	0, 0, 0, 0, 0, 0, 0x10, 0,
	};
	struct assembler a;
	struct bytes out = { NULL, 0, 0 };
	uint32_t off_tree = 0, off_strings = 0, off_reserved = 0;
	struct blob b;
	const char *block;

	memset(&a, 0, sizeof(a));
	a.nops = s->nops;
	string(&a, "#address-cells");
	string(&a, "#size-cells");
	string(&a, "model");
	string(&a, "before");
	if (s->known)
		string(&a, TARGET);
	string(&a, "after");
	string(&a, "tail");
	tree(&a, s, &b);

	put(&out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", HEADER_LEN);
	for (block = s->order; *block; block++) {
		if (*block == 'm') {
			while (out.len % 8)
				put(&out, "", 1);
			off_reserved = (uint32_t)out.len;
			put(&out, reserved, sizeof(reserved));
		} else if (*block == 't') {
			put_padding(&out);
			off_tree = (uint32_t)out.len;
			put(&out, a.tree.p, a.tree.len);
		} else {
			off_strings = (uint32_t)out.len;
			put(&out, a.strings.p, a.strings.len);
		}
	}

	b.live = out.len;
	b.size = out.len + s->slack;
	b.fdt = xmalloc(b.size);
	memcpy(b.fdt, out.p, out.len);
	memset(b.fdt + out.len, 0xd5, s->slack);
	poke32(&b, 0, 0xd00dfeed);
	poke32(&b, 4, (uint32_t)b.size);
	poke32(&b, 8, off_tree);
	poke32(&b, 12, off_strings);
	poke32(&b, 16, off_reserved);
	poke32(&b, 20, s->version);
	poke32(&b, 24, s->last_comp);
	poke32(&b, 28, 7);	/* physical id of the boot CPU */
	poke32(&b, 32, (uint32_t)a.strings.len);
	poke32(&b, V16_HEADER_LEN, s->version < 17 ? 0 :
	       (uint32_t)a.tree.len);

	free(out.p);
	free(a.tree.p);
	free(a.strings.p);
	return b;
}

struct blob copy_blob(const struct blob *b)
{
	struct blob c = *b;

	c.fdt = xmalloc(b->size);
	memcpy(c.fdt, b->fdt, b->size);
	return c;
}

void free_blob(struct blob *b)
{
	free(b->fdt);
	b->fdt = NULL;
}

void poke32(struct blob *b, size_t offset, uint32_t value)
{
	int i;

	if (offset + 4 > b->size)
		BUG("no number at %lu", (unsigned long)offset);
	for (i = 0; i < 4; i++)
		b->fdt[offset + (size_t)i] = (uint8_t)(value >> (24 - 8 * i));
}

uint32_t peek32(const struct blob *b, size_t offset)
{
	const uint8_t *p = b->fdt + offset;

	if (offset + 4 > b->size)
		BUG("no number at %lu", (unsigned long)offset);
	return p[0] * 0x1000000u + p[1] * 0x10000u + p[2] * 0x100u + p[3];
}

/* ---- entries ---- */

/* Digit i, from the left, of a number of so many digits to the base 256 */
static uint8_t digit(uint64_t value, int digits, int i)
{
	int weight = digits - 1 - i;

	if (weight > 7)
		return 0;
	return (uint8_t)(value >> (8 * weight));
}

int encode(uint8_t *out, const struct fdt_reg *regs, int n, int ac, int sc)
{
	int len = 0, e, i;

	for (e = 0; e < n; e++) {
		for (i = 0; i < 4 * ac; i++)
			out[len++] = digit(regs[e].address, 4 * ac, i);
		for (i = 0; i < 4 * sc; i++)
			out[len++] = digit(regs[e].size, 4 * sc, i);
	}
	return len;
}

static uint64_t pseudo_random(void)
{
	static uint64_t state = 0x2545f4914f6cdd1d;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void some_regs(struct fdt_reg *regs, int n, int ac, int sc)
{
	uint64_t last = ac == 1 ? 0xffffffff : 0xffffffffffffffff;
	int e;

	for (e = 0; e < n; e++) {
		uint64_t address = pseudo_random() & last;
		uint64_t size = pseudo_random();

		if (sc == 0)
			size = 0;
		else if (sc == 1)
			size &= 0xffffffff;
		if (size > last - address)
			size = last - address;
		regs[e].address = address;
		regs[e].size = size;
	}
}

/* ---- checks ---- */

static const char *err_name(int err)
{
	return err < 0 ? fdt_strerror(err) : "success";
}

void check_err(const char *function, int want, int got)
{
	if (want != got)
		FAIL("%s() returned %d (%s), not %d (%s)", function,
		     got, err_name(got), want, err_name(want));
}

void check_same(const struct blob *want, const struct blob *got)
{
	size_t i;

	if (got->size < want->live)
		BUG("comparing %lu live bytes with a blob of %lu",
		    (unsigned long)want->live, (unsigned long)got->size);
	for (i = 0; i < want->live; i++)
		if (want->fdt[i] != got->fdt[i])
			FAIL("byte %lu of the tree is 0x%02x, not 0x%02x",
			     (unsigned long)i, got->fdt[i], want->fdt[i]);
}

size_t need(const struct sample *s, int len)
{
	size_t name = s->known ? 0 : sizeof(TARGET);
	size_t padded = ((size_t)len + 3) / 4 * 4, old;

	if (s->val_len == MISSING)
		return 12 + padded + name;
	old = ((size_t)s->val_len + 3) / 4 * 4;
	return padded > old ? padded - old : 0;
}

void check_write(const struct writer *w, const struct sample *s,
		 const struct fdt_reg *regs, int n,
		 const void *want, int want_len)
{
	struct sample before = *s, after = *s;
	struct blob b, expected;

	before.slack = need(s, want_len) + s->slack;
	b = assemble(&before);
	check_err(w->name, 0,
		  w->write(b.fdt, b.root, b.dev, TARGET, regs, n));

	after.val = want;
	after.val_len = want_len;
	after.front = s->val_len == MISSING || s->front;
	after.slack = 0;
	expected = assemble(&after);
	/* A value that shrank leaves free space behind */
	poke32(&expected, 4, (uint32_t)b.size);
	check_same(&expected, &b);
	free_blob(&expected);
	free_blob(&b);
}

void check_refused(const struct writer *w, const struct sample *s,
		   const struct fdt_reg *regs, int n, int want_err)
{
	struct blob b = assemble(s), before = copy_blob(&b);

	check_err(w->name, want_err,
		  w->write(b.fdt, b.root, b.dev, TARGET, regs, n));
	check_same(&before, &b);
	free_blob(&before);
	free_blob(&b);
}
