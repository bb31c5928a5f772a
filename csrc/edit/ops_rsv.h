/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_OPS_RSV_H
#define FDTX_OPS_RSV_H
/*
 * The memory reservations that edits work on: a list in which an entry is
 * found by its value, in constant time.
 */
#include <stdint.h>

#include "fdt_reg.h"

#include "edit/ops_tree.h"

/**
 * struct fdtx_orsv - a reservation
 * @chain: the next of the hash chain, in which each value stands once: as the
 *	first live entry of that value
 * @same: the next entry of the same value
 * @last: of the first one: the last of the same value
 */
struct fdtx_orsv {
	struct fdt_reg reg;
	uint32_t chain, same, last;
	int dead;
};

struct fdtx_orsvs {
	struct fdtx_vector items;	/* struct fdtx_orsv, in order */
	struct fdtx_hash by_value;
};

/**
 * fdtx_orsvs_load - start with the reservations of a blob
 * @rsvs: all zero; for fdtx_orsvs_free() also if an error is returned
 * @re: reservations, with the terminator
 * @n_ops: so many edits will follow at most
 *
 * returns: 0 or -FDT_ERR_INTERNAL, out of memory; so do those below
 */
int fdtx_orsvs_load(struct fdtx_orsvs *rsvs,
		    const struct fdt_reserve_entry *re, uint32_t n_ops,
		    const struct fdtx_key *key);

/* One more, behind the others */
int fdtx_orsvs_add(struct fdtx_orsvs *rsvs, const struct fdt_reg *reg);

/* Take the first one equal to @reg out; -FDT_ERR_NOTFOUND if there is none */
int fdtx_orsvs_remove(struct fdtx_orsvs *rsvs, const struct fdt_reg *reg);

/* Append those that are left to @regs, numbers of type struct fdt_reg */
int fdtx_orsvs_list(const struct fdtx_orsvs *rsvs, struct fdtx_vector *regs);

void fdtx_orsvs_free(struct fdtx_orsvs *rsvs);

#endif /* FDTX_OPS_RSV_H */
