// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/* What a machine tells about itself */
#include <stdint.h>
#include <stdio.h>
int main(void)
{
	uint32_t one = 0x01020304;
	const unsigned char *p = (const unsigned char *)&one;

	printf("%zu-bit, %s-endian\n", 8 * sizeof(void *),
	       p[0] == 1 ? "big" : "little");
	return 0;
}
