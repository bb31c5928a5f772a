/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef EXERCISE_H
#define EXERCISE_H
/*
 * Everything that may be done to a blob once fdtx_check() has accepted it,
 * in buffers of exactly the needed size, for the sweep and for the fuzzer.
 * A broken promise is printed and aborts; a sanitizer finds the rest.
 */
#include <stddef.h>

#include "edit/ops.h"

struct sample {
	const char *name;
	void *data;		/* malloc'ed, exactly size bytes */
	size_t size;
};

struct exercise {
	/* Sound trees: overlays are applied to base, overlay to others */
	const struct sample *base, *overlay;
	/* How fdtx_check() and fdt_check_full() judged */
	unsigned long both_accept, both_refuse, ours_alone, theirs_alone;
	unsigned long overlays, merged;
	/* Who made the second kernel's trees, or had to refuse them */
	unsigned long by_engine, left_to_libfdt;
};

/* Whether fdtx_check() accepts */
int exercise(struct exercise *x, const void *data, size_t size);

/* The first part of it: fdtx_check() against fdt_check_full(), on a buffer of
 * exactly @size bytes; whether fdtx_check() accepts */
int exercise_check(struct exercise *x, const void *fdt, size_t size);

/* A tree as left by fdtx_open_into(), read through every way of reading */
void exercise_read(const void *opened);

/* What fdtx_check() alone refused, by cause */
void exercise_report(const struct exercise *x);

struct sample sample_load(const char *path);

/* The index of a sound blob, against libfdt on the same tree as left by
 * fdtx_open_into() */
void exercise_index(const void *fdt, const void *opened);

/* fdtx_write_regs() on a tree as left by fdtx_open_into(), against the
 * functions of fdt_reg.h */
void exercise_regs(const void *opened);

/* One change, and changes[] but the last one, as fdtx_ops_plan() takes them; where
 * they end */
char *exercise_op(char *to, enum fdtx_op_kind kind, const char *path,
		  const char *name, const char *value, int len);
char *exercise_op_list(char *to);

/* Changes of a sound blob made together, against the same one by one */
void exercise_ops(const void *fdt, size_t size);

/* For those who look for broken promises: say which, and abort */
void broken(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
/* @err is an error of libfdt that must not be */
void must(int err, const char *what);

#endif /* EXERCISE_H */
