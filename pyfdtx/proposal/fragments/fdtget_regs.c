// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/**
 * Show a property as (address, size) entries
 *
 * The widths of the numbers are those that the parent of the node says.
 *
 * @param blob		FDT blob
 * @param node		Node with the property
 * @param property	Name of property
 * @return 0 if ok, or FDT_ERR... if not.
 */
static int show_regs(const void *blob, int node, const char *property)
{
	int parent = fdt_parent_offset(blob, node);
	uint64_t address, size;
	int count, i, err;

	if (parent < 0)
		return parent;
	count = fdt_getprop_reg_count(blob, parent, node, property);
	if (count < 0)
		return count;

	for (i = 0; i < count; i++) {
		err = fdt_getprop_reg(blob, parent, node, property, i,
				      &address, &size);
		if (err)
			return err;
		printf("%s0x%" PRIx64 " 0x%" PRIx64, i ? " " : "",
		       address, size);
	}
	printf("\n");

	return 0;
}
