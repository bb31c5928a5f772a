// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/* The functions of the drop-in as a module of their own, to be made with
 * sanitizers in a few seconds */
#include "python/core.h"

static int alone(PyObject *module)
{
	return core_add_dropin(module);
}

static PyModuleDef_Slot slots[] = {
	{ Py_mod_exec, (void *)alone },
	{ 0, NULL },
};

static struct PyModuleDef module = {
	PyModuleDef_HEAD_INIT, "dropin_alone", NULL, 0, NULL, slots, NULL, NULL,
	NULL,
};

PyMODINIT_FUNC PyInit_dropin_alone(void);
PyMODINIT_FUNC PyInit_dropin_alone(void)
{
	return PyModuleDef_Init(&module);
}
