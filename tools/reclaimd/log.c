// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

void log_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

void log_error(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "reclaimd: %s\n", line);
}

const char *log_word(const char *name, char *to, size_t size)
{
	size_t len = 0;

	for (; *name && len + 5 <= size; name++) {
		unsigned char c = *name;

		if (isalnum(c) || strchr("-_.:/+@", c))
			to[len++] = c;
		else
			len += snprintf(to + len, size - len, "\\x%02x", c);
	}
	to[len] = '\0';
	return to;
}
