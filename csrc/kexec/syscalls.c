// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
#include "kexec/syscalls.h"

#include <errno.h>

#if FDTX_HAS_KEXEC
#include <string.h>
#include <unistd.h>

#include <linux/reboot.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
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

int fdtx_interface_down(const char *name)
{
	struct ifreq request = {0};
	size_t len = strlen(name);
	int ret, fd;

	if (len >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	memcpy(request.ifr_name, name, len);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	ret = result(ioctl(fd, SIOCGIFFLAGS, &request));
	if (!ret && request.ifr_flags & IFF_UP &&
	    !(request.ifr_flags & IFF_LOOPBACK)) {
		request.ifr_flags &= (short)~IFF_UP;
		ret = result(ioctl(fd, SIOCSIFFLAGS, &request));
	}
	close(fd);
	return ret;
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

int fdtx_interface_down(const char *name)
{
	(void)name;
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
