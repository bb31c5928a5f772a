/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CHECK_H
#define FDTX_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Nodes nested deeper than this are refused: it bounds every path. Linux
 * unflattens 64 levels (drivers/of/fdt.c), dtc has no limit. */
#define FDTX_MAX_DEPTH 1024

/* The largest totalsize: libfdt calculates with int, and where it makes a
 * blob larger (by the header field that version 16 lacks, by a tag) the sum
 * must stay below INT32_MAX. */
#define FDTX_MAX_TOTALSIZE (INT32_MAX - 64)

/**
 * struct fdtx_fault - where and why a blob is bad
 * @cause: static sentence without full stop
 * @offset: bytes from the start of the data to the bad thing, never behind
 *	the data; the header's field when it points outside
 */
struct fdtx_fault {
	const char *cause;
	uint32_t offset;
};

/**
 * fdtx_check - validate a whole blob against the real length of its buffer
 * @fdt: 8-byte aligned buffer, any content
 * @size: bytes that may be read at @fdt
 * @fault: filled in if an error is returned
 *
 * Reads nothing beyond @size, needs no stack that grows with the input, and
 * takes time linear in totalsize. After it succeeds, libfdt's functions can
 * be used on the blob: header, blocks (aligned, inside totalsize, not
 * overlapping), terminated memory reservations, every tag, name and length.
 * Some need more: fdt_overlay_apply(), see fdtx_overlay_apply();
 * fdt_open_into() if FDT_NOP stands in front of the root, see
 * fdtx_open_into(); fdt_path_offset() of libfdt before 1.7.1, which follows
 * aliases that name aliases in endless recursion, wants a path without alias.
 *
 * Refuses what fdt_check_full() of the pinned libfdt accepts: overlapping or
 * misaligned blocks, a last string without NUL, properties after subnodes or
 * in front of the root, no root, '/' in node names, unnamed nodes and
 * properties, property names behind the strings block (version 16), more
 * than FDTX_MAX_DEPTH levels, more than FDTX_MAX_TOTALSIZE bytes, versions
 * below 16. Accepts what it refuses: FDT_NOP behind the root. Accepts, as it
 * does: duplicate names, gaps between blocks, bytes after FDT_END, blocks in
 * any order, FDT_NOP anywhere, bytes behind totalsize.
 *
 * returns: 0, or -FDT_ERR_ALIGNMENT, BADMAGIC, BADVERSION, TRUNCATED,
 *	BADLAYOUT, BADSTRUCTURE
 */
int fdtx_check(const void *fdt, size_t size, struct fdtx_fault *fault);

#endif /* FDTX_CHECK_H */
