/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_TREE_H
#define FDTX_TREE_H
/*
 * What the Python tree needs in one call each: tables of nodes, properties
 * and entries; exact additions and deletions. Every function here wants a
 * blob that fdtx_check() accepted, brought into order by fdt_open_into(),
 * without FDT_NOP in front of the root.
 *
 * Tables: at most @max entries are stored, the return value is how many
 * there are. Offsets count from the start of the structure block unless said
 * otherwise.
 */
#include <stdint.h>

#include "fdt_reg.h"

/**
 * struct fdtx_node - a node in the order of the blob
 * @offset: its FDT_BEGIN_NODE
 * @depth: 0 for the node that was asked for
 */
struct fdtx_node {
	int32_t offset;
	int32_t depth;
};

/**
 * struct fdtx_prop - a property in the order of the blob
 * @name: its name, bytes from the start of the blob
 * @value: its value, bytes from the start of the blob
 * @len: length of the value, bytes
 */
struct fdtx_prop {
	uint32_t name;
	uint32_t value;
	uint32_t len;
};

/**
 * fdtx_find_node - look a full path up, unit addresses may be left out
 * @path: "/" or "/a/b@1", @pathlen bytes, no alias; repeated slashes count
 *	as one
 * @exactp: set to whether no unit address was left out
 *
 * In every step an exact name wins over one whose unit address is left out,
 * wherever they stand; among equals the first wins.
 *
 * returns: offset of the node; -FDT_ERR_NOTFOUND; -FDT_ERR_BADPATH if @path
 *	does not start with '/'
 */
int fdtx_find_node(const void *fdt, const char *path, int pathlen,
		   int *exactp);

/* The same, but no unit address may be left out */
int fdtx_path_offset(const void *fdt, const char *path, int pathlen);

/**
 * fdtx_nodes - table of a node and the nodes below it
 * @maxdepth: levels below the node that are wanted
 *
 * returns: number of nodes; -FDT_ERR_BADOFFSET
 */
int fdtx_nodes(const void *fdt, int nodeoffset, int maxdepth,
	       struct fdtx_node *nodes, int max);

/**
 * fdtx_props - table of a node's properties
 *
 * returns: number of properties; -FDT_ERR_BADOFFSET
 */
int fdtx_props(const void *fdt, int nodeoffset, struct fdtx_prop *props,
	       int max);

/**
 * fdtx_mem_rsvs - table of the memory reservations
 *
 * returns: number of reservations
 */
int fdtx_mem_rsvs(const void *fdt, struct fdt_reg *regs, int max);

/**
 * fdtx_del_mem_rsvs - delete memory reservations in one pass
 * @fdt: of fdtx_open_into(), whose blocks stand in order
 * @gone: for each of the first @n reservations, whether it goes
 * @n: at most fdtx_mem_rsvs()
 *
 * returns: 0; -FDT_ERR_NOTFOUND, there are fewer than @n (the list may have
 *	been changed)
 */
int fdtx_del_mem_rsvs(void *fdt, const uint8_t *gone, int n);

/**
 * fdtx_getprop_regs - table of a property's (address, size) entries
 * @parent: offset of the node whose #address-cells and #size-cells apply
 *
 * returns: number of entries; as fdt_getprop_reg(), and -FDT_ERR_BADVALUE
 *	if an entry wraps past 2^64
 */
int fdtx_getprop_regs(const void *fdt, int parent, int nodeoffset,
		      const char *name, struct fdt_reg *regs, int max);

/**
 * fdtx_delprop - delete every property of that name
 * @name: NULL for all properties
 *
 * returns: 0; -FDT_ERR_NOTFOUND if there is none; -FDT_ERR_BADOFFSET
 */
int fdtx_delprop(void *fdt, int nodeoffset, const char *name);

/**
 * fdtx_add_subnode - add a child where fdt_add_subnode() does, exactly named
 * @is_new: the caller knows that there is no child of that name; spares the
 *	search, which is quadratic over many additions
 * @last: add it behind its siblings instead
 *
 * Unlike fdt_add_subnode(), "memory" can be added beside "memory@0".
 *
 * returns: offset of the child; -FDT_ERR_EXISTS; -FDT_ERR_NOSPACE;
 *	-FDT_ERR_BADOFFSET
 */
int fdtx_add_subnode(void *fdt, int parentoffset, const char *name,
		     int namelen, int is_new, int last);

/**
 * fdtx_find_subnode - a child by its name
 * @name: @namelen bytes
 * @loosep: if it is not found, the first child that has such a name but for a
 *	unit address that @name leaves out; or -FDT_ERR_NOTFOUND
 *
 * returns: offset of the child; -FDT_ERR_NOTFOUND; -FDT_ERR_BADOFFSET
 */
int fdtx_find_subnode(const void *fdt, int parentoffset, const char *name,
		      int namelen, int *loosep);

/**
 * fdtx_insert_node - a new node in front of a tag
 * @pos: where a node may stand: behind the properties of its parent
 *
 * returns: 0; -FDT_ERR_NOSPACE
 */
int fdtx_insert_node(void *fdt, int pos, const char *name, int namelen);

/**
 * fdtx_end_node - where a node ends
 *
 * returns: offset of its FDT_END_NODE; -FDT_ERR_BADOFFSET
 */
int fdtx_end_node(const void *fdt, int nodeoffset);

/**
 * fdtx_del_node - fdt_del_node() of a blob that was checked
 *
 * returns: 0; -FDT_ERR_BADOFFSET
 */
int fdtx_del_node(void *fdt, int nodeoffset);

/**
 * fdtx_set_name - fdt_set_name() that looks at the siblings and zeroes the
 *	padding behind the name
 * @parentoffset: offset of the node's parent
 *
 * returns: 0; -FDT_ERR_EXISTS if a sibling has that name; -FDT_ERR_NOSPACE;
 *	-FDT_ERR_BADOFFSET
 */
int fdtx_set_name(void *fdt, int nodeoffset, int parentoffset,
		  const char *name);

#endif /* FDTX_TREE_H */
