/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */
#ifndef FDTX_KEXEC_H
#define FDTX_KEXEC_H
/*
 * The system calls of kexec. The C library has no functions for them; their
 * numbers come from its headers, structures and flags from the kernel's. Other
 * systems have no such calls: there all answer -ENOSYS.
 */

#include <stddef.h>

#ifdef __linux__
#include <linux/kexec.h>
#define FDTX_HAS_KEXEC 1
#else
#define FDTX_HAS_KEXEC 0
/* As much of linux/kexec.h as Python asks for. Nothing takes the numbers. */
#define KEXEC_ON_CRASH 0
#define KEXEC_SEGMENT_MAX 0
#define KEXEC_FILE_UNLOAD 0
#define KEXEC_FILE_ON_CRASH 0
#define KEXEC_FILE_NO_INITRAMFS 0
struct kexec_segment {
	const void *buf;
	size_t bufsz;
	const void *mem;
	size_t memsz;
};
#endif
/* Linux 6.17 and 6.18; the headers that this is compiled with may be older */
#ifndef KEXEC_FILE_NO_CMA
#define KEXEC_FILE_NO_CMA 0x00000010
#endif
#ifndef KEXEC_FILE_FORCE_DTB
#define KEXEC_FILE_FORCE_DTB 0x00000020
#endif

/* Of Linux 6.6 and 6.10; headers may be older than the running kernel */
#ifndef KEXEC_UPDATE_ELFCOREHDR
#define KEXEC_UPDATE_ELFCOREHDR 0x00000004
#endif
#ifndef KEXEC_CRASH_HOTPLUG_SUPPORT
#define KEXEC_CRASH_HOTPLUG_SUPPORT 0x00000008
#endif

/**
 * fdtx_kexec_load - load segments for the next kernel, or unload
 * @entry: physical address that is jumped to
 * @count: number of segments; 0 unloads
 * @segments: where each comes from and goes to
 * @flags: KEXEC_ON_CRASH and others, and the ELF machine shifted by 16
 *
 * returns: 0 on success; a negative errno; see kexec_load(2)
 */
int fdtx_kexec_load(unsigned long entry, unsigned long count,
		    const struct kexec_segment *segments, unsigned long flags);

/**
 * fdtx_kexec_file_load - have the kernel load an image, or unload
 * @kernel_fd: the image, open for reading
 * @initrd_fd: the initrd, open for reading; not used with
 *	KEXEC_FILE_NO_INITRAMFS
 * @len: bytes of @cmdline, its NUL included
 * @cmdline: the command line
 * @flags: KEXEC_FILE_*
 *
 * returns: 0 on success; a negative errno, -ENOSYS too where the
 *	architecture has no such call; see kexec_file_load(2)
 */
int fdtx_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long len,
			 const char *cmdline, unsigned long flags);

/**
 * fdtx_kexec_reboot - leave this kernel for the loaded one, at once
 *
 * Nothing is stopped or written to disk before: that is the caller's duty.
 *
 * returns: only on failure, a negative errno; see reboot(2),
 *	LINUX_REBOOT_CMD_KEXEC
 */
int fdtx_kexec_reboot(void);

/**
 * fdtx_interface_down - take a network interface down, unless it is the loopback
 * @name: its name, "eth0"
 *
 * returns: 0 on success, also when it was down; a negative errno
 */
int fdtx_interface_down(const char *name);

#endif /* FDTX_KEXEC_H */
