// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: writing a tree sequentially
 */
#include <limits.h>
#include <string.h>

#include "args.h"

static PyObject *fdtd_create(const struct fdtd_blob *b, int size,
			     uint32_t flags)
{
	int err;

	if (!fdtd_good_bufsize(b, size))
		return NULL;
	err = (uintptr_t)b->p % 8 ? -FDT_ERR_ALIGNMENT :
		fdt_create_with_flags(b->p, size, flags);
	return PyLong_FromLong(err);
}

DEF(fdt_create, "buf, bufsize", "Begin a new tree; 0 or an error.")
{
	struct fdtd_blob b;
	int size;

	if (ARGS(fdt_create, "Wi", &b, &size))
		return NULL;
	return fdtd_create(&b, size, 0);
}

DEF(fdt_create_with_flags, "buf, bufsize, flags",
    "Begin a new tree; 0 or an error.")
{
	struct fdtd_blob b;
	uint32_t flags;
	int size;

	if (ARGS(fdt_create_with_flags, "Wiu", &b, &size, &flags))
		return NULL;
	return fdtd_create(&b, size, flags);
}

DEF(fdt_resize, "fdt, buf, bufsize",
    "Move a tree that is being written; 0 or an error.")
{
	struct fdtd_blob b, to;
	int size, err;

	if (ARGS(fdt_resize, "WWi", &b, &to, &size) ||
	    !fdtd_good_bufsize(&to, size))
		return NULL;
	err = fdtd_sw(&b);
	return PyLong_FromLong(err ? err : fdt_resize(b.p, to.p, size));
}

DEF(fdt_add_reservemap_entry, "fdt, addr, size",
    "Add a memory reservation; 0 or an error.")
{
	uint64_t addr, size;
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_add_reservemap_entry, "WUU", &b, &addr, &size))
		return NULL;
	err = fdtd_sw(&b);
	if (!err)
		err = fdt_add_reservemap_entry(b.p, addr, size);
	return PyLong_FromLong(err);
}

/* int fn(fdt) */
#define SW(fn, text)							\
	DEF(fn, "fdt", text)						\
	{								\
		struct fdtd_blob b;					\
		int err;						\
									\
		if (ARGS(fn, "W", &b))					\
			return NULL;					\
		err = fdtd_sw(&b);					\
		return PyLong_FromLong(err ? err : fn(b.p));		\
	}

SW(fdt_finish_reservemap, "End the memory reservations; 0 or an error.")
SW(fdt_end_node, "End a node; 0 or an error.")
SW(fdt_finish, "Complete the tree; 0 or an error.")

DEF(fdt_begin_node, "fdt, name", "Begin a node; 0 or an error.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_begin_node, "Ws", &b, &name))
		return NULL;
	err = fdtd_sw(&b);
	if (!err)
		err = fdt_begin_node(b.p, name.s);
	FDTD_DROP(name);
	return PyLong_FromLong(err);
}

#define SW_NUMBER(fn, letter, type, swap, text)				\
	DEF(fn, "fdt, name, val", text)					\
	{								\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		type val;						\
		int err;						\
									\
		if (ARGS(fn, "Ws" letter, &b, &name, &val))		\
			return NULL;					\
		val = (type)swap(val);					\
		err = fdtd_sw(&b);					\
		if (!err)						\
			err = fdtd_property(&b, name.s, &val, sizeof(val)); \
		FDTD_DROP(name);					\
		return PyLong_FromLong(err);				\
	}

SW_NUMBER(fdt_property_u32, "u", uint32_t, cpu_to_fdt32,
	  "Add a property of one cell; 0 or an error.")
SW_NUMBER(fdt_property_cell, "u", uint32_t, cpu_to_fdt32,
	  "Add a property of one cell; 0 or an error.")
SW_NUMBER(fdt_property_u64, "U", uint64_t, cpu_to_fdt64,
	  "Add a property of two cells; 0 or an error.")

DEF(fdt_property_string, "fdt, name, val",
    "Add a property with a string; 0 or an error.")
{
	struct fdtd_text name, val;
	struct fdtd_blob b;
	int err;

	if (ARGS(fdt_property_string, "Wss", &b, &name, &val))
		return NULL;
	err = fdtd_sw(&b);
	if (!err)
		err = fdtd_property(&b, name.s, val.s,
				    (int)strlen(val.s) + 1);
	FDTD_DROP(name);
	FDTD_DROP(val);
	return PyLong_FromLong(err);
}

/* C's fdt_property(), whose name a class has */
DEF(fdt_property_stub, "fdt, name, val, len", "Add a property; 0 or an error.")
{
	struct fdtd_text name, val;
	struct fdtd_blob b;
	int len, err, good;

	if (ARGS(fdt_property_stub, "Wsyi", &b, &name, &val, &len))
		return NULL;
	good = fdtd_good_len(&val, len, 1, "len");
	err = good ? fdtd_sw(&b) : 0;
	if (good && !err)
		err = fdtd_property(&b, name.s, val.s, len);
	FDTD_DROP(name);
	FDTD_DROP(val);
	return good ? PyLong_FromLong(err) : NULL;
}

DEF(fdt_property_placeholder, "fdt, name, len, valp=None",
    "Make room for a value: [0, writable view of it], or [error, None]")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	void *data = NULL;
	int len, err;

	if (ARGS(fdt_property_placeholder, "Wsi|N", &b, &name, &len))
		return NULL;
	err = fdtd_sw(&b);
	if (!err && len >= 0)
		err = fdtd_property_placeholder(&b, name.s, len, &data);
	FDTD_DROP(name);
	if (len < 0) {
		PyErr_Format(PyExc_ValueError, "len is %d", len);
		return NULL;
	}
	return fdtd_list2(PyLong_FromLong(err), err ? fdtd_none() :
			  fdtd_view(&b, data, (size_t)len));
}

/* Move the strings to the new end of a buffer that has grown */
static void fdtd_sw_stretch(char *p, uint32_t size)
{
	uint32_t old = fdt_totalsize(p), tail = fdt_size_dt_strings(p);
	uint32_t used = fdt_off_dt_struct(p) + fdt_size_dt_struct(p);

	memmove(p + size - tail, p + old - tail, tail);
	/* As in a new buffer; a write that failed may have left a name there */
	memset(p + used, 0, size - tail - used);
	fdt_set_totalsize(p, size);
	if (fdt_off_dt_strings(p))
		fdt_set_off_dt_strings(p, size);
}

DEF(_sw_grow, "fdt, name, need, step",
    "Let a tree that is being written grow in place, in whole steps, until\n"
    "need bytes of structure and a property's name (None: no name) fit.\n"
    "The result is byte for byte that of fdt_resize() into new buffers.")
{
	struct fdtd_text name = { NULL, NULL, 0 };
	PyObject *maybe, *owner;
	struct fdtd_blob b;
	uint64_t size, need;
	uint32_t step;
	int64_t missing;
	int err;

	if (ARGS(_sw_grow, "WOUu", &b, &maybe, &need, &step))
		return NULL;
	err = fdtd_sw(&b);
	if (err)
		return PyLong_FromLong(err);
	if (!step || need > INT_MAX) {
		PyErr_SetString(PyExc_ValueError, step ?
				"a device tree ends at 2 GiB" :
				"a tree cannot grow in steps of 0 bytes");
		return NULL;
	}
	if (maybe != Py_None) {
		name.ref = PyUnicode_AsUTF8String(maybe);
		if (!name.ref)
			return NULL;
		name.s = PyBytes_AsString(name.ref);
	}
	missing = fdtd_sw_shortage(&b, name.s, need);
	Py_XDECREF(name.ref);
	/* Upstream's buffer is as long as its tree */
	size = b.len + ((uint64_t)missing + step - 1) / step * step;
	if (size > INT_MAX - 64) {
		PyErr_SetString(PyExc_ValueError, "a device tree ends at 2 GiB");
		return NULL;
	}
	owner = b.owner;
	if (PyByteArray_Resize(owner, (Py_ssize_t)size))
		return NULL;
	b.p = PyByteArray_AsString(owner);
	fdtd_sw_stretch(b.p, (uint32_t)size);
	return PyLong_FromLong(0);
}

PyMethodDef fdtd_sw_functions[] = {
	ROW(fdt_create), ROW(fdt_create_with_flags), ROW(fdt_resize),
	ROW(fdt_add_reservemap_entry), ROW(fdt_finish_reservemap),
	ROW(fdt_end_node), ROW(fdt_finish), ROW(fdt_begin_node),
	ROW(fdt_property_u32), ROW(fdt_property_cell), ROW(fdt_property_u64),
	ROW(fdt_property_string), ROW(fdt_property_stub),
	ROW(fdt_property_placeholder), ROW(_sw_grow),
	{ NULL, NULL, 0, NULL },
};
