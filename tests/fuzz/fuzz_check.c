// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * fdtx_check() judges any bytes as fdt_check_full() does, but for the
 * documented differences; what it accepts is read through every way of
 * reading, and the index says of it what libfdt says.
 */
#include <stdlib.h>

#include "blob/check.h"
#include "blob/index.h"
#include "fuzz.h"

/* Reading a tree in every way takes time that is cubic in its nodes */
#define MAX_NODES 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct exercise x;
	struct input in = { data, size };
	void *fdt = in_blob(&in, &size), *buf;

	if (exercise_check(&x, fdt, size) &&
	    fdtx_index_nodes(fdt, NULL, 0) <= MAX_NODES) {
		buf = opened(fdt, 0);
		exercise_read(buf);
		exercise_index(fdt, buf);
		free(buf);
	}
	free(fdt);
	return 0;
}
