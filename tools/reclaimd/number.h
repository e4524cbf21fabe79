/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers as people and the kernel write them. The whole text, in range, or false. */
#ifndef RECLAIMD_NUMBER_H
#define RECLAIMD_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

/* Digits */
bool number_count(const char *text, size_t len, uint64_t *value);
/* Digits, perhaps with a '-' before them */
bool number_signed(const char *text, size_t len, int64_t *value);
/* "4096", "64K", "16M", "1G" */
bool number_bytes(const char *text, size_t len, uint64_t *bytes);
/* "500ms", "10s", "5min", "1h" */
bool number_time(const char *text, size_t len, uint64_t *ns);

#endif
