/* SPDX-License-Identifier: GPL-2.0 */
/* Rows and documents as JSON text; shared by the formats that are made of JSON. */
#ifndef PANTHOR_TRACE_JSON_H
#define PANTHOR_TRACE_JSON_H

#include "report/table.h"

void json_string(FILE *f, const char *s);
void json_cell(FILE *f, const struct cell *cell, enum unit unit);
/* "name":value pairs without the braces: those of a row that @print selects, or all known ones */
void json_members(FILE *f, const struct table *table, const struct cell *row,
		  const struct print *print);
void json_known(FILE *f, const struct table *table, const struct cell *row);
/* What is known of a document before its tables, and after; @space: for people */
void json_head(FILE *f, const struct doc *doc, const char *space);
void json_tail(FILE *f, const struct doc *doc, const char *space);

#endif
