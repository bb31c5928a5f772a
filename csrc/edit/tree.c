// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the tree as Python sees it: tables and exact edits
 */
#include <string.h>

#include <libfdt.h>

#include "edit/regs.h"
#include "blob/tags.h"
#include "edit/tree.h"

static int fdtx_same_but_unit(const char *node, const char *name, int namelen)
{
	return !memchr(name, '@', (size_t)namelen) &&
	       !strncmp(node, name, (size_t)namelen) && node[namelen] == '@';
}

int fdtx_find_subnode(const void *fdt, int parentoffset, const char *name,
		      int namelen, int *loosep)
{
	const char *base = fdtx_struct(fdt);
	int pos = fdtx_enter(fdt, parentoffset);
	int depth = 0;

	*loosep = -FDT_ERR_NOTFOUND;
	if (pos < 0)
		return pos;
	for (;;) {
		struct fdtx_tag t = fdtx_tag_at(base, pos);
		const char *node = base + pos + FDT_TAGSIZE;

		if (t.tag == FDT_BEGIN_NODE && depth++ == 0) {
			if (!strncmp(node, name, (size_t)namelen) &&
			    !node[namelen])
				return pos;
			if (*loosep < 0 &&
			    fdtx_same_but_unit(node, name, namelen))
				*loosep = pos;
		} else if (t.tag == FDT_END_NODE && depth-- == 0) {
			return -FDT_ERR_NOTFOUND;
		}
		pos = t.next;
	}
}

int fdtx_find_node(const void *fdt, const char *path, int pathlen,
		   int *exactp)
{
	const char *end = path + pathlen, *p = path;
	int offset = 0, loose;
	size_t len;

	if (pathlen <= 0 || *p != '/')
		return -FDT_ERR_BADPATH;
	*exactp = 1;
	while (offset >= 0 && (p = fdtx_next_name(p, end, &len), len)) {
		offset = fdtx_find_subnode(fdt, offset, p, (int)len, &loose);
		if (offset == -FDT_ERR_NOTFOUND) {
			offset = loose;
			*exactp = 0;
		}
		p += len;
	}
	return offset;
}

int fdtx_path_offset(const void *fdt, const char *path, int pathlen)
{
	int exact, offset = fdtx_find_node(fdt, path, pathlen, &exact);

	return offset < 0 || exact ? offset : -FDT_ERR_NOTFOUND;
}

int fdtx_nodes(const void *fdt, int nodeoffset, int maxdepth,
	       struct fdtx_node *nodes, int max)
{
	const char *base = fdtx_struct(fdt);
	int pos = nodeoffset, depth = 0, n = 0;

	if (fdtx_enter(fdt, nodeoffset) < 0)
		return -FDT_ERR_BADOFFSET;
	do {
		struct fdtx_tag t = fdtx_tag_at(base, pos);

		if (t.tag == FDT_BEGIN_NODE) {
			if (depth <= maxdepth) {
				if (n < max) {
					nodes[n].offset = pos;
					nodes[n].depth = depth;
				}
				n++;
			}
			depth++;
		} else if (t.tag == FDT_END_NODE) {
			depth--;
		}
		pos = t.next;
	} while (depth);
	return n;
}

int fdtx_props(const void *fdt, int nodeoffset, struct fdtx_prop *props,
	       int max)
{
	const char *base = fdtx_struct(fdt);
	int pos = fdtx_enter(fdt, nodeoffset), n;

	if (pos < 0)
		return pos;
	for (n = 0; fdtx_is_prop(base, &pos); n++) {
		if (n < max) {
			props[n].name = fdt_off_dt_strings(fdt) +
					fdtx_prop_nameoff(base, pos);
			props[n].value = fdt_off_dt_struct(fdt) +
					 (uint32_t)pos + 3 * FDT_TAGSIZE;
			props[n].len = fdtx_prop_len(base, pos);
		}
		pos = fdtx_tag_at(base, pos).next;
	}
	return n;
}

int fdtx_mem_rsvs(const void *fdt, struct fdt_reg *regs, int max)
{
	const struct fdt_reserve_entry *re;
	int n = 0;

	re = (const struct fdt_reserve_entry *)((const char *)fdt +
						fdt_off_mem_rsvmap(fdt));
	for (; re->size; re++, n++) {
		if (n < max) {
			regs[n].address = fdt64_to_cpu(re->address);
			regs[n].size = fdt64_to_cpu(re->size);
		}
	}
	return n;
}

int fdtx_del_mem_rsvs(void *fdt, const uint8_t *gone, int n)
{
	struct fdt_reserve_entry *re, *to;
	char *end = (char *)fdt + fdt_off_dt_strings(fdt) +
		    fdt_size_dt_strings(fdt);
	uint32_t len;
	int i;

	re = (struct fdt_reserve_entry *)((char *)fdt +
					  fdt_off_mem_rsvmap(fdt));
	to = re;
	for (i = 0; i < n; i++) {
		if (!re[i].size)
			return -FDT_ERR_NOTFOUND;
		if (!gone[i])
			*to++ = re[i];
	}
	len = (uint32_t)((char *)(re + n) - (char *)to);
	memmove(to, re + n, (size_t)(end - (char *)(re + n)));
	fdt_set_off_dt_struct(fdt, fdt_off_dt_struct(fdt) - len);
	fdt_set_off_dt_strings(fdt, fdt_off_dt_strings(fdt) - len);
	return 0;
}

int fdtx_getprop_regs(const void *fdt, int parent, int nodeoffset,
		      const char *name, struct fdt_reg *regs, int max)
{
	int ac = fdt_address_cells(fdt, parent);
	int sc = fdt_size_cells(fdt, parent);
	const void *value;
	int len;

	if (ac < 0)
		return ac;
	if (sc < 0)
		return sc;
	value = fdt_getprop(fdt, nodeoffset, name, &len);
	if (!value)
		return len;
	return fdtx_decode_regs(value, len, ac, sc, regs, max);
}

int fdtx_delprop(void *fdt, int nodeoffset, const char *name)
{
	char *base = (char *)fdt + fdt_off_dt_struct(fdt);
	const char *strings = (char *)fdt + fdt_off_dt_strings(fdt);
	int pos = fdtx_enter(fdt, nodeoffset), to = pos;
	struct fdtx_tag t;

	if (pos < 0)
		return pos;
	/* Close the gaps in one pass, however many there are */
	for (;; pos = t.next) {
		const fdt32_t *cell = (const fdt32_t *)(base + pos);

		t = fdtx_tag_at(base, pos);
		if (t.tag != FDT_PROP && t.tag != FDT_NOP)
			break;
		if (t.tag == FDT_PROP &&
		    (!name || !strcmp(strings + fdt32_to_cpu(cell[2]), name)))
			continue;
		if (to != pos)
			memmove(base + to, base + pos, (size_t)(t.next - pos));
		to += t.next - pos;
	}
	if (to == pos)
		return -FDT_ERR_NOTFOUND;
	return fdtx_splice(fdt, to, pos - to, 0);
}

int fdtx_add_subnode(void *fdt, int parentoffset, const char *name,
		     int namelen, int is_new, int last)
{
	char *base = (char *)fdt + fdt_off_dt_struct(fdt);
	int pos = fdtx_enter(fdt, parentoffset), err, loose;

	if (pos < 0)
		return pos;
	if (!is_new && fdtx_find_subnode(fdt, parentoffset, name, namelen,
					 &loose) >= 0)
		return -FDT_ERR_EXISTS;

	if (last)
		pos = fdtx_end_node(fdt, parentoffset);
	while (!last) {
		struct fdtx_tag t = fdtx_tag_at(base, pos);

		if (t.tag != FDT_PROP && t.tag != FDT_NOP)
			break;
		pos = t.next;
	}
	err = fdtx_insert_node(fdt, pos, name, namelen);
	return err ? err : pos;
}

int fdtx_insert_node(void *fdt, int pos, const char *name, int namelen)
{
	char *base = (char *)fdt + fdt_off_dt_struct(fdt);
	fdt32_t *cell;
	int len, err;

	/* No node is longer than its tree; keeps the sums in range */
	if ((uint32_t)namelen > fdt_totalsize(fdt))
		return -FDT_ERR_NOSPACE;
	len = fdtx_padded(namelen + 1);
	err = fdtx_splice(fdt, pos, 0, len + 2 * FDT_TAGSIZE);
	if (err)
		return err;
	cell = (fdt32_t *)(base + pos);
	*cell = cpu_to_fdt32(FDT_BEGIN_NODE);
	memset(base + pos + FDT_TAGSIZE, 0, (size_t)len);
	memcpy(base + pos + FDT_TAGSIZE, name, (size_t)namelen);
	cell = (fdt32_t *)(base + pos + FDT_TAGSIZE + len);
	*cell = cpu_to_fdt32(FDT_END_NODE);
	return 0;
}

int fdtx_end_node(const void *fdt, int nodeoffset)
{
	const char *base = fdtx_struct(fdt);
	int pos = fdtx_enter(fdt, nodeoffset), depth = 0;

	if (pos < 0)
		return pos;
	for (;;) {
		struct fdtx_tag t = fdtx_tag_at(base, pos);

		if (t.tag == FDT_BEGIN_NODE)
			depth++;
		else if (t.tag == FDT_END_NODE && depth-- == 0)
			return pos;
		pos = t.next;
	}
}

int fdtx_del_node(void *fdt, int nodeoffset)
{
	int end = fdtx_end_node(fdt, nodeoffset);

	if (end < 0)
		return end;
	return fdtx_splice(fdt, nodeoffset, end + FDT_TAGSIZE - nodeoffset, 0);
}

int fdtx_set_name(void *fdt, int nodeoffset, int parentoffset,
		  const char *name)
{
	char *base = (char *)fdt + fdt_off_dt_struct(fdt);
	int body = fdtx_enter(fdt, nodeoffset), namelen, len, err, loose;
	char *p = base + nodeoffset + FDT_TAGSIZE;

	if (body < 0)
		return body;
	if (strlen(name) >= fdt_totalsize(fdt))
		return -FDT_ERR_NOSPACE;
	namelen = (int)strlen(name);
	err = fdtx_find_subnode(fdt, parentoffset, name, namelen, &loose);
	if (err != -FDT_ERR_NOTFOUND && err != nodeoffset)
		return err < 0 ? err : -FDT_ERR_EXISTS;

	len = fdtx_padded(namelen + 1);
	err = fdtx_splice(fdt, nodeoffset + FDT_TAGSIZE,
			  body - nodeoffset - FDT_TAGSIZE, len);
	if (err)
		return err;
	memset(p, 0, (size_t)len);
	memcpy(p, name, (size_t)namelen);
	return 0;
}
