// SPDX-License-Identifier: (GPL-2.0-or-later OR BSD-2-Clause)
/*
 * sweep [--all|--once] BASE OVERLAY BLOB... - every truncation and every
 * mutation of one byte of each file: the 8 bit flips, 0x00 and 0xff; with
 * --all, every value; with --once, each file as it is, sound or not.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/common_interface_defs.h>

#include "exercise.h"

/* For the message of a sanitizer or an abort: what was being tried */
static const char *trying;
static size_t trying_at;
static int trying_value;

#define CUT (-1)

static void say_where(void)
{
	if (trying_value == CUT)
		fprintf(stderr, "in %s cut to %zu bytes\n", trying, trying_at);
	else
		fprintf(stderr, "in %s with byte %zu = 0x%02x\n", trying,
			trying_at, (unsigned int)trying_value);
}

static void on_abort(int signal_number)
{
	(void)signal_number;
	say_where();
}

static int wanted(unsigned char old, unsigned char new, int all)
{
	unsigned char flipped = old ^ new;

	if (!flipped)
		return 0;
	return all || new == 0x00 || new == 0xff || !(flipped & (flipped - 1));
}

static void sweep(struct exercise *x, const struct sample *sample, int all)
{
	unsigned long tried = 0, accepted = 0;
	unsigned char *data = malloc(sample->size);
	size_t at;
	int value;

	if (!data)
		abort();
	memcpy(data, sample->data, sample->size);
	trying = sample->name;
	for (at = 0; at < sample->size; at++) {
		unsigned char old = data[at];

		trying_at = at;
		for (value = 0; value < 256; value++) {
			if (!wanted(old, (unsigned char)value, all))
				continue;
			trying_value = value;
			data[at] = (unsigned char)value;
			accepted += (unsigned long)exercise(x, data,
							    sample->size);
			tried++;
		}
		data[at] = old;
	}
	printf("%s: %lu mutations, %lu accepted\n", sample->name, tried,
	       accepted);

	trying_value = CUT;
	for (at = 0; at < sample->size; at++) {
		trying_at = at;
		if (exercise(x, data, at)) {
			fprintf(stderr, "broken promise: accepted ");
			say_where();
			exit(1);
		}
	}
	trying_at = sample->size;
	if (!exercise(x, data, sample->size)) {
		fprintf(stderr, "%s itself is refused\n", sample->name);
		exit(1);
	}
	printf("%s: %zu truncations, none accepted\n", sample->name,
	       sample->size);
	free(data);
}

int main(int argc, char **argv)
{
	struct exercise x = { 0 };
	struct sample base, overlay, sample;
	int i, all = 0, once = 0, accepted = 0;

	if (argc > 1 && argv[1][0] == '-') {
		all = !strcmp(argv[1], "--all");
		once = !strcmp(argv[1], "--once");
		argv++;
		argc--;
	}
	if (argc < 3) {
		fprintf(stderr,
			"usage: sweep [--all|--once] BASE OVERLAY BLOB...\n");
		return 2;
	}
	signal(SIGABRT, on_abort);
	__sanitizer_set_death_callback(say_where);
	x.base = &base;
	x.overlay = &overlay;
	base = sample_load(argv[1]);
	overlay = sample_load(argv[2]);
	for (i = 3; i < argc; i++) {
		sample = sample_load(argv[i]);
		if (once) {
			trying = sample.name;
			trying_at = sample.size;
			trying_value = CUT;
			accepted += exercise(&x, sample.data, sample.size);
		} else {
			sweep(&x, &sample, all);
		}
		free(sample.data);
	}
	if (once)
		printf("%d files, %d accepted\n", argc - 3, accepted);
	exercise_report(&x);
	free(base.data);
	free(overlay.data);
	return 0;
}
