// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * pyfdtx - old values in /chosen, and what follows from them
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "kexec/chosen.h"

#define NAME(string) { string, (uint32_t)sizeof(string) - 1 }

const struct fdtx_stale_name fdtx_stale_name[FDTX_N_STALE] = {
	[FDTX_ELFCOREHDR] = NAME("linux,elfcorehdr"),
	[FDTX_USABLE] = NAME("linux,usable-memory-range"),
	[FDTX_INITRD_START] = NAME("linux,initrd-start"),
	[FDTX_INITRD_END] = NAME("linux,initrd-end"),
	[FDTX_DMCRYPTKEYS] = NAME("linux,dmcryptkeys"),
	[FDTX_KHO_FDT] = NAME("linux,kho-fdt"),
	[FDTX_KHO_SCRATCH] = NAME("linux,kho-scratch"),
	[FDTX_IMA_BUFFER] = NAME("linux,ima-kexec-buffer"),
	[FDTX_BOOTARGS] = NAME("bootargs"),
	[FDTX_KASLR_SEED] = NAME("kaslr-seed"),
	[FDTX_RNG_SEED] = NAME("rng-seed"),
	[FDTX_BOOTED] = NAME("linux,booted-from-kexec"),
};

const char fdtx_address_cells_name[] = "#address-cells";
const char fdtx_size_cells_name[] = "#size-cells";

/* Old values that are one (address, size) array with a reservation each */
static const enum fdtx_stale stale_reg[] = {
	FDTX_ELFCOREHDR, FDTX_IMA_BUFFER, FDTX_DMCRYPTKEYS,
};

#define N_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

int fdtx_stale_index(const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; i < FDTX_N_STALE; i++)
		if (fdtx_stale_name[i].len == len &&
		    !memcmp(fdtx_stale_name[i].s, name, len))
			return i;
	return -1;
}

/* Big-endian number of len bytes; 0 if it needs more than 64 bits */
static int load(const char *p, int len, uint64_t *value)
{
	uint64_t v = 0;
	int i;

	for (i = 0; i < len; i++) {
		if (v >> 56)
			return 0;
		v = (v << 8) | (uint8_t)p[i];
	}
	*value = v;
	return 1;
}

int fdtx_cells_value(const struct fdtx_value *value, int min)
{
	uint64_t cells;

	if (!value->p)
		return -FDT_ERR_NOTFOUND;
	if (value->len != (int)sizeof(fdt32_t) ||
	    !load(value->p, value->len, &cells) ||
	    cells < (uint64_t)min || cells > FDT_MAX_NCELLS)
		return -FDT_ERR_BADNCELLS;
	return (int)cells;
}

static int bad_job(enum fdtx_stale *stale, enum fdtx_stale what)
{
	*stale = what;
	return -FDT_ERR_BADVALUE;
}

int fdtx_check_job(const struct fdtx_second_kernel *job,
		   enum fdtx_stale *stale)
{
	const struct fdt_reg *hdr = &job->elfcorehdr;

	if (job->cmdline_len < 0)
		return bad_job(stale, FDTX_BOOTARGS);
	if (job->rng_seed_len < 0)
		return bad_job(stale, FDTX_RNG_SEED);
	if (job->initrd.size > UINT64_MAX - job->initrd.address)
		return bad_job(stale, FDTX_INITRD_END);
	if (hdr->size && job->usable_len < 1)
		return bad_job(stale, FDTX_USABLE);
	/* "mem=0K", or less, would leave the crash kernel without memory */
	if (hdr->size && (job->words & FDTX_MEM_WORD) &&
	    (hdr->address < job->usable[0].address ||
	     hdr->address - job->usable[0].address < 1024))
		return bad_job(stale, FDTX_ELFCOREHDR);
	return 0;
}

/* Decode the old (address, size) array v; returns the number of ranges */
static int stale_ranges(const struct fdtx_old *old,
			const struct fdtx_value *v, struct fdt_reg *to)
{
	int address = old->address_cells, size = old->size_cells;
	int cell = (int)sizeof(fdt32_t), entry, i, n = 0;

	if (!v->p || address == -FDT_ERR_BADNCELLS ||
	    size == -FDT_ERR_BADNCELLS)
		return 0;
	if (address < 0 || size < 0) {
		/* Linux reads and old writers wrote 1/1, libfdt writes 2/1,
		 * and 2/2 is what everyone else has */
		if (v->len != 2 * cell && v->len != 3 * cell &&
		    v->len != 4 * cell)
			return 0;
		address = v->len == 2 * cell ? 1 : 2;
		size = v->len / cell - address;
	}
	entry = (address + size) * cell;
	if (v->len % entry)
		return 0;
	for (i = 0; i < v->len / entry && i < FDTX_MAX_STALE; i++) {
		const char *p = v->p + i * entry;

		if (load(p, address * cell, &to[n].address) &&
		    load(p + address * cell, size * cell, &to[n].size))
			n++;
	}
	return n;
}

static int get_mem_rsv(const struct fdt_reserve_entry *re,
		       struct fdt_reg *reg)
{
	reg->address = fdt64_to_cpu(re->address);
	reg->size = fdt64_to_cpu(re->size);
	return reg->size != 0;
}

/*
 * The old initrd's reservation. Some loaders reserve exactly the initrd, some
 * whole pages of the kernel's size. Returns the number of ranges, 0 or 1.
 */
static int stale_initrd(const struct fdtx_old *old,
			const struct fdt_reserve_entry *re, struct fdt_reg *to)
{
	static const uint64_t page[] = { 1, 4096, 16384, 65536 };
	const struct fdtx_value *first = &old->value[FDTX_INITRD_START];
	const struct fdtx_value *last = &old->value[FDTX_INITRD_END];
	uint64_t start, end, size[N_OF(page)];
	int i, best = N_OF(page);
	struct fdt_reg reg;

	if (!first->p || (first->len != 4 && first->len != 8) ||
	    !last->p || (last->len != 4 && last->len != 8))
		return 0;
	if (!load(first->p, first->len, &start) ||
	    !load(last->p, last->len, &end) || end < start)
		return 0;
	/* Sizes that round up past 2^64 become 0, which no entry has */
	for (i = 0; i < N_OF(page); i++)
		size[i] = (end - start + page[i] - 1) & ~(page[i] - 1);
	for (; get_mem_rsv(re, &reg); re++)
		for (i = 0; i < best && reg.address == start; i++)
			if (reg.size == size[i])
				best = i;
	if (best == N_OF(page))
		return 0;
	to->address = start;
	to->size = size[best];
	return 1;
}

int fdtx_stale_mem_rsv(const struct fdtx_second_kernel *job,
		       const struct fdtx_old *old,
		       const struct fdt_reserve_entry *re, struct fdt_reg *to)
{
	int i, n = 0;

	to[n++] = job->old_dtb;
	to[n++] = job->initrd;
	to[n++] = job->elfcorehdr;
	n += stale_initrd(old, re, &to[n]);
	for (i = 0; i < N_OF(stale_reg); i++)
		n += stale_ranges(old, &old->value[stale_reg[i]], &to[n]);
	return n;
}

/* "elfcorehdr=" comes from an older crash kernel's boot and would override
 * the property; where "mem=" is written, an old one comes with it */
static int is_stale_word(const struct fdtx_second_kernel *job,
			 const char *word, size_t len)
{
	return (len >= 11 && !memcmp(word, "elfcorehdr=", 11)) ||
	       ((job->words & FDTX_MEM_WORD) && len >= 4 &&
		!memcmp(word, "mem=", 4));
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int emit(char *to, int len, const char *from, int n)
{
	if (to && n)
		memcpy(to + len, from, (size_t)n);
	return len + n;
}

/*
 * The old command line without stale words; returns its length. Writes it if
 * to is not NULL. A cut takes the blanks behind the word with it; blanks left
 * at the end go only if something was cut.
 */
static int clean_cmdline(const struct fdtx_second_kernel *job,
			 const struct fdtx_old *old, char *to)
{
	const struct fdtx_value *v = &old->value[FDTX_BOOTARGS];
	const char *p = v->p, *nul, *end, *word, *blanks;
	int len = 0, cut = 0, nblanks;

	if (!p || !job->keep_cmdline)
		return 0;
	nul = memchr(p, '\0', (size_t)v->len);
	end = nul ? nul : p + v->len;

	for (;;) {
		/* Blanks that the next word kept has in front */
		for (blanks = p; p < end && is_blank(*p); p++)
			;
		nblanks = (int)(p - blanks);
		for (;;) {
			for (word = p; p < end && !is_blank(*p); p++)
				;
			if (!is_stale_word(job, word, (size_t)(p - word)))
				break;
			cut = 1;
			while (p < end && is_blank(*p))
				p++;
		}
		if (word == p)
			break;
		len = emit(to, len, blanks, nblanks);
		len = emit(to, len, word, (int)(p - word));
	}
	return cut ? len : emit(to, len, blanks, nblanks);
}

/* What the crash kernel must find on its command line */
static int crash_words(const struct fdtx_second_kernel *job, char *to,
		       size_t size)
{
	uint64_t start = job->elfcorehdr.address;
	int len = 0;

	if (!job->elfcorehdr.size)
		return 0;
	if (job->words & FDTX_HEADER_WORD)
		len = snprintf(to, size, "elfcorehdr=0x%" PRIx64, start);
	if (job->words & FDTX_MEM_WORD)
		len += snprintf(to + len, size - (size_t)len,
				"%smem=%" PRIu64 "K", len ? " " : "",
				(start - job->usable[0].address) / 1024);
	return len;
}

uint64_t fdtx_bootargs(const struct fdtx_second_kernel *job,
		       const struct fdtx_old *old, char *to)
{
	char words[FDTX_CRASH_WORDS];
	int nwords = crash_words(job, words, sizeof(words));
	int front = job->words & FDTX_WORDS_FIRST ? nwords : 0;
	const struct fdtx_value part[] = {
		{ words, front },
		{ NULL, clean_cmdline(job, old, NULL) },
		{ job->cmdline, job->cmdline_len },
		{ words, nwords - front },
	};
	uint64_t len = 0;
	int i;

	/* Parts that are not empty, one space between, one NUL behind */
	for (i = 0; i < N_OF(part); i++) {
		if (!part[i].len)
			continue;
		if (to && part[i].p)
			memcpy(to + len, part[i].p, (size_t)part[i].len);
		else if (to)
			clean_cmdline(job, old, to + len);
		len += (uint64_t)part[i].len;
		if (to)
			to[len] = ' ';
		len++;
	}
	if (to && len)
		to[len - 1] = '\0';
	return len;
}
