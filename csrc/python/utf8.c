// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the bytes of a str without a copy
 *
 * The stable ABI has PyUnicode_AsUTF8AndSize() from Python 3.10 on. It is looked
 * up when the module is loaded, so that 3.9 can load the module, too.
 */
#include "core.h"

#include <string.h>

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* The same by way of the arguments of a call: takes no NUL, and twice the time */
static const char *core_utf8_argument(PyObject *text, Py_ssize_t *len)
{
	const char *s;

	if (!PyArg_Parse(text, "s", &s))
		return NULL;
	*len = (Py_ssize_t)strlen(s);
	return s;
}

const char *(*core_utf8)(PyObject *, Py_ssize_t *) = core_utf8_argument;

void core_find_utf8(void)
{
	const char *name = "PyUnicode_AsUTF8AndSize";
#ifdef _WIN32
	HMODULE python = GetModuleHandleA("python3.dll");
	FARPROC found = python ? GetProcAddress(python, name) : NULL;
#else
	void *found = dlsym(RTLD_DEFAULT, name);
#endif

	if (found)
		memcpy(&core_utf8, &found, sizeof(core_utf8));
}
