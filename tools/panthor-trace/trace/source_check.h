/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_SOURCE_CHECK_H
#define PANTHOR_TRACE_SOURCE_CHECK_H

#include <stdint.h>

int source_check(const char *path, uint64_t *page);

#endif
