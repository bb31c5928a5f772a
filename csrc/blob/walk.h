/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_WALK_H
#define FDTX_WALK_H
/*
 * The rules of fdtx_check(), once, for two callers: fdtx_check() itself, and
 * the engine, which learns what it needs on the same walk. Everything is
 * inline so that the compiler makes one specialised copy for each; a facts
 * argument of NULL costs nothing.
 *
 * The slow steps are the rule. With FDTX_WALK_SLOW they are all there is, for
 * tests, which hold the fast paths against them (tests/walk, tests/fuzz).
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libfdt.h>

#include "blob/bytes.h"
#include "blob/check.h"
#include "blob/tags.h"

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

/* Bit 7 of each byte of @word that is @byte; above the lowest one there may be
 * bits too many */
FDTX_INLINE uint64_t fdtx_bytes(uint64_t word, uint64_t byte)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	word ^= byte * ones;
	return (word - ones) & ~word & ones << 7;
}

/* A node's name at @pos; its length without the NUL goes to @lenp */
FDTX_INLINE int fdtx_check_name(const char *fdt, uint32_t pos, uint32_t limit,
				int is_root, uint32_t *lenp,
				struct fdtx_fault *fault)
{
	const char *name = fdt + pos;
	uint32_t max = limit - pos, len = 0;
	int slash = 0;

#ifndef FDTX_WALK_SLOW
	/* Eight bytes at a time, up to the first NUL or '/' */
	for (; max - len >= 8; len += 8) {
		uint64_t word = fdtx_load_le(name + len);

		word = fdtx_bytes(word, '\0') | fdtx_bytes(word, '/');
		if (word) {
			len += (uint32_t)__builtin_ctzll(word) / 8;
			break;
		}
	}
#endif
	while (FDTX_UNLIKELY(len >= max || name[len])) {
		if (len >= max)
			return fdtx_bad(fault, FDT_ERR_TRUNCATED, pos,
					"node name is cut off");
		slash |= name[len++] == '/';
	}

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

/* Where the walk stands */
struct fdtx_walker {
	const char *fdt;
	uint32_t pos;
	uint32_t limit;		/* where whole tags end: a multiple of 4 */
	uint32_t strings;	/* start and size of the strings block */
	uint32_t strsize;
	uint32_t depth;
	int props_allowed;
};

/* Step over a name or value of @len bytes, padded to a tag boundary; position
 * and limit are such boundaries, so what fits fits with its padding */
FDTX_INLINE void fdtx_skip(struct fdtx_walker *w, uint32_t tagpos, uint32_t len,
			   struct fdtx_facts *facts)
{
	uint32_t padded = fdtx_tag_align(len);

	w->pos += padded;
	/* The padding is the last bytes of the last word; a value of no bytes
	 * has none */
	if (facts && FDTX_UNLIKELY(fdtx_word(w->fdt, w->pos - FDT_TAGSIZE) &
				   ((1u << 8 * (padded - len)) - 1)))
		fdtx_note_dirty(facts, tagpos, w->pos);
}

/* @w->pos is behind the tag */
FDTX_INLINE int fdtx_step_prop(struct fdtx_walker *w, uint32_t tagpos,
			       struct fdtx_fault *fault,
			       struct fdtx_facts *facts)
{
	uint32_t len, nameoff;

	if (!w->props_allowed)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
				w->depth ? "property after a subnode" :
				"property outside any node");
	if (w->limit - w->pos < 2 * FDT_TAGSIZE)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED, w->pos,
				"property header is cut off");
	len = fdtx_word(w->fdt, w->pos);
	nameoff = fdtx_word(w->fdt, w->pos + FDT_TAGSIZE);
	w->pos += 2 * FDT_TAGSIZE;
	if (len > w->limit - w->pos)
		return fdtx_bad(fault, FDT_ERR_TRUNCATED, tagpos,
				"property value is cut off");
	if (nameoff >= w->strsize)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
				"property name is not in the strings block");
	if (!w->fdt[w->strings + nameoff])
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
				"property has no name");
	fdtx_skip(w, tagpos, len, facts);
	return 0;
}

/* The bytes of the last word that are padding, by length modulo 4 */
static const unsigned char fdtx_padding[4][FDT_TAGSIZE] = {
	{ 0, 0, 0, 0 },
	{ 0, 255, 255, 255 },
	{ 0, 0, 255, 255 },
	{ 0, 0, 0, 255 },
};

/* Not 0 if the padding of a name or value of @len bytes that ends before @next
 * is not zero */
FDTX_INLINE uint32_t fdtx_dirty(const char *fdt, uint64_t next, uint32_t len)
{
	uint32_t last, mask;

	memcpy(&last, fdt + next - FDT_TAGSIZE, sizeof(last));
	memcpy(&mask, fdtx_padding[len % FDT_TAGSIZE], sizeof(mask));
	return last & mask;
}

/* How far ahead the blob is prefetched: about what memory needs to answer */
#define FDTX_PREFETCH 2048

/* Length of a node's name without the NUL if it is well-formed and short, else
 * 0; up to FDTX_EQUAL bytes are read */
FDTX_INLINE uint32_t fdtx_short_name(const char *name)
{
#ifdef FDTX_EQUAL_IS_CHEAP
	uint32_t nuls = fdtx_equal(name, '\0');

	if (!nuls || (fdtx_equal(name, '/') & (nuls ^ (nuls - 1))))
		return 0;
	return (uint32_t)__builtin_ctz(nuls);
#else
	uint32_t len;

	for (len = 0; len < FDTX_EQUAL; len += 8) {
		uint64_t word = fdtx_load_le(name + len);

		word = fdtx_bytes(word, '\0') | fdtx_bytes(word, '/');
		if (!word)
			continue;
		len += (uint32_t)__builtin_ctzll(word) / 8;
		return name[len] ? 0 : len;
	}
	return 0;
#endif
}

/*
 * Fast path: skip well-formed tags inside the root; leave the rest to the slow
 * steps below. Most tags are properties, and the time goes into waiting for a
 * length, which leads to the next tag. So one look at the limit serves header,
 * value and padding, and a branch predicts the most frequent length, one cell.
 */
FDTX_INLINE void fdtx_run(struct fdtx_walker *w, struct fdtx_facts *facts,
			  const char *child, uint32_t childlen)
{
	const char *fdt = w->fdt, *strings = fdt + w->strings;
	/* A tag up to here and the two words behind it lie in the block; both
	 * are multiples of a tag's size, as the limit is */
	const uint64_t last = (uint64_t)w->limit - 3 * FDT_TAGSIZE;
	uint64_t pos = w->pos, next;
	uint32_t strsize = w->strsize, depth = w->depth, len, nameoff;
	const fdt32_t *cell;
	int props_allowed = w->props_allowed;

	if (w->limit < 3 * FDT_TAGSIZE || pos > last || !depth)
		return;
	if (!props_allowed)
		goto no_props;
props:
	for (;;) {
		cell = (const fdt32_t *)(fdt + pos);
		__builtin_prefetch((const void *)((uintptr_t)cell +
						  FDTX_PREFETCH));
		if (cell[0] != cpu_to_fdt32(FDT_PROP))
			break;
		len = fdt32_to_cpu(cell[1]);
		nameoff = fdt32_to_cpu(cell[2]);
		if (len - 1 < FDT_TAGSIZE) {
			next = pos + 4 * FDT_TAGSIZE;
			/* Keeps the compiler from calculating instead */
			__asm__ volatile("");
		} else {
			/* pos is aligned: nothing is left to be added later */
			next = (pos + len + 4 * FDT_TAGSIZE - 1) &
			       ~(uint64_t)(FDT_TAGSIZE - 1);
		}
		if (next > last || nameoff >= strsize || !strings[nameoff])
			goto out;
		if (facts && FDTX_UNLIKELY(fdtx_dirty(fdt, next, len)))
			fdtx_note_dirty(facts, (uint32_t)pos, (uint32_t)next);
		pos = next;
	}
no_props:
	for (;;) {
		cell = (const fdt32_t *)(fdt + pos);
		if (cell[0] != cpu_to_fdt32(FDT_END_NODE))
			break;
		if (depth == 1)
			goto out;
		if (pos >= last)
			goto out;
		depth--;
		props_allowed = 0;
		pos += FDT_TAGSIZE;
	}
	if (cell[0] != cpu_to_fdt32(FDT_BEGIN_NODE) || depth == FDTX_MAX_DEPTH ||
	    pos + FDT_TAGSIZE + FDTX_EQUAL > w->limit)
		goto out;
	len = fdtx_short_name((const char *)(cell + 1));
	next = (pos + FDT_TAGSIZE + len + FDT_TAGSIZE) &
	       ~(uint64_t)(FDT_TAGSIZE - 1);
	if (!len || next > last)
		goto out;
	if (facts) {
		if (depth == 1)
			fdtx_note_node(facts, fdt, (uint32_t)pos, depth, child,
				       childlen);
		if (FDTX_UNLIKELY(fdtx_dirty(fdt, next, len + 1)))
			fdtx_note_dirty(facts, (uint32_t)pos, (uint32_t)next);
	}
	depth++;
	props_allowed = 1;
	pos = next;
	goto props;
out:
	w->pos = (uint32_t)pos;
	w->depth = depth;
	w->props_allowed = props_allowed;
}

FDTX_INLINE int fdtx_step_begin(struct fdtx_walker *w, uint32_t tagpos,
				int seen_root, struct fdtx_fault *fault,
				struct fdtx_facts *facts, const char *child,
				uint32_t childlen)
{
	uint32_t len;
	int err;

	if (w->depth == 0 && seen_root)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
				"second root node");
	if (w->depth == FDTX_MAX_DEPTH)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
				"nodes are nested too deep");
	err = fdtx_check_name(w->fdt, w->pos, w->limit, !w->depth, &len, fault);
	if (err)
		return err;
	if (facts)
		fdtx_note_node(facts, w->fdt, tagpos, w->depth, child,
			       childlen);
	w->depth++;
	w->props_allowed = 1;
	fdtx_skip(w, tagpos, len + 1, facts);
	return 0;
}

FDTX_INLINE int fdtx_check_struct(const char *fdt, struct fdtx_block *block,
				  const struct fdtx_block *strings,
				  struct fdtx_fault *fault,
				  struct fdtx_facts *facts, const char *child,
				  uint32_t childlen)
{
	struct fdtx_walker w = {
		.fdt = fdt,
		.pos = fdt_off_dt_struct(fdt),
		.strings = strings->start,
		.strsize = strings->end - strings->start,
	};
	uint32_t end;
	int seen_root = 0, err;

	if (!fdtx_inside(fdt, w.pos, fdt_version(fdt) >= 17 ?
			 fdt_size_dt_struct(fdt) : 0))
		return fdtx_bad(fault, FDT_ERR_TRUNCATED,
				FDTX_FIELD(off_dt_struct),
				"structure block is not inside the blob");
	if (w.pos % FDT_TAGSIZE)
		return fdtx_bad(fault, FDT_ERR_ALIGNMENT, w.pos,
				"structure block is not 4-byte aligned");
	end = fdt_version(fdt) >= 17 ? w.pos + fdt_size_dt_struct(fdt) :
	      fdt_totalsize(fdt);
	/* The only place where an odd end is looked at: what is left behind
	 * the last whole word can hold no tag, name or value */
	w.limit = end - end % FDT_TAGSIZE;
	block->start = w.pos;

	for (;;) {
		uint32_t tagpos, tag;

#ifndef FDTX_WALK_SLOW
		fdtx_run(&w, facts, child, childlen);
#endif
		tagpos = w.pos;
		if (w.limit - tagpos < FDT_TAGSIZE)
			return fdtx_bad(fault, FDT_ERR_TRUNCATED, tagpos,
					"structure block ends without FDT_END");
		tag = fdtx_word(fdt, tagpos);
		w.pos += FDT_TAGSIZE;

		/* By frequency */
		if (tag == FDT_PROP) {
			err = fdtx_step_prop(&w, tagpos, fault, facts);
			if (err)
				return err;
		} else if (tag == FDT_END_NODE) {
			if (w.depth == 0)
				return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
						tagpos,
						"FDT_END_NODE without a node");
			w.depth--;
			w.props_allowed = 0;
		} else if (tag == FDT_BEGIN_NODE) {
			err = fdtx_step_begin(&w, tagpos, seen_root, fault,
					      facts, child, childlen);
			if (err)
				return err;
			seen_root = 1;
		} else if (tag == FDT_NOP) {
			if (facts) {
				facts->nops += FDT_TAGSIZE;
				fdtx_note_dirty(facts, tagpos, w.pos);
			}
		} else if (tag == FDT_END) {
			break;
		} else {
			return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE, tagpos,
					"unknown tag");
		}
	}
	if (w.depth || !seen_root)
		return fdtx_bad(fault, FDT_ERR_BADSTRUCTURE,
				w.pos - FDT_TAGSIZE, w.depth ?
				"FDT_END inside a node" : "no root node");
	block->end = fdt_version(fdt) >= 17 ? end : w.pos;
	if (facts)
		facts->tree.end = w.pos;
	return 0;
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
