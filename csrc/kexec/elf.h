/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_ELF_H
#define FDTX_ELF_H
/*
 * As much of the ELF format as a core header has; systems other than Linux have
 * no <elf.h>. Names of the fields and values: System V ABI, "ELF Header" and
 * "Program Header"; PN_XNUM: elf(5). elfcore.c holds them to <elf.h>.
 */
#include <stdint.h>

/* Bytes of e_ident, and their values */
#define FDTX_EI_CLASS		4
#define FDTX_EI_DATA		5
#define FDTX_EI_VERSION		6
#define FDTX_ELFMAG		"\177ELF"
#define FDTX_SELFMAG		4
#define FDTX_ELFCLASS32		1
#define FDTX_ELFCLASS64		2
#define FDTX_ELFDATA2LSB	1
#define FDTX_ELFDATA2MSB	2

#define FDTX_EV_CURRENT		1
#define FDTX_ET_CORE		4
#define FDTX_PT_LOAD		1
#define FDTX_PT_NOTE		4
#define FDTX_PF_X		1
#define FDTX_PF_W		2
#define FDTX_PF_R		4
/* e_phnum cannot count so many */
#define FDTX_PN_XNUM		0xffff

struct fdtx_elf32_ehdr {
	unsigned char e_ident[16];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint32_t e_entry;
	uint32_t e_phoff;
	uint32_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};

struct fdtx_elf64_ehdr {
	unsigned char e_ident[16];
	uint16_t e_type;
	uint16_t e_machine;
	uint32_t e_version;
	uint64_t e_entry;
	uint64_t e_phoff;
	uint64_t e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize;
	uint16_t e_phentsize;
	uint16_t e_phnum;
	uint16_t e_shentsize;
	uint16_t e_shnum;
	uint16_t e_shstrndx;
};

struct fdtx_elf32_phdr {
	uint32_t p_type;
	uint32_t p_offset;
	uint32_t p_vaddr;
	uint32_t p_paddr;
	uint32_t p_filesz;
	uint32_t p_memsz;
	uint32_t p_flags;
	uint32_t p_align;
};

struct fdtx_elf64_phdr {
	uint32_t p_type;
	uint32_t p_flags;
	uint64_t p_offset;
	uint64_t p_vaddr;
	uint64_t p_paddr;
	uint64_t p_filesz;
	uint64_t p_memsz;
	uint64_t p_align;
};

#endif /* FDTX_ELF_H */
