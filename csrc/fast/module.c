// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the module pyfdtx._fast
 */
#include "fast.h"

PyObject *fdtf_str(const char *s, size_t len)
{
	return PyUnicode_DecodeASCII(s, (Py_ssize_t)len, "surrogateescape");
}

int fdtf_is_sound(PyObject *data, const char **fdtp)
{
	struct fdtx_fault fault;

	*fdtp = PyBytes_AsString(data);
	return *fdtp && !fdtx_check(*fdtp, (size_t)PyBytes_Size(data), &fault);
}

static PyMethodDef fdtf_functions[] = {
	{ "to_dict", fdtf_to_dict, METH_O,
	  "to_dict(data)\n--\n\n"
	  "{path: {name: value}} of bytes; None if they are no sound tree.\n"
	  "OverflowError if paths and names are too long." },
	{ NULL, NULL, 0, NULL },
};

static int fdtf_exec(PyObject *module)
{
	return fdtf_add_index(module);
}

static PyModuleDef_Slot fdtf_slots[] = {
	{ Py_mod_exec, (void *)fdtf_exec },
	{ 0, NULL },
};

static struct PyModuleDef fdtf_module = {
	PyModuleDef_HEAD_INIT, "pyfdtx._fast", NULL, 0, fdtf_functions,
	fdtf_slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__fast(void);
PyMODINIT_FUNC PyInit__fast(void)
{
	return PyModuleDef_Init(&fdtf_module);
}
