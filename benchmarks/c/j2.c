// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Many ranges into one property of /chosen, as a C program would, in a tree that
 * has been opened with room for them
 */
#include <libfdt.h>

#include "bench.h"

int bench_ranges_oneshot(void *fdt, const char *name,
			 const struct fdt_reg *entries, int n)
{
	int chosen = fdt_path_offset(fdt, "/chosen");

	if (chosen < 0)
		return chosen;
	return fdt_setprop_reg_array(fdt, 0, chosen, name, entries, n);
}

int bench_ranges_append(void *fdt, const char *name,
			const struct fdt_reg *entries, int n)
{
	int i, err = 0, chosen = fdt_path_offset(fdt, "/chosen");

	if (chosen < 0)
		return chosen;
	for (i = 0; i < n && !err; i++)
		err = fdt_appendprop_addrrange(fdt, 0, chosen, name,
					       entries[i].address,
					       entries[i].size);
	return err;
}

unsigned int bench_totalsize(const void *fdt)
{
	return fdt_totalsize(fdt);
}
