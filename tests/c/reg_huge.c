// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The largest arrays whose length is an int, and one entry more. The array
 * is 1 GiB of zero pages, which take no memory as long as they are only read.
 */
#include <limits.h>
#include <stdlib.h>

#include "tests.h"

#define ENTRY	32	/* bytes, with 4/4 cells */

int main(void)
{
	struct sample s = sample(4, 4);
	int most = INT_MAX / ENTRY, w;
	struct fdt_reg *regs = calloc((size_t)most, sizeof(*regs));

	if (!regs)
		CONFIG("no address space for 1 GiB");
	s.slack = 1000;
	for (w = 0; w < WRITERS; w++) {
		if (writers[w].single)
			continue;
		context("%s, new property", writers[w].name);
		s.val_len = MISSING;
		check_refused(&writers[w], &s, regs, most, -FDT_ERR_NOSPACE);
		check_refused(&writers[w], &s, regs, most + 1,
			      -FDT_ERR_BADVALUE);

		context("%s, over one entry", writers[w].name);
		s.val = regs;
		s.val_len = ENTRY;
		if (writers[w].append) {
			check_refused(&writers[w], &s, regs, most - 1,
				      -FDT_ERR_NOSPACE);
			check_refused(&writers[w], &s, regs, most,
				      -FDT_ERR_BADVALUE);
		} else {
			check_refused(&writers[w], &s, regs, most,
				      -FDT_ERR_NOSPACE);
		}
	}
	free(regs);
	PASS();
}
