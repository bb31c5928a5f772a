// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - validation of a blob against the real length of its buffer
 */
#include "blob/check.h"
#include "blob/walk.h"

int fdtx_check(const void *fdt, size_t size, struct fdtx_fault *fault)
{
	return fdtx_walk(fdt, size, fault, NULL, NULL, 0);
}
