/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FUZZ_H
#define FUZZ_H
/*
 * What the targets share: an input is read from its front, and trees are made
 * from it. A broken promise is printed and aborts (exercise.h); a sanitizer
 * finds the rest.
 */
#include <stddef.h>
#include <stdint.h>

#include "exercise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The rest of the input; behind its end everything is 0 */
struct input {
	const uint8_t *p;
	size_t left;
};

uint8_t in_byte(struct input *in);
uint32_t in_word(struct input *in);	/* big-endian */
/* A number of 64 bits, small ones and those at borders more often */
uint64_t in_number(struct input *in);
/* At most @max bytes; fewer at the end of the input */
const uint8_t *in_bytes(struct input *in, size_t max, size_t *lenp);

/* A name that means something in a device tree, by number */
const char *node_name(uint8_t i);
const char *prop_name(uint8_t i);
/* A path or a label */
const char *string(uint8_t i);

/**
 * in_blob - make a blob
 * @sizep: set to its size
 *
 * The first byte says how. Even: the next two bytes are a length, the bytes
 * behind it are the blob as it is; with 2 added, magic, version and sizes are
 * repaired first. Odd: a program, one byte an instruction, writes tags, names
 * and values, most of them sound, and then lies about the header; it begins in
 * the root node, with 2 added in front of it.
 *
 * returns: malloc'ed, of exactly that size, so that a sanitizer sees what is
 *	read behind it
 */
void *in_blob(struct input *in, size_t *sizep);

/* malloc() that cannot fail, filled with what no tree holds */
void *fresh(size_t size);
/* A copy of exactly its size */
void *copy_of(const void *data, size_t size);

/* A blob that fdtx_check() accepted, as fdtx_open_into() leaves it, and @slack
 * bytes of room */
void *opened(const void *fdt, size_t slack);

#endif /* FUZZ_H */
