// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/syscall.h>

/*
 * In front of libc's, in any kexec(8): the calls that would change the machine
 * are written to the file $FAKE_CALLS and answered as the environment says.
 * What is loaded is remembered in sysfs, of which the caller has put a copy in
 * place.  FAKE_LOAD, FAKE_FILE, FAKE_REBOOT: the errno of a call; 0 or unset:
 * it works.
 */

#define CRASH 1
#define FILE_UNLOAD 1
#define FILE_CRASH 2
#define FILE_NO_INITRD 4

static int answer(const char *name)
{
	const char *text = getenv(name);

	return text ? atoi(text) : 0;
}

static void note(const char *form, ...)
{
	FILE *log = fopen(getenv("FAKE_CALLS"), "a");
	va_list list;

	if (!log)
		abort();
	va_start(list, form);
	vfprintf(log, form, list);
	va_end(list);
	fclose(log);
}

static void loaded(int crash, int yes)
{
	const char *name = crash ? "/sys/kernel/kexec_crash_loaded"
				 : "/sys/kernel/kexec_loaded";
	FILE *file = fopen(name, "r+");

	if (file) {
		fprintf(file, "%d\n", yes);
		fclose(file);
	}
}

static int is_bzimage(int fd)
{
	char magic[4];

	return pread(fd, magic, 4, 0x202) == 4 && !memcmp(magic, "HdrS", 4);
}

static long kexec_load(unsigned long entry, unsigned long count,
		       unsigned long flags)
{
	int err = answer("FAKE_LOAD");

	note("kexec_load segments=%s flags=%#lx entry=%#lx\n",
	     count ? "some" : "none", flags & 0xffff, count ? entry : 0);
	if (!err)
		loaded(flags & CRASH, count != 0);
	return err;
}

static long kexec_file_load(int kernel, int initrd, unsigned long len,
			    const char *cmdline, unsigned long flags)
{
	int err = answer("FAKE_FILE");

	if (flags & FILE_UNLOAD) {
		note("kexec_file_load unload flags=%#lx\n", flags);
	} else {
		note("kexec_file_load flags=%#lx initrd=%d cmdline=%s\n",
		     flags, !(flags & FILE_NO_INITRD) && initrd >= 0,
		     len ? cmdline : "");
		if (!err && !is_bzimage(kernel))
			err = ENOEXEC;
	}
	if (!err)
		loaded(flags & FILE_CRASH, !(flags & FILE_UNLOAD));
	return err;
}

static int leave(void)
{
	int err = answer("FAKE_REBOOT");

	note("reboot\n");
	if (!err)
		_exit(0);
	errno = err;
	return -1;
}

int reboot(int command)
{
	(void)command;
	return leave();
}

int execv(const char *path, char *const argv[])
{
	note("exec %s", path);
	for (int i = 1; argv[i]; i++)
		note(" %s", argv[i]);
	note("\n");
	_exit(0);
}

long syscall(long number, ...)
{
	unsigned long a[6];
	va_list list;
	long err;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, unsigned long);
	va_end(list);
	if (number == SYS_kexec_load) {
		err = kexec_load(a[0], a[1], a[3]);
	} else if (number == SYS_kexec_file_load) {
		err = kexec_file_load((int)a[0], (int)a[1], a[2],
				      (const char *)a[3], a[4]);
	} else if (number == SYS_reboot) {
		return leave();
	} else {
		long (*real)(long, ...) = (long (*)(long, ...))
			dlsym(RTLD_NEXT, "syscall");

		return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
	if (!err)
		return 0;
	errno = (int)err;
	return -1;
}
