// SPDX-License-Identifier: GPL-2.0
/* The file itself: heads, options, tables, pages. */
#include <string.h>

#include "tracefile.h"

static void out(const struct tf_file *tf, FILE *f, uint64_t value, int size)
{
	unsigned char buf[8];

	tf_put(tf, buf, value, size);
	fwrite(buf, 1, size, f);
}

static void out_text(const struct tf_file *tf, FILE *f, const char *text, size_t len)
{
	out(tf, f, len, 8);
	fwrite(text, 1, len, f);
}

static void write_events(const struct tf_file *tf, FILE *f)
{
	const char *systems[16];
	int n = 0;

	for (const struct tf_format *fmt = tf->formats; fmt; fmt = fmt->next) {
		int i = 0;

		while (i < n && strcmp(systems[i], fmt->system))
			i++;
		if (i == n && n < 16)
			systems[n++] = fmt->system;
	}
	out(tf, f, n, 4);
	for (int i = 0; i < n; i++) {
		int count = 0;

		for (const struct tf_format *fmt = tf->formats; fmt; fmt = fmt->next)
			count += !strcmp(fmt->system, systems[i]);
		fwrite(systems[i], 1, strlen(systems[i]) + 1, f);
		out(tf, f, count, 4);
		for (const struct tf_format *fmt = tf->formats; fmt; fmt = fmt->next)
			if (!strcmp(fmt->system, systems[i]))
				out_text(tf, f, fmt->text, fmt->len);
	}
}

/* Options of version 6; the second buffer's tables come right after those of the first. */
#define OPTION_BUFFER 3
#define OPTION_CLOCK 4
#define OPTION_TSC2NSEC 14

static void write_options(const struct tf_file *tf, FILE *f)
{
	char clock[64];
	long at;

	fwrite("options  ", 1, 10, f);
	if (*tf->clock) {
		int len = snprintf(clock, sizeof(clock), "local [%s]\n", tf->clock) + 1;

		out(tf, f, OPTION_CLOCK, 2);
		out(tf, f, len, 4);
		fwrite(clock, 1, len, f);
	}
	if (tf->shift) {
		out(tf, f, OPTION_TSC2NSEC, 2);
		out(tf, f, 16, 4);
		out(tf, f, 1, 4);
		out(tf, f, tf->shift, 4);
		out(tf, f, 0, 8);
	}
	if (tf->twice) {
		out(tf, f, OPTION_BUFFER, 2);
		out(tf, f, 8 + 4, 4);
		/* this, the name, the end of the options, the first buffer's tables */
		at = ftell(f) + 8 + 4 + 2 + 10 + 16 * tf->cpus;
		out(tf, f, at, 8);
		fwrite("two", 1, 4, f);
	}
	out(tf, f, 0, 2);
}

static void write_head(const struct tf_file *tf, FILE *f)
{
	char page[512], comms[8192];
	size_t len = 0;

	fwrite("\x17\x08\x44tracing6", 1, 12, f);
	out(tf, f, tf->big, 1);
	out(tf, f, tf->long_size, 1);
	out(tf, f, TF_PAGE, 4);

	snprintf(page, sizeof(page),
		 "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
		 "\tfield: local_t commit;\toffset:8;\tsize:%d;\tsigned:1;\n"
		 "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
		 "\tfield: char data;\toffset:%d;\tsize:%d;\tsigned:1;\n",
		 tf->long_size, 8 + tf->long_size, TF_PAGE - 8 - tf->long_size);
	fwrite("header_page", 1, 12, f);
	out_text(tf, f, page, strlen(page));
	fwrite("header_event", 1, 13, f);
	snprintf(page, sizeof(page),
		 "# compressed entry header\n\ttype_len    :    5 bits\n"
		 "\ttime_delta  :   27 bits\n\tarray       :   32 bits\n\n\tpadding     : type == "
		 "29\n"
		 "\ttime_extend : type == 30\n\ttime_stamp : type == 31\n\tdata max type_len  == "
		 "28\n");
	out_text(tf, f, page, strlen(page));

	out(tf, f, 0, 4);
	write_events(tf, f);
	out(tf, f, 0, 4); /* kallsyms */
	out(tf, f, 0, 4); /* printk formats */
	for (const struct tf_comm *c = tf->comms; c && len < sizeof(comms) - 32; c = c->next)
		len += snprintf(comms + len, sizeof(comms) - len, "%d %s\n", c->pid, c->comm);
	out_text(tf, f, comms, len);
	out(tf, f, tf->cpus, 4);
	write_options(tf, f);
}

/* Where the pages of each CPU are; returns where those of the next buffer start */
static uint64_t write_table(const struct tf_file *tf, FILE *f, uint64_t at)
{
	fwrite("flyrecord", 1, 10, f);
	for (int i = 0; i < tf->cpus; i++) {
		out(tf, f, at, 8);
		out(tf, f, tf->cpu[i].len, 8);
		at += tf->cpu[i].len;
	}
	return at;
}

static void delay_pages(const struct tf_file *tf, struct tf_cpu *c)
{
	for (size_t at = 0; at < c->len; at += TF_PAGE) {
		uint64_t ts = 0;

		for (int i = 0; i < 8; i++)
			ts |= (uint64_t)c->data[at + i] << 8 * (tf->big ? 7 - i : i);
		tf_put(tf, c->data + at, ts + 700, 8);
	}
}

int tf_write(struct tf_file *tf, const char *path)
{
	static const char zero[TF_PAGE];
	FILE *f = fopen(path, "w");
	uint64_t at;

	if (!f) {
		perror(path);
		return -1;
	}
	write_head(tf, f);
	for (int i = 0; i < tf->cpus; i++)
		tf_close_page(tf, &tf->cpu[i]);
	at = ftell(f) + (tf->twice ? 2 : 1) * (10 + 16 * tf->cpus);
	at = write_table(tf, f, (at + TF_PAGE - 1) / TF_PAGE * TF_PAGE);
	if (tf->twice)
		write_table(tf, f, at);
	if (ftell(f) % TF_PAGE)
		fwrite(zero, 1, TF_PAGE - ftell(f) % TF_PAGE, f);
	for (int buffer = 0; buffer < (tf->twice ? 2 : 1); buffer++) {
		for (int i = 0; i < tf->cpus; i++) {
			if (buffer)
				delay_pages(tf, &tf->cpu[i]);
			fwrite(tf->cpu[i].data, 1, tf->cpu[i].len, f);
		}
	}
	return fclose(f);
}
