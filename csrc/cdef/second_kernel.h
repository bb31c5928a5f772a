/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

enum fdtx_words {
	FDTX_HEADER_WORD,
	FDTX_MEM_WORD,
	FDTX_WORDS_FIRST,
	...
};

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

enum fdtx_step {
	FDTX_STEP_JOB,
	FDTX_STEP_CHECK,
	FDTX_STEP_CELLS,
	FDTX_STEP_CELLS_2_2,
	FDTX_STEP_FIT,
	FDTX_STEP_EDIT,
	...
};

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

int fdtx_second_kernel_size(const void *fdt, size_t size,
			    const struct fdtx_second_kernel *job);
int fdtx_second_kernel(const void *fdt, size_t size,
		       const struct fdtx_second_kernel *job, void *buf,
		       int bufsize, struct fdtx_second_kernel_fault *fault);
