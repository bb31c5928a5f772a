/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_EDIT_H
#define FDTX_EDIT_H
/*
 * Editing as libfdt does it, with what libfdt leaves open closed: padding is
 * zero, the result has one canonical form, look-ups are exact. Every function
 * here wants a blob that fdtx_check() accepted.
 */

/**
 * fdtx_setprop - fdt_setprop() that zeroes the padding behind the value
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
 * fdtx_subnode_offset - exact look-up of a child by its full name
 *
 * Unlike fdt_subnode_offset_namelen(), "memory" does not find "memory@0".
 * The first of several children with the same name is found.
 *
 * returns: offset of the child; -FDT_ERR_NOTFOUND; others standard
 */
int fdtx_subnode_offset(const void *fdt, int parentoffset, const char *name,
			int namelen);

/**
 * fdtx_path_offset - exact look-up of a full path
 * @path: "/" or "/a/b@1", @pathlen bytes, no alias; repeated slashes count
 *	as one
 *
 * returns: offset of the node; -FDT_ERR_NOTFOUND; -FDT_ERR_BADPATH if @path
 *	does not start with '/'; others standard
 */
int fdtx_path_offset(const void *fdt, const char *path, int pathlen);

/**
 * fdtx_canonicalise - bring a tree into its one canonical form, in place
 * @fdt: a tree as left by fdt_open_into() (version 17, blocks in order)
 * @squeeze: drop FDT_NOP tags
 *
 * Header, memory reservations at 40, structure, strings, no gaps; version 17,
 * compatible with 16; padding of names and values zero; terminator of the
 * reservations zero; nothing behind FDT_END; totalsize exact. Order of nodes,
 * properties and strings stays.
 *
 * returns: the new totalsize, or an error as fdt_pack()
 */
int fdtx_canonicalise(void *fdt, int squeeze);

#endif /* FDTX_EDIT_H */
