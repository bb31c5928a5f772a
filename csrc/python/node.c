// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the type Node: ways down, adding and deleting; its table of methods
 */
#include <string.h>

#include "edit/tree.h"
#include "tree.h"

/* Additions through one handle that make it worth while to list the names */
#define MANY 16

static struct core_node *node_of(PyObject *o)
{
	return (struct core_node *)o;
}

/* -- where it is --------------------------------------------------------- */

/* The same with the exception that Python's class has for it */
static int at_or_raise(struct core_node *self, PyObject *op)
{
	int at = core_at(self);
	PyObject *said;

	if (at >= 0)
		return at;
	said = PyObject_CallMethod((PyObject *)self, "_lost", "O", op);
	if (said) {
		PyErr_SetString(PyExc_SystemError, "a lost node was found");
		Py_DECREF(said);
	}
	return -1;
}

static PyObject *node_at(PyObject *o, PyObject *op)
{
	int at = at_or_raise(node_of(o), op);

	return at < 0 ? NULL : PyLong_FromLong(at);
}

static PyObject *node_check(PyObject *o, PyObject *op)
{
	struct core_node *self = node_of(o);
	int at = 0;

	if (self->edit != self->blob->edits || self->dead) {
		if (core_enter(self->blob))
			return NULL;
		at = at_or_raise(self, op);
		core_leave(self->blob);
	}
	if (at < 0)
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *node_is_dead(PyObject *o, PyObject *unused)
{
	(void)unused;
	return PyBool_FromLong(core_is_dead(node_of(o)));
}

static PyObject *node_path(PyObject *o, PyObject *unused)
{
	struct core_node *self = node_of(o);
	PyObject *names = PyList_New(0), *slash, *path = NULL;

	(void)unused;
	if (!names)
		return NULL;
	for (; self->parent; self = self->parent)
		if (PyList_Append(names, self->name))
			goto out;
	/* The root's name is empty, and makes the first slash */
	if (PyList_Append(names, self->name) || PyList_Reverse(names))
		goto out;
	if (PyList_Size(names) == 1) {
		path = PyUnicode_FromString("/");
		goto out;
	}
	slash = PyUnicode_FromString("/");
	path = slash ? PyUnicode_Join(slash, names) : NULL;
	Py_XDECREF(slash);
out:
	Py_DECREF(names);
	return path;
}

/* -- ways down ----------------------------------------------------------- */

/* The name of the node at an offset, a new reference; runs no Python code */
static PyObject *name_at(struct core_blob *blob, int offset)
{
	const char *fdt = core_bytes(blob);
	const char *name = fdtx_struct(fdt) + offset + FDT_TAGSIZE;

	return core_str(name, strlen(name));
}

/* A child by exact name or, failing that, without its unit address. A new
 * reference; NULL without an exception if there is none. With the lock. */
static struct core_node *down(struct core_node *parent, const char *s,
			      size_t len)
{
	PyObject *name = PyUnicode_FromStringAndSize(s, (Py_ssize_t)len);
	struct core_node *child;
	int at, found, loose;

	if (!name)
		return NULL;
	child = core_known_child(parent, name);
	if (child) {
		Py_INCREF(child);
		Py_DECREF(name);
		return child;
	}
	at = core_at(parent);
	found = at < 0 ? -FDT_ERR_NOTFOUND :
		fdtx_find_subnode(core_bytes(parent->blob), at, s, (int)len,
				  &loose);
	if (at >= 0 && found < 0 && loose >= 0) {
		found = loose;
		Py_DECREF(name);
		name = name_at(parent->blob, found);
	}
	if (name && found >= 0)
		child = core_child_at(parent, name, found, parent->blob->edits);
	Py_XDECREF(name);
	return child;
}

static PyObject *node_child(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			    PyObject *kwnames)
{
	struct core_node *self = node_of(o), *child = NULL;
	const char *name = NULL;
	size_t len;

	if (argc == 1 && !kwnames)
		name = core_plain(argv[0], &len);
	if (name && !memchr(name, '/', len)) {
		if (core_enter(self->blob))
			return NULL;
		if (core_at(self) >= 0)
			child = down(self, name, len);
		core_leave(self->blob);
		if (child || PyErr_Occurred())
			return (PyObject *)child;
	}
	return core_general(o, "child", argv, argc, kwnames);
}

/* The node of a full path: it, None, or NotImplemented for what is not plain */
static PyObject *node_find(PyObject *o, PyObject *path)
{
	struct core_node *node = node_of(o);
	struct core_blob *blob = node->blob;
	size_t len = 0;
	const char *p = core_plain(path, &len), *end = p + len;
	int plain = p && *p == '/';

	if (!plain) {
		Py_INCREF(Py_NotImplemented);
		return Py_NotImplemented;
	}
	if (core_enter(blob))
		return NULL;
	Py_INCREF(node);
	while (node && (p = fdtx_next_name(p, end, &len), len)) {
		struct core_node *child = down(node, p, len);

		Py_DECREF(node);
		node = child;
		p += len;
	}
	core_leave(blob);
	if (node || PyErr_Occurred())
		return (PyObject *)node;
	Py_RETURN_NONE;
}

/* A node that a walk comes by */
struct step {
	int offset, depth;
	PyObject *name;
};

/*
 * Offsets, depths and names of all nodes that a walk comes by; runs no Python
 * code. returns: how many, or -1 with an exception
 */
static int list_steps(struct core_blob *blob, int at, int maxdepth,
		      struct step **stepsp)
{
	const char *fdt = core_bytes(blob);
	int n = fdtx_nodes(fdt, at, maxdepth, NULL, 0), i;
	struct fdtx_node *nodes = NULL;
	struct step *steps = NULL;

	if (n > 0) {
		nodes = PyMem_Malloc((size_t)n * sizeof(*nodes));
		steps = PyMem_Calloc((size_t)n, sizeof(*steps));
	}
	if (!nodes || !steps) {
		PyMem_Free(nodes);
		PyMem_Free(steps);
		PyErr_NoMemory();
		return -1;
	}
	fdtx_nodes(fdt, at, maxdepth, nodes, n);
	for (i = 0; i < n; i++) {
		steps[i].offset = nodes[i].offset;
		steps[i].depth = nodes[i].depth;
		steps[i].name = name_at(blob, nodes[i].offset);
		if (!steps[i].name)
			break;
	}
	PyMem_Free(nodes);
	*stepsp = steps;
	return n;
}

/* Of siblings that share a name the first is the one that can be found */
static int add_steps(struct core_node *self, PyObject *found,
		     const struct step *steps, int n)
{
	static long long walks;
	long long walk = ++walks, edit = self->blob->edits;
	struct core_node *way[FDTX_MAX_DEPTH + 1];
	int i, skip = FDTX_MAX_DEPTH;

	way[0] = self;
	for (i = 1; i < n; i++) {
		int depth = steps[i].depth, err;
		struct core_node *child;

		if (!steps[i].name || depth > FDTX_MAX_DEPTH)
			return -1;
		if (depth > skip)
			continue;
		skip = FDTX_MAX_DEPTH;
		child = core_known_child(way[depth - 1], steps[i].name);
		if (child && child->seen == walk) {
			skip = depth;
			continue;
		}
		child = core_child_at(way[depth - 1], steps[i].name,
				 steps[i].offset, edit);
		if (!child)
			return -1;
		child->seen = walk;
		way[depth] = child;
		/* The list keeps it, and so all above it */
		err = PyList_Append(found, (PyObject *)child);
		Py_DECREF(child);
		if (err)
			return -1;
	}
	return 0;
}

static PyObject *node_below(PyObject *o, PyObject *const *argv, Py_ssize_t argc)
{
	struct core_node *self = node_of(o);
	PyObject *found;
	struct step *steps = NULL;
	int at, n = -1, i, err;
	long maxdepth;

	if (argc != 2) {
		PyErr_SetString(PyExc_TypeError, "_below(maxdepth, op)");
		return NULL;
	}
	maxdepth = PyLong_AsLong(argv[0]);
	if (maxdepth == -1 && PyErr_Occurred())
		return NULL;
	found = PyList_New(0);
	if (!found)
		return NULL;
	if (core_enter(self->blob)) {
		Py_DECREF(found);
		return NULL;
	}
	at = at_or_raise(self, argv[1]);
	if (at >= 0)
		n = list_steps(self->blob, at, maxdepth > FDTX_MAX_DEPTH ?
			       FDTX_MAX_DEPTH : (int)maxdepth, &steps);
	err = n < 0 || PyList_Append(found, o) ||
	      add_steps(self, found, steps, n);
	core_leave(self->blob);
	for (i = 0; i < n; i++)
		Py_XDECREF(steps[i].name);
	PyMem_Free(steps);
	if (err)
		Py_CLEAR(found);
	return found;
}

/* -- adding and deleting ------------------------------------------------- */

/* The names of all children; may run Python code, but not after @set is made */
static PyObject *names_below(struct core_node *self)
{
	PyObject *set = PySet_New(NULL);
	int at = set ? core_at(self) : -1, pos, depth = 0;
	const char *base;

	if (at < 0)
		return set;
	base = fdtx_struct(core_bytes(self->blob));
	for (pos = fdtx_enter(core_bytes(self->blob), at);;) {
		struct fdtx_tag t = fdtx_tag_at(base, pos);

		if (t.tag == FDT_BEGIN_NODE && depth++ == 0) {
			PyObject *name = name_at(self->blob, pos);
			int err = name ? PySet_Add(set, name) : -1;

			Py_XDECREF(name);
			if (err) {
				Py_CLEAR(set);
				return NULL;
			}
		} else if (t.tag == FDT_END_NODE && depth-- == 0) {
			return set;
		}
		pos = t.next;
	}
}

static void forget_names(struct core_node *self)
{
	self->added = 0;
	Py_CLEAR(self->names);
}

/* Once it pays, the names of all children are known. 0; -1 with an exception.
 * May run Python code. */
static int learn_names(struct core_node *self)
{
	PyObject *old = self->names;

	self->added++;
	if (old && self->names_at == self->blob->forgotten)
		return 0;
	self->names = NULL;
	Py_XDECREF(old);
	if (self->added < MANY)
		return 0;
	self->names = names_below(self);
	self->names_at = self->blob->forgotten;
	return self->names ? 0 : -1;
}

/* Whether there is such a child, -1 with an exception */
static int has_child(struct core_node *self, const char *fdt, int at,
		     PyObject *name, const char *s, size_t len)
{
	int loose;

	if (self->names)
		return PySet_Contains(self->names, name);
	return fdtx_find_subnode(fdt, at, s, (int)len, &loose) >= 0;
}

/* Where a new child stands; with what is known of the end of the last one */
static int place_of(struct core_node *self, const char *fdt, int at, int last)
{
	struct core_blob *blob = self->blob;
	int pos;

	if (last) {
		pos = core_now(blob, self->end, self->end_edit);
		return pos < 0 ? fdtx_end_node(fdt, at) : pos;
	}
	for (pos = fdtx_enter(fdt, at);;) {
		struct fdtx_tag t = fdtx_tag_at(fdtx_struct(fdt), pos);

		if (t.tag != FDT_PROP && t.tag != FDT_NOP)
			return pos;
		pos = t.next;
	}
}

static int depth_of(const struct core_node *self)
{
	int depth = 0;

	while ((self = self->parent))
		depth++;
	return depth;
}

/* The child; NULL, no exception, for everything that needs a word. With the
 * lock. */
static struct core_node *add_plain(struct core_node *self, PyObject *name,
				   const char *s, size_t len, int last)
{
	struct core_blob *blob = self->blob;
	int need = fdtx_padded((int)len + 1) + 2 * FDT_TAGSIZE, at, pos, has;
	char *fdt;

	if (learn_names(self))
		return NULL;
	at = core_at(self);
	if (at < 0 || depth_of(self) + 1 >= FDTX_MAX_DEPTH ||
	    core_make_room(blob, need) <= 0)
		return NULL;
	fdt = core_bytes(blob);
	has = has_child(self, fdt, at, name, s, len);
	if (has)
		return NULL;
	pos = place_of(self, fdt, at, last);
	if (fdtx_insert_node(fdt, pos, s, (int)len))
		return NULL;
	core_moved(blob, pos, need);
	if (last) {
		self->end = pos + need;
		self->end_edit = blob->edits;
	}
	if (self->names && PySet_Add(self->names, name))
		forget_names(self);
	PyErr_Clear();
	return core_child_at(self, name, pos, blob->edits);
}

static int is_last(PyObject *kwnames, PyObject *value, int *last)
{
	PyObject *word = PyTuple_GetItem(kwnames, 0);

	*last = value == Py_True;
	return PyTuple_Size(kwnames) == 1 && PyBool_Check(value) &&
	       !PyUnicode_CompareWithASCIIString(word, "last");
}

static PyObject *node_add(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			  PyObject *kwnames)
{
	struct core_node *self = node_of(o), *child = NULL;
	const char *name = NULL;
	size_t len;
	int last = 0;

	if (argc == 1 && (!kwnames || is_last(kwnames, argv[1], &last)))
		name = core_plain(argv[0], &len);
	if (name && !memchr(name, '/', len)) {
		if (core_enter(self->blob))
			return NULL;
		child = add_plain(self, argv[0], name, len, last);
		core_leave(self->blob);
		if (child || PyErr_Occurred())
			return (PyObject *)child;
	}
	return core_general(o, "add", argv, argc, kwnames);
}

/* No handle leads to it any more, and those that there are are stale */
static void bury(struct core_node *self)
{
	if (self->parent) {
		core_unlink_child(self);
		forget_names(self->parent);
	}
	self->dead = 1;
	self->blob->deaths++;
}

static PyObject *node_bury(PyObject *o, PyObject *unused)
{
	(void)unused;
	bury(node_of(o));
	Py_RETURN_NONE;
}

static PyObject *node_delete(PyObject *o, PyObject *unused)
{
	struct core_node *self = node_of(o);
	struct core_blob *blob = self->blob;
	int at, done = 0;

	(void)unused;
	if (core_enter(blob))
		return NULL;
	at = self->parent ? core_at(self) : -1;
	if (at >= 0) {
		char *fdt = core_bytes(blob);
		uint32_t before = fdt_size_dt_struct(fdt);

		if (!fdtx_del_node(fdt, at)) {
			core_moved(blob, at + 1,
				   (int)(fdt_size_dt_struct(fdt) - before));
			bury(self);
			done = 1;
		}
	}
	core_leave(blob);
	if (!done)
		return core_general(o, "delete", NULL, 0, NULL);
	Py_RETURN_NONE;
}

/* -- what Python's class needs ------------------------------------------- */

/* Whatever a subclass of str makes of comparisons; a new reference */
static PyObject *plain_str(PyObject *name)
{
	if (PyUnicode_Check(name))
		return PyUnicode_FromObject(name);
	PyErr_SetString(PyExc_TypeError, "a name must be str");
	return NULL;
}

static PyObject *node_known(PyObject *o, PyObject *arg)
{
	PyObject *name = plain_str(arg), *child;

	if (!name)
		return NULL;
	child = (PyObject *)core_known_child(node_of(o), name);
	if (!child)
		child = Py_None;
	Py_INCREF(child);
	Py_DECREF(name);
	return child;
}

/* An offset of -1 is one that is not known */
static PyObject *node_handle(PyObject *o, PyObject *const *argv, Py_ssize_t argc)
{
	struct core_node *self = node_of(o), *child;
	PyObject *name;
	long offset;

	if (argc != 2) {
		PyErr_SetString(PyExc_TypeError, "_handle(name, offset)");
		return NULL;
	}
	offset = PyLong_AsLong(argv[1]);
	if (offset == -1 && PyErr_Occurred())
		return NULL;
	name = plain_str(argv[0]);
	if (!name)
		return NULL;
	child = core_child_at(self, name, (int)offset,
			 offset < 0 ? -1 : self->blob->edits);
	Py_DECREF(name);
	return (PyObject *)child;
}

static PyObject *node_renamed(PyObject *o, PyObject *arg)
{
	struct core_node *self = node_of(o);
	PyObject *old = self->name, *name = plain_str(arg);
	int err;

	if (!name)
		return NULL;
	if (!self->parent) {
		Py_DECREF(name);
		PyErr_SetString(PyExc_TypeError, "_renamed() of the root");
		return NULL;
	}
	core_unlink_child(self);
	self->name = name;
	err = core_link_child(self);
	/* Who remembers a path and a number looks again */
	core_moved(self->blob, 0, 0);
	forget_names(self->parent);
	Py_DECREF(old);
	if (err)
		return NULL;
	Py_RETURN_NONE;
}

/* Added by Python: what is known of the names is right no more */
static PyObject *node_forget(PyObject *o, PyObject *unused)
{
	(void)unused;
	forget_names(node_of(o));
	Py_RETURN_NONE;
}

/* -- the type ------------------------------------------------------------ */

#define FIELD(word, field, type)					\
	{ word, type, offsetof(struct core_node, field), READONLY, NULL }

static PyMemberDef node_members[] = {
	FIELD("fdt", fdt, T_OBJECT_EX),
	FIELD("_blob", blob, T_OBJECT_EX),
	FIELD("_parent", parent, T_OBJECT),
	FIELD("_name", name, T_OBJECT_EX),
	FIELD("_live", children, T_UINT),
	FIELD("__weaklistoffset__", weak, T_PYSSIZET),
	{ NULL, 0, 0, 0, NULL },
};

#define PYTHONS "\n--\n\nThe method of that name in Python, in one call."

static PyMethodDef node_methods[] = {
	{ "_at", node_at, METH_O,
	  "_at($self, op, /)\n--\n\n"
	  "Where the node is now, with the lock and as long as that is held." },
	{ "_check", node_check, METH_O,
	  "_check($self, op, /)\n--\n\nFdtStale if the node was deleted." },
	{ "_is_dead", node_is_dead, METH_NOARGS,
	  "_is_dead($self)\n--\n\nWhether the node was deleted." },
	{ "_path", node_path, METH_NOARGS,
	  "_path($self)\n--\n\nFull path, deleted or not." },
	{ "_below", FASTCALL(node_below), METH_FASTCALL,
	  "_below($self, maxdepth, op, /)\n--\n\n"
	  "This node and those below, parents first, each path once." },
	{ "_find_path", node_find, METH_O,
	  "_find_path($self, path, /)\n--\n\n"
	  "The node of a full path, None, or NotImplemented; of the root." },
	{ "_known", node_known, METH_O,
	  "_known($self, name, /)\n--\n\nHandle of a child that there is, or None." },
	{ "_handle", FASTCALL(node_handle), METH_FASTCALL,
	  "_handle($self, name, offset, /)\n--\n\n"
	  "The one handle of a child; -1 if it is not known where that is." },
	{ "_renamed", node_renamed, METH_O,
	  "_renamed($self, name, /)\n--\n\nThe node has another name now." },
	{ "_forget", node_forget, METH_NOARGS,
	  "_forget($self)\n--\n\nNames of children may have changed." },
	{ "_bury", node_bury, METH_NOARGS,
	  "_bury($self)\n--\n\nThe node was deleted." },
	{ "child", FASTCALL(node_child), METH_FASTCALL | METH_KEYWORDS,
	  "child($self, name)" PYTHONS },
	{ "add", FASTCALL(node_add), METH_FASTCALL | METH_KEYWORDS,
	  "add($self, name, *, last=False)" PYTHONS },
	{ "delete", node_delete, METH_NOARGS, "delete($self)" PYTHONS },
#define PROP(name, fn, params)						\
	{ name, FASTCALL(fn), METH_FASTCALL | METH_KEYWORDS,		\
	  name "($self, " params ")" PYTHONS }
	PROP("_find", core_find, "name, op"),
	PROP("get_u32", core_get_u32, "name, default=MISSING"),
	PROP("get_u64", core_get_u64, "name, default=MISSING"),
	PROP("get_string", core_get_string, "name, default=MISSING"),
	PROP("set_u32", core_set_u32, "name, value"),
	PROP("set_u64", core_set_u64, "name, value"),
	PROP("set_string", core_set_string, "name, value"),
	PROP("append", core_append, "name, value"),
	PROP("set_reg", core_set_reg, "name, entries, *, parent=None"),
	PROP("append_reg", core_append_reg, "name, entries, *, parent=None"),
	{ "_properties", core_values, METH_NOARGS, "_properties($self)" PYTHONS },
	{ NULL, NULL, 0, NULL },
};

static char node_doc[] = "Handle of a node; see the Python class Node.";

static PyType_Slot node_slots[] = {
	{ Py_tp_doc, node_doc },
	{ Py_tp_new, (void *)core_node_new },
	{ Py_tp_traverse, (void *)core_node_traverse },
	{ Py_tp_clear, (void *)core_node_clear },
	{ Py_tp_dealloc, (void *)core_node_dealloc },
	{ Py_tp_members, node_members },
	{ Py_tp_methods, node_methods },
	{ Py_mp_subscript, (void *)core_getitem },
	{ Py_mp_ass_subscript, (void *)core_setitem },
	{ Py_sq_contains, (void *)core_contains },
	{ Py_tp_iter, (void *)core_iterate },
	{ 0, NULL },
};

static PyType_Spec node_spec = {
	"pyfdtx._core.Node", sizeof(struct core_node), 0,
	Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
	node_slots,
};

int core_add_node(PyObject *module)
{
	return core_add_type(module, "Node", &node_spec);
}
