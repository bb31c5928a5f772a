// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#include "kexec/syscalls.h"

#include <errno.h>

#if FDTX_HAS_KEXEC
#include <unistd.h>

#include <linux/reboot.h>
#include <sys/syscall.h>

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

int fdtx_kexec_load(unsigned long entry, unsigned long count,
		    const struct kexec_segment *segments, unsigned long flags)
{
	return result(syscall(SYS_kexec_load, entry, count, segments, flags));
}
#else
int fdtx_kexec_load(unsigned long entry, unsigned long count,
		    const struct kexec_segment *segments, unsigned long flags)
{
	(void)entry;
	(void)count;
	(void)segments;
	(void)flags;
	return -ENOSYS;
}
#endif

#if FDTX_HAS_KEXEC && defined(SYS_kexec_file_load)
int fdtx_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long len,
			 const char *cmdline, unsigned long flags)
{
	return result(syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, len,
			      cmdline, flags));
}
#else
int fdtx_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long len,
			 const char *cmdline, unsigned long flags)
{
	(void)kernel_fd;
	(void)initrd_fd;
	(void)len;
	(void)cmdline;
	(void)flags;
	return -ENOSYS;
}
#endif

int fdtx_kexec_reboot(void)
{
#if FDTX_HAS_KEXEC
	return result(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
			      LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC,
			      NULL));
#else
	return -ENOSYS;
#endif
}
