// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the type Lock
 */
#include "tree.h"

/*
 * Only the holder of the GIL reads @count, so taking a free lock makes no
 * system call. A thread that has to wait does so at the gate, which is closed
 * until somebody gives the lock back; then it looks again, because another
 * thread may have been faster. A signal's handler may end the wait with an
 * exception.
 */
static int wait_for(struct core_lock *self)
{
	int signalled;

	self->waiters++;
	Py_BEGIN_ALLOW_THREADS
	signalled = core_gate_pass(self->gate);
	Py_END_ALLOW_THREADS
	self->waiters--;
	if (signalled)
		return PyErr_CheckSignals();
	self->open = 0;
	return 0;
}

int core_lock_take(struct core_lock *self, int blocking)
{
	unsigned long me = core_thread();

	while (self->count && self->owner != me) {
		if (!blocking)
			return 0;
		if (wait_for(self))
			return -1;
	}
	self->owner = me;
	self->count++;
	return 1;
}

void core_lock_drop(struct core_lock *self)
{
	if (--self->count || !self->waiters || self->open)
		return;
	self->open = 1;
	core_gate_open(self->gate);
}

int core_is_owned(const struct core_lock *self)
{
	return self->count && self->owner == core_thread();
}

static PyObject *core_lock_acquire(PyObject *o, PyObject *args, PyObject *kwargs)
{
	static char word[] = "blocking", *words[] = { word, NULL };
	int blocking = 1, got;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|p", words, &blocking))
		return NULL;
	got = core_lock_take((struct core_lock *)o, blocking);
	return got < 0 ? NULL : PyBool_FromLong(got);
}

static PyObject *core_lock_enter(PyObject *o, PyObject *unused)
{
	(void)unused;
	if (core_lock_take((struct core_lock *)o, 1) < 0)
		return NULL;
	Py_RETURN_TRUE;
}

static PyObject *core_lock_release(PyObject *o, PyObject *unused)
{
	struct core_lock *self = (struct core_lock *)o;

	(void)unused;
	if (!core_is_owned(self)) {
		PyErr_SetString(PyExc_RuntimeError,
				"this thread does not have the lock");
		return NULL;
	}
	core_lock_drop(self);
	Py_RETURN_NONE;
}

static PyObject *core_lock_owned(PyObject *o, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(core_is_owned((struct core_lock *)o));
}

static int new_gate(struct core_lock *self)
{
	self->gate = core_gate_new();
	if (!self->gate) {
		PyErr_NoMemory();
		return -1;
	}
	self->open = 0;
	self->waiters = 0;
	self->count = 0;
	return 0;
}

/* In a child process: nobody has it, whoever waited for it is not here. The
 * old gate stays where it is: it may not be freed while it is locked. */
static PyObject *core_lock_renew(PyObject *o, PyObject *unused)
{
	(void)unused;
	if (new_gate((struct core_lock *)o))
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *core_lock_new(PyTypeObject *type, PyObject *args,
			       PyObject *kwargs)
{
	struct core_lock *self;

	if (PyTuple_Size(args) || kwargs) {
		PyErr_SetString(PyExc_TypeError, "Lock takes no arguments");
		return NULL;
	}
	self = (struct core_lock *)PyType_GenericAlloc(type, 0);
	if (!self)
		return NULL;
	if (new_gate(self)) {
		Py_DECREF(self);
		return NULL;
	}
	return (PyObject *)self;
}

static void core_lock_dealloc(PyObject *o)
{
	struct core_lock *self = (struct core_lock *)o;
	PyTypeObject *type = Py_TYPE(o);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	if (self->gate)
		core_gate_free(self->gate, self->open);
	release(o);
	Py_DECREF(type);
}

int core_is_lock(PyObject *o)
{
	return core_base(o, core_lock_dealloc) != NULL;
}

static PyMethodDef core_lock_methods[] = {
	{ "acquire", FASTCALL(core_lock_acquire),
	  METH_VARARGS | METH_KEYWORDS,
	  "acquire($self, blocking=True)\n--\n\nWhether it was taken." },
	{ "release", core_lock_release, METH_NOARGS,
	  "release($self)\n--\n\nGive it back; RuntimeError if it is not ours." },
	{ "__enter__", core_lock_enter, METH_NOARGS,
	  "__enter__($self)\n--\n\nTake it." },
	{ "__exit__", core_lock_release, METH_VARARGS,
	  "__exit__($self, *args)\n--\n\nGive it back." },
	{ "_is_owned", core_lock_owned, METH_NOARGS,
	  "_is_owned($self)\n--\n\nWhether this thread has it." },
	{ "_at_fork_reinit", core_lock_renew, METH_NOARGS,
	  "_at_fork_reinit($self)\n--\n\nIn a child process: as if nobody had it." },
	{ NULL, NULL, 0, NULL },
};

static char core_lock_doc[] =
	"Lock()\n--\n\nA lock that the thread which has it may take again.";

static PyType_Slot core_lock_slots[] = {
	{ Py_tp_doc, core_lock_doc },
	{ Py_tp_new, (void *)core_lock_new },
	{ Py_tp_dealloc, (void *)core_lock_dealloc },
	{ Py_tp_methods, core_lock_methods },
	{ 0, NULL },
};

static PyType_Spec core_lock_spec = {
	"pyfdtx._core.Lock", sizeof(struct core_lock), 0, Py_TPFLAGS_DEFAULT,
	core_lock_slots,
};

int core_add_lock(PyObject *module)
{
	return core_add_type(module, "Lock", &core_lock_spec);
}
