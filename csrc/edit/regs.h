/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_REGS_H
#define FDTX_REGS_H
/*
 * Many (address, size) entries at once. fdt_setprop_reg_array() and
 * fdt_appendprop_reg_array() are the reference, here are the fast ways.
 */
#include "fdt_reg.h"

/**
 * fdtx_encode_regs - a property's value of (address, size) entries
 * @regs: @n entries
 * @address_cells, @size_cells: 1 to FDT_MAX_NCELLS, 0 to FDT_MAX_NCELLS
 * @buf: 4 * @n * (@address_cells + @size_cells) bytes
 *
 * returns: 0; -FDT_ERR_BADVALUE, an entry does not fit or wraps, nothing is
 *	written
 */
int fdtx_encode_regs(const struct fdt_reg *regs, int n, int address_cells,
		     int size_cells, void *buf);

/**
 * fdtx_regs_room - bytes that fdtx_write_regs() may need
 *
 * returns: bytes; -FDT_ERR_BADNCELLS, the parent has no #address-cells or no
 *	#size-cells, or bad ones; -FDT_ERR_BADVALUE, more than INT_MAX
 */
int fdtx_regs_room(const void *fdt, int parent, const char *name, int n);

/**
 * fdtx_write_regs - set or append to a property that is an array of entries
 * @fdt: as left by fdtx_open_into()
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @regs: @n entries
 * @append: keep what the property holds, and write behind it
 *
 * All entries are checked before anything is written.
 *
 * returns: 0 and errors as fdt_setprop_reg_array() and, with @append,
 *	fdt_appendprop_reg_array()
 */
int fdtx_write_regs(void *fdt, int parent, int nodeoffset, const char *name,
		    const struct fdt_reg *regs, int n, int append);

/**
 * fdtx_decode_regs - table of the (address, size) entries in a value
 * @data: @len bytes, each entry @address_cells (1 to FDT_MAX_NCELLS) and then
 *	@size_cells (0 to FDT_MAX_NCELLS) big-endian cells
 * @regs: at most @max entries are stored
 *
 * returns: number of entries; -FDT_ERR_BADVALUE if @len is not a whole number
 *	of them, or one needs more than 64 bits or wraps past 2^64
 */
int fdtx_decode_regs(const void *data, int len, int address_cells,
		     int size_cells, struct fdt_reg *regs, int max);

#endif /* FDTX_REGS_H */
