// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - room for a property's value
 */
#include "blob/names.h"
#include "edit/prop.h"
#include "blob/tags.h"

/* A property's tag, its length, the place of its name */
#define HEAD (3 * (int)FDT_TAGSIZE)

int fdtx_find_prop(const void *fdt, int pos, const char *name)
{
	const char *strings = (const char *)fdt + fdt_off_dt_strings(fdt);
	const char *base = fdtx_struct(fdt);

	for (; fdtx_is_prop(base, &pos); pos = fdtx_tag_at(base, pos).next)
		if (!strcmp(strings + fdtx_prop_nameoff(base, pos), name))
			return pos;
	return -FDT_ERR_NOTFOUND;
}

/* A new property's head at a tag; its name, if new, behind the other strings */
static int add(void *fdt, int pos, const char *name, int len)
{
	uint32_t off = fdt_off_dt_strings(fdt);
	uint32_t size = fdt_size_dt_strings(fdt), added;
	struct fdtx_name wanted = { .s = name, .len = (uint32_t)strlen(name) };
	fdt32_t *cell;
	int err;

	/* No name is longer than its tree; keeps the sums in range */
	if (wanted.len >= fdt_totalsize(fdt))
		return -FDT_ERR_NOSPACE;
	added = fdtx_find_names((char *)fdt + off, size, &wanted, 1);
	if (added > fdt_totalsize(fdt) - off - size)
		return -FDT_ERR_NOSPACE;
	/* Counted as one of the strings, it moves with them */
	memcpy((char *)fdt + off + size, name, added);
	fdt_set_size_dt_strings(fdt, size + added);
	err = fdtx_splice(fdt, pos, 0, HEAD + fdtx_padded(len));
	if (err) {
		fdt_set_size_dt_strings(fdt, size);
		return err;
	}
	cell = (fdt32_t *)((char *)fdt + fdt_off_dt_struct(fdt) + pos);
	cell[0] = cpu_to_fdt32(FDT_PROP);
	cell[2] = cpu_to_fdt32(wanted.off);
	return 0;
}

int fdtx_prop_room(void *fdt, int nodeoffset, const char *name, int len,
		   char **valuep)
{
	char *base = (char *)fdt + fdt_off_dt_struct(fdt);
	int pos = fdtx_enter(fdt, nodeoffset), found, err;
	fdt32_t *cell;

	if (pos < 0)
		return pos;
	/* No value is longer than its tree; keeps the sums in range */
	if ((uint32_t)len > fdt_totalsize(fdt))
		return -FDT_ERR_NOSPACE;
	found = fdtx_find_prop(fdt, pos, name);
	if (found < 0) {
		err = add(fdt, pos, name, len);
	} else {
		pos = found;
		cell = (fdt32_t *)(base + pos);
		err = fdtx_splice(fdt, pos + HEAD,
				  fdtx_padded((int)fdt32_to_cpu(cell[1])),
				  fdtx_padded(len));
	}
	if (err)
		return err;
	cell = (fdt32_t *)(base + pos);
	cell[1] = cpu_to_fdt32((uint32_t)len);
	*valuep = base + pos + HEAD;
	return 0;
}
