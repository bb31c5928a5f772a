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

#define FASTCALL(fn) (PyCFunction)(void (*)(void))(fn)

#endif /* FDTX_CPYTHON_H */
