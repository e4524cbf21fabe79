/* SPDX-License-Identifier: GPL-2.0 */
/* The one place that prints: a line each. */
#ifndef RECLAIMD_LOG_H
#define RECLAIMD_LOG_H

#include <stddef.h>

/* What was decided, to standard output */
void log_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What is wrong, to standard error */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A name as one word: what would not be part of one is \xNN */
const char *log_word(const char *name, char *to, size_t size);

#endif
