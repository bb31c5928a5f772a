// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - a tree on its way from bytes to the bytearray in which it is edited,
 * and back
 */
#include "core.h"
#include "edit/load.h"

static PyObject *core_refuse(int err, const struct fdtx_fault *fault)
{
	PyObject *why = Py_BuildValue("isk", err, fault->cause,
				      (unsigned long)fault->offset);

	if (why) {
		PyErr_SetObject(PyExc_ValueError, why);
		Py_DECREF(why);
	}
	return NULL;
}

PyObject *core_load(PyObject *module, PyObject *data)
{
	const char *fdt = PyBytes_AsString(data);
	struct fdtx_fault fault;
	struct fdtx_plan plan;
	PyObject *buf;
	int err;

	(void)module;
	if (!fdt)
		return NULL;
	err = fdtx_load_plan(fdt, (size_t)PyBytes_Size(data), &plan, &fault);
	if (err)
		return core_refuse(err, &fault);
	buf = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)plan.size);
	if (buf)
		fdtx_emit(&plan, PyByteArray_AsString(buf));
	return buf;
}

/* The slack is left out: what is copied is all in canonical form already */
PyObject *core_dump(PyObject *module, PyObject *buf)
{
	const char *fdt;
	uint32_t used;
	PyObject *out;

	(void)module;
	if (!PyByteArray_Check(buf) ||
	    (size_t)PyByteArray_Size(buf) < sizeof(struct fdt_header)) {
		PyErr_SetString(PyExc_TypeError, "dump(bytearray)");
		return NULL;
	}
	fdt = PyByteArray_AsString(buf);
	used = fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
	if (used > (size_t)PyByteArray_Size(buf) ||
	    used < sizeof(struct fdt_header)) {
		PyErr_SetString(PyExc_ValueError, "strings beyond the end");
		return NULL;
	}
	out = PyBytes_FromStringAndSize(fdt, (Py_ssize_t)used);
	if (out)
		fdt_set_totalsize(PyBytes_AsString(out), used);
	return out;
}
