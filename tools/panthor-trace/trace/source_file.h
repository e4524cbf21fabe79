/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A trace file as streams of raw records, one for each CPU of each buffer,
 * every one in order by itself. Memory does not grow with what was read.
 */
#ifndef PANTHOR_TRACE_SOURCE_FILE_H
#define PANTHOR_TRACE_SOURCE_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct tep_handle;
struct tep_record;
struct tracecmd_input;

/* One CPU of one buffer */
struct stream {
	int buffer; /* -1: the main one */
	int cpu;
	struct tracecmd_input *handle;
	bool resume; /* the file was reopened: first seek to @offset */
	unsigned long long offset; /* of the last record read */
};

struct trace_file {
	const char *path; /* for messages */
	int fd; /* the file, even if another one gets its name */
	char name[32]; /* what to open: that */
	struct tracecmd_input *handle;
	struct tracecmd_input **buffer;
	int nr_buffers;
	size_t consumed; /* since it was opened, or its pages were given back */
	bool not_mapped; /* libtracecmd reads it in another way */
	struct stream *stream;
	size_t nr_streams;
};

/*
 * False: libtracecmd does not read it, or, with errno, it cannot be opened. After source_check()
 * only; close it in any case.
 */
bool trace_file_open(struct trace_file *file, const char *path);
void trace_file_close(struct trace_file *file);
struct tep_handle *trace_file_tep(const struct trace_file *file);
/* The stream's next record, to be given back to libtracecmd; NULL: it is at its end */
struct tep_record *trace_file_next(struct trace_file *file, struct stream *stream);

#endif
