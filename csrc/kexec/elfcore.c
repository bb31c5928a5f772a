// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - the ELF core header of a crash kernel
 */
#include <string.h>

#include <libfdt.h>

#include "kexec/elfcore.h"

#ifdef __linux__
#include <elf.h>

#define FDTX_SAME_VALUE(name)						\
	_Static_assert(FDTX_##name == name, #name)
#define FDTX_SAME_FIELD(ours, theirs, field)				\
	_Static_assert(offsetof(struct ours, field) ==			\
		       offsetof(theirs, field) &&			\
		       sizeof(((struct ours *)0)->field) ==		\
		       sizeof(((theirs *)0)->field), #field)
/* All fields that are written */
#define FDTX_SAME_LAYOUT(bits)						\
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_type);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_machine);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_version);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_phoff);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_ehsize);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_phentsize); \
	FDTX_SAME_FIELD(fdtx_elf##bits##_ehdr, Elf##bits##_Ehdr, e_phnum);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_type);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_flags);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_offset);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_vaddr);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_paddr);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_filesz);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_memsz);	\
	FDTX_SAME_FIELD(fdtx_elf##bits##_phdr, Elf##bits##_Phdr, p_align);	\
	_Static_assert(sizeof(struct fdtx_elf##bits##_ehdr) ==			\
		       sizeof(Elf##bits##_Ehdr), "Ehdr");		\
	_Static_assert(sizeof(struct fdtx_elf##bits##_phdr) ==			\
		       sizeof(Elf##bits##_Phdr), "Phdr")

FDTX_SAME_LAYOUT(32);
FDTX_SAME_LAYOUT(64);
FDTX_SAME_VALUE(EI_CLASS);
FDTX_SAME_VALUE(EI_DATA);
FDTX_SAME_VALUE(EI_VERSION);
FDTX_SAME_VALUE(SELFMAG);
FDTX_SAME_VALUE(ELFCLASS32);
FDTX_SAME_VALUE(ELFCLASS64);
FDTX_SAME_VALUE(ELFDATA2LSB);
FDTX_SAME_VALUE(ELFDATA2MSB);
FDTX_SAME_VALUE(EV_CURRENT);
FDTX_SAME_VALUE(ET_CORE);
FDTX_SAME_VALUE(PT_LOAD);
FDTX_SAME_VALUE(PT_NOTE);
FDTX_SAME_VALUE(PF_X);
FDTX_SAME_VALUE(PF_W);
FDTX_SAME_VALUE(PF_R);
FDTX_SAME_VALUE(PN_XNUM);
#endif

/* One program header before it is written in a class and a byte order */
struct fdtx_segment {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t size;
};

/*
 * Class and byte order are constants in each copy that the compiler makes of
 * these functions: a segment is a few moves.
 */
#define FDTX_INLINE static inline __attribute__((always_inline))

#define FDTX_HOST_IS_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static const int fdtx_host_is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

/* One store for each field: if they were gathered in a struct first, they
 * would be copied from it in larger pieces, and the processor would wait */
#define FDTX_STORE(at, bits, value, big)				\
do {									\
	uint##bits##_t v_ = (uint##bits##_t)(value);			\
									\
	if ((big) != fdtx_host_is_big)					\
		v_ = __builtin_bswap##bits(v_);				\
	memcpy(at, &v_, sizeof(v_));					\
} while (0)

#define FDTX_PUT_AT(w, type, field, value)				\
	fdtx_put((w)->at + offsetof(type, field),			\
		 sizeof(((type *)0)->field), value, (w)->big)

#define FDTX_SIZE(wide, type)						\
	((wide) ? sizeof(struct fdtx_elf64_##type) :			\
		  sizeof(struct fdtx_elf32_##type))

/* A field that stands in both classes, at its own place and width in each */
#define FDTX_PUT(w, type, field, value)					\
do {									\
	if ((w)->wide)							\
		FDTX_PUT_AT(w, struct fdtx_elf64_##type, field, value);	\
	else								\
		FDTX_PUT_AT(w, struct fdtx_elf32_##type, field, value);	\
} while (0)

FDTX_INLINE void fdtx_put(unsigned char *at, size_t len, uint64_t value,
			  int big)
{
	if (len == 8)
		FDTX_STORE(at, 64, value, big);
	else if (len == 4)
		FDTX_STORE(at, 32, value, big);
	else
		FDTX_STORE(at, 16, value, big);
}

struct fdtx_writer {
	unsigned char *at;
	int wide;
	int big;
};

/*
 * Memory may reach beyond what 32 bits address: Linux adds p_offset and
 * p_memsz in 64 bits (fs/proc/vmcore.c process_ptload_program_headers_elf32())
 */
FDTX_INLINE int fdtx_fits32(uint64_t start, uint64_t size, int is_load)
{
	return start <= UINT32_MAX && size <= UINT32_MAX &&
	       (is_load || start + size <= (uint64_t)UINT32_MAX + 1);
}

/* Write one program header and step behind it */
FDTX_INLINE int fdtx_put_segment(struct fdtx_writer *w,
				 const struct fdtx_segment *s)
{
	const int is_load = s->type == FDTX_PT_LOAD;

	if (!w->wide && !(fdtx_fits32(s->paddr, s->size, is_load) &&
			  fdtx_fits32(s->offset, s->size, is_load)))
		return -FDT_ERR_BADVALUE;

	FDTX_PUT(w, phdr, p_type, s->type);
	FDTX_PUT(w, phdr, p_flags, s->flags);
	FDTX_PUT(w, phdr, p_offset, s->offset);
	FDTX_PUT(w, phdr, p_vaddr, s->vaddr);
	FDTX_PUT(w, phdr, p_paddr, s->paddr);
	FDTX_PUT(w, phdr, p_filesz, s->size);
	FDTX_PUT(w, phdr, p_memsz, s->size);
	FDTX_PUT(w, phdr, p_align, 0);
	w->at += FDTX_SIZE(w->wide, phdr);
	return 0;
}

FDTX_INLINE void fdtx_put_header(struct fdtx_writer *w,
				 const struct fdtx_elfcore *core, size_t count)
{
	size_t len = FDTX_SIZE(w->wide, ehdr);

	memset(w->at, 0, len);
	memcpy(w->at, FDTX_ELFMAG, FDTX_SELFMAG);
	w->at[FDTX_EI_CLASS] = (unsigned char)core->elf_class;
	w->at[FDTX_EI_DATA] = (unsigned char)core->elf_data;
	w->at[FDTX_EI_VERSION] = FDTX_EV_CURRENT;
	FDTX_PUT(w, ehdr, e_type, FDTX_ET_CORE);
	FDTX_PUT(w, ehdr, e_machine, core->machine);
	FDTX_PUT(w, ehdr, e_version, FDTX_EV_CURRENT);
	FDTX_PUT(w, ehdr, e_phoff, len);
	FDTX_PUT(w, ehdr, e_ehsize, len);
	FDTX_PUT(w, ehdr, e_phentsize, FDTX_SIZE(w->wide, phdr));
	FDTX_PUT(w, ehdr, e_phnum, count);
	w->at += len;
}

size_t fdtx_elfcore_length(int elf_class, size_t count)
{
	int wide;

	if (count >= FDTX_PN_XNUM)
		return 0;
	if (elf_class != FDTX_ELFCLASS32 && elf_class != FDTX_ELFCLASS64)
		return 0;
	wide = elf_class == FDTX_ELFCLASS64;
	return FDTX_SIZE(wide, ehdr) + count * FDTX_SIZE(wide, phdr);
}

/* Local copies of what every load needs: the compiler cannot know that the
 * header which is written is not the memory of @core */
FDTX_INLINE int fdtx_put_loads(struct fdtx_writer *w,
			       const struct fdtx_elfcore *core, size_t *bad)
{
	struct fdtx_segment s = {
		.type = FDTX_PT_LOAD, .flags = FDTX_PF_R | FDTX_PF_W | FDTX_PF_X,
	};
	const uint64_t *load = core->loads, *last_load = load;
	const uint64_t *copy = core->backups;
	const uint64_t *end = copy ? copy + 3 * core->nr_backups : copy;
	uint64_t offset = core->virt_offset, mapped = core->virt_last;
	uint64_t before = 0, last;
	struct fdtx_writer at = *w;
	size_t wrong = 0;
	int err;

	if (core->nr_loads)
		last_load += 2 * core->nr_loads;
	for (; load < last_load; load += 2) {
		s.paddr = load[0];
		s.size = load[1];
		last = s.paddr + (s.size - 1);
		/* Empty ones at address 0 are seen by the second */
		wrong += s.size - 1 > UINT64_MAX - s.paddr;
		wrong += s.paddr <= before;
		before = last;
		s.vaddr = last > mapped ? UINT64_MAX : s.paddr + offset;
		while (copy < end && copy[0] + (copy[1] - 1) < s.paddr)
			copy += 3;
		s.offset = s.paddr;
		if (copy < end && copy[0] <= s.paddr)
			s.offset = copy[2] + (s.paddr - copy[0]);
		err = fdtx_put_segment(&at, &s);
		if (err) {
			*bad += (size_t)(load - core->loads) / 2;
			return err;
		}
	}
	*w = at;
	/* The first may start at 0, with nothing before it */
	if (core->nr_loads && !core->loads[0] && core->loads[1])
		wrong--;
	return wrong ? -FDT_ERR_BADLAYOUT : 0;
}

/* Header and segments, zeros behind them */
FDTX_INLINE int fdtx_put_all(const struct fdtx_elfcore *core,
			     unsigned char *buf, size_t size, size_t count,
			     int wide, int big, size_t *bad)
{
	struct fdtx_segment s = { .type = FDTX_PT_NOTE };
	struct fdtx_writer w = { .at = buf, .wide = wide, .big = big };
	size_t i;
	int err;

	fdtx_put_header(&w, core, count);
	for (i = 0; i < core->nr_notes; i++, (*bad)++) {
		s.paddr = s.offset = core->notes[2 * i];
		s.size = core->notes[2 * i + 1];
		err = fdtx_put_segment(&w, &s);
		if (err)
			return err;
	}
	if (core->text) {
		s.type = FDTX_PT_LOAD;
		s.flags = FDTX_PF_R | FDTX_PF_W | FDTX_PF_X;
		s.paddr = s.offset = core->text[0];
		s.size = core->text[1];
		s.vaddr = core->text[2];
		err = fdtx_put_segment(&w, &s);
		if (err)
			return err;
		(*bad)++;
	}
	err = fdtx_put_loads(&w, core, bad);
	if (!err)
		memset(w.at, 0, size - (size_t)(w.at - buf));
	return err;
}

int fdtx_elfcore_fill(const struct fdtx_elfcore *core, void *buf, size_t size,
		      size_t *bad)
{
	int wide = core->elf_class == FDTX_ELFCLASS64;
	int big = core->elf_data == FDTX_ELFDATA2MSB;
	size_t count, need;

	*bad = 0;
	if ((!wide && core->elf_class != FDTX_ELFCLASS32) ||
	    (!big && core->elf_data != FDTX_ELFDATA2LSB))
		return -FDT_ERR_BADVALUE;
	if (core->nr_notes >= FDTX_PN_XNUM || core->nr_loads >= FDTX_PN_XNUM)
		return -FDT_ERR_NOSPACE;
	count = core->nr_notes + !!core->text + core->nr_loads;
	need = fdtx_elfcore_length(core->elf_class, count);
	if (!need || need > size)
		return -FDT_ERR_NOSPACE;

	if (wide && !big)
		return fdtx_put_all(core, buf, size, count, 1, 0, bad);
	if (wide)
		return fdtx_put_all(core, buf, size, count, 1, 1, bad);
	if (!big)
		return fdtx_put_all(core, buf, size, count, 0, 0, bad);
	return fdtx_put_all(core, buf, size, count, 0, 1, bad);
}
