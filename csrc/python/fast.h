/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_FAST_H
#define FDTX_FAST_H
/*
 * pyfdtx._fast: what makes or takes apart many Python objects, or is called so
 * often that cffi's cost for a call counts.
 */
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#include "blob/index.h"

/* Hidden from the limited API before 3.10, the same in every CPython from
 * 3.7 on */
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif

#define FASTCALL(fn) (PyCFunction)(void (*)(void))(fn)

/* Names may share bytes, and paths repeat those of the nodes above, so a small
 * blob can spell gigabytes: all that is spelled in one call may be this many
 * times the blob. Real trees spell 1 to 4 times their size. */
#define FDTF_TEXT_FACTOR 16

/* Text of a blob: ASCII, other bytes as surrogates */
PyObject *fdtf_str(const char *s, size_t len);

/* Whether the blob is sound; an exception for what is no bytes object */
int fdtf_is_sound(PyObject *data, const char **fdtp);

PyObject *fdtf_to_dict(PyObject *module, PyObject *data);
PyObject *fdtf_pairs(PyObject *module, PyObject *list);
PyObject *fdtf_load(PyObject *module, PyObject *data);
PyObject *fdtf_dump(PyObject *module, PyObject *buf);

enum fdtf_item {
	FDTF_NONE,		/* None */
	FDTF_VALUE,		/* bytes */
	FDTF_PLACE,		/* int: FDT_PROP, bytes from the start of the blob */
};

/**
 * fdtf_properties - the properties of one node
 * @body: first tag inside of the node, bytes from the start of the blob
 *
 * returns: dict of name and item, in the order of the blob, the first of
 *	each name; OverflowError if the names are too long
 */
PyObject *fdtf_properties(const char *fdt, uint32_t body, enum fdtf_item item);

/* Adds the type Index to the module */
int fdtf_add_index(PyObject *module);

#endif /* FDTX_FAST_H */
