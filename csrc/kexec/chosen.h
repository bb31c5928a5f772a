/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_CHOSEN_H
#define FDTX_CHOSEN_H
/*
 * What the old tree says about the boot before, and what follows from it for
 * the second kernel's tree: shared by the two ways of making that.
 */
#include <stdint.h>

#include <libfdt.h>

#include "kexec/second_kernel.h"

/* What a kernel's loader wrote into /chosen for one boot only */
enum fdtx_stale {
	FDTX_ELFCOREHDR,
	FDTX_USABLE,
	FDTX_INITRD_START,
	FDTX_INITRD_END,
	FDTX_DMCRYPTKEYS,
	FDTX_KHO_FDT,
	FDTX_KHO_SCRATCH,
	FDTX_IMA_BUFFER,
	FDTX_BOOTARGS,
	FDTX_KASLR_SEED,
	FDTX_RNG_SEED,
	FDTX_BOOTED,
	FDTX_N_STALE
};

struct fdtx_stale_name {
	const char *s;
	uint32_t len;		/* without the NUL */
};

extern const struct fdtx_stale_name fdtx_stale_name[FDTX_N_STALE];
extern const char fdtx_address_cells_name[];
extern const char fdtx_size_cells_name[];

/* Room for what crash kernels find on their command line: 16 hexadecimal, 20
 * decimal digits, a NUL */
#define FDTX_CRASH_WORDS 64

/* The job's own three ranges, the old initrd's, those of three properties */
#define FDTX_MAX_DROP (4 + 3 * FDTX_MAX_STALE)

struct fdtx_value {
	const char *p;		/* in the input; NULL: property is absent */
	int len;
};

/**
 * struct fdtx_old - what the input says
 * @value: the first of each name in /chosen
 * @address_cells: root's; -FDT_ERR_NOTFOUND if missing, -FDT_ERR_BADNCELLS if
 *	unsound
 * @size_cells: the same
 */
struct fdtx_old {
	struct fdtx_value value[FDTX_N_STALE];
	int address_cells;
	int size_cells;
};

/* Which name of enum fdtx_stale it is; -1 for none */
int fdtx_stale_index(const char *name);

/* Value of a root cells property as in struct fdtx_old; @p NULL: missing */
int fdtx_cells_value(const struct fdtx_value *value, int min);

/* Whether the job is free of nonsense: 0, or -FDT_ERR_BADVALUE and, in @stale,
 * what it is about */
int fdtx_check_job(const struct fdtx_second_kernel *job,
		   enum fdtx_stale *stale);

/* Reservations that must go, of FDTX_MAX_DROP: first the old tree's, the
 * initrd's and the core header's of the job. @re: the input's, terminated.
 * Returns how many */
int fdtx_stale_mem_rsv(const struct fdtx_second_kernel *job,
		       const struct fdtx_old *old,
		       const struct fdt_reserve_entry *re, struct fdt_reg *to);

/* The new command line with its NUL, written if @to is not NULL; 0 bytes if
 * there is none. Returns its length */
uint64_t fdtx_bootargs(const struct fdtx_second_kernel *job,
		       const struct fdtx_old *old, char *to);

#endif /* FDTX_CHOSEN_H */
