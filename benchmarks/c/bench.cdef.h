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
int bench_walk(const struct bench_blob *blobs, int n, void *out,
	       size_t outsize);
int bench_bare(const struct bench_blob *blobs, int n, void *out,
	       size_t outsize);
int bench_plain(const struct bench_blob *blobs, int n, void *out,
		size_t outsize, const struct fdtx_second_kernel *job,
		enum bench_checks checks);
int bench_engine(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize, const struct fdtx_second_kernel *job);

int bench_ranges_oneshot(void *fdt, const char *name,
			 const struct fdt_reg *entries, int n);
int bench_ranges_append(void *fdt, const char *name,
			const struct fdt_reg *entries, int n);

int bench_elfcore(const uint64_t *notes, size_t n_notes, const uint64_t *loads,
		  size_t n_loads, uint64_t virt_offset, void *out,
		  size_t outsize);

int bench_count_possible(void);
void bench_count_start(void);
void bench_count_stop(const char *name);

int fdt_open_into(const void *fdt, void *buf, int bufsize);
int fdt_pack(void *fdt);
unsigned int bench_totalsize(const void *fdt);
