/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_INDEX_H
#define FDTX_INDEX_H
/*
 * Reading without libfdt: a list of the nodes, made in one pass, and what is
 * found with its help. Every function here wants a blob that fdtx_check()
 * accepted, of any version and with its blocks in any order; it is neither
 * copied nor changed, and must stay as it is.
 *
 * Nodes are numbered in the order of the blob, the root is 0. Of nodes or
 * properties with the same name the first is found.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <libfdt.h>

#include "blob/check.h"
#include "blob/tags.h"

#define FDTX_NO_NODE UINT32_MAX

/**
 * struct fdtx_index_node - a node
 * @at: its FDT_BEGIN_NODE, bytes from the start of the blob
 * @next: number of the first node that is neither it nor below it
 * @parent: number of the node above; the root's own is 0
 */
struct fdtx_index_node {
	uint32_t at;
	uint32_t next;
	uint32_t parent;
};

/**
 * struct fdtx_index - a blob and its nodes
 * @fdt: the blob
 * @node: @n nodes, as fdtx_index_nodes() stored them
 */
struct fdtx_index {
	const char *fdt;
	const struct fdtx_index_node *node;
	uint32_t n;
};

/**
 * struct fdtx_index_value - a property
 * @name: in the blob, with a NUL behind it
 * @data: in the blob, 4-byte aligned
 * @len: bytes of @data
 */
struct fdtx_index_value {
	const char *name;
	const char *data;
	uint32_t len;
};

/**
 * fdtx_index_nodes - list the nodes
 * @node: at most @max are stored
 *
 * Needs no stack that grows with the input.
 *
 * returns: how many nodes there are; if more than @max, what is stored is of
 *	no use
 */
uint32_t fdtx_index_nodes(const void *fdt, struct fdtx_index_node *node,
			  uint32_t max);

/**
 * fdtx_index_child - find a child of a node
 * @name: @len bytes without NUL, at least one; an exact name wins over one that is the same but for its
 *	unit address, wherever they stand
 *
 * returns: its number; FDTX_NO_NODE
 */
uint32_t fdtx_index_child(const struct fdtx_index *ix, uint32_t parent,
			  const char *name, size_t len);

/**
 * fdtx_index_find - find a node by its full path
 * @path: @len bytes without NUL; '/' may be doubled, and stand at the end
 *
 * Every step as fdtx_index_child().
 *
 * returns: its number; FDTX_NO_NODE, also if @path does not start with '/'
 */
uint32_t fdtx_index_find(const struct fdtx_index *ix, const char *path,
			 size_t len);

/**
 * fdtx_index_prop - find a property of a node
 * @name: @len bytes without NUL, at least one
 * @value: filled in if there is one
 *
 * returns: whether there is one
 */
int fdtx_index_prop(const struct fdtx_index *ix, uint32_t node,
		    const char *name, size_t len, struct fdtx_index_value *value);

/**
 * fdtx_index_phandle - phandle of a node, as fdt_get_phandle() reads it
 *
 * returns: the value of phandle, else of linux,phandle, if it has 4 bytes; 0
 */
uint32_t fdtx_index_phandle(const struct fdtx_index *ix, uint32_t node);

#endif /* FDTX_INDEX_H */
