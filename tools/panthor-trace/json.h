/* SPDX-License-Identifier: GPL-2.0 */
/* Rows and documents as JSON values; shared by the formats that are made of JSON. */
#ifndef PANTHOR_TRACE_JSON_H
#define PANTHOR_TRACE_JSON_H

#include <jansson.h>

#include "table.h"

json_t *json_uint(uint64_t value);
json_t *json_cell(const struct cell *cell, enum unit unit);
json_t *json_row(const struct table *table, size_t row, const struct print *print);
json_t *json_head(const struct doc *doc);

#endif
