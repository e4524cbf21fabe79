// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
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

int swap_filter(FILE *swaps, struct pt_text *filter)
{
	char *line = NULL;
	size_t size = 0;
	int n = 0;

	/* the first line names the columns */
	for (bool first = true; getline(&line, &size, swaps) > 0; first = false) {
		line[strcspn(line, " \t\n")] = '\0';
		unescape(line);
		if (!first && *line)
			n += add_device(filter, line);
	}
	free(line);
	return n;
}
