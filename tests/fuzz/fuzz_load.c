// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The engine opens a tree to the bytes that fdtx_open_into() and
 * fdtx_canonicalise() come to, and refuses what fdtx_check() refuses, with the
 * same cause at the same place.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/edit.h"
#include "edit/load.h"
#include "fuzz.h"

static void compare(const void *fdt, size_t size)
{
	struct fdtx_fault want = { NULL, 0 }, got = { NULL, 0 };
	int err = fdtx_check(fdt, size, &want), len;
	struct fdtx_plan plan;
	void *slow, *fast;

	memset(&plan, 0xa5, sizeof(plan));
	if (fdtx_load_plan(fdt, size, &plan, &got) != err)
		broken("loading gives another answer than checking, %d", err);
	if (err) {
		if (strcmp(got.cause, want.cause) || got.offset != want.offset)
			broken("'%s' at %u, not '%s' at %u", got.cause,
			       got.offset, want.cause, want.offset);
		return;
	}
	slow = opened(fdt, 0);
	len = fdtx_canonicalise(slow, 0);
	must(len, "fdtx_canonicalise");
	if ((int)plan.size != len)
		broken("loaded: %u bytes, not %d", plan.size, len);
	fast = fresh(plan.size);
	fdtx_emit(&plan, fast);
	if (memcmp(fast, slow, plan.size))
		broken("a loaded tree is another");
	if (fdtx_check(fast, plan.size, &got))
		broken("a loaded tree is bad: %s at %u", got.cause, got.offset);
	free(fast);
	free(slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	void *fdt = in_blob(&in, &size);

	compare(fdt, size);
	free(fdt);
	return 0;
}
