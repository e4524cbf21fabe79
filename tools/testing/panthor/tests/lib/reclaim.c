// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <time.h>
#include <unistd.h>

#include "reclaim.h"
#include "tap.h"

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC + ts.tv_nsec;
}

ssize_t write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, data, len);
	if (ret < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static int write_text(const char *path, const char *text)
{
	ssize_t len = strlen(text), ret = write_file(path, text, len);

	if (ret < 0)
		return ret;
	return ret == len ? 0 : -EIO;
}

int reclaim_text(const char *text)
{
	return write_text(RECLAIM_FILE, text);
}

int reclaim(pid_t tgid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", tgid);
	return reclaim_text(text);
}

int reclaim_some(pid_t tgid, uint64_t bytes)
{
	char text[48];

	snprintf(text, sizeof(text), "%d %llu", tgid, (unsigned long long)bytes);
	return reclaim_text(text);
}

int claim_text(const char *text)
{
	return write_text(CLAIM_FILE, text);
}

int claim(pid_t tgid, uint64_t bytes)
{
	char text[48];

	snprintf(text, sizeof(text), bytes ? "%d %llu" : "%d", tgid, (unsigned long long)bytes);
	return claim_text(text);
}

static char *read_file(const char *path)
{
	size_t len = 0, room = 0;
	char *text = NULL, *larger;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	for (;;) {
		if (len + 4096 > room) {
			room = room ? 2 * room : 65536;
			larger = realloc(text, room);
			if (!larger)
				bail("out of memory");
			text = larger;
		}
		got = read(fd, text + len, room - len - 1);
		if (got <= 0)
			break;
		len += got;
	}
	close(fd);
	text[len] = '\0';
	if (got < 0) {
		free(text);
		return NULL;
	}
	return text;
}

/* The number behind @key and @separator, at the start of a line */
static long number_in(const char *path, const char *key, char separator)
{
	char *text = read_file(path), *at = text;
	size_t len = strlen(key);
	long value = -1;

	while (at) {
		if (!strncmp(at, key, len) && at[len] == separator) {
			value = strtol(at + len + 1, NULL, 10);
			break;
		}
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	free(text);
	if (value < 0)
		bail("%s has no %s", path, key);
	return value;
}

long meminfo(const char *field)
{
	/*
	 * Each CPU keeps some pages of most counts to itself: MiB, where pages are large. Not of
	 * SwapFree, which some ask for all the time
	 */
	if (strcmp(field, "SwapFree"))
		write_file("/proc/sys/vm/stat_refresh", "1", 1);
	return number_in("/proc/meminfo", field, ':');
}

long vmstat(const char *event)
{
	return number_in("/proc/vmstat", event, ' ');
}

long sim_counter(const char *name)
{
	char path[100], *text;
	long count;

	snprintf(path, sizeof(path), "/sys/kernel/debug/panthor-sim/counters/%s", name);
	text = read_file(path);
	count = text ? strtol(text, NULL, 10) : -1;
	free(text);
	return count;
}

long stale_accesses(void)
{
	return sim_counter("stale_tlb");
}

const char *debugfs_dir(void)
{
	static char dir[256];
	glob_t found;

	if (*dir)
		return dir;
	if (glob("/sys/kernel/debug/dri/*/gems", 0, NULL, &found))
		bail("no gems file below /sys/kernel/debug/dri");
	snprintf(dir, sizeof(dir), "%.*s",
		 (int)(strrchr(found.gl_pathv[0], '/') - found.gl_pathv[0]), found.gl_pathv[0]);
	globfree(&found);
	return dir;
}

#define GEM_EXPORTED 0x2
#define GEM_FIRMWARE 0x2

/*
 * A line of the driver's own gems file: COMM/TGID and so on; COMM may contain blanks and slashes,
 * so look from the right place
 */
static bool parse_gem(const char *line, struct gem *gem)
{
	unsigned int state, usage;
	const char *tgid;
	char creator[33];
	int label = 0;

	if (strlen(line) < 32)
		return false;
	snprintf(creator, sizeof(creator), "%s", line);
	tgid = strrchr(creator, '/');
	if (!tgid || sscanf(tgid, "/%d", &gem->tgid) != 1)
		return false;
	if (sscanf(line + 32, "%*d %*d %d %lu %lu %*x %x %x %n", &gem->evictions, &gem->size,
		   &gem->resident, &state, &usage, &label) < 5)
		return false;
	gem->exported = state & GEM_EXPORTED;
	gem->firmware = usage & GEM_FIRMWARE;
	snprintf(gem->label, sizeof(gem->label), "%s", label ? line + 32 + label : "");
	return true;
}

int gems(pid_t tgid, struct gem **list)
{
	char path[300], *text, *line, *next;
	int count = 0, room = 0;
	struct gem gem;

	*list = NULL;
	snprintf(path, sizeof(path), "%s/gems", debugfs_dir());
	text = read_file(path);
	if (!text)
		return -errno;
	for (line = text; *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (!parse_gem(line, &gem) || (tgid && gem.tgid != tgid))
			continue;
		if (count == room) {
			room = room ? 2 * room : 256;
			*list = realloc(*list, room * sizeof(**list));
			if (!*list)
				bail("out of memory");
		}
		(*list)[count++] = gem;
	}
	free(text);
	return count;
}

struct gem_sum gem_sum(pid_t tgid, const char *label)
{
	struct gem_sum sum = {};
	struct gem *list;
	int count = gems(tgid, &list);

	for (int i = 0; i < count; i++) {
		if (strncmp(list[i].label, label, strlen(label)))
			continue;
		sum.bos++;
		sum.size += list[i].size;
		sum.resident_bos += !!list[i].resident;
		sum.resident += list[i].resident;
		sum.firmware += list[i].firmware ? list[i].resident : 0;
		sum.evictions += list[i].evictions;
	}
	free(list);
	return sum;
}

static char **split(char *line, int *count)
{
	char **words = NULL, *save;

	*count = 0;
	for (char *word = strtok_r(line, " \t", &save); word; word = strtok_r(NULL, " \t", &save)) {
		words = realloc(words, (*count + 1) * sizeof(*words));
		if (!words)
			bail("out of memory");
		words[(*count)++] = word;
	}
	return words;
}

struct table *table_read(const char *path)
{
	struct table *table = calloc(1, sizeof(*table));
	char *line, *save = NULL;
	int words;

	if (!table)
		bail("out of memory");
	table->text = read_file(path);
	if (!table->text) {
		free(table);
		return NULL;
	}
	for (line = strtok_r(table->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line == '#') {
			if (table->nr_rows)
				continue;
			free(table->columns);
			table->columns = split(line + 1, &table->nr_columns);
			continue;
		}
		table->rows = realloc(table->rows, (table->nr_rows + 1) * sizeof(*table->rows));
		if (!table->rows)
			bail("out of memory");
		table->rows[table->nr_rows] = split(line, &words);
		if (words != table->nr_columns) {
			diag("%s: a record of %d words below %d columns", path, words,
			     table->nr_columns);
			table->nr_rows++;
			table_free(table);
			errno = EPROTO;
			return NULL;
		}
		table->nr_rows++;
	}
	return table;
}

int table_column(const struct table *table, const char *name)
{
	for (int i = 0; i < table->nr_columns; i++)
		if (!strcmp(table->columns[i], name))
			return i;
	return -1;
}

const char *table_text(const struct table *table, int row, const char *column)
{
	int index = table_column(table, column);

	return index < 0 ? NULL : table->rows[row][index];
}

uint64_t table_value(const struct table *table, int row, const char *column)
{
	const char *text = table_text(table, row, column);

	if (!text)
		bail("the table has no column %s", column);
	return strtoull(text, NULL, 0);
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (int i = 0; i < table->nr_rows; i++)
		free(table->rows[i]);
	free(table->rows);
	free(table->columns);
	free(table->text);
	free(table);
}

const char *device_table(void)
{
	static char path[300];

	/* Once, before there are threads */
	if (!*path)
		snprintf(path, sizeof(path), "%s/reclaim", debugfs_dir());
	return path;
}

struct table *device_row(pid_t tgid, int *row)
{
	struct table *table = table_read(device_table());

	if (!table)
		bail("cannot read %s: %s", device_table(), strerror(errno));
	for (*row = table->nr_rows - 1; *row >= 0; --*row)
		if ((pid_t)table_value(table, *row, "tgid") == tgid)
			break;
	return table;
}

const char *client_table(pid_t tgid)
{
	static char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/client-%lld/reclaim",
		 (long long)device_value(tgid, "client"));
	return path;
}

int64_t device_value(pid_t tgid, const char *column)
{
	int row;
	struct table *table = device_row(tgid, &row);
	int64_t value;

	if (row < 0)
		bail("no process %d in %s", tgid, device_table());
	value = strtoll(table_text(table, row, column), NULL, 10);
	table_free(table);
	return value;
}

uint64_t device_sum(pid_t tgid, const char *column)
{
	struct table *table = table_read(device_table());
	uint64_t sum = 0;

	for (int row = 0; table && row < table->nr_rows; row++)
		if ((pid_t)table_value(table, row, "tgid") == tgid)
			sum += table_value(table, row, column);
	table_free(table);
	return sum;
}

void set_swap(const char *path, bool on)
{
	if (on ? swapon(path, 0) : swapoff(path))
		bail("swap%s %s: %s", on ? "on" : "off", path, strerror(errno));
}

int make_swap(const char *path)
{
	char command[300];

	snprintf(command, sizeof(command), "mkswap %s >/dev/null 2>&1", path);
	return system(command) ? -1 : 0;
}

ssize_t shrink_pages(unsigned long pages)
{
	char path[300], text[24];

	snprintf(path, sizeof(path), "%s/shrink", debugfs_dir());
	snprintf(text, sizeof(text), "%lu", pages);
	return write_file(path, text, strlen(text));
}
