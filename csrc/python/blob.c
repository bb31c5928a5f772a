// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - a tree on its way from bytes to the bytearray in which it is edited,
 * and back; and the type Blob around that bytearray
 */
#include <string.h>

#include "edit/load.h"
#include "tree.h"

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

int core_enter(struct core_blob *blob)
{
	PyObject *taken;

	if (blob->plain_lock)
		return core_lock_take((struct core_lock *)blob->lock, 1) < 0 ?
			-1 : 0;
	if (!blob->lock) {
		PyErr_SetString(PyExc_AttributeError, "lock");
		return -1;
	}
	taken = PyObject_CallMethod(blob->lock, "acquire", NULL);
	Py_XDECREF(taken);
	return taken ? 0 : -1;
}

void core_leave(struct core_blob *blob)
{
	PyObject *type, *value, *trace, *given;

	if (blob->plain_lock) {
		core_lock_drop((struct core_lock *)blob->lock);
		return;
	}
	PyErr_Fetch(&type, &value, &trace);
	given = PyObject_CallMethod(blob->lock, "release", NULL);
	if (!given)
		PyErr_WriteUnraisable(blob->lock);
	Py_XDECREF(given);
	PyErr_Restore(type, value, trace);
}

char *core_bytes(struct core_blob *blob)
{
	PyObject *buf = blob->buf;

	if (blob->plain_lock &&
	    !core_is_owned((struct core_lock *)blob->lock)) {
		blob->strays++;
		return NULL;
	}
	if (!buf || !PyByteArray_Check(buf) ||
	    (size_t)PyByteArray_Size(buf) < sizeof(struct fdt_header))
		return NULL;
	return PyByteArray_AsString(buf);
}

int core_make_room(struct core_blob *blob, long long need)
{
	const char *fdt = core_bytes(blob);
	long long used, size;

	if (!fdt || need < 0)
		return 0;
	used = (long long)fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt);
	size = PyByteArray_Size(blob->buf);
	if (used + need <= size)
		return 1;
	if (used + need > FDTX_MAX_TOTALSIZE)
		return 0;
	size = used + used / 2 + CORE_SLACK;
	if (size < used + need)
		size = used + need;
	if (size > FDTX_MAX_TOTALSIZE)
		size = FDTX_MAX_TOTALSIZE;
	if (PyByteArray_Resize(blob->buf, (Py_ssize_t)size))
		return -1;
	fdt_set_totalsize(PyByteArray_AsString(blob->buf), (uint32_t)size);
	return 1;
}

void core_moved(struct core_blob *blob, int place, int by)
{
	const int half = CORE_MOVES / 2;

	if (blob->moves == CORE_MOVES) {
		memmove(blob->move, blob->move + half,
			(CORE_MOVES - half) * sizeof(blob->move[0]));
		blob->moves -= half;
		blob->first += half;
	}
	blob->move[blob->moves].place = place;
	blob->move[blob->moves].by = by;
	blob->moves++;
	blob->edits++;
}

int core_now(const struct core_blob *blob, int offset, long long edit)
{
	long long i;

	if (edit < blob->first)
		return -1;
	for (i = edit - blob->first; i < blob->moves; i++)
		if (offset >= blob->move[i].place)
			offset += blob->move[i].by;
	return offset;
}

static PyObject *core_blob_moved(PyObject *o, PyObject *const *argv,
				 Py_ssize_t argc)
{
	long place, by;

	if (argc != 2) {
		PyErr_SetString(PyExc_TypeError, "moved(place, by)");
		return NULL;
	}
	place = PyLong_AsLong(argv[0]);
	by = PyLong_AsLong(argv[1]);
	if (PyErr_Occurred())
		return NULL;
	core_moved((struct core_blob *)o, (int)place, (int)by);
	Py_RETURN_NONE;
}

static PyObject *core_blob_make_room(PyObject *o, PyObject *arg)
{
	long long need = PyLong_AsLongLong(arg);
	int made = PyErr_Occurred() ? -1 :
		   core_make_room((struct core_blob *)o, need);

	return made < 0 ? NULL : PyBool_FromLong(made);
}

void core_forget(struct core_blob *blob)
{
	blob->forgotten++;
	blob->edits++;
	blob->moves = 0;
	blob->first = blob->edits;
}

static PyObject *core_blob_forget(PyObject *o, PyObject *unused)
{
	(void)unused;
	core_forget((struct core_blob *)o);
	Py_RETURN_NONE;
}

static PyObject *core_blob_lock(PyObject *o, void *unused)
{
	struct core_blob *blob = (struct core_blob *)o;

	(void)unused;
	if (!blob->lock) {
		PyErr_SetString(PyExc_AttributeError, "lock");
		return NULL;
	}
	Py_INCREF(blob->lock);
	return blob->lock;
}

static int core_blob_set_lock(PyObject *o, PyObject *lock, void *unused)
{
	struct core_blob *blob = (struct core_blob *)o;
	PyObject *old = blob->lock;

	(void)unused;
	Py_XINCREF(lock);
	blob->plain_lock = lock && core_is_lock(lock);
	blob->lock = lock;
	Py_XDECREF(old);
	return 0;
}

static PyObject *core_blob_new(PyTypeObject *type, PyObject *args,
			       PyObject *kwargs)
{
	(void)args;
	(void)kwargs;
	return PyType_GenericAlloc(type, 0);
}

static void core_blob_dealloc(PyObject *o)
{
	struct core_blob *blob = (struct core_blob *)o;
	PyTypeObject *type = Py_TYPE(o);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	if (blob->weak)
		PyObject_ClearWeakRefs(o);
	Py_XDECREF(blob->places);
	Py_XDECREF(blob->lock);
	Py_XDECREF(blob->buf);
	release(o);
	Py_DECREF(type);
}

int core_is_blob(PyObject *o)
{
	return core_base(o, core_blob_dealloc) != NULL;
}

#define FIELD(name, type, flags) \
	{ #name, type, offsetof(struct core_blob, name), flags, NULL }

static PyMemberDef core_blob_members[] = {
	FIELD(buf, T_OBJECT_EX, 0),
	FIELD(edits, T_LONGLONG, READONLY),
	FIELD(deaths, T_LONGLONG, READONLY),
	FIELD(forgotten, T_LONGLONG, READONLY),
	FIELD(strays, T_LONGLONG, READONLY),
	{ "__weaklistoffset__", T_PYSSIZET, offsetof(struct core_blob, weak),
	  READONLY, NULL },
	{ NULL, 0, 0, 0, NULL },
};

static char core_lock_name[] = "lock";

static PyGetSetDef core_blob_getset[] = {
	{ core_lock_name, core_blob_lock, core_blob_set_lock, NULL, NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

static PyMethodDef core_blob_methods[] = {
	{ "moved", FASTCALL(core_blob_moved), METH_FASTCALL,
	  "moved($self, place, by, /)\n--\n\n"
	  "Whatever stood at place or behind now stands `by` bytes further." },
	{ "make_room", core_blob_make_room, METH_O,
	  "make_room($self, need, /)\n--\n\n"
	  "Room for so many bytes more, growing by half at least; with the lock.\n"
	  "False if no device tree is so large." },
	{ "forget", core_blob_forget, METH_NOARGS,
	  "forget($self)\n--\n\n"
	  "Nothing that is known of places and nodes so far counts any more." },
	{ NULL, NULL, 0, NULL },
};

static char core_blob_doc[] =
	"Bytes, lock and moves of a tree; see pyfdtx.tree.blob.Blob.";

static PyType_Slot core_blob_slots[] = {
	{ Py_tp_doc, core_blob_doc },
	{ Py_tp_new, (void *)core_blob_new },
	{ Py_tp_dealloc, (void *)core_blob_dealloc },
	{ Py_tp_members, core_blob_members },
	{ Py_tp_getset, core_blob_getset },
	{ Py_tp_methods, core_blob_methods },
	{ 0, NULL },
};

static PyType_Spec core_blob_spec = {
	"pyfdtx._core.Blob", sizeof(struct core_blob), 0,
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, core_blob_slots,
};

int core_add_blob(PyObject *module)
{
	return core_add_type(module, "Blob", &core_blob_spec);
}
