/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CORE_H
#define FDTX_CORE_H
/*
 * pyfdtx._core: what makes or takes apart many Python objects, or is called so
 * often that cffi's cost for a call counts.
 */
#include "blob/index.h"
#include "python/cpython.h"

/* Names may share bytes, and paths repeat those of the nodes above, so a small
 * blob can spell gigabytes: all that is spelled in one call may be this many
 * times the blob. Real trees spell 1 to 4 times their size. */
#define CORE_TEXT_FACTOR 16

/* Text of a blob: ASCII, other bytes as surrogates */
PyObject *core_str(const char *s, size_t len);

/* The bytes of a str, which live as long as it does. NULL with an exception if
 * they are not UTF-8; before Python 3.10 also if there is a NUL */
extern const char *(*core_utf8)(PyObject *text, Py_ssize_t *len);
void core_find_utf8(void);

/* Whether the blob is sound; an exception for what is no bytes object */
int core_is_sound(PyObject *data, const char **fdtp);

PyObject *core_to_dict(PyObject *module, PyObject *data);
PyObject *core_pairs(PyObject *module, PyObject *list);
PyObject *core_load(PyObject *module, PyObject *data);
PyObject *core_dump(PyObject *module, PyObject *buf);

enum core_item {
	CORE_NONE,		/* None */
	CORE_VALUE,		/* bytes */
	CORE_PLACE,		/* int: FDT_PROP, bytes from the start of the blob */
};

/**
 * core_properties - the properties of one node
 * @body: first tag inside of the node, bytes from the start of the blob
 *
 * returns: dict of name and item, in the order of the blob, the first of
 *	each name; OverflowError if the names are too long
 */
PyObject *core_properties(const char *fdt, int body, enum core_item item);

/**
 * core_fill - put the properties of one node into an empty dict
 * @budget: bytes that their names may have
 *
 * Runs no Python code.
 *
 * returns: 0; -1 with an exception, as core_properties()
 */
int core_fill(PyObject *dict, const char *fdt, int body,
	      enum core_item item, uint64_t budget);

/* Makes a type and adds it to the module */
int core_add_type(PyObject *module, const char *name, PyType_Spec *spec);

/* Each adds to the module what its file has: the type Index; the functions
 * and numbers of second_kernel.c; those of the drop-in */
int core_add_index(PyObject *module);
int core_add_second_kernel(PyObject *module);
int core_add_dropin(PyObject *module);

#endif /* FDTX_CORE_H */
