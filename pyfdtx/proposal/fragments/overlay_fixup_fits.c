// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/**
 * overlay_fixup_fits - Check that a fixup lies within its property
 * @len: Length of the property
 * @poffset: Offset within the property where the phandle is stored
 *
 * returns:
 *      1 if it does, or if the overlay need not be checked
 *      0 if not
 */
static int overlay_fixup_fits(int len, uint32_t poffset)
{
	if (can_assume(VALID_DTB))
		return 1;
	return len >= (int)sizeof(fdt32_t) &&
	       poffset <= (uint32_t)len - sizeof(fdt32_t);
}
