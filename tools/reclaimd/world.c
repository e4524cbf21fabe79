// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "number.h"
#include "world.h"

/* Larger than any file that is read with it */
#define TEXT_SIZE 16384
/* No configuration and no state is as large as this */
#define READ_SIZE (1 << 20)

uint64_t world_now_ns(void)
{
	struct timespec ts;

	/* Time in which the system sleeps counts, too */
	clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The length, or a negative errno; what does not fit is cut off */
static ssize_t read_at(int dir, const char *path, char *text, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t len = 0, got = 0;

	if (fd < 0)
		return -errno;
	while (len < (ssize_t)size - 1) {
		got = read(fd, text + len, size - 1 - len);
		if (got <= 0)
			break;
		len += got;
	}
	if (got < 0)
		len = -errno;
	close(fd);
	text[len < 0 ? 0 : len] = '\0';
	return len;
}

static void add_nodes(const struct world *world, struct device *device)
{
	char path[WORLD_PATH];
	struct dirent *entry;
	DIR *dir;

	/* dri folder of the device: card0, renderD128, ... */
	snprintf(path, sizeof(path), "%.*s/drm", (int)(strrchr(device->file, '/') - device->file),
		 device->file);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)) && device->nr_inos < MAX_NODES) {
		struct stat st;

		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/dri/%.64s", world->dev, entry->d_name);
		if (!stat(path, &st))
			device->inos[device->nr_inos++] = st.st_ino;
	}
	if (dir)
		closedir(dir);
}

unsigned int world_find_devices(struct world *world)
{
	char pattern[WORLD_PATH];
	glob_t found;

	world->nr_devices = 0;
	snprintf(pattern, sizeof(pattern), "%s/bus/platform/drivers/panthor/*/mem_reclaim",
		 world->sys);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc && world->nr_devices < MAX_DEVICES; i++) {
		struct device *device = &world->devices[world->nr_devices];
		const char *path = found.gl_pathv[i], *end = strrchr(path, '/'), *name = end;

		while (name[-1] != '/')
			name--;
		if (strlen(path) >= sizeof(device->file) || end - name >= DEVICE_LEN)
			continue;
		*device = (struct device){ 0 };
		strcpy(device->file, path);
		memcpy(device->name, name, end - name);
		add_nodes(world, device);
		world->nr_devices++;
	}
	globfree(&found);
	return world->nr_devices;
}

/* Whose node has that inode; with a /dev of its own a client may have an unknown one */
static const char *device_of(const struct world *world, const struct fdinfo *info)
{
	for (unsigned int i = 0; i < world->nr_devices; i++)
		for (unsigned int j = 0; j < world->devices[i].nr_inos; j++)
			if (world->devices[i].inos[j] == info->ino)
				return world->devices[i].name;
	return world->nr_devices == 1 ? world->devices[0].name : "";
}

static bool is_frozen(const struct world *world, int dir, char *text)
{
	char group[WORLD_PATH], path[2 * WORLD_PATH];

	if (read_at(dir, "cgroup", text, TEXT_SIZE) < 0 ||
	    !parse_cgroup(text, group, sizeof(group)))
		return false;
	snprintf(path, sizeof(path), "%s/fs/cgroup%s/cgroup.events", world->sys, group);
	return read_at(AT_FDCWD, path, text, TEXT_SIZE) >= 0 && parse_frozen(text);
}

static bool read_process(const struct world *world, int dir, struct process *process, char *text)
{
	ssize_t len = read_at(dir, "comm", text, TEXT_SIZE);

	if (len < 0)
		return false;
	snprintf(process->comm, sizeof(process->comm), "%.*s", (int)strcspn(text, "\n"), text);
	if (read_at(dir, "oom_score_adj", text, TEXT_SIZE) < 0 ||
	    !number_signed(text, strcspn(text, "\n"), &process->adj))
		return false;
	process->frozen = is_frozen(world, dir, text);
	process->pidfd = syscall(SYS_pidfd_open, process->tgid, 0);
	if (process->pidfd < 0)
		return false;
	/* Last: @dir is of one process only. If that is still there the pidfd is of it, too */
	return read_at(dir, "stat", text, TEXT_SIZE) >= 0 && parse_stat(text, &process->start);
}

/* Files of one process, whose folder is @dir. Adds the process with its first client */
static void scan_process(const struct world *world, int dir, pid_t tgid, struct look *look,
			 char *text)
{
	struct process process = { .tgid = tgid, .pidfd = -1 };
	int fds = openat(dir, "fdinfo", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *files = fds < 0 ? NULL : fdopendir(fds);
	unsigned int index = 0;
	struct dirent *entry;
	bool added = false;

	if (!files) {
		look->unreadable += errno == EACCES;
		if (fds >= 0)
			close(fds);
		return;
	}
	while ((entry = readdir(files))) {
		struct fdinfo info;
		enum fdinfo_kind kind;

		if (!isdigit((unsigned char)*entry->d_name) ||
		    read_at(fds, entry->d_name, text, TEXT_SIZE) < 0)
			continue;
		kind = parse_fdinfo(text, &info);
		look->unsupported += kind == FDINFO_UNSUPPORTED;
		if (kind != FDINFO_CLIENT)
			continue;
		if (!added) {
			if (!read_process(world, dir, &process, text)) {
				if (process.pidfd >= 0)
					close(process.pidfd);
				break;
			}
			index = look_add_process(look, &process);
			added = true;
		}
		look_add_file(look, index, device_of(world, &info), &info);
	}
	closedir(files);
}

static int open_process(const struct world *world, const char *name)
{
	char path[WORLD_PATH];

	snprintf(path, sizeof(path), "%s/%.32s", world->proc, name);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int world_scan(const struct world *world, struct look *look)
{
	DIR *proc = opendir(world->proc);
	char text[TEXT_SIZE];
	struct dirent *entry;

	look_clear(look);
	if (!proc)
		return -errno;
	while ((entry = readdir(proc))) {
		uint64_t tgid;
		int dir;

		if (!number_count(entry->d_name, strlen(entry->d_name), &tgid) || !tgid ||
		    tgid > INT32_MAX || (pid_t)tgid == getpid())
			continue;
		dir = open_process(world, entry->d_name);
		if (dir < 0)
			continue;
		scan_process(world, dir, tgid, look, text);
		close(dir);
	}
	closedir(proc);
	return 0;
}

static bool alive(const struct process *process)
{
	struct pollfd fd = { .fd = process->pidfd, .events = POLLIN };

	return !poll(&fd, 1, 0);
}

bool world_sum(const struct world *world, const struct process *process, const char *device,
	       struct fdinfo *sum)
{
	struct look look = { 0 };
	char name[16], text[TEXT_SIZE];
	bool found;
	int dir;

	snprintf(name, sizeof(name), "%d", process->tgid);
	dir = open_process(world, name);
	if (dir < 0)
		return false;
	scan_process(world, dir, process->tgid, &look, text);
	close(dir);
	/* If it is alive now, it was it that was read */
	found = look.nr_processes && alive(process);
	if (found)
		*sum = look_sum(&look, 0, device);
	look_clear(&look);
	return found;
}

static const struct device *find_device(const struct world *world, const char *name)
{
	for (unsigned int i = 0; i < world->nr_devices; i++)
		if (!strcmp(world->devices[i].name, name))
			return &world->devices[i];
	return NULL;
}

struct outcome world_request(const struct world *world, const struct process *process,
			     const char *name, uint64_t bytes, const sigset_t *mask)
{
	const struct device *device = find_device(world, name);
	struct outcome outcome = { 0 };
	sigset_t before;
	char text[48];
	uint64_t start;
	int fd, len;

	len = snprintf(text, sizeof(text), "%d %" PRIu64 "\n", process->tgid, bytes);
	fd = device ? open(device->file, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0) {
		outcome.err = device ? -errno : -ENODEV;
		return outcome;
	}
	sigprocmask(SIG_SETMASK, mask, &before);
	/*
	 * The id is valid until the process is reaped. The pidfd is checked right before and right
	 * after the write: alive afterwards means alive throughout. In between, the process could
	 * exit and its id be reused only after all other ids were used. Then the request is
	 * reported as unverified, and the other process swaps in on its next use.
	 */
	start = world_now_ns();
	if (!alive(process))
		outcome.err = -ECHILD;
	else if (write(fd, text, len) < 0)
		outcome.err = -errno;
	outcome.blocked_ns = world_now_ns() - start;
	outcome.verified = alive(process);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fd);
	return outcome;
}

bool world_stalled(const char *path, uint64_t *us)
{
	char text[TEXT_SIZE];

	return read_at(AT_FDCWD, path, text, sizeof(text)) >= 0 && parse_psi(text, us);
}

bool world_available(const struct world *world, uint64_t *bytes)
{
	char path[WORLD_PATH], text[TEXT_SIZE];

	snprintf(path, sizeof(path), "%s/meminfo", world->proc);
	return read_at(AT_FDCWD, path, text, sizeof(text)) >= 0 &&
	       parse_meminfo(text, "MemAvailable", bytes);
}

uint64_t world_zram(const struct world *world)
{
	char pattern[WORLD_PATH], text[512];
	uint64_t sum = 0, used;
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/block/zram*/mm_stat", world->sys);
	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (read_at(AT_FDCWD, found.gl_pathv[i], text, sizeof(text)) >= 0 &&
		    parse_mm_stat(text, &used))
			sum += used;
	globfree(&found);
	return sum;
}

/* A zram without a disk behind it */
static bool is_ram(const struct world *world, const char *swap)
{
	char path[2 * WORLD_PATH], text[512];
	const char *name = strrchr(swap, '/') + 1;

	if (strncmp(name, "zram", 4))
		return false;
	snprintf(path, sizeof(path), "%s/block/%s/backing_dev", world->sys, name);
	/* The kernel may be built without that */
	return read_at(AT_FDCWD, path, text, sizeof(text)) < 0 || !strcmp(text, "none\n");
}

bool world_swap_wears(const struct world *world)
{
	char path[WORLD_PATH], text[TEXT_SIZE];
	const char *at = text;

	snprintf(path, sizeof(path), "%s/swaps", world->proc);
	if (read_at(AT_FDCWD, path, text, sizeof(text)) < 0)
		return true;
	while (parse_swap(&at, path, sizeof(path)))
		if (!is_ram(world, path))
			return true;
	return false;
}

char *world_read(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	int err = 0;
	char *text;

	if (!file)
		return NULL;
	/* The whole file, including zero bytes: the parser must see what follows them */
	text = malloc(READ_SIZE + 1);
	errno = 0;
	*len = text ? fread(text, 1, READ_SIZE, file) : 0;
	if (!text || ferror(file))
		err = errno ?: EIO;
	else if (*len == READ_SIZE)
		err = EFBIG;
	else
		text[*len] = '\0';
	fclose(file);
	if (err) {
		free(text);
		text = NULL;
		errno = err;
	}
	return text;
}

int world_replace(const char *path, const char *text, size_t len)
{
	char temporary[WORLD_PATH];
	ssize_t written;
	int fd, err = 0;
	struct stat st;

	/* Never replace a device node, or a link to one */
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return -EPERM;
	/* Not a name that the reader of the directory expects */
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	written = write(fd, text, len);
	if (written != (ssize_t)len)
		err = written < 0 ? -errno : -ENOSPC;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	return err;
}
