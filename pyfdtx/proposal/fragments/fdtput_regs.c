// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
static int decode_number(const char *arg, uint64_t *valuep)
{
	char *endptr;

	errno = 0;
	*valuep = strtoull(arg, &endptr, 0);
	if (endptr == arg || *endptr != '\0' || errno || *arg == '-') {
		fprintf(stderr, "Couldn't parse \"%s\" as a number\n", arg);
		return -1;
	}
	return 0;
}

/**
 * Store (address, size) entries in a property
 *
 * The widths of the numbers are those that the parent of the node says.
 *
 * @param blob		FDT blob to write into
 * @param node_name	Path to node with the property
 * @param property	Name of property
 * @param arg		List of arguments from command line, in pairs
 * @param arg_count	Number of arguments (may be 0)
 * @return 0 if ok, -1 on error
 */
static int store_regs(char **blob, const char *node_name, const char *property,
		      char **arg, int arg_count)
{
	struct fdt_reg *regs;
	int node, parent, len, n, err;

	if (arg_count % 2) {
		fprintf(stderr, "Each address needs a size\n");
		return -1;
	}

	regs = xmalloc((arg_count / 2 + 1) * sizeof(*regs));
	for (n = 0; n < arg_count / 2; n++) {
		if (decode_number(arg[2 * n], &regs[n].address) ||
		    decode_number(arg[2 * n + 1], &regs[n].size)) {
			free(regs);
			return -1;
		}
	}

	node = fdt_path_offset(*blob, node_name);
	parent = node < 0 ? node : fdt_parent_offset(*blob, node);
	err = parent;
	if (parent >= 0)
		err = fdt_setprop_reg_array(*blob, parent, node, property,
					    regs, n);
	if (err == -FDT_ERR_NOSPACE) {
		len = fdt_prop_len(0, property, fdt_reg_len(*blob, parent, n));
		*blob = realloc_fdt(*blob, len);
		err = fdt_setprop_reg_array(*blob, parent, node, property,
					    regs, n);
	}
	free(regs);
	if (err) {
		report_error(parent < 0 ? node_name : property, -1, err);
		return -1;
	}
	return 0;
}
