// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Any sound overlay on any sound base: what fdtx_overlay_apply() merges is a
 * sound tree, and nothing is read or written outside of either.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "edit/edit.h"
#include "edit/overlay.h"
#include "fuzz.h"

static void check_merged(void *tree)
{
	struct fdtx_fault fault;
	int err = fdtx_check(tree, fdt_totalsize(tree), &fault);

	/* The one thing that a merge can add to two sound trees */
	if (err && strcmp(fault.cause, "nodes are nested too deep"))
		broken("merged: %s at %u", fault.cause, fault.offset);
	if (err)
		return;
	must(fdtx_canonicalise(tree, 1), "fdtx_canonicalise");
	if (fdtx_check(tree, fdt_totalsize(tree), &fault))
		broken("merged, in canonical form: %s", fault.cause);
}

/* A refusal with a cause leaves both as they were */
static void merge(const void *base, const void *fdto, size_t slack)
{
	void *tree = opened(base, slack), *overlay = opened(fdto, 0);
	size_t size = fdt_totalsize(tree), len = fdt_totalsize(overlay);
	void *tree_before = copy_of(tree, size);
	void *overlay_before = copy_of(overlay, len);
	struct fdtx_fault fault;
	int err = fdtx_overlay_apply(tree, overlay, &fault);

	if (!err)
		check_merged(tree);
	else if (fault.cause && (memcmp(tree, tree_before, size) ||
				 memcmp(overlay, overlay_before, len)))
		broken("'%s', and a tree was changed", fault.cause);
	free(tree);
	free(overlay);
	free(tree_before);
	free(overlay_before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t slack = 8u * in_byte(&in), base_size, len;
	void *base = in_blob(&in, &base_size), *fdto = in_blob(&in, &len);
	struct fdtx_fault fault;

	if (!fdtx_check(base, base_size, &fault) &&
	    !fdtx_check(fdto, len, &fault))
		merge(base, fdto, slack);
	free(base);
	free(fdto);
	return 0;
}
