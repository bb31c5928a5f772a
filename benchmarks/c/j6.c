// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The ELF core header of a 64-bit machine into a buffer that is there
 */
#include <libfdt.h>

#include "bench.h"
#include "kexec/elfcore.h"

int bench_elfcore(const uint64_t *notes, size_t n_notes, const uint64_t *loads,
		  size_t n_loads, uint64_t virt_offset, void *out,
		  size_t outsize)
{
	struct fdtx_elfcore core = {
		.elf_class = FDTX_ELFCLASS64,
		.elf_data = FDTX_ELFDATA2LSB,
		.machine = 183, /* EM_AARCH64 */
		.notes = notes,
		.nr_notes = n_notes,
		.loads = loads,
		.nr_loads = n_loads,
		.virt_offset = virt_offset,
		.virt_last = UINT64_MAX,
	};
	size_t bad;

	return fdtx_elfcore_fill(&core, out, outsize, &bad);
}
