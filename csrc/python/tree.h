/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CORE_TREE_H
#define FDTX_CORE_TREE_H
/*
 * The tree that is edited: its lock, its bytes, handles of its nodes.
 *
 * The common case is one call here: plain arguments, no error. Every other
 * case is left to the method of the same name in Python (core_general()),
 * which handles all cases and words the errors.
 *
 * Hold the lock to look at the bytes, and keep no pointer into them across
 * anything that may run Python code: creating a list, dict, set or node may,
 * for the garbage collector then calls finalizers. Creating str, bytes and int
 * does not.
 */
#include "blob/tags.h"
#include "core.h"
#include "gate.h"

/**
 * struct core_lock - re-entrant, as threading.RLock; taken here without a call
 * @owner: the thread that has it @count times
 * @gate: locked unless @open; @waiters threads want to pass
 */
struct core_lock {
	PyObject_HEAD
	core_gate gate;
	unsigned long owner;
	int count, waiters, open;
};

/* 1 if it was taken; 0 if not and not @blocking; -1 with an exception */
int core_lock_take(struct core_lock *self, int blocking);
void core_lock_drop(struct core_lock *self);
/* Whether this thread has it */
int core_is_owned(const struct core_lock *self);
int core_is_lock(PyObject *o);

/* So many moves are known */
#define CORE_MOVES 256

/* Whatever stood at @place or behind now stands @by bytes further */
struct core_move {
	int place, by;
};

/**
 * struct core_blob - base of the Python class Blob, which says what is what
 * @plain_lock: whether @lock is a struct core_lock
 * @strays: how often anything asked for the bytes without the lock
 * @first: number of the edit before move[0]
 * @places: {name: FDT_PROP, bytes from the start of the blob} of one large
 *	node, right as long as @edits is @places_edit; or NULL. The structure
 *	block started at @places_start.
 */
struct core_blob {
	PyObject_HEAD
	PyObject *buf;
	PyObject *lock;
	PyObject *weak;
	int plain_lock;
	long long edits, deaths, forgotten, strays;
	long long first;
	int moves;
	struct core_move move[CORE_MOVES];
	PyObject *places;
	long long places_edit;
	int places_offset;
	uint32_t places_start;
};

/* Take the lock; 0, or -1 with an exception. Give it back, exception or not. */
int core_enter(struct core_blob *blob);
void core_leave(struct core_blob *blob);

/* The bytes, with the lock; NULL, no exception, if there are none, or if the
 * caller has not taken it */
char *core_bytes(struct core_blob *blob);
/* What a tree that grows has in any case */
#define CORE_SLACK 256
/* Make room for @need bytes more, growing by half at least. Moves the bytes.
 * 1; 0 if no device tree is so large; -1 with an exception, nothing is done */
int core_make_room(struct core_blob *blob, long long need);
/* Note what an edit has moved */
void core_moved(struct core_blob *blob, int place, int by);
/* Forget all that is known of places and nodes */
void core_forget(struct core_blob *blob);
/* Where what was at @offset after @edit is now; -1 if that is not known */
int core_now(const struct core_blob *blob, int offset, long long edit);

/**
 * struct core_node - base of the Python class Node
 * @parent: NULL for the root
 * @offset: where it was after @edit, -1 for never
 * @dead: it or a node above was deleted; right for blob->deaths == @deaths
 * @bucket, @buckets, @children: handles of nodes below by name, not owned;
 *	@next: the next in the same bucket; @linked: whether it is in one
 * @added: children added since the names were last worth nothing
 * @names: set of the names of all children, right at @names_at; or NULL
 * @end, @end_edit: its FDT_END_NODE, as @offset and @edit
 * @seen: the last walk that came by
 */
struct core_node {
	PyObject_HEAD
	PyObject *fdt;
	struct core_blob *blob;
	struct core_node *parent;
	PyObject *name;
	PyObject *weak;
	int offset;
	int dead;
	long long edit;
	long long deaths;
	struct core_node **bucket, *next;
	unsigned int buckets, children;
	int linked;
	int added;
	PyObject *names;
	long long names_at;
	int end;
	long long end_edit;
	long long seen;
};

/* Handle of a child that there is, borrowed; NULL, no exception, if nobody has
 * one */
struct core_node *core_known_child(const struct core_node *parent,
				   PyObject *name);
/* The one handle of a child, which was at @offset after @edit; a new reference.
 * May run Python code. */
struct core_node *core_child_at(struct core_node *parent, PyObject *name,
				int offset, long long edit);
/* The handle above knows it under its name: 0, or -1 with an exception; no more */
int core_link_child(struct core_node *child);
void core_unlink_child(struct core_node *child);
/* Slots of the type in node.c */
PyObject *core_node_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
int core_node_traverse(PyObject *self, visitproc visit, void *arg);
int core_node_clear(PyObject *self);
void core_node_dealloc(PyObject *self);

/* Whether the node, or one above, was deleted */
int core_is_dead(struct core_node *self);
/* Its offset, with the lock; -1, no exception, if it is deleted or lost */
int core_at(struct core_node *self);

/* ASCII without NUL, not empty: NULL, no exception, for everything else */
const char *core_plain(PyObject *text, size_t *lenp);

/* An int that fits, no subclass; 0, no exception, for everything else */
int core_number(PyObject *o, uint64_t max, uint64_t *value);
/* The UTF-8 of a text without NUL, no subclass; NULL, no exception, for
 * everything else */
const char *core_text(PyObject *o, size_t *lenp);

/* Set or append to a property. With the lock, at the node's offset.
 * 1; 0 if that cannot be done; -1 with an exception, nothing is done */
int core_write(struct core_blob *blob, int at, const char *name,
	       const void *data, size_t len, int append);
/* Likewise delete all of that name: 1; 0 if there is none */
int core_delete(struct core_blob *blob, int at, const char *name);

/* The method of that name in the Python class behind struct core_node */
PyObject *core_general(PyObject *self, const char *name, PyObject *const *argv,
		       Py_ssize_t argc, PyObject *kwnames);

/* Methods and slots of props.c, for the type in node.c */
PyObject *core_getitem(PyObject *self, PyObject *name);
int core_setitem(PyObject *self, PyObject *name, PyObject *value);
int core_contains(PyObject *self, PyObject *name);
PyObject *core_iterate(PyObject *self);
PyObject *core_values(PyObject *self, PyObject *unused);
#define CORE_METHOD(fn)							\
	PyObject *fn(PyObject *self, PyObject *const *argv, Py_ssize_t argc, \
		     PyObject *kwnames)
CORE_METHOD(core_find);
CORE_METHOD(core_get_u32);
CORE_METHOD(core_get_u64);
CORE_METHOD(core_get_string);
CORE_METHOD(core_set_u32);
CORE_METHOD(core_set_u64);
CORE_METHOD(core_set_string);
CORE_METHOD(core_append);
CORE_METHOD(core_set_reg);
CORE_METHOD(core_append_reg);

/* The base of an object's type that has this tp_dealloc, borrowed, or NULL:
 * one of our types, whatever Python class derives from it */
PyTypeObject *core_base(PyObject *o, destructor dealloc);
PyTypeObject *core_base_of(PyTypeObject *type, destructor dealloc);
int core_is_blob(PyObject *o);
int core_is_node(PyObject *o);

/* super(base, self).name(...) */
PyObject *core_super(PyTypeObject *base, PyObject *self, const char *name,
		     PyObject *const *argv, Py_ssize_t argc, PyObject *kwnames);

/* Each adds a type to the module */
int core_add_lock(PyObject *module);
int core_add_blob(PyObject *module);
int core_add_node(PyObject *module);
int core_add_edit(PyObject *module);

/* begin_edit(class, fdt, blob) */
PyObject *core_begin_edit(PyObject *module, PyObject *const *argv,
			  Py_ssize_t argc);

#endif /* FDTX_CORE_TREE_H */
