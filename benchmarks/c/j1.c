// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * J1 as a C program would write it with libfdt alone, and a bare copy
 */
#include <limits.h>
#include <string.h>

#include <libfdt.h>

#include "fdt_reg.h"
#include "blob/check.h"
#include "blob/tags.h"
#include "kexec/second_kernel.h"
#include "kexec/second_kernel_plan.h"
#include "bench.h"

int bench_memcpy(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize)
{
	int i, last = 0;

	for (i = 0; i < n; i++) {
		if (blobs[i].size > outsize || blobs[i].size > INT_MAX)
			return -FDT_ERR_NOSPACE;
		memcpy(out, blobs[i].data, blobs[i].size);
		/* The next copy must not make this one a dead store */
		__asm__ volatile("" : : "r" (out) : "memory");
		last = (int)blobs[i].size;
	}
	return last;
}

/* What fdtx_check() takes */
int bench_walk(const struct bench_blob *blobs, int n, void *out, size_t outsize)
{
	struct fdtx_fault fault;
	int i, err = 0;

	(void)out;
	(void)outsize;
	for (i = 0; i < n && !err; i++)
		err = fdtx_check(blobs[i].data, blobs[i].size, &fault);
	return err;
}

/* From each tag to the next, and no question asked; the depth at the end, 0 */
int bench_bare(const struct bench_blob *blobs, int n, void *out, size_t outsize)
{
	int i, depth = 0;

	(void)out;
	(void)outsize;
	for (i = 0; i < n; i++) {
		const char *base = fdtx_struct(blobs[i].data);
		struct fdtx_tag t = fdtx_tag_at(base, 0);

		for (; t.tag != FDT_END; t = fdtx_tag_at(base, t.next))
			depth += (t.tag == FDT_BEGIN_NODE) -
				 (t.tag == FDT_END_NODE);
	}
	return depth;
}

/* The big-endian number of len bytes, up to 8, at p */
static uint64_t bench_number(const unsigned char *p, int len)
{
	uint64_t number = 0;

	while (len--)
		number = number << 8 | *p++;
	return number;
}

/* The ranges that old properties of /chosen name; returns how many */
static int bench_stale(const void *fdt, int chosen, int ac, int sc,
		       struct fdt_reg *stale)
{
	const unsigned char *start, *end, *header;
	int len, startlen, endlen, n = 0;

	start = fdt_getprop(fdt, chosen, "linux,initrd-start", &startlen);
	end = fdt_getprop(fdt, chosen, "linux,initrd-end", &endlen);
	if (start && end && startlen <= 8 && endlen <= 8) {
		stale[n].address = bench_number(start, startlen);
		stale[n].size = bench_number(end, endlen) - stale[n].address;
		n++;
	}
	header = fdt_getprop(fdt, chosen, "linux,elfcorehdr", &len);
	if (header && ac <= 2 && sc <= 2 && len == 4 * (ac + sc)) {
		stale[n].address = bench_number(header, 4 * ac);
		stale[n].size = bench_number(header + 4 * ac, 4 * sc);
		n++;
	}
	return n;
}

static int bench_unreserve(void *fdt, const struct fdt_reg *stale, int n)
{
	int i, j, err;

	for (i = fdt_num_mem_rsv(fdt) - 1; i >= 0; i--) {
		uint64_t address, size;

		err = fdt_get_mem_rsv(fdt, i, &address, &size);
		if (err)
			return err;
		for (j = 0; j < n; j++)
			if (stale[j].address == address &&
			    stale[j].size == size)
				break;
		if (j == n)
			continue;
		err = fdt_del_mem_rsv(fdt, i);
		if (err)
			return err;
	}
	return 0;
}

static int bench_chosen(void *fdt, int chosen,
			const struct fdtx_second_kernel *job)
{
	const struct fdt_reg *initrd = &job->initrd;
	const struct fdt_reg *header = &job->elfcorehdr;
	int err;

	err = fdt_setprop_u64(fdt, chosen, "linux,initrd-start",
			      initrd->address);
	if (!err)
		err = fdt_setprop_u64(fdt, chosen, "linux,initrd-end",
				      initrd->address + initrd->size);
	if (!err)
		err = fdt_setprop_reg(fdt, 0, chosen, "linux,elfcorehdr",
				      header->address, header->size);
	if (!err)
		err = fdt_setprop_reg_array(fdt, 0, chosen,
					    "linux,usable-memory-range",
					    job->usable, job->usable_len);
	if (!err)
		err = fdt_setprop_string(fdt, chosen, "bootargs", job->cmdline);
	if (!err)
		err = fdt_setprop_u64(fdt, chosen, "kaslr-seed",
				      job->kaslr_seed);
	if (!err)
		err = fdt_setprop(fdt, chosen, "rng-seed", job->rng_seed,
				  job->rng_seed_len);
	if (!err)
		err = fdt_setprop_empty(fdt, chosen,
					"linux,booted-from-kexec");
	return err;
}

static int plain_job(const struct bench_blob *blob, void *out, int outsize,
		     const struct fdtx_second_kernel *job,
		     enum bench_checks checks)
{
	struct fdt_reg stale[2];
	struct fdtx_fault fault;
	int chosen, n, ac, sc, err = 0;

	if (checks == BENCH_CHECK_FULL)
		err = fdt_check_full(blob->data, blob->size);
	else if (checks == BENCH_FDTX_CHECK)
		err = fdtx_check(blob->data, blob->size, &fault);
	if (err)
		return err;

	err = fdt_open_into(blob->data, out, outsize);
	if (err)
		return err;
	ac = fdt_address_cells(out, 0);
	sc = fdt_size_cells(out, 0);
	if (ac < 0 || sc < 0)
		return ac < 0 ? ac : sc;
	chosen = fdt_path_offset(out, "/chosen");
	if (chosen == -FDT_ERR_NOTFOUND)
		chosen = fdt_add_subnode(out, 0, "chosen");
	if (chosen < 0)
		return chosen;

	n = bench_stale(out, chosen, ac, sc, stale);
	if (n)
		err = bench_unreserve(out, stale, n);
	if (!err)
		err = fdt_add_mem_rsv(out, job->initrd.address,
				      job->initrd.size);
	if (!err)
		err = fdt_add_mem_rsv(out, job->elfcorehdr.address,
				      job->elfcorehdr.size);
	/* Reservations move the structure block, not the offsets within it */
	if (!err)
		err = bench_chosen(out, chosen, job);
	if (!err)
		err = fdt_pack(out);
	return err ? err : (int)fdt_totalsize(out);
}

int bench_plain(const struct bench_blob *blobs, int n, void *out,
		size_t outsize, const struct fdtx_second_kernel *job,
		enum bench_checks checks)
{
	int i, last = 0;

	if (outsize > INT_MAX)
		return -FDT_ERR_BADVALUE;
	for (i = 0; i < n && last >= 0; i++)
		last = plain_job(&blobs[i], out, (int)outsize, job, checks);
	return last;
}

static int engine_job(const struct bench_blob *blob, void *out, int outsize,
		      const struct fdtx_second_kernel *job)
{
	struct fdtx_second_kernel_plan plan;
	struct fdtx_second_kernel_fault fault;
	int size;

	size = fdtx_second_kernel_plan(blob->data, blob->size, job, &plan);
	if (!size)
		return fdtx_second_kernel(blob->data, blob->size, job, out,
					  outsize, &fault);
	if (size > outsize)
		return -FDT_ERR_NOSPACE;
	fdtx_second_kernel_emit(&plan, out);
	return size;
}

int bench_engine(const struct bench_blob *blobs, int n, void *out,
		 size_t outsize, const struct fdtx_second_kernel *job)
{
	int i, last = 0;

	if (outsize > INT_MAX)
		return -FDT_ERR_BADVALUE;
	for (i = 0; i < n && last >= 0; i++)
		last = engine_job(&blobs[i], out, (int)outsize, job);
	return last;
}
