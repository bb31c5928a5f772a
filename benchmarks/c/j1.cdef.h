/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

struct bench_blob {
	const void *data;
	size_t size;
};

enum bench_checks {
	BENCH_NO_CHECK,
	BENCH_CHECK_FULL,
	BENCH_FDTX_CHECK,
};

int bench_memcpy(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize);
int bench_plain(const struct bench_blob *blobs, int n, void *out,
		size_t outsize, const struct fdtx_second_kernel *job,
		enum bench_checks checks);
int bench_engine(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize, const struct fdtx_second_kernel *job);
