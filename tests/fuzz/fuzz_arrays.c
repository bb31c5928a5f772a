// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Arrays of numbers against the plainest code that gives the answer: entries
 * of reg properties, lists of ranges, the ELF core header.
 */
#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_reg.h"
#include "blob/check.h"
#include "kexec/elfcore.h"
#include "kexec/ranges.h"
#include "edit/regs.h"
#include "fuzz.h"

#define MAX_ENTRIES 16
#define N_CELLS 4

/* Wide enough for every sum of two numbers of 64 bits */
typedef unsigned __int128 wide;

static const wide top = (wide)1 << 64;

static int make_regs(struct input *in, struct fdt_reg *regs)
{
	int n = in_byte(in) % MAX_ENTRIES, i;

	for (i = 0; i < n; i++) {
		regs[i].address = in_number(in);
		regs[i].size = in_number(in);
	}
	return n;
}

/* Most significant byte first; whether it fits into so many cells */
static int put_number(uint8_t *p, uint64_t value, int cells)
{
	int i;

	for (i = 4 * cells - 1; i >= 0; i--) {
		p[i] = (uint8_t)value;
		value >>= 8;
	}
	return !value;
}

static int encode_plainly(const struct fdt_reg *regs, int n, int ac, int sc,
			  uint8_t *to)
{
	wide limit = ac == 1 ? (wide)1 << 32 : top;
	int i, good = 1;

	for (i = 0; i < n; i++) {
		good &= put_number(to, regs[i].address, ac);
		to += 4 * ac;
		good &= put_number(to, regs[i].size, sc);
		to += 4 * sc;
		good &= (wide)regs[i].address + regs[i].size <= limit;
	}
	return good ? 0 : -FDT_ERR_BADVALUE;
}

static void encode(struct input *in)
{
	struct fdt_reg regs[MAX_ENTRIES], *exact;
	uint8_t cells = in_byte(in);
	int ac = 1 + cells % N_CELLS, sc = cells / N_CELLS % (N_CELLS + 1);
	int n = make_regs(in, regs), err, want;
	size_t len = 4 * (size_t)n * (size_t)(ac + sc);
	uint8_t *ours = fresh(len), *plain = fresh(len);

	exact = copy_of(regs, (size_t)n * sizeof(*regs));
	want = encode_plainly(regs, n, ac, sc, plain);
	err = fdtx_encode_regs(exact, n, ac, sc, ours);
	if (err != want)
		broken("%d entries of %d and %d cells: %d, not %d", n, ac, sc,
		       err, want);
	if (!err && memcmp(ours, plain, len))
		broken("%d entries of %d and %d cells: other bytes", n, ac, sc);
	free(exact);
	free(ours);
	free(plain);
}

/* Up to 16 bytes; whether it is less than 2^64 */
static int get_number(const uint8_t *p, int cells, uint64_t *valuep)
{
	wide value = 0;
	int i;

	for (i = 0; i < 4 * cells; i++)
		value = value << 8 | p[i];
	*valuep = (uint64_t)value;
	return value < top;
}

static int decode_plainly(const uint8_t *p, int len, int ac, int sc,
			  struct fdt_reg *regs, int max)
{
	int entry = 4 * (ac + sc), i, good = 1;

	if (len % entry)
		return -FDT_ERR_BADVALUE;
	for (i = 0; i < len / entry && i < max; i++, p += entry) {
		good &= get_number(p, ac, &regs[i].address);
		good &= get_number(p + 4 * ac, sc, &regs[i].size);
		good &= (wide)regs[i].address + regs[i].size <= top;
	}
	return good ? len / entry : -FDT_ERR_BADVALUE;
}

static void decode(struct input *in)
{
	uint8_t cells = in_byte(in), short_by = in_byte(in);
	int ac = 1 + cells % N_CELLS, sc = cells / N_CELLS % (N_CELLS + 1);
	struct fdt_reg plain[256], *ours;
	const uint8_t *p;
	int max, got, want;
	size_t len, left;
	void *exact;

	p = in_bytes(in, 1020, &left);
	len = left - (short_by & 0x80 ? left % (4 * (size_t)(ac + sc)) : 0);
	max = short_by & 0x40 ? short_by & 15 : 255;
	exact = copy_of(p, len);
	ours = fresh((size_t)max * sizeof(*ours));
	want = decode_plainly(p, (int)len, ac, sc, plain, max);
	got = fdtx_decode_regs(exact, (int)len, ac, sc, ours, max);
	if (got != want)
		broken("%zu bytes of %d and %d cells: %d, not %d", len, ac, sc,
		       got, want);
	if (got > 0 && memcmp(ours, plain, sizeof(*ours) *
			      (size_t)(got < max ? got : max)))
		broken("%zu bytes of %d and %d cells: other entries", len, ac,
		       sc);
	free(ours);
	free(exact);
}

/* In a tree: the fast way writes what the functions of fdt_reg.h write */
static void write_in_tree(struct input *in)
{
	struct fdt_reg regs[MAX_ENTRIES];
	uint8_t how = in_byte(in), depth = in_byte(in) % 8;
	const char *name = prop_name(in_byte(in));
	int n = make_regs(in, regs), node = 0, parent = 0, err, want;
	struct fdtx_fault fault;
	size_t size;
	void *fdt = in_blob(in, &size), *ours, *plain;

	if (fdtx_check(fdt, size, &fault)) {
		free(fdt);
		return;
	}
	ours = opened(fdt, how & 0x7c);
	plain = opened(fdt, how & 0x7c);
	free(fdt);
	for (; depth && node >= 0; depth--) {
		parent = node;
		node = fdt_next_node(ours, node, NULL);
	}
	if (node < 0)
		node = parent;
	if (how & 2)
		parent = 0;
	err = fdtx_write_regs(ours, parent, node, name, regs, n, how & 1);
	want = how & 1 ?
	       fdt_appendprop_reg_array(plain, parent, node, name, regs, n) :
	       fdt_setprop_reg_array(plain, parent, node, name, regs, n);
	if (err != want)
		broken("%s: %d, not %d", name, err, want);
	if (fdt_totalsize(ours) != fdt_totalsize(plain) ||
	    memcmp(ours, plain, fdt_off_dt_strings(ours) +
		   fdt_size_dt_strings(ours)))
		broken("%s: other bytes", name);
	free(ours);
	free(plain);
}

/* Ascending by construction: gap, size, gap, size... */
static size_t make_ranges(struct input *in, uint64_t *a)
{
	size_t n = in_byte(in) % MAX_ENTRIES, i;
	wide at = 0;

	for (i = 0; i < n; i++) {
		at += in_number(in);
		a[2 * i] = (uint64_t)at;
		a[2 * i + 1] = in_number(in);
		if (!a[2 * i + 1])
			a[2 * i + 1] = 1;
		if (at >= top)
			break;
		if (at + a[2 * i + 1] > top)
			a[2 * i + 1] = (uint64_t)(top - at);
		at += a[2 * i + 1];
	}
	return i;
}

static size_t check_plainly(const uint64_t *a, size_t n, int ordered)
{
	wide end = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		wide start = a[2 * i];

		if (!a[2 * i + 1] || start + a[2 * i + 1] > top ||
		    (ordered && start < end))
			break;
		end = start + a[2 * i + 1];
	}
	return i;
}

struct pieces {
	uint64_t a[8 * MAX_ENTRIES];
	size_t n;
};

static void add_piece(struct pieces *to, wide start, wide end)
{
	to->a[2 * to->n] = (uint64_t)start;
	to->a[2 * to->n++ + 1] = (uint64_t)(end - start);
}

static void exclude_plainly(const uint64_t *a, size_t na, const uint64_t *b,
			    size_t nb, struct pieces *out)
{
	size_t i, k;

	for (i = 0; i < na; i++) {
		wide at = a[2 * i], end = at + a[2 * i + 1];

		for (k = 0; k < nb; k++) {
			wide from = b[2 * k], to = from + b[2 * k + 1];

			if (to <= at || from >= end)
				continue;
			if (from > at)
				add_piece(out, at, from);
			at = to;
		}
		if (at < end)
			add_piece(out, at, end);
	}
}

static void intersect_plainly(const uint64_t *a, size_t na, const uint64_t *b,
			      size_t nb, struct pieces *out)
{
	size_t i, k;

	for (i = 0; i < na; i++) {
		for (k = 0; k < nb; k++) {
			wide start = a[2 * i], end = start + a[2 * i + 1];
			wide from = b[2 * k], to = from + b[2 * k + 1];

			if (from > start)
				start = from;
			if (to < end)
				end = to;
			if (start < end)
				add_piece(out, start, end);
		}
	}
}

/* The smallest start first, whatever list it is in */
static void merge_plainly(const uint64_t *a, size_t na, const uint64_t *b,
			  size_t nb, struct pieces *out)
{
	size_t i = 0, k = 0;
	wide start = 0, end = 0;
	int open = 0;

	while (i < na || k < nb) {
		const uint64_t *next = k == nb || (i < na && a[2 * i] <
						   b[2 * k]) ?
				       a + 2 * i++ : b + 2 * k++;

		if (open && next[0] > end)
			add_piece(out, start, end);
		if (!open || next[0] > end) {
			start = next[0];
			end = start;
			open = 1;
		}
		if ((wide)next[0] + next[1] > end)
			end = (wide)next[0] + next[1];
	}
	if (open && end - start == top) {
		add_piece(out, 0, top / 2);
		add_piece(out, top / 2, top);
	} else if (open) {
		add_piece(out, start, end);
	}
}

typedef size_t algebra(const uint64_t *a, size_t na, const uint64_t *b,
		       size_t nb, uint64_t *out);

static void compare(const char *what, algebra *ours, const struct pieces *want,
		    const uint64_t *a, size_t na, const uint64_t *b, size_t nb)
{
	uint64_t *out = fresh((na + nb) * 16), total = 0;
	size_t n = ours(a, na, b, nb, out), i;

	if (n != want->n || memcmp(out, want->a, n * 16))
		broken("%s: %zu other ranges, or not %zu", what, n, want->n);
	for (i = 0; i < n; i++)
		total += out[2 * i + 1];
	if (fdtx_ranges_total(out, n) != total)
		broken("%s: another total", what);
	free(out);
}

static void ranges(struct input *in)
{
	uint64_t a[2 * MAX_ENTRIES], b[2 * MAX_ENTRIES], *exact_a, *exact_b;
	size_t na = make_ranges(in, a), nb = make_ranges(in, b);
	struct pieces want;

	exact_a = copy_of(a, na * 16);
	exact_b = copy_of(b, nb * 16);
	if (fdtx_ranges_check(exact_a, na) != na ||
	    fdtx_ranges_sound(exact_b, nb) != nb)
		broken("sound ranges are refused");
	want.n = 0;
	exclude_plainly(a, na, b, nb, &want);
	compare("exclude", fdtx_ranges_exclude, &want, exact_a, na, exact_b,
		nb);
	want.n = 0;
	intersect_plainly(a, na, b, nb, &want);
	compare("intersect", fdtx_ranges_intersect, &want, exact_a, na,
		exact_b, nb);
	want.n = 0;
	merge_plainly(a, na, b, nb, &want);
	compare("merge", fdtx_ranges_merge, &want, exact_a, na, exact_b, nb);
	free(exact_a);
	free(exact_b);
}

static void any_ranges(struct input *in)
{
	struct fdt_reg regs[MAX_ENTRIES];
	uint64_t a[2 * MAX_ENTRIES], *exact;
	size_t n = (size_t)make_regs(in, regs), i;

	for (i = 0; i < n; i++) {
		a[2 * i] = regs[i].address;
		a[2 * i + 1] = regs[i].size;
	}
	exact = copy_of(a, n * 16);
	if (fdtx_ranges_check(exact, n) != check_plainly(a, n, 1) ||
	    fdtx_ranges_sound(exact, n) != check_plainly(a, n, 0))
		broken("another judgement of %zu ranges", n);
	free(exact);
}

/* A header as it comes to be: bytes, in one order or the other */
struct writer {
	uint8_t *p;
	int wide, big, bad;
};

static void put(struct writer *w, uint64_t value, int bytes)
{
	int i;

	for (i = 0; i < bytes; i++)
		*w->p++ = (uint8_t)(value >> 8 * (w->big ? bytes - 1 - i : i));
}

static void put_segment(struct writer *w, uint32_t type, uint32_t flags,
			uint64_t offset, uint64_t vaddr, uint64_t paddr,
			uint64_t size)
{
	int word = w->wide ? 8 : 4;

	if (!w->wide) {
		w->bad |= offset > UINT32_MAX || paddr > UINT32_MAX ||
			  size > UINT32_MAX;
		w->bad |= type == PT_NOTE && (paddr + size > 1ULL << 32 ||
					      offset + size > 1ULL << 32);
	}
	put(w, type, 4);
	if (w->wide)
		put(w, flags, 4);
	put(w, offset, word);
	put(w, vaddr, word);
	put(w, paddr, word);
	put(w, size, word);
	put(w, size, word);
	if (!w->wide)
		put(w, flags, 4);
	put(w, 0, word);
}

static void put_header(struct writer *w, const struct fdtx_elfcore *core,
		       size_t count)
{
	int word = w->wide ? 8 : 4;

	memcpy(w->p, "\177ELF", 4);
	w->p[4] = w->wide ? 2 : 1;
	w->p[5] = w->big ? 2 : 1;
	w->p[6] = 1;
	memset(w->p + 7, 0, 9);
	w->p += 16;
	put(w, 4, 2);
	put(w, core->machine, 2);
	put(w, 1, 4);
	put(w, 0, word);
	put(w, w->wide ? 64 : 52, word);
	put(w, 0, word);
	put(w, 0, 4);
	put(w, w->wide ? 64 : 52, 2);
	put(w, w->wide ? 56 : 32, 2);
	put(w, count, 2);
	put(w, 0, 6);
}

static void put_loads(struct writer *w, const struct fdtx_elfcore *core)
{
	size_t i, k;

	for (i = 0; i < core->nr_loads; i++) {
		uint64_t start = core->loads[2 * i];
		uint64_t size = core->loads[2 * i + 1], offset = start;
		wide end = (wide)start + size;

		for (k = 0; k < core->nr_backups; k++) {
			const uint64_t *copy = core->backups + 3 * k;

			if (start >= copy[0] && start < (wide)copy[0] + copy[1])
				offset = copy[2] + (start - copy[0]);
		}
		put_segment(w, PT_LOAD, 7, offset, end - 1 > core->virt_last ?
			    UINT64_MAX : start + core->virt_offset, start,
			    size);
	}
}

static void elfcore(struct input *in)
{
	uint64_t notes[2 * MAX_ENTRIES], loads[2 * MAX_ENTRIES], text[3];
	uint64_t backups[3];
	struct fdt_reg regs[MAX_ENTRIES];
	struct fdtx_elfcore core = { .notes = notes, .loads = loads };
	uint8_t how = in_byte(in);
	struct writer w;
	size_t size, bad, i;
	uint8_t *ours, *plain;
	int err;

	core.elf_class = how & 1 ? FDTX_ELFCLASS64 : FDTX_ELFCLASS32;
	core.elf_data = how & 2 ? FDTX_ELFDATA2MSB : FDTX_ELFDATA2LSB;
	core.machine = in_byte(in);
	core.nr_notes = (size_t)make_regs(in, regs);
	for (i = 0; i < core.nr_notes; i++) {
		notes[2 * i] = regs[i].address;
		notes[2 * i + 1] = regs[i].size;
	}
	core.nr_loads = make_ranges(in, loads);
	core.virt_offset = in_number(in);
	core.virt_last = in_number(in);
	if (how & 4) {
		for (i = 0; i < 3; i++)
			text[i] = in_number(in);
		core.text = text;
	}
	/* No load crosses the border of a copy: it is the first load's */
	if (how & 8 && core.nr_loads) {
		backups[0] = loads[0];
		backups[1] = loads[1];
		backups[2] = in_number(in);
		core.backups = backups;
		core.nr_backups = 1;
	}
	size = fdtx_elfcore_length(core.elf_class, core.nr_notes +
				   !!core.text + core.nr_loads);
	if (size != (how & 1 ? 64 : 52) + (core.nr_notes + !!core.text +
					   core.nr_loads) * (how & 1 ? 56 : 32))
		broken("the header has %zu bytes", size);
	ours = fresh(size + (how >> 4));
	plain = fresh(size + (how >> 4));
	w = (struct writer){ plain, how & 1, !!(how & 2), 0 };
	put_header(&w, &core, core.nr_notes + !!core.text + core.nr_loads);
	for (i = 0; i < core.nr_notes; i++)
		put_segment(&w, PT_NOTE, 0, notes[2 * i], 0, notes[2 * i],
			    notes[2 * i + 1]);
	if (core.text)
		put_segment(&w, PT_LOAD, 7, text[0], text[2], text[0],
			    text[1]);
	put_loads(&w, &core);
	memset(w.p, 0, how >> 4);
	err = fdtx_elfcore_fill(&core, ours, size + (how >> 4), &bad);
	if (err != (w.bad ? -FDT_ERR_BADVALUE : 0))
		broken("core header: %d, segment %zu", err, bad);
	if (!err && memcmp(ours, plain, size + (how >> 4)))
		broken("core header: other bytes");
	if (size && fdtx_elfcore_fill(&core, ours, size - 1, &bad) !=
	    -FDT_ERR_NOSPACE)
		broken("core header: one byte too few is enough");
	free(ours);
	free(plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const ways[])(struct input *) = {
		encode, decode, write_in_tree, ranges, any_ranges, elfcore,
	};
	struct input in = { data, size };

	ways[in_byte(&in) % (sizeof(ways) / sizeof(*ways))](&in);
	return 0;
}
