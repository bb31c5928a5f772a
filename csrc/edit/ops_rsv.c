// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - memory reservations that edits work on
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/ops_rsv.h"

static struct fdtx_orsv *item(const struct fdtx_orsvs *rsvs, uint32_t i)
{
	return (struct fdtx_orsv *)rsvs->items.items + i;
}

/* The link that leads to the first live entry of that value, or where one
 * would go */
static uint32_t *find(const struct fdtx_orsvs *rsvs, const struct fdt_reg *reg)
{
	uint32_t *link = fdtx_chain(&rsvs->by_value, 0, (const char *)reg,
				    sizeof(*reg));

	for (; *link != FDTX_NONE; link = &item(rsvs, *link)->chain) {
		const struct fdt_reg *other = &item(rsvs, *link)->reg;

		if (other->address == reg->address && other->size == reg->size)
			break;
	}
	return link;
}

int fdtx_orsvs_add(struct fdtx_orsvs *rsvs, const struct fdt_reg *reg)
{
	struct fdtx_orsv *new = fdtx_vector_add(&rsvs->items, sizeof(*new));
	uint32_t me = rsvs->items.n - 1, *link;

	if (!new)
		return -FDT_ERR_INTERNAL;
	new->reg = *reg;
	new->chain = new->same = FDTX_NONE;
	new->last = me;
	new->dead = 0;
	link = find(rsvs, reg);
	if (*link == FDTX_NONE) {
		*link = me;
	} else {
		struct fdtx_orsv *first = item(rsvs, *link);

		item(rsvs, first->last)->same = me;
		first->last = me;
	}
	return 0;
}

int fdtx_orsvs_load(struct fdtx_orsvs *rsvs,
		    const struct fdt_reserve_entry *re, uint32_t n_ops,
		    const struct fdtx_key *key)
{
	uint64_t n = 0;
	int err;

	while (re[n].size)
		n++;
	err = fdtx_hash_init(&rsvs->by_value, n + n_ops, key);
	for (; re->size && !err; re++) {
		const struct fdt_reg reg = {
			fdt64_to_cpu(re->address), fdt64_to_cpu(re->size),
		};

		err = fdtx_orsvs_add(rsvs, &reg);
	}
	return err;
}

int fdtx_orsvs_remove(struct fdtx_orsvs *rsvs, const struct fdt_reg *reg)
{
	uint32_t *link = find(rsvs, reg);
	struct fdtx_orsv *first;

	if (*link == FDTX_NONE)
		return -FDT_ERR_NOTFOUND;
	first = item(rsvs, *link);
	first->dead = 1;
	if (first->same == FDTX_NONE) {
		*link = first->chain;
	} else {
		struct fdtx_orsv *second = item(rsvs, first->same);

		*link = first->same;
		second->chain = first->chain;
		second->last = first->last;
	}
	return 0;
}

int fdtx_orsvs_list(const struct fdtx_orsvs *rsvs, struct fdtx_vector *regs)
{
	struct fdt_reg *reg;
	uint32_t i;

	for (i = 0; i < rsvs->items.n; i++) {
		if (item(rsvs, i)->dead)
			continue;
		reg = fdtx_vector_add(regs, sizeof(*reg));
		if (!reg)
			return -FDT_ERR_INTERNAL;
		*reg = item(rsvs, i)->reg;
	}
	return 0;
}

void fdtx_orsvs_free(struct fdtx_orsvs *rsvs)
{
	free(rsvs->items.items);
	free(rsvs->by_value.head);
}
