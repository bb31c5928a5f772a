/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_ENGINE_H
#define FDTX_ENGINE_H
/*
 * Plan and emit: a tree is read once, edited by a list, and written once, in
 * canonical form without FDT_NOP, into memory of exactly the needed size.
 * Nothing here knows a node or a property by name.
 *
 * The caller walks (fdtx_walk() with facts), lists the edits by their place
 * in the input, calls fdtx_plan(), allocates, calls fdtx_emit().
 */
#include <stdint.h>

#include "fdt_reg.h"
#include "blob/names.h"
#include "blob/walk.h"

enum fdtx_edit_kind {
	FDTX_CUT,		/* @len bytes of whole tags, no FDT_NOP */
	FDTX_ADD_NODE,		/* begins; FDTX_END_ADDED must follow */
	FDTX_END_ADDED,
	FDTX_ADD_PROP,
};

/**
 * struct fdtx_edit - one change of the structure block
 * @kind: what is done
 * @at: where: a tag of the input, in bytes from the start of the blob; what is
 *	added comes in front of it
 * @len: bytes that are cut; bytes of the added node's name; bytes of the added
 *	property's value
 * @name: the added property: index in the plan's names, or -1: @nameoff is
 *	the place of its name in the input's strings block
 * @data: the added node's name, or the added property's value; NULL leaves
 *	the value to the caller, who fills in @len bytes at @value
 * @value: filled in by fdtx_emit()
 */
struct fdtx_edit {
	enum fdtx_edit_kind kind;
	uint32_t at;
	uint32_t len;
	int name;
	uint32_t nameoff;
	const void *data;
	char *value;
};

/**
 * struct fdtx_plan - the edits, and what they come to
 * @in: the input, which must neither move nor change until it is emitted
 * @facts: of the input, as fdtx_walk() found them
 * @edit: @n_edits changes, in the order of the result
 * @name: @n_names property names, in the order in which the strings block gets
 *	the new ones
 * @drop: @n_drop memory reservations: all entries equal to one go
 * @drop_all: all the input's entries go
 * @add: @n_add memory reservations to append
 * @keep_nops: leave FDT_NOP behind the root's beginning where it is
 *
 * All above is the caller's; fdtx_plan() fills in what is below:
 *
 * @rsv_size: bytes of memory reservations, with the terminator
 * @tree_size: bytes of the structure block
 * @strings_size: bytes of the strings block
 * @size: totalsize of the result
 */
struct fdtx_plan {
	const char *in;
	struct fdtx_facts facts;
	struct fdtx_edit *edit;
	size_t n_edits;
	struct fdtx_name *name;
	int n_names;
	const struct fdt_reg *drop;
	int n_drop;
	int drop_all;
	const struct fdt_reg *add;
	size_t n_add;
	int keep_nops;

	uint32_t rsv_size;
	uint32_t tree_size;
	uint32_t strings_size;
	uint32_t size;
};

/* Whether the plan drops this reservation */
static inline int fdtx_dropped(const struct fdtx_plan *plan,
			       const struct fdt_reserve_entry *re)
{
	uint64_t address = fdt64_to_cpu(re->address);
	uint64_t size = fdt64_to_cpu(re->size);
	int i;

	if (plan->drop_all)
		return 1;
	for (i = 0; i < plan->n_drop; i++)
		if (plan->drop[i].address == address &&
		    plan->drop[i].size == size)
			return 1;
	return 0;
}

/**
 * fdtx_plan - look up the names, compute the exact size
 *
 * For up to FDTX_MAX_NAMES names.
 *
 * returns: 1; 0 if the result is larger than FDTX_MAX_TOTALSIZE
 */
int fdtx_plan(struct fdtx_plan *plan);

/**
 * fdtx_plan_sizes - compute the exact size, names looked up by the caller
 * @added: bytes that new names add to the strings block
 *
 * returns: as fdtx_plan()
 */
int fdtx_plan_sizes(struct fdtx_plan *plan, uint32_t added);

/**
 * fdtx_emit - write the result
 * @plan: as left by fdtx_plan()
 * @buf: @plan->size bytes; all are written, but for values without data
 */
void fdtx_emit(struct fdtx_plan *plan, char *buf);

#endif /* FDTX_ENGINE_H */
