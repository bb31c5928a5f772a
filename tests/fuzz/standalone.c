// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Inputs once more, without a fuzzer: TARGET FILE...
 * Prints how many there were; a finding aborts.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		struct sample input = sample_load(argv[i]);

		printf("%s\n", argv[i]);
		fflush(stdout);
		LLVMFuzzerTestOneInput(input.data, input.size);
		free(input.data);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
