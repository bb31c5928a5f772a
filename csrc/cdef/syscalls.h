/* SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause) */

#define FDTX_HAS_KEXEC ...
#define KEXEC_ON_CRASH ...
#define KEXEC_SEGMENT_MAX ...
#define KEXEC_FILE_UNLOAD ...
#define KEXEC_FILE_ON_CRASH ...
#define KEXEC_FILE_NO_INITRAMFS ...

struct kexec_segment {
	const void *buf;
	size_t bufsz;
	const void *mem;
	size_t memsz;
};

int fdtx_kexec_load(unsigned long entry, unsigned long count,
		    const struct kexec_segment *segments, unsigned long flags);
int fdtx_kexec_file_load(int kernel_fd, int initrd_fd, unsigned long len,
			 const char *cmdline, unsigned long flags);
int fdtx_kexec_reboot(void);
int fdtx_interface_down(const char *name);
