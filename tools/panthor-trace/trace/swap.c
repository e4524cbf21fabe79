// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/error.h"
#include "trace/swap.h"

/* The kernel's own dev_t, which is what the events have, is not that of the C library. */
#define KERNEL_MINOR_BITS 20

/* The kernel writes white space and backslashes of a path as \ooo. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		unsigned int octal;

		if (sscanf(from, "\\%3o", &octal) == 1) {
			*to = (char)octal;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* A swap file's pages go to the device below its file system. */
static bool add_device(struct pt_text *filter, const char *path)
{
	struct stat st;
	dev_t dev;

	if (stat(path, &st)) {
		pt_warn("swap on %s is not recorded: %s", path, strerror(errno));
		return false;
	}
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (!major(dev)) {
		pt_warn("swap on %s is not recorded: its file system has no block device", path);
		return false;
	}
	pt_add(filter, "%sdev == %llu", filter->len ? " || " : "",
	       (unsigned long long)major(dev) << KERNEL_MINOR_BITS | minor(dev));
	return true;
}

/* The path of the next device or file that memory is swapped to, in @line; NULL at the end */
static char *next_swap(FILE *swaps, char **line, size_t *size)
{
	while (getline(line, size, swaps) > 0) {
		/* The first line names the columns. */
		if (!strncmp(*line, "Filename", strlen("Filename")))
			continue;
		(*line)[strcspn(*line, " \t\n")] = '\0';
		unescape(*line);
		return *line;
	}
	return NULL;
}

int swap_filter(FILE *swaps, struct pt_text *filter)
{
	char *line = NULL, *path;
	size_t size = 0;
	int n = 0;

	while ((path = next_swap(swaps, &line, &size)))
		n += add_device(filter, path);
	free(line);
	return n;
}

/* Adds what a zram device takes, whatever its node is called. False: another device, or a file. */
static bool add_zram(const char *path, uint64_t *bytes)
{
	char name[64];
	struct stat st;
	uint64_t used;
	bool ok;
	FILE *f;

	if (stat(path, &st) || !S_ISBLK(st.st_mode))
		return false;
	/* Only zram has this file. */
	snprintf(name, sizeof(name), "/sys/dev/block/%u:%u/mm_stat", major(st.st_rdev),
		 minor(st.st_rdev));
	f = fopen(name, "re");
	/* Original and compressed size come first. */
	ok = f && fscanf(f, "%*s %*s %" SCNu64, &used) == 1;
	if (f)
		fclose(f);
	if (ok)
		*bytes += used;
	return ok;
}

bool swap_zram(FILE *swaps, uint64_t *bytes)
{
	char *line = NULL, *path;
	bool found = false;
	size_t size = 0;

	*bytes = 0;
	while ((path = next_swap(swaps, &line, &size)))
		found |= add_zram(path, bytes);
	free(line);
	return found;
}
