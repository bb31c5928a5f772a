// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: header fields, checks, loads and stores
 */
#include <string.h>

#include "args.h"

/* Whether the header reaches as far as the field at @pos */
static int fdtd_has_field(const struct fdtd_blob *b, size_t pos)
{
	if (b->len >= pos + 4)
		return 1;
	PyErr_Format(PyExc_ValueError,
		     "%zu bytes are too short for a device tree header",
		     b->len);
	return 0;
}

#define FIELD(name, pos)						\
	DEF(fdt_##name, "fdt", "The header field " #name ".")		\
	{								\
		struct fdtd_blob b;					\
									\
		if (ARGS(fdt_##name, "B", &b) ||			\
		    !fdtd_has_field(&b, pos))				\
			return NULL;					\
		return PyLong_FromUnsignedLong(				\
			fdt32_ld((const fdt32_t *)(b.p + (pos))));	\
	}								\
	DEF(fdt_set_##name, "fdt, val", "Store the header field " #name ".") \
	{								\
		struct fdtd_blob b;					\
		uint32_t val;						\
									\
		if (ARGS(fdt_set_##name, "Wu", &b, &val) ||		\
		    !fdtd_has_field(&b, pos))				\
			return NULL;					\
		fdt32_st(b.p + (pos), val);				\
		return fdtd_none();					\
	}

#define POS(field) offsetof(struct fdt_header, field)

FIELD(magic, POS(magic))
FIELD(totalsize, POS(totalsize))
FIELD(off_dt_struct, POS(off_dt_struct))
FIELD(off_dt_strings, POS(off_dt_strings))
FIELD(off_mem_rsvmap, POS(off_mem_rsvmap))
FIELD(version, POS(version))
FIELD(last_comp_version, POS(last_comp_version))
FIELD(boot_cpuid_phys, POS(boot_cpuid_phys))
FIELD(size_dt_strings, POS(size_dt_strings))
FIELD(size_dt_struct, POS(size_dt_struct))

DEF(fdt_header_size, "fdt", "Bytes of the header, by its version.")
{
	struct fdtd_blob b;

	if (ARGS(fdt_header_size, "B", &b) ||
	    !fdtd_has_field(&b, POS(version)))
		return NULL;
	return PyLong_FromSize_t(fdt_header_size(b.p));
}

DEF(fdt_header_size_, "version", "Bytes of a header of that version.")
{
	uint32_t version;

	if (ARGS(fdt_header_size_, "u", &version))
		return NULL;
	return PyLong_FromSize_t(fdt_header_size_(version));
}

DEF(fdt_check_header, "fdt", "0, or what is wrong with the header.")
{
	struct fdtd_blob b;

	if (ARGS(fdt_check_header, "B", &b))
		return NULL;
	return PyLong_FromLong(fdtd_check_header(&b));
}

DEF(fdt_check_full, "fdt, bufsize",
    "0, or what is wrong with the tree in the first bufsize bytes.")
{
	struct fdtd_blob b;
	size_t bufsize;

	if (ARGS(fdt_check_full, "Bz", &b, &bufsize))
		return NULL;
	return PyLong_FromLong(fdtd_check_full(&b, bufsize));
}

DEF(fdt_strerror, "errval", "Name of a negative error code.")
{
	int err;

	if (ARGS(fdt_strerror, "i", &err))
		return NULL;
	/* libfdt takes the absolute value, which INT_MIN has not */
	return fdtd_str(fdt_strerror(err < -1000 ? -1000 : err));
}

/* Bytes at the start of any bytes-like object; -1: exception */
static int fdtd_load(PyObject *p, unsigned char *to, Py_ssize_t size,
		     const char *wrong)
{
	PyObject *view = PyMemoryView_FromObject(p), *bytes = NULL;
	int err = -1;

	if (!view)
		PyErr_SetString(PyExc_TypeError, wrong);
	else
		bytes = PyBytes_FromObject(view);
	if (bytes && PyBytes_Size(bytes) < size)
		PyErr_Format(PyExc_ValueError, "%zd bytes are too few for %zd",
			     PyBytes_Size(bytes), size);
	else if (bytes) {
		memcpy(to, PyBytes_AsString(bytes), (size_t)size);
		err = 0;
	}
	Py_XDECREF(bytes);
	Py_XDECREF(view);
	return err;
}

#define LOAD(fn, bytes, type)						\
	DEF(fn, "p", "The big-endian number that a buffer starts with.") \
	{								\
		unsigned char raw[bytes];				\
		unsigned long long val = 0;				\
		PyObject *p;						\
		size_t i;						\
									\
		if (ARGS(fn, "O", &p) ||				\
		    fdtd_load(p, raw, bytes, "in method '" #fn		\
			      "', argument 1 of type '" type " const *'")) \
			return NULL;					\
		for (i = 0; i < sizeof(raw); i++)			\
			val = val << 8 | raw[i];			\
		return PyLong_FromUnsignedLongLong(val);		\
	}

LOAD(fdt16_ld, 2, "fdt16_t")
LOAD(fdt32_ld, 4, "fdt32_t")
LOAD(fdt64_ld, 8, "fdt64_t")

/* Whether @size bytes can be stored */
static int fdtd_room(const struct fdtd_blob *b, size_t size)
{
	if (b->len >= size)
		return 1;
	PyErr_Format(PyExc_ValueError, "%zu bytes are too few for %zu", b->len,
		     size);
	return 0;
}

DEF(fdt32_st, "property, value", "Store a big-endian number.")
{
	struct fdtd_blob b;
	uint32_t val;

	if (ARGS(fdt32_st, "Wu", &b, &val) || !fdtd_room(&b, sizeof(val)))
		return NULL;
	fdt32_st(b.p, val);
	return fdtd_none();
}

DEF(fdt64_st, "property, value", "Store a big-endian number.")
{
	struct fdtd_blob b;
	uint64_t val;

	if (ARGS(fdt64_st, "WU", &b, &val) || !fdtd_room(&b, sizeof(val)))
		return NULL;
	fdt64_st(b.p, val);
	return fdtd_none();
}

#define ROWS(name) ROW(fdt_##name), ROW(fdt_set_##name)

PyMethodDef fdtd_header_functions[] = {
	ROWS(magic), ROWS(totalsize), ROWS(off_dt_struct),
	ROWS(off_dt_strings), ROWS(off_mem_rsvmap), ROWS(version),
	ROWS(last_comp_version), ROWS(boot_cpuid_phys),
	ROWS(size_dt_strings), ROWS(size_dt_struct),
	ROW(fdt_header_size), ROW(fdt_header_size_), ROW(fdt_check_header),
	ROW(fdt_check_full), ROW(fdt_strerror), ROW(fdt16_ld), ROW(fdt32_ld),
	ROW(fdt64_ld), ROW(fdt32_st), ROW(fdt64_st), { NULL, NULL, 0, NULL },
};
