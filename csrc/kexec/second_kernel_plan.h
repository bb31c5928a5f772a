/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_SECOND_KERNEL_PLAN_H
#define FDTX_SECOND_KERNEL_PLAN_H
/*
 * The second kernel's tree through the engine: one walk, the exact size, one
 * write. fdtx_second_kernel() is the reference; it is called where the engine
 * declines, and for all that is refused.
 */
#include <stddef.h>

#include "kexec/chosen.h"
#include "edit/engine.h"
#include "kexec/second_kernel.h"

/* Room for edits; a /chosen that needs more goes through libfdt */
#define FDTX_MAX_EDITS 64

/* Larger trees, input or result, are not planned: far below where sums of
 * fdtx_second_kernel() overflow */
#define FDTX_MAX_PLAN (UINT32_C(1) << 30)

/**
 * struct fdtx_second_kernel_plan - state between plan and emit
 * @size: totalsize of the result
 * @bootargs_len: bytes of its command line, without the NUL
 *
 * The rest is private. It points to the input, to the job and to itself: none
 * must move or change in between.
 */
struct fdtx_second_kernel_plan {
	int size;
	int bootargs_len;
	struct fdtx_plan edits;
	struct fdtx_edit edit[FDTX_MAX_EDITS];
	struct fdtx_name name[FDTX_N_STALE];
	const struct fdtx_second_kernel *job;
	struct fdtx_old old;
	enum fdtx_stale stale[FDTX_N_STALE];	/* by name in edits */
	uint64_t len[FDTX_N_STALE];		/* by name in edits */
	struct fdt_reg drop[FDTX_MAX_DROP];
	struct fdt_reg add[2];
};

/**
 * fdtx_second_kernel_plan - validate, find, compute the exact size
 * @fdt: the input, 8-byte aligned, any content; not changed
 * @size: bytes that may be read at @fdt
 * @job: what is to be done
 * @plan: filled in
 *
 * Accepts nothing that fdtx_second_kernel() refuses. Time and stack as there.
 *
 * returns: totalsize of the result; 0: fdtx_second_kernel() has to be called,
 *	to say what is wrong, or because root's cells would be rewritten,
 *	/chosen takes more than FDTX_MAX_EDITS, or the tree would be larger
 *	than FDTX_MAX_PLAN
 */
int fdtx_second_kernel_plan(const void *fdt, size_t size,
			    const struct fdtx_second_kernel *job,
			    struct fdtx_second_kernel_plan *plan);

/**
 * fdtx_second_kernel_emit - write the tree that was planned
 * @plan: as left by fdtx_second_kernel_plan(), which did not return 0
 * @buf: @plan->size bytes, does not overlap the input; every byte is written,
 *	with what fdtx_second_kernel() gives
 */
void fdtx_second_kernel_emit(struct fdtx_second_kernel_plan *plan, void *buf);

#endif /* FDTX_SECOND_KERNEL_PLAN_H */
