// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the drop-in: arguments and results
 */
#include <limits.h>
#include <string.h>

#include "args.h"

#define FDTD_MAX_ARGS 8

/* Number and name of an argument of the function that @doc describes */
struct fdtd_arg {
	const char *name;
	size_t len;
};

static int fdtd_names(const char *doc, struct fdtd_arg *names)
{
	const char *p = strchr(doc, '(') + 1;
	int n = 0;

	while (n < FDTD_MAX_ARGS && *p != ')') {
		names[n].name = p;
		names[n].len = strcspn(p, "=,)");
		n++;
		p += strcspn(p, ",)");
		p += strspn(p, ", ");
	}
	return n;
}

/* The function's name, in a form that PyErr_Format() can take */
struct fdtd_name {
	char s[48];
};

static struct fdtd_name fdtd_name(const char *doc)
{
	size_t len = strcspn(doc, "(");
	struct fdtd_name name = { "" };

	memcpy(name.s, doc, len < sizeof(name.s) ? len : sizeof(name.s) - 1);
	return name;
}

static int fdtd_find(const struct fdtd_arg *names, int n, const char *key)
{
	int i;

	for (i = 0; i < n; i++)
		if (strlen(key) == names[i].len &&
		    !memcmp(key, names[i].name, names[i].len))
			return i;
	return -1;
}

/* Keyword arguments, and complaints about the number of arguments */
static int fdtd_sort(const char *doc, int min, PyObject *const *argv,
		     Py_ssize_t argc, PyObject *kwnames, PyObject **out)
{
	struct fdtd_arg names[FDTD_MAX_ARGS];
	struct fdtd_name fn = fdtd_name(doc);
	int i, max = fdtd_names(doc, names);
	Py_ssize_t k, nkw = kwnames ? PyTuple_Size(kwnames) : 0;

	if (argc > max) {
		PyErr_Format(PyExc_TypeError,
			     "%s() takes %d positional argument%s but %zd %s given",
			     fn.s, max, max == 1 ? "" : "s", argc,
			     argc == 1 ? "was" : "were");
		return -1;
	}
	for (i = 0; i < max; i++)
		out[i] = i < argc ? argv[i] : NULL;
	for (k = 0; k < nkw; k++) {
		PyObject *key = PyTuple_GetItem(kwnames, k);
		PyObject *ascii = key ? PyUnicode_AsUTF8String(key) : NULL;

		if (!ascii)
			return -1;
		i = fdtd_find(names, max, PyBytes_AsString(ascii));
		Py_DECREF(ascii);
		if (i < 0 || out[i]) {
			PyErr_Format(PyExc_TypeError, i < 0 ?
				     "%s() got an unexpected keyword argument '%U'" :
				     "%s() got multiple values for argument '%U'",
				     fn.s, key);
			return -1;
		}
		out[i] = argv[argc + k];
	}
	for (i = 0; i < min; i++) {
		PyObject *name;

		if (out[i])
			continue;
		name = PyUnicode_FromStringAndSize(names[i].name,
						   (Py_ssize_t)names[i].len);
		if (name)
			PyErr_Format(PyExc_TypeError,
				     "%s() missing 1 required positional argument: '%U'",
				     fn.s, name);
		Py_XDECREF(name);
		return -1;
	}
	return 0;
}

/* The exception for argument @i, worded as SWIG does */
static int fdtd_wrong(const char *doc, int i, PyObject *kind,
		      const char *type)
{
	PyErr_Format(kind, "in method '%s', argument %d of type '%s'",
		     fdtd_name(doc).s, i + 1, type);
	return -1;
}

/* An int in [min, max], no other type */
static int fdtd_integer(const char *doc, int i, PyObject *arg,
			const char *type, long long min, long long max,
			long long *out)
{
	if (!PyLong_Check(arg))
		return fdtd_wrong(doc, i, PyExc_TypeError, type);
	*out = PyLong_AsLongLong(arg);
	if (*out == -1 && PyErr_Occurred())
		PyErr_Clear();
	else if (*out >= min && *out <= max)
		return 0;
	return fdtd_wrong(doc, i, PyExc_OverflowError, type);
}

static int fdtd_unsigned(const char *doc, int i, PyObject *arg,
			 const char *type, unsigned long long *out)
{
	if (!PyLong_Check(arg))
		return fdtd_wrong(doc, i, PyExc_TypeError, type);
	*out = PyLong_AsUnsignedLongLong(arg);
	if (*out == (unsigned long long)-1 && PyErr_Occurred()) {
		PyErr_Clear();
		return fdtd_wrong(doc, i, PyExc_OverflowError, type);
	}
	return 0;
}

static int fdtd_text(const char *doc, int i, PyObject *arg,
		     struct fdtd_text *text)
{
	text->ref = PyUnicode_Check(arg) ? PyUnicode_AsUTF8String(arg) : NULL;
	if (!text->ref) {
		PyErr_Clear();
		return fdtd_wrong(doc, i, PyExc_TypeError, "char const *");
	}
	text->s = PyBytes_AsString(text->ref);
	text->len = PyBytes_Size(text->ref);
	return 0;
}

static int fdtd_bytes(const char *doc, int i, PyObject *arg,
		      struct fdtd_text *text)
{
	if (!PyBytes_Check(arg)) {
		PyErr_Format(PyExc_TypeError,
			     "bytes expected in method '%s', argument %d of type 'void const *'",
			     fdtd_name(doc).s, i + 1);
		return -1;
	}
	Py_INCREF(arg);
	text->ref = arg;
	text->s = PyBytes_AsString(arg);
	text->len = PyBytes_Size(arg);
	return 0;
}

static int fdtd_convert(const char *doc, int i, char letter, PyObject *arg,
			void *out)
{
	unsigned long long u;
	long long n;

	switch (letter) {
	case 'B':
	case 'W': {
		struct fdtd_blob *b = out;

		if (!arg || !PyByteArray_Check(arg))
			return fdtd_wrong(doc, i, PyExc_TypeError,
					  letter == 'B' ? "void const *" :
					  "void *");
		b->owner = arg;
		b->p = PyByteArray_AsString(arg);
		b->len = (size_t)PyByteArray_Size(arg);
		return 0;
	}
	case 'i':
		if (fdtd_integer(doc, i, arg, "int", INT_MIN, INT_MAX, &n))
			return -1;
		*(int *)out = (int)n;
		return 0;
	case 'u':
		if (fdtd_integer(doc, i, arg, "uint32_t", 0, UINT32_MAX, &n))
			return -1;
		*(uint32_t *)out = (uint32_t)n;
		return 0;
	case 'U':
		if (fdtd_unsigned(doc, i, arg, "uint64_t", &u))
			return -1;
		*(uint64_t *)out = u;
		return 0;
	case 'z':
		if (fdtd_unsigned(doc, i, arg, "size_t", &u))
			return -1;
		if (u > SIZE_MAX)
			return fdtd_wrong(doc, i, PyExc_OverflowError,
					  "size_t");
		*(size_t *)out = (size_t)u;
		return 0;
	case 's':
		return fdtd_text(doc, i, arg, out);
	case 'y':
		return fdtd_bytes(doc, i, arg, out);
	case 'n':
	case 'N':
	case 'P':
		if (arg && arg != Py_None)
			return fdtd_wrong(doc, i, PyExc_TypeError,
					  letter == 'n' ? "int *" :
					  letter == 'N' ? "void **" :
					  "char const **");
		return 0;
	default:
		*(PyObject **)out = arg;
		return 0;
	}
}

int fdtd_args(const char *doc, const char *fmt, PyObject *const *argv,
	      Py_ssize_t argc, PyObject *kwnames, ...)
{
	PyObject *sorted[FDTD_MAX_ARGS];
	struct fdtd_text *texts[FDTD_MAX_ARGS];
	const char *optional = strchr(fmt, '|');
	int n = (int)strlen(fmt) - !!optional, ntexts = 0, err = 0, i;
	int min = optional ? (int)(optional - fmt) : n;
	va_list out;

	if (argc != n || kwnames) {
		if (fdtd_sort(doc, min, argv, argc, kwnames, sorted))
			return -1;
		argv = sorted;
	}
	va_start(out, kwnames);
	for (i = 0; i < n && !err; i++) {
		char letter = fmt[i + (i >= min)];
		void *place = strchr("nNP", letter) ? NULL :
			va_arg(out, void *);

		err = fdtd_convert(doc, i, letter, argv[i], place);
		if (!err && (letter == 's' || letter == 'y'))
			texts[ntexts++] = place;
	}
	va_end(out);
	while (err && ntexts)
		FDTD_DROP(*texts[--ntexts]);
	return err;
}

PyObject *fdtd_list3(PyObject *a, PyObject *b, PyObject *c)
{
	PyObject *items[3] = { a, b, c }, *list = NULL;
	int i;

	if (a && b && c)
		list = PyList_New(3);
	for (i = 0; i < 3; i++) {
		if (list)
			PyList_SetItem(list, i, items[i]);
		else
			Py_XDECREF(items[i]);
	}
	return list;
}

PyObject *fdtd_list2(PyObject *a, PyObject *b)
{
	PyObject *list = a && b ? PyList_New(2) : NULL;

	if (!list) {
		Py_XDECREF(a);
		Py_XDECREF(b);
		return NULL;
	}
	PyList_SetItem(list, 0, a);
	PyList_SetItem(list, 1, b);
	return list;
}

PyObject *fdtd_none(void)
{
	Py_INCREF(Py_None);
	return Py_None;
}

PyObject *fdtd_strn(const char *s, Py_ssize_t len)
{
	return PyUnicode_DecodeUTF8(s, len, "surrogateescape");
}

PyObject *fdtd_str(const char *s)
{
	return s ? fdtd_strn(s, (Py_ssize_t)strlen(s)) : fdtd_none();
}

PyObject *fdtd_view(const struct fdtd_blob *b, const char *p, size_t len)
{
	Py_ssize_t start = p - b->p;
	PyObject *all = PyMemoryView_FromObject(b->owner), *part;

	if (!all)
		return NULL;
	part = PySequence_GetSlice(all, start, start + (Py_ssize_t)len);
	Py_DECREF(all);
	return part;
}

int fdtd_good_len(const struct fdtd_text *text, int len, int nul,
		  const char *what)
{
	if (len >= 0 && len <= text->len + nul)
		return 1;
	PyErr_Format(PyExc_ValueError, "%s is %d, but there are %zd bytes%s",
		     what, len, text->len, nul ? " and a NUL" : "");
	return 0;
}

int fdtd_good_bufsize(const struct fdtd_blob *buf, int bufsize)
{
	if (bufsize < 0 || (size_t)bufsize <= buf->len)
		return 1;
	PyErr_Format(PyExc_ValueError,
		     "bufsize is %d, but the buffer has %zu bytes", bufsize,
		     buf->len);
	return 0;
}
