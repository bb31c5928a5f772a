/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

#define FDTX_ELFCLASS32 ...
#define FDTX_ELFCLASS64 ...
#define FDTX_ELFDATA2LSB ...
#define FDTX_ELFDATA2MSB ...
#define FDTX_PN_XNUM ...

struct fdtx_elfcore {
	int elf_class;
	int elf_data;
	uint16_t machine;
	const uint64_t *notes;
	size_t nr_notes;
	const uint64_t *text;
	const uint64_t *loads;
	size_t nr_loads;
	uint64_t virt_offset;
	uint64_t virt_last;
	const uint64_t *backups;
	size_t nr_backups;
};

size_t fdtx_elfcore_length(int elf_class, size_t count);
int fdtx_elfcore_fill(const struct fdtx_elfcore *core, void *buf, size_t size,
		      size_t *bad);
