/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H
/*
 * As much of CPython's configuration as its headers ask for under
 * Py_LIMITED_API, for every target of packaging/wheels/wheels.py. It takes the place
 * of pyconfig.h in a copy of some CPython's headers. Sizes come from the compiler.
 */
#define _GNU_SOURCE 1
#define WITH_THREAD 1
#define HAVE_LONG_LONG 1

#define SIZEOF_INT __SIZEOF_INT__
#define SIZEOF_LONG __SIZEOF_LONG__
#define SIZEOF_LONG_LONG __SIZEOF_LONG_LONG__
#define SIZEOF_VOID_P __SIZEOF_POINTER__
#define SIZEOF_SIZE_T __SIZEOF_SIZE_T__
#define SIZEOF_WCHAR_T __SIZEOF_WCHAR_T__
#define ALIGNOF_LONG __SIZEOF_LONG__
#define ALIGNOF_SIZE_T __SIZEOF_SIZE_T__

#ifdef _WIN32
#include <stddef.h>
#define MS_WINDOWS 1
#define MS_WIN64 1
/* Symbols come from python3.dll */
#define HAVE_DECLSPEC_DLL 1
#define Py_ENABLE_SHARED 1
typedef ptrdiff_t Py_ssize_t;
#define HAVE_PY_SSIZE_T 1
#define PY_SSIZE_T_MAX ((Py_ssize_t)(((size_t)-1)>>1))
#else
#define HAVE_PTHREAD_H 1
#define HAVE_SSIZE_T 1
#endif

#endif /* Py_PYCONFIG_H */
