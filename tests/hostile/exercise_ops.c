// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Changes made together, in one pass: the same bytes and the same refusal as
 * one by one through the functions that edit in place.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "exercise.h"
#include "edit/edit.h"
#include "edit/ops.h"
#include "edit/tree.h"

#define ROOM 4096

static const struct fdtx_key key = { { 5, 7 } };

struct change {
	enum fdtx_op_kind kind;
	const char *path;
	const char *name;
	const char *value;
	int len;
};

/* Paths of the samples (hostile_blobs.py), and some that none of them has */
static const struct change changes[] = {
	{ FDTX_OP_SET, "/", "new", "value", 5 },
	{ FDTX_OP_APPEND, "/", "compatible", "more", 5 },
	{ FDTX_OP_APPEND, "/", "new", "and more", 9 },
	{ FDTX_OP_ADD_NODE, "/added", "", "", 0 },
	{ FDTX_OP_ADD_NODE, "/added/below", "", "", 0 },
	{ FDTX_OP_SET, "/added/below", "reg", "", 0 },
	{ FDTX_OP_SET, "/added", "ew", "x", 1 },
	{ FDTX_OP_DELETE, "/", "new", "", 0 },
	{ FDTX_OP_SET, "/", "new", "again", 6 },
	{ FDTX_OP_DELETE_NODE, "/added/below", "", "", 0 },
	{ FDTX_OP_RESERVE, "", "", "0123456789abcdef", 16 },
	{ FDTX_OP_SET, "/soc", "status", "okay", 5 },
	{ FDTX_OP_DELETE, "/soc", "reg", "", 0 },
	{ FDTX_OP_DELETE_NODE, "/soc", "", "", 0 },
	{ FDTX_OP_ADD_NODE, "/soc", "", "", 0 },
	{ FDTX_OP_SET, "/chosen", "bootargs", "quiet", 6 },
	{ FDTX_OP_APPEND, "/chosen", "bootargs", "more", 5 },
	{ FDTX_OP_DELETE_NODE, "/chosen", "", "", 0 },
	{ FDTX_OP_DELETE, "/", "compatible", "", 0 },
	{ FDTX_OP_DELETE_NODE, "/no", "", "", 0 },
};

#define N_CHANGES (int)(sizeof(changes) / sizeof(*changes))

char *exercise_op(char *to, enum fdtx_op_kind kind, const char *path,
		  const char *name, const char *value, int len)
{
	struct fdtx_op op = {
		.kind = kind,
		.path_len = (uint32_t)strlen(path),
		.name_len = (uint32_t)strlen(name),
		.len = (uint32_t)len,
	};

	memcpy(to, &op, sizeof(op));
	to += sizeof(op);
	memcpy(to, path, op.path_len);
	to += op.path_len;
	if (op.name_len) {
		memcpy(to, name, op.name_len + 1);
		to += op.name_len + 1;
	}
	if (op.len)
		memcpy(to, value, op.len);
	return to + op.len;
}

static char *add_change(char *to, const struct change *c)
{
	return exercise_op(to, c->kind, c->path, c->name, c->value, c->len);
}

char *exercise_op_list(char *to)
{
	int i;

	/* The last one cannot be made */
	for (i = 0; i < N_CHANGES - 1; i++)
		to = add_change(to, &changes[i]);
	return to;
}

static int add_in_place(void *fdt, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	int above = (int)(name - path - 1);
	int parent = above ? fdtx_path_offset(fdt, path, above) : 0;

	if (parent < 0)
		return parent;
	return fdtx_add_subnode(fdt, parent, name, (int)strlen(name), 0, 0);
}

static int in_place(void *fdt, const struct change *c)
{
	uint64_t entry[2];
	int node;

	if (c->kind == FDTX_OP_RESERVE) {
		memcpy(entry, c->value, sizeof(entry));
		return fdt_add_mem_rsv(fdt, entry[0], entry[1]);
	}
	if (c->kind == FDTX_OP_ADD_NODE)
		return add_in_place(fdt, c->path);
	node = fdtx_path_offset(fdt, c->path, (int)strlen(c->path));
	if (node < 0)
		return node;
	switch (c->kind) {
	case FDTX_OP_SET:
		return fdtx_setprop(fdt, node, c->name, c->value, c->len);
	case FDTX_OP_APPEND:
		return fdtx_appendprop(fdt, node, c->name, c->value, c->len);
	case FDTX_OP_DELETE:
		return fdtx_delprop(fdt, node, c->name);
	default:
		return fdt_del_node(fdt, node);
	}
}

/* Changes [first, last) together, and what they gave one by one */
static void compare_changes(const void *fdt, size_t size, int first, int last,
			    const void *expected, int err)
{
	struct fdtx_ops_plan *plan;
	struct fdtx_ops_fault fault;
	char *list = malloc(ROOM), *end = list, *exact, *out;
	int i, len;

	if (!list)
		broken("out of memory");
	for (i = first; i < last; i++)
		end = add_change(end, &changes[i]);
	/* Of exactly its size */
	exact = malloc((size_t)(end - list) + (end == list));
	if (!exact)
		broken("out of memory");
	memcpy(exact, list, (size_t)(end - list));
	len = fdtx_ops_plan(fdt, size, exact, (size_t)(end - list), &key, &plan,
			    &fault);
	if (err < 0) {
		if (len != err || fault.op != last - 1 - first)
			broken("change %d: %s, not %s", last - 1,
			       fdt_strerror(len), fdt_strerror(err));
	} else if (len != (int)fdt_totalsize(expected)) {
		broken("changes up to %d: %d, not %d", last - 1, len,
		       (int)fdt_totalsize(expected));
	} else {
		out = malloc((size_t)len);
		if (!out)
			broken("out of memory");
		memset(out, 0xa5, (size_t)len);
		fdtx_ops_emit(plan, out);
		if (memcmp(out, expected, (size_t)len))
			broken("changes up to %d give other bytes", last - 1);
		free(out);
		fdtx_ops_free(plan);
	}
	free(exact);
	free(list);
}

static void must_be_malformed(const void *fdt, size_t size, const void *list,
			      size_t len, const char *what)
{
	struct fdtx_ops_plan *plan;
	struct fdtx_ops_fault fault;
	void *exact = malloc(len);
	int err;

	if (!exact)
		broken("out of memory");
	memcpy(exact, list, len);
	err = fdtx_ops_plan(fdt, size, exact, len, &key, &plan, &fault);
	if (err != -FDT_ERR_BADVALUE)
		broken("%s of %d bytes: %d", what, (int)len, err);
	free(exact);
}

/* What is no list of changes is not followed, nor read beyond its end */
static void refuse_malformed(const void *fdt, size_t size)
{
	static const struct {
		enum fdtx_op_kind kind;
		const char *name;
		int len;
	} bad[] = {
		{ FDTX_OP_RESERVE, "", 15 },
		{ FDTX_OP_RESERVE, "", 0 },
		{ FDTX_OP_UNRESERVE, "", 17 },
		{ FDTX_OP_RESERVE, "name", 16 },
		{ FDTX_OP_APPEND_REG, "name", 3 },
		{ FDTX_OP_SET, "", 1 },
		{ FDTX_OP_ADD_NODE, "name", 0 },
		{ (enum fdtx_op_kind)(FDTX_OP_UNRESERVE + 1), "", 16 },
	};
	static const char value[17];
	char list[256], *end;
	size_t i, len;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		end = exercise_op(list, bad[i].kind, "/", bad[i].name, value,
				  bad[i].len);
		must_be_malformed(fdt, size, list, (size_t)(end - list), "a bad one");
	}
	end = exercise_op(list, FDTX_OP_SET, "/", "name", "value", 5);
	for (len = 1; len < (size_t)(end - list); len++)
		must_be_malformed(fdt, size, list, len, "a part");
	end[-6] = 'x';	/* the NUL behind the name */
	must_be_malformed(fdt, size, list, (size_t)(end - list), "no NUL");
	end[-6] = '\0';
	end[-8] = '\0';
	must_be_malformed(fdt, size, list, (size_t)(end - list), "NUL in a name");
	end = exercise_op(list, FDTX_OP_SET, "/x", "name", "value", 5);
	list[sizeof(struct fdtx_op) + 1] = '\0';
	must_be_malformed(fdt, size, list, (size_t)(end - list), "NUL in a path");
}

void exercise_ops(const void *fdt, size_t size)
{
	size_t room = fdt_totalsize(fdt) + ROOM;
	void *slow = malloc(room), *done = malloc(room);
	int first = 0, i, err;
	const void *from = fdt;

	if (!slow || !done)
		broken("out of memory");
	refuse_malformed(fdt, size);
	must(fdtx_open_into(fdt, slow, (int)room), "fdtx_open_into");
	/* Up to one that cannot be made; behind it everything starts anew */
	for (i = 0; i < N_CHANGES; i++) {
		err = in_place(slow, &changes[i]);
		if (err < 0 || i == N_CHANGES - 1) {
			if (err >= 0)
				must(fdtx_canonicalise(slow, 0), "canonicalise");
			compare_changes(from, size, first, i + 1, slow, err);
			if (err >= 0)
				break;
			/* What was made until then */
			must(fdtx_canonicalise(slow, 0), "canonicalise");
			compare_changes(from, size, first, i, slow, 0);
			memcpy(done, slow, fdt_totalsize(slow));
			from = done;
			size = fdt_totalsize(done);
			first = i + 1;
			must(fdtx_open_into(done, slow, (int)room),
			     "fdtx_open_into");
		}
	}
	free(slow);
	free(done);
}
