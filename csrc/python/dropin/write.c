// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: changing a complete tree
 */
#include <string.h>

#include "args.h"

DEF(fdt_create_empty_tree, "buf, bufsize",
    "Write a tree with only a root node; 0 or an error.")
{
	struct fdtd_blob b;
	int size, err;

	if (ARGS(fdt_create_empty_tree, "Wi", &b, &size) ||
	    !fdtd_good_bufsize(&b, size))
		return NULL;
	err = (uintptr_t)b.p % 8 ? -FDT_ERR_ALIGNMENT :
		fdt_create_empty_tree(b.p, size);
	return PyLong_FromLong(err);
}

DEF(fdt_move, "fdt, buf, bufsize", "Copy a tree as it is; 0 or an error.")
{
	struct fdtd_blob b, to;
	int size, err;

	if (ARGS(fdt_move, "BWi", &b, &to, &size) ||
	    !fdtd_good_bufsize(&to, size))
		return NULL;
	err = fdtd_read(&b);
	return PyLong_FromLong(err ? err : fdt_move(b.p, to.p, size));
}

DEF(fdt_open_into, "fdt, buf, bufsize",
    "Copy a tree, to be changed, into bufsize bytes; 0 or an error.")
{
	struct fdtd_blob b, to;
	int size, err;

	if (ARGS(fdt_open_into, "BWi", &b, &to, &size) ||
	    !fdtd_good_bufsize(&to, size))
		return NULL;
	err = fdtd_read(&b);
	return PyLong_FromLong(err ? err : fdtd_open_into(&b, &to, size));
}

DEF(fdt_pack, "fdt", "Make totalsize as small as can be; 0 or an error.")
{
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_pack, "W", &b))
		return NULL;
	err = fdtd_write(&b);
	return PyLong_FromLong(err ? err : fdtd_pack(&b));
}

DEF(fdt_add_mem_rsv, "fdt, address, size",
    "Add a memory reservation; 0 or an error.")
{
	uint64_t address, size;
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_add_mem_rsv, "WUU", &b, &address, &size))
		return NULL;
	err = fdtd_write(&b);
	if (!err)
		err = fdtd_add_mem_rsv(&b, address, size);
	return PyLong_FromLong(err);
}

/* int fn(fdt, int) */
#define WRITE_INT(fn, guard, impl, params, text)			\
	DEF(fn, params, text)						\
	{								\
		struct fdtd_blob b;					\
		int offset, err;					\
									\
		if (ARGS(fn, "Wi", &b, &offset))			\
			return NULL;					\
		err = guard(&b);					\
		return PyLong_FromLong(err ? err : impl(&b, offset));	\
	}

static int fdtd_del_node(const struct fdtd_blob *b, int nodeoffset)
{
	return fdt_del_node(b->p, nodeoffset);
}

static int fdtd_nop_node(const struct fdtd_blob *b, int nodeoffset)
{
	return fdt_nop_node(b->p, nodeoffset);
}

WRITE_INT(fdt_del_mem_rsv, fdtd_write, fdtd_del_mem_rsv, "fdt, n",
	  "Delete a memory reservation; 0 or an error.")
WRITE_INT(fdt_del_node, fdtd_write, fdtd_del_node, "fdt, nodeoffset",
	  "Delete a node and all below it; 0 or an error.")
WRITE_INT(fdt_nop_node, fdtd_read, fdtd_nop_node, "fdt, nodeoffset",
	  "Overwrite a node and all below it with FDT_NOP; 0 or an error.")

/* int fn(fdt, int, const char *) */
#define WRITE_NAME(fn, params, text)					\
	DEF(fn, params, text)						\
	{								\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int offset, err;					\
									\
		if (ARGS(fn, "Wis", &b, &offset, &name))		\
			return NULL;					\
		err = fdtd_write(&b);					\
		if (!err)						\
			err = fn(b.p, offset, name.s);			\
		FDTD_DROP(name);					\
		return PyLong_FromLong(err);				\
	}

WRITE_NAME(fdt_set_name, "fdt, nodeoffset, name", "Rename a node; 0 or an error.")
WRITE_NAME(fdt_delprop, "fdt, nodeoffset, name", "Delete a property; 0 or an error.")
WRITE_NAME(fdt_add_subnode, "fdt, parentoffset, name",
	   "Add a child; its offset or an error.")

DEF(fdt_add_subnode_namelen, "fdt, parentoffset, name, namelen",
    "fdt_add_subnode() of the first namelen bytes of a name.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int parent, len, err, good;

	if (ARGS(fdt_add_subnode_namelen, "Wisi", &b, &parent, &name, &len))
		return NULL;
	good = fdtd_good_len(&name, len, 0, "namelen");
	err = good ? fdtd_write(&b) : 0;
	if (good && !err)
		err = fdt_add_subnode_namelen(b.p, parent, name.s, len);
	FDTD_DROP(name);
	return good ? PyLong_FromLong(err) : NULL;
}

DEF(fdt_nop_property, "fdt, nodeoffset, name",
    "Overwrite a property with FDT_NOP; 0 or an error.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int offset, err;

	if (ARGS(fdt_nop_property, "Wis", &b, &offset, &name))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdtd_nop_property(&b, offset, name.s);
	FDTD_DROP(name);
	return PyLong_FromLong(err);
}

/* Writers of a value: (blob, node, name, value, length) */
typedef int fdtd_writer(const struct fdtd_blob *b, int nodeoffset,
			const char *name, const void *val, int len);

static int fdtd_inplace(const struct fdtd_blob *b, int nodeoffset,
			const char *name, const void *val, int len)
{
	return fdt_setprop_inplace(b->p, nodeoffset, name, val, len);
}

/* len bytes of val, at most one more than there are: the NUL behind them */
#define WRITE_VALUE(fn, guard, writer, text)				\
	DEF(fn, "fdt, nodeoffset, name, val, len", text)		\
	{								\
		struct fdtd_text name, val;				\
		struct fdtd_blob b;					\
		int node, len, err, good;				\
									\
		if (ARGS(fn, "Wisyi", &b, &node, &name, &val, &len))	\
			return NULL;					\
		good = fdtd_good_len(&val, len, 1, "len");		\
		err = good ? guard(&b) : 0;				\
		if (good && !err)					\
			err = writer(&b, node, name.s, val.s, len);	\
		FDTD_DROP(name);					\
		FDTD_DROP(val);						\
		return good ? PyLong_FromLong(err) : NULL;		\
	}

WRITE_VALUE(fdt_setprop, fdtd_write, fdtd_setprop,
	    "Set a property; 0 or an error.")
WRITE_VALUE(fdt_appendprop, fdtd_write, fdtd_appendprop,
	    "Append to a property, or add it; 0 or an error.")
WRITE_VALUE(fdt_setprop_inplace, fdtd_read, fdtd_inplace,
	    "Overwrite a property of the same length; 0 or an error.")

/* A name's first bytes as libfdt's functions before 1.8 want it */
static char *fdtd_first_bytes(const struct fdtd_text *name, int len)
{
	char *copy;

	if (!fdtd_good_len(name, len, 0, "namelen"))
		return NULL;
	if (memchr(name->s, '\0', (size_t)len)) {
		PyErr_SetString(PyExc_ValueError,
				"name contains embedded nul characters");
		return NULL;
	}
	copy = PyMem_Malloc((size_t)len + 1);
	if (!copy) {
		PyErr_NoMemory();
		return NULL;
	}
	memcpy(copy, name->s, (size_t)len);
	copy[len] = '\0';
	return copy;
}

DEF(fdt_setprop_namelen, "fdt, nodeoffset, name, namelen, val, len",
    "fdt_setprop() of the first namelen bytes of a name.")
{
	struct fdtd_text name, val;
	int node, namelen, len, err;
	struct fdtd_blob b;
	char *copy;

	if (ARGS(fdt_setprop_namelen, "Wisiyi", &b, &node, &name, &namelen,
		 &val, &len))
		return NULL;
	copy = fdtd_good_len(&val, len, 1, "len") ?
		fdtd_first_bytes(&name, namelen) : NULL;
	err = copy ? fdtd_write(&b) : 0;
	if (copy && !err)
		err = fdtd_setprop(&b, node, copy, val.s, len);
	FDTD_DROP(name);
	FDTD_DROP(val);
	if (!copy)
		return NULL;
	PyMem_Free(copy);
	return PyLong_FromLong(err);
}

DEF(fdt_setprop_inplace_namelen_partial,
    "fdt, nodeoffset, name, namelen, idx, val, len",
    "Overwrite len bytes of a property from byte idx on; 0 or an error.")
{
	int node, namelen, len, proplen, err, good;
	struct fdtd_text name, val;
	struct fdtd_blob b;
	uint32_t idx;

	if (ARGS(fdt_setprop_inplace_namelen_partial, "Wisiuyi", &b, &node,
		 &name, &namelen, &idx, &val, &len))
		return NULL;
	good = fdtd_good_len(&name, namelen, 0, "namelen") &&
	       fdtd_good_len(&val, len, 1, "len");
	err = good ? fdtd_read(&b) : 0;
	if (good && !err) {
		/* The sum of idx and len wraps around in libfdt */
		if (!fdt_getprop_namelen(b.p, node, name.s, namelen, &proplen))
			err = proplen;
		else if ((uint64_t)idx + (uint64_t)len > (uint64_t)proplen)
			err = -FDT_ERR_NOSPACE;
		else
			err = fdt_setprop_inplace_namelen_partial(b.p, node,
								  name.s,
								  namelen, idx,
								  val.s, len);
	}
	FDTD_DROP(name);
	FDTD_DROP(val);
	return good ? PyLong_FromLong(err) : NULL;
}

/* A number of @letter, u or U, as a big-endian value */
#define WRITE_NUMBER(fn, guard, writer, letter, type, swap, text)	\
	DEF(fn, "fdt, nodeoffset, name, val", text)			\
	{								\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int node, err;						\
		type val;						\
									\
		if (ARGS(fn, "Wis" letter, &b, &node, &name, &val))	\
			return NULL;					\
		val = (type)swap(val);					\
		err = guard(&b);					\
		if (!err)						\
			err = writer(&b, node, name.s, &val, sizeof(val)); \
		FDTD_DROP(name);					\
		return PyLong_FromLong(err);				\
	}

#define WRITE_NUMBERS(prefix, guard, writer, what)			\
	WRITE_NUMBER(prefix##_u32, guard, writer, "u", uint32_t,	\
		     cpu_to_fdt32, what " one cell; 0 or an error.")	\
	WRITE_NUMBER(prefix##_u64, guard, writer, "U", uint64_t,	\
		     cpu_to_fdt64, what " two cells; 0 or an error.")	\
	WRITE_NUMBER(prefix##_cell, guard, writer, "u", uint32_t,	\
		     cpu_to_fdt32, what " one cell; 0 or an error.")

WRITE_NUMBERS(fdt_setprop, fdtd_write, fdtd_setprop, "Set a property to")
WRITE_NUMBERS(fdt_appendprop, fdtd_write, fdtd_appendprop, "Append")
WRITE_NUMBERS(fdt_setprop_inplace, fdtd_read, fdtd_inplace, "Overwrite")

/* A str up to its first NUL, with a NUL behind it */
#define WRITE_STRING(fn, writer, text)					\
	DEF(fn, "fdt, nodeoffset, name, str", text)			\
	{								\
		struct fdtd_text name, val;				\
		struct fdtd_blob b;					\
		int node, err;						\
									\
		if (ARGS(fn, "Wiss", &b, &node, &name, &val))		\
			return NULL;					\
		err = fdtd_write(&b);					\
		if (!err)						\
			err = writer(&b, node, name.s, val.s,		\
				     (int)strlen(val.s) + 1);		\
		FDTD_DROP(name);					\
		FDTD_DROP(val);						\
		return PyLong_FromLong(err);				\
	}

WRITE_STRING(fdt_setprop_string, fdtd_setprop,
	     "Set a property to a string; 0 or an error.")
WRITE_STRING(fdt_appendprop_string, fdtd_appendprop,
	     "Append a string to a property; 0 or an error.")

DEF(fdt_setprop_namelen_string, "fdt, nodeoffset, name, namelen, str",
    "fdt_setprop_string() of the first namelen bytes of a name.")
{
	struct fdtd_text name, val;
	int node, namelen, err;
	struct fdtd_blob b;
	char *copy;

	if (ARGS(fdt_setprop_namelen_string, "Wisis", &b, &node, &name,
		 &namelen, &val))
		return NULL;
	copy = fdtd_first_bytes(&name, namelen);
	err = copy ? fdtd_write(&b) : 0;
	if (copy && !err)
		err = fdtd_setprop(&b, node, copy, val.s,
				   (int)strlen(val.s) + 1);
	FDTD_DROP(name);
	FDTD_DROP(val);
	if (!copy)
		return NULL;
	PyMem_Free(copy);
	return PyLong_FromLong(err);
}

DEF(fdt_setprop_empty, "fdt, nodeoffset, name",
    "Set a property without a value; 0 or an error.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int node, err;

	if (ARGS(fdt_setprop_empty, "Wis", &b, &node, &name))
		return NULL;
	err = fdtd_write(&b);
	if (!err)
		err = fdtd_setprop(&b, node, name.s, "", 0);
	FDTD_DROP(name);
	return PyLong_FromLong(err);
}

/* [0, writable view of len bytes], or [error, None] */
static PyObject *fdtd_placeholder(const struct fdtd_blob *b, int node,
				  const char *name, int len)
{
	int err = fdtd_write(b);
	void *data = NULL;

	if (len < 0) {
		PyErr_Format(PyExc_ValueError, "len is %d", len);
		return NULL;
	}
	if (!err && (uint32_t)len > fdt_totalsize(b->p))
		len = (int)fdt_totalsize(b->p);
	if (!err)
		err = fdt_setprop_placeholder(b->p, node, name, len, &data);
	return fdtd_list2(PyLong_FromLong(err), err ? fdtd_none() :
			  fdtd_view(b, data, (size_t)len));
}

DEF(fdt_setprop_placeholder, "fdt, nodeoffset, name, len, prop_data=None",
    "Make room for a value: [0, writable view of it], or [error, None]")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	PyObject *result;
	int node, len;

	if (ARGS(fdt_setprop_placeholder, "Wisi|N", &b, &node, &name, &len))
		return NULL;
	result = fdtd_placeholder(&b, node, name.s, len);
	FDTD_DROP(name);
	return result;
}

DEF(fdt_setprop_placeholder_namelen,
    "fdt, nodeoffset, name, namelen, len, prop_data=None",
    "fdt_setprop_placeholder() of the first namelen bytes of a name.")
{
	PyObject *result = NULL;
	struct fdtd_text name;
	int node, namelen, len;
	struct fdtd_blob b;
	char *copy;

	if (ARGS(fdt_setprop_placeholder_namelen, "Wisii|N", &b, &node, &name,
		 &namelen, &len))
		return NULL;
	copy = fdtd_first_bytes(&name, namelen);
	FDTD_DROP(name);
	if (copy) {
		result = fdtd_placeholder(&b, node, copy, len);
		PyMem_Free(copy);
	}
	return result;
}

DEF(fdt_appendprop_addrrange, "fdt, parent, nodeoffset, name, addr, size",
    "Append (address, size) by the parent's cells; 0 or an error.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	uint64_t addr, size;
	int parent, node, err;

	if (ARGS(fdt_appendprop_addrrange, "WiisUU", &b, &parent, &node,
		 &name, &addr, &size))
		return NULL;
	err = fdtd_write(&b);
	if (!err)
		err = fdt_appendprop_addrrange(b.p, parent, node, name.s, addr,
					       size);
	FDTD_DROP(name);
	return PyLong_FromLong(err);
}

DEF(fdt_overlay_apply, "fdt, fdto",
    "Apply an overlay; 0 or an error. The overlay is used up, and on most\n"
    "errors the tree too: copy both before.")
{
	struct fdtd_blob b, o;
	int err;

	if (ARGS(fdt_overlay_apply, "WW", &b, &o))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdtd_read(&o);
	return PyLong_FromLong(err ? err : fdtd_overlay_apply(&b, &o));
}

#define ROWS(prefix) ROW(prefix##_u32), ROW(prefix##_u64), ROW(prefix##_cell)

PyMethodDef fdtd_write_functions[] = {
	ROW(fdt_create_empty_tree), ROW(fdt_move), ROW(fdt_open_into),
	ROW(fdt_pack), ROW(fdt_add_mem_rsv), ROW(fdt_del_mem_rsv),
	ROW(fdt_del_node), ROW(fdt_nop_node), ROW(fdt_set_name),
	ROW(fdt_delprop), ROW(fdt_add_subnode), ROW(fdt_add_subnode_namelen),
	ROW(fdt_nop_property), ROW(fdt_setprop), ROW(fdt_appendprop),
	ROW(fdt_setprop_inplace), ROW(fdt_setprop_namelen),
	ROW(fdt_setprop_inplace_namelen_partial), ROWS(fdt_setprop),
	ROWS(fdt_appendprop), ROWS(fdt_setprop_inplace),
	ROW(fdt_setprop_string), ROW(fdt_appendprop_string),
	ROW(fdt_setprop_namelen_string), ROW(fdt_setprop_empty),
	ROW(fdt_setprop_placeholder), ROW(fdt_setprop_placeholder_namelen),
	ROW(fdt_appendprop_addrrange), ROW(fdt_overlay_apply),
	{ NULL, NULL, 0, NULL },
};
