// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - trees and nodes as dicts
 */
#include "core.h"

/*
 * Names that were spelled already, by their place in the strings block: trees
 * use few names often. What finds its place taken is spelled again.
 */
#define CORE_NAMES_BITS 9
#define CORE_NAMES (1 << CORE_NAMES_BITS)

struct core_names {
	PyObject *name[CORE_NAMES];
	uint32_t off[CORE_NAMES];
};

/*
 * @fdt: the blob
 * @strings: its strings block
 * @budget: bytes of text that may still be spelled
 * @names: or NULL, if it does not pay
 */
struct core_reader {
	const char *fdt;
	const char *strings;
	uint64_t budget;
	struct core_names *names;
	enum core_item item;
};

static void core_forget_names(struct core_names *names)
{
	int i;

	for (i = 0; i < CORE_NAMES; i++)
		Py_XDECREF(names->name[i]);
}

static PyObject *core_spell(struct core_reader *r, const char *s, size_t len)
{
	if (len > r->budget) {
		PyErr_SetString(PyExc_OverflowError, "names");
		return NULL;
	}
	r->budget -= len;
	return core_str(s, len);
}

/* A new reference */
static PyObject *core_name(struct core_reader *r, uint32_t off)
{
	uint32_t slot = (off * UINT32_C(2654435769)) >> (32 - CORE_NAMES_BITS);
	struct core_names *names = r->names;
	PyObject *name;

	if (names && names->name[slot] && names->off[slot] == off) {
		Py_INCREF(names->name[slot]);
		return names->name[slot];
	}
	name = core_spell(r, r->strings + off, strlen(r->strings + off));
	if (name && names) {
		Py_XDECREF(names->name[slot]);
		Py_INCREF(name);
		names->name[slot] = name;
		names->off[slot] = off;
	}
	return name;
}

/* What is kept of the property at @pos; a new reference */
static PyObject *core_item(struct core_reader *r, int pos)
{
	switch (r->item) {
	case CORE_VALUE:
		return PyBytes_FromStringAndSize(fdtx_prop_value(r->fdt, pos),
				(Py_ssize_t)fdtx_prop_len(r->fdt, pos));
	case CORE_PLACE:
		return PyLong_FromLong(pos);
	default:
		Py_INCREF(Py_None);
		return Py_None;
	}
}

static int core_add_item(struct core_reader *r, PyObject *dict,
			 PyObject *name, int pos)
{
	PyObject *item = core_item(r, pos);
	int err;

	if (!item)
		return -1;
	err = PyDict_SetItem(dict, name, item);
	Py_DECREF(item);
	return err;
}

/*
 * Add the properties from *@posp on, which becomes the first tag behind them.
 * @n: how many there were. Unless @careful, the last of a name stays.
 */
static int core_add_props(struct core_reader *r, PyObject *dict,
			  int *posp, Py_ssize_t *n, int careful)
{
	int pos = *posp;

	for (*n = 0; fdtx_is_prop(r->fdt, &pos); ++*n) {
		PyObject *name;
		int err = 0;

		name = core_name(r, fdtx_prop_nameoff(r->fdt, pos));
		if (!name)
			return -1;
		if (careful)
			err = PyDict_Contains(dict, name);
		if (!err)
			err = core_add_item(r, dict, name, pos);
		Py_DECREF(name);
		if (err < 0)
			return -1;
		pos = fdtx_tag_at(r->fdt, pos).next;
	}
	*posp = pos;
	return 0;
}

/* The properties from *@posp on, which becomes the first tag behind them, into
 * an empty dict */
static int core_fill_props(struct core_reader *r, PyObject *dict,
			   int *posp)
{
	uint64_t budget = r->budget;
	int start = *posp;
	Py_ssize_t n;

	if (core_add_props(r, dict, posp, &n, 0))
		return -1;
	/* Duplicates are rare, and this is the cheap way to see them */
	if (PyDict_Size(dict) == n)
		return 0;
	PyDict_Clear(dict);
	r->budget = budget;
	*posp = start;
	return core_add_props(r, dict, posp, &n, 1);
}

/* The same as a new dict */
static PyObject *core_props(struct core_reader *r, int *posp)
{
	PyObject *dict = PyDict_New();

	if (dict && core_fill_props(r, dict, posp))
		Py_CLEAR(dict);
	return dict;
}

int core_fill(PyObject *dict, const char *fdt, int body,
	      enum core_item item, uint64_t budget)
{
	struct core_reader r = {
		.fdt = fdt,
		.strings = fdt + fdt_off_dt_strings(fdt),
		.budget = budget,
		.item = item,
	};

	return core_fill_props(&r, dict, &body);
}

PyObject *core_properties(const char *fdt, int body, enum core_item item)
{
	PyObject *dict = PyDict_New();

	if (dict && core_fill(dict, fdt, body, item,
			      (uint64_t)CORE_TEXT_FACTOR * fdt_totalsize(fdt)))
		Py_CLEAR(dict);
	return dict;
}

/*
 * The path of the node that is being read, without a NUL.
 * @len: its bytes; by depth: @end, those of the path of a node above
 */
struct core_path {
	char *s;
	size_t len;
	size_t room;
	size_t end[FDTX_MAX_DEPTH];
};

/* Append '/' and a name; @depth is the node's */
static int core_descend(struct core_path *path, uint32_t depth,
			const char *name, size_t len)
{
	size_t room = path->len + len + 1;

	path->end[depth] = path->len;
	if (room > path->room) {
		char *s = PyMem_Realloc(path->s, 2 * room);

		if (!s) {
			PyErr_NoMemory();
			return -1;
		}
		path->s = s;
		path->room = 2 * room;
	}
	path->s[path->len] = '/';
	memcpy(path->s + path->len + 1, name, len);
	path->len = room;
	return 0;
}

/* Behind the FDT_END_NODE of the node whose first inner tag is at @pos */
static int core_skip_node(const char *fdt, int pos)
{
	int depth = 1;

	while (depth) {
		struct fdtx_tag t = fdtx_tag_at(fdt, pos);

		depth += (t.tag == FDT_BEGIN_NODE) - (t.tag == FDT_END_NODE);
		pos = t.next;
	}
	return pos;
}

/*
 * Add the node whose first inner tag is at *@posp, which becomes the first tag
 * behind its properties.
 *
 * returns: 1; 0 if there is one of its path, which is then replaced unless
 *	@careful; -1
 */
static int put_node(struct core_reader *r, PyObject *tree,
		    const struct core_path *path, int *posp, int careful)
{
	Py_ssize_t n = PyDict_Size(tree);
	PyObject *key, *props;
	int err = 0;

	/* The root's is "/", all others' start with it */
	key = core_spell(r, path->s + (path->len > 1), path->len -
			 (path->len > 1));
	if (!key)
		return -1;
	if (careful)
		err = PyDict_Contains(tree, key);
	if (err) {
		Py_DECREF(key);
		return err < 0 ? -1 : 0;
	}
	props = core_props(r, posp);
	err = props ? PyDict_SetItem(tree, key, props) : -1;
	Py_XDECREF(props);
	Py_DECREF(key);
	return err ? -1 : PyDict_Size(tree) != n;
}

/* returns: 1; 0 if siblings share a name and @careful is not set; -1 */
static int core_add_tree(struct core_reader *r, PyObject *tree,
			 struct core_path *path, int careful)
{
	const char *fdt = r->fdt;
	int pos = (int)fdt_off_dt_struct(fdt), added;
	uint32_t depth = 0;

	path->len = 0;
	do {
		struct fdtx_tag t = fdtx_tag_at(fdt, pos);
		const char *name = fdt + pos + FDT_TAGSIZE;

		pos = t.next;
		if (t.tag == FDT_END_NODE) {
			path->len = path->end[--depth];
		} else if (t.tag == FDT_BEGIN_NODE) {
			/* Properties are read with their node */
			if (core_descend(path, depth, name,
					 (size_t)(fdt + t.end - 1 - name)))
				return -1;
			added = put_node(r, tree, path, &pos, careful);
			if (added < 0 || (!added && !careful))
				return added;
			if (added) {
				depth++;
			} else {
				pos = core_skip_node(fdt, pos);
				path->len = path->end[depth];
			}
		}
	} while (depth || !PyDict_Size(tree));
	return 1;
}

PyObject *core_to_dict(PyObject *module, PyObject *data)
{
	struct core_names names = { .off = { 0 } };
	struct core_reader r = { .names = &names, .item = CORE_VALUE };
	struct core_path path = { .s = NULL };
	PyObject *tree;
	uint64_t budget;
	int done;

	(void)module;
	if (!core_is_sound(data, &r.fdt)) {
		if (PyErr_Occurred())
			return NULL;
		Py_INCREF(Py_None);
		return Py_None;
	}
	r.strings = r.fdt + fdt_off_dt_strings(r.fdt);
	budget = (uint64_t)CORE_TEXT_FACTOR * fdt_totalsize(r.fdt);
	r.budget = budget;
	tree = PyDict_New();
	done = tree ? core_add_tree(&r, tree, &path, 0) : -1;
	if (!done) {
		PyDict_Clear(tree);
		r.budget = budget;
		done = core_add_tree(&r, tree, &path, 1);
	}
	core_forget_names(&names);
	PyMem_Free(path.s);
	if (done < 0)
		Py_CLEAR(tree);
	return tree;
}
