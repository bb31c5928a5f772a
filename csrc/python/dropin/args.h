/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_DROPIN_ARGS_H
#define FDTX_DROPIN_ARGS_H
/*
 * Arguments and results of the drop-in's functions: what upstream's SWIG
 * module accepts, refuses and returns.
 */
#include <libfdt.h>

#include "python/cpython.h"
#include "guard.h"

/**
 * struct fdtd_text - a str or bytes argument
 * @ref: what owns the bytes; to be given back with FDTD_DROP()
 * @s: the bytes, a NUL behind them
 * @len: number of bytes; more than strlen() if there are NULs inside
 */
struct fdtd_text {
	PyObject *ref;
	const char *s;
	Py_ssize_t len;
};

#define FDTD_DROP(text) Py_DECREF((text).ref)

/**
 * fdtd_args - take the arguments of a call apart
 * @doc: "name(arg, arg, arg=None)", then anything
 * @fmt: a letter for each argument, the optional ones behind a '|':
 *	B bytearray, struct fdtd_blob; W the same, to be written
 *	i int; u uint32_t; U uint64_t; z size_t
 *	s str, struct fdtd_text; y bytes, struct fdtd_text
 *	n, N, P None, for a pointer to int, void * or char *; nothing is stored
 *	O anything, PyObject *, borrowed; NULL if left out
 *
 * Runs no Python code, so the pointers stay good until the caller does; or until
 * he makes an exception, as memory may be collected then.
 *
 * returns: 0; -1 with an exception, nothing needs to be given back
 */
int fdtd_args(const char *doc, const char *fmt, PyObject *const *argv,
	      Py_ssize_t argc, PyObject *kwnames, ...);

/* A function of the module; its signature goes into its docstring */
#define DEF(fn, params, text)						\
	static const char doc_##fn[] = #fn "(" params ")\n--\n\n" text;	\
	static PyObject *py_##fn(PyObject *self, PyObject *const *argv,	\
				 Py_ssize_t argc, PyObject *kwnames)
#define ARGS(fn, fmt, ...)						\
	((void)self, fdtd_args(doc_##fn, fmt, argv, argc, kwnames, __VA_ARGS__))
#define ROW(fn)								\
	{ #fn, (PyCFunction)(void (*)(void))py_##fn,			\
	  METH_FASTCALL | METH_KEYWORDS, doc_##fn }

/* The functions of each file, ended by an empty row */
extern PyMethodDef fdtd_header_functions[];
extern PyMethodDef fdtd_read_functions[];
extern PyMethodDef fdtd_value_functions[];
extern PyMethodDef fdtd_write_functions[];
extern PyMethodDef fdtd_sw_functions[];
extern PyMethodDef fdtd_reg_functions[];

/* Results. Each takes over the objects that it is given, NULL included. */
PyObject *fdtd_list2(PyObject *a, PyObject *b);
PyObject *fdtd_list3(PyObject *a, PyObject *b, PyObject *c);
PyObject *fdtd_none(void);
/* Text as upstream decodes it; None for NULL */
PyObject *fdtd_str(const char *s);
PyObject *fdtd_strn(const char *s, Py_ssize_t len);
/* Writable view of @len bytes at @p inside a bytearray */
PyObject *fdtd_view(const struct fdtd_blob *b, const char *p, size_t len);

/* Whether @len counts bytes of @text, with the NUL behind it; ValueError */
int fdtd_good_len(const struct fdtd_text *text, int len, int nul,
		  const char *what);
/* Whether @bufsize bytes are there; ValueError */
int fdtd_good_bufsize(const struct fdtd_blob *buf, int bufsize);

#endif /* FDTX_DROPIN_ARGS_H */
