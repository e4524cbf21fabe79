/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface under test: mem_reclaim, the table in debugfs, and the figures of the system that
 * tell whether they are true.
 */
#ifndef TESTS_RECLAIM_H
#define TESTS_RECLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECLAIM_FILE "/sys/bus/platform/devices/panthor/mem_reclaim"
#define CLAIM_FILE "/sys/bus/platform/devices/panthor/mem_claim"
#define NSEC 1000000000LL

int64_t now_ns(void);

/* What write() says: the number of bytes or a negative errno */
ssize_t write_file(const char *path, const void *data, size_t len);
/* 0 or a negative errno; a short write is -EIO */
int reclaim_text(const char *text);
int reclaim(pid_t tgid);
int reclaim_some(pid_t tgid, uint64_t bytes);
/* The same for mem_claim; 0 bytes: all */
int claim_text(const char *text);
int claim(pid_t tgid, uint64_t bytes);
/* Ask the driver's shrinker for @pages, through debugfs; as write_file() */
ssize_t shrink_pages(unsigned long pages);
/* More than any test has */
#define ALL_PAGES 100000

/* A line of /proc/meminfo in kB */
long meminfo(const char *field);
/* A line of /proc/vmstat: how often, or how many pages, since the system's start */
long vmstat(const char *event);

/* A BO as the driver's own list of all BOs shows it */
struct gem {
	pid_t tgid;
	int evictions;
	uint64_t size;
	uint64_t resident;
	bool exported;
	bool firmware;
	char label[128];
};

/*
 * All BOs that process @tgid created (0: of all processes), in a buffer to be freed; their number,
 * or a negative errno
 */
int gems(pid_t tgid, struct gem **list);
/*
 * What they add up to; @firmware is the part of @resident that the firmware uses, on behalf of a
 * process but not in its VMs
 */
struct gem_sum {
	int bos;
	int resident_bos;
	uint64_t size;
	uint64_t resident;
	uint64_t firmware;
	uint64_t evictions;
};

/*
 * Over those of @tgid whose label begins with @label ("": all, those that the kernel made for the
 * process too)
 */
struct gem_sum gem_sum(pid_t tgid, const char *label);

/* A counter of the simulated GPU, -1 where there is no such */
long sim_counter(const char *name);
/*
 * Accesses of the simulated GPU through a translation that was taken away from under it; -1 where
 * there is no such counter. What no other test can see: data that is right by luck.
 */
long stale_accesses(void);

/* The folder of the device in debugfs */
const char *debugfs_dir(void);

/*
 * A table as debugfs prints it: comment lines that begin with '#', the last of which before the
 * first record names the columns; a record a line, words separated by white space.
 */
struct table {
	char *text;
	char **columns;
	int nr_columns;
	char ***rows;
	int nr_rows;
};

/* NULL if the file cannot be read or is no such table */
struct table *table_read(const char *path);
int table_column(const struct table *table, const char *name);
/* NULL if there is no such column */
const char *table_text(const struct table *table, int row, const char *column);
uint64_t table_value(const struct table *table, int row, const char *column);
void table_free(struct table *table);

/* The device's table of clients */
const char *device_table(void);
/* The same read, and the row of process @tgid in it, or -1; bails out if there is no table */
struct table *device_row(pid_t tgid, int *row);
/* The table of the VMs of the client in that row; bails out if there is no such process */
const char *client_table(pid_t tgid);
/* A column of that row, "last_result" for one; bails out if there is no such process */
int64_t device_value(pid_t tgid, const char *column);
/* What a column adds up to over all open files of process @tgid */
uint64_t device_sum(pid_t tgid, const char *column);

/* The swap that the guest starts with */
#define ZRAM "/dev/zram0"

/* Have the kernel swap to @path, or no longer; bails out if it will not */
void set_swap(const char *path, bool on);
/* mkswap @path; -1 if that did not work */
int make_swap(const char *path);

#endif
