// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the same job on many blobs
 *
 * Planning and writing do without the GIL. In between it is taken once for
 * several blobs, to make the objects that the results are written into: threads
 * meet seldom, and what has been read is still in the cache when it is written.
 */
#include "plain.h"

#define CHUNK 8

struct chunk {
	struct fdtx_second_kernel job[CHUNK];
	struct fdtx_second_kernel_plan plan[CHUNK];
	PyObject *blob[CHUNK];	/* owned, as are the trees; NULL if missing */
	const char *in[CHUNK];
	size_t len[CHUNK];
	int size[CHUNK];
	PyObject *tree[CHUNK];
	char *out[CHUNK];	/* or NULL */
};

/*
 * Seeds for each of the blobs, one behind the other.
 * @each: bytes for one; 0: all have what is in the job
 */
struct seeds {
	const char *data;
	Py_ssize_t each;
};

/* @each is given, or follows from the length if it is 0 */
static int take_seeds(PyObject *arg, Py_ssize_t n, Py_ssize_t each,
		      struct seeds *seeds)
{
	Py_ssize_t len;
	char *s;

	seeds->data = "";
	seeds->each = 0;
	if (arg == Py_None)
		return 0;
	if (PyBytes_AsStringAndSize(arg, &s, &len))
		return -1;
	if (!each && n)
		each = len / n;
	if (each < 1 || each > INT16_MAX || len / each < n) {
		PyErr_SetString(PyExc_ValueError, "too few seeds");
		return -1;
	}
	seeds->data = s;
	seeds->each = each;
	return 0;
}

static void make_plans(struct chunk *chunk, Py_ssize_t n,
		       const struct fdtx_plain *plain)
{
	Py_ssize_t i;

	for (i = 0; i < n; i++) {
		chunk->size[i] = fdtx_second_kernel_plan(chunk->in[i],
							 chunk->len[i],
							 &chunk->job[i],
							 &chunk->plan[i]);
		if (!plain_result(plain, &chunk->plan[i], chunk->size[i]))
			chunk->size[i] = 0;
	}
}

static void write_trees(struct chunk *chunk, Py_ssize_t n)
{
	Py_ssize_t i;

	for (i = 0; i < n; i++)
		if (chunk->out[i])
			fdtx_second_kernel_emit(&chunk->plan[i], chunk->out[i]);
}

/* Take @n blobs from @at on: who else has the list may change it */
static int take_blobs(struct chunk *chunk, PyObject *blobs, Py_ssize_t at,
		      Py_ssize_t n)
{
	Py_ssize_t i, len;
	char *s;

	for (i = 0; i < n; i++) {
		PyObject *blob = PyList_GetItem(blobs, at + i);

		if (!blob || PyBytes_AsStringAndSize(blob, &s, &len))
			return -1;
		Py_INCREF(blob);
		chunk->blob[i] = blob;
		chunk->in[i] = s;
		chunk->len[i] = (size_t)len;
	}
	return 0;
}

static void make_jobs(struct chunk *chunk, Py_ssize_t n,
		      const struct fdtx_plain *plain, struct seeds *kaslr,
		      struct seeds *rng)
{
	Py_ssize_t i;

	for (i = 0; i < n; i++) {
		chunk->job[i] = plain->job;
		if (kaslr->each) {
			chunk->job[i].has_kaslr_seed = 1;
			memcpy(&chunk->job[i].kaslr_seed, kaslr->data +
			       i * kaslr->each, sizeof(uint64_t));
		}
		if (rng->each) {
			chunk->job[i].rng_seed = rng->data + i * rng->each;
			chunk->job[i].rng_seed_len = (int)rng->each;
		}
	}
	kaslr->data += n * kaslr->each;
	rng->data += n * rng->each;
}

static int make_trees(struct chunk *chunk, Py_ssize_t n)
{
	Py_ssize_t i;

	for (i = 0; i < n; i++) {
		if (!chunk->size[i])
			continue;
		chunk->tree[i] = PyBytes_FromStringAndSize(NULL,
							   chunk->size[i]);
		if (!chunk->tree[i])
			return -1;
		chunk->out[i] = PyBytes_AsString(chunk->tree[i]);
	}
	return 0;
}

/* Nobody sees a tree before it is written */
static int give_trees(struct chunk *chunk, PyObject *results, Py_ssize_t at,
		      Py_ssize_t n)
{
	Py_ssize_t i;

	for (i = 0; i < n; i++) {
		PyObject *tree = chunk->tree[i];

		if (!tree)
			continue;
		chunk->tree[i] = NULL;
		if (PyList_SetItem(results, at + i, tree))
			return -1;
	}
	return 0;
}

static int do_chunk(struct chunk *chunk, PyObject *blobs, PyObject *results,
		    Py_ssize_t at, Py_ssize_t n, const struct fdtx_plain *plain,
		    struct seeds *kaslr, struct seeds *rng)
{
	Py_ssize_t i;
	int err;

	for (i = 0; i < n; i++) {
		chunk->blob[i] = chunk->tree[i] = NULL;
		chunk->out[i] = NULL;
	}
	err = take_blobs(chunk, blobs, at, n);
	if (!err) {
		make_jobs(chunk, n, plain, kaslr, rng);
		Py_BEGIN_ALLOW_THREADS
		make_plans(chunk, n, plain);
		Py_END_ALLOW_THREADS
		err = make_trees(chunk, n);
	}
	if (!err) {
		Py_BEGIN_ALLOW_THREADS
		write_trees(chunk, n);
		Py_END_ALLOW_THREADS
		err = give_trees(chunk, results, at, n);
	}
	for (i = 0; i < n; i++) {
		Py_XDECREF(chunk->blob[i]);
		Py_XDECREF(chunk->tree[i]);
	}
	return err;
}

/*
 * second_kernels(results, first, last, kaslr_seeds, rng_seeds, ...): the
 * further arguments are those of second_kernel(), but for a list of blobs in
 * place of the blob. Blobs from first to, not including, last are done;
 * results is a list as long as blobs, into which trees are put; what is left
 * to Python's way stays as it is. Seeds are None, or bytes with 8, or any
 * number of, bytes for each of the blobs from first to last.
 *
 * returns: whether the arguments are plain; False has done nothing
 */
PyObject *second_kernels(PyObject *self, PyObject *const *argv,
			 Py_ssize_t argc)
{
	struct seeds kaslr, rng;
	struct fdtx_plain plain;
	struct chunk *chunk = NULL;
	Py_ssize_t first, last, n;
	PyObject *blobs;
	int plainly, err = 0;

	(void)self;
	if (argc != 5 + N_ARGUMENTS || !PyList_Check(argv[0]) ||
	    !PyList_Check(argv[5 + ARG_BLOB])) {
		PyErr_SetString(PyExc_TypeError,
				"second_kernels: wrong arguments");
		return NULL;
	}
	blobs = argv[5 + ARG_BLOB];
	n = PyList_Size(blobs);
	first = PyLong_AsSsize_t(argv[1]);
	last = PyLong_AsSsize_t(argv[2]);
	if (PyErr_Occurred())
		return NULL;
	if (first < 0 || last < first || last > n ||
	    PyList_Size(argv[0]) != n) {
		PyErr_SetString(PyExc_IndexError,
				"second_kernels: no such blobs");
		return NULL;
	}
	if (take_seeds(argv[3], last - first, sizeof(uint64_t), &kaslr) ||
	    take_seeds(argv[4], last - first, 0, &rng))
		return NULL;

	plainly = plain_job(argv + 5, &plain);
	if (plainly) {
		chunk = PyMem_Malloc(sizeof(*chunk));
		if (!chunk) {
			Py_XDECREF(plain.text);
			return PyErr_NoMemory();
		}
	}
	for (; plainly && !err && first < last; first += CHUNK)
		err = do_chunk(chunk, blobs, argv[0], first,
			       last - first < CHUNK ? last - first : CHUNK,
			       &plain, &kaslr, &rng);
	PyMem_Free(chunk);
	Py_XDECREF(plain.text);
	return err ? NULL : PyBool_FromLong(plainly);
}
