// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/* The functions above call themselves for each level */
#define OVERLAY_MAX_DEPTH	64

/**
 * overlay_check_depth - Check that an overlay is not nested too deeply
 * @fdto: Device tree overlay blob
 *
 * returns:
 *      0 if it is not
 *      -FDT_ERR_BADOVERLAY if it is
 *      Another negative error code on failure
 */
static int overlay_check_depth(const void *fdto)
{
	int node = 0, depth = 0;

	if (can_assume(VALID_DTB))
		return 0;

	while (depth >= 0) {
		if (depth >= OVERLAY_MAX_DEPTH)
			return -FDT_ERR_BADOVERLAY;
		node = fdt_next_node(fdto, node, &depth);
		if (node == -FDT_ERR_NOTFOUND)
			break;
		if (node < 0)
			return node;
	}

	return 0;
}
