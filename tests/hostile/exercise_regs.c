// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Many entries at once: the same bytes and the same codes as fdt_reg.h's.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "exercise.h"
#include "fdt_reg.h"
#include "edit/regs.h"

static const struct fdt_reg entries[][3] = {
	{ { 1, 2 }, { UINT32_MAX, 1 }, { 0, UINT32_MAX } },
	{ { 1, 0 }, { 2, 0 }, { UINT32_MAX, 0 } },
	{ { 0, 0 }, { 0, UINT64_MAX }, { UINT64_MAX, 1 } },
	{ { 0, 0 }, { 0, 0 }, { UINT32_MAX, 2 } },
	{ { UINT64_C(1) << 32, 0 }, { 0, 0 }, { 0, 0 } },
	{ { 0, 0 }, { 0, 1 }, { UINT64_MAX, 2 } },
};

static void *roomy(const void *fdt, size_t room)
{
	size_t size = fdt_totalsize(fdt) + room;
	void *buf = malloc(size);

	if (!buf)
		broken("out of memory");
	must(fdt_open_into(fdt, buf, (int)size), "fdt_open_into");
	return buf;
}

static void write_both(const void *fdt, int parent, int node, const char *name,
		       const struct fdt_reg *regs, int n, int append)
{
	int room = fdtx_regs_room(fdt, parent, name, n), slack, err, want;
	void *ours, *theirs;

	if (room < 0 && room != -FDT_ERR_BADNCELLS)
		broken("fdtx_regs_room: %s", fdt_strerror(room));
	/* Not enough, enough, more; cells that are missing are 2 and 1 */
	for (slack = 0; slack < 3; slack++) {
		size_t more = (size_t)slack * (room < 0 ? 100 : (size_t)room);

		ours = roomy(fdt, more);
		theirs = roomy(fdt, more);
		err = fdtx_write_regs(ours, parent, node, name, regs, n, append);
		want = append ?
		       fdt_appendprop_reg_array(theirs, parent, node, name,
						regs, n) :
		       fdt_setprop_reg_array(theirs, parent, node, name, regs,
					     n);
		if (err != want)
			broken("%s: %s, not %s", name, fdt_strerror(err),
			       fdt_strerror(want));
		if (slack && room >= 0 && err == -FDT_ERR_NOSPACE)
			broken("%d bytes are not enough", room);
		if (fdt_totalsize(ours) != fdt_totalsize(theirs) ||
		    memcmp(ours, theirs, fdt_off_dt_strings(ours) +
			   fdt_size_dt_strings(ours)))
			broken("%s has other bytes", name);
		free(ours);
		free(theirs);
	}
}

/* By the cells of a node */
static void write_by(const void *fdt, int parent, int node)
{
	size_t set;
	int append;

	for (set = 0; set < sizeof(entries) / sizeof(*entries); set++) {
		for (append = 0; append < 2; append++) {
			write_both(fdt, parent, node, "reg", entries[set], 3,
				   append);
			write_both(fdt, parent, node, "new,reg", entries[set],
				   (int)set % 4, append);
		}
	}
}

void exercise_regs(const void *fdt)
{
	int node = fdt_first_subnode(fdt, 0);

	write_by(fdt, 0, 0);
	if (node < 0)
		return;
	write_by(fdt, 0, node);
	write_by(fdt, node, node);
}
