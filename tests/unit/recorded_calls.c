// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/syscall.h>

/*
 * In front of libc's: the three calls are printed and never made, and fail as
 * told to.  Others are Python's own.
 */
long syscall(long number, ...)
{
	unsigned long a[6];
	va_list list;
	int i, err = atoi(getenv("FAILS_WITH"));

	va_start(list, number);
	for (i = 0; i < 6; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (number != SYS_kexec_load && number != SYS_kexec_file_load &&
	    number != SYS_reboot) {
		long (*real)(long, ...) = (long (*)(long, ...))
			dlsym(RTLD_NEXT, "syscall");

		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	printf("[%ld, %lu, %lu, %lu, %lu, %lu]\n", number, a[0], a[1], a[2], a[3],
	       a[4]);
	fflush(stdout);
	errno = err;
	return err ? -1 : 7;
}

