// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "exercise.h"
#include "fdt_reg.h"
#include "blob/check.h"
#include "edit/edit.h"
#include "edit/load.h"
#include "edit/overlay.h"
#include "kexec/second_kernel.h"
#include "kexec/second_kernel_plan.h"
#include "edit/tree.h"

#define SLACK 512

void broken(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("broken promise: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

void must(int err, const char *what)
{
	if (err < 0)
		broken("%s: %s", what, fdt_strerror(err));
}

static void *exactly(const void *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	if (!copy)
		broken("out of memory");
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static void *opened(const void *fdt, size_t slack)
{
	size_t size = fdt_totalsize(fdt) + slack;
	void *buf;

	/* The header of version 16 is smaller */
	if (fdt_version(fdt) < 17)
		size += sizeof(struct fdt_header) - FDT_V16_SIZE;
	buf = malloc(size);
	if (!buf)
		broken("out of memory");
	must(fdtx_open_into(fdt, buf, (int)size), "fdtx_open_into");
	return buf;
}

static uint64_t hash(uint64_t sum, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		sum = (sum ^ *p++) * 0x100000001b3;
	return sum;
}

/* What a tree says, whatever its layout: NOPs and padding left out */
static uint64_t meaning(const void *fdt)
{
	uint64_t sum = fdt_boot_cpuid_phys(fdt), rsv[2];
	int offset, next = 0, i, n;
	uint32_t tag;

	n = fdt_num_mem_rsv(fdt);
	must(n, "fdt_num_mem_rsv");
	for (i = 0; i < n; i++) {
		must(fdt_get_mem_rsv(fdt, i, &rsv[0], &rsv[1]), "get_mem_rsv");
		sum = hash(sum, rsv, sizeof(rsv));
	}
	do {
		const char *name;
		const void *value;
		int len;

		offset = next;
		tag = fdt_next_tag(fdt, offset, &next);
		must(next, "fdt_next_tag");
		if (tag == FDT_NOP)
			continue;
		sum = hash(sum, &tag, sizeof(tag));
		if (tag == FDT_BEGIN_NODE) {
			name = fdt_get_name(fdt, offset, &len);
			must(len, "fdt_get_name");
			sum = hash(sum, name, (size_t)len + 1);
		} else if (tag == FDT_PROP) {
			value = fdt_getprop_by_offset(fdt, offset, &name, &len);
			must(len, "fdt_getprop_by_offset");
			sum = hash(sum, name, strlen(name) + 1);
			sum = hash(sum, value, (size_t)len);
		}
	} while (tag != FDT_END);
	return sum;
}

/* Look at everything, through every way of looking */
static void read_property(const void *fdt, int node, int prop)
{
	const char *name;
	const void *value, *found;
	uint64_t address, size;
	int len, i, n;

	value = fdt_getprop_by_offset(fdt, prop, &name, &len);
	if (!value)
		broken("fdt_getprop_by_offset: %s", fdt_strerror(len));
	hash(0, value, (size_t)len);
	found = fdt_getprop(fdt, node, name, &len);
	if (!found || found > value)
		broken("property %s is not found by its name", name);
	fdt_stringlist_search(fdt, node, name, "soc");
	fdt_node_check_compatible(fdt, node, "c");
	n = fdt_stringlist_count(fdt, node, name);
	for (i = 0; i < n; i++) {
		if (!fdt_stringlist_get(fdt, node, name, i, &len))
			broken("string %d of %s is missing", i, name);
	}
	n = fdt_getprop_reg_count(fdt, 0, node, name);
	for (i = 0; i < n; i++)
		fdt_getprop_reg(fdt, 0, node, name, i, &address, &size);
}

static void read_node(const void *fdt, int node, int depth)
{
	char path[2048];
	uint32_t phandle;
	int prop, parent, exact, loose, err;

	err = fdt_get_path(fdt, node, path, (int)sizeof(path));
	if (!err) {
		/* A path may lead to an earlier node of that name */
		exact = fdtx_path_offset(fdt, path, (int)strlen(path));
		loose = fdt_path_offset(fdt, path);
		if (exact > node || loose > node ||
		    (exact < 0 && exact != -FDT_ERR_NOTFOUND) ||
		    (exact < 0 && loose == node))
			broken("path %s leads to %d", path, exact);
	} else if (err != -FDT_ERR_NOSPACE) {
		must(err, "fdt_get_path");
	}
	if (fdt_node_depth(fdt, node) != depth)
		broken("depth of the node at %d", node);
	parent = fdt_parent_offset(fdt, node);
	if (depth)
		must(parent, "fdt_parent_offset");
	fdt_address_cells(fdt, node);
	fdt_size_cells(fdt, node);
	phandle = fdt_get_phandle(fdt, node);
	if (phandle && phandle != ~0U)
		must(fdt_node_offset_by_phandle(fdt, phandle), "by_phandle");
	fdt_for_each_property_offset(prop, fdt, node)
		read_property(fdt, node, prop);
	if (prop != -FDT_ERR_NOTFOUND)
		must(prop, "fdt_for_each_property_offset");
}

void exercise_read(const void *fdt)
{
	int node, prop, depth = -1, aliases;
	uint32_t phandle;

	for (node = fdt_next_node(fdt, -1, &depth); node >= 0 && depth >= 0;
	     node = fdt_next_node(fdt, node, &depth))
		read_node(fdt, node, depth);
	fdt_find_max_phandle(fdt, &phandle);
	fdt_generate_phandle(fdt, &phandle);
	fdt_node_offset_by_compatible(fdt, -1, "c");

	aliases = fdt_path_offset(fdt, "/aliases");
	fdt_for_each_property_offset(prop, fdt, aliases) {
		const char *name;
		char sub[64];

		fdt_getprop_by_offset(fdt, prop, &name, NULL);
		fdt_get_alias(fdt, name);
		fdt_get_symbol(fdt, name);
		fdt_path_offset(fdt, name);
		snprintf(sub, sizeof(sub), "%s/u", name);
		fdt_path_offset(fdt, sub);
	}
}

/* A canonical copy: sound, exact, the same tree, and canonical for ever */
static void *canonical(const void *fdt, int squeeze)
{
	uint64_t said = meaning(fdt);
	struct fdtx_fault fault;
	void *copy, *result, *again;
	int size;

	copy = exactly(fdt, fdt_totalsize(fdt));
	size = fdtx_canonicalise(copy, squeeze);
	must(size, "fdtx_canonicalise");
	result = exactly(copy, (size_t)size);
	free(copy);

	if (fdtx_check(result, (size_t)size, &fault))
		broken("canonical form: %s at %u", fault.cause, fault.offset);
	if (fdt_totalsize(result) != (uint32_t)size)
		broken("canonical size");
	if (meaning(result) != said)
		broken("the canonical form is another tree");
	again = exactly(result, (size_t)size);
	if (fdtx_canonicalise(again, squeeze) != size ||
	    memcmp(again, result, (size_t)size))
		broken("the canonical form of the canonical form is another");
	free(again);
	return result;
}

static void check_canonical(const void *fdt)
{
	void *kept = canonical(fdt, 0);
	void *squeezed = canonical(fdt, 1);
	void *both = canonical(kept, 1);

	if (fdt_totalsize(both) != fdt_totalsize(squeezed) ||
	    memcmp(both, squeezed, fdt_totalsize(both)))
		broken("squeezing later gives other bytes");
	free(kept);
	free(squeezed);
	free(both);
}

/* Every second reservation goes, then the rest, and all of a node's properties */
static void delete_in_bulk(void *fdt, int node)
{
	int n = fdtx_mem_rsvs(fdt, NULL, 0), i;
	struct fdt_reg *before = calloc((size_t)n + 1, sizeof(*before));
	struct fdt_reg *after = calloc((size_t)n + 1, sizeof(*after));
	uint8_t *gone = calloc((size_t)n + 1, 1);

	if (!before || !after || !gone)
		broken("out of memory");
	fdtx_mem_rsvs(fdt, before, n);
	memset(gone, 1, (size_t)n + 1);
	if (fdtx_del_mem_rsvs(fdt, gone, n + 1) != -FDT_ERR_NOTFOUND)
		broken("a reservation behind the last was deleted");
	for (i = 0; i < n; i++)
		gone[i] = i % 2;
	must(fdtx_del_mem_rsvs(fdt, gone, n), "fdtx_del_mem_rsvs");
	if (fdtx_mem_rsvs(fdt, after, n) != (n + 1) / 2)
		broken("not every second reservation is left");
	for (i = 0; i < (n + 1) / 2; i++)
		if (memcmp(&after[i], &before[2 * i], sizeof(*after)))
			broken("the wrong reservation was deleted");
	memset(gone, 1, (size_t)n + 1);
	must(fdtx_del_mem_rsvs(fdt, gone, (n + 1) / 2), "fdtx_del_mem_rsvs");
	if (fdtx_mem_rsvs(fdt, NULL, 0))
		broken("a reservation was left");
	free(before);
	free(after);
	free(gone);

	i = fdtx_delprop(fdt, node, NULL);
	if (i != -FDT_ERR_NOTFOUND)
		must(i, "fdtx_delprop(NULL)");
	if (fdt_first_property_offset(fdt, node) != -FDT_ERR_NOTFOUND ||
	    fdtx_delprop(fdt, node, NULL) != -FDT_ERR_NOTFOUND)
		broken("a property was left");
}

static int last_node(const void *fdt)
{
	int node, last = 0;

	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))
		last = node;
	return last;
}

static void grow(void *fdt)
{
	int node = last_node(fdt);

	must(fdtx_setprop(fdt, node, "reg", "abcde", 5), "fdtx_setprop last");
	must(fdtx_setprop(fdt, 0, "new,root", "xyz", 3), "fdtx_setprop root");
	node = last_node(fdt);
	must(fdtx_appendprop(fdt, node, "reg", "fgh", 3), "fdtx_appendprop");
	must(fdtx_appendprop(fdt, node, "new,app", NULL, 0), "appendprop ()");
	node = fdt_add_subnode(fdt, 0, "new-node");
	if (node >= 0)
		must(fdtx_setprop(fdt, node, "start", NULL, 0), "new node");
	else if (node != -FDT_ERR_EXISTS)
		must(node, "fdt_add_subnode");
	must(fdt_add_mem_rsv(fdt, 1, 2), "fdt_add_mem_rsv");
	fdt_setprop_reg(fdt, 0, 0, "new,reg", 1, 2);
	fdt_appendprop_reg(fdt, 0, 0, "new,reg", 3, 4);
}

static void shrink(void *fdt)
{
	int node = fdt_first_subnode(fdt, 0);

	if (node >= 0) {
		fdt_nop_property(fdt, node, "reg");
		fdt_delprop(fdt, node, "phandle");
		must(fdt_set_name(fdt, node, "renamed@1"), "fdt_set_name");
	}
	must(fdt_del_mem_rsv(fdt, 0), "fdt_del_mem_rsv");
	node = last_node(fdt);
	if (node)
		must(fdt_nop_node(fdt, node), "fdt_nop_node");
	node = last_node(fdt);
	if (node)
		must(fdt_del_node(fdt, node), "fdt_del_node");
}

/* What does not fit changes nothing */
static void refuse(const void *fdt)
{
	void *before = canonical(fdt, 0);
	size_t size = fdt_totalsize(before);
	void *tight = exactly(before, size);

	if (fdtx_setprop(tight, 0, "no,space", "1234", 4) != -FDT_ERR_NOSPACE)
		broken("fdtx_setprop wrote into a full tree");
	if (fdtx_appendprop(tight, 0, "no,space", "1", 1) != -FDT_ERR_NOSPACE)
		broken("fdtx_appendprop wrote into a full tree");
	if (memcmp(before, tight, size))
		broken("a refused fdtx_setprop changed the tree");
	free(before);
	free(tight);
}

/* The engine opens a tree to the bytes that libfdt's way comes to */
static void compare_load(const void *fdt)
{
	void *want = opened(fdt, 0), *got;
	struct fdtx_fault fault;
	struct fdtx_plan plan;

	must(fdtx_canonicalise(want, 0), "fdtx_canonicalise");
	memset(&plan, 0xa5, sizeof(plan));
	must(fdtx_load_plan(fdt, fdt_totalsize(fdt), &plan, &fault),
	     "fdtx_load_plan");
	if (plan.size != fdt_totalsize(want))
		broken("loaded: %u bytes, not %u", plan.size,
		       fdt_totalsize(want));
	got = malloc(plan.size);
	if (!got)
		broken("out of memory");
	memset(got, 0xa5, plan.size);
	fdtx_emit(&plan, got);
	if (memcmp(got, want, plan.size))
		broken("a loaded tree is another");
	free(got);
	free(want);
}

static void edit(const void *fdt)
{
	uint64_t said = meaning(fdt);
	void *buf = opened(fdt, SLACK);

	compare_load(fdt);
	if (meaning(buf) != said)
		broken("fdtx_open_into gives another tree");
	check_canonical(buf);
	refuse(buf);
	grow(buf);
	exercise_read(buf);
	check_canonical(buf);
	shrink(buf);
	check_canonical(buf);
	must(fdt_pack(buf), "fdt_pack");
	check_canonical(buf);
	free(buf);

	buf = opened(fdt, 0);
	delete_in_bulk(buf, 0);
	delete_in_bulk(buf, last_node(buf));
	check_canonical(buf);
	free(buf);
}

static void merge(struct exercise *x, const void *fdt, const void *fdto)
{
	void *tree = opened(fdt, SLACK + fdt_totalsize(fdto));
	void *overlay = opened(fdto, 0);
	struct fdtx_fault fault;

	x->overlays++;
	if (!fdtx_overlay_apply(tree, overlay, &fault)) {
		x->merged++;
		check_canonical(tree);
	}
	free(tree);
	free(overlay);
}

/* The engine gives what libfdt's way gave, or leaves it to that */
static void compare_engine(struct exercise *x, const void *fdt, size_t size,
			   const struct fdtx_second_kernel *job,
			   const void *expected, int len, int bootargs_len)
{
	struct fdtx_second_kernel_plan plan;
	int planned;
	void *buf;

	memset(&plan, 0xa5, sizeof(plan));
	planned = fdtx_second_kernel_plan(fdt, size, job, &plan);
	if (!planned) {
		x->left_to_libfdt++;
		/* It can all that libfdt can, but rewrite root's cells; no
		 * sample has more cuts than it has room for */
		if (len >= 0 && !job->root_cells_2_2)
			broken("the engine left a sound tree to libfdt");
		return;
	}
	x->by_engine++;
	if (len < 0)
		broken("the engine takes what libfdt's way refuses: %s",
		       fdt_strerror(len));
	if (planned != len || plan.size != len ||
	    plan.bootargs_len != bootargs_len)
		broken("the engine plans %d bytes, not %d", planned, len);
	buf = malloc((size_t)len);
	if (!buf)
		broken("out of memory");
	memset(buf, 0xa5, (size_t)len);
	fdtx_second_kernel_emit(&plan, buf);
	if (memcmp(buf, expected, (size_t)len))
		broken("the engine gives other bytes");
	free(buf);
}

static void *second_kernel(struct exercise *x, const void *fdt, size_t size,
			   const struct fdtx_second_kernel *job)
{
	struct fdtx_second_kernel_fault fault;
	int room = fdtx_second_kernel_size(fdt, size, job), len;
	void *buf, *result;

	must(room, "fdtx_second_kernel_size");
	buf = malloc((size_t)room + !room);
	if (!buf)
		broken("out of memory");
	len = fdtx_second_kernel(fdt, size, job, buf, room, &fault);
	if (len == -FDT_ERR_NOSPACE)
		broken("fdtx_second_kernel_size is too small");
	result = len < 0 ? NULL : exactly(buf, (size_t)len);
	free(buf);
	compare_engine(x, fdt, size, job, result, len, fault.bootargs_len);
	return result;
}

static void check_second_kernel(struct exercise *x, const void *fdt,
				size_t size)
{
	const struct fdt_reg usable[] = { { 0x10000, 0x40000 }, { 0x100, 1 } };
	struct fdtx_second_kernel job = {
		.cmdline = "x=1", .cmdline_len = 3,
		.initrd = { 0x1000, 0x2001 }, .old_dtb = { 0x1000, 0x2000 },
		.usable = usable, .usable_len = 2,
		.rng_seed = "seed", .rng_seed_len = 5,
	};
	static const unsigned int words[] = {
		0, FDTX_HEADER_WORD | FDTX_MEM_WORD,
		FDTX_HEADER_WORD | FDTX_WORDS_FIRST,
	};
	/* Three of twelve jobs, the same ones for the same data */
	int i = (int)(hash(0, fdt, size) % 4);

	for (; i < 12; i += 4) {
		void *first, *kept, *second;

		job.words = words[i % 3];
		job.root_cells_2_2 = i & 1;
		job.has_kaslr_seed = i & 1;
		job.elfcorehdr.address = 0x20000;
		job.elfcorehdr.size = i < 6 ? 0x400 : 0;
		job.keep_cmdline = 1;
		free(second_kernel(x, fdt, size, &job));
		job.keep_cmdline = 0;
		first = second_kernel(x, fdt, size, &job);
		if (!first)
			continue;
		kept = canonical(first, 1);
		second = second_kernel(x, first, fdt_totalsize(first), &job);
		if (fdt_totalsize(kept) != fdt_totalsize(first) ||
		    memcmp(kept, first, fdt_totalsize(first)))
			broken("the second kernel's tree is not canonical");
		if (!second ||
		    fdt_totalsize(second) != fdt_totalsize(first) ||
		    memcmp(second, first, fdt_totalsize(first)))
			broken("a second run gives another tree, job %d", i);
		free(first);
		free(kept);
		free(second);
	}
}

/*
 * The documented differences to fdt_check_full(), besides misaligned blocks.
 * It refuses what we accept only for NOPs behind the root node.
 */
static struct {
	const char *cause;
	unsigned long count;
} stricter[] = {
	{ "memory reservation block overlaps another", 0 },
	{ "structure block and strings block overlap", 0 },
	{ "format version is not compatible with 16 or 17", 0 },
	{ "last string is not terminated", 0 },
	{ "property name is not in the strings block", 0 }, /* version 16 */
	{ "property has no name", 0 },
	{ "property outside any node", 0 },		/* before the root */
	{ "property after a subnode", 0 },
	{ "node has no name", 0 },
	{ "node name contains '/'", 0 },
	{ "nodes are nested too deep", 0 },
	{ "no root node", 0 },
};

static int nop_behind_root(const void *fdt)
{
	int offset, next = 0, nop = 0;
	uint32_t tag;

	do {
		offset = next;
		tag = fdt_next_tag(fdt, offset, &next);
		if (tag == FDT_END)
			return nop;
		nop = tag == FDT_NOP;
	} while (next >= 0);
	return 0;
}

static void compare(struct exercise *x, const void *fdt, size_t size, int ours,
		    const struct fdtx_fault *fault)
{
	int theirs;
	size_t i;

	/* It would load misaligned words, and, of version 2, words behind the
	 * data, which is no answer */
	if (size < FDT_V16_SIZE || fdt_off_mem_rsvmap(fdt) % 8 ||
	    fdt_off_dt_struct(fdt) % 4)
		theirs = ours ? ours : -FDT_ERR_ALIGNMENT;
	else
		theirs = fdt_check_full(fdt, size);

	if (!ours && !theirs) {
		x->both_accept++;
	} else if (ours && theirs) {
		x->both_refuse++;
	} else if (!ours) {
		x->ours_alone++;
		if (!nop_behind_root(fdt))
			broken("accepted, but fdt_check_full says %s",
			       fdt_strerror(theirs));
	} else {
		x->theirs_alone++;
		for (i = 0; i < sizeof(stricter) / sizeof(*stricter); i++) {
			if (!strcmp(stricter[i].cause, fault->cause))
				break;
		}
		if (i == sizeof(stricter) / sizeof(*stricter))
			broken("'%s' at %u, but fdt_check_full accepts",
			       fault->cause, fault->offset);
		stricter[i].count++;
	}
}

int exercise_check(struct exercise *x, const void *fdt, size_t size)
{
	struct fdtx_fault fault = { NULL, 0 };
	int err = fdtx_check(fdt, size, &fault);

	if (err && (!fault.cause || fault.offset > size))
		broken("error %d without a cause inside the data", err);
	compare(x, fdt, size, err, &fault);
	return !err;
}

int exercise(struct exercise *x, const void *data, size_t size)
{
	void *fdt = exactly(data, size);
	int accepted = exercise_check(x, fdt, size);

	check_second_kernel(x, fdt, size);
	if (accepted) {
		void *buf = opened(fdt, 0);

		exercise_read(buf);
		exercise_index(fdt, buf);
		exercise_regs(buf);
		exercise_ops(fdt, size);
		free(buf);
		edit(fdt);
		merge(x, fdt, x->overlay->data);
		merge(x, x->base->data, fdt);
	}
	free(fdt);
	return accepted;
}

void exercise_report(const struct exercise *x)
{
	size_t i;

	printf("both accept %lu, both refuse %lu, only fdtx_check accepts %lu, only fdt_check_full accepts %lu\n",
	       x->both_accept, x->both_refuse, x->ours_alone, x->theirs_alone);
	for (i = 0; i < sizeof(stricter) / sizeof(*stricter); i++)
		printf("  %6lu  %s\n", stricter[i].count, stricter[i].cause);
	printf("second kernels' trees by the engine %lu, left to libfdt %lu\n",
	       x->by_engine, x->left_to_libfdt);
	printf("overlays tried %lu, merged %lu\n", x->overlays, x->merged);
}

struct sample sample_load(const char *path)
{
	struct sample sample = { path, NULL, 0 };
	FILE *file = fopen(path, "rb");
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0)
		broken("cannot read %s", path);
	rewind(file);
	sample.size = (size_t)size;
	sample.data = malloc(sample.size + !sample.size);
	if (!sample.data ||
	    fread(sample.data, 1, sample.size, file) != sample.size)
		broken("cannot read %s", path);
	fclose(file);
	return sample;
}
