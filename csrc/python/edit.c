// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the type Edit: changes that are collected and made together
 *
 * They are collected as fdtx_ops_plan() wants them. A few properties are
 * written where they stand. A plan, which goes over the whole tree, is left to
 * the Python class, and so is every error.
 */
#include <string.h>

#include "edit/edit.h"
#include "edit/ops.h"
#include "edit/tree.h"
#include "tree.h"

/* Larger values than any tree can hold are for Python, which refuses them */
#define MAX_VALUE (FDTX_MAX_TOTALSIZE - 4096)

/* Paths of more names are for Python */
#define MAX_NAMES 32

/* One change often fits into these bytes */
#define FIRST_ROOM 128

/* Up to so many changes are made without a plan */
#define FEW 8

/**
 * struct core_edit - base of the Python class Edit
 * @ops: the changes, @used of @room bytes; @first for a start
 * @changes: how many they are; -1: they have been made or given up
 * @offset, @edit: node of each of the first changes, and after which edit of
 *	the blob it was there; -1: not known
 * @begun: number of the blob's edits when they are made
 * @cells, @deleted: of the Python class
 */
struct core_edit {
	PyObject_HEAD
	PyObject *fdt;
	struct core_blob *blob;
	char *ops;
	size_t used, room;
	Py_ssize_t changes;
	int offset[FEW];
	long long edit[FEW];
	PyObject *cells;
	PyObject *deleted;
	long long begun;
	char first[FIRST_ROOM];
};

/* Where a change is made: the names from the last one up, or a text */
struct place {
	const char *name[MAX_NAMES];
	size_t len[MAX_NAMES];
	int names;
	size_t size;
	int offset;
	long long edit;
};

static void edit_dealloc(PyObject *o);

static struct core_edit *edit_of(PyObject *o)
{
	return (struct core_edit *)o;
}

/* The method of that name in the Python class */
static PyObject *general(PyObject *o, const char *name, PyObject *const *argv,
			 Py_ssize_t argc, PyObject *kwnames)
{
	return core_super(core_base(o, edit_dealloc), o, name, argv, argc,
			  kwnames);
}

/* -- collecting ---------------------------------------------------------- */

/* 1; 0 if the place is not plain; -1 with an exception */
static int find_place(struct core_edit *self, PyObject *where,
		      struct place *place)
{
	struct core_node *node;

	place->offset = -1;
	place->edit = -1;
	place->names = 0;
	if (!core_is_node(where)) {
		place->name[0] = core_plain(where, &place->size);
			return place->name[0] && *place->name[0] == '/';
	}
	node = (struct core_node *)where;
	if (node->blob != self->blob)
		return 0;
	place->offset = node->offset;
	if (node->edit != self->blob->edits || node->dead) {
		if (core_enter(self->blob))
			return -1;
		place->offset = core_at(node);
		core_leave(self->blob);
	}
	place->edit = node->edit;
	if (place->offset < 0)
		return 0;
	place->size = !node->parent;
	for (; node->parent; node = node->parent) {
		int i = place->names;

		if (i == MAX_NAMES)
			return 0;
		place->name[i] = core_plain(node->name, &place->len[i]);
		if (!place->name[i])
			return 0;
		place->size += place->len[i] + 1;
		place->names++;
	}
	return 1;
}

static char *write_place(const struct place *place, char *to)
{
	int i = place->names;

	if (place->offset < 0) {
		memcpy(to, place->name[0], place->size);
		return to + place->size;
	}
	if (!i)
		*to++ = '/';
	while (i--) {
		*to++ = '/';
		memcpy(to, place->name[i], place->len[i]);
		to += place->len[i];
	}
	return to;
}

/* Room for one more change, all of whose lengths are below FDTX_MAX_TOTALSIZE */
static char *more_room(struct core_edit *self, const struct fdtx_op *op)
{
	uint64_t need = sizeof(*op) + (uint64_t)op->path_len + op->name_len +
			!!op->name_len + op->len;
	char *ops = self->ops;

	if (need > self->room - self->used) {
		uint64_t room = self->used + self->used / 2 + need + FIRST_ROOM;
		int first = ops == self->first;

		ops = room > PY_SSIZE_T_MAX ? NULL :
		      PyMem_Realloc(first ? NULL : ops, (size_t)room);
		if (!ops) {
			PyErr_NoMemory();
			return NULL;
		}
		if (first)
			memcpy(ops, self->first, self->used);
		self->ops = ops;
		self->room = (size_t)room;
	}
	ops += self->used;
	memcpy(ops, op, sizeof(*op));
	self->used += (size_t)need;
	if (self->changes < FEW)
		self->offset[self->changes] = -1;
	self->changes++;
	return ops + sizeof(*op);
}

/*
 * Note a change. @name: NULL if the kind has none.
 * returns: 1; 0 if it is not plain, and then nothing is noted; -1 with an
 *	exception
 */
static int collect(struct core_edit *self, uint32_t kind, PyObject *where,
		   PyObject *name, const void *data, size_t len)
{
	const char *raw = NULL;
	struct fdtx_op op;
	struct place place;
	size_t name_len = 0;
	char *to;
	int err;

	if (name) {
		raw = core_plain(name, &name_len);
		/* Who changes cells changes what entries look like */
		if (!raw || *raw == '#')
			return 0;
	}
	if (len > MAX_VALUE)
		return 0;
	err = find_place(self, where, &place);
	/* Looked at behind the lock, for which somebody else may have waited */
	if (err <= 0 || self->changes < 0)
		return err < 0 ? -1 : 0;
	op.kind = kind;
	op.path_len = (uint32_t)place.size;
	op.name_len = (uint32_t)name_len;
	op.len = (uint32_t)len;
	to = more_room(self, &op);
	if (!to)
		return -1;
	to = write_place(&place, to);
	if (raw) {
		memcpy(to, raw, name_len + 1);
		to += name_len + 1;
	}
	if (len)
		memcpy(to, data, len);
	if (self->changes <= FEW) {
		self->offset[self->changes - 1] = place.offset;
		self->edit[self->changes - 1] = place.edit;
	}
	return 1;
}

static PyObject *answer(int done, PyObject *o, const char *method,
			PyObject *const *argv, Py_ssize_t argc,
			PyObject *kwnames)
{
	if (done < 0)
		return NULL;
	if (!done)
		return general(o, method, argv, argc, kwnames);
	Py_RETURN_NONE;
}

static PyObject *put_bytes(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			   PyObject *kwnames, const char *method, uint32_t kind)
{
	int done = 0;

	if (argc == 3 && !kwnames && PyBytes_CheckExact(argv[2]))
		done = collect(edit_of(o), kind, argv[0], argv[1],
			       PyBytes_AsString(argv[2]),
			       (size_t)PyBytes_Size(argv[2]));
	return answer(done, o, method, argv, argc, kwnames);
}

static PyObject *edit_set(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			  PyObject *kwnames)
{
	return put_bytes(o, argv, argc, kwnames, "set", FDTX_OP_SET);
}

static PyObject *edit_append(PyObject *o, PyObject *const *argv,
			     Py_ssize_t argc, PyObject *kwnames)
{
	return put_bytes(o, argv, argc, kwnames, "append", FDTX_OP_APPEND);
}

static PyObject *edit_set_u32(PyObject *o, PyObject *const *argv,
			      Py_ssize_t argc, PyObject *kwnames)
{
	uint64_t value;
	int done = 0;

	if (argc == 3 && !kwnames && core_number(argv[2], UINT32_MAX, &value)) {
		fdt32_t cell = cpu_to_fdt32((uint32_t)value);

		done = collect(edit_of(o), FDTX_OP_SET, argv[0], argv[1], &cell,
			       sizeof(cell));
	}
	return answer(done, o, "set_u32", argv, argc, kwnames);
}

static PyObject *edit_set_string(PyObject *o, PyObject *const *argv,
				 Py_ssize_t argc, PyObject *kwnames)
{
	const char *text;
	size_t len;
	int done = 0;

	if (argc == 3 && !kwnames) {
		text = core_text(argv[2], &len);
		/* Its NUL is the value's */
		if (text)
			done = collect(edit_of(o), FDTX_OP_SET, argv[0],
				       argv[1], text, len + 1);
	}
	return answer(done, o, "set_string", argv, argc, kwnames);
}

/* _collect(kind, node, name, value): whether it was plain and has been noted;
 * name and value may be None */
static PyObject *edit_collect(PyObject *o, PyObject *const *argv,
			      Py_ssize_t argc)
{
	PyObject *name, *value;
	uint64_t kind;
	int done;

	if (argc != 4 || !core_number(argv[0], FDTX_OP_UNRESERVE, &kind) ||
	    !PyBytes_CheckExact(argv[3])) {
		PyErr_SetString(PyExc_TypeError,
				"_collect(kind, node, name, value)");
		return NULL;
	}
	name = argv[2] == Py_None ? NULL : argv[2];
	value = argv[3];
	done = collect(edit_of(o), (uint32_t)kind, argv[1], name,
		       PyBytes_AsString(value), (size_t)PyBytes_Size(value));
	return done < 0 ? NULL : PyBool_FromLong(done);
}

/* _note(change): one as fdtx_ops_plan() wants it, made by Python */
static PyObject *edit_note(PyObject *o, PyObject *change)
{
	const char *raw = PyBytes_AsString(change);
	struct core_edit *self = edit_of(o);
	size_t size;
	struct fdtx_op op;
	char *to;

	if (!raw)
		return NULL;
	size = (size_t)PyBytes_Size(change);
	if (size >= sizeof(op))
		memcpy(&op, raw, sizeof(op));
	if (size < sizeof(op) || self->changes < 0 || size - sizeof(op) !=
	    (uint64_t)op.path_len + op.name_len + !!op.name_len + op.len) {
		PyErr_SetString(PyExc_ValueError, "no change, or too late");
		return NULL;
	}
	to = more_room(self, &op);
	if (!to)
		return NULL;
	memcpy(to, raw + sizeof(op), size - sizeof(op));
	Py_RETURN_NONE;
}

/* -- making -------------------------------------------------------------- */

/* A property where it stands, of the change number @i, which begins at @ops;
 * with the lock. 1; 0 if that cannot be done; -1 with an exception */
static int make_change(struct core_edit *self, Py_ssize_t i, const char *ops,
		       const struct fdtx_op *op)
{
	struct core_blob *blob = self->blob;
	const char *path = ops + sizeof(*op), *name = path + op->path_len;
	int at = self->offset[i], exact;

	/* All edits since were those of the changes before it, or else a node
	 * may have another name now */
	if (at >= 0 && self->edit[i] == self->begun)
		at = core_now(blob, at, self->begun);
	else
		at = -1;
	if (at < 0) {
		at = fdtx_find_node(core_bytes(blob), path, (int)op->path_len,
				    &exact);
		if (at < 0 || !exact)
			return 0;
	}
	if (op->kind == FDTX_OP_DELETE)
		return core_delete(blob, at, name);
	return core_write(blob, at, name, name + op->name_len + 1, op->len,
			  op->kind == FDTX_OP_APPEND);
}

/* Whether all changes are of properties, and want no words of Python's */
static int are_few(const struct core_edit *self)
{
	const char *ops = self->ops;
	struct fdtx_op op;
	Py_ssize_t i;

	if (self->changes < 1 || self->changes > FEW)
		return 0;
	for (i = 0; i < self->changes; i++) {
		memcpy(&op, ops, sizeof(op));
		if (op.kind != FDTX_OP_SET && op.kind != FDTX_OP_APPEND &&
		    op.kind != FDTX_OP_DELETE)
			return 0;
		ops += sizeof(op) + op.path_len + op.name_len + 1 + op.len;
	}
	return 1;
}

/* A few properties, each where it stands; with the lock. 1; 0 if that is not
 * all there is to do, and nothing has changed; -1 with an exception */
static int make_few(struct core_edit *self)
{
	struct core_blob *blob = self->blob;
	const char *fdt = core_bytes(blob), *ops = self->ops;
	PyObject *before = NULL;
	struct fdtx_op op;
	int done = 1;
	Py_ssize_t i;

	if (!fdt || !are_few(self))
		return 0;
	if (self->changes > 1) {
		/* To go back to if one of them cannot be made */
		before = PyByteArray_FromStringAndSize(fdt,
			PyByteArray_Size(blob->buf));
		if (!before)
			return -1;
	}
	self->begun = blob->edits;
	for (i = 0; i < self->changes && done > 0; i++) {
		memcpy(&op, ops, sizeof(op));
		done = make_change(self, i, ops, &op);
		ops += sizeof(op) + op.path_len + op.name_len + 1 + op.len;
	}
	if (before && done <= 0) {
		PyObject *after = blob->buf;

		blob->buf = before;
		before = after;
		core_forget(blob);
	}
	Py_XDECREF(before);
	return done;
}

static void close_edit(struct core_edit *self)
{
	if (self->ops != self->first)
		PyMem_Free(self->ops);
	self->ops = self->first;
	self->used = 0;
	self->room = 0;
	self->changes = -1;
}

static PyObject *edit_commit(PyObject *o, PyObject *unused)
{
	struct core_edit *self = edit_of(o);
	int done;

	(void)unused;
	if (self->changes > 0 && self->changes <= FEW) {
		if (core_enter(self->blob))
			return NULL;
		done = make_few(self);
		if (done > 0)
			close_edit(self);
		core_leave(self->blob);
		if (done < 0)
			return NULL;
		if (done)
			Py_RETURN_NONE;
	}
	return general(o, "commit", NULL, 0, NULL);
}

/* _take(): all changes; no more can be noted */
static PyObject *edit_take(PyObject *o, PyObject *unused)
{
	struct core_edit *self = edit_of(o);
	PyObject *ops = PyBytes_FromStringAndSize(self->ops,
						  (Py_ssize_t)self->used);

	(void)unused;
	if (ops)
		close_edit(self);
	return ops;
}

static PyObject *edit_enter(PyObject *o, PyObject *unused)
{
	(void)unused;
	if (edit_of(o)->changes < 0)
		return general(o, "__enter__", NULL, 0, NULL);
	Py_INCREF(o);
	return o;
}

/* Makes the changes; gives them up if an exception leaves the block */
static PyObject *edit_exit(PyObject *o, PyObject *const *argv, Py_ssize_t argc)
{
	if (argc != 3) {
		PyErr_SetString(PyExc_TypeError, "__exit__(kind, error, trace)");
		return NULL;
	}
	if (argv[0] != Py_None)
		close_edit(edit_of(o));
	else if (edit_of(o)->changes >= 0)
		return edit_commit(o, NULL);
	Py_RETURN_NONE;
}

/* -- the type ------------------------------------------------------------ */

static PyObject *new_edit(PyTypeObject *type, PyObject *fdt, PyObject *blob)
{
	struct core_edit *self;

	if (!core_is_blob(blob)) {
		PyErr_SetString(PyExc_TypeError, "an Edit is made by its tree");
		return NULL;
	}
	self = edit_of(PyType_GenericAlloc(type, 0));
	if (!self)
		return NULL;
	Py_INCREF(fdt);
	Py_INCREF(blob);
	self->fdt = fdt;
	self->blob = (struct core_blob *)blob;
	self->ops = self->first;
	self->room = FIRST_ROOM;
	return (PyObject *)self;
}

/* Edit(fdt, blob) */
static PyObject *edit_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	PyObject *fdt, *blob;

	if (kwargs || !PyArg_ParseTuple(args, "OO", &fdt, &blob))
		return NULL;
	return new_edit(type, fdt, blob);
}

/* The same; who calls a type pays for a tuple */
PyObject *core_begin_edit(PyObject *module, PyObject *const *argv,
			  Py_ssize_t argc)
{
	(void)module;
	if (argc == 3 && PyType_Check(argv[0]) &&
	    core_base_of((PyTypeObject *)argv[0], edit_dealloc))
		return new_edit((PyTypeObject *)argv[0], argv[1], argv[2]);
	PyErr_SetString(PyExc_TypeError, "begin_edit(class, fdt, blob)");
	return NULL;
}

static int edit_traverse(PyObject *o, visitproc visit, void *arg)
{
	struct core_edit *self = edit_of(o);

	Py_VISIT(Py_TYPE(o));
	Py_VISIT(self->fdt);
	Py_VISIT(self->cells);
	Py_VISIT(self->deleted);
	return 0;
}

static int edit_clear(PyObject *o)
{
	Py_CLEAR(edit_of(o)->fdt);
	Py_CLEAR(edit_of(o)->cells);
	Py_CLEAR(edit_of(o)->deleted);
	return 0;
}

static void edit_dealloc(PyObject *o)
{
	PyTypeObject *type = Py_TYPE(o);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(o);
	edit_clear(o);
	Py_XDECREF(edit_of(o)->blob);
	close_edit(edit_of(o));
	release(o);
	Py_DECREF(type);
}

#define FIELD(word, field, type, flags) \
	{ word, type, offsetof(struct core_edit, field), flags, NULL }

static PyMemberDef edit_members[] = {
	FIELD("_fdt", fdt, T_OBJECT_EX, READONLY),
	FIELD("_blob", blob, T_OBJECT_EX, READONLY),
	FIELD("_changes", changes, T_PYSSIZET, READONLY),
	FIELD("_known_cells", cells, T_OBJECT, 0),
	FIELD("_deleted", deleted, T_OBJECT, 0),
	{ NULL, 0, 0, 0, NULL },
};

#define PYTHONS "\n--\n\nThe method of that name in Python, in one call."
#define PUT(name, fn)							\
	{ name, FASTCALL(fn), METH_FASTCALL | METH_KEYWORDS,		\
	  name "($self, node, name, value)" PYTHONS }

static PyMethodDef edit_methods[] = {
	PUT("set", edit_set),
	PUT("append", edit_append),
	PUT("set_u32", edit_set_u32),
	PUT("set_string", edit_set_string),
	{ "commit", edit_commit, METH_NOARGS, "commit($self)" PYTHONS },
	{ "__enter__", edit_enter, METH_NOARGS, "__enter__($self)" PYTHONS },
	{ "__exit__", FASTCALL(edit_exit), METH_FASTCALL,
	  "__exit__($self, kind, exception, trace, /)\n--\n\n"
	  "Makes the changes; gives them up if an exception leaves the block." },
	{ "_collect", FASTCALL(edit_collect), METH_FASTCALL,
	  "_collect($self, kind, node, name, value, /)\n--\n\n"
	  "Note a change if it is plain; whether that was done." },
	{ "_note", edit_note, METH_O,
	  "_note($self, change, /)\n--\n\nNote a change that Python has packed." },
	{ "_take", edit_take, METH_NOARGS,
	  "_take($self)\n--\n\nAll changes; there will be no more." },
	{ NULL, NULL, 0, NULL },
};

static char edit_doc[] = "Changes of a tree; see the Python class Edit.";

static PyType_Slot edit_slots[] = {
	{ Py_tp_doc, edit_doc },
	{ Py_tp_new, (void *)edit_new },
	{ Py_tp_traverse, (void *)edit_traverse },
	{ Py_tp_clear, (void *)edit_clear },
	{ Py_tp_dealloc, (void *)edit_dealloc },
	{ Py_tp_members, edit_members },
	{ Py_tp_methods, edit_methods },
	{ 0, NULL },
};

static PyType_Spec edit_spec = {
	"pyfdtx._core.Edit", sizeof(struct core_edit), 0,
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	edit_slots,
};

int core_add_edit(PyObject *module)
{
	return core_add_type(module, "Edit", &edit_spec);
}
