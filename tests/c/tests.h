/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef TESTS_H
#define TESTS_H
/*
 * Test programs for the (address, size) helpers of libfdt. Each prints one
 * line, "PASS" or what went wrong, and says the same with its exit code.
 *
 * Trees are put together byte by byte in testutils.c, without libfdt, both
 * those that go into a function and those that must come out of it.
 */
#include <stddef.h>
#include <stdint.h>

#include <libfdt.h>

#include "fdt_reg.h"

#define RC_PASS		0
#define RC_CONFIG	1	/* the test cannot run here */
#define RC_FAIL		2	/* the code under test is wrong */
#define RC_BUG		99	/* the test itself is wrong */

#define PASS()		finish(RC_PASS, "PASS", NULL)
#define CONFIG(...)	finish(RC_CONFIG, "CONFIG", __VA_ARGS__)
#define FAIL(...)	finish(RC_FAIL, "FAIL", __VA_ARGS__)
#define BUG(...)	finish(RC_BUG, "BUG", __VA_ARGS__)

#define ARRAY_SIZE(a)	((int)(sizeof(a) / sizeof((a)[0])))

#define MISSING		-1	/* in place of a length: no such property */

/* The name of the property that every test writes or reads */
#define TARGET		"crash-areas"

/* Places between the tags of the sample where an FDT_NOP may stand */
#define GAPS		16
#define NOP_EVERYWHERE	((1u << GAPS) - 1)

/*
 * The sample tree, in bytes of the caller's choice:
 *
 *	/ {
 *		#address-cells, #size-cells: @ac, @sc
 *		model = "m";
 *		bus { #address-cells = <3>; #size-cells = <0>; };
 *		dev {
 *			before = <>;
 *			#address-cells = <1>; #size-cells = <1>;
 *			TARGET: @val
 *			after = "abc";
 *			leaf { };
 *		};
 *		last { tail = "z"; };
 *	};
 */
struct sample {
	uint8_t ac[8], sc[8];
	int ac_len, sc_len;	/* or MISSING */
	const void *val;
	int val_len;		/* or MISSING */
	int front;		/* TARGET is the first property of dev */
	int known;		/* TARGET is in the middle of the strings
				 * block, even if no property has that name;
				 * else at its end, if needed */
	unsigned int nops;	/* bit n: an FDT_NOP in gap n */
	uint32_t version, last_comp;
	const char *order;	/* of the blocks: m(emory reservations),
				 * t(ree structure), s(trings) */
	size_t slack;		/* bytes of free space at the end */
};

struct blob {
	uint8_t *fdt;		/* exactly size bytes, from malloc() */
	size_t size;
	size_t live;		/* bytes in front of the free space */
	int root, bus, dev, leaf;	/* offsets of nodes */
};

/* The four functions that write, behind one prototype */
struct writer {
	const char *name;
	int append;
	int single;		/* n must be 1 */
	int (*write)(void *fdt, int parent, int nodeoffset, const char *name,
		     const struct fdt_reg *regs, int n);
};

#define WRITERS		4
extern const struct writer writers[WRITERS];

/* printf-like: what is being tried, for the message of a failure */
void context(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void finish(int rc, const char *verdict, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

void *xmalloc(size_t len);

/* A sample with the given cells (MISSING: no property) and nothing special */
struct sample sample(int ac, int sc);
struct blob assemble(const struct sample *s);
struct blob copy_blob(const struct blob *b);
void free_blob(struct blob *b);

/* Overwrite one big-endian number of a blob */
void poke32(struct blob *b, size_t offset, uint32_t value);
uint32_t peek32(const struct blob *b, size_t offset);

/* The bytes of n entries; returns their number */
int encode(uint8_t *out, const struct fdt_reg *regs, int n, int ac, int sc);
/* n entries that fit, from a fixed sequence of pseudo-random numbers */
void some_regs(struct fdt_reg *regs, int n, int ac, int sc);

void check_err(const char *function, int want, int got);
/* All live bytes of both are the same */
void check_same(const struct blob *want, const struct blob *got);

/*
 * Run a writer on the sample and compare the whole tree with the one it must
 * give: TARGET has the given value; if it is new it comes first in dev, and
 * its name, unless known, last in the strings block. The free space is
 * @s->slack bytes more than the need.
 */
void check_write(const struct writer *w, const struct sample *s,
		 const struct fdt_reg *regs, int n,
		 const void *want, int want_len);
/* Run a writer that must fail and leave every live byte as it was */
void check_refused(const struct writer *w, const struct sample *s,
		   const struct fdt_reg *regs, int n, int want_err);

/* Bytes by which setting TARGET to len bytes makes the sample larger, or 0 */
size_t need(const struct sample *s, int len);

#endif /* TESTS_H */
