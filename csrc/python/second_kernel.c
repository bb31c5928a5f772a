// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the second kernel's tree for plain arguments
 *
 * Python's way makes a job out of its arguments and goes through cffi, which
 * takes as long as the tree itself. Here plain arguments are taken as they
 * are, and the result is written into the bytes object that is returned.
 * Returns None for unusual arguments, and when an error or a warning is due;
 * Python then handles the call.
 */
#include "kexec/second_kernel_plan.h"
#include "python/core.h"

/* More ranges than any kernel reads are not plain */
#define FDTX_PLAIN_USABLE 8

/* The most that Python's way takes for max_usable */
#define FDTX_MOST_USABLE 65536

enum fdtx_argument {
	ARG_BLOB,
	ARG_WORDS,		/* enum fdtx_words */
	ARG_COMMAND_LINE_SIZE,	/* what the kernel reads, with the NUL */
	ARG_HEADER_INSIDE,	/* whether elfcorehdr belongs into usable */
	ARG_MAX_SIZE,		/* of the result; 0: no limit */
	ARG_CMDLINE,
	ARG_APPEND,
	ARG_INITRD,
	ARG_CRASH,
	ARG_KASLR_SEED,
	ARG_RNG_SEED,
	ARG_MAX_USABLE,
	ARG_ROOT_CELLS_2_2,
	ARG_OLD_DTB,
	ARG_MEM_RANGE,		/* the two classes */
	ARG_CRASH_CLASS,
	N_ARGUMENTS
};

struct fdtx_plain {
	struct fdtx_second_kernel job;
	struct fdt_reg usable[FDTX_PLAIN_USABLE];
	PyObject *text;		/* owns job.cmdline */
	long command_line_size;
	int header_inside;
	long max_size;
};

/* An unsigned 64-bit int, no bool and nothing that only acts like one */
static int plain_u64(PyObject *arg, uint64_t *value)
{
	if (!PyLong_CheckExact(arg))
		return 0;
	*value = PyLong_AsUnsignedLongLong(arg);
	if (*value == UINT64_MAX && PyErr_Occurred()) {
		PyErr_Clear();
		return 0;
	}
	return 1;
}

static int plain_long(PyObject *arg, long *value)
{
	if (!PyLong_CheckExact(arg))
		return 0;
	*value = PyLong_AsLong(arg);
	if (*value == -1 && PyErr_Occurred()) {
		PyErr_Clear();
		return 0;
	}
	return 1;
}

/* A MemRange or a pair, not empty, that ends at or below 2^64 */
static int plain_range(PyObject *arg, PyObject *mem_range, struct fdt_reg *reg)
{
	if ((PyObject *)Py_TYPE(arg) != mem_range && !PyTuple_CheckExact(arg))
		return 0;
	return PyTuple_Size(arg) == 2 &&
	       plain_u64(PyTuple_GetItem(arg, 0), &reg->address) &&
	       plain_u64(PyTuple_GetItem(arg, 1), &reg->size) &&
	       reg->size && reg->size - 1 <= UINT64_MAX - reg->address;
}

static int plain_range_or_none(PyObject *arg, PyObject *mem_range,
			       struct fdt_reg *reg)
{
	reg->address = reg->size = 0;
	return arg == Py_None || plain_range(arg, mem_range, reg);
}

static int plain_crash(PyObject *const *argv, struct fdtx_plain *plain)
{
	PyObject *crash = argv[ARG_CRASH], *usable;
	struct fdtx_second_kernel *job = &plain->job;
	long most;
	Py_ssize_t i, n;

	if (crash == Py_None)
		return 1;
	if ((PyObject *)Py_TYPE(crash) != argv[ARG_CRASH_CLASS] ||
	    PyTuple_Size(crash) != 2)
		return 0;
	usable = PyTuple_GetItem(crash, 1);
	if (!PyTuple_CheckExact(usable) ||
	    !plain_long(argv[ARG_MAX_USABLE], &most))
		return 0;
	n = PyTuple_Size(usable);
	if (n < 1 || n > FDTX_PLAIN_USABLE || n > most ||
	    most > FDTX_MOST_USABLE)
		return 0;
	if (!plain_range(PyTuple_GetItem(crash, 0), argv[ARG_MEM_RANGE],
			 &job->elfcorehdr))
		return 0;
	for (i = 0; i < n; i++)
		if (!plain_range(PyTuple_GetItem(usable, i),
				 argv[ARG_MEM_RANGE], &plain->usable[i]))
			return 0;
	job->usable = plain->usable;
	job->usable_len = (int)n;
	job->root_cells_2_2 = argv[ARG_ROOT_CELLS_2_2] == Py_True;
	return 1;
}

/* Whether @word, without its NUL, stands anywhere in the text */
static int has(const char *text, Py_ssize_t len, const char *word)
{
	size_t n = strlen(word);
	const char *end = text + len;

	while ((text = memchr(text, word[0], (size_t)(end - text)))) {
		if ((size_t)(end - text) < n)
			return 0;
		if (!memcmp(text, word, n))
			return 1;
		text++;
	}
	return 0;
}

/*
 * Whether words are what stands between blanks: no quotes, no other white
 * space, no "--", behind which all is for init. pyfdtx/kexec/cmdline.py has
 * the kernel's rules for all others.
 */
static int plain_words(const char *s, Py_ssize_t len)
{
	Py_ssize_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || (c >= '\n' && c <= '\r') || c == 0xa0 ||
		    (c == '-' && i && s[i - 1] == '-'))
			return 0;
	}
	return 1;
}

static int plain_text(PyObject *const *argv, struct fdtx_plain *plain)
{
	PyObject *text = argv[ARG_CMDLINE];
	struct fdtx_second_kernel *job = &plain->job;
	Py_ssize_t len;
	char *s;

	job->keep_cmdline = text == Py_None;
	if (job->keep_cmdline)
		text = argv[ARG_APPEND];
	else if (argv[ARG_APPEND] != Py_None)
		return 0;
	if (text == Py_None)
		return 1;
	if (!PyUnicode_CheckExact(text))
		return 0;
	plain->text = PyUnicode_AsUTF8String(text);
	if (!plain->text || PyBytes_AsStringAndSize(plain->text, &s, &len)) {
		PyErr_Clear();
		return 0;
	}
	/* Python's way knows about words */
	if (len > plain->command_line_size || memchr(s, '\0', (size_t)len) ||
	    !plain_words(s, len) || has(s, len, "elfcorehdr=") ||
	    (job->elfcorehdr.size && has(s, len, "mem=")))
		return 0;
	job->cmdline = s;
	job->cmdline_len = (int)len;
	return 1;
}

static int plain_seeds(PyObject *const *argv, struct fdtx_second_kernel *job)
{
	PyObject *seed = argv[ARG_RNG_SEED];
	Py_ssize_t len;
	char *s;

	job->has_kaslr_seed = argv[ARG_KASLR_SEED] != Py_None;
	if (job->has_kaslr_seed &&
	    !plain_u64(argv[ARG_KASLR_SEED], &job->kaslr_seed))
		return 0;
	if (seed == Py_None)
		return 1;
	if (!PyBytes_CheckExact(seed) || PyBytes_AsStringAndSize(seed, &s, &len)
	    || len < 1 || len > INT16_MAX)
		return 0;
	job->rng_seed = s;
	job->rng_seed_len = (int)len;
	return 1;
}

static int plain_arguments(PyObject *const *argv, struct fdtx_plain *plain)
{
	long words;

	memset(plain, 0, sizeof(*plain));
	if (!plain_long(argv[ARG_WORDS], &words) ||
	    !plain_long(argv[ARG_COMMAND_LINE_SIZE],
			&plain->command_line_size) ||
	    !plain_long(argv[ARG_MAX_SIZE], &plain->max_size))
		return 0;
	plain->job.words = (unsigned int)words;
	plain->header_inside = argv[ARG_HEADER_INSIDE] == Py_True;
	return plain_range_or_none(argv[ARG_INITRD], argv[ARG_MEM_RANGE],
				   &plain->job.initrd) &&
	       plain_range_or_none(argv[ARG_OLD_DTB], argv[ARG_MEM_RANGE],
				   &plain->job.old_dtb) &&
	       plain_crash(argv, plain) && plain_seeds(argv, &plain->job) &&
	       plain_text(argv, plain);
}

/* Whether [a, a + size) is inside b, or, if not @inside, beside all of b. No
 * range wraps; the last byte counts, as the end may be 2^64. */
static int header_is_well(const struct fdtx_plain *plain)
{
	const struct fdt_reg *header = &plain->job.elfcorehdr;
	uint64_t last = header->address + (header->size - 1);
	int i;

	if (!header->size)
		return 1;
	for (i = 0; i < plain->job.usable_len; i++) {
		const struct fdt_reg *r = &plain->usable[i];
		uint64_t r_last = r->address + (r->size - 1);

		if (plain->header_inside && r->address <= header->address &&
		    last <= r_last)
			return 1;
		if (!plain->header_inside && header->address <= r_last &&
		    r->address <= last)
			return 0;
	}
	return !plain->header_inside;
}

/*
 * All but ARG_BLOB, which is not looked at. The caller keeps the arguments as
 * long as @plain is used, and gives plain->text back in any case.
 */
static int plain_job(PyObject *const *argv, struct fdtx_plain *plain)
{
	return plain_arguments(argv, plain) && header_is_well(plain);
}

/* Whether the old command line, if it stays, has nothing that Python's way
 * must look at, or say about a crash kernel's memory */
static int old_line_is_plain(const struct fdtx_second_kernel_plan *plan)
{
	const struct fdtx_value *old = &plan->old.value[FDTX_BOOTARGS];

	if (!plan->job->keep_cmdline || !old->p)
		return 1;
	return plain_words(old->p, old->len) &&
	       !(plan->job->elfcorehdr.size && has(old->p, old->len, "mem="));
}

/* Whether the plan needs no error and no warning */
static int plain_result(const struct fdtx_plain *plain,
		 const struct fdtx_second_kernel_plan *plan, int size)
{
	return size && (!plain->max_size || size <= plain->max_size) &&
	       plan->bootargs_len < plain->command_line_size &&
	       old_line_is_plain(plan);
}

/* Whether a validated tree may have a pool at a fixed place, whose node is switched
 * off in a crash tree (pyfdtx/kexec/dtb/pools.py, which looks more closely) */
static int may_have_pool(const void *fdt)
{
	static const char home[] = "reserved-memory";
	const size_t len = sizeof(home) - 1;
	const char *name;
	int above, node;

	if (!has((const char *)fdt + fdt_off_dt_strings(fdt),
		 fdt_size_dt_strings(fdt), "reusable"))
		return 0;
	/* libfdt wants the root where the structure block begins */
	if (!fdt_get_name(fdt, 0, NULL))
		return 1;
	fdt_for_each_subnode(above, fdt, 0) {
		name = fdt_get_name(fdt, above, NULL);
		if (strncmp(name, home, len) || (name[len] && name[len] != '@'))
			continue;
		fdt_for_each_subnode(node, fdt, above)
			if (fdt_getprop(fdt, node, "reusable", NULL) &&
			    fdt_getprop(fdt, node, "reg", NULL))
				return 1;
	}
	return 0;
}

static PyObject *make(PyObject *blob, const struct fdtx_plain *plain)
{
	struct fdtx_second_kernel_plan plan;
	PyObject *out;
	Py_ssize_t len;
	char *in;
	int size;

	if (PyBytes_AsStringAndSize(blob, &in, &len))
		return NULL;
	/* Both are immutable and kept by the caller */
	Py_BEGIN_ALLOW_THREADS
	size = fdtx_second_kernel_plan(in, (size_t)len, &plain->job, &plan);
	if (size && plain->job.elfcorehdr.size && may_have_pool(in))
		size = 0;
	Py_END_ALLOW_THREADS
	if (!plain_result(plain, &plan, size))
		Py_RETURN_NONE;
	out = PyBytes_FromStringAndSize(NULL, size);
	if (!out)
		return NULL;
	/* Nobody else has seen it yet */
	fdtx_second_kernel_emit(&plan, PyBytes_AsString(out));
	return out;
}

static PyObject *second_kernel(PyObject *self, PyObject *const *argv,
			       Py_ssize_t argc)
{
	struct fdtx_plain plain;
	PyObject *out;

	(void)self;
	if (argc != N_ARGUMENTS) {
		PyErr_SetString(PyExc_TypeError,
				"second_kernel: wrong number of arguments");
		return NULL;
	}
	if (plain_job(argv, &plain) && PyBytes_CheckExact(argv[ARG_BLOB])) {
		out = make(argv[ARG_BLOB], &plain);
	} else {
		out = Py_None;
		Py_INCREF(out);
	}
	Py_XDECREF(plain.text);
	return out;
}

static PyMethodDef methods[] = {
	{ "second_kernel", FASTCALL(second_kernel),
	  METH_FASTCALL,
	  "second_kernel_dtb() for plain arguments, None for all others" },
	{ NULL, NULL, 0, NULL },
};

int core_add_second_kernel(PyObject *module)
{
	if (PyModule_AddFunctions(module, methods) ||
	    PyModule_AddIntConstant(module, "HEADER_WORD", FDTX_HEADER_WORD) ||
	    PyModule_AddIntConstant(module, "MEM_WORD", FDTX_MEM_WORD) ||
	    PyModule_AddIntConstant(module, "WORDS_FIRST", FDTX_WORDS_FIRST))
		return -1;
	return 0;
}
