/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CPYTHON_H
#define FDTX_CPYTHON_H
/*
 * CPython's limited API, which all versions from 3.9 on have; builds without
 * the GIL have none.
 */
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>
#include <structmember.h>

/* Hidden from the limited API before 3.10, the same in every CPython from
 * 3.7 on */
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif

/* In the stable ABI for good, in no header of later versions. The one way to the
 * bytes of a memoryview in 3.9's: what it points to stays for as long as the
 * memoryview is there and has not been released. */
PyAPI_FUNC(int) PyObject_AsReadBuffer(PyObject *, const void **, Py_ssize_t *);

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static inline int core_read_buffer(PyObject *o, const void **pp, Py_ssize_t *np)
{
	return PyObject_AsReadBuffer(o, pp, np);
}
#pragma GCC diagnostic pop

#define FASTCALL(fn) (PyCFunction)(void (*)(void))(fn)

#endif /* FDTX_CPYTHON_H */
