// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: (address, size) entries, as the series for libfdt's
 * upstream adds them to its module; provisional until a release has them
 */
#include <string.h>

#include "fdt_reg.h"

#include "args.h"

typedef int fdtd_array_fn(void *fdt, int parent, int nodeoffset,
			  const char *name, const struct fdt_reg *regs, int n);

/* int fn(fdt, parent, nodeoffset, name, addr, size) */
#define ONE(fn, text)							\
	DEF(fn, "fdt, parent, nodeoffset, name, addr, size", text)	\
	{								\
		uint64_t addr, size;					\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int parent, node, err;					\
									\
		if (ARGS(fn, "WiisUU", &b, &parent, &node, &name,	\
			 &addr, &size))					\
			return NULL;					\
		err = fdtd_write(&b);					\
		if (!err)						\
			err = fn(b.p, parent, node, name.s, addr, size); \
		FDTD_DROP(name);					\
		return PyLong_FromLong(err);				\
	}

ONE(fdt_setprop_reg,
    "Set a property to (address, size) by the parent's cells; 0 or an error.")
ONE(fdt_appendprop_reg,
    "Append (address, size) by the parent's cells; 0 or an error.")

/* @regs is struct.pack("=QQ", address, size), n times; a copy is aligned */
static int fdtd_array(const struct fdtd_blob *b, int parent, int node,
		      const char *name, const struct fdtd_text *regs,
		      fdtd_array_fn *fn, int *err)
{
	size_t len = (size_t)regs->len;
	struct fdt_reg *copy;

	if (len % sizeof(*copy) || len / sizeof(*copy) > INT_MAX) {
		PyErr_SetString(PyExc_ValueError,
				"regs is not a whole number of entries of 16 bytes");
		return -1;
	}
	*err = fdtd_write(b);
	if (*err)
		return 0;
	copy = PyMem_Malloc(len ? len : 1);
	if (!copy) {
		PyErr_NoMemory();
		return -1;
	}
	memcpy(copy, regs->s, len);
	*err = fn(b->p, parent, node, name, copy, (int)(len / sizeof(*copy)));
	PyMem_Free(copy);
	return 0;
}

#define ARRAY(fn, text)							\
	DEF(fn, "fdt, parent, nodeoffset, name, regs", text)		\
	{								\
		struct fdtd_text name, regs;				\
		struct fdtd_blob b;					\
		int parent, node, err, wrong;				\
									\
		if (ARGS(fn, "Wiisy", &b, &parent, &node, &name, &regs)) \
			return NULL;					\
		wrong = fdtd_array(&b, parent, node, name.s, &regs, fn,	\
				   &err);				\
		FDTD_DROP(name);					\
		FDTD_DROP(regs);					\
		return wrong ? NULL : PyLong_FromLong(err);		\
	}

ARRAY(fdt_setprop_reg_array,
      "Set a property to entries, each struct.pack('=QQ', address, size), by\n"
      "the parent's cells; 0 or an error.")
ARRAY(fdt_appendprop_reg_array,
      "Append entries, each struct.pack('=QQ', address, size), by the parent's\n"
      "cells; 0 or an error.")

DEF(fdt_getprop_reg_count, "fdt, parent, nodeoffset, name",
    "Number of (address, size) entries by the parent's cells, or an error.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int parent, node, err;

	if (ARGS(fdt_getprop_reg_count, "Biis", &b, &parent, &node, &name))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_getprop_reg_count(b.p, parent, node, name.s);
	FDTD_DROP(name);
	return PyLong_FromLong(err);
}

DEF(fdt_getprop_reg, "fdt, parent, nodeoffset, name, n",
    "[0, address, size] of an entry, counted from 0, or [error, 0, 0]")
{
	uint64_t address = 0, size = 0;
	struct fdtd_text name;
	struct fdtd_blob b;
	int parent, node, n, err;

	if (ARGS(fdt_getprop_reg, "Biisi", &b, &parent, &node, &name, &n))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_getprop_reg(b.p, parent, node, name.s, n, &address,
				      &size);
	FDTD_DROP(name);
	return fdtd_list3(PyLong_FromLong(err),
			  PyLong_FromUnsignedLongLong(address),
			  PyLong_FromUnsignedLongLong(size));
}

DEF(fdt_reg_len, "fdt, parent, n",
    "Bytes of n (address, size) entries by the parent's cells, or an error.")
{
	struct fdtd_blob b;
	int parent, n, err;

	if (ARGS(fdt_reg_len, "Bii", &b, &parent, &n))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_reg_len(b.p, parent, n);
	return PyLong_FromLong(err);
}

DEF(fdt_prop_len, "total, name, len",
    "A size, and the room of a property with so many bytes; or an error, which\n"
    "is total or len if that is negative.")
{
	struct fdtd_text name;
	int total, len, err;

	if (ARGS(fdt_prop_len, "isi", &total, &name, &len))
		return NULL;
	err = fdt_prop_len(total, name.s, len);
	FDTD_DROP(name);
	return PyLong_FromLong(err);
}

PyMethodDef fdtd_reg_functions[] = {
	ROW(fdt_setprop_reg), ROW(fdt_setprop_reg_array),
	ROW(fdt_appendprop_reg), ROW(fdt_appendprop_reg_array),
	ROW(fdt_getprop_reg_count), ROW(fdt_getprop_reg), ROW(fdt_reg_len),
	ROW(fdt_prop_len), { NULL, NULL, 0, NULL },
};
