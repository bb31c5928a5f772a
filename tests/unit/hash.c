// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * hash C D K0 K1 - SipHash-C-D of each message on the standard input, which stands
 * behind its length (64 bits, in the order of the CPU)
 */
#include <stdio.h>
#include <stdlib.h>

#include "blob/hash.h"

int main(int argc, char **argv)
{
	static char message[1 << 16];
	struct fdtx_key key;
	uint64_t h, len;

	if (argc != 5)
		return 2;
	key.k[0] = strtoull(argv[3], NULL, 16);
	key.k[1] = strtoull(argv[4], NULL, 16);
	while (fread(&len, sizeof(len), 1, stdin) == 1) {
		if (len < 8 || len > sizeof(message) ||
		    fread(message, 1, len, stdin) != len)
			return 3;
		h = fdtx_siphash(&key, fdtx_load_le(message), message + 8,
				 (uint32_t)len - 8, atoi(argv[1]), atoi(argv[2]));
		printf("%016llx\n", (unsigned long long)h);
	}
	return 0;
}
