// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The index says of every node and property what libfdt says. It reads the
 * blob as it came; libfdt reads it brought into order.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include "exercise.h"
#include "blob/index.h"
#include "edit/tree.h"

static void *room_for(size_t n, size_t size)
{
	void *p = malloc(n * size + !n);

	if (!p)
		broken("out of memory");
	return p;
}

static uint32_t number_of(const int *offset, uint32_t n, int wanted)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (offset[i] == wanted)
			return i;
	return FDTX_NO_NODE;
}

/* A list with too little room says how much it needs, and keeps inside */
static void check_room(const void *fdt, uint32_t n)
{
	uint32_t max;

	for (max = 0; max < n; max++) {
		struct fdtx_index_node *node = room_for(max, sizeof(*node));

		if (fdtx_index_nodes(fdt, node, max) != n)
			broken("%u nodes with room for %u", n, max);
		free(node);
	}
}

static void check_props(const struct fdtx_index *ix, uint32_t node,
			const void *fdt, int offset)
{
	struct fdtx_index_value value;
	const void *data;
	int prop, len;

	if (fdtx_index_prop(ix, node, "no such name", 12, &value))
		broken("a property that is not there was found");
	fdt_for_each_property_offset(prop, fdt, offset) {
		const char *name;

		fdt_getprop_by_offset(fdt, prop, &name, &len);
		data = fdt_getprop(fdt, offset, name, &len);
		if (!fdtx_index_prop(ix, node, name, strlen(name), &value))
			broken("property %s was not found", name);
		if ((int)value.len != len || strcmp(value.name, name) ||
		    memcmp(value.data, data, value.len))
			broken("property %s has another value", name);
		/* A part of a name is another name */
		if (name[1] &&
		    fdtx_index_prop(ix, node, name, strlen(name) - 1, &value) &&
		    strlen(value.name) != strlen(name) - 1)
			broken("a longer name than %s was found", name);
	}
	if (fdtx_index_phandle(ix, node) != fdt_get_phandle(fdt, offset))
		broken("phandle of node %u", node);
}

/* The path of a node, and what is left of it without its last unit address */
static void check_path(const struct fdtx_index *ix, const int *offset,
		       const void *fdt, uint32_t node)
{
	char path[2048];
	uint32_t found;
	size_t len;
	int exact, i;

	if (fdt_get_path(fdt, offset[node], path, (int)sizeof(path)))
		return;
	for (i = 0; i < 2; i++) {
		len = strlen(path);
		found = fdtx_index_find(ix, path, len);
		if (found != number_of(offset, ix->n,
				       fdtx_find_node(fdt, path, (int)len,
						      &exact)))
			broken("path %s leads to node %u", path, found);
		if (!strrchr(path, '@'))
			break;
		*strrchr(path, '@') = '\0';
	}
}

void exercise_index(const void *blob, const void *fdt)
{
	uint32_t n = fdtx_index_nodes(blob, NULL, 0), i = 0;
	struct fdtx_index_node *node = room_for(n, sizeof(*node));
	struct fdtx_index ix = { .fdt = blob, .node = node, .n = n };
	int *offset = room_for(n, sizeof(*offset));
	int at, depth = 0;

	check_room(blob, n);
	if (fdtx_index_nodes(blob, node, n) != n)
		broken("two counts of nodes");
	for (at = 0; at >= 0 && depth >= 0;
	     at = fdt_next_node(fdt, at, &depth)) {
		const char *name = ix.fdt + node[i].at + FDT_TAGSIZE;

		if (i == n || strcmp(name, fdt_get_name(fdt, at, NULL)))
			broken("node %u of %u is another", i, n);
		offset[i++] = at;
	}
	if (i != n)
		broken("%u nodes, not %u", n, i);

	for (i = 0; i < n; i++) {
		int end = fdt_next_subnode(fdt, offset[i]);

		if (i && node[i].parent !=
		    number_of(offset, n, fdt_parent_offset(fdt, offset[i])))
			broken("parent of node %u", i);
		if (end >= 0 && node[i].next != number_of(offset, n, end))
			broken("node behind node %u", i);
		check_props(&ix, i, fdt, offset[i]);
		check_path(&ix, offset, fdt, i);
	}
	if (fdtx_index_find(&ix, "chosen", 6) != FDTX_NO_NODE ||
	    fdtx_index_find(&ix, "", 0) != FDTX_NO_NODE ||
	    fdtx_index_find(&ix, "/", 0) != FDTX_NO_NODE ||
	    fdtx_index_find(&ix, "//", 2) != 0)
		broken("paths that are none");
	free(node);
	free(offset);
}
