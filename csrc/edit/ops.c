// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - any number of edits in one pass
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/engine.h"
#include "edit/ops.h"
#include "edit/ops_rsv.h"
#include "edit/ops_tree.h"

/* A value in several pieces, to be filled in */
struct fdtx_fill {
	size_t edit;
	uint32_t prop;
};

struct fdtx_ops_plan {
	struct fdtx_otree tree;
	struct fdtx_plan engine;
	struct fdtx_vector edits;	/* struct fdtx_edit */
	struct fdtx_vector fills;	/* struct fdtx_fill */
	struct fdtx_orsvs rsvs;		/* if an edit is about them */
	struct fdtx_vector add;		/* struct fdt_reg: what is left of them */
	uint32_t n_ops;
	struct fdtx_key key;
};

/* One edit of the list */
struct fdtx_reader {
	const char *next, *end;
	struct fdtx_op op;
	const char *path, *name, *value;
};

static int has_name(uint32_t kind)
{
	return kind <= FDTX_OP_DELETE;
}

static int is_entry(uint32_t kind)
{
	return kind == FDTX_OP_RESERVE || kind == FDTX_OP_UNRESERVE;
}

/* 1: one more; 0: the end; -FDT_ERR_BADVALUE: not a list of edits;
 * -FDT_ERR_NOSPACE: a name or path that no tree can hold */
static int read_op(struct fdtx_reader *r)
{
	struct fdtx_op *op = &r->op;
	uint64_t left = (uint64_t)(r->end - r->next), need;

	if (!left)
		return 0;
	if (left < sizeof(*op))
		return -FDT_ERR_BADVALUE;
	memcpy(op, r->next, sizeof(*op));
	need = (uint64_t)op->path_len + op->name_len + !!op->name_len + op->len;
	if (need > left - sizeof(*op))
		return -FDT_ERR_BADVALUE;
	r->path = r->next + sizeof(*op);
	r->name = r->path + op->path_len;
	r->value = r->name + op->name_len + !!op->name_len;
	r->next = r->value + op->len;

	/* Longer names cannot be padded in 32 bits, and fit into no tree */
	if (op->path_len > FDTX_MAX_TOTALSIZE ||
	    op->name_len > FDTX_MAX_TOTALSIZE)
		return -FDT_ERR_NOSPACE;
	if (op->kind > FDTX_OP_UNRESERVE || has_name(op->kind) != !!op->name_len
	    || (op->name_len && strnlen(r->name, op->name_len + (size_t)1) !=
	    op->name_len) || memchr(r->path, '\0', op->path_len) ||
	    (is_entry(op->kind) && op->len != sizeof(struct fdt_reg)) ||
	    (op->kind == FDTX_OP_APPEND_REG && op->len < sizeof(uint32_t)))
		return -FDT_ERR_BADVALUE;
	return 1;
}

/* The next name of the path at @pos, which becomes the place behind it; 0 bytes
 * at its end */
static uint32_t next_name(const struct fdtx_reader *r, uint32_t *pos)
{
	const char *name;
	size_t len;

	name = fdtx_next_name(r->path + *pos, r->path + r->op.path_len, &len);
	*pos = (uint32_t)(name + len - r->path);
	return (uint32_t)len;
}

static int find_node(struct fdtx_otree *tree, const struct fdtx_reader *r,
		     struct fdtx_ops_fault *fault, uint32_t *nodep)
{
	uint32_t pos = 0, len, node = 0;

	fault->found = 0;
	if (!r->op.path_len || r->path[0] != '/')
		return -FDT_ERR_BADPATH;
	while ((len = next_name(r, &pos))) {
		node = fdtx_otree_child(tree, node, r->path + pos - len, len);
		if (node == FDTX_NONE)
			return -FDT_ERR_NOTFOUND;
		fault->found = pos;
	}
	*nodep = node;
	return 0;
}

static int add_node(struct fdtx_otree *tree, const struct fdtx_reader *r,
		    struct fdtx_ops_fault *fault)
{
	uint32_t pos = 0, len, more, node = 0, child;
	int depth, err;

	fault->found = 0;
	if (!r->op.path_len || r->path[0] != '/')
		return -FDT_ERR_BADPATH;
	len = next_name(r, &pos);
	if (!len)
		return -FDT_ERR_EXISTS;
	for (depth = 1; len; depth++, len = more) {
		const char *name = r->path + pos - len;

		more = next_name(r, &pos);
		child = fdtx_otree_child(tree, node, name, len);
		if (child != FDTX_NONE && !more)
			return -FDT_ERR_EXISTS;
		if (child == FDTX_NONE) {
			if (more && r->op.kind != FDTX_OP_ADD_NODES)
				return -FDT_ERR_NOTFOUND;
			if (depth >= FDTX_MAX_DEPTH)
				return -FDT_ERR_BADLAYOUT;
			err = fdtx_otree_add(tree, node, name, len, &child);
			if (err)
				return err;
		}
		fault->found = (uint32_t)(name + len - r->path);
		node = child;
	}
	return 0;
}

static int write_prop(struct fdtx_otree *tree, const struct fdtx_reader *r,
		      uint32_t node)
{
	uint32_t prop, step = 1, head = 0;
	int err;

	if (r->op.kind == FDTX_OP_APPEND_REG) {
		head = (uint32_t)sizeof(step);
		memcpy(&step, r->value, sizeof(step));
	}
	err = fdtx_otree_prop(tree, node, r->name, r->op.name_len, &prop);
	if (!err && prop == FDTX_NONE)
		err = fdtx_otree_add_prop(tree, node, r->name, r->op.name_len,
					  &prop);
	if (!err && (!step || fdtx_oprop(tree, prop)->len % step))
		err = -FDT_ERR_BADNCELLS;
	if (!err)
		err = fdtx_otree_write(tree, prop, r->value + head,
				       r->op.len - head,
				       r->op.kind != FDTX_OP_SET);
	if (!err && fdtx_oprop(tree, prop)->len > FDTX_MAX_TOTALSIZE)
		err = -FDT_ERR_NOSPACE;
	return err;
}

static int load_rsvs(struct fdtx_ops_plan *plan)
{
	const struct fdt_reserve_entry *re;

	if (plan->engine.drop_all)
		return 0;
	plan->engine.drop_all = 1;
	re = (const struct fdt_reserve_entry *)(plan->tree.in +
						plan->tree.facts.rsv.start);
	return fdtx_orsvs_load(&plan->rsvs, re, plan->n_ops, &plan->key);
}

static int do_entry(struct fdtx_ops_plan *plan, const struct fdtx_reader *r)
{
	struct fdt_reg reg;
	int err = load_rsvs(plan);

	if (err)
		return err;
	memcpy(&reg, r->value, sizeof(reg));
	if (!reg.size)
		return -FDT_ERR_BADVALUE;
	if (r->op.kind == FDTX_OP_RESERVE)
		return fdtx_orsvs_add(&plan->rsvs, &reg);
	return fdtx_orsvs_remove(&plan->rsvs, &reg);
}

static int do_op(struct fdtx_ops_plan *plan, const struct fdtx_reader *r,
		 struct fdtx_ops_fault *fault)
{
	struct fdtx_otree *tree = &plan->tree;
	uint32_t node;
	int err;

	if (is_entry(r->op.kind))
		return do_entry(plan, r);
	if (r->op.kind == FDTX_OP_ADD_NODE || r->op.kind == FDTX_OP_ADD_NODES)
		return add_node(tree, r, fault);
	err = find_node(tree, r, fault, &node);
	if (err)
		return err;
	if (r->op.kind == FDTX_OP_DELETE)
		return fdtx_otree_delete_props(tree, node, r->name,
					       r->op.name_len);
	if (r->op.kind != FDTX_OP_DELETE_NODE)
		return write_prop(tree, r, node);
	if (!node)
		return -FDT_ERR_BADPATH;
	fdtx_otree_delete(tree, node);
	return 0;
}

static struct fdtx_edit *add_edit(struct fdtx_ops_plan *plan,
				  enum fdtx_edit_kind kind, uint32_t at,
				  uint32_t len)
{
	struct fdtx_edit *edit = fdtx_vector_add(&plan->edits, sizeof(*edit));

	if (!edit)
		return NULL;
	memset(edit, 0, sizeof(*edit));
	edit->kind = kind;
	edit->at = at;
	edit->len = len;
	edit->name = -1;
	return edit;
}

static int list_prop(struct fdtx_ops_plan *plan, uint32_t i, uint32_t at)
{
	const struct fdtx_oprop *prop = fdtx_oprop(&plan->tree, i);
	const struct fdtx_ochunk *chunk;
	struct fdtx_fill *fill;
	struct fdtx_edit *edit;

	if (prop->at && !add_edit(plan, FDTX_CUT, at, prop->end - at))
		return -FDT_ERR_INTERNAL;
	if (prop->dead)
		return 0;
	edit = add_edit(plan, FDTX_ADD_PROP, prop->at ? prop->end : at,
			(uint32_t)prop->len);
	if (!edit)
		return -FDT_ERR_INTERNAL;
	edit->name = prop->new_name;
	edit->nameoff = prop->nameoff;
	chunk = prop->chunk == FDTX_NONE ? NULL :
		fdtx_ochunk(&plan->tree, prop->chunk);
	if (chunk && !prop->old_len && chunk->next == FDTX_NONE) {
		edit->data = chunk->p;
		return 0;
	}
	fill = fdtx_vector_add(&plan->fills, sizeof(*fill));
	if (!fill)
		return -FDT_ERR_INTERNAL;
	fill->edit = plan->edits.n - 1;
	fill->prop = i;
	return 0;
}

/* What changes in the node itself */
static int list_node(struct fdtx_ops_plan *plan, uint32_t i)
{
	const struct fdtx_otree *tree = &plan->tree;
	const struct fdtx_onode *node = fdtx_onode(tree, i);
	uint32_t at = node->body, k;
	struct fdtx_edit *edit;
	int err = 0;

	if (!node->begin) {
		at = node->at;
		edit = add_edit(plan, FDTX_ADD_NODE, at, node->name_len);
		if (!edit)
			return -FDT_ERR_INTERNAL;
		edit->data = node->name;
	}
	for (k = node->new_prop; k != FDTX_NONE && !err;
	     k = fdtx_oprop(tree, k)->next)
		if (!fdtx_oprop(tree, k)->dead)
			err = list_prop(plan, k, at);
	for (k = 0; k < node->n_old_props && !err; k++) {
		const struct fdtx_oprop *prop;

		prop = fdtx_oprop(tree, node->old_prop + k);
		if (prop->dead || prop->changed)
			err = list_prop(plan, node->old_prop + k, prop->at);
	}
	return err;
}

/* Whether the walk goes into a node; dead ones of the input are cut */
static int list_enter(struct fdtx_ops_plan *plan, uint32_t i, int *err)
{
	const struct fdtx_onode *node = fdtx_onode(&plan->tree, i);

	if (!node->dead)
		return node->touched;
	if (node->begin && !add_edit(plan, FDTX_CUT, node->begin,
				     node->end - node->begin))
		*err = -FDT_ERR_INTERNAL;
	return 0;
}

/* All changes in the order of the blob */
static int list_edits(struct fdtx_ops_plan *plan)
{
	const struct fdtx_otree *tree = &plan->tree;
	uint32_t i = 0, next;
	int err;

	if (!fdtx_onode(tree, 0)->touched)
		return 0;
	err = list_node(plan, 0);
	next = fdtx_onode(tree, 0)->child;
	while (!err) {
		const struct fdtx_onode *node;

		while (next != FDTX_NONE && !err &&
		       !list_enter(plan, next, &err))
			next = fdtx_onode(tree, next)->next;
		if (err)
			break;
		if (next != FDTX_NONE) {
			i = next;
			err = list_node(plan, i);
			next = fdtx_onode(tree, i)->child;
			continue;
		}
		/* Out of node i */
		node = fdtx_onode(tree, i);
		if (!node->begin &&
		    !add_edit(plan, FDTX_END_ADDED, node->at, 0))
			return -FDT_ERR_INTERNAL;
		if (!i)
			break;
		next = node->next;
		i = node->parent;
	}
	return err;
}

static int plan_engine(struct fdtx_ops_plan *plan)
{
	struct fdtx_plan *engine = &plan->engine;
	const struct fdtx_block *strings = &plan->tree.facts.strings;
	uint32_t added = 0;
	int err = fdtx_orsvs_list(&plan->rsvs, &plan->add);

	if (err)
		return err;
	engine->in = plan->tree.in;
	engine->facts = plan->tree.facts;
	engine->edit = plan->edits.items;
	engine->n_edits = plan->edits.n;
	engine->name = plan->tree.names.items;
	engine->n_names = (int)plan->tree.names.n;
	engine->add = plan->add.items;
	engine->n_add = plan->add.n;
	engine->keep_nops = 1;
	if (engine->n_names <= FDTX_MAX_NAMES)
		return fdtx_plan(engine) ? 0 : -FDT_ERR_NOSPACE;
	err = fdtx_find_many_names(engine->in + strings->start,
				   strings->end - strings->start, engine->name,
				   plan->tree.names.n, &plan->key, &added);
	if (err)
		return err;
	return fdtx_plan_sizes(engine, added) ? 0 : -FDT_ERR_NOSPACE;
}

/* How many edits there are, and how long the longest name is */
static int survey(const void *ops, size_t size, uint32_t *n, uint32_t *longest)
{
	struct fdtx_reader r = { .next = ops, .end = (const char *)ops + size };
	int more;

	*n = *longest = 0;
	while ((more = read_op(&r)) > 0) {
		if (++*n == UINT32_MAX / 4)
			return -FDT_ERR_BADVALUE;
		if (r.op.name_len > *longest)
			*longest = r.op.name_len;
	}
	return more;
}

static int follow(struct fdtx_ops_plan *plan, const void *ops, size_t size,
		  struct fdtx_ops_fault *fault)
{
	struct fdtx_reader r = { .next = ops, .end = (const char *)ops + size };
	int err;

	err = survey(ops, size, &plan->n_ops, &plan->tree.longest);
	if (!err)
		err = fdtx_otree_load(&plan->tree, plan->n_ops, &plan->key);
	if (err)
		return err;
	for (fault->op = 0; read_op(&r) > 0; fault->op++) {
		err = do_op(plan, &r, fault);
		if (err)
			return err;
	}
	fault->op = -1;
	err = list_edits(plan);
	return err ? err : plan_engine(plan);
}

int fdtx_ops_plan(const void *fdt, size_t size, const void *ops,
		  size_t ops_size, const struct fdtx_key *key,
		  struct fdtx_ops_plan **planp, struct fdtx_ops_fault *fault)
{
	struct fdtx_ops_plan *plan;
	struct fdtx_facts facts;
	int err;

	fault->op = -1;
	fault->found = 0;
	fault->blob.cause = NULL;
	err = fdtx_walk(fdt, size, &fault->blob, &facts, "", 0);
	if (err)
		return err;
	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return -FDT_ERR_INTERNAL;
	plan->tree.in = fdt;
	plan->tree.facts = facts;
	plan->key = *key;
	err = follow(plan, ops, ops_size, fault);
	if (err) {
		fdtx_ops_free(plan);
		return err;
	}
	*planp = plan;
	return (int)plan->engine.size;
}

static char *fill_piece(char *to, const char *p, uint32_t len)
{
	if (len)
		memcpy(to, p, len);
	return to + len;
}

void fdtx_ops_emit(struct fdtx_ops_plan *plan, void *buf)
{
	const struct fdtx_fill *fill = plan->fills.items;
	uint32_t i, k;

	fdtx_emit(&plan->engine, buf);
	for (i = 0; i < plan->fills.n; i++) {
		const struct fdtx_oprop *prop;
		char *to = plan->engine.edit[fill[i].edit].value;

		prop = fdtx_oprop(&plan->tree, fill[i].prop);
		to = fill_piece(to, prop->value, prop->old_len);
		for (k = prop->chunk; k != FDTX_NONE;
		     k = fdtx_ochunk(&plan->tree, k)->next) {
			const struct fdtx_ochunk *chunk;

			chunk = fdtx_ochunk(&plan->tree, k);
			to = fill_piece(to, chunk->p, chunk->len);
		}
	}
}

void fdtx_ops_free(struct fdtx_ops_plan *plan)
{
	if (!plan)
		return;
	fdtx_otree_free(&plan->tree);
	free(plan->edits.items);
	free(plan->fills.items);
	fdtx_orsvs_free(&plan->rsvs);
	free(plan->add.items);
	free(plan);
}
