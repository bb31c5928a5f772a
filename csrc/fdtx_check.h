/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CHECK_H
#define FDTX_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* Nodes nested deeper than this are refused: it bounds every path. Linux
 * unflattens 64 levels (drivers/of/fdt.c), dtc has no limit. */
#define FDTX_MAX_DEPTH 1024

/**
 * struct fdtx_fault - where and why a blob is bad
 * @cause: static sentence without full stop
 * @offset: bytes from the start of the blob
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
 *
 * Stricter than fdt_check_full(): refuses overlapping or misaligned blocks,
 * properties after subnodes, '/' in node names, unnamed nodes and
 * properties, more than FDTX_MAX_DEPTH levels, versions below 16. Accepts
 * duplicate names, gaps between blocks, bytes after FDT_END, blocks in any
 * order, and FDT_NOP anywhere.
 *
 * returns: 0, or -FDT_ERR_ALIGNMENT, BADMAGIC, BADVERSION, TRUNCATED,
 *	BADLAYOUT, BADSTRUCTURE
 */
int fdtx_check(const void *fdt, size_t size, struct fdtx_fault *fault);

#endif /* FDTX_CHECK_H */
