/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_TAGS_H
#define FDTX_TAGS_H
/*
 * Going through a tree, and making room in it, without asking again what
 * fdtx_check() has asked of every tag, name and length: a tag is four bytes
 * and an addition. For blobs whose blocks stand in order, as fdtx_open_into()
 * leaves them.
 */
#include <stdint.h>
#include <string.h>

#include <libfdt.h>

struct fdtx_tag {
	uint32_t tag;
	int next;		/* offset of the tag behind */
};

static inline const char *fdtx_struct(const void *fdt)
{
	return (const char *)fdt + fdt_off_dt_struct(fdt);
}

static inline int fdtx_padded(int len)
{
	return (len + FDT_TAGSIZE - 1) & ~((int)FDT_TAGSIZE - 1);
}

static inline struct fdtx_tag fdtx_tag_at(const char *base, int pos)
{
	const fdt32_t *cell = (const fdt32_t *)(base + pos);
	struct fdtx_tag t = { fdt32_to_cpu(*cell), pos + FDT_TAGSIZE };

	if (t.tag == FDT_BEGIN_NODE)
		t.next += fdtx_padded((int)strlen(base + t.next) + 1);
	else if (t.tag == FDT_PROP)
		t.next += 2 * FDT_TAGSIZE +
			  fdtx_padded((int)fdt32_to_cpu(cell[1]));
	return t;
}

/* Offset of the first tag inside a node, or an error */
static inline int fdtx_enter(const void *fdt, int nodeoffset)
{
	const char *base = fdtx_struct(fdt);
	struct fdtx_tag t;

	if (nodeoffset < 0 || nodeoffset % FDT_TAGSIZE ||
	    (uint32_t)nodeoffset >= fdt_size_dt_struct(fdt))
		return -FDT_ERR_BADOFFSET;
	t = fdtx_tag_at(base, nodeoffset);
	return t.tag == FDT_BEGIN_NODE ? t.next : -FDT_ERR_BADOFFSET;
}

/* Replace oldlen bytes at pos of the structure block by newlen bytes */
static inline int fdtx_splice(void *fdt, int pos, int oldlen, int newlen)
{
	char *p = (char *)fdt + fdt_off_dt_struct(fdt) + pos;
	char *end = (char *)fdt + fdt_off_dt_strings(fdt) +
		    fdt_size_dt_strings(fdt);
	uint32_t used = (uint32_t)(end - (char *)fdt);
	int delta = newlen - oldlen;

	if (delta > 0 && (uint32_t)delta > fdt_totalsize(fdt) - used)
		return -FDT_ERR_NOSPACE;
	if (!delta)
		return 0;
	memmove(p + newlen, p + oldlen, (size_t)(end - (p + oldlen)));
	fdt_set_size_dt_struct(fdt, fdt_size_dt_struct(fdt) + (uint32_t)delta);
	fdt_set_off_dt_strings(fdt, fdt_off_dt_strings(fdt) + (uint32_t)delta);
	return 0;
}

#endif /* FDTX_TAGS_H */
