// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - a blob brought into canonical form by the engine
 */
#include "edit/load.h"

int fdtx_load_plan(const void *fdt, size_t size, struct fdtx_plan *plan,
		   struct fdtx_fault *fault)
{
	int err;

	memset(plan, 0, sizeof(*plan));
	plan->in = fdt;
	plan->keep_nops = 1;
	err = fdtx_walk(fdt, size, fault, &plan->facts, "", 0);
	if (err)
		return err;
	if (!fdtx_plan(plan))
		return fdtx_bad(fault, FDT_ERR_BADLAYOUT, 0,
				"too large for the header of version 17");
	return 0;
}
