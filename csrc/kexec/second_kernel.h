/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_SECOND_KERNEL_H
#define FDTX_SECOND_KERNEL_H
/*
 * The tree for the kernel that boots next (kexec) or after a crash (kdump),
 * made from a boot DTB in one call. The steps and their order, and why, stand
 * in docs/second-kernel.md.
 */
#include <stddef.h>
#include <stdint.h>

#include "fdt_reg.h"
#include "blob/check.h"

/* Entries of one stale property whose reservations are looked for. Linux
 * writes one; the bound keeps the search linear in the size of the blob. */
#define FDTX_MAX_STALE 16

/* What a crash kernel is told on its command line, beside the properties */
enum fdtx_words {
	FDTX_HEADER_WORD = 1,	/* elfcorehdr=, the core header's start */
	FDTX_MEM_WORD = 2,	/* mem=, from the first usable byte to that */
	FDTX_WORDS_FIRST = 4,	/* in front of the line, not behind it */
};

/**
 * struct fdtx_second_kernel - what the second kernel's tree shall say
 * @words: bits of enum fdtx_words
 * @root_cells_2_2: write root's #address-cells and #size-cells as 2 and 2
 *	where that changes no property's meaning (crash tree only)
 * @keep_cmdline: start with the old command line, words that would mislead
 *	the second kernel cut out; 0 forgets it
 * @cmdline: @cmdline_len bytes without NUL, behind the old command line
 * @initrd: size 0: no initrd
 * @old_dtb: where the first kernel's tree lies; size 0: not known
 * @elfcorehdr: size 0: not a crash tree
 * @usable: @usable_len ranges for linux,usable-memory-range (crash tree)
 * @has_kaslr_seed: write @kaslr_seed; 0 leaves kaslr-seed out
 * @rng_seed: @rng_seed_len bytes; length 0 leaves rng-seed out
 */
struct fdtx_second_kernel {
	unsigned int words;
	int root_cells_2_2;
	int keep_cmdline;
	int cmdline_len;
	const char *cmdline;
	struct fdt_reg initrd;
	struct fdt_reg old_dtb;
	struct fdt_reg elfcorehdr;
	const struct fdt_reg *usable;
	int usable_len;
	int has_kaslr_seed;
	uint64_t kaslr_seed;
	const void *rng_seed;
	int rng_seed_len;
};

/* What was being done when an error came up */
enum fdtx_step {
	FDTX_STEP_JOB,		/* the job is nonsense: @prop */
	FDTX_STEP_CHECK,	/* the blob is bad: @blob */
	FDTX_STEP_CELLS,	/* root's cells are missing or unsound */
	FDTX_STEP_CELLS_2_2,	/* @prop of @node depends on root's cells, or is
				 * one of /reserved-memory's own */
	FDTX_STEP_FIT,		/* @prop, entry @index, does not fit */
	FDTX_STEP_EDIT,		/* libfdt could not write @prop, or room ended */
};

/**
 * struct fdtx_second_kernel_fault - what happened
 * @blob: cause and offset (FDTX_STEP_CHECK)
 * @step: filled in if an error is returned
 * @prop: name of the property concerned, or NULL
 * @node: offset in the input of the node concerned (FDTX_STEP_CELLS_2_2)
 * @index: entry of @prop concerned (FDTX_STEP_FIT)
 * @address_cells: root's, as they are used; -FDT_ERR_NOTFOUND if missing,
 *	-FDT_ERR_BADNCELLS if unsound
 * @size_cells: the same
 * @bootargs_len: bytes of the command line written, without its NUL; filled
 *	in on success
 */
struct fdtx_second_kernel_fault {
	struct fdtx_fault blob;
	enum fdtx_step step;
	const char *prop;
	int node;
	int index;
	int address_cells;
	int size_cells;
	int bootargs_len;
};

/**
 * fdtx_second_kernel_size - room that fdtx_second_kernel() needs
 * @fdt: the input, not validated
 * @size: bytes that may be read at @fdt
 * @job: what is to be done
 *
 * An upper bound: the input's totalsize and all that the job can add.
 *
 * returns: bytes; -FDT_ERR_BADVALUE, a length in @job is negative, or the sum
 *	exceeds FDTX_MAX_TOTALSIZE
 */
int fdtx_second_kernel_size(const void *fdt, size_t size,
			    const struct fdtx_second_kernel *job);

/**
 * fdtx_second_kernel - make the second kernel's tree
 * @fdt: the input, 8-byte aligned, any content; not changed
 * @size: bytes that may be read at @fdt
 * @job: what is to be done
 * @buf: 8-byte aligned, does not overlap @fdt; the result, or undefined
 *	content if an error is returned
 * @bufsize: bytes at @buf; fdtx_second_kernel_size() is enough
 * @fault: the place of an error, see there
 *
 * Validates with fdtx_check() first. Time is linear in the input for a given
 * job, stack is constant, nothing is allocated. Bytes at @buf beyond the
 * returned size may have been written.
 *
 * returns: totalsize of the result, which is in canonical form without
 *	FDT_NOP;
 *	-FDT_ERR_BADNCELLS, root's cells are missing or unsound, or cannot be
 *		rewritten (crash tree)
 *	-FDT_ERR_BADVALUE, a range does not fit root's cells, or @job has a
 *		negative length, an initrd that ends beyond 2^64 - 1, a crash
 *		tree without usable ranges, or, for arm, an elfcorehdr less
 *		than 1 KiB above the first usable range's start
 *	-FDT_ERR_NOSPACE, @bufsize is too small
 *	others as fdtx_check()
 */
int fdtx_second_kernel(const void *fdt, size_t size,
		       const struct fdtx_second_kernel *job, void *buf,
		       int bufsize, struct fdtx_second_kernel_fault *fault);

#endif /* FDTX_SECOND_KERNEL_H */
