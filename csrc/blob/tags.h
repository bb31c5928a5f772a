/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_TAGS_H
#define FDTX_TAGS_H
/*
 * Going through a tree, and making room in it, without asking again what
 * fdtx_check() has asked of every tag, name and length: a tag is four bytes
 * and an addition. This is the one cursor; fdtx_walk() has its own, which
 * checks.
 *
 * Places count from @base, which is the blob or its structure block. No blob is
 * larger than FDTX_MAX_TOTALSIZE, so they fit an int.
 */
#include <stdint.h>
#include <string.h>

#include <libfdt.h>

/* @end: behind it, padding left out; @next: the tag behind */
struct fdtx_tag {
	uint32_t tag;
	int end, next;
};

static inline const char *fdtx_struct(const void *fdt)
{
	return (const char *)fdt + fdt_off_dt_struct(fdt);
}

static inline int fdtx_padded(int len)
{
	return (len + FDT_TAGSIZE - 1) & ~((int)FDT_TAGSIZE - 1);
}

/* A word, in the order of the CPU */
static inline uint32_t fdtx_word(const char *base, uint32_t pos)
{
	return fdt32_to_cpu(*(const fdt32_t *)(base + pos));
}

static inline struct fdtx_tag fdtx_tag_at(const char *base, int pos)
{
	const fdt32_t *cell = (const fdt32_t *)(base + pos);
	struct fdtx_tag t = { .tag = fdt32_to_cpu(*cell) };

	t.end = t.next = pos + FDT_TAGSIZE;
	/* By frequency */
	if (t.tag == FDT_PROP) {
		t.end += 2 * FDT_TAGSIZE + (int)fdt32_to_cpu(cell[1]);
		t.next = fdtx_padded(t.end);
	} else if (t.tag == FDT_BEGIN_NODE) {
		t.end += (int)strlen(base + t.end) + 1;
		t.next = fdtx_padded(t.end);
	}
	return t;
}

/* What a FDT_PROP says of its property */
static inline uint32_t fdtx_prop_len(const char *base, int pos)
{
	return fdtx_word(base, (uint32_t)pos + FDT_TAGSIZE);
}

static inline uint32_t fdtx_prop_nameoff(const char *base, int pos)
{
	return fdtx_word(base, (uint32_t)pos + 2 * FDT_TAGSIZE);
}

static inline const char *fdtx_prop_value(const char *base, int pos)
{
	return base + pos + 3 * FDT_TAGSIZE;
}

/*
 * The first property from @pos on, up to the node's end or its first child:
 * @pos is set to its FDT_PROP, or to what stands behind the last one.
 * returns: whether there is one
 */
static inline int fdtx_is_prop(const char *base, int *pos)
{
	while (fdtx_word(base, (uint32_t)*pos) == FDT_NOP)
		*pos += FDT_TAGSIZE;
	return fdtx_word(base, (uint32_t)*pos) == FDT_PROP;
}

/* The next name of a path at @p; 0 bytes at its end. Slashes may be doubled. */
static inline const char *fdtx_next_name(const char *p, const char *end,
					 size_t *lenp)
{
	const char *slash;

	while (p < end && *p == '/')
		p++;
	slash = p < end ? memchr(p, '/', (size_t)(end - p)) : NULL;
	*lenp = (size_t)((slash ? slash : end) - p);
	return p;
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
