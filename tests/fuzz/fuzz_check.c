// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * libFuzzer: whatever the bytes are, fdtx_check() judges them, and what it
 * accepts can be read, edited, packed and merged. SAMPLES is the directory of
 * the sound base and overlay that accepted blobs are merged with.
 */
#include <stdint.h>

#include "exercise.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct sample base, overlay;
static struct exercise x;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	base = sample_load(SAMPLES "/rich.dtb");
	overlay = sample_load(SAMPLES "/overlay.dtb");
	x.base = &base;
	x.overlay = &overlay;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	exercise(&x, data, size);
	return 0;
}
