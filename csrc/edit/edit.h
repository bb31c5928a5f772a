/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_EDIT_H
#define FDTX_EDIT_H
/*
 * Editing as libfdt does it, but strict where libfdt is not: padding is zero,
 * the result has one canonical form, look-ups are exact. Every function here
 * wants a blob that fdtx_check() accepted.
 */

/**
 * fdtx_open_into - fdt_open_into() that makes offset 0 the root node
 * @fdt: any blob that fdtx_check() accepted
 * @buf: 8-byte aligned; not the same memory as @fdt unless the result of an
 *	earlier fdtx_open_into() is made larger
 * @bufsize: bytes at @buf; enough is @fdt's totalsize, and 4 more if its
 *	version is 16, whose header is smaller
 *
 * libfdt and Linux expect the root first in the structure block. FDT_NOP tags
 * in front of it are cut off, into the gap between the blocks.
 *
 * returns: as fdt_open_into()
 */
int fdtx_open_into(const void *fdt, void *buf, int bufsize);

/**
 * fdtx_setprop - fdt_setprop() that zeroes the padding behind the value
 * @val: @len bytes outside the tree; may be NULL if @len is 0
 *
 * returns: as fdt_setprop(); -FDT_ERR_BADVALUE if @len is negative
 */
int fdtx_setprop(void *fdt, int nodeoffset, const char *name,
		 const void *val, int len);

/**
 * fdtx_appendprop - fdt_appendprop() that zeroes the padding behind the value
 *
 * returns: as fdt_appendprop(); -FDT_ERR_BADVALUE if @len is negative or the
 *	property would be longer than INT_MAX
 */
int fdtx_appendprop(void *fdt, int nodeoffset, const char *name,
		    const void *val, int len);

/**
 * fdtx_canonicalise - bring a tree into its one canonical form, in place
 * @fdt: a tree as left by fdtx_open_into() (version 17, blocks in order)
 * @squeeze: drop all FDT_NOP tags, not just those in front of the root
 *
 * Header, memory reservations at 40, structure, strings, no gaps; version 17,
 * compatible with 16; padding of names and values zero; terminator of the
 * reservations zero; nothing behind FDT_END; totalsize exact. Order of nodes,
 * properties and strings stays.
 *
 * returns: the new totalsize; -FDT_ERR_BADVERSION or -FDT_ERR_BADLAYOUT if
 *	fdtx_open_into() has not been called, the tree is as before
 */
int fdtx_canonicalise(void *fdt, int squeeze);

#endif /* FDTX_EDIT_H */
