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

static PyObject *fdtf_blank(PyObject *module, PyObject *size)
{
	Py_ssize_t n = PyLong_AsSsize_t(size);

	(void)module;
	if (n < 0 && !PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "negative size");
	return n < 0 ? NULL : PyBytes_FromStringAndSize(NULL, n);
}

/* Other than extend() this touches none of the memory */
static PyObject *fdtf_resize(PyObject *module, PyObject *const *argv,
			     Py_ssize_t argc)
{
	Py_ssize_t size;

	(void)module;
	if (argc != 2 || !PyByteArray_Check(argv[0])) {
		PyErr_SetString(PyExc_TypeError, "resize(bytearray, int)");
		return NULL;
	}
	size = PyLong_AsSsize_t(argv[1]);
	if (size < 0 && !PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "negative size");
	if (size < 0 || PyByteArray_Resize(argv[0], size))
		return NULL;
	Py_INCREF(Py_None);
	return Py_None;
}

static PyMethodDef fdtf_functions[] = {
	{ "to_dict", fdtf_to_dict, METH_O,
	  "to_dict(data)\n--\n\n"
	  "{path: {name: value}} of bytes; None if they are no sound tree.\n"
	  "OverflowError if paths and names are too long." },
	{ "pairs", fdtf_pairs, METH_O,
	  "pairs(list)\n--\n\n"
	  "The numbers in a list or tuple of pairs, 64 bits each, as bytes in\n"
	  "the order of this machine; None if something in it is no tuple of\n"
	  "two int from 0 to 2**64 - 1." },
	{ "load", fdtf_load, METH_O,
	  "load(data)\n--\n\n"
	  "The tree in bytes, checked, in canonical form, FDT_NOP kept;\n"
	  "ValueError (code, cause, offset) if it is not sound." },
	{ "dump", fdtf_dump, METH_O,
	  "dump(buf)\n--\n\n"
	  "The tree in a bytearray without what lies behind its strings." },
	{ "blank", fdtf_blank, METH_O,
	  "blank(size)\n--\n\n"
	  "So many bytes of any content, to be filled before anybody else sees\n"
	  "them." },
	{ "resize", FASTCALL(fdtf_resize), METH_FASTCALL,
	  "resize(buf, size)\n--\n\n"
	  "Let a bytearray have so many bytes; what is new is not cleared." },
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
