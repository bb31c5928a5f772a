// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the exact size of an edited tree
 */
#include <libfdt.h>

#include "edit/engine.h"

/* Bytes of the reservations that stay, without the terminator */
static uint32_t fdtx_kept_rsv(const struct fdtx_plan *plan)
{
	const struct fdt_reserve_entry *re;
	uint32_t kept = 0;

	re = (const struct fdt_reserve_entry *)(plan->in +
						plan->facts.rsv.start);
	for (; re->size; re++)
		if (!fdtx_dropped(plan, re))
			kept += (uint32_t)sizeof(*re);
	return kept;
}

/* Bytes that the edits add, less those that they cut */
static int64_t fdtx_growth(const struct fdtx_plan *plan)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < plan->n_edits; i++) {
		const struct fdtx_edit *edit = &plan->edit[i];

		switch (edit->kind) {
		case FDTX_CUT:
			sum -= edit->len;
			break;
		case FDTX_ADD_NODE:
			sum += FDT_TAGSIZE + fdtx_tag_align(edit->len + 1);
			break;
		case FDTX_ADD_PROP:
			sum += 3 * FDT_TAGSIZE;
			sum += ((int64_t)edit->len + 3) & ~INT64_C(3);
			break;
		case FDTX_END_ADDED:
			sum += FDT_TAGSIZE;
			break;
		}
	}
	return sum;
}

int fdtx_plan_sizes(struct fdtx_plan *plan, uint32_t added)
{
	const struct fdtx_facts *facts = &plan->facts;
	int64_t tree, rsv, strings, size;

	tree = (int64_t)facts->tree.end - facts->tree.start;
	if (!plan->keep_nops)
		tree -= facts->nops;
	tree += fdtx_growth(plan);
	rsv = fdtx_kept_rsv(plan) + ((int64_t)plan->n_add + 1) *
	      (int64_t)sizeof(struct fdt_reserve_entry);
	strings = (int64_t)facts->strings.end - facts->strings.start + added;
	size = (int64_t)FDT_V17_SIZE + rsv + tree + strings;
	if (size > FDTX_MAX_TOTALSIZE)
		return 0;
	plan->tree_size = (uint32_t)tree;
	plan->rsv_size = (uint32_t)rsv;
	plan->strings_size = (uint32_t)strings;
	plan->size = (uint32_t)size;
	return 1;
}

int fdtx_plan(struct fdtx_plan *plan)
{
	const struct fdtx_block *strings = &plan->facts.strings;

	return fdtx_plan_sizes(plan, fdtx_find_names(plan->in + strings->start,
						     strings->end -
						     strings->start,
						     plan->name,
						     plan->n_names));
}
