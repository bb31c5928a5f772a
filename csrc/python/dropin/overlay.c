// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: overlays
 */
#include <libfdt.h>

#include "edit/overlay.h"
#include "guard.h"

int fdtd_overlay_target_offset(const struct fdtd_blob *b,
			       const struct fdtd_blob *fdto, int fragment)
{
	const char *val;
	uint32_t phandle = 0;
	int len, target;

	val = fdt_getprop(fdto->p, fragment, "target", &len);
	if (val) {
		if (len != sizeof(phandle))
			return -FDT_ERR_BADPHANDLE;
		phandle = fdt32_ld((const fdt32_t *)val);
		if (phandle == UINT32_MAX)
			return -FDT_ERR_BADPHANDLE;
	}
	if (phandle)
		return fdt_node_offset_by_phandle(b->p, phandle);

	val = fdt_getprop(fdto->p, fragment, "target-path", &len);
	if (!val)
		return len == -FDT_ERR_NOTFOUND ? -FDT_ERR_BADOVERLAY : len;
	/* libfdt takes it that the value has a NUL */
	for (target = 0; target < len && val[target]; target++)
		;
	return fdtd_path_offset(b, val, target);
}

/* Whether libfdt's recursive merge may walk through a tree */
static int fdtd_check_tree(const struct fdtd_blob *b)
{
	int err = fdtd_check_full(b, b->len);
	int offset, depth = 0;

	if (err)
		return err;
	err = fdtd_write(b);
	for (offset = 0; !err && offset >= 0 && depth >= 0;
	     offset = fdt_next_node(b->p, offset, &depth))
		if (depth >= FDTD_MAX_OVERLAY_DEPTH)
			err = -FDT_ERR_BADSTRUCTURE;
	return err;
}

int fdtd_overlay_apply(const struct fdtd_blob *b,
		       const struct fdtd_blob *fdto)
{
	struct fdtx_fault fault;
	int err;

	/* A bad header leaves both as they are */
	err = fdtd_judge(b);
	if (err >= 0)
		err = fdtd_judge(fdto);
	if (err < 0)
		return err;

	err = fdtd_check_tree(b);
	if (!err)
		err = fdtd_check_tree(fdto);
	if (!err)
		err = fdtx_overlay_apply(b->p, fdto->p, &fault);
	if (err) {
		/* What libfdt does on every error */
		fdt_set_magic(fdto->p, ~(uint32_t)0);
		fdt_set_magic(b->p, ~(uint32_t)0);
	}
	return err;
}
