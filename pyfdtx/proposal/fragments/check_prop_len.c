// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/* The length must leave room for the tag, header and padding of a property */
static int fdt_check_prop_len_(int oldlen, int len)
{
	if (len < 0)
		return -FDT_ERR_BADVALUE;
	if (len > INT_MAX - oldlen -
		  (int)(sizeof(struct fdt_property) + FDT_TAGSIZE))
		return -FDT_ERR_NOSPACE;
	return 0;
}
