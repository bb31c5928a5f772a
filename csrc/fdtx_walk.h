/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_WALK_H
#define FDTX_WALK_H
/*
 * The rules of fdtx_check(), once, for two callers: fdtx_check() itself, and
 * the engine, which learns what it needs on the same walk. Everything is
 * inline so that the compiler makes one specialised copy for each; a facts
 * argument of NULL costs nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libfdt.h>

#include "fdtx_check.h"

#define FDTX_INLINE static inline __attribute__((always_inline, unused))
#define FDTX_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Where in the header a field stands */
#define FDTX_FIELD(field) ((uint32_t)offsetof(struct fdt_header, field))

struct fdtx_block {
	uint32_t start;
	uint32_t end;		/* exclusive */
};

/**
 * struct fdtx_facts - what the walk over a sound blob has seen
 * @rsv: memory reservations, with the terminator
 * @strings: strings block
 * @tree: structure block, from the root's FDT_BEGIN_NODE to behind FDT_END
 * @child: FDT_BEGIN_NODE of the root's first child of the name asked for, with
 *	or without a unit address; 0 if there is none
 * @nops: bytes of FDT_NOP in @tree
 * @dirty: from the first to behind the last tag in @tree that is not
 *	canonical: FDT_NOP, or padding that is not zero; empty if start is 0
 *
 * All places are bytes from the start of the blob.
 */
struct fdtx_facts {
	struct fdtx_block rsv;
	struct fdtx_block strings;
	struct fdtx_block tree;
	uint32_t child;
	uint32_t nops;
	struct fdtx_block dirty;
};

FDTX_INLINE uint32_t fdtx_tag_align(uint32_t len)
{
	return (len + FDT_TAGSIZE - 1) & ~(uint32_t)(FDT_TAGSIZE - 1);
}

/* A word of the blob, in the order of the CPU */
FDTX_INLINE uint32_t fdtx_word(const char *fdt, uint32_t pos)
{
	return fdt32_to_cpu(*(const fdt32_t *)(fdt + pos));
}

FDTX_INLINE int fdtx_bad(struct fdtx_fault *fault, int err, uint32_t offset,
			 const char *cause)
{
	fault->cause = cause;
	fault->offset = offset;
	return -err;
}

FDTX_INLINE int fdtx_overlap(const struct fdtx_block *a,
			     const struct fdtx_block *b)
{
	return a->start < b->end && b->start < a->end;
}

FDTX_INLINE int fdtx_check_header(const char *fdt, size_t size,
				  struct fdtx_fault *fault)
{
	uint32_t version, hdrsize;

	/* Before alignment: an empty buffer may lie anywhere */
	if (size < FDT_V16_SIZE)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED, (uint32_t)size,
				"shorter than a device tree header");
	if ((uintptr_t)fdt % 8)
		return fdtx_bad(fault, FDT_ERR_ALIGNMENT, 0,
				"the blob is not 8-byte aligned in memory");
	if (fdt_magic(fdt) != FDT_MAGIC)
		return fdtx_bad(fault, FDT_ERR_BADMAGIC, 0,
				"does not start with the magic d00dfeed");

	version = fdt_version(fdt);
	if (version < 16 || version < fdt_last_comp_version(fdt))
		return fdtx_bad(fault, FDT_ERR_BADVERSION, FDTX_FIELD(version),
				"format version is not compatible with 16 or 17");
	if (fdt_last_comp_version(fdt) > 17)
		return fdtx_bad(fault, FDT_ERR_BADVERSION,
				FDTX_FIELD(last_comp_version),
				"format version is not compatible with 16 or 17");

	hdrsize = version >= 17 ? FDT_V17_SIZE : FDT_V16_SIZE;
	if (size < hdrsize)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED, (uint32_t)size,
				"shorter than a device tree header");
	if (fdt_totalsize(fdt) < hdrsize)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(totalsize),
				"totalsize is smaller than the header");
	if (fdt_totalsize(fdt) > FDTX_MAX_TOTALSIZE)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(totalsize),
				"totalsize is 2 GiB or more");
	if (fdt_totalsize(fdt) > size)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(totalsize),
				"totalsize is larger than the data");
	return 0;
}

/* Whether [start, start + size) lies between the header and totalsize */
FDTX_INLINE int fdtx_inside(const char *fdt, uint32_t start, uint32_t size)
{
	uint32_t hdrsize = fdt_version(fdt) >= 17 ? FDT_V17_SIZE : FDT_V16_SIZE;
	uint32_t totalsize = fdt_totalsize(fdt);

	return start >= hdrsize && start <= totalsize &&
	       size <= totalsize - start;
}

FDTX_INLINE int fdtx_check_mem_rsv(const char *fdt, struct fdtx_block *rsv,
				   struct fdtx_fault *fault)
{
	uint32_t pos = fdt_off_mem_rsvmap(fdt);

	rsv->start = pos;
	if (!fdtx_inside(fdt, pos, 0))
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(off_mem_rsvmap),
				"memory reservation block is not inside the blob");
	if (pos % 8)
		return fdtx_bad(fault, FDT_ERR_ALIGNMENT, pos,
				"memory reservation block is not 8-byte aligned");
	for (;;) {
		const struct fdt_reserve_entry *re;

		if (!fdtx_inside(fdt, pos, sizeof(*re)))
			return fdtx_bad(fault, FDT_ERR_TRUNCATED, pos,
					"memory reservation block has no end");
		re = (const struct fdt_reserve_entry *)(fdt + pos);
		pos += (uint32_t)sizeof(*re);
		if (!re->size)
			break;
	}
	rsv->end = pos;
	return 0;
}

FDTX_INLINE int fdtx_check_strings(const char *fdt, struct fdtx_block *strings,
				   struct fdtx_fault *fault)
{
	uint32_t start = fdt_off_dt_strings(fdt);
	uint32_t size = fdt_size_dt_strings(fdt);

	if (!fdtx_inside(fdt, start, size))
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(off_dt_strings),
				"strings block is not inside the blob");
	/* Makes every name below a string, without looking at it again */
	if (size && fdt[start + size - 1])
		return fdtx_bad(fault, FDT_ERR_TRUNCATED, start + size - 1,
				"last string is not terminated");
	strings->start = start;
	strings->end = start + size;
	return 0;
}

/* Whether one of the four bytes of @word is @byte */
FDTX_INLINE int fdtx_has_byte(uint32_t word, uint32_t byte)
{
	word ^= byte * 0x01010101;
	return ((word - 0x01010101) & ~word & 0x80808080) != 0;
}

/* A node's name at @pos; its length without the NUL goes to @lenp */
FDTX_INLINE int fdtx_check_name(const char *fdt, uint32_t pos, uint32_t limit,
				int is_root, uint32_t *lenp,
				struct fdtx_fault *fault)
{
	const char *name = fdt + pos;
	uint32_t max = limit - pos, len = 0;
	int slash = 0;

	/* Four bytes at once while none of them is special */
	while (max - len >= 4) {
		uint32_t word = *(const fdt32_t *)(name + len);

		if (fdtx_has_byte(word, '\0') || fdtx_has_byte(word, '/'))
			break;
		len += 4;
	}
	while (len < max && name[len])
		slash |= name[len++] == '/';

	if (len == max)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED, pos,
				"node name is not terminated");
	if (is_root && len)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, pos,
				"root node has a name");
	if (!is_root && !len)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, pos,
				"node has no name");
	if (slash)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, pos,
				"node name contains '/'");
	*lenp = len;
	return 0;
}

FDTX_INLINE void fdtx_note_dirty(struct fdtx_facts *facts, uint32_t start,
				 uint32_t end)
{
	if (!facts->dirty.start)
		facts->dirty.start = start;
	facts->dirty.end = end;
}

/* A node begins: the root, or the child that is asked for */
FDTX_INLINE void fdtx_note_node(struct fdtx_facts *facts, const char *fdt,
				uint32_t tagpos, uint32_t depth,
				const char *child, uint32_t childlen)
{
	const char *name = fdt + tagpos + FDT_TAGSIZE;

	if (depth == 0) {
		/* What stands in front of the root does not count */
		facts->tree.start = tagpos;
		facts->nops = facts->dirty.start = facts->dirty.end = 0;
	} else if (depth == 1 && !facts->child &&
		   !strncmp(name, child, childlen) &&
		   (!name[childlen] || name[childlen] == '@')) {
		facts->child = tagpos;
	}
}

FDTX_INLINE int fdtx_check_struct(const char *fdt, struct fdtx_block *block,
				  const struct fdtx_block *strings,
				  struct fdtx_fault *fault,
				  struct fdtx_facts *facts, const char *child,
				  uint32_t childlen)
{
	uint32_t strsize = strings->end - strings->start;
	uint32_t pos = fdt_off_dt_struct(fdt), limit, depth = 0;
	int seen_root = 0, props_allowed = 0, err;

	if (!fdtx_inside(fdt, pos, fdt_version(fdt) >= 17 ?
			 fdt_size_dt_struct(fdt) : 0))
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(off_dt_struct),
				"structure block is not inside the blob");
	if (pos % FDT_TAGSIZE)
		return fdtx_bad(fault, FDT_ERR_ALIGNMENT, pos,
				"structure block is not 4-byte aligned");
	limit = fdt_version(fdt) >= 17 ? pos + fdt_size_dt_struct(fdt) :
		fdt_totalsize(fdt);
	block->start = pos;

	for (;;) {
		uint32_t tagpos = pos, len, nameoff, padded;

		if (limit - pos < FDT_TAGSIZE)
			return fdtx_bad(fault, FDT_ERR_TRUNCATED, pos,
					"structure block ends without FDT_END");
		pos += FDT_TAGSIZE;

		switch (fdtx_word(fdt, tagpos)) {
		case FDT_NOP:
			if (facts) {
				facts->nops += FDT_TAGSIZE;
				fdtx_note_dirty(facts, tagpos, pos);
			}
			continue;

		case FDT_BEGIN_NODE:
			if (depth == 0 && seen_root)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos, "second root node");
			if (depth == FDTX_MAX_DEPTH)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos,
						"nodes are nested too deep");
			err = fdtx_check_name(fdt, pos, limit, !depth, &len,
					      fault);
			if (err)
				return err;
			if (facts)
				fdtx_note_node(facts, fdt, tagpos, depth,
					       child, childlen);
			len++;
			depth++;
			seen_root = props_allowed = 1;
			break;

		case FDT_PROP:
			if (!props_allowed)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos, depth ?
						"property after a subnode" :
						"property outside any node");
			if (limit - pos < 2 * FDT_TAGSIZE)
				return fdtx_bad(fault, FDT_ERR_TRUNCATED, pos,
						"property header is cut off");
			len = fdtx_word(fdt, pos);
			nameoff = fdtx_word(fdt, pos + FDT_TAGSIZE);
			pos += 2 * FDT_TAGSIZE;
			if (len > limit - pos)
				return fdtx_bad(fault, FDT_ERR_TRUNCATED,
						tagpos,
						"property value is cut off");
			if (nameoff >= strsize)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos,
						"property name is not in the strings block");
			if (!fdt[strings->start + nameoff])
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos, "property has no name");
			break;

		case FDT_END_NODE:
			if (depth == 0)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos,
						"FDT_END_NODE without a node");
			depth--;
			props_allowed = 0;
			continue;

		case FDT_END:
			if (depth || !seen_root)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos, depth ?
						"FDT_END inside a node" :
						"no root node");
			block->end = fdt_version(fdt) >= 17 ? limit : pos;
			if (facts)
				facts->tree.end = pos;
			return 0;

		default:
			return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
					"unknown tag");
		}

		/* A name or value of len bytes, padded to a tag boundary */
		padded = fdtx_tag_align(len);
		if (padded > limit - pos)
			return fdtx_bad(fault, FDT_ERR_TRUNCATED, tagpos,
					"padding of a name or value is cut off");
		pos += padded;
		/* The padding is the last bytes of the last word; a value of
		 * no bytes has none */
		if (facts && FDTX_UNLIKELY(fdtx_word(fdt, pos - FDT_TAGSIZE) &
					   ((1u << 8 * (padded - len)) - 1)))
			fdtx_note_dirty(facts, tagpos, pos);
	}
}

/*
 * fdtx_check(), and what it saw on the way if @facts is not NULL. @child: name
 * of a child of the root to look for, @childlen bytes.
 */
FDTX_INLINE int fdtx_walk(const void *fdt, size_t size,
			  struct fdtx_fault *fault, struct fdtx_facts *facts,
			  const char *child, uint32_t childlen)
{
	struct fdtx_block rsv, structure, strings;
	int err;

	if (facts)
		memset(facts, 0, sizeof(*facts));
	err = fdtx_check_header(fdt, size, fault);
	if (!err)
		err = fdtx_check_mem_rsv(fdt, &rsv, fault);
	if (!err)
		err = fdtx_check_strings(fdt, &strings, fault);
	if (!err)
		err = fdtx_check_struct(fdt, &structure, &strings, fault,
					facts, child, childlen);
	if (err)
		return err;

	if (fdtx_overlap(&rsv, &structure) || fdtx_overlap(&rsv, &strings))
		return fdtx_bad(fault, FDT_ERR_BADLAYOUT, rsv.start,
				"memory reservation block overlaps another");
	if (fdtx_overlap(&structure, &strings))
		return fdtx_bad(fault, FDT_ERR_BADLAYOUT, structure.start,
				"structure block and strings block overlap");
	if (facts) {
		facts->rsv = rsv;
		facts->strings = strings;
	}
	return 0;
}

#endif /* FDTX_WALK_H */
