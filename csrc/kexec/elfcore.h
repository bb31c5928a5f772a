/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_ELFCORE_H
#define FDTX_ELFCORE_H
/*
 * The ELF core header of a crash kernel: an ET_CORE header whose segments say
 * where the dead kernel's notes and memory lie, by physical address. Same
 * order and fields as Linux (kernel/crash_core.c,
 * crash_prepare_elf64_headers()) and kexec-tools write them.
 */

#include <stddef.h>
#include <stdint.h>

#include "kexec/elf.h"

/**
 * struct fdtx_elfcore - what the header is made of
 * @elf_class: FDTX_ELFCLASS32 or FDTX_ELFCLASS64
 * @elf_data: FDTX_ELFDATA2LSB or FDTX_ELFDATA2MSB
 * @machine: EM_*
 * @notes: pairs (physical start, size), each gives a PT_NOTE, in this order
 * @nr_notes: number of pairs
 * @text: (physical start, size, virtual start) of the kernel's own mapping,
 *	which gives a PT_LOAD; or NULL
 * @loads: pairs (physical start, size), each gives a PT_LOAD; ascending, not
 *	overlapping, none empty or beyond 2^64; with 32 bits both are below 2^32,
 *	their sum need not be
 * @nr_loads: number of pairs
 * @virt_offset: p_vaddr of @loads is p_paddr plus this, modulo 2^64 (2^32 with
 *	32 bits)
 * @virt_last: the last physical byte that has such a virtual address; the
 *	p_vaddr of loads that end beyond is all ones
 * @backups: triples (physical start, size, physical start of the copy),
 *	ascending, not overlapping. A load that starts in one has its p_offset
 *	in the copy; no load crosses the border of one.
 * @nr_backups: number of triples
 */
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

/**
 * fdtx_elfcore_length - bytes that @count program headers need
 *
 * returns: ELF header and program headers, or 0 if e_phnum cannot count them
 *	(@count is FDTX_PN_XNUM or more) or @elf_class is neither of the two
 */
size_t fdtx_elfcore_length(int elf_class, size_t count);

/**
 * fdtx_elfcore_fill - write the header
 * @core: see above
 * @buf: @size bytes, all of which are written; zero behind the last segment
 * @bad: number, from 0, of the segment that an error is about
 *
 * returns: 0; -FDT_ERR_NOSPACE if @size is too small or e_phnum cannot count
 *	the segments; -FDT_ERR_BADVALUE if a segment does not fit 32 bits
 *	(the buffer is then undefined), or the class or the byte order is none;
 *	-FDT_ERR_BADLAYOUT if @loads are not as they should be (likewise)
 */
int fdtx_elfcore_fill(const struct fdtx_elfcore *core, void *buf, size_t size,
		      size_t *bad);

#endif /* FDTX_ELFCORE_H */
