// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * twins SEED FIRST COUNT - blobs FIRST to FIRST + COUNT - 1 of a seed, judged
 * by the walk with and without its fast paths: answer, cause, offset and facts
 * must be the same. Prints how often each answer was met.
 *
 * twins --write SEED FIRST COUNT - the blobs themselves on the standard output,
 * each behind its length (32 bits, big-endian).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/common_interface_defs.h>

#include "generate.h"
#include "judge.h"

struct answer {
	int err;
	struct fdtx_fault fault;
	struct fdtx_facts facts;
};

static const struct {
	const char *name;
	judge_fn *judge;
	int facts;
} twin[] = {
	{ "the fast walk", judge_fast, 1 },
	{ "the fast walk without facts", judge_fast, 0 },
	{ "the fast walk without vectors", judge_plain, 1 },
};

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

#define MAX_CAUSES 64

/* How often each cause was met, and what accepted blobs had */
static struct {
	const char *cause;
	unsigned long n;
} refused[MAX_CAUSES];

static struct {
	unsigned long all, odd_end, version_16, nops, dirty, child, deepest;
} accepted;

static uint64_t seed, number;

static void say_which(void)
{
	fprintf(stderr, "in blob %" PRIu64 " of seed %" PRIu64 "\n", number,
		seed);
}

static void no(const char *what)
{
	fprintf(stderr, "%s\n", what);
	say_which();
	exit(1);
}

/* Levels of a sound tree */
static uint32_t depth_of(const char *fdt, uint32_t pos)
{
	uint32_t depth = 0, deepest = 0, tag;

	while ((tag = fdtx_word(fdt, pos)) != FDT_END) {
		pos += FDT_TAGSIZE;
		if (tag == FDT_BEGIN_NODE) {
			pos += fdtx_tag_align((uint32_t)strlen(fdt + pos) + 1);
			depth++;
		} else if (tag == FDT_PROP) {
			pos += 2 * FDT_TAGSIZE +
			       fdtx_tag_align(fdtx_word(fdt, pos));
		} else if (tag == FDT_END_NODE) {
			depth--;
		}
		if (depth > deepest)
			deepest = depth;
	}
	return deepest;
}

static void count(const struct answer *a, const void *fdt)
{
	size_t i;

	if (!a->err) {
		uint32_t end = fdt_version(fdt) >= 17 ?
			       fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt) :
			       fdt_totalsize(fdt);

		accepted.all++;
		accepted.odd_end += end % FDT_TAGSIZE != 0;
		accepted.version_16 += fdt_version(fdt) == 16;
		accepted.nops += a->facts.nops != 0;
		accepted.dirty += a->facts.dirty.start != 0;
		accepted.child += a->facts.child != 0;
		accepted.deepest += depth_of(fdt, fdt_off_dt_struct(fdt)) ==
				    FDTX_MAX_DEPTH;
		return;
	}
	for (i = 0; i < MAX_CAUSES; i++) {
		if (!refused[i].cause)
			refused[i].cause = a->fault.cause;
		if (!strcmp(refused[i].cause, a->fault.cause)) {
			refused[i].n++;
			return;
		}
	}
	no("too many causes");
}

static struct answer ask(judge_fn *judge, const void *fdt, size_t size,
			 int with_facts)
{
	struct answer a = { 0, { NULL, 0 }, { { 0, 0 }, { 0, 0 }, { 0, 0 }, 0,
					      0, { 0, 0 } } };

	a.err = judge(fdt, size, &a.fault, with_facts ? &a.facts : NULL);
	return a;
}

static int same(const struct answer *a, const struct answer *b, int facts)
{
	if (a->err != b->err)
		return 0;
	if (a->err)
		return !strcmp(a->fault.cause, b->fault.cause) &&
		       a->fault.offset == b->fault.offset;
	return !facts || !memcmp(&a->facts, &b->facts, sizeof(a->facts));
}

static void show(const char *who, const struct answer *a)
{
	const struct fdtx_facts *f = &a->facts;

	fprintf(stderr, "%s: %s", who, a->err ? fdt_strerror(a->err) : "sound");
	if (a->err)
		fprintf(stderr, ", %s, at %u\n", a->fault.cause,
			a->fault.offset);
	else
		fprintf(stderr,
			", tree %u-%u, child %u, nops %u, dirty %u-%u\n",
			f->tree.start, f->tree.end, f->child, f->nops,
			f->dirty.start, f->dirty.end);
}

static void compare(const void *fdt, size_t size)
{
	struct answer rule = ask(judge_slow, fdt, size, 1);
	size_t i;

	if (rule.err && rule.fault.offset > size)
		no("the fault lies behind the data");
	for (i = 0; i < N_OF(twin); i++) {
		struct answer a = ask(twin[i].judge, fdt, size, twin[i].facts);

		if (same(&rule, &a, twin[i].facts))
			continue;
		show("the rule", &rule);
		show(twin[i].name, &a);
		no("they differ");
	}
	count(&rule, fdt);
}

static void write_blob(const void *fdt, size_t size)
{
	fdt32_t be = cpu_to_fdt32((uint32_t)size);

	if (fwrite(&be, sizeof(be), 1, stdout) != 1 ||
	    fwrite(fdt, 1, size, stdout) != size)
		no("cannot write");
}

/* In memory of exactly its size, so that a sanitizer sees each byte too far */
static void with_blob(void (*use)(const void *fdt, size_t size))
{
	static union {
		uint64_t align;
		unsigned char byte[LONGEST];
	} room;
	unsigned int skew;
	size_t size = generate(seed, number, room.byte, &skew);
	unsigned char *exact = malloc(size + skew);

	if (!exact)
		no("out of memory");
	memcpy(exact + skew, room.byte, size);
	use(exact + skew, size);
	free(exact);
}

static void report(void)
{
	size_t i;

	printf("%lu\taccepted\n", accepted.all);
	printf("%lu\taccepted, odd end\n", accepted.odd_end);
	printf("%lu\taccepted, version 16\n", accepted.version_16);
	printf("%lu\taccepted, with FDT_NOP\n", accepted.nops);
	printf("%lu\taccepted, not canonical\n", accepted.dirty);
	printf("%lu\taccepted, with the child\n", accepted.child);
	printf("%lu\taccepted, as deep as can be\n", accepted.deepest);
	for (i = 0; i < MAX_CAUSES && refused[i].cause; i++)
		printf("%lu\t%s\n", refused[i].n, refused[i].cause);
}

int main(int argc, char **argv)
{
	int writes = argc > 1 && !strcmp(argv[1], "--write");
	uint64_t end;

	if (argc != 4 + writes) {
		fprintf(stderr, "usage: %s [--write] SEED FIRST COUNT\n",
			argv[0]);
		return 2;
	}
	argv += writes;
	seed = strtoull(argv[1], NULL, 0);
	number = strtoull(argv[2], NULL, 0);
	end = number + strtoull(argv[3], NULL, 0);
	__sanitizer_set_death_callback(say_which);
	for (; number < end; number++)
		with_blob(writes ? write_blob : compare);
	if (!writes)
		report();
	return 0;
}
