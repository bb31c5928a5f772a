/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_LOAD_H
#define FDTX_LOAD_H
/*
 * Opening a tree for edits by the engine: what fdtx_open_into() and
 * fdtx_canonicalise() give, in one walk and one write of the exact size.
 */
#include <stddef.h>

#include "edit/engine.h"

/**
 * fdtx_load_plan - validate a blob, and plan its canonical form
 * @fdt: 8-byte aligned buffer, any content; not changed
 * @size: bytes that may be read at @fdt
 * @plan: filled in if 0 is returned, for fdtx_emit(); it points to @fdt
 * @fault: filled in if an error is returned
 *
 * FDT_NOP stays, but for those in front of the root.
 *
 * returns: 0; as fdtx_check(); -FDT_ERR_BADLAYOUT also if version 17 makes
 *	the tree larger than FDTX_MAX_TOTALSIZE
 */
int fdtx_load_plan(const void *fdt, size_t size, struct fdtx_plan *plan,
		   struct fdtx_fault *fault);

#endif /* FDTX_LOAD_H */
