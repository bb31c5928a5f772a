/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_OPS_H
#define FDTX_OPS_H
/*
 * Any number of edits of a tree, on any paths, in one pass: they are followed
 * one after the other on a table of the nodes, the changes that result are
 * listed by place, and the engine (edit/engine.h) plans and writes them.
 */
#include <stddef.h>
#include <stdint.h>

#include "blob/check.h"
#include "blob/hash.h"

enum fdtx_op_kind {
	FDTX_OP_SET,		/* path, name, value */
	FDTX_OP_APPEND,		/* path, name, value */
	FDTX_OP_APPEND_REG,	/* path, name; value: bytes of an entry (32 bits
				 * in the order of the CPU), then entries */
	FDTX_OP_DELETE,		/* path, name: all properties of the name */
	FDTX_OP_ADD_NODE,	/* path */
	FDTX_OP_ADD_NODES,	/* path: missing nodes above as well */
	FDTX_OP_DELETE_NODE,	/* path: and all below it */
	FDTX_OP_RESERVE,	/* value: an entry, behind the others */
	FDTX_OP_UNRESERVE,	/* value: the first entry equal to it */
};

/**
 * struct fdtx_op - the head of one edit
 *
 * Edits stand in memory one behind the other, without alignment: this head,
 * then @path_len bytes, @name_len bytes, a NUL if @name_len is not 0, @len
 * bytes of value. An entry of a memory reservation is two numbers of 64 bits,
 * address and size, in the byte order of the CPU.
 *
 * A path starts with '/', names in it are exact: a unit address is not left
 * out, there is no alias. "/" is the root.
 */
struct fdtx_op {
	uint32_t kind;
	uint32_t path_len;
	uint32_t name_len;
	uint32_t len;
};

/**
 * struct fdtx_ops_fault - which edit failed
 * @blob: where the input is bad
 * @op: number of the edit, from 0; -1 if none is to blame
 * @found: bytes of its path that lead to a node, if the whole does not
 */
struct fdtx_ops_fault {
	struct fdtx_fault blob;
	int64_t op;
	uint32_t found;
};

struct fdtx_ops_plan;

/**
 * fdtx_ops_plan - follow the edits, compute the exact size
 * @fdt: the input, 8-byte aligned, any content; not changed
 * @size: bytes that may be read at @fdt
 * @ops: @ops_size bytes of edits
 * @key: random bits that whoever made input and edits cannot know
 * @planp: filled in if a size is returned: for fdtx_ops_emit(), and then to be
 *	given to fdtx_ops_free(); it points to the input and to the edits,
 *	which must neither move nor change
 *
 * Each edit sees what the ones before it did. Where it puts things is what
 * libfdt does: new properties in front of the others of the node, new nodes in
 * front of the other children, new names behind the others in the strings
 * block, a set property where it was. FDT_NOP stays where it is: a new property
 * goes in front of all that stands in its node, a new node behind the FDT_NOPs
 * between the properties and the child that is the first then.
 *
 * Validates with fdtx_check() first. Time and memory are linear in input and
 * edits, stack is constant.
 *
 * returns: totalsize of the result, which is in canonical form, or
 *	-FDT_ERR_NOTFOUND, a node, property or reservation that is not there
 *	-FDT_ERR_EXISTS, a node that is there
 *	-FDT_ERR_BADPATH, a path without '/' in front, the root where it cannot
 *		be
 *	-FDT_ERR_BADLAYOUT, deeper than FDTX_MAX_DEPTH (@fault->op is not -1)
 *	-FDT_ERR_NOSPACE, larger than FDTX_MAX_TOTALSIZE
 *	-FDT_ERR_BADNCELLS, entries appended to what is no whole number of them
 *	-FDT_ERR_BADVALUE, @ops is not a list of edits
 *	-FDT_ERR_INTERNAL, out of memory
 *	others as fdtx_check()
 */
int fdtx_ops_plan(const void *fdt, size_t size, const void *ops,
		  size_t ops_size, const struct fdtx_key *key,
		  struct fdtx_ops_plan **planp, struct fdtx_ops_fault *fault);

/**
 * fdtx_ops_emit - write the tree that was planned
 * @buf: as many bytes as fdtx_ops_plan() returned; all are written
 */
void fdtx_ops_emit(struct fdtx_ops_plan *plan, void *buf);

/* Give the memory of a plan back; NULL is no plan */
void fdtx_ops_free(struct fdtx_ops_plan *plan);

#endif /* FDTX_OPS_H */
