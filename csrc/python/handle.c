// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - handles of nodes: where they are, and what becomes of them
 *
 * A handle knows the one above and its own name. Its offset is remembered with
 * the number of the edit at which it was right, and brought up to date with the
 * blob's list of moves. There is one handle for each node, as long as anybody
 * refers to it: the handle above knows it, but does not own it.
 */
#include "edit/tree.h"
#include "tree.h"

#define MIN_BUCKETS 8

static struct core_node *node_of(PyObject *o)
{
	return (struct core_node *)o;
}

/* -- handles of children ------------------------------------------------- */

static struct core_node **bucket_of(const struct core_node *parent,
				    PyObject *name)
{
	/* A str that has been hashed once remembers it, and cannot fail */
	return &parent->bucket[(size_t)PyObject_Hash(name) &
			       (parent->buckets - 1)];
}

static int grow_buckets(struct core_node *parent)
{
	unsigned int i, n = parent->buckets, more = n ? 2 * n : MIN_BUCKETS;
	struct core_node **old = parent->bucket;
	struct core_node **bucket = PyMem_Calloc(more, sizeof(*bucket));

	if (!bucket) {
		PyErr_NoMemory();
		return -1;
	}
	parent->bucket = bucket;
	parent->buckets = more;
	for (i = 0; i < n; i++) {
		while (old[i]) {
			struct core_node *child = old[i], **place;

			old[i] = child->next;
			place = bucket_of(parent, child->name);
			child->next = *place;
			*place = child;
		}
	}
	PyMem_Free(old);
	return 0;
}

int core_link_child(struct core_node *child)
{
	struct core_node *parent = child->parent, **place;

	if (PyObject_Hash(child->name) == -1)
		return -1;
	if (parent->children >= parent->buckets && grow_buckets(parent))
		return -1;
	place = bucket_of(parent, child->name);
	child->next = *place;
	*place = child;
	child->linked = 1;
	parent->children++;
	return 0;
}

void core_unlink_child(struct core_node *child)
{
	struct core_node **place;

	if (!child->linked)
		return;
	place = bucket_of(child->parent, child->name);
	while (*place != child)
		place = &(*place)->next;
	*place = child->next;
	child->linked = 0;
	child->parent->children--;
}

struct core_node *core_known_child(const struct core_node *parent,
				   PyObject *name)
{
	struct core_node *child;

	if (!parent->children || PyObject_Hash(name) == -1) {
		PyErr_Clear();
		return NULL;
	}
	for (child = *bucket_of(parent, name); child; child = child->next)
		if (child->name == name ||
		    !PyUnicode_Compare(child->name, name))
			return child;
	return NULL;
}

struct core_node *core_child_at(struct core_node *parent, PyObject *name,
				int offset, long long edit)
{
	struct core_node *child = core_known_child(parent, name);

	if (child) {
		Py_INCREF(child);
	} else {
		child = node_of(PyType_GenericAlloc(Py_TYPE(parent), 0));
		if (!child)
			return NULL;
		Py_XINCREF(parent->fdt);
		Py_INCREF(parent->blob);
		Py_INCREF(parent);
		Py_INCREF(name);
		child->fdt = parent->fdt;
		child->blob = parent->blob;
		child->parent = parent;
		child->name = name;
		child->deaths = parent->blob->deaths;
		child->end_edit = -1;
		if (core_link_child(child)) {
			Py_DECREF(child);
			return NULL;
		}
	}
	child->offset = offset;
	child->edit = edit;
	return child;
}

/* -- where it is --------------------------------------------------------- */

int core_is_dead(struct core_node *self)
{
	const struct core_node *node;

	if (self->deaths == self->blob->deaths)
		return self->dead;
	for (node = self; node && !self->dead; node = node->parent)
		self->dead = node->dead;
	self->deaths = self->blob->deaths;
	return self->dead;
}

/* By name, from the node above, which is where it says */
static int search_child(struct core_node *self, const char *fdt)
{
	Py_ssize_t len;
	const char *name;
	PyObject *raw = PyUnicode_AsEncodedString(self->name, "ascii",
						  "surrogateescape");
	int loose, found = -1;

	if (!raw) {
		PyErr_Clear();
		return -1;
	}
	name = PyBytes_AsString(raw);
	len = PyBytes_Size(raw);
	found = fdtx_find_subnode(fdt, self->parent->offset, name, (int)len,
				  &loose);
	Py_DECREF(raw);
	return found;
}

/* The whole way down, as far as it is not known; runs no Python code */
static int search(struct core_node *self)
{
	struct core_node *way[FDTX_MAX_DEPTH], *node;
	struct core_blob *blob = self->blob;
	const char *fdt = core_bytes(blob);
	int n = 0, at = -1;

	for (node = self; fdt; node = node->parent) {
		at = node->parent ?
			core_now(blob, node->offset, node->edit) : 0;
		if (at >= 0 || n == FDTX_MAX_DEPTH)
			break;
		way[n++] = node;
	}
	if (at < 0)
		return -1;
	node->offset = at;
	node->edit = blob->edits;
	while (n--) {
		int found = search_child(way[n], fdt);

		if (found < 0)
			return -1;
		way[n]->offset = found;
		way[n]->edit = blob->edits;
	}
	return self->offset;
}

int core_at(struct core_node *self)
{
	struct core_blob *blob = self->blob;

	if (self->edit == blob->edits && !self->dead)
		return self->offset;
	if (core_is_dead(self))
		return -1;
	return search(self);
}

/* -- from the first to the last reference ---------------------------------- */

/* Node(fdt, blob): the root. All others are made by the one above. */
PyObject *core_node_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	struct core_node *self;
	PyObject *fdt, *blob, *name;

	if (kwargs || !PyArg_ParseTuple(args, "OO", &fdt, &blob))
		return NULL;
	if (!core_is_blob(blob)) {
		PyErr_SetString(PyExc_TypeError, "a Node is made by its tree");
		return NULL;
	}
	name = PyUnicode_FromString("");
	self = name ? node_of(PyType_GenericAlloc(type, 0)) : NULL;
	if (!self) {
		Py_XDECREF(name);
		return NULL;
	}
	Py_INCREF(fdt);
	Py_INCREF(blob);
	self->fdt = fdt;
	self->blob = (struct core_blob *)blob;
	self->name = name;
	self->deaths = self->blob->deaths;
	self->edit = -1;
	self->end_edit = -1;
	return (PyObject *)self;
}

int core_node_traverse(PyObject *o, visitproc visit, void *arg)
{
	struct core_node *self = node_of(o);

	Py_VISIT(Py_TYPE(o));
	Py_VISIT(self->fdt);
	Py_VISIT(self->parent);
	return 0;
}

/* A subclass of Fdt may refer to nodes; the rest makes no circles */
int core_node_clear(PyObject *o)
{
	Py_CLEAR(node_of(o)->fdt);
	return 0;
}

void core_node_dealloc(PyObject *o)
{
	struct core_node *self = node_of(o);
	PyTypeObject *type = Py_TYPE(o);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	PyObject_GC_UnTrack(o);
	if (self->weak)
		PyObject_ClearWeakRefs(o);
	if (self->linked)
		core_unlink_child(self);
	Py_XDECREF(self->names);
	Py_XDECREF(self->name);
	Py_XDECREF(self->parent);
	Py_XDECREF(self->fdt);
	Py_XDECREF(self->blob);
	PyMem_Free(self->bucket);
	release(o);
	Py_DECREF(type);
}

int core_is_node(PyObject *o)
{
	return core_base(o, core_node_dealloc) != NULL;
}

PyObject *core_general(PyObject *self, const char *name, PyObject *const *argv,
		       Py_ssize_t argc, PyObject *kwnames)
{
	return core_super(core_base(self, core_node_dealloc), self, name, argv, argc,
			  kwnames);
}
