// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <trace-cmd/trace-cmd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "trace/source.h"
#include "trace/source_file.h"

/*
 * libtracecmd keeps all that it has read of a file, mapped (and that even when
 * it is closed) or unpacked on the heap. So after this many bytes the pages of
 * the mapping are given back; if there is none, the file is closed and opened
 * again where one was, which takes longer.
 */
#define MAPPED_WINDOW (1 << 20)
#define WINDOW (8 << 20)

/*
 * In two steps, because tracecmd_open() of 3.1.6 dereferences NULL while it
 * cleans up after bad data. For the same reason the handle is not closed when
 * the second step fails. The library's messages on standard error are dropped:
 * the program reports errors itself, in one line.
 */
static struct tracecmd_input *open_trace(const char *path)
{
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), saved = dup(STDERR_FILENO);
	struct tracecmd_input *handle;

	if (nowhere >= 0 && saved >= 0)
		dup2(nowhere, STDERR_FILENO);
	handle = tracecmd_open_head(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (handle && tracecmd_init_data(handle))
		handle = NULL;
	if (nowhere >= 0 && saved >= 0)
		dup2(saved, STDERR_FILENO);
	close(saved);
	close(nowhere);
	return handle;
}

static void close_handles(struct trace_file *file)
{
	for (int i = 0; i < file->nr_buffers; i++)
		if (file->buffer[i])
			tracecmd_close(file->buffer[i]);
	free(file->buffer);
	file->buffer = NULL;
	file->nr_buffers = 0;
	if (file->handle)
		tracecmd_close(file->handle);
	file->handle = NULL;
}

static bool open_handles(struct trace_file *file)
{
	file->handle = open_trace(file->name);
	if (!file->handle)
		return false;
	file->nr_buffers = tracecmd_buffer_instances(file->handle);
	if (file->nr_buffers < 0)
		file->nr_buffers = 0;
	file->buffer = xcalloc(file->nr_buffers, sizeof(*file->buffer));
	for (int i = 0; i < file->nr_buffers; i++)
		file->buffer[i] = tracecmd_buffer_instance_handle(file->handle, i);
	file->consumed = 0;
	return true;
}

/* Drop the pages of the mapping; they are read again if needed. False: the file is not mapped. */
static bool drop_mapped(const struct trace_file *file)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char real[PATH_MAX + 1] = "", *line = NULL;
	unsigned long from, to;
	bool found = false;
	size_t size = 0;
	int name;

	/* As the kernel names it there, even if it was removed */
	if (readlink(file->name, real, sizeof(real) - 1) < 0)
		*real = '\0';
	while (*real && maps && getline(&line, &size, maps) > 0) {
		line[strcspn(line, "\n")] = '\0';
		name = 0;
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &from, &to, &name) < 2 || !name ||
		    strcmp(line + name, real))
			continue;
		found = true;
		madvise((void *)from, to - from, MADV_DONTNEED);
	}
	if (maps)
		fclose(maps);
	free(line);
	return found;
}

static void reopen(struct trace_file *file)
{
	close_handles(file);
	if (!open_handles(file)) {
		pt_error("%s: changed while being read", source_name(file->path));
		exit(EXIT_FAILED);
	}
	for (size_t i = 0; i < file->nr_streams; i++) {
		struct stream *stream = &file->stream[i];

		stream->handle = stream->buffer < 0		     ? file->handle
				 : stream->buffer < file->nr_buffers ? file->buffer[stream->buffer]
								     : NULL;
		stream->resume = true;
	}
}

static void add_streams(struct trace_file *file, struct tracecmd_input *handle, int buffer)
{
	int cpus = handle ? tep_get_cpus(tracecmd_get_tep(handle)) : 0;

	file->stream = xrealloc(file->stream, (file->nr_streams + cpus) * sizeof(*file->stream));
	for (int i = 0; i < cpus; i++)
		file->stream[file->nr_streams++] =
			(struct stream){ .buffer = buffer, .cpu = i, .handle = handle };
}

struct tep_record *trace_file_next(struct trace_file *file, struct stream *stream)
{
	struct tep_record *record;
	int cpu;

	if (file->consumed > (file->not_mapped ? WINDOW : MAPPED_WINDOW)) {
		if (!file->not_mapped && !drop_mapped(file))
			file->not_mapped = true;
		else if (file->not_mapped)
			reopen(file);
		else
			file->consumed = 0;
	}
	if (!stream->handle)
		return NULL;
	if (stream->resume) {
		stream->resume = false;
		/* nothing read yet: start at the start */
		record = stream->offset ? tracecmd_read_at(stream->handle, stream->offset, &cpu)
					: NULL;
		if (stream->offset && !record)
			return NULL;
		if (record)
			tracecmd_free_record(record);
	}

	record = tracecmd_read_data(stream->handle, stream->cpu);
	if (!record)
		return NULL;
	stream->offset = record->offset;
	file->consumed += record->record_size > 0 ? record->record_size : 0;
	return record;
}

/* Is there no room for what open_trace() opens? The library does not tell this from damage. */
static bool out_of_files(void)
{
	bool out = false;
	int fd[3];

	for (int i = 0; i < 3; i++) {
		fd[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		out = out || fd[i] < 0;
	}
	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	return out;
}

bool trace_file_open(struct trace_file *file, const char *path)
{
	*file = (struct trace_file){ .path = path };
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0)
		return false;
	snprintf(file->name, sizeof(file->name), "/proc/self/fd/%d", file->fd);
	if (!open_handles(file)) {
		errno = out_of_files() ? EMFILE : 0;
		return false;
	}
	add_streams(file, file->handle, -1);
	for (int i = 0; i < file->nr_buffers; i++)
		add_streams(file, file->buffer[i], i);
	return true;
}

void trace_file_close(struct trace_file *file)
{
	close_handles(file);
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	free(file->stream);
	file->stream = NULL;
	file->nr_streams = 0;
}

struct tep_handle *trace_file_tep(const struct trace_file *file)
{
	return tracecmd_get_tep(file->handle);
}
