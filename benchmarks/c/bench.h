/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef BENCH_H
#define BENCH_H
/*
 * The jobs in C, for the floor and for what a C program would get
 */
#include <stddef.h>
#include <stdint.h>

#include "fdt_reg.h"
#include "kexec/second_kernel.h"

struct bench_blob {
	const void *data;
	size_t size;
};

/* What plain_job() runs on the blob before anything else */
enum bench_checks {
	BENCH_NO_CHECK,
	BENCH_CHECK_FULL,	/* fdt_check_full() */
	BENCH_FDTX_CHECK,	/* fdtx_check() */
};

/*
 * J1, with the loop over the corpus in C as well: n blobs into the same out of
 * outsize bytes; return the size of the last result, or -FDT_ERR_*.
 */
int bench_memcpy(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize);
int bench_walk(const struct bench_blob *blobs, int n, void *out,
	       size_t outsize);
int bench_bare(const struct bench_blob *blobs, int n, void *out,
	       size_t outsize);
int bench_plain(const struct bench_blob *blobs, int n, void *out,
		size_t outsize, const struct fdtx_second_kernel *job,
		enum bench_checks checks);
int bench_engine(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize, const struct fdtx_second_kernel *job);

/* J2: n entries into the property name of /chosen; return 0 or -FDT_ERR_* */
int bench_ranges_oneshot(void *fdt, const char *name,
			 const struct fdt_reg *entries, int n);
int bench_ranges_append(void *fdt, const char *name,
			const struct fdt_reg *entries, int n);
unsigned int bench_totalsize(const void *fdt);

/* J6: arm64, from packed pairs; returns 0 or -FDT_ERR_* */
int bench_elfcore(const uint64_t *notes, size_t n_notes, const uint64_t *loads,
		  size_t n_loads, uint64_t virt_offset, void *out,
		  size_t outsize);

/* Whether callgrind counts between start and stop; stop writes a dump of that
 * name */
int bench_count_possible(void);
void bench_count_start(void);
void bench_count_stop(const char *name);

#endif /* BENCH_H */
