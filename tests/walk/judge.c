// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The walk, compiled once for each name in judge.h: as everybody has it, without
 * its use of vector instructions, and without its fast paths.
 */
#include "judge.h"

int JUDGE(const void *fdt, size_t size, struct fdtx_fault *fault,
	  struct fdtx_facts *facts)
{
	return fdtx_walk(fdt, size, fault, facts, "chosen", 6);
}
