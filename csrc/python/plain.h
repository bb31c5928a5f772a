/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_ONESHOT_PLAIN_H
#define FDTX_ONESHOT_PLAIN_H
/*
 * Plain arguments, as second_kernel() and second_kernels() take them.
 */
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x03090000
#endif
#include <Python.h>

#include "kexec/second_kernel_plan.h"

/* Hidden from the limited API before 3.10, the same in every CPython from
 * 3.7 on */
#ifndef METH_FASTCALL
#define METH_FASTCALL 0x0080
#endif

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

/**
 * plain_job - take arguments that are plain
 * @argv: N_ARGUMENTS, kept alive by the caller as long as @plain is used
 * @plain: filled in; @plain->text is to be given back in any case
 *
 * returns: whether all of them but ARG_BLOB, which is not looked at, are
 *	plain, and nobody has to be told anything
 */
int plain_job(PyObject *const *argv, struct fdtx_plain *plain);

/* Whether nobody has to be told anything about what was planned */
int plain_result(const struct fdtx_plain *plain,
		 const struct fdtx_second_kernel_plan *plan, int size);

/* Function of the module: many blobs, in batch.c */
PyObject *second_kernels(PyObject *self, PyObject *const *argv,
			 Py_ssize_t argc);

#endif /* FDTX_ONESHOT_PLAIN_H */
