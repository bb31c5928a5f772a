// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * The only program of a board's guest: static, no library, no shell.
 *
 * Without /plan it sends what 'pyfdtx capture' would, over the console. With
 * it, it marks a page, loads the plan by kexec_load(2), and panics. Where there
 * is /proc/vmcore it looks for the page, and says how much memory it had.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define MOST (8 << 20)
#define PIECE 65536
#define KCORE_HEAD 65536
#define MARK "mark=0x"
#define MARK_DIGITS 16

struct segment {
	const void *buf;
	size_t bufsz;
	const void *mem;
	size_t memsz;
};

/* tests/boards/test_boards.py writes it, little-endian */
struct row {
	uint64_t start, size, length;
};

struct plan {
	uint64_t entry, flags, count;
	struct row rows[16];
};

static unsigned char page[PAGE], other[PAGE];

static void pattern(void)
{
	uint64_t x = 88172645463325252ULL;
	int i;

	/* xorshift64: bytes that nothing else in memory looks like */
	for (i = 0; i < PAGE; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page[i] = x >> 32;
	}
}

static ssize_t read_up_to(const char *name, unsigned char *buf, size_t most)
{
	int fd = open(name, O_RDONLY);
	size_t got = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	/* /proc/sys refuses large reads (fs/proc/proc_sysctl.c) */
	while (got < most &&
	       (n = read(fd, buf + got, most - got < PIECE ? most - got : PIECE)) > 0)
		got += n;
	close(fd);
	return got;
}

static uint32_t crc32_of(const unsigned char *p, size_t n)
{
	uint32_t crc = ~0U;
	int bit;

	while (n--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xEDB88320U & -(crc & 1));
	}
	return ~crc;
}

static void send_bytes(const char *name, const unsigned char *p, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char line[80];
	size_t i, at = 0;

	printf("@@@ begin %s\n", name);
	for (i = 0; i < n; i += 3) {
		uint32_t v = p[i] << 16 | (i + 1 < n ? p[i + 1] << 8 : 0) |
			     (i + 2 < n ? p[i + 2] : 0);

		line[at++] = digits[v >> 18];
		line[at++] = digits[v >> 12 & 63];
		line[at++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
		line[at++] = i + 2 < n ? digits[v & 63] : '=';
		if (at == 76) {
			printf("%.*s\n", (int)at, line);
			at = 0;
		}
	}
	if (at)
		printf("%.*s\n", (int)at, line);
	printf("@@@ end %s %08x\n", name, (unsigned int)crc32_of(p, n));
	fflush(stdout);
}

static unsigned char *buffer;

static void send(const char *name)
{
	ssize_t n = read_up_to(name, buffer, MOST);

	if (n < 0)
		return;
	if (n > 8 && !memcmp(buffer, "\xd0\x0d\xfe\xed", 4))
		while (n && !buffer[n - 1]) /* QEMU pads trees to 1 MiB */
			n--;
	send_bytes(name + 1, buffer, n);
}

static void send_symbols(void)
{
	static const char *const wanted[] = { " _text\n", " _stext\n",
					      " _end\n" };
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512];
	size_t n = 0, i;

	while (f && fgets(line, sizeof(line), f))
		for (i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
			if (strstr(line, wanted[i])) {
				memcpy(buffer + n, line, strlen(line));
				n += strlen(line);
			}
	send_bytes("proc/kallsyms", buffer, n);
}

static void send_all(void)
{
	static const char *const names[] = {
		"/proc/iomem", "/proc/cmdline", "/proc/cpuinfo",
		"/proc/version", "/proc/sys/kernel/arch", "/proc/config.gz",
		"/proc/partitions", "/proc/net/dev",
		"/proc/sys/kernel/kexec_load_disabled",
		"/sys/firmware/fdt", "/sys/kernel/vmcoreinfo",
		"/sys/kernel/kexec_crash_size",
		"/sys/kernel/kexec_crash_loaded", "/sys/kernel/kexec_loaded",
		"/sys/devices/system/cpu/possible",
		"/sys/devices/system/cpu/present",
		"/sys/devices/system/cpu/online",
	};
	char name[80];
	size_t i;
	ssize_t n;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		send(names[i]);
	for (i = 0; i < 64; i++) {
		snprintf(name, sizeof(name),
			 "/sys/devices/system/cpu/cpu%zu/crash_notes", i);
		send(name);
		strcat(name, "_size");
		send(name);
	}
	n = read_up_to("/proc/kcore", buffer, KCORE_HEAD);
	if (n > 0)
		send_bytes("proc/kcore", buffer, n);
	else
		send_symbols();
	printf("@@@ all sent\n");
}

/* Where a page of ours lies physically; Documentation/admin-guide/mm/pagemap.rst */
static uint64_t physical(const void *p)
{
	uint64_t entry = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	pread(fd, &entry, 8, (uintptr_t)p / PAGE * 8);
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE;
}

static void load_and_panic(void)
{
	struct segment segments[16];
	struct plan *plan;
	struct stat st;
	unsigned char *at, *place, *p;
	char digits[MARK_DIGITS + 1];
	uint64_t i, where;
	long error;
	int fd = open("/plan", O_RDONLY);

	fstat(fd, &st);
	/* Private: the command line in the tree is changed */
	plan = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	place = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (plan == MAP_FAILED || place == MAP_FAILED || plan->count > 16) {
		printf("@@@ no plan\n");
		return;
	}
	memcpy(place, page, PAGE);
	mlock(place, PAGE);
	where = physical(place);
	snprintf(digits, sizeof(digits), "%016llx", (unsigned long long)where);
	at = (unsigned char *)(plan + 1);
	for (i = 0; i < plan->count; i++) {
		struct row *r = &plan->rows[i];

		segments[i].buf = at;
		segments[i].bufsz = r->length;
		segments[i].mem = (void *)(uintptr_t)r->start;
		segments[i].memsz = r->size;
		if (r->length > 4 && !memcmp(at, "\xd0\x0d\xfe\xed", 4)) {
			p = memmem(at, r->length, MARK, strlen(MARK));
			if (p)
				memcpy(p + strlen(MARK), digits, MARK_DIGITS);
		}
		at += r->length;
	}
	error = syscall(SYS_kexec_load, (unsigned long)plan->entry,
			(unsigned long)plan->count, segments,
			(unsigned long)plan->flags);
	if (error) {
		perror("@@@ kexec_load");
		return;
	}
	printf("@@@ loaded, the mark lies at 0x%s\n", digits);
	fflush(stdout);
	fd = open("/proc/sysrq-trigger", O_WRONLY);
	write(fd, "c", 1);
}

/* The page out of the dump: by the program headers of either class, elf(5) */
static int found(int fd, uint64_t where)
{
	static unsigned char head[PAGE * 16];
	uint64_t offset, start, size;
	unsigned int i, count, wide;
	unsigned char *row;

	if (pread(fd, head, sizeof(head), 0) < 64)
		return 0;
	wide = head[4] == 2;
	count = wide ? head[56] | head[57] << 8 : head[44] | head[45] << 8;
	for (i = 0; i < count; i++) {
		row = head + (wide ? 64 + i * 56 : 52 + i * 32);
		if (row + 56 > head + sizeof(head) || row[0] != 1)
			continue;
		if (wide) {
			memcpy(&offset, row + 8, 8);
			memcpy(&start, row + 24, 8);
			memcpy(&size, row + 32, 8);
		} else {
			uint32_t v[5];

			memcpy(v, row + 4, sizeof(v));
			offset = v[0];
			start = v[2];
			size = v[3];
		}
		if (where < start || where - start >= size)
			continue;
		return pread(fd, other, PAGE, offset + where - start) == PAGE &&
		       !memcmp(page, other, PAGE);
	}
	return 0;
}

static void look(void)
{
	char line[4096] = "", *p;
	int fd = open("/proc/vmcore", O_RDONLY);

	read_up_to("/proc/cmdline", (unsigned char *)line, sizeof(line) - 1);
	p = strstr(line, MARK);
	send("/proc/meminfo");
	send("/proc/iomem");
	printf("@@@ marker %s\n",
	       p && found(fd, strtoull(p + strlen(MARK), NULL, 16)) ? "found" :
								      "LOST");
	printf("@@@ done\n");
}

int main(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	/* No messages of the kernel's among ours */
	syscall(SYS_syslog, 8, NULL, 1);
	setvbuf(stdout, NULL, _IOFBF, 1 << 16);
	buffer = malloc(MOST);
	pattern();
	if (!access("/proc/vmcore", F_OK))
		look();
	else if (!access("/plan", F_OK))
		load_and_panic();
	else
		send_all();
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
