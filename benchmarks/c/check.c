// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The engine's work and, for comparison, the same work in libfdt or in a plain
 * loop, each counted by callgrind under its name: check BLOB ...
 *
 * Linked with plain_mem.c, so that counts do not depend on which memcpy() the
 * C library chooses for the CPU.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "bench.h"
#include "blob/check.h"
#include "kexec/elfcore.h"
#if __has_include("blob/index.h")
#include "blob/index.h"
#define HAVE_INDEX 1
#else
#define HAVE_INDEX 0
#endif

#define RANGES	10000
#define SPARE	4096	/* what the job adds to a blob, and more */

struct input {
	const char *name;
	void *data;
	size_t size;
	void *out;
	int outsize;
};

static struct fdtx_second_kernel job = {
	.cmdline = "console=ttyAMA0,115200 root=/dev/vda1 ro maxcpus=1",
	.cmdline_len = 50,
	.initrd = { 0x6c6b0000, 0x214000 },
	.elfcorehdr = { 0x7abff000, 0x400 },
	.has_kaslr_seed = 1,
	.kaslr_seed = UINT64_C(0x0123456789abcdef),
	.rng_seed = "0123456789abcdef0123456789abcdef",
	.rng_seed_len = 32,
};
static const struct fdt_reg usable[] = {
	{ 0x6ac00000, 0x10000000 }, { 0x50000000, 0x8000000 },
};
static uint64_t notes[2], loads[2 * RANGES];
static unsigned char headers[(RANGES + 8) * 64];

static void die(const char *what, const char *name)
{
	fprintf(stderr, "check: %s: %s\n", name, what);
	exit(1);
}

static void crash_tree(struct input *in)
{
	struct bench_blob blob = { in->data, in->size };

	if (bench_engine(&blob, 1, in->out, (size_t)in->outsize, &job) <= 0)
		die("the engine refuses it", in->name);
}

static void crash_tree_libfdt(struct input *in)
{
	struct bench_blob blob = { in->data, in->size };

	if (bench_plain(&blob, 1, in->out, (size_t)in->outsize, &job,
			BENCH_CHECK_FULL) <= 0)
		die("libfdt refuses it", in->name);
}

static void validate(struct input *in)
{
	struct fdtx_fault fault;

	if (fdtx_check(in->data, in->size, &fault))
		die("fdtx_check() refuses it", in->name);
}

static void validate_libfdt(struct input *in)
{
	if (fdt_check_full(in->data, in->size))
		die("fdt_check_full() refuses it", in->name);
}

#if HAVE_INDEX
static void list_nodes(struct input *in)
{
	uint32_t room = (uint32_t)in->outsize / sizeof(struct fdtx_index_node);

	if (fdtx_index_nodes(in->data, in->out, room) > room)
		die("more nodes than fit", in->name);
}

static void list_nodes_libfdt(struct input *in)
{
	int node, depth = 0, *at = in->out;

	for (node = 0; node >= 0 && depth >= 0;
	     node = fdt_next_node(in->data, node, &depth))
		*at++ = node;
}
#endif

static void elfcore(struct input *in)
{
	(void)in;
	if (bench_elfcore(notes, 1, loads, RANGES, 0, headers, sizeof(headers)))
		die("refused", "elfcore");
}

static void elfcore_loop(struct input *in)
{
	Elf64_Phdr *phdr = (Elf64_Phdr *)headers;
	size_t i;

	(void)in;
	for (i = 0; i < RANGES; i++, phdr++) {
		phdr->p_type = PT_LOAD;
		phdr->p_flags = PF_R | PF_W | PF_X;
		phdr->p_offset = loads[2 * i];
		phdr->p_vaddr = loads[2 * i];
		phdr->p_paddr = loads[2 * i];
		phdr->p_filesz = loads[2 * i + 1];
		phdr->p_memsz = loads[2 * i + 1];
		phdr->p_align = 0;
		/* One segment after the other, as the function must */
		__asm__ volatile("" : : "r" (phdr) : "memory");
	}
}

static void counted(const char *task, void (*work)(struct input *),
		    struct input *in)
{
	char name[64];

	snprintf(name, sizeof(name), "%s|%s", task, in->name);
	work(in);
	bench_count_start();
	work(in);
	bench_count_stop(name);
}

static void *must_alloc(size_t size)
{
	void *p = calloc(1, size);

	if (!p)
		die("no memory", "check");
	return p;
}

static struct input must_read(const char *name)
{
	struct input in = { .name = name };
	FILE *f = fopen(name, "rb");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0)
		die("cannot be read", name);
	rewind(f);
	in.size = (size_t)size;
	in.data = must_alloc(in.size);
	in.outsize = (int)size + SPARE;
	in.out = must_alloc((size_t)in.outsize);
	if (fread(in.data, 1, in.size, f) != in.size)
		die("cannot be read", name);
	fclose(f);
	in.name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	return in;
}

int main(int argc, char **argv)
{
	struct input none = { .name = "10000 ranges" };
	int i;

	if (!bench_count_possible())
		die("not in valgrind, or compiled without its headers", "check");
	job.usable = usable;
	job.usable_len = 2;
	notes[0] = 0x40000000;
	notes[1] = 0x200;
	for (i = 0; i < RANGES; i++) {
		loads[2 * i] = UINT64_C(0x80000000) + 0x200000u * (uint64_t)i;
		loads[2 * i + 1] = 0x100000;
	}
	for (i = 1; i < argc; i++) {
		struct input in = must_read(argv[i]);

		counted("j1", crash_tree, &in);
		counted("j1:reference", crash_tree_libfdt, &in);
		counted("validate", validate, &in);
		counted("validate:reference", validate_libfdt, &in);
#if HAVE_INDEX
		counted("index", list_nodes, &in);
		counted("index:reference", list_nodes_libfdt, &in);
#endif
	}
	counted("elfcore", elfcore, &none);
	counted("elfcore:reference", elfcore_loop, &none);
	return 0;
}
