// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - editing with zero padding, exact look-ups, canonical form
 */
#include <limits.h>
#include <string.h>

#include <libfdt.h>

#include "blob/tags.h"
#include "edit/edit.h"
#include "edit/prop.h"

int fdtx_open_into(const void *fdt, void *buf, int bufsize)
{
	int err = fdt_open_into(fdt, buf, bufsize);
	const fdt32_t *first;
	uint32_t nops = 0;

	if (err)
		return err;
	first = (const fdt32_t *)((char *)buf + fdt_off_dt_struct(buf));
	while (fdt32_to_cpu(first[nops]) == FDT_NOP)
		nops++;
	nops *= FDT_TAGSIZE;
	fdt_set_off_dt_struct(buf, fdt_off_dt_struct(buf) + nops);
	fdt_set_size_dt_struct(buf, fdt_size_dt_struct(buf) - nops);
	return 0;
}

static int fdtx_write(void *fdt, int nodeoffset, const char *name,
		      int keep, const void *val, int len)
{
	char *data;
	int err;

	if (len < 0 || len > INT_MAX - keep)
		return -FDT_ERR_BADVALUE;
	err = fdtx_prop_room(fdt, nodeoffset, name, keep + len, &data);
	if (err)
		return err;
	if (len)
		memcpy(data + keep, val, (size_t)len);
	memset(data + keep + len, 0,
	       (size_t)(fdtx_padded(keep + len) - (keep + len)));
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

/* Rewrite the structure block with zero padding; its new size */
static uint32_t fdtx_rewrite_struct(char *base, int squeeze)
{
	struct fdtx_tag t;
	int from = 0, to = 0;

	do {
		t = fdtx_tag_at(base, from);
		/* Nothing written yet: in front of the root */
		if (t.tag != FDT_NOP || (to && !squeeze)) {
			if (to != from)
				memmove(base + to, base + from,
					(size_t)(t.end - from));
			memset(base + to + (t.end - from), 0,
			       (size_t)(t.next - t.end));
			to += t.next - from;
		}
		from = t.next;
	} while (t.tag != FDT_END);
	return (uint32_t)to;
}

int fdtx_canonicalise(void *fdt, int squeeze)
{
	struct fdt_reserve_entry *re;
	uint32_t size;
	int err;

	/* All that fdt_pack() could refuse once the tree has been changed */
	if (fdt_version(fdt) < 17)
		return -FDT_ERR_BADVERSION;
	if (fdt_off_dt_struct(fdt) < fdt_off_mem_rsvmap(fdt) ||
	    fdt_off_dt_strings(fdt) <
	    fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt))
		return -FDT_ERR_BADLAYOUT;

	size = fdtx_rewrite_struct((char *)fdt + fdt_off_dt_struct(fdt),
				   squeeze);
	fdt_set_size_dt_struct(fdt, size);

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
