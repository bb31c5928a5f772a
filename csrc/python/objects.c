// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - Python's objects: texts, numbers and types, for all files here
 */
#include <string.h>

#include "tree.h"

PyObject *core_str(const char *s, size_t len)
{
	return PyUnicode_DecodeASCII(s, (Py_ssize_t)len, "surrogateescape");
}

int core_is_sound(PyObject *data, const char **fdtp)
{
	struct fdtx_fault fault;

	*fdtp = PyBytes_AsString(data);
	return *fdtp && !fdtx_check(*fdtp, (size_t)PyBytes_Size(data), &fault);
}

int core_add_type(PyObject *module, const char *name, PyType_Spec *spec)
{
	PyObject *type = PyType_FromSpec(spec);

	if (!type)
		return -1;
	if (PyModule_AddObject(module, name, type)) {
		Py_DECREF(type);
		return -1;
	}
	return 0;
}

const char *core_plain(PyObject *text, size_t *lenp)
{
	const char *s;
	Py_ssize_t n;

	if (!PyUnicode_CheckExact(text))
		return NULL;
	s = core_utf8(text, &n);
	if (!s) {
		PyErr_Clear();
		return NULL;
	}
	/* Text that takes a byte a character is ASCII */
	if (n < 1 || n > FDTX_MAX_TOTALSIZE || PyUnicode_GetLength(text) != n ||
	    strlen(s) != (size_t)n)
		return NULL;
	*lenp = (size_t)n;
	return s;
}

const char *core_text(PyObject *o, size_t *lenp)
{
	const char *text;
	Py_ssize_t len;

	if (!PyUnicode_CheckExact(o))
		return NULL;
	text = core_utf8(o, &len);
	if (!text) {
		PyErr_Clear();
		return NULL;
	}
	*lenp = (size_t)len;
	return memchr(text, 0, *lenp) ? NULL : text;
}

int core_number(PyObject *o, uint64_t max, uint64_t *value)
{
	if (!PyLong_CheckExact(o))
		return 0;
	*value = PyLong_AsUnsignedLongLong(o);
	if (*value != UINT64_MAX || !PyErr_Occurred())
		return *value <= max;
	PyErr_Clear();
	return 0;
}

PyTypeObject *core_base_of(PyTypeObject *type, destructor dealloc)
{
	while (type && (PyType_GetFlags(type) & Py_TPFLAGS_HEAPTYPE)) {
		if (PyType_GetSlot(type, Py_tp_dealloc) == (void *)dealloc)
			return type;
		type = (PyTypeObject *)PyType_GetSlot(type, Py_tp_base);
	}
	return NULL;
}

PyTypeObject *core_base(PyObject *o, destructor dealloc)
{
	return core_base_of(Py_TYPE(o), dealloc);
}

PyObject *core_super(PyTypeObject *base, PyObject *self, const char *name,
		     PyObject *const *argv, Py_ssize_t argc, PyObject *kwnames)
{
	PyObject *above = NULL, *method = NULL, *result = NULL;
	PyObject *args = PyTuple_New(argc), *kwargs = NULL;
	Py_ssize_t i, n;

	if (base)
		above = PyObject_CallFunctionObjArgs((PyObject *)&PySuper_Type,
						     (PyObject *)base, self,
						     NULL);
	if (above)
		method = PyObject_GetAttrString(above, name);
	n = kwnames ? PyTuple_Size(kwnames) : 0;
	if (n && method)
		kwargs = PyDict_New();
	for (i = 0; args && i < argc; i++) {
		Py_INCREF(argv[i]);
		PyTuple_SetItem(args, i, argv[i]);
	}
	for (i = 0; kwargs && i < n; i++)
		if (PyDict_SetItem(kwargs, PyTuple_GetItem(kwnames, i),
				   argv[argc + i]))
			Py_CLEAR(kwargs);
	if (method && args && (kwargs || !n))
		result = PyObject_Call(method, args, kwargs);
	Py_XDECREF(kwargs);
	Py_XDECREF(args);
	Py_XDECREF(method);
	Py_XDECREF(above);
	return result;
}
