// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * A list of edits made in one pass gives the bytes, or the refusal at the same
 * edit, that the same edits give one by one in place.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/edit.h"
#include "edit/ops.h"
#include "edit/tree.h"
#include "fuzz.h"

#define MAX_EDITS 24
#define MAX_TEXT 256
/* What one edit adds at most: of a path each name as a node, a name, a value */
#define ROOM (MAX_EDITS * 2048)

static const struct fdtx_key key = { { 5, 7 } };

struct change {
	struct fdtx_op op;
	char path[MAX_TEXT];
	char name[MAX_TEXT];
	char value[MAX_TEXT];
};

/* No NUL in it, and one behind it */
static uint32_t text(struct input *in, char *to, size_t max)
{
	size_t len;
	const uint8_t *p = in_bytes(in, in_byte(in) % max, &len);

	memcpy(to, p, len);
	to[len] = '\0';
	return (uint32_t)strlen(to);
}

static void make_path(struct input *in, struct change *c)
{
	uint8_t how = in_byte(in), n;
	size_t len = 0;

	if (how < 16) {
		c->op.path_len = text(in, c->path, 32);
		return;
	}
	if (how < 24) {
		strcpy(c->path, string(in_byte(in)));
	} else {
		strcpy(c->path, "/");
		for (n = how % 5; n; n--) {
			len = strlen(c->path);
			strcpy(c->path + len, node_name(in_byte(in)));
			if (n > 1)
				strcat(c->path, "/");
		}
	}
	c->op.path_len = (uint32_t)strlen(c->path);
}

static void make_name(struct input *in, struct change *c)
{
	uint8_t how = in_byte(in);

	if (how >= 16)
		strcpy(c->name, prop_name(how));
	else if (!text(in, c->name, 32))
		strcpy(c->name, "x");
	c->op.name_len = (uint32_t)strlen(c->name);
}

static void make_value(struct input *in, struct change *c)
{
	const uint8_t *p;
	size_t len;

	p = in_bytes(in, in_byte(in) % 96, &len);
	memcpy(c->value, p, len);
	c->op.len = (uint32_t)len;
}

static void make_entry(struct input *in, struct change *c)
{
	uint64_t entry[2] = { in_byte(in), in_byte(in) };

	memcpy(c->value, entry, sizeof(entry));
	c->op.len = sizeof(entry);
}

static void make_change(struct input *in, struct change *c)
{
	uint8_t kind = in_byte(in) % (FDTX_OP_UNRESERVE + 1);
	uint32_t step;

	memset(c, 0, sizeof(*c));
	c->op.kind = kind;
	if (kind == FDTX_OP_RESERVE || kind == FDTX_OP_UNRESERVE) {
		make_entry(in, c);
		return;
	}
	make_path(in, c);
	if (kind <= FDTX_OP_DELETE)
		make_name(in, c);
	if (kind <= FDTX_OP_APPEND_REG)
		make_value(in, c);
	if (kind == FDTX_OP_APPEND_REG) {
		step = c->op.len % 17;
		memmove(c->value + sizeof(step), c->value, c->op.len);
		memcpy(c->value, &step, sizeof(step));
		c->op.len += (uint32_t)sizeof(step);
	}
}

static char *add_change(char *to, const struct change *c)
{
	memcpy(to, &c->op, sizeof(c->op));
	to += sizeof(c->op);
	memcpy(to, c->path, c->op.path_len);
	to += c->op.path_len;
	if (c->op.name_len) {
		memcpy(to, c->name, c->op.name_len + 1);
		to += c->op.name_len + 1;
	}
	memcpy(to, c->value, c->op.len);
	return to + c->op.len;
}

static int add_node(void *fdt, const char *path, int above_too)
{
	int node = 0, child, depth = 0;
	size_t len;

	if (*path != '/')
		return -FDT_ERR_BADPATH;
	path += strspn(path, "/");
	if (!*path)
		return -FDT_ERR_EXISTS;
	while (*path) {
		const char *name = path;
		int last, loose;

		len = strcspn(path, "/");
		path += len;
		path += strspn(path, "/");
		last = !*path;
		child = fdtx_find_subnode(fdt, node, name, (int)len, &loose);
		if (child >= 0 && last)
			return -FDT_ERR_EXISTS;
		if (child == -FDT_ERR_NOTFOUND) {
			if (!last && !above_too)
				return child;
			if (fdt_node_depth(fdt, node) + 1 >= FDTX_MAX_DEPTH)
				return -FDT_ERR_BADLAYOUT;
			child = fdtx_add_subnode(fdt, node, name, (int)len, 0, 0);
		}
		if (child < 0)
			return child;
		node = child;
		depth++;
	}
	return 0;
}

static int unreserve(void *fdt, const uint64_t entry[2])
{
	int i, n = fdt_num_mem_rsv(fdt);
	uint64_t address, size;

	for (i = 0; i < n; i++) {
		must(fdt_get_mem_rsv(fdt, i, &address, &size), "get_mem_rsv");
		if (address == entry[0] && size == entry[1])
			return fdt_del_mem_rsv(fdt, i);
	}
	return -FDT_ERR_NOTFOUND;
}

static int append_reg(void *fdt, int node, const struct change *c)
{
	uint32_t step;
	int len = 0;

	memcpy(&step, c->value, sizeof(step));
	if (!fdt_getprop(fdt, node, c->name, &len))
		len = 0;
	if (!step || (uint32_t)len % step)
		return -FDT_ERR_BADNCELLS;
	return fdtx_appendprop(fdt, node, c->name, c->value + sizeof(step),
			       (int)(c->op.len - sizeof(step)));
}

static int in_place(void *fdt, const struct change *c)
{
	uint64_t entry[2];
	int node;

	memcpy(entry, c->value, sizeof(entry));
	switch (c->op.kind) {
	case FDTX_OP_RESERVE:
		return entry[1] ? fdt_add_mem_rsv(fdt, entry[0], entry[1]) :
			-FDT_ERR_BADVALUE;
	case FDTX_OP_UNRESERVE:
		return entry[1] ? unreserve(fdt, entry) : -FDT_ERR_BADVALUE;
	case FDTX_OP_ADD_NODE:
	case FDTX_OP_ADD_NODES:
		return add_node(fdt, c->path, c->op.kind == FDTX_OP_ADD_NODES);
	}
	node = fdtx_path_offset(fdt, c->path, (int)c->op.path_len);
	if (node < 0)
		return node;
	switch (c->op.kind) {
	case FDTX_OP_SET:
		return fdtx_setprop(fdt, node, c->name, c->value,
				    (int)c->op.len);
	case FDTX_OP_APPEND:
		return fdtx_appendprop(fdt, node, c->name, c->value,
				       (int)c->op.len);
	case FDTX_OP_APPEND_REG:
		return append_reg(fdt, node, c);
	case FDTX_OP_DELETE:
		return fdtx_delprop(fdt, node, c->name);
	default:
		return node ? fdt_del_node(fdt, node) : -FDT_ERR_BADPATH;
	}
}

static void compare(const void *fdt, size_t size, struct input *in)
{
	void *slow = opened(fdt, ROOM), *fast;
	struct change *c = fresh(sizeof(*c));
	char *list = fresh(MAX_EDITS * sizeof(*c)), *end = list, *exact;
	struct fdtx_ops_plan *plan = NULL;
	struct fdtx_ops_fault fault;
	int i, err = 0, len;

	for (i = 0; i < MAX_EDITS && in->left && !err; i++) {
		make_change(in, c);
		end = add_change(end, c);
		err = in_place(slow, c);
		if (err > 0)
			err = 0;
	}
	exact = copy_of(list, (size_t)(end - list));
	len = fdtx_ops_plan(fdt, size, exact, (size_t)(end - list), &key, &plan,
			    &fault);
	if (err) {
		if (len != err || fault.op != i - 1)
			broken("edit %d: %d, not %s", (int)fault.op, len,
			       fdt_strerror(err));
	} else {
		must(fdtx_canonicalise(slow, 0), "fdtx_canonicalise");
		if (len != (int)fdt_totalsize(slow))
			broken("%d edits give %d, not %u bytes", i, len,
			       fdt_totalsize(slow));
		fast = fresh((size_t)len);
		fdtx_ops_emit(plan, fast);
		fdtx_ops_free(plan);
		if (memcmp(fast, slow, (size_t)len))
			broken("%d edits give another tree", i);
		free(fast);
	}
	free(exact);
	free(list);
	free(c);
	free(slow);
}

/* Any bytes as a list: an answer, and what was planned can be written */
static void run_any_list(const void *fdt, size_t size, struct input *in)
{
	struct fdtx_ops_plan *plan = NULL;
	struct fdtx_ops_fault fault;
	void *list, *out;
	size_t list_size;
	const uint8_t *p = in_bytes(in, SIZE_MAX, &list_size);
	int len;

	list = copy_of(p, list_size);
	len = fdtx_ops_plan(fdt, size, list, list_size, &key, &plan, &fault);
	if (len >= 0) {
		out = fresh((size_t)len);
		fdtx_ops_emit(plan, out);
		fdtx_ops_free(plan);
		if (fdtx_check(out, (size_t)len, &fault.blob))
			broken("edits give a bad tree: %s", fault.blob.cause);
		free(out);
	}
	free(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = in_byte(&in);
	void *fdt = in_blob(&in, &size);
	struct fdtx_fault fault;

	if (how >= 0xf0 || fdtx_check(fdt, size, &fault))
		run_any_list(fdt, size, &in);
	else
		compare(fdt, size, &in);
	free(fdt);
	return 0;
}
