// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: properties and strings, read
 */
#include <string.h>

#include "args.h"

/* [value as bytes, length], or [None, error] */
static PyObject *fdtd_value(const char *val, int len)
{
	return fdtd_list2(val ? PyBytes_FromStringAndSize(val, len) :
			  fdtd_none(), PyLong_FromLong(len));
}

/* [writable view, length], or [None, error] */
static PyObject *fdtd_value_w(const struct fdtd_blob *b, const char *val,
			      int len)
{
	return fdtd_list2(val ? fdtd_view(b, val, (size_t)len) : fdtd_none(),
			  PyLong_FromLong(len));
}

/* [name, value as bytearray, length]; the error alone, as upstream has it */
static PyObject *fdtd_property_of(const struct fdtd_blob *b,
				  const struct fdt_property *prop, int len)
{
	const char *name = NULL;
	int namelen = len;

	if (prop)
		name = fdt_get_string(b->p, (int)fdt32_ld(&prop->nameoff),
				      &namelen);
	if (!name)
		return PyLong_FromLong(namelen);
	return fdtd_list3(fdtd_strn(name, namelen),
			  PyByteArray_FromStringAndSize(prop->data, len),
			  PyLong_FromLong(len));
}

DEF(fdt_getprop, "fdt, nodeoffset, name",
    "[value as bytes, length], or [None, error]")
{
	const char *val = NULL;
	struct fdtd_text name;
	struct fdtd_blob b;
	int node, len;

	if (ARGS(fdt_getprop, "Bis", &b, &node, &name))
		return NULL;
	len = fdtd_read(&b);
	if (!len)
		val = fdt_getprop(b.p, node, name.s, &len);
	FDTD_DROP(name);
	return fdtd_value(val, len);
}

DEF(fdt_getprop_w, "fdt, nodeoffset, name",
    "[writable view of the value, length], or [None, error]")
{
	const char *val = NULL;
	struct fdtd_text name;
	struct fdtd_blob b;
	int node, len;

	if (ARGS(fdt_getprop_w, "Wis", &b, &node, &name))
		return NULL;
	len = fdtd_read(&b);
	if (!len)
		val = fdt_getprop(b.p, node, name.s, &len);
	FDTD_DROP(name);
	return fdtd_value_w(&b, val, len);
}

/* fdt_getprop_namelen() of a call's arguments; 0: exception */
static int fdtd_namelen(const struct fdtd_blob *b, int node,
			struct fdtd_text *name, int namelen,
			const char **valp, int *lenp)
{
	int good = fdtd_good_len(name, namelen, 0, "namelen");

	*valp = NULL;
	*lenp = good ? fdtd_read(b) : 0;
	if (good && !*lenp)
		*valp = fdt_getprop_namelen(b->p, node, name->s, namelen,
					    lenp);
	FDTD_DROP(*name);
	return good;
}

DEF(fdt_getprop_namelen, "fdt, nodeoffset, name, namelen",
    "fdt_getprop() of the first namelen bytes of a name.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int node, namelen, len;
	const char *val;

	if (ARGS(fdt_getprop_namelen, "Bisi", &b, &node, &name, &namelen) ||
	    !fdtd_namelen(&b, node, &name, namelen, &val, &len))
		return NULL;
	return fdtd_value(val, len);
}

DEF(fdt_getprop_namelen_w, "fdt, nodeoffset, name, namelen",
    "fdt_getprop_w() of the first namelen bytes of a name.")
{
	struct fdtd_text name;
	struct fdtd_blob b;
	int node, namelen, len;
	const char *val;

	if (ARGS(fdt_getprop_namelen_w, "Wisi", &b, &node, &name, &namelen) ||
	    !fdtd_namelen(&b, node, &name, namelen, &val, &len))
		return NULL;
	return fdtd_value_w(&b, val, len);
}

DEF(fdt_getprop_by_offset, "fdt, offset",
    "[value as bytes, name, length], or [None, None, error]")
{
	const char *val = NULL, *name = NULL;
	struct fdtd_blob b;
	int offset, len;

	if (ARGS(fdt_getprop_by_offset, "Bi", &b, &offset))
		return NULL;
	len = fdtd_read(&b);
	if (!len)
		val = fdt_getprop_by_offset(b.p, offset, &name, &len);
	return fdtd_list3(val ? PyBytes_FromStringAndSize(val, len) :
			  fdtd_none(), fdtd_str(val ? name : NULL),
			  PyLong_FromLong(len));
}

#define PROPERTY_BY_OFFSET(fn, buf)					\
	DEF(fn, "fdt, offset",						\
	    "[name, value as bytearray, length], or an error alone")	\
	{								\
		const struct fdt_property *prop = NULL;			\
		struct fdtd_blob b;					\
		int offset, len;					\
									\
		if (ARGS(fn, buf "i", &b, &offset))			\
			return NULL;					\
		len = fdtd_read(&b);					\
		if (!len)						\
			prop = fdt_get_property_by_offset(b.p, offset,	\
							  &len);	\
		return fdtd_property_of(&b, prop, len);			\
	}

PROPERTY_BY_OFFSET(fdt_get_property_by_offset, "B")
PROPERTY_BY_OFFSET(fdt_get_property_by_offset_w, "W")

#define PROPERTY(fn, buf)						\
	DEF(fn, "fdt, nodeoffset, name",				\
	    "[name, value as bytearray, length], or an error alone")	\
	{								\
		const struct fdt_property *prop = NULL;			\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int node, len;						\
									\
		if (ARGS(fn, buf "is", &b, &node, &name))		\
			return NULL;					\
		len = fdtd_read(&b);					\
		if (!len)						\
			prop = fdt_get_property(b.p, node, name.s, &len); \
		FDTD_DROP(name);					\
		return fdtd_property_of(&b, prop, len);			\
	}

PROPERTY(fdt_get_property, "B")
PROPERTY(fdt_get_property_w, "W")

#define PROPERTY_NAMELEN(fn, buf)					\
	DEF(fn, "fdt, nodeoffset, name, namelen",			\
	    "fdt_get_property() of the first namelen bytes of a name.")	\
	{								\
		const struct fdt_property *prop = NULL;			\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int node, namelen, len, good;				\
									\
		if (ARGS(fn, buf "isi", &b, &node, &name, &namelen))	\
			return NULL;					\
		good = fdtd_good_len(&name, namelen, 0, "namelen");	\
		len = good ? fdtd_read(&b) : 0;				\
		if (good && !len)					\
			prop = fdt_get_property_namelen(b.p, node,	\
							name.s, namelen, \
							&len);		\
		FDTD_DROP(name);					\
		return good ? fdtd_property_of(&b, prop, len) : NULL;	\
	}

PROPERTY_NAMELEN(fdt_get_property_namelen, "B")
PROPERTY_NAMELEN(fdt_get_property_namelen_w, "W")

DEF(fdt_get_string, "fdt, stroffset",
    "[string, length] from the strings block, or [None, error]")
{
	const char *s = NULL;
	struct fdtd_blob b;
	int offset, len;

	if (ARGS(fdt_get_string, "Bi", &b, &offset))
		return NULL;
	len = fdtd_read(&b);
	if (!len)
		s = fdt_get_string(b.p, offset, &len);
	return fdtd_list2(fdtd_str(s), PyLong_FromLong(len));
}

DEF(fdt_string, "fdt, stroffset", "String from the strings block, or None.")
{
	struct fdtd_blob b;
	int offset;

	if (ARGS(fdt_string, "Bi", &b, &offset))
		return NULL;
	return fdtd_str(fdtd_read(&b) ? NULL :
			fdt_get_string(b.p, offset, NULL));
}

/* Path of an alias or a label */
#define LOOKUP(fn, impl, text)						\
	DEF(fn, "fdt, name", text)					\
	{								\
		const char *val = NULL;					\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
									\
		if (ARGS(fn, "Bs", &b, &name))				\
			return NULL;					\
		if (!fdtd_read(&b))					\
			val = impl(&b, name.s, (int)strlen(name.s));	\
		FDTD_DROP(name);					\
		return fdtd_str(val);					\
	}								\
	DEF(fn##_namelen, "fdt, name, namelen",				\
	    #fn "() of the first namelen bytes of a name.")		\
	{								\
		const char *val = NULL;					\
		struct fdtd_text name;					\
		struct fdtd_blob b;					\
		int len, good;						\
									\
		if (ARGS(fn##_namelen, "Bsi", &b, &name, &len))		\
			return NULL;					\
		good = fdtd_good_len(&name, len, 0, "namelen");		\
		if (good && !fdtd_read(&b))				\
			val = impl(&b, name.s, len);			\
		FDTD_DROP(name);					\
		return good ? fdtd_str(val) : NULL;			\
	}

LOOKUP(fdt_get_alias, fdtd_get_alias, "Path that an alias stands for, or None.")
LOOKUP(fdt_get_symbol, fdtd_get_symbol, "Path that a label stands for, or None.")

DEF(fdt_stringlist_contains, "strlist, listlen, str",
    "1 if a string is among those in listlen bytes, else 0.")
{
	struct fdtd_text list, s;
	int len, found = 0;
	char *copy;

	if (ARGS(fdt_stringlist_contains, "sis", &list, &len, &s))
		return NULL;
	copy = fdtd_good_len(&list, len, 1, "listlen") ?
		PyMem_Malloc((size_t)len + 2) : NULL;
	if (copy) {
		/* libfdt looks at one byte more */
		memcpy(copy, list.s, (size_t)len);
		memset(copy + len, 0, 2);
		found = fdt_stringlist_contains(copy, len, s.s);
		PyMem_Free(copy);
	} else if (!PyErr_Occurred()) {
		PyErr_NoMemory();
	}
	FDTD_DROP(list);
	FDTD_DROP(s);
	return copy ? PyLong_FromLong(found) : NULL;
}

DEF(fdt_stringlist_search, "fdt, nodeoffset, property, string",
    "Index of a string in a property, or an error.")
{
	struct fdtd_text name, s;
	struct fdtd_blob b;
	int node, err;

	if (ARGS(fdt_stringlist_search, "Biss", &b, &node, &name, &s))
		return NULL;
	err = fdtd_read(&b);
	if (!err)
		err = fdt_stringlist_search(b.p, node, name.s, s.s);
	FDTD_DROP(name);
	FDTD_DROP(s);
	return PyLong_FromLong(err);
}

DEF(fdt_stringlist_get, "fdt, nodeoffset, property, index",
    "[string, length], or [None, error]")
{
	const char *s = NULL;
	struct fdtd_text name;
	struct fdtd_blob b;
	int node, idx, len;

	if (ARGS(fdt_stringlist_get, "Bisi", &b, &node, &name, &idx))
		return NULL;
	len = fdtd_read(&b);
	if (!len && idx < 0)
		/* Counting down from there would take libfdt past INT_MIN */
		idx = INT_MAX;
	if (!len)
		s = fdt_stringlist_get(b.p, node, name.s, idx, &len);
	FDTD_DROP(name);
	return fdtd_list2(fdtd_str(s), PyLong_FromLong(len));
}

PyMethodDef fdtd_value_functions[] = {
	ROW(fdt_getprop), ROW(fdt_getprop_w), ROW(fdt_getprop_namelen),
	ROW(fdt_getprop_namelen_w), ROW(fdt_getprop_by_offset),
	ROW(fdt_get_property_by_offset), ROW(fdt_get_property_by_offset_w),
	ROW(fdt_get_property), ROW(fdt_get_property_w),
	ROW(fdt_get_property_namelen), ROW(fdt_get_property_namelen_w),
	ROW(fdt_get_string), ROW(fdt_string), ROW(fdt_get_alias),
	ROW(fdt_get_alias_namelen), ROW(fdt_get_symbol),
	ROW(fdt_get_symbol_namelen), ROW(fdt_stringlist_contains),
	ROW(fdt_stringlist_search), ROW(fdt_stringlist_get),
	{ NULL, NULL, 0, NULL },
};
