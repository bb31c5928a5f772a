// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the type Index: a blob and a list of its nodes
 */
#include "core.h"

/* With so many properties a node's places are kept after they were listed */
#define CORE_MANY 64

/*
 * @data: bytes; or a memoryview that nobody else has, so nobody can release it,
 *	and what it is of cannot be closed or resized
 * @known: {name: place} of the node @known_node, or NULL: a look-up for each
 *	name of a large node would otherwise take the square of the time
 */
struct core_index {
	PyObject_HEAD
	PyObject *data;
	PyObject *known;
	uint32_t known_node;
	struct fdtx_index_node *node;
	struct fdtx_index ix;
};

static const struct fdtx_index *core_ix(PyObject *self)
{
	return &((struct core_index *)self)->ix;
}

/* List the nodes; real trees have one per 130 bytes and more */
static int core_list_nodes(struct core_index *self)
{
	uint32_t room = fdt_totalsize(self->ix.fdt) / 64 + 1, n;
	struct fdtx_index_node *node = PyMem_Malloc(room * sizeof(*node));

	if (!node)
		return -1;
	self->node = node;
	n = fdtx_index_nodes(self->ix.fdt, node, room);
	if (n != room) {
		node = PyMem_Realloc(node, n * sizeof(*node));
		if (!node)
			return -1;
		self->node = node;
	}
	if (n > room)
		fdtx_index_nodes(self->ix.fdt, node, n);
	self->ix.node = node;
	self->ix.n = n;
	return 0;
}

static int is_true(PyObject *o, const char *name)
{
	PyObject *value = PyObject_GetAttrString(o, name);
	int is = value ? PyObject_IsTrue(value) : -1;

	Py_XDECREF(value);
	return is;
}

/*
 * What the bytes of @o are kept alive by, a new reference: itself or a new
 * memoryview. NULL, with an exception, if they can be written to, are in pieces
 * or are not aligned: who calls this makes a copy.
 */
static PyObject *hold(PyObject *o, const char **fdtp, size_t *sizep)
{
	PyObject *view;
	const void *p;
	Py_ssize_t n;

	if (PyBytes_CheckExact(o)) {
		*fdtp = PyBytes_AsString(o);
		*sizep = (size_t)PyBytes_Size(o);
		Py_INCREF(o);
		return o;
	}
	view = PyMemoryView_FromObject(o);
	if (!view)
		return NULL;
	if (is_true(view, "readonly") <= 0 ||
	    is_true(view, "c_contiguous") <= 0 ||
	    core_read_buffer(view, &p, &n) || (uintptr_t)p % 8) {
		if (!PyErr_Occurred())
			PyErr_SetString(PyExc_BufferError,
					"not aligned and read-only");
		Py_DECREF(view);
		return NULL;
	}
	*fdtp = p;
	*sizep = (size_t)n;
	return view;
}

static PyObject *core_index_new(PyTypeObject *type, PyObject *args,
				PyObject *kwargs)
{
	allocfunc alloc = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
	struct core_index *self;
	struct fdtx_fault fault;
	PyObject *data;
	const char *fdt;
	size_t size;

	if (kwargs || PyTuple_Size(args) != 1) {
		PyErr_SetString(PyExc_TypeError, "Index takes one buffer");
		return NULL;
	}
	data = hold(PyTuple_GetItem(args, 0), &fdt, &size);
	if (!data)
		return NULL;
	if (fdtx_check(fdt, size, &fault)) {
		PyErr_SetString(PyExc_ValueError, "not a sound tree");
		Py_DECREF(data);
		return NULL;
	}
	self = (struct core_index *)alloc(type, 0);
	if (!self) {
		Py_DECREF(data);
		return NULL;
	}
	self->data = data;
	self->ix.fdt = fdt;
	if (core_list_nodes(self)) {
		Py_DECREF((PyObject *)self);
		return PyErr_NoMemory();
	}
	return (PyObject *)self;
}

static void core_index_dealloc(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);

	PyMem_Free(((struct core_index *)self)->node);
	Py_XDECREF(((struct core_index *)self)->known);
	Py_XDECREF(((struct core_index *)self)->data);
	release(self);
	Py_DECREF((PyObject *)type);
}

/* A node's number; FDTX_NO_NODE and an exception if it is none */
static uint32_t core_node(PyObject *self, PyObject *arg)
{
	unsigned long long n = PyLong_AsUnsignedLongLong(arg);

	if (n < core_ix(self)->n)
		return (uint32_t)n;
	if (!PyErr_Occurred())
		PyErr_SetString(PyExc_IndexError, "no such node");
	return FDTX_NO_NODE;
}

static int core_is_call(Py_ssize_t argc, Py_ssize_t wanted)
{
	if (argc == wanted)
		return 1;
	PyErr_Format(PyExc_TypeError, "takes %zd arguments, not %zd", wanted,
		     argc);
	return 0;
}

/*
 * struct core_text - a name or path
 * @ref: what owns the bytes; NULL if there can be no such name
 */
struct core_text {
	PyObject *ref;
	const char *s;
	size_t len;
};

/* Forget an exception about the characters; -1: it is another one */
static int core_forgive(void)
{
	if (!PyErr_ExceptionMatches(PyExc_UnicodeError))
		return -1;
	PyErr_Clear();
	return 0;
}

/*
 * Whatever is no good name is not found; Python says why.
 *
 * returns: 0; -1 and an exception if memory does not suffice
 */
static int core_text(PyObject *arg, struct core_text *text)
{
	PyObject *ref;

	memset(text, 0, sizeof(*text));
	if (!PyUnicode_Check(arg))
		return 0;
	ref = PyUnicode_AsASCIIString(arg);
	if (!ref) {
		if (core_forgive())
			return -1;
		ref = PyUnicode_AsEncodedString(arg, "ascii",
						"surrogateescape");
	}
	if (!ref)
		return core_forgive();
	text->s = PyBytes_AsString(ref);
	text->len = (size_t)PyBytes_Size(ref);
	if (text->len && !memchr(text->s, 0, text->len))
		text->ref = ref;
	else
		Py_DECREF(ref);
	return 0;
}

static PyObject *core_number(uint32_t node)
{
	return PyLong_FromLongLong(node == FDTX_NO_NODE ? -1 : (long long)node);
}

static PyObject *core_find(PyObject *self, PyObject *arg)
{
	uint32_t node = FDTX_NO_NODE;
	struct core_text path;

	if (core_text(arg, &path))
		return NULL;
	if (path.ref)
		node = fdtx_index_find(core_ix(self), path.s, path.len);
	Py_XDECREF(path.ref);
	return core_number(node);
}

static PyObject *core_child(PyObject *self, PyObject *const *argv,
			    Py_ssize_t argc)
{
	uint32_t node = FDTX_NO_NODE;
	struct core_text name;

	if (!core_is_call(argc, 2))
		return NULL;
	node = core_node(self, argv[0]);
	if (node == FDTX_NO_NODE || core_text(argv[1], &name))
		return NULL;
	node = name.ref ? fdtx_index_child(core_ix(self), node, name.s,
					   name.len) : FDTX_NO_NODE;
	Py_XDECREF(name.ref);
	return core_number(node);
}

static PyObject *core_bytes(const char *data, uint32_t len)
{
	return PyBytes_FromStringAndSize(data, (Py_ssize_t)len);
}

/* A value by the places that are kept; NULL without an exception: not there */
static PyObject *core_known(PyObject *self, uint32_t node, PyObject *name)
{
	struct core_index *index = (struct core_index *)self;
	const char *fdt = index->ix.fdt;
	PyObject *place;
	int pos;

	if (!index->known || index->known_node != node ||
	    !PyUnicode_Check(name))
		return NULL;
	place = PyDict_GetItemWithError(index->known, name);
	if (!place)
		return NULL;
	pos = (int)PyLong_AsLong(place);
	return core_bytes(fdtx_prop_value(fdt, pos), fdtx_prop_len(fdt, pos));
}

static PyObject *core_value_of(PyObject *self, uint32_t node, PyObject *arg)
{
	PyObject *known = core_known(self, node, arg);
	struct fdtx_index_value value;
	struct core_text name;
	int found;

	if (known || PyErr_Occurred())
		return known;
	if (core_text(arg, &name))
		return NULL;
	found = name.ref && fdtx_index_prop(core_ix(self), node, name.s,
					    name.len, &value);
	Py_XDECREF(name.ref);
	if (found)
		return core_bytes(value.data, value.len);
	Py_INCREF(Py_None);
	return Py_None;
}

static PyObject *core_prop(PyObject *self, PyObject *const *argv,
			   Py_ssize_t argc)
{
	uint32_t node;

	if (!core_is_call(argc, 2))
		return NULL;
	node = core_node(self, argv[0]);
	if (node == FDTX_NO_NODE)
		return NULL;
	return core_value_of(self, node, argv[1]);
}

static PyObject *core_getprop(PyObject *self, PyObject *const *argv,
			      Py_ssize_t argc)
{
	struct core_text path;
	uint32_t node = FDTX_NO_NODE;

	if (!core_is_call(argc, 2) || core_text(argv[0], &path))
		return NULL;
	if (path.ref)
		node = fdtx_index_find(core_ix(self), path.s, path.len);
	Py_XDECREF(path.ref);
	if (node != FDTX_NO_NODE)
		return core_value_of(self, node, argv[1]);
	Py_INCREF(Py_None);
	return Py_None;
}

/* Keep the places of a large node, of the one that was listed last */
static int core_keep(PyObject *self, uint32_t node, uint32_t body)
{
	struct core_index *index = (struct core_index *)self;
	PyObject *old = index->known;

	if (old && index->known_node == node)
		return 0;
	index->known = core_properties(index->ix.fdt, body, CORE_PLACE);
	index->known_node = node;
	Py_XDECREF(old);
	return index->known ? 0 : -1;
}

static PyObject *core_props_of(PyObject *self, PyObject *const *argv,
			       Py_ssize_t argc)
{
	const struct fdtx_index *ix = core_ix(self);
	uint32_t node, body;
	PyObject *dict;
	int with_values;

	if (!core_is_call(argc, 2))
		return NULL;
	node = core_node(self, argv[0]);
	if (node == FDTX_NO_NODE)
		return NULL;
	with_values = PyObject_IsTrue(argv[1]);
	if (with_values < 0)
		return NULL;
	body = fdtx_tag_at(ix->fdt, (int)ix->node[node].at).next;
	dict = core_properties(ix->fdt, body,
			       with_values ? CORE_VALUE : CORE_NONE);
	if (dict && !with_values && PyDict_Size(dict) >= CORE_MANY &&
	    core_keep(self, node, body))
		Py_CLEAR(dict);
	return dict;
}

static PyObject *core_name_of(PyObject *self, PyObject *arg)
{
	const struct fdtx_index *ix = core_ix(self);
	uint32_t node = core_node(self, arg);
	const char *name;

	if (node == FDTX_NO_NODE)
		return NULL;
	name = ix->fdt + ix->node[node].at + FDT_TAGSIZE;
	return core_str(name, strlen(name));
}

static PyObject *core_parent(PyObject *self, PyObject *arg)
{
	uint32_t node = core_node(self, arg);

	if (node == FDTX_NO_NODE)
		return NULL;
	return core_number(node ? core_ix(self)->node[node].parent :
			   FDTX_NO_NODE);
}

/* (number, depth) of a node and those below, as one list of two each */
static PyObject *core_below(PyObject *self, PyObject *const *argv,
			    Py_ssize_t argc)
{
	const struct fdtx_index *ix = core_ix(self);
	uint32_t end[FDTX_MAX_DEPTH], depth = 0, node, i;
	PyObject *list;
	long max;

	if (!core_is_call(argc, 2))
		return NULL;
	node = core_node(self, argv[0]);
	if (node == FDTX_NO_NODE)
		return NULL;
	/* May run Python code, so nothing is pending here */
	max = PyLong_AsLong(argv[1]);
	list = PyErr_Occurred() ? NULL : PyList_New(0);
	if (!list)
		return NULL;
	for (i = node; i < ix->node[node].next; ) {
		PyObject *number = PyLong_FromUnsignedLong(i);
		PyObject *level = PyLong_FromUnsignedLong(depth);
		int err = !number || !level || PyList_Append(list, number) ||
			  PyList_Append(list, level);

		Py_XDECREF(number);
		Py_XDECREF(level);
		if (err) {
			Py_DECREF(list);
			return NULL;
		}
		if ((long)depth < max && ix->node[i].next > i + 1) {
			end[depth++] = ix->node[i].next;
			i++;
		} else {
			i = ix->node[i].next;
		}
		while (depth && end[depth - 1] <= i)
			depth--;
	}
	return list;
}

static PyObject *core_phandles(PyObject *self, PyObject *unused)
{
	const struct fdtx_index *ix = core_ix(self);
	PyObject *dict = PyDict_New();
	uint32_t i;

	(void)unused;
	/* From the last to the first, which stays */
	for (i = ix->n; dict && i-- > 0; ) {
		uint32_t phandle = fdtx_index_phandle(ix, i);
		PyObject *key, *number;

		if (!phandle || phandle == UINT32_MAX)
			continue;
		key = PyLong_FromUnsignedLong(phandle);
		number = PyLong_FromUnsignedLong(i);
		if (!key || !number || PyDict_SetItem(dict, key, number))
			Py_CLEAR(dict);
		Py_XDECREF(key);
		Py_XDECREF(number);
	}
	return dict;
}

static PyObject *core_memory(PyObject *self, PyObject *unused)
{
	(void)unused;
	return PyLong_FromUnsignedLongLong(core_ix(self)->n *
				(uint64_t)sizeof(struct fdtx_index_node) +
				sizeof(struct core_index));
}

static PyMethodDef core_methods[] = {
	{ "find", core_find, METH_O,
	  "find($self, path, /)\n--\n\nNumber of the node of a full path, or -1." },
	{ "child", FASTCALL(core_child), METH_FASTCALL,
	  "child($self, node, name, /)\n--\n\nNumber of a node's child, or -1." },
	{ "parent", core_parent, METH_O,
	  "parent($self, node, /)\n--\n\nNumber of the node above, or -1." },
	{ "name", core_name_of, METH_O,
	  "name($self, node, /)\n--\n\nA node's name; \"\" for the root." },
	{ "below", FASTCALL(core_below), METH_FASTCALL,
	  "below($self, node, maxdepth, /)\n--\n\n"
	  "Number and depth of a node and those below, in turn." },
	{ "prop", FASTCALL(core_prop), METH_FASTCALL,
	  "prop($self, node, name, /)\n--\n\nA property's value, or None." },
	{ "props", FASTCALL(core_props_of), METH_FASTCALL,
	  "props($self, node, with_values, /)\n--\n\n"
	  "{name: value or None} of a node; OverflowError as to_dict()." },
	{ "getprop", FASTCALL(core_getprop), METH_FASTCALL,
	  "getprop($self, path, name, /)\n--\n\n"
	  "A property's value, or None; also if there is no such node." },
	{ "phandles", core_phandles, METH_NOARGS,
	  "phandles($self)\n--\n\n{phandle: number of the first node with it}." },
	{ "__sizeof__", core_memory, METH_NOARGS,
	  "__sizeof__($self)\n--\n\nBytes of memory, without the blob." },
	{ NULL, NULL, 0, NULL },
};

static char core_index_doc[] =
	"Index(data, /)\n--\n\n"
	"The nodes of a tree in a bytes object; ValueError if it is not sound.";

static PyType_Slot core_index_slots[] = {
	{ Py_tp_doc, core_index_doc },
	{ Py_tp_new, (void *)core_index_new },
	{ Py_tp_dealloc, (void *)core_index_dealloc },
	{ Py_tp_methods, core_methods },
	{ 0, NULL },
};

static PyType_Spec core_index_spec = {
	"pyfdtx._core.Index", sizeof(struct core_index), 0,
	Py_TPFLAGS_DEFAULT, core_index_slots,
};

int core_add_index(PyObject *module)
{
	return core_add_type(module, "Index", &core_index_spec);
}
