// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * Runs code that would run before a kernel, as a process, under qemu-user.
 *
 *	a64_runner ENTRY STOP DTB ADDRESS=FILE ...
 *
 * Each file is mapped at its address, then ENTRY is jumped to. Exits with
 * GOOD when the code came to KERNEL with the registers that Linux wants
 * (Documentation/arch/arm64/booting.rst), with STOPPED when it loops at STOP.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define KERNEL 0x20000000
#define GOOD 10
#define STOPPED 11
#define REGISTERS 12
#define ELSEWHERE 13

static uint64_t dtb, stop;

static void kernel(uint64_t x0, uint64_t x1, uint64_t x2, uint64_t x3)
{
	_exit(x0 == dtb && !x1 && !x2 && !x3 ? GOOD : REGISTERS);
}

static void looked(int number, siginfo_t *info, void *context)
{
	uint64_t pc = ((ucontext_t *)context)->uc_mcontext.pc;

	(void)number;
	(void)info;
	if (pc - stop < 8)
		_exit(STOPPED);
}

static void *map(uint64_t address, size_t size)
{
	void *p = mmap((void *)address, size,
		       PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return p;
}

static void read_file(const char *address_file)
{
	char *name;
	uint64_t address = strtoull(address_file, &name, 0);
	int fd = open(name + 1, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	if (fd < 0 || pread(fd, map(address, size), size, 0) != size) {
		perror(name + 1);
		exit(1);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	/* ldr x5, #8; br x5; the address of kernel() */
	uint32_t jump[4] = { 0x58000045, 0xd61f00a0 };
	uint64_t target = (uint64_t)kernel;
	struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	struct sigaction look = { .sa_sigaction = looked,
				  .sa_flags = SA_SIGINFO };
	uint64_t entry;
	int i;

	if (argc < 4)
		return 1;
	entry = strtoull(argv[1], NULL, 0);
	stop = strtoull(argv[2], NULL, 0);
	dtb = strtoull(argv[3], NULL, 0);
	for (i = 4; i < argc; i++)
		read_file(argv[i]);
	memcpy(&jump[2], &target, sizeof(target));
	memcpy(map(KERNEL, sizeof(jump)), jump, sizeof(jump));
	__builtin___clear_cache((char *)KERNEL, (char *)KERNEL + sizeof(jump));
	sigaction(SIGVTALRM, &look, NULL);
	setitimer(ITIMER_VIRTUAL, &often, NULL);
	((void (*)(void))entry)();
	return ELSEWHERE;
}
