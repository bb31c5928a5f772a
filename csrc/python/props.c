// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - properties of a node: what a Node does with them in one call
 */
#include <string.h>

#include "edit/edit.h"
#include "edit/prop.h"
#include "edit/regs.h"
#include "edit/tree.h"
#include "tree.h"

/* Iteration over more properties than that notes where they are */
#define MANY 64

/* Entries in one call; more are for Python, which takes any number */
#define MAX_REGS 16

static struct core_node *node_of(PyObject *o)
{
	return (struct core_node *)o;
}

/* -- reading ------------------------------------------------------------- */

/*
 * A property that was looked for.
 * FOUND: @data, @len; the lock is held. MISSING: there is none. ODD: Python has
 * to look itself; the lock is not held in these two, nor in FAILED, which has
 * an exception.
 */
enum answer { FOUND, MISSING, ODD, FAILED };

struct value {
	const char *data;
	uint32_t len;
};

/* Tag of a property of the node at @at; through its list, if there is one.
 * @raw: NULL if C cannot read the name, which only the list knows then */
static int tag_of(const struct core_blob *blob, const char *fdt, int at,
		  PyObject *name, const char *raw)
{
	if (blob->places && blob->places_edit == blob->edits &&
	    blob->places_offset == at) {
		PyObject *place = PyDict_GetItemWithError(blob->places, name);

		if (place)
			return (int)(PyLong_AsLong(place) -
				     (long)blob->places_start);
		PyErr_Clear();
		return -FDT_ERR_NOTFOUND;
	}
	return raw ? fdtx_find_prop(fdt, fdtx_enter(fdt, at), raw) :
	       -FDT_ERR_NOTFOUND;
}

static enum answer look(struct core_node *self, PyObject *name,
			struct value *value)
{
	struct core_blob *blob = self->blob;
	enum answer answer = ODD;
	const char *raw, *fdt;
	size_t len;
	int at, pos;

	raw = core_plain(name, &len);
	if (!raw && (!blob->places || !PyUnicode_CheckExact(name)))
		return ODD;
	if (core_enter(blob))
		return FAILED;
	at = core_at(self);
	fdt = core_bytes(blob);
	if (at >= 0 && fdt) {
		pos = tag_of(blob, fdt, at, name, raw);
		if (pos >= 0) {
			value->data = fdtx_prop_value(fdtx_struct(fdt), pos);
			value->len = fdtx_prop_len(fdtx_struct(fdt), pos);
			return FOUND;
		}
		answer = raw ? MISSING : ODD;
	}
	core_leave(blob);
	return answer;
}

PyObject *core_getitem(PyObject *o, PyObject *name)
{
	struct value value;
	PyObject *bytes;
	enum answer answer = look(node_of(o), name, &value);

	if (answer != FOUND)
		return answer == FAILED ? NULL :
			core_general(o, "__getitem__", &name, 1, NULL);
	bytes = PyBytes_FromStringAndSize(value.data, (Py_ssize_t)value.len);
	core_leave(node_of(o)->blob);
	return bytes;
}

/* _find(name, op): the value or None */
PyObject *core_find(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		    PyObject *kwnames)
{
	struct value value;
	PyObject *bytes;
	enum answer answer = ODD;

	if (argc == 2 && !kwnames)
		answer = look(node_of(o), argv[0], &value);
	switch (answer) {
	case FOUND:
		bytes = PyBytes_FromStringAndSize(value.data,
						  (Py_ssize_t)value.len);
		core_leave(node_of(o)->blob);
		return bytes;
	case MISSING:
		Py_RETURN_NONE;
	case ODD:
		return core_general(o, "_find", argv, argc, kwnames);
	default:
		return NULL;
	}
}

int core_contains(PyObject *o, PyObject *name)
{
	struct value value;
	PyObject *found;
	int is;

	switch (look(node_of(o), name, &value)) {
	case FOUND:
		core_leave(node_of(o)->blob);
		return 1;
	case MISSING:
		return 0;
	case ODD:
		found = core_general(o, "__contains__", &name, 1, NULL);
		is = found ? PyObject_IsTrue(found) : -1;
		Py_XDECREF(found);
		return is;
	default:
		return -1;
	}
}

static PyObject *get_number(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			    PyObject *kwnames, const char *method, uint32_t size)
{
	enum answer answer = ODD;
	struct value value;

	if ((argc == 1 || argc == 2) && !kwnames)
		answer = look(node_of(o), argv[0], &value);
	if (answer == FAILED)
		return NULL;
	if (answer == FOUND) {
		const uint8_t *p = (const uint8_t *)value.data;
		uint64_t number = 0;
		int fits = value.len == size;
		uint32_t i;

		for (i = 0; fits && i < size; i++)
			number = number << 8 | p[i];
		core_leave(node_of(o)->blob);
		if (fits)
			return PyLong_FromUnsignedLongLong(number);
	}
	return core_general(o, method, argv, argc, kwnames);
}

PyObject *core_get_u32(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		       PyObject *kwnames)
{
	return get_number(o, argv, argc, kwnames, "get_u32", 4);
}

PyObject *core_get_u64(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		       PyObject *kwnames)
{
	return get_number(o, argv, argc, kwnames, "get_u64", 8);
}

PyObject *core_get_string(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			  PyObject *kwnames)
{
	enum answer answer = ODD;
	PyObject *text = NULL;
	struct value value;

	if ((argc == 1 || argc == 2) && !kwnames)
		answer = look(node_of(o), argv[0], &value);
	if (answer == FAILED)
		return NULL;
	if (answer == FOUND) {
		if (value.len && memchr(value.data, 0, value.len) ==
		    value.data + value.len - 1)
			text = PyUnicode_DecodeUTF8(value.data,
						    (Py_ssize_t)value.len - 1,
						    NULL);
		core_leave(node_of(o)->blob);
		if (text)
			return text;
		PyErr_Clear();
	}
	return core_general(o, "get_string", argv, argc, kwnames);
}

/*
 * All properties as a new dict, and how many they are. NULL without an
 * exception: Python has to look. The dict is made first, for that may run
 * Python code.
 */
static PyObject *all(struct core_node *self, enum core_item item)
{
	struct core_blob *blob = self->blob;
	PyObject *dict = PyDict_New();
	const char *fdt;
	int at, err = -1;

	if (!dict)
		return NULL;
	if (core_enter(blob)) {
		Py_DECREF(dict);
		return NULL;
	}
	at = core_at(self);
	fdt = core_bytes(blob);
	if (at >= 0 && fdt) {
		uint32_t used = fdt_off_dt_strings(fdt) +
				fdt_size_dt_strings(fdt);
		int body = (int)fdt_off_dt_struct(fdt) + fdtx_enter(fdt, at);

		err = core_fill(dict, fdt, body, item,
				(uint64_t)CORE_TEXT_FACTOR * used);
		if (!err && item == CORE_PLACE && PyDict_Size(dict) > MANY) {
			PyObject *old = blob->places;

			Py_INCREF(dict);
			blob->places = dict;
			blob->places_edit = blob->edits;
			blob->places_offset = at;
			blob->places_start = fdt_off_dt_struct(fdt);
			Py_XDECREF(old);
		}
	}
	core_leave(blob);
	if (!err)
		return dict;
	Py_DECREF(dict);
	if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_OverflowError))
		PyErr_Clear();
	return NULL;
}

PyObject *core_iterate(PyObject *o)
{
	PyObject *dict = all(node_of(o), CORE_PLACE), *names;

	if (!dict)
		return PyErr_Occurred() ? NULL :
			core_general(o, "__iter__", NULL, 0, NULL);
	names = PyObject_GetIter(dict);
	Py_DECREF(dict);
	return names;
}

/* [(name, value)] */
PyObject *core_values(PyObject *o, PyObject *unused)
{
	PyObject *dict = all(node_of(o), CORE_VALUE), *items;

	(void)unused;
	if (!dict)
		return PyErr_Occurred() ? NULL :
			core_general(o, "_properties", NULL, 0, NULL);
	items = PyDict_Items(dict);
	Py_DECREF(dict);
	return items;
}

/* -- writing ------------------------------------------------------------- */

int core_write(struct core_blob *blob, int at, const char *name,
	       const void *data, size_t len, int append)
{
	uint32_t before;
	char *fdt;
	int err;

	if (len > FDTX_MAX_TOTALSIZE)
		return 0;
	err = core_make_room(blob, fdt_prop_len(0, name, (int)len));
	if (err <= 0)
		return err;
	fdt = core_bytes(blob);
	before = fdt_size_dt_struct(fdt);
	err = append ? fdtx_appendprop(fdt, at, name, data, (int)len) :
		fdtx_setprop(fdt, at, name, data, (int)len);
	if (fdt_size_dt_struct(fdt) != before)
		core_moved(blob, at + 1,
			   (int)(fdt_size_dt_struct(fdt) - before));
	return !err;
}

/* 1 if that was done; 0 if not, and nothing has changed; -1, an exception */
static int put(struct core_node *self, PyObject *name, const void *data,
	       size_t len, int append)
{
	size_t n;
	const char *raw = core_plain(name, &n);
	int at, done = 0;

	if (!raw)
		return 0;
	if (core_enter(self->blob))
		return -1;
	at = core_at(self);
	if (at >= 0 && core_bytes(self->blob))
		done = core_write(self->blob, at, raw, data, len, append);
	core_leave(self->blob);
	return done;
}

static PyObject *answer(int done, PyObject *o, const char *method,
			PyObject *const *argv, Py_ssize_t argc,
			PyObject *kwnames)
{
	if (done < 0)
		return NULL;
	if (!done)
		return core_general(o, method, argv, argc, kwnames);
	Py_RETURN_NONE;
}

int core_delete(struct core_blob *blob, int at, const char *name)
{
	char *fdt = core_bytes(blob);
	uint32_t before = fdt_size_dt_struct(fdt);

	if (fdtx_delprop(fdt, at, name))
		return 0;
	core_moved(blob, at + 1, (int)(fdt_size_dt_struct(fdt) - before));
	return 1;
}

static int delete_item(PyObject *o, PyObject *name)
{
	struct core_blob *blob = node_of(o)->blob;
	const char *raw;
	PyObject *said;
	size_t len;
	int at, done = 0;

	raw = core_plain(name, &len);
	if (raw) {
		if (core_enter(blob))
			return -1;
		at = core_at(node_of(o));
		if (at >= 0 && core_bytes(blob))
			done = core_delete(blob, at, raw);
		core_leave(blob);
		if (done)
			return 0;
	}
	said = core_general(o, "__delitem__", &name, 1, NULL);
	Py_XDECREF(said);
	return said ? 0 : -1;
}

int core_setitem(PyObject *o, PyObject *name, PyObject *value)
{
	PyObject *argv[2] = { name, value }, *said;
	int done = 0;

	if (!value)
		return delete_item(o, name);
	if (PyBytes_CheckExact(value))
		done = put(node_of(o), name, PyBytes_AsString(value),
			   (size_t)PyBytes_Size(value), 0);
	said = answer(done, o, "__setitem__", argv, 2, NULL);
	Py_XDECREF(said);
	return said ? 0 : -1;
}

PyObject *core_append(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		      PyObject *kwnames)
{
	int done = 0;

	if (argc == 2 && !kwnames && PyBytes_CheckExact(argv[1]))
		done = put(node_of(o), argv[0], PyBytes_AsString(argv[1]),
			   (size_t)PyBytes_Size(argv[1]), 1);
	return answer(done, o, "append", argv, argc, kwnames);
}

PyObject *core_set_u32(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		       PyObject *kwnames)
{
	uint64_t value;
	int done = 0;

	if (argc == 2 && !kwnames && core_number(argv[1], UINT32_MAX, &value)) {
		fdt32_t cell = cpu_to_fdt32((uint32_t)value);

		done = put(node_of(o), argv[0], &cell, sizeof(cell), 0);
	}
	return answer(done, o, "set_u32", argv, argc, kwnames);
}

PyObject *core_set_u64(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		       PyObject *kwnames)
{
	uint64_t value;
	int done = 0;

	if (argc == 2 && !kwnames && core_number(argv[1], UINT64_MAX, &value)) {
		fdt64_t cells = cpu_to_fdt64(value);

		done = put(node_of(o), argv[0], &cells, sizeof(cells), 0);
	}
	return answer(done, o, "set_u64", argv, argc, kwnames);
}

PyObject *core_set_string(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			  PyObject *kwnames)
{
	const char *text = NULL;
	size_t len;
	int done = 0;

	if (argc == 2 && !kwnames)
		text = core_text(argv[1], &len);
	/* Its NUL is the value's */
	if (text)
		done = put(node_of(o), argv[0], text, len + 1, 0);
	return answer(done, o, "set_string", argv, argc, kwnames);
}

/* -- (address, size) entries --------------------------------------------- */

/* Entries of a list or tuple of tuples of two int. How many, or -1 */
static int take_regs(PyObject *list, struct fdt_reg *regs)
{
	int is_list = PyList_CheckExact(list);
	Py_ssize_t n, i;

	if (!is_list && !PyTuple_CheckExact(list))
		return -1;
	n = is_list ? PyList_Size(list) : PyTuple_Size(list);
	if (n > MAX_REGS)
		return -1;
	for (i = 0; i < n; i++) {
		PyObject *pair = is_list ? PyList_GetItem(list, i) :
				 PyTuple_GetItem(list, i);

		if (!pair || !PyTuple_Check(pair) || PyTuple_Size(pair) != 2 ||
		    !core_number(PyTuple_GetItem(pair, 0), UINT64_MAX,
			       &regs[i].address) ||
		    !core_number(PyTuple_GetItem(pair, 1), UINT64_MAX,
			       &regs[i].size))
			return -1;
	}
	return (int)n;
}

/* A number of cells as the node at @at sets it, in [min, FDT_MAX_NCELLS]; -1 */
static int cells_of(const char *fdt, int at, const char *name, uint32_t min)
{
	int pos = fdtx_find_prop(fdt, fdtx_enter(fdt, at), name);
	const char *base = fdtx_struct(fdt);
	uint32_t n;

	if (pos < 0 || fdtx_prop_len(base, pos) != sizeof(fdt32_t))
		return -1;
	n = fdt32_ld((const fdt32_t *)fdtx_prop_value(base, pos));
	return n >= min && n <= FDT_MAX_NCELLS ? (int)n : -1;
}

static int write_regs(struct core_node *self, const char *name,
		      const struct fdt_reg *regs, int n, int append)
{
	struct core_node *by = self->parent ? self->parent : self;
	const char *fdt = core_bytes(self->blob);
	fdt32_t raw[MAX_REGS * 2 * FDT_MAX_NCELLS];
	int at = core_at(self), above = core_at(by), ac, sc, step;

	if (!fdt || at < 0 || above < 0)
		return 0;
	ac = cells_of(fdt, above, "#address-cells", 1);
	sc = cells_of(fdt, above, "#size-cells", 0);
	if (ac < 0 || sc < 0 || fdtx_encode_regs(regs, n, ac, sc, raw))
		return 0;
	step = (ac + sc) * (int)sizeof(*raw);
	if (append) {
		int pos = fdtx_find_prop(fdt, fdtx_enter(fdt, at), name);

		if (pos >= 0 && fdtx_prop_len(fdtx_struct(fdt), pos) %
		    (uint32_t)step)
			return 0;
	}
	return core_write(self->blob, at, name, raw, (size_t)(n * step), append);
}

static PyObject *put_regs(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			  PyObject *kwnames, const char *method, int append)
{
	struct core_node *self = node_of(o);
	struct fdt_reg regs[MAX_REGS];
	const char *name = NULL;
	int n = -1, done = 0;
	size_t len;

	if (argc == 2 && !kwnames) {
		name = core_plain(argv[0], &len);
		n = take_regs(argv[1], regs);
	}
	if (name && n >= 0) {
		if (core_enter(self->blob))
			return NULL;
		done = write_regs(self, name, regs, n, append);
		core_leave(self->blob);
	}
	return answer(done, o, method, argv, argc, kwnames);
}

PyObject *core_set_reg(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
		       PyObject *kwnames)
{
	return put_regs(o, argv, argc, kwnames, "set_reg", 0);
}

PyObject *core_append_reg(PyObject *o, PyObject *const *argv, Py_ssize_t argc,
			  PyObject *kwnames)
{
	return put_regs(o, argv, argc, kwnames, "append_reg", 1);
}
