// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - pairs of numbers, packed
 */
#include "core.h"

/*
 * Objects of a list lie anywhere in memory. So many pairs are asked for, then
 * what is in them, and then looked at: the processor waits for all at once.
 */
#define CORE_BLOCK 32

/* Exact types, which nearly all objects have, are seen without a call */
static int core_is_pair(PyObject *o)
{
	return (PyTuple_CheckExact(o) || PyTuple_Check(o)) && Py_SIZE(o) == 2;
}

/* 0 to 2^64 - 1; 0 is returned for any other object, no exception is set. Runs
 * no Python code. */
static int core_u64(PyObject *o, uint64_t *value)
{
	long long n;
	int overflow;

	if (!PyLong_CheckExact(o) && !PyLong_Check(o))
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

/* What is borrowed here stays: no Python code runs before it is used */
static int core_pack_block(PyObject *list,
			   PyObject *(*get)(PyObject *, Py_ssize_t),
			   Py_ssize_t start, int n, char *out)
{
	PyObject *pair[CORE_BLOCK], *number[2 * CORE_BLOCK];
	int i;

	for (i = 0; i < n; i++) {
		pair[i] = get(list, start + i);
		if (!pair[i])
			return 0;
		__builtin_prefetch(pair[i]);
	}
	for (i = 0; i < n; i++) {
		if (!core_is_pair(pair[i]))
			return 0;
		number[2 * i] = PyTuple_GetItem(pair[i], 0);
		number[2 * i + 1] = PyTuple_GetItem(pair[i], 1);
		__builtin_prefetch(number[2 * i]);
		__builtin_prefetch(number[2 * i + 1]);
	}
	for (i = 0; i < 2 * n; i++, out += sizeof(uint64_t)) {
		uint64_t value;

		if (!core_u64(number[i], &value))
			return 0;
		memcpy(out, &value, sizeof(value));
	}
	return 1;
}

static int core_pack(PyObject *list, PyObject *(*get)(PyObject *, Py_ssize_t),
		     Py_ssize_t n, char *out)
{
	Py_ssize_t i;

	for (i = 0; i < n; i += CORE_BLOCK) {
		int some = n - i < CORE_BLOCK ? (int)(n - i) : CORE_BLOCK;

		if (!core_pack_block(list, get, i, some, out))
			return 0;
		out += some * 2 * (Py_ssize_t)sizeof(uint64_t);
	}
	return 1;
}

PyObject *core_pairs(PyObject *module, PyObject *list)
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
		if (core_pack(list, is_list ? PyList_GetItem : PyTuple_GetItem,
			      n, PyBytes_AsString(out)))
			return out;
		Py_DECREF(out);
		PyErr_Clear();
	}
	Py_INCREF(Py_None);
	return Py_None;
}
