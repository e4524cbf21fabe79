/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes trace.dat files (version 6) of any byte order and word size out of
 * event formats and "field=value" text, so that tests need neither a kernel
 * nor the machine that a trace would come from.
 */
#ifndef PANTHOR_TRACE_TESTS_TRACEFILE_H
#define PANTHOR_TRACE_TESTS_TRACEFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TF_MAX_FIELDS 48
#define TF_MAX_CPUS 64
#define TF_PAGE 4096

struct tf_format {
	struct tf_format *next;
	char system[32];
	char name[64];
	int id;
	char *text;
	size_t len;
	int fixed; /* bytes before the dynamic strings */
	int nr;
	struct tf_field {
		char name[48];
		int offset;
		int size;
		bool string;
		bool kib; /* called NAME_kib; scripts name it NAME and have bytes */
	} field[TF_MAX_FIELDS];
};

struct tf_comm {
	struct tf_comm *next;
	int pid;
	char comm[16];
};

struct tf_file {
	bool big;
	int long_size;
	int cpus;
	bool twice; /* all of it once more in a second buffer, a little later */
	char clock[32];
	unsigned int shift; /* of TSC2NSEC; 0: without */
	struct tf_format *formats;
	struct tf_comm *comms;
	struct tf_cpu {
		unsigned char *data;
		size_t len; /* whole pages */
		size_t room;
		size_t page; /* start of the open page, or len */
		size_t used; /* bytes of data in it */
		uint64_t ts;
		uint64_t lost;
		bool open;
	} cpu[TF_MAX_CPUS];
};

int tf_load_formats(struct tf_file *tf, const char *dir);
const struct tf_format *tf_find(const struct tf_file *tf, const char *name);
int tf_record(const struct tf_file *tf, const struct tf_format *fmt, int pid, const char *values,
	      unsigned char *buf, size_t size);
int tf_add(struct tf_file *tf, int cpu, uint64_t ts, const void *record, int size);
int tf_script(struct tf_file *tf, FILE *in);
int tf_write(struct tf_file *tf, const char *path);
void tf_free(struct tf_file *tf);

/* Between these files: a number in the byte order of @tf; the end of a CPU's open page */
void tf_put(const struct tf_file *tf, void *dst, uint64_t value, int size);
void tf_close_page(struct tf_file *tf, struct tf_cpu *c);

#endif
