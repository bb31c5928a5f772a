// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/* The walk without its fast path: its steps alone are the rule */
#define FDTX_WALK_SLOW
#include "blob/walk.h"
#include "walks.h"

int slow_walk(const void *fdt, size_t size, struct fdtx_fault *fault,
	      struct fdtx_facts *facts, const char *child)
{
	return fdtx_walk(fdt, size, fault, facts, child,
			 (uint32_t)strlen(child));
}
