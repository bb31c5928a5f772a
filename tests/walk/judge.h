/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef WALK_JUDGE_H
#define WALK_JUDGE_H

#include "blob/walk.h"

typedef int judge_fn(const void *fdt, size_t size, struct fdtx_fault *fault,
		  struct fdtx_facts *facts);

/* FDTX_WALK_SLOW: the rule */
judge_fn judge_slow;
/* What the compiler makes of it by default */
judge_fn judge_fast;
/* Without SSE2 */
judge_fn judge_plain;

#endif /* WALK_JUDGE_H */
