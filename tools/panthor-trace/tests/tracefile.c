// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "tracefile.h"

void tf_put(const struct tf_file *tf, void *dst, uint64_t value, int size)
{
	unsigned char *p = dst;

	for (int i = 0; i < size; i++)
		p[tf->big ? size - 1 - i : i] = value >> (8 * i);
}

static int parse_format(struct tf_format *fmt)
{
	char *line, *save = NULL, *copy = strdup(fmt->text);
	int ret = -1;

	if (!copy)
		return -1;
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct tf_field *f = &fmt->field[fmt->nr];
		char decl[128], *name;

		if (sscanf(line, "name: %63s", fmt->name) == 1 ||
		    sscanf(line, "ID: %d", &fmt->id) == 1)
			continue;
		if (fmt->nr == TF_MAX_FIELDS || sscanf(line, " field:%127[^;]; offset:%d; size:%d;",
						       decl, &f->offset, &f->size) != 3)
			continue;
		f->string = strstr(decl, "__data_loc");
		name = strrchr(decl, ' ');
		if (!name)
			goto out;
		snprintf(f->name, sizeof(f->name), "%s", name + 1);
		f->name[strcspn(f->name, "[")] = '\0';
		name = strstr(f->name, "_kib");
		f->kib = name && !name[4];
		if (f->kib)
			*name = '\0';
		if (f->offset + f->size > fmt->fixed)
			fmt->fixed = f->offset + f->size;
		fmt->nr++;
	}
	ret = fmt->name[0] && fmt->id && fmt->nr ? 0 : -1;
out:
	free(copy);
	return ret;
}

/* File names are <event>.format for ours and <system>:<event>.format for others. */
static int load_format(struct tf_file *tf, const char *dir, const char *file)
{
	struct tf_format *fmt = calloc(1, sizeof(*fmt));
	const char *colon = strchr(file, ':');
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "r");
	if (!fmt || !f)
		return -1;
	fmt->text = calloc(1, 65536);
	fmt->len = fread(fmt->text, 1, 65535, f);
	fclose(f);
	snprintf(fmt->system, sizeof(fmt->system), "%.*s", colon ? (int)(colon - file) : 7,
		 colon ? file : "panthor");
	if (parse_format(fmt)) {
		fprintf(stderr, "%s: not an event format\n", path);
		return -1;
	}
	fmt->next = tf->formats;
	tf->formats = fmt;
	return 0;
}

int tf_load_formats(struct tf_file *tf, const char *dir)
{
	struct dirent **list;
	int n = scandir(dir, &list, NULL, alphasort), ret = 0;

	if (n < 0) {
		perror(dir);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		const char *dot = strrchr(list[i]->d_name, '.');

		if (dot && !strcmp(dot, ".format") && !ret)
			ret = load_format(tf, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return ret;
}

const struct tf_format *tf_find(const struct tf_file *tf, const char *name)
{
	const struct tf_format *fmt = tf->formats;

	while (fmt && strcmp(fmt->name, name))
		fmt = fmt->next;
	return fmt;
}

/* name=value or name="value" with \xNN; returns what follows, NULL at the end or if malformed */
static const char *next_value(const char *s, char *name, char *value, size_t *len, size_t size)
{
	size_t n = 0;
	bool quoted;

	while (isspace((unsigned char)*s))
		s++;
	while (*s && *s != '=' && n < 47)
		name[n++] = *s++;
	name[n] = '\0';
	if (*s++ != '=')
		return NULL;
	quoted = *s == '"';
	s += quoted;
	for (*len = 0; *s && *len < size && (quoted ? *s != '"' : !isspace((unsigned char)*s));) {
		unsigned int byte;

		if (s[0] == '\\' && s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1) {
			value[(*len)++] = byte;
			s += 4;
		} else {
			value[(*len)++] = *s++;
		}
	}
	value[*len] = '\0';
	return quoted && *s ? s + 1 : s;
}

/* The number that a symbolic field has for a name: { 5, "pinned" } in the text of the format */
static bool symbol(const struct tf_format *fmt, const char *field, const char *name,
		   uint64_t *value)
{
	char want[1100];
	const char *p, *end;

	snprintf(want, sizeof(want), "REC->%s, {", field);
	p = strstr(fmt->text, want);
	end = p ? strchr(p, ')') : NULL;
	snprintf(want, sizeof(want), "\"%s\"", name);
	p = p ? strstr(p, want) : NULL;
	if (!p || p > end)
		return false;
	while (*p != '{')
		p--;
	*value = strtoull(p + 1, NULL, 0);
	return true;
}

/* Returns the size of the record, or -1. Fields that are not named are 0 or empty. */
int tf_record(const struct tf_file *tf, const struct tf_format *fmt, int pid, const char *values,
	      unsigned char *buf, size_t size)
{
	char name[48], value[1025];
	size_t at = fmt->fixed, len;

	if (at > size)
		return -1;
	memset(buf, 0, size);
	tf_put(tf, buf, fmt->id, 2);
	tf_put(tf, buf + 4, pid, 4);

	for (int i = 0; i < fmt->nr; i++) {
		const struct tf_field *f = &fmt->field[i];
		const char *s = values;
		bool found = false;

		while (!found && (s = next_value(s, name, value, &len, 1024)))
			found = !strcmp(name, f->name);
		if (f->string) {
			len = found ? len + 1 : 1;
			if (at + len > size)
				return -1;
			if (found)
				memcpy(buf + at, value, len);
			tf_put(tf, buf + f->offset, len << 16 | at, 4);
			at += len;
		} else if (found && isalpha((unsigned char)*value)) {
			uint64_t number;

			if (!symbol(fmt, f->name, value, &number))
				return -1;
			tf_put(tf, buf + f->offset, number, f->size);
		} else if (found) {
			uint64_t number = *value == '-' ? (uint64_t)strtoll(value, NULL, 0)
							: strtoull(value, NULL, 0);

			tf_put(tf, buf + f->offset, number >> (f->kib ? 10 : 0), f->size);
		}
	}
	return (at + 3) & ~3;
}

void tf_close_page(struct tf_file *tf, struct tf_cpu *c)
{
	unsigned char *page = c->data + c->page;
	size_t head = 8 + tf->long_size;
	uint64_t commit = c->used;

	if (!c->open)
		return;
	if (c->lost) {
		commit |= 1u << 31;
		if (head + c->used + tf->long_size <= TF_PAGE) {
			commit |= 1u << 30;
			tf_put(tf, page + head + c->used, c->lost, tf->long_size);
		}
		c->lost = 0;
	}
	tf_put(tf, page + 8, commit, tf->long_size);
	c->open = false;
}

static int open_page(struct tf_file *tf, struct tf_cpu *c, uint64_t ts)
{
	tf_close_page(tf, c);
	if (c->len + TF_PAGE > c->room) {
		size_t room = c->room ? 2 * c->room : 16 * TF_PAGE;
		unsigned char *data = realloc(c->data, room);

		if (!data)
			return -1;
		c->data = data;
		c->room = room;
	}
	memset(c->data + c->len, 0, TF_PAGE);
	tf_put(tf, c->data + c->len, ts, 8);
	c->page = c->len;
	c->len += TF_PAGE;
	c->used = 0;
	c->ts = ts;
	c->open = true;
	return 0;
}

int tf_add(struct tf_file *tf, int cpu, uint64_t ts, const void *record, int size)
{
	struct tf_cpu *c = &tf->cpu[cpu];
	size_t head = 8 + tf->long_size;
	size_t need = size + 4 + (size > 28 * 4 ? 4 : 0) + 8;
	bool fresh = !c->open || head + c->used + need + tf->long_size > TF_PAGE;
	uint64_t delta;
	unsigned char *p;
	uint32_t word;

	if (ts < c->ts && c->len) {
		fprintf(stderr, "time goes backwards on CPU %d\n", cpu);
		return -1;
	}
	if (cpu >= tf->cpus)
		tf->cpus = cpu + 1;
	if (fresh && open_page(tf, c, ts))
		return -1;
	delta = ts - c->ts;
	c->ts = ts;
	p = c->data + c->page + head + c->used;
	if (delta >> 27) {
		word = tf->big ? 30u << 27 | (delta & 0x7ffffff) : 30 | (delta & 0x7ffffff) << 5;
		tf_put(tf, p, word, 4);
		tf_put(tf, p + 4, delta >> 27, 4);
		p += 8;
		c->used += 8;
		delta = 0;
	}
	word = size > 28 * 4 ? 0 : size / 4;
	tf_put(tf, p, tf->big ? word << 27 | delta : word | delta << 5, 4);
	p += 4;
	c->used += 4;
	if (!word) {
		tf_put(tf, p, size + 4, 4);
		p += 4;
		c->used += 4;
	}
	memcpy(p, record, size);
	c->used += size;
	return 0;
}

static uint64_t seconds(const char *s)
{
	char *end;
	uint64_t ns = strtoull(s, &end, 10) * 1000000000, unit = 100000000;

	if (*end == '.')
		for (end++; isdigit((unsigned char)*end); end++, unit /= 10)
			ns += (*end - '0') * unit;
	return ns;
}

/* n records of two foreign events, so that ours are the needle and not the haystack */
static int noise(struct tf_file *tf, int cpu, uint64_t from, uint64_t to, unsigned long n)
{
	const struct tf_format *a = tf_find(tf, "sched_switch"),
			       *b = tf_find(tf, "kmem_cache_free");
	unsigned char ra[256], rb[256];
	int sa, sb;

	if (!a || !b)
		return -1;
	sa = tf_record(tf, a, 12, "prev_pid=12 prev_prio=120 next_pid=0 next_prio=120", ra,
		       sizeof(ra));
	sb = tf_record(tf, b, 12, "call_site=0xffffffff81000000 ptr=0xffff888000000000 name=x", rb,
		       sizeof(rb));
	for (unsigned long i = 0; i < n; i++) {
		uint64_t ts = from + (to - from) * i / n;

		if (tf_add(tf, cpu, ts, i & 1 ? ra : rb, i & 1 ? sa : sb))
			return -1;
	}
	return 0;
}

/* A record that is used again and again with other numbers in it */
struct template_record {
	const struct tf_format *fmt;
	unsigned char record[512];
	int size;
};

static bool prepare(const struct tf_file *tf, struct template_record *t, const char *event, int pid,
		    const char *values)
{
	t->fmt = tf_find(tf, event);
	t->size = t->fmt ? tf_record(tf, t->fmt, pid, values, t->record, sizeof(t->record)) : -1;
	return t->size > 0;
}

static void set(const struct tf_file *tf, struct template_record *t, const char *field,
		uint64_t value)
{
	for (int i = 0; i < t->fmt->nr; i++)
		if (!strcmp(t->fmt->field[i].name, field))
			tf_put(tf, t->record + t->fmt->field[i].offset, value,
			       t->fmt->field[i].size);
}

static int add(struct tf_file *tf, int cpu, uint64_t ts, const struct template_record *t)
{
	return tf_add(tf, cpu, ts, t->record, t->size);
}

/* A manager that never rests: each request evicts and writes all, then all is swapped in. */
static int requests(struct tf_file *tf, unsigned long n, unsigned long bos)
{
	struct template_record begin, vm, evict, vm_end, write, end, swapin;
	uint64_t step = 100000000 / (bos ?: 1);
	int ret = 0;

	if (!prepare(tf, &begin, "panthor_reclaim_begin", 412,
		     "dev=panthor source=sysfs requester_tgid=412 target_tgid=388 clients=1 vms=1 "
		     "requester_comm=manager target_comm=browser") ||
	    !prepare(tf, &vm, "panthor_vm_reclaim_begin", 412, "client_id=5 tgid=388 vm_id=1") ||
	    !prepare(tf, &evict, "panthor_bo_evict", 412,
		     "client_id=5 tgid=388 vm_id=1 state=private size=65536 "
		     "va=0x1000000 label=\"page tiles\"") ||
	    !prepare(tf, &vm_end, "panthor_vm_reclaim_end", 412,
		     "client_id=5 tgid=388 vm_id=1 unmap_ns=90000000 "
		     "duration_ns=100000000") ||
	    !prepare(tf, &write, "panthor_bo_writeback", 412,
		     "client_id=5 vm_id=1 size=65536 written=65536 freed=65536") ||
	    !prepare(tf, &end, "panthor_reclaim_end", 412,
		     "dev=panthor source=sysfs target_tgid=388 vms=1 writeback=free "
		     "unmap_ns=90000000 writeback_ns=100000000 target_comm=browser") ||
	    !prepare(tf, &swapin, "panthor_bo_swapin", 388,
		     "dev=panthor client_id=5 tgid=388 vm_id=1 size=65536 evicted_ns=150000000 "
		     "duration_ns=9000 label=\"page tiles\""))
		return -1;

	for (unsigned long id = 1; id <= n && !ret; id++) {
		uint64_t ts = 100000000000 + id * 500000000;
		struct template_record *all[] = { &begin, &vm,	&evict, &vm_end,
						  &write, &end, &swapin };

		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
			set(tf, all[i], "id", id);
			set(tf, all[i], "evictions", id);
		}
		set(tf, &vm, "bos", bos);
		set(tf, &vm, "size", bos * 65536);
		set(tf, &end, "duration_ns", 210000000 + id % 1000 * 1000);
		for (int i = 0; i < 2; i++) {
			set(tf, i ? &end : &vm_end, "evicted_bos", bos);
			set(tf, i ? &end : &vm_end, "evicted", bos * 65536);
		}
		set(tf, &end, "written", bos * 65536);
		set(tf, &end, "freed", bos * 65536);
		ret = add(tf, 0, ts, &begin) ?: add(tf, 0, ts + 10, &vm);
		for (unsigned long b = 1; b <= bos && !ret; b++) {
			set(tf, &evict, "bo_id", b);
			set(tf, &evict, "duration_ns", 3000 + b % 50);
			ret = add(tf, 0, ts + b * step, &evict);
		}
		ret = ret ?: add(tf, 0, ts + 100000100, &vm_end);
		for (unsigned long b = 1; b <= bos && !ret; b++) {
			set(tf, &write, "bo_id", b);
			set(tf, &write, "start_ns", 100000200 + (b - 1) * step);
			set(tf, &write, "duration_ns", step);
			ret = add(tf, 0, ts + 100000200 + b * step, &write);
		}
		ret = ret ?: add(tf, 0, ts + 210000000 + id % 1000 * 1000, &end);
		for (unsigned long b = 1; b <= bos && !ret; b++) {
			set(tf, &swapin, "bo_id", b);
			ret = add(tf, 1, ts + 250000000 + b * step, &swapin);
		}
	}
	return ret;
}

static int script_line(struct tf_file *tf, char *line)
{
	char word[64], from[32], to[32];
	unsigned char record[2048];
	const struct tf_format *fmt;
	unsigned long count, bos;
	int cpu, pid, at = 0, size;

	if (sscanf(line, "lost %d %lu", &cpu, &count) == 2 && cpu >= 0 && cpu < TF_MAX_CPUS) {
		tf_close_page(tf, &tf->cpu[cpu]);
		tf->cpu[cpu].lost = count;
		return 0;
	}
	if (sscanf(line, "comm %d %63s", &pid, word) == 2) {
		struct tf_comm *c = calloc(1, sizeof(*c));

		c->pid = pid;
		snprintf(c->comm, sizeof(c->comm), "%.15s", word);
		c->next = tf->comms;
		tf->comms = c;
		return 0;
	}
	if (sscanf(line, "requests %lu %lu", &count, &bos) == 2)
		return requests(tf, count, bos);
	if (sscanf(line, "clock %31s", tf->clock) == 1)
		return 0;
	if (sscanf(line, "tsc2nsec %u", &tf->shift) == 1)
		return 0;
	if (sscanf(line, "noise %d %31s %31s %lu", &cpu, from, to, &count) == 4)
		return noise(tf, cpu, seconds(from), seconds(to), count);

	if (sscanf(line, "%d %31s %d %63s %n", &cpu, from, &pid, word, &at) < 4 || !at || cpu < 0 ||
	    cpu >= TF_MAX_CPUS)
		return -1;
	fmt = tf_find(tf, word);
	if (!fmt)
		return -1;
	size = tf_record(tf, fmt, pid, line + at, record, sizeof(record));
	return size < 0 ? -1 : tf_add(tf, cpu, seconds(from), record, size);
}

/*
 * CPU SECONDS PID EVENT field=value …     one event
 * lost CPU COUNT                          events were lost before the next one on this CPU
 * comm PID NAME                           name of a thread
 * clock NAME                              the trace's clock
 * tsc2nsec SHIFT                          its counts, divided by 2^SHIFT, are ns
 * noise CPU FROM TO N                     N foreign events
 * requests N BOS                          N requests of so many BOs, all swapped in again
 */
int tf_script(struct tf_file *tf, FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	int nr = 0, ret = 0;

	while (!ret && getline(&line, &size, in) >= 0) {
		nr++;
		if (*line == '\n' || *line == '#')
			continue;
		ret = script_line(tf, line);
		if (ret)
			fprintf(stderr, "line %d: cannot make an event of: %s", nr, line);
	}
	free(line);
	return ret;
}

void tf_free(struct tf_file *tf)
{
	while (tf->formats) {
		struct tf_format *next = tf->formats->next;

		free(tf->formats->text);
		free(tf->formats);
		tf->formats = next;
	}
	while (tf->comms) {
		struct tf_comm *next = tf->comms->next;

		free(tf->comms);
		tf->comms = next;
	}
	for (int i = 0; i < TF_MAX_CPUS; i++)
		free(tf->cpu[i].data);
}
