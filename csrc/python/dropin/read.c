// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: walking, looking up, names, paths, reservations
 */
#include <string.h>

#include "args.h"

/* int fn(fdt, int) */
#define READ_INT(fn, params, text)					\
	DEF(fn, params, text)						\
	{								\
		struct fdtd_blob b;					\
		int offset, err;					\
									\
		if (ARGS(fn, "Bi", &b, &offset))			\
			return NULL;					\
		err = fdtd_read(&b);					\
		return PyLong_FromLong(err ? err : fn(b.p, offset));	\
	}

READ_INT(fdt_first_subnode, "fdt, offset", "Offset of the first child, or an error.")
READ_INT(fdt_next_subnode, "fdt, offset", "Offset of the next sibling, or an error.")
READ_INT(fdt_first_property_offset, "fdt, nodeoffset",
	 "Offset of a node's first property, or an error.")
READ_INT(fdt_next_property_offset, "fdt, offset",
	 "Offset of the property behind, or an error.")
READ_INT(fdt_node_depth, "fdt, nodeoffset", "Depth, 0 for the root, or an error.")
READ_INT(fdt_parent_offset, "fdt, nodeoffset", "Offset of the parent, or an error.")
READ_INT(fdt_address_cells, "fdt, nodeoffset",
	 "#address-cells for the node's children, 2 if missing, or an error.")
READ_INT(fdt_size_cells, "fdt, nodeoffset",
	 "#size-cells for the node's children, 1 if missing, or an error.")

/* int fn(fdt, int, const char *) */
#define READ_NAME(fn, params, text)					\
	DEF(fn, params, text)						\
	{								\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int offset, err;					\
									\
		if (ARGS(fn, "Bis", &b, &offset, &name))		\
			return NULL;					\
		err = fdtd_read(&b);					\
		if (!err)						\
			err = fn(b.p, offset, name.s);			\
		FDTD_DROP(name);					\
		return PyLong_FromLong(err);				\
	}

READ_NAME(fdt_subnode_offset, "fdt, parentoffset, name",
	  "Offset of a child; its unit address may be left out; or an error.")
READ_NAME(fdt_node_check_compatible, "fdt, nodeoffset, compatible",
	  "0 if the node is compatible, 1 if not, or an error.")
READ_NAME(fdt_node_offset_by_compatible, "fdt, startoffset, compatible",
	  "Offset of the next compatible node, or an error.")
READ_NAME(fdt_stringlist_count, "fdt, nodeoffset, property",
	  "Number of strings in a property, or an error.")

DEF(fdt_next_node, "fdt, offset, depth", "[offset of the next node, depth]")
{
	struct fdtd_blob b;
	int offset, depth, err;

	if (ARGS(fdt_next_node, "Bii", &b, &offset, &depth))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_next_node(b.p, offset, &depth);
	return fdtd_list2(PyLong_FromLong(err), PyLong_FromLong(depth));
}

DEF(fdt_next_tag, "fdt, offset, nextoffset=None",
    "[tag, offset of the tag behind or an error]")
{
	struct fdtd_blob b;
	uint32_t tag = FDT_END;
	int offset, next;

	if (ARGS(fdt_next_tag, "Bi|n", &b, &offset))
		return NULL;
	next = fdtd_read(&b);
	if (!next && offset % FDT_TAGSIZE)
		next = -FDT_ERR_BADOFFSET;
	if (!next)
		tag = fdt_next_tag(b.p, offset, &next);
	return fdtd_list2(PyLong_FromUnsignedLong(tag), PyLong_FromLong(next));
}

/* Part of the structure block as a view; None if it is not inside */
static PyObject *fdtd_offset_ptr(const struct fdtd_blob *b, int offset,
				 uint32_t checklen)
{
	const char *p = NULL;

	if (!fdtd_read(b))
		p = fdt_offset_ptr(b->p, offset, checklen);
	return p ? fdtd_view(b, p, checklen) : fdtd_none();
}

#define OFFSET_PTR(fn)							\
	DEF(fn, "fdt, offset, checklen",				\
	    "Writable view of checklen bytes of structure, None if outside.") \
	{								\
		struct fdtd_blob b;					\
		uint32_t checklen;					\
		int offset;						\
									\
		if (ARGS(fn, "Biu", &b, &offset, &checklen))		\
			return NULL;					\
		return fdtd_offset_ptr(&b, offset, checklen);		\
	}

OFFSET_PTR(fdt_offset_ptr)
OFFSET_PTR(fdt_offset_ptr_w)

DEF(fdt_path_offset, "fdt, path",
    "Offset of the node at a path, which may start with an alias; or an error.")
{
	struct fdtd_text path;
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_path_offset, "Bs", &b, &path))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdtd_path_offset(&b, path.s, (int)strlen(path.s));
	FDTD_DROP(path);
	return PyLong_FromLong(err);
}

DEF(fdt_path_offset_namelen, "fdt, path, namelen",
    "fdt_path_offset() of the first namelen bytes.")
{
	struct fdtd_text path;
	struct fdtd_blob b;
	int err, len, good;

	if (ARGS(fdt_path_offset_namelen, "Bsi", &b, &path, &len))
		return NULL;
	good = fdtd_good_len(&path, len, 0, "namelen");
	err = good ? fdtd_read(&b) : 0;
	if (good && !err)
		err = fdtd_path_offset(&b, path.s, len);
	FDTD_DROP(path);
	return good ? PyLong_FromLong(err) : NULL;
}

DEF(fdt_subnode_offset_namelen, "fdt, parentoffset, name, namelen",
    "fdt_subnode_offset() of the first namelen bytes.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int parent, len, err, good;

	if (ARGS(fdt_subnode_offset_namelen, "Bisi", &b, &parent, &name, &len))
		return NULL;
	good = fdtd_good_len(&name, len, 0, "namelen");
	err = good ? fdtd_read(&b) : 0;
	if (good && !err)
		err = fdt_subnode_offset_namelen(b.p, parent, name.s, len);
	FDTD_DROP(name);
	return good ? PyLong_FromLong(err) : NULL;
}

DEF(fdt_get_name, "fdt, nodeoffset", "[name, length], or [None, error]")
{
	const char *name = NULL;
	struct fdtd_blob b;
	int offset, len;

	if (ARGS(fdt_get_name, "Bi", &b, &offset))
		return NULL;
	len = fdtd_read(&b);
	if (!len)
		name = fdt_get_name(b.p, offset, &len);
	return fdtd_list2(fdtd_str(name), PyLong_FromLong(len));
}

DEF(fdt_get_path, "fdt, nodeoffset, buflen",
    "[0, path], or [error, ''] if the path and a NUL take more than buflen bytes")
{
	struct fdtd_blob b;
	int offset, buflen, err;
	PyObject *path;
	char *buf;

	if (ARGS(fdt_get_path, "Bii", &b, &offset, &buflen))
		return NULL;
	if (buflen < 0) {
		PyErr_SetString(PyExc_OverflowError,
				"in method 'fdt_get_path', argument 3 of type '(char *buf, int buflen)'");
		return NULL;
	}
	err = fdtd_read(&b);
	/* No path is longer than its tree */
	if (!err && (size_t)buflen > b.len)
		buflen = (int)b.len;
	buf = PyMem_Malloc((size_t)buflen + 1);
	if (!buf)
		return PyErr_NoMemory();
	buf[0] = '\0';
	if (!err)
		err = fdtd_get_path(&b, offset, buf, buflen);
	path = fdtd_str(err ? "" : buf);
	PyMem_Free(buf);
	return fdtd_list2(PyLong_FromLong(err), path);
}

DEF(fdt_supernode_atdepth_offset,
    "fdt, nodeoffset, supernodedepth, nodedepth=None",
    "Offset of a node's ancestor at that depth, or an error.")
{
	struct fdtd_blob b;
	int offset, depth, err;

	if (ARGS(fdt_supernode_atdepth_offset, "Bii|n", &b, &offset, &depth))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_supernode_atdepth_offset(b.p, offset, depth, NULL);
	return PyLong_FromLong(err);
}

DEF(fdt_node_offset_by_phandle, "fdt, phandle",
    "Offset of the node with that phandle, or an error.")
{
	struct fdtd_blob b;
	uint32_t phandle;
	int err;

	if (ARGS(fdt_node_offset_by_phandle, "Bu", &b, &phandle))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_node_offset_by_phandle(b.p, phandle);
	return PyLong_FromLong(err);
}

DEF(fdt_node_offset_by_prop_value,
    "fdt, startoffset, propname, propval, proplen",
    "Offset of the next node with that value of a property, or an error.")
{
	struct fdtd_text name, val;
	struct fdtd_blob b;
	int start, len, err, good;

	if (ARGS(fdt_node_offset_by_prop_value, "Bisyi", &b, &start, &name,
		 &val, &len))
		return NULL;
	good = fdtd_good_len(&val, len, 1, "proplen");
	err = good ? fdtd_read(&b) : 0;
	if (good && !err)
		err = fdt_node_offset_by_prop_value(b.p, start, name.s, val.s,
						    len);
	FDTD_DROP(name);
	FDTD_DROP(val);
	return good ? PyLong_FromLong(err) : NULL;
}

DEF(fdt_get_phandle, "fdt, nodeoffset", "The node's phandle, 0 on any error.")
{
	struct fdtd_blob b;
	int offset;

	if (ARGS(fdt_get_phandle, "Bi", &b, &offset))
		return NULL;
	return PyLong_FromUnsignedLong(fdtd_read(&b) ? 0 :
				       fdt_get_phandle(b.p, offset));
}

DEF(fdt_get_max_phandle, "fdt", "The highest phandle, 0xffffffff on errors.")
{
	uint32_t phandle = 0;
	struct fdtd_blob b;

	if (ARGS(fdt_get_max_phandle, "B", &b))
		return NULL;
	if (fdtd_read(&b) || fdt_find_max_phandle(b.p, &phandle))
		phandle = UINT32_MAX;
	return PyLong_FromUnsignedLong(phandle);
}

/* Upstream can be given None alone; then there is no number to return */
#define PHANDLE(fn, text)						\
	DEF(fn, "fdt, phandle=...", text)				\
	{								\
		PyObject *where = NULL;					\
		uint32_t phandle = 0;					\
		struct fdtd_blob b;					\
		int err;						\
									\
		if (ARGS(fn, "B|O", &b, &where))			\
			return NULL;					\
		if (where && where != Py_None) {			\
			PyErr_SetString(PyExc_TypeError, "in method '"	\
					#fn "', argument 2 of type 'uint32_t *'"); \
			return NULL;					\
		}							\
		err = fdtd_read(&b);					\
		if (!err)						\
			err = fn(b.p, &phandle);			\
		if (where)						\
			return PyLong_FromLong(err);			\
		return fdtd_list2(PyLong_FromLong(err),			\
				  PyLong_FromUnsignedLong(phandle));	\
	}

PHANDLE(fdt_find_max_phandle, "[0 or an error, the highest phandle]; with None the first alone")
PHANDLE(fdt_generate_phandle, "[0 or an error, an unused phandle]; with None the first alone")

DEF(fdt_num_mem_rsv, "fdt", "Number of memory reservations, or an error.")
{
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_num_mem_rsv, "B", &b))
		return NULL;
	err = fdtd_read(&b);
	return PyLong_FromLong(err ? err : fdtd_num_mem_rsv(&b));
}

DEF(fdt_get_mem_rsv, "fdt, n", "[0, address, size], or [error, 0, 0]")
{
	uint64_t address = 0, size = 0;
	struct fdtd_blob b;
	int n, err;

	if (ARGS(fdt_get_mem_rsv, "Bi", &b, &n))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdtd_get_mem_rsv(&b, n, &address, &size);
	return fdtd_list3(PyLong_FromLong(err),
			  PyLong_FromUnsignedLongLong(address),
			  PyLong_FromUnsignedLongLong(size));
}

DEF(fdt_overlay_target_offset, "fdt, fdto, fragment_offset, pathp=None",
    "Offset of the node that a fragment of an overlay aims at, or an error.")
{
	struct fdtd_blob b, o;
	int fragment, err;

	if (ARGS(fdt_overlay_target_offset, "BBi|P", &b, &o, &fragment))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdtd_read(&o);
	if (!err)
		err = fdtd_overlay_target_offset(&b, &o, fragment);
	return PyLong_FromLong(err);
}

PyMethodDef fdtd_read_functions[] = {
	ROW(fdt_first_subnode), ROW(fdt_next_subnode),
	ROW(fdt_first_property_offset), ROW(fdt_next_property_offset),
	ROW(fdt_node_depth), ROW(fdt_parent_offset), ROW(fdt_address_cells),
	ROW(fdt_size_cells), ROW(fdt_subnode_offset),
	ROW(fdt_node_check_compatible), ROW(fdt_node_offset_by_compatible),
	ROW(fdt_stringlist_count), ROW(fdt_next_node), ROW(fdt_next_tag),
	ROW(fdt_offset_ptr), ROW(fdt_offset_ptr_w), ROW(fdt_path_offset),
	ROW(fdt_path_offset_namelen), ROW(fdt_subnode_offset_namelen),
	ROW(fdt_get_name), ROW(fdt_get_path),
	ROW(fdt_supernode_atdepth_offset), ROW(fdt_node_offset_by_phandle),
	ROW(fdt_node_offset_by_prop_value), ROW(fdt_get_phandle),
	ROW(fdt_get_max_phandle), ROW(fdt_find_max_phandle),
	ROW(fdt_generate_phandle), ROW(fdt_num_mem_rsv), ROW(fdt_get_mem_rsv),
	ROW(fdt_overlay_target_offset), { NULL, NULL, 0, NULL },
};
