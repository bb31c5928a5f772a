// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the module pyfdtx._core, and the door to pyfdtx._ext beside it
 */
#include "tree.h"

static PyObject *core_blank(PyObject *module, PyObject *size)
{
	Py_ssize_t n = PyLong_AsSsize_t(size);

	(void)module;
	if (n < 0 && !PyErr_Occurred())
		PyErr_SetString(PyExc_ValueError, "negative size");
	return n < 0 ? NULL : PyBytes_FromStringAndSize(NULL, n);
}

/* Other than extend() this touches none of the memory */
static PyObject *core_resize(PyObject *module, PyObject *const *argv,
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

/* cffi writes it, in the same shared object: one file to find, to load and to
 * relocate. Import would look for a file _ext, so we call it ourselves. */
PyMODINIT_FUNC PyInit__ext(void);

static PyObject *core_ext(PyObject *module, PyObject *unused)
{
	(void)module;
	(void)unused;
	return PyInit__ext();
}

static PyMethodDef core_functions[] = {
	{ "to_dict", core_to_dict, METH_O,
	  "to_dict(data, /)\n--\n\n"
	  "{path: {name: value}} of bytes; None if they are no sound tree.\n"
	  "OverflowError if paths and names are too long." },
	{ "pairs", core_pairs, METH_O,
	  "pairs(list, /)\n--\n\n"
	  "The numbers in a list or tuple of pairs, 64 bits each, as bytes in\n"
	  "the order of this machine; None if something in it is no tuple of\n"
	  "two int from 0 to 2**64 - 1." },
	{ "load", core_load, METH_O,
	  "load(data, /)\n--\n\n"
	  "The tree in bytes, checked, in canonical form, FDT_NOP kept;\n"
	  "ValueError (code, cause, offset) if it is not sound." },
	{ "dump", core_dump, METH_O,
	  "dump(buf, /)\n--\n\n"
	  "The tree in a bytearray without what lies behind its strings." },
	{ "blank", core_blank, METH_O,
	  "blank(size, /)\n--\n\n"
	  "So many bytes of any content, to be filled before anybody else sees\n"
	  "them." },
	{ "resize", FASTCALL(core_resize), METH_FASTCALL,
	  "resize(buf, size, /)\n--\n\n"
	  "Let a bytearray have so many bytes; what is new is not cleared." },
	{ "begin_edit", FASTCALL(core_begin_edit), METH_FASTCALL,
	  "begin_edit(type, fdt, blob, /)\n--\n\nAn Edit, or what stands on it." },
	{ "ext", core_ext, METH_NOARGS,
	  "ext()\n--\n\n"
	  "pyfdtx._ext, cffi's module with ffi and lib; a new one in each call." },
	{ NULL, NULL, 0, NULL },
};

/* Set by csrc/build.py */
#ifndef FDTX_LIBFDT
#define FDTX_LIBFDT	"of an unknown version"
#endif

static int core_exec(PyObject *module)
{
	core_find_utf8();
	if (PyModule_AddStringConstant(module, "LIBFDT", FDTX_LIBFDT))
		return -1;
	if (core_add_index(module) || core_add_lock(module) ||
	    core_add_blob(module) || core_add_node(module) ||
	    core_add_edit(module) ||
	    core_add_second_kernel(module) || core_add_dropin(module))
		return -1;
	return 0;
}

static PyModuleDef_Slot core_slots[] = {
	{ Py_mod_exec, (void *)core_exec },
#ifdef Py_mod_gil
	/* Builds without the GIL get it back: a lock is taken, and a tree's index
	 * is read, by plain loads and stores */
	{ Py_mod_gil, Py_MOD_GIL_USED },
#endif
	{ 0, NULL },
};

static struct PyModuleDef core_module = {
	PyModuleDef_HEAD_INIT, "pyfdtx._core", NULL, 0, core_functions,
	core_slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__core(void);
PyMODINIT_FUNC PyInit__core(void)
{
	return PyModuleDef_Init(&core_module);
}
