/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_OVERLAY_H
#define FDTX_OVERLAY_H

#include <stdint.h>

#include "blob/check.h"

/* Bytes of structure that libfdt may walk over, in the worst case, to resolve
 * the local fixups of one overlay: seconds. Bounds its one cubic loop. */
#define FDTX_OVERLAY_WORK (UINT64_C(1) << 33)

/**
 * fdtx_overlay_apply - fdt_overlay_apply() for overlays that are not trusted
 * @fdt: base tree, as left by fdtx_open_into()
 * @fdto: overlay, as left by fdtx_open_into(); always destroyed, as by
 *	fdt_overlay_apply(), once libfdt has begun
 * @fault: cause is NULL, unless the overlay itself is refused; offset counts
 *	from the start of @fdto
 *
 * libfdt writes wherever an overlay's fixups tell it to, also behind the
 * property and behind the overlay. Here fixups are refused that do not name
 * four bytes of an existing property, or that change other fixups, and local
 * fixups that take more than FDTX_OVERLAY_WORK. The rest of libfdt's work is
 * quadratic in the sizes of the trees. Refused too is a target-path, or a
 * label of the base, by way of an alias that stands for another alias: before
 * 1.7.1 libfdt looks that up in endless recursion.
 *
 * The result may be nested deeper than FDTX_MAX_DEPTH: fdtx_check() it.
 *
 * returns: as fdt_overlay_apply(), which destroys @fdt on errors;
 *	-FDT_ERR_BADOVERLAY with a cause, both trees are as before
 */
int fdtx_overlay_apply(void *fdt, void *fdto, struct fdtx_fault *fault);

#endif /* FDTX_OVERLAY_H */
