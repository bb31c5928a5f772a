/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef BENCH_J1_H
#define BENCH_J1_H
/*
 * J1 in C, with the loop over the corpus in C as well. Every function does
 * the job on n blobs into the same out of outsize bytes and returns the size
 * of the last result, or -FDT_ERR_*.
 */
#include <stddef.h>
#include <stdint.h>

#include "fdtx_second_kernel.h"

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

int bench_memcpy(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize);
int bench_plain(const struct bench_blob *blobs, int n, void *out,
		size_t outsize, const struct fdtx_second_kernel *job,
		enum bench_checks checks);
int bench_engine(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize, const struct fdtx_second_kernel *job);

#endif /* BENCH_J1_H */
