/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDT_REG_H
#define FDT_REG_H
/*
 * libfdt - Flat Device Tree manipulation
 * (address, size) arrays in properties, as "reg" and the linux,* properties
 * of /chosen hold them
 */
#include <stdint.h>

/**
 * struct fdt_reg - one entry of an (address, size) array, in host byte order
 * @address: start of the range
 * @size: length of the range, in bytes
 */
#ifndef SWIG /* Not available in Python */
struct fdt_reg {
	uint64_t address;
	uint64_t size;
};
#endif

/**
 * fdt_setprop_reg_array - set a property to an array of (address, size)
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @nodeoffset: offset of the node whose property to change
 * @name: name of the property to change
 * @regs: the entries, in host byte order; not used if @n is 0
 * @n: number of entries
 *
 * fdt_setprop_reg_array() sets the value of the named property to the @n given
 * entries, creating the property if it does not exist. If @n is 0 the value
 * becomes empty.
 *
 * Each number is stored big-endian in as many cells as @parent says, leading
 * cells zero. Address cells are 1 to 4, size cells 0 to 4; a missing
 * #address-cells means 2 and a missing #size-cells means 1, see
 * fdt_address_cells() and fdt_size_cells().
 *
 * An entry is refused if its address or size does not fit into its cells (with
 * no size cells, only 0 does), or if address + size exceeds 2^32 with one
 * address cell, 2^64 with more.
 *
 * All of this is checked before the tree is changed. If an error is returned,
 * the header and all blocks are as they were, but that a version above 17 may
 * have become 17. -FDT_ERR_NOSPACE means that nothing else is wrong.
 *
 * This function may insert or delete data from the blob, and will
 * therefore change the offsets of some existing nodes.
 *
 * returns:
 *	0, on success
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, an entry is refused, @n is negative, or the length
 *		of the value would exceed INT_MAX
 *	-FDT_ERR_NOSPACE, there is insufficient free space in the blob to
 *		contain the new property value
 *	-FDT_ERR_BADOFFSET, @parent or @nodeoffset did not point to
 *		FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADLAYOUT,
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
#ifndef SWIG /* Not available in Python */
int fdt_setprop_reg_array(void *fdt, int parent, int nodeoffset,
			  const char *name, const struct fdt_reg *regs, int n);
#endif

/**
 * fdt_setprop_reg - set a property to one (address, size) entry
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @nodeoffset: offset of the node whose property to change
 * @name: name of the property to change
 * @address: address of the entry
 * @size: size of the entry
 *
 * fdt_setprop_reg() sets the value of the named property to the given entry,
 * creating the property if it does not exist. It is
 * fdt_setprop_reg_array() for a single entry, with the same encoding and
 * checks.
 *
 * This function may insert or delete data from the blob, and will
 * therefore change the offsets of some existing nodes.
 *
 * returns:
 *	0, on success
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, the entry is refused
 *	-FDT_ERR_NOSPACE, there is insufficient free space in the blob to
 *		contain the new property value
 *	-FDT_ERR_BADOFFSET, @parent or @nodeoffset did not point to
 *		FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADLAYOUT,
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
int fdt_setprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		    uint64_t address, uint64_t size);

/**
 * fdt_appendprop_reg_array - append (address, size) entries to a property
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @nodeoffset: offset of the node whose property to change
 * @name: name of the property to append to
 * @regs: the entries, in host byte order; not used if @n is 0
 * @n: number of entries
 *
 * fdt_appendprop_reg_array() appends the @n given entries to the value of the
 * named property, creating the property if it does not exist. If @n is 0 an
 * existing property is left as it is and a missing one is created empty.
 *
 * The encoding and the checks are those of fdt_setprop_reg_array(). What is
 * there already is not looked at, but that a value whose length is not a whole
 * number of entries is not appended to.
 *
 * This function may insert data into the blob, and will therefore
 * change the offsets of some existing nodes.
 *
 * returns:
 *	0, on success
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, an entry is refused, @n is negative, the length of
 *		the value would exceed INT_MAX, or the old length is not a
 *		whole number of entries
 *	-FDT_ERR_NOSPACE, there is insufficient free space in the blob to
 *		contain the new property value
 *	-FDT_ERR_BADOFFSET, @parent or @nodeoffset did not point to
 *		FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADLAYOUT,
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
#ifndef SWIG /* Not available in Python */
int fdt_appendprop_reg_array(void *fdt, int parent, int nodeoffset,
			     const char *name, const struct fdt_reg *regs,
			     int n);
#endif

/**
 * fdt_appendprop_reg - append one (address, size) entry to a property
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @nodeoffset: offset of the node whose property to change
 * @name: name of the property to append to
 * @address: address of the entry
 * @size: size of the entry
 *
 * fdt_appendprop_reg() appends the given entry to the value of the named
 * property, creating the property if it does not exist. It is
 * fdt_appendprop_reg_array() for a single entry, with the same encoding and
 * checks.
 *
 * This function may insert data into the blob, and will therefore
 * change the offsets of some existing nodes.
 *
 * returns:
 *	0, on success
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, the entry is refused, the length of the value would
 *		exceed INT_MAX, or the old length is not a whole number of
 *		entries
 *	-FDT_ERR_NOSPACE, there is insufficient free space in the blob to
 *		contain the new property value
 *	-FDT_ERR_BADOFFSET, @parent or @nodeoffset did not point to
 *		FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADLAYOUT,
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
int fdt_appendprop_reg(void *fdt, int parent, int nodeoffset, const char *name,
		       uint64_t address, uint64_t size);

/**
 * fdt_getprop_reg_count - number of (address, size) entries of a property
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @nodeoffset: offset of the node whose property to read
 * @name: name of the property to read
 *
 * returns:
 *	the number of entries, on success; 0 for an empty property
 *	-FDT_ERR_NOTFOUND, the node does not have the named property
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, the length is not a whole number of entries
 *	-FDT_ERR_BADOFFSET, @parent or @nodeoffset did not point to
 *		FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
int fdt_getprop_reg_count(const void *fdt, int parent, int nodeoffset,
			  const char *name);

/**
 * fdt_getprop_reg - read one (address, size) entry of a property
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @nodeoffset: offset of the node whose property to read
 * @name: name of the property to read
 * @n: index of the entry, from 0
 * @addressp: pointer to where the address is stored, on success
 * @sizep: pointer to where the size is stored, on success; 0 is stored if
 *	#size-cells is 0
 *
 * fdt_getprop_reg() reads the @n-th entry as fdt_setprop_reg_array() writes
 * it. The numbers are not judged: address + size may exceed what the address
 * cells can hold.
 *
 * returns:
 *	0, on success
 *	-FDT_ERR_NOTFOUND, the node does not have the named property, or it
 *		has no @n-th entry
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, the length is not a whole number of entries, or
 *		the address or size needs more than 64 bits
 *	-FDT_ERR_BADOFFSET, @parent or @nodeoffset did not point to
 *		FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
int fdt_getprop_reg(const void *fdt, int parent, int nodeoffset,
		    const char *name, int n, uint64_t *addressp,
		    uint64_t *sizep);

/**
 * fdt_reg_len - length of a property value of n (address, size) entries
 * @fdt: pointer to the device tree blob
 * @parent: offset of the node whose #address-cells and #size-cells apply
 * @n: number of entries
 *
 * returns:
 *	the length in bytes, on success
 *	-FDT_ERR_BADNCELLS, @parent has a badly formatted or invalid
 *		#address-cells or #size-cells property
 *	-FDT_ERR_BADVALUE, @n is negative, or the length exceeds INT_MAX
 *	-FDT_ERR_BADOFFSET, @parent did not point to FDT_BEGIN_NODE tag
 *	-FDT_ERR_BADMAGIC,
 *	-FDT_ERR_BADVERSION,
 *	-FDT_ERR_BADSTATE,
 *	-FDT_ERR_BADSTRUCTURE,
 *	-FDT_ERR_TRUNCATED, standard meanings
 */
int fdt_reg_len(const void *fdt, int parent, int n);

/**
 * fdt_prop_len - add the room that a property can take to a size
 * @total: a size so far, in bytes, or an error
 * @name: name of the property
 * @len: length of the property's value, in bytes, or an error
 *
 * fdt_prop_len() adds to @total the room that one new property takes in the
 * structure block (tag, header and padded value) and in the strings block (the
 * name with its terminator). The name takes no room when the strings block has
 * it already, so the result is an upper bound.
 *
 * A negative @total or @len is returned as it is, so that a chain of calls, and
 * what fdt_reg_len() returns in it, needs one check, at its end:
 *
 *	size = fdt_totalsize(fdt);
 *	size = fdt_prop_len(size, "reg", fdt_reg_len(fdt, parent, 2));
 *	size = fdt_prop_len(size, "status", 5);
 *	if (size < 0)
 *		return size;
 *
 * returns:
 *	the sum, on success
 *	-FDT_ERR_BADVALUE, the sum exceeds INT_MAX
 *	@total or @len, if it is negative
 */
int fdt_prop_len(int total, const char *name, int len);

#endif /* FDT_REG_H */
