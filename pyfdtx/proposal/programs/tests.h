/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef TESTS_H
#define TESTS_H
/*
 * As much of a test program's surroundings in dtc as the programs here use,
 * so that they can run without the rest of dtc
 */
#define ARRAY_SIZE(x)	(sizeof(x) / sizeof((x)[0]))

static inline void *xmalloc(size_t len)
{
	void *p = malloc(len);

	if (!p)
		exit(1);
	return p;
}

#define test_init(argc, argv)	((void)(argc), (void)(argv))
#define PASS()				\
	do {				\
		printf("PASS\n");	\
		exit(0);		\
	} while (0)
#define FAIL(...)			\
	do {				\
		printf("FAIL\t");	\
		printf(__VA_ARGS__);	\
		printf("\n");		\
		exit(2);		\
	} while (0)

#endif /* TESTS_H */
