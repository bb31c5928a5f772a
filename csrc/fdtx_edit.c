// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - editing with zero padding, exact look-ups, canonical form
 */
#include <limits.h>
#include <string.h>

#include <libfdt.h>

#include "fdtx_edit.h"

static uint32_t fdtx_align(uint32_t len)
{
	return (len + FDT_TAGSIZE - 1) & ~(uint32_t)(FDT_TAGSIZE - 1);
}

static int fdtx_write(void *fdt, int nodeoffset, const char *name,
		      int keep, const void *val, int len)
{
	char *data;
	void *p;
	int err;

	if (len < 0 || len > INT_MAX - keep)
		return -FDT_ERR_BADVALUE;
	/* No property is longer than its tree; keeps libfdt's sums in range */
	if ((uint32_t)(keep + len) > fdt_totalsize(fdt))
		return -FDT_ERR_NOSPACE;

	err = fdt_setprop_placeholder(fdt, nodeoffset, name, keep + len, &p);
	if (err)
		return err;
	data = p;
	if (len)
		memcpy(data + keep, val, (size_t)len);
	memset(data + keep + len, 0,
	       fdtx_align((uint32_t)(keep + len)) - (uint32_t)(keep + len));
	return 0;
}

int fdtx_setprop(void *fdt, int nodeoffset, const char *name,
		 const void *val, int len)
{
	return fdtx_write(fdt, nodeoffset, name, 0, val, len);
}

int fdtx_appendprop(void *fdt, int nodeoffset, const char *name,
		    const void *val, int len)
{
	int oldlen;

	if (!fdt_getprop(fdt, nodeoffset, name, &oldlen)) {
		if (oldlen != -FDT_ERR_NOTFOUND)
			return oldlen;
		oldlen = 0;
	}
	return fdtx_write(fdt, nodeoffset, name, oldlen, val, len);
}

int fdtx_subnode_offset(const void *fdt, int parentoffset, const char *name,
			int namelen)
{
	int offset, len;

	fdt_for_each_subnode(offset, fdt, parentoffset) {
		const char *s = fdt_get_name(fdt, offset, &len);

		if (s && len == namelen && !memcmp(s, name, (size_t)len))
			return offset;
	}
	return offset;
}

int fdtx_path_offset(const void *fdt, const char *path, int pathlen)
{
	const char *end = path + pathlen, *p = path;
	int offset = 0;

	if (pathlen <= 0 || *p != '/')
		return -FDT_ERR_BADPATH;
	for (;;) {
		const char *slash;

		while (p < end && *p == '/')
			p++;
		if (p == end)
			return offset;
		slash = memchr(p, '/', (size_t)(end - p));
		if (!slash)
			slash = end;
		offset = fdtx_subnode_offset(fdt, offset, p, (int)(slash - p));
		if (offset < 0)
			return offset;
		p = slash;
	}
}

int fdtx_canonicalise(void *fdt, int squeeze)
{
	char *base = (char *)fdt + fdt_off_dt_struct(fdt);
	uint32_t from = 0, to = 0, tag;
	struct fdt_reserve_entry *re;
	int err;

	do {
		uint32_t len = FDT_TAGSIZE, used = FDT_TAGSIZE;
		const fdt32_t *cell = (const fdt32_t *)(base + from);

		tag = fdt32_to_cpu(*cell);
		if (tag == FDT_BEGIN_NODE)
			used += (uint32_t)strlen(base + from + FDT_TAGSIZE) + 1;
		else if (tag == FDT_PROP)
			used += 2 * (uint32_t)sizeof(*cell) +
				fdt32_to_cpu(cell[1]);
		len = fdtx_align(used);
		if (tag != FDT_NOP || !squeeze) {
			if (to != from)
				memmove(base + to, base + from, used);
			memset(base + to + used, 0, len - used);
			to += len;
		}
		from += len;
	} while (tag != FDT_END);
	fdt_set_size_dt_struct(fdt, to);

	re = (struct fdt_reserve_entry *)((char *)fdt +
					  fdt_off_mem_rsvmap(fdt));
	while (re->size)
		re++;
	re->address = 0;

	err = fdt_pack(fdt);
	if (err)
		return err;
	fdt_set_last_comp_version(fdt, 16);
	return (int)fdt_totalsize(fdt);
}
