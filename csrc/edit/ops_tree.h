/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_OPS_TREE_H
#define FDTX_OPS_TREE_H
/*
 * The tree that edits work on: all nodes of a sound blob in a table, the
 * properties of those that are touched, and what is new. Everything is found
 * by hash and named by its number.
 */
#include <stddef.h>
#include <stdint.h>

#include "blob/hash.h"
#include "blob/names.h"
#include "blob/walk.h"

/**
 * struct fdtx_onode - a node
 * @begin: its FDT_BEGIN_NODE, bytes from the start of the blob; 0: it is new
 * @body: behind its name
 * @behind: behind its properties
 * @end: behind its FDT_END_NODE
 * @at: of a new node: the tag of the input that it goes in front of
 * @child: first child; @last, @next: of the list of children, in the order of
 *	the result, with those that are deleted
 * @gone: the last of the deleted ones that it begins with, as far as is known;
 *	FDTX_NONE
 * @chain: the next of the hash chain
 * @old_prop: first of @n_old_props once they are @loaded
 * @new_prop: the latest new one, a list
 * @touched: something in it or below it changes
 */
struct fdtx_onode {
	uint32_t begin, body, behind, end, at;
	const char *name;
	uint32_t name_len;
	uint32_t parent, child, last, next, gone;
	uint32_t chain;
	uint32_t old_prop, n_old_props, new_prop;
	unsigned char loaded, touched, dead;
};

/**
 * struct fdtx_oprop - a property of a touched node
 * @node: whose it is
 * @at: its tag, @end: behind it; 0: it is new
 * @value: what is left of its old value, @old_len bytes
 * @chunk: first of the pieces that follow, @last_chunk the last
 * @len: bytes of all that
 * @nameoff: of an old one; @new_name: of a new one, index in the names
 */
struct fdtx_oprop {
	const char *name;
	uint32_t name_len;
	uint32_t node;
	uint32_t at, end;
	uint32_t nameoff;
	int new_name;
	const char *value;
	uint32_t old_len;
	uint32_t chunk, last_chunk;
	uint64_t len;
	uint32_t next, chain;
	unsigned char changed, dead;
};

struct fdtx_ochunk {
	const char *p;
	uint32_t len;
	uint32_t next;
};

struct fdtx_vector {
	void *items;
	uint32_t n, room;
};

struct fdtx_otree {
	const char *in;
	uint32_t longest;		/* name of a property in the edits */
	struct fdtx_facts facts;
	struct fdtx_vector nodes;	/* struct fdtx_onode, the root first */
	struct fdtx_vector props;	/* struct fdtx_oprop */
	struct fdtx_vector chunks;	/* struct fdtx_ochunk */
	struct fdtx_vector names;	/* struct fdtx_name, in order of use */
	struct fdtx_hash by_node;
	struct fdtx_hash by_prop;
	struct fdtx_hash by_name;
	struct fdtx_vector name_chain;	/* uint32_t: next of the same chain */
};

static inline struct fdtx_onode *fdtx_onode(const struct fdtx_otree *tree,
					    uint32_t i)
{
	return (struct fdtx_onode *)tree->nodes.items + i;
}

static inline struct fdtx_oprop *fdtx_oprop(const struct fdtx_otree *tree,
					    uint32_t i)
{
	return (struct fdtx_oprop *)tree->props.items + i;
}

static inline struct fdtx_ochunk *fdtx_ochunk(const struct fdtx_otree *tree,
					      uint32_t i)
{
	return (struct fdtx_ochunk *)tree->chunks.items + i;
}

/* Room for one more item of @size bytes, whose number is @v->n then; NULL if
 * there is no memory */
void *fdtx_vector_add(struct fdtx_vector *v, size_t size);

/* Empty chains for about so many items; -FDT_ERR_INTERNAL, out of memory */
int fdtx_hash_init(struct fdtx_hash *hash, uint64_t items,
		   const struct fdtx_key *key);

/**
 * fdtx_otree_load - table of all nodes
 * @tree: @in, @longest and @facts filled in, all else zero; for fdtx_otree_free() also if
 *	an error is returned
 * @n_ops: so many edits will follow
 *
 * returns: 0 or -FDT_ERR_INTERNAL, out of memory; so do those below
 */
int fdtx_otree_load(struct fdtx_otree *tree, uint32_t n_ops,
		    const struct fdtx_key *key);

void fdtx_otree_free(struct fdtx_otree *tree);

/* The child of that exact name, the first of several; FDTX_NONE */
uint32_t fdtx_otree_child(const struct fdtx_otree *tree, uint32_t node,
			  const char *name, uint32_t len);

/* A new first child; its number goes to @childp. FDT_NOP between the properties
 * and what is the first child now, or the node's end, stays in front of it */
int fdtx_otree_add(struct fdtx_otree *tree, uint32_t node, const char *name,
		   uint32_t len, uint32_t *childp);

void fdtx_otree_delete(struct fdtx_otree *tree, uint32_t node);

/* The first property of that name; FDTX_NONE in *@propp if there is none */
int fdtx_otree_prop(struct fdtx_otree *tree, uint32_t node, const char *name,
		    uint32_t len, uint32_t *propp);

/* A new first property without value; @name has a NUL behind it */
int fdtx_otree_add_prop(struct fdtx_otree *tree, uint32_t node,
			const char *name, uint32_t len, uint32_t *propp);

/* All properties of that name; -FDT_ERR_NOTFOUND if there is none */
int fdtx_otree_delete_props(struct fdtx_otree *tree, uint32_t node,
			    const char *name, uint32_t len);

/* Put a piece behind the value, or in place of it */
int fdtx_otree_write(struct fdtx_otree *tree, uint32_t prop, const char *p,
		     uint32_t len, int append);

#endif /* FDTX_OPS_TREE_H */
