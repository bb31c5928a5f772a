/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_PROP_H
#define FDTX_PROP_H
/*
 * Room for a value. fdt_setprop_placeholder() is the reference; its search for a
 * name compares at every byte of the strings block.
 */

/**
 * fdtx_find_prop - the first property of a name
 * @fdt: accepted by fdtx_check(), its blocks in order
 * @pos: the first tag inside of its node, or another to start from
 *
 * returns: offset of its tag; -FDT_ERR_NOTFOUND
 */
int fdtx_find_prop(const void *fdt, int pos, const char *name);

/**
 * fdtx_prop_room - fdt_setprop_placeholder() of a blob that was checked
 * @fdt: as left by fdt_open_into(), accepted by fdtx_check() before
 * @len: not negative
 * @valuep: set to @len bytes: the old ones as far as they go, then any content,
 *	as in the padding behind them
 *
 * returns: 0; -FDT_ERR_NOSPACE, -FDT_ERR_BADOFFSET, the tree is as before
 */
int fdtx_prop_room(void *fdt, int nodeoffset, const char *name, int len,
		   char **valuep);

#endif /* FDTX_PROP_H */
