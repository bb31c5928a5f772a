// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - pairs of numbers, packed
 */
#include "fast.h"

/* 0 to 2^64 - 1; 0 is returned for any other object, no exception is set. Runs
 * no Python code. */
static int fdtf_u64(PyObject *o, uint64_t *value)
{
	long long n;
	int overflow;

	if (!o || !PyLong_Check(o))
		return 0;
	/* Much faster than PyLong_AsUnsignedLongLong() */
	n = PyLong_AsLongLongAndOverflow(o, &overflow);
	*value = (uint64_t)n;
	if (!overflow)
		return n >= 0;
	*value = PyLong_AsUnsignedLongLong(o);
	if (*value != UINT64_MAX || !PyErr_Occurred())
		return 1;
	PyErr_Clear();
	return 0;
}

static int fdtf_pack(PyObject *list, PyObject *(*get)(PyObject *, Py_ssize_t),
		     Py_ssize_t n, char *out)
{
	Py_ssize_t i;

	for (i = 0; i < n; i++, out += 2 * sizeof(uint64_t)) {
		PyObject *pair = get(list, i);
		uint64_t number[2];

		if (!pair || !PyTuple_Check(pair) || PyTuple_Size(pair) != 2 ||
		    !fdtf_u64(PyTuple_GetItem(pair, 0), &number[0]) ||
		    !fdtf_u64(PyTuple_GetItem(pair, 1), &number[1]))
			return 0;
		memcpy(out, number, sizeof(number));
	}
	return 1;
}

PyObject *fdtf_pairs(PyObject *module, PyObject *list)
{
	int is_list = PyList_Check(list), is_tuple = PyTuple_Check(list);
	Py_ssize_t n = is_list ? PyList_Size(list) :
		       is_tuple ? PyTuple_Size(list) : 0;
	PyObject *out = NULL;

	(void)module;
	if ((is_list || is_tuple) &&
	    n <= PY_SSIZE_T_MAX / (Py_ssize_t)(4 * sizeof(uint64_t))) {
		out = PyBytes_FromStringAndSize(NULL, n * (Py_ssize_t)(2 *
						sizeof(uint64_t)));
		if (!out)
			return NULL;
		if (fdtf_pack(list, is_list ? PyList_GetItem : PyTuple_GetItem,
			      n, PyBytes_AsString(out)))
			return out;
		Py_DECREF(out);
		PyErr_Clear();
	}
	Py_INCREF(Py_None);
	return Py_None;
}
