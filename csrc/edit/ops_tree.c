// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - nodes and properties that edits work on
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/ops_tree.h"

/* Whom the names of the strings block belong to */
#define NOBODY UINT32_MAX

void *fdtx_vector_add(struct fdtx_vector *v, size_t size)
{
	if (v->n == v->room) {
		uint32_t room = v->room ? v->room * 2 : 16;
		void *items;

		if (room < v->room || room > SIZE_MAX / size)
			return NULL;
		items = realloc(v->items, room * size);
		if (!items)
			return NULL;
		v->items = items;
		v->room = room;
	}
	return (char *)v->items + v->n++ * size;
}

int fdtx_hash_init(struct fdtx_hash *hash, uint64_t items,
		   const struct fdtx_key *key)
{
	hash->key = *key;
	for (hash->bits = 4; hash->bits < 31 && items >> hash->bits;)
		hash->bits++;
	hash->head = malloc(sizeof(*hash->head) << hash->bits);
	if (!hash->head)
		return -FDT_ERR_INTERNAL;
	memset(hash->head, 0xff, sizeof(*hash->head) << hash->bits);
	return 0;
}

void fdtx_otree_free(struct fdtx_otree *tree)
{
	free(tree->nodes.items);
	free(tree->props.items);
	free(tree->chunks.items);
	free(tree->names.items);
	free(tree->name_chain.items);
	free(tree->by_node.head);
	free(tree->by_prop.head);
	free(tree->by_name.head);
}

static struct fdtx_onode *new_node(struct fdtx_otree *tree, uint32_t parent,
				   const char *name, uint32_t len)
{
	struct fdtx_onode *node = fdtx_vector_add(&tree->nodes, sizeof(*node));

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->name = name;
	node->name_len = len;
	node->parent = parent;
	node->child = node->last = node->next = node->chain = FDTX_NONE;
	node->gone = node->new_prop = FDTX_NONE;
	return node;
}

/* Behind the children that are there */
static struct fdtx_onode *old_node(struct fdtx_otree *tree, uint32_t parent,
				   uint32_t tagpos, const struct fdtx_tag *t)
{
	const char *name = tree->in + tagpos + FDT_TAGSIZE;
	uint32_t len = (uint32_t)t->end - tagpos - FDT_TAGSIZE - 1;
	uint32_t me = tree->nodes.n;
	struct fdtx_onode *node = new_node(tree, parent, name, len), *above;

	if (!node)
		return NULL;
	node->begin = tagpos;
	node->body = (uint32_t)t->next;
	if (parent == FDTX_NONE)
		return node;
	above = fdtx_onode(tree, parent);
	if (above->child == FDTX_NONE)
		above->child = me;
	else
		fdtx_onode(tree, above->last)->next = me;
	above->last = me;
	return node;
}

/* Nodes in the order of the blob; returns the number of properties, or less
 * than 0 */
static int64_t load_nodes(struct fdtx_otree *tree)
{
	uint32_t parent = FDTX_NONE;
	int pos = (int)tree->facts.tree.start;
	struct fdtx_onode *node = NULL;
	int64_t props = 0;
	struct fdtx_tag t;

	for (;; pos = t.next) {
		t = fdtx_tag_at(tree->in, pos);
		if (t.tag == FDT_NOP)
			continue;
		if (t.tag == FDT_PROP) {
			props++;
			continue;
		}
		if (node && !node->behind)
			node->behind = (uint32_t)pos;
		if (t.tag == FDT_END)
			return props;
		if (t.tag == FDT_BEGIN_NODE) {
			node = old_node(tree, parent, (uint32_t)pos, &t);
			if (!node)
				return -1;
			parent = tree->nodes.n - 1;
		} else {
			node->end = (uint32_t)t.next;
			parent = node->parent;
			node = parent == FDTX_NONE ? NULL :
			       fdtx_onode(tree, parent);
		}
	}
}

static void link_node(struct fdtx_otree *tree, uint32_t i)
{
	struct fdtx_onode *node = fdtx_onode(tree, i);
	uint32_t *chain = fdtx_chain(&tree->by_node, node->parent, node->name,
				     node->name_len);

	node->chain = *chain;
	*chain = i;
}

int fdtx_otree_load(struct fdtx_otree *tree, uint32_t n_ops,
		    const struct fdtx_key *key)
{
	int64_t props = load_nodes(tree);
	uint32_t i;

	if (props < 0 ||
	    fdtx_hash_init(&tree->by_node, (uint64_t)tree->nodes.n + n_ops, key) ||
	    fdtx_hash_init(&tree->by_prop, (uint64_t)props + n_ops, key) ||
	    fdtx_hash_init(&tree->by_name, n_ops, key))
		return -FDT_ERR_INTERNAL;
	/* From behind: the first of one name comes first in its chain */
	for (i = tree->nodes.n; i-- > 1;)
		link_node(tree, i);
	return 0;
}

static int same(const char *a, uint32_t a_len, const char *b, uint32_t b_len)
{
	return a_len == b_len && !memcmp(a, b, a_len);
}

uint32_t fdtx_otree_child(const struct fdtx_otree *tree, uint32_t node,
			  const char *name, uint32_t len)
{
	uint32_t i = *fdtx_chain(&tree->by_node, node, name, len);

	for (; i != FDTX_NONE; i = fdtx_onode(tree, i)->chain) {
		const struct fdtx_onode *child = fdtx_onode(tree, i);

		if (child->parent == node &&
		    same(child->name, child->name_len, name, len))
			break;
	}
	return i;
}

static void touch(struct fdtx_otree *tree, uint32_t i)
{
	while (i != FDTX_NONE && !fdtx_onode(tree, i)->touched) {
		fdtx_onode(tree, i)->touched = 1;
		i = fdtx_onode(tree, i)->parent;
	}
}

/* The link to the first child that is not deleted. It only moves on, for
 * nothing that is deleted comes back */
static uint32_t *first_link(struct fdtx_otree *tree, uint32_t parent)
{
	struct fdtx_onode *node = fdtx_onode(tree, parent);
	uint32_t *link = node->gone == FDTX_NONE ? &node->child :
			 &fdtx_onode(tree, node->gone)->next;

	while (*link != FDTX_NONE && fdtx_onode(tree, *link)->dead) {
		node->gone = *link;
		link = &fdtx_onode(tree, *link)->next;
	}
	return link;
}

/* Where something goes that is to stand in front of a node */
static uint32_t place_of(const struct fdtx_onode *node)
{
	return node->begin ? node->begin : node->at;
}

int fdtx_otree_add(struct fdtx_otree *tree, uint32_t parent, const char *name,
		   uint32_t len, uint32_t *childp)
{
	struct fdtx_onode *node = new_node(tree, parent, name, len), *above;
	uint32_t me = tree->nodes.n - 1, *link;

	if (!node)
		return -FDT_ERR_INTERNAL;
	above = fdtx_onode(tree, parent);
	link = first_link(tree, parent);
	if (*link != FDTX_NONE)
		node->at = place_of(fdtx_onode(tree, *link));
	else
		node->at = above->begin ? above->end - FDT_TAGSIZE : above->at;
	node->next = *link;
	*link = me;
	link_node(tree, me);
	touch(tree, me);
	*childp = me;
	return 0;
}

void fdtx_otree_delete(struct fdtx_otree *tree, uint32_t i)
{
	struct fdtx_onode *node = fdtx_onode(tree, i);
	uint32_t *link = fdtx_chain(&tree->by_node, node->parent, node->name,
				    node->name_len);

	while (*link != i)
		link = &fdtx_onode(tree, *link)->chain;
	*link = node->chain;
	node->dead = 1;
	touch(tree, i);
}

static void link_prop(struct fdtx_otree *tree, uint32_t node, uint32_t i)
{
	struct fdtx_oprop *prop = fdtx_oprop(tree, i);
	uint32_t *chain = fdtx_chain(&tree->by_prop, node, prop->name,
				     prop->name_len);

	prop->chain = *chain;
	*chain = i;
}

static struct fdtx_oprop *new_prop(struct fdtx_otree *tree, const char *name,
				   uint32_t len)
{
	struct fdtx_oprop *prop = fdtx_vector_add(&tree->props, sizeof(*prop));

	if (!prop)
		return NULL;
	memset(prop, 0, sizeof(*prop));
	prop->name = name;
	prop->name_len = len;
	prop->new_name = -1;
	prop->chunk = prop->last_chunk = prop->next = FDTX_NONE;
	return prop;
}

/* The properties that the node has in the input */
static int load_props(struct fdtx_otree *tree, uint32_t i)
{
	const char *strings = tree->in + tree->facts.strings.start;
	struct fdtx_onode *node = fdtx_onode(tree, i);
	int pos = (int)node->body;
	uint32_t k;

	if (node->loaded)
		return 0;
	node->loaded = 1;
	node->old_prop = tree->props.n;
	while (fdtx_is_prop(tree->in, &pos)) {
		uint32_t nameoff = fdtx_prop_nameoff(tree->in, pos);
		struct fdtx_oprop *prop;

		/* No further than it takes to tell it from all that are looked
		 * for: long names may share their bytes */
		prop = new_prop(tree, strings + nameoff,
				(uint32_t)strnlen(strings + nameoff,
						  (size_t)tree->longest + 1));
		if (!prop)
			return -FDT_ERR_INTERNAL;
		prop->node = i;
		prop->at = (uint32_t)pos;
		prop->nameoff = nameoff;
		prop->value = fdtx_prop_value(tree->in, pos);
		prop->len = prop->old_len = fdtx_prop_len(tree->in, pos);
		pos = fdtx_tag_at(tree->in, pos).next;
		prop->end = (uint32_t)pos;
	}
	node->n_old_props = tree->props.n - node->old_prop;
	/* From behind: the first of one name comes first in its chain */
	for (k = tree->props.n; k-- > node->old_prop;)
		link_prop(tree, i, k);
	return 0;
}

/* The link of a chain that leads to a property of that name */
static uint32_t *find_prop(struct fdtx_otree *tree, uint32_t *link,
			   uint32_t node, const char *name, uint32_t len)
{
	for (; *link != FDTX_NONE; link = &fdtx_oprop(tree, *link)->chain) {
		const struct fdtx_oprop *prop = fdtx_oprop(tree, *link);

		if (prop->node == node &&
		    same(prop->name, prop->name_len, name, len))
			break;
	}
	return link;
}

int fdtx_otree_prop(struct fdtx_otree *tree, uint32_t node, const char *name,
		    uint32_t len, uint32_t *propp)
{
	int err = load_props(tree, node);

	if (err)
		return err;
	*propp = *find_prop(tree, fdtx_chain(&tree->by_prop, node, name, len),
			    node, name, len);
	return 0;
}

/* The number of a name that is used; new ones are noted */
static int use_name(struct fdtx_otree *tree, const char *s, uint32_t len)
{
	uint32_t *chain = fdtx_chain(&tree->by_name, NOBODY, s, len);
	const uint32_t *next = tree->name_chain.items;
	const struct fdtx_name *names = tree->names.items;
	struct fdtx_name *name;
	uint32_t *link, i;

	for (i = *chain; i != FDTX_NONE; i = next[i])
		if (same(names[i].s, names[i].len, s, len))
			return (int)i;
	if (tree->names.n > INT32_MAX - 1)
		return -1;
	link = fdtx_vector_add(&tree->name_chain, sizeof(*link));
	name = fdtx_vector_add(&tree->names, sizeof(*name));
	if (!link || !name)
		return -1;
	name->s = s;
	name->len = len;
	*link = *chain;
	*chain = tree->names.n - 1;
	return (int)*chain;
}

int fdtx_otree_add_prop(struct fdtx_otree *tree, uint32_t node,
			const char *name, uint32_t len, uint32_t *propp)
{
	int new_name = use_name(tree, name, len);
	struct fdtx_oprop *prop = new_prop(tree, name, len);
	uint32_t me = tree->props.n - 1;

	if (!prop || new_name < 0)
		return -FDT_ERR_INTERNAL;
	prop->node = node;
	prop->new_name = new_name;
	prop->next = fdtx_onode(tree, node)->new_prop;
	fdtx_onode(tree, node)->new_prop = me;
	link_prop(tree, node, me);
	*propp = me;
	return 0;
}

int fdtx_otree_delete_props(struct fdtx_otree *tree, uint32_t node,
			    const char *name, uint32_t len)
{
	uint32_t *link;
	int err = load_props(tree, node), n = 0;

	if (err)
		return err;
	link = fdtx_chain(&tree->by_prop, node, name, len);
	for (;;) {
		link = find_prop(tree, link, node, name, len);
		if (*link == FDTX_NONE)
			break;
		fdtx_oprop(tree, *link)->dead = 1;
		*link = fdtx_oprop(tree, *link)->chain;
		n++;
	}
	if (!n)
		return -FDT_ERR_NOTFOUND;
	touch(tree, node);
	return 0;
}

int fdtx_otree_write(struct fdtx_otree *tree, uint32_t i, const char *p,
		     uint32_t len, int append)
{
	struct fdtx_oprop *prop = fdtx_oprop(tree, i);
	struct fdtx_ochunk *chunk;

	touch(tree, prop->node);
	prop->changed = 1;
	if (!append) {
		prop->len = prop->old_len = 0;
		prop->chunk = prop->last_chunk = FDTX_NONE;
	}
	prop->len += len;
	if (!len)
		return 0;
	chunk = fdtx_vector_add(&tree->chunks, sizeof(*chunk));
	if (!chunk)
		return -FDT_ERR_INTERNAL;
	chunk->p = p;
	chunk->len = len;
	chunk->next = FDTX_NONE;
	if (prop->chunk == FDTX_NONE)
		prop->chunk = tree->chunks.n - 1;
	else
		fdtx_ochunk(tree, prop->last_chunk)->next = tree->chunks.n - 1;
	prop->last_chunk = tree->chunks.n - 1;
	return 0;
}
