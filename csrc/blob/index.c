// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - a list of the nodes, and what is found with its help
 *
 * The walks here trust the blob: fdtx_check() has seen every tag, name and
 * length, and that properties stand in front of subnodes.
 */
#include "blob/index.h"

uint32_t fdtx_index_nodes(const void *blob, struct fdtx_index_node *node,
			  uint32_t max)
{
	/* The nodes above the tag */
	uint32_t open[FDTX_MAX_DEPTH], depth = 0, n = 0;
	const char *fdt = blob;
	int pos = (int)fdt_off_dt_struct(fdt);

	do {
		struct fdtx_tag t = fdtx_tag_at(fdt, pos);
		uint32_t at = (uint32_t)pos;

		pos = t.next;
		if (t.tag == FDT_PROP)
			continue;
		if (t.tag == FDT_END_NODE) {
			uint32_t closed = open[--depth];

			if (closed < max)
				node[closed].next = n;
		} else if (t.tag == FDT_BEGIN_NODE) {
			if (n < max) {
				node[n].at = at;
				node[n].parent = depth ? open[depth - 1] : 0;
			}
			open[depth++] = n++;
		}
	} while (depth || !n);
	return n;
}

static const char *fdtx_index_name(const struct fdtx_index *ix, uint32_t node)
{
	return ix->fdt + ix->node[node].at + FDT_TAGSIZE;
}

uint32_t fdtx_index_child(const struct fdtx_index *ix, uint32_t parent,
			  const char *name, size_t len)
{
	uint32_t end = ix->node[parent].next, i, loose = FDTX_NO_NODE;
	int has_unit = !!memchr(name, '@', len);

	for (i = parent + 1; i < end; i = ix->node[i].next) {
		const char *s = fdtx_index_name(ix, i);

		if (*s != *name || strncmp(s, name, len))
			continue;
		if (!s[len])
			return i;
		if (s[len] == '@' && !has_unit && loose == FDTX_NO_NODE)
			loose = i;
	}
	return loose;
}

uint32_t fdtx_index_find(const struct fdtx_index *ix, const char *path,
			 size_t len)
{
	const char *end = path + len, *p = path;
	uint32_t node = 0;

	if (!len || *p != '/')
		return FDTX_NO_NODE;
	while (node != FDTX_NO_NODE && (p = fdtx_next_name(p, end, &len), len)) {
		node = fdtx_index_child(ix, node, p, len);
		p += len;
	}
	return node;
}

int fdtx_index_prop(const struct fdtx_index *ix, uint32_t node,
		    const char *name, size_t len, struct fdtx_index_value *value)
{
	const char *fdt = ix->fdt;
	const char *strings = fdt + fdt_off_dt_strings(fdt);
	int pos = fdtx_tag_at(fdt, (int)ix->node[node].at).next;

	for (; fdtx_is_prop(fdt, &pos); pos = fdtx_tag_at(fdt, pos).next) {
		const char *s = strings + fdtx_prop_nameoff(fdt, pos);

		if (*s != *name || strncmp(s, name, len) || s[len])
			continue;
		value->name = s;
		value->data = fdtx_prop_value(fdt, pos);
		value->len = fdtx_prop_len(fdt, pos);
		return 1;
	}
	return 0;
}

uint32_t fdtx_index_phandle(const struct fdtx_index *ix, uint32_t node)
{
	static const char * const names[] = { "phandle", "linux,phandle" };
	struct fdtx_index_value value;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fdtx_index_prop(ix, node, names[i], strlen(names[i]),
				    &value) && value.len == sizeof(fdt32_t))
			return fdt32_ld((const fdt32_t *)value.data);
	return 0;
}
