// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The walk's fast path skips only what its steps accept: the answer, the cause
 * and its place, and every fact are those of the walk without it.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "walks.h"

static void compare(const void *fdt, size_t size, const char *child)
{
	struct fdtx_fault want = { NULL, 0 }, got = { NULL, 0 };
	struct fdtx_facts rule, facts;
	int err = slow_walk(fdt, size, &want, &rule, child);

	if (fdtx_walk(fdt, size, &got, &facts, child,
		      (uint32_t)strlen(child)) != err)
		broken("the fast walk says '%s', the slow one '%s'",
		       got.cause ? got.cause : "sound",
		       want.cause ? want.cause : "sound");
	if (err && (strcmp(got.cause, want.cause) || got.offset != want.offset))
		broken("'%s' at %u, not '%s' at %u", got.cause, got.offset,
		       want.cause, want.offset);
	if (!err && memcmp(&facts, &rule, sizeof(facts)))
		broken("the fast walk sees other facts");
	if (fdtx_check(fdt, size, &got) != err)
		broken("without facts the answer is another");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const char *child = node_name(in_byte(&in));
	void *fdt = in_blob(&in, &size);

	compare(fdt, size, child);
	free(fdt);
	return 0;
}
