// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reclaim.h"
#include "swap.h"
#include "tap.h"

#define SLOW "/dev/nullb0"
#define CONFIG "/sys/kernel/config"
#define FAILING CONFIG "/nullb/failing/"
#define DISK "/dev/failing"

const char *small_zram(long kb)
{
	static char path[32];
	char number[16] = "", size[16], file[64];
	int fd = open("/sys/class/zram-control/hot_add", O_RDONLY);

	if (fd < 0 || read(fd, number, sizeof(number) - 1) <= 0)
		return NULL;
	close(fd);
	snprintf(file, sizeof(file), "/sys/block/zram%d/disksize", atoi(number));
	snprintf(size, sizeof(size), "%ldK", kb);
	if (write_file(file, size, strlen(size)) < 0)
		return NULL;
	snprintf(path, sizeof(path), "/dev/zram%d", atoi(number));
	return make_swap(path) ? NULL : path;
}

void remove_zram(const char *path)
{
	char text[64];

	snprintf(text, sizeof(text), "/sys/block/%s/reset", path + 5);
	write_file(text, "1", 1);
	write_file("/sys/class/zram-control/hot_remove", path + 9, strlen(path + 9));
}

const char *slow_disk(int ms, int kb)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "modprobe -q null_blk nr_devices=1 gb=1 memory_backed=1 bs=4096 irqmode=2 "
		 "completion_nsec=%d000000 submit_queues=1 hw_queue_depth=1",
		 ms);
	if (system(text))
		return NULL;
	snprintf(text, sizeof(text), "%d", kb);
	if (write_file("/sys/block/nullb0/queue/max_sectors_kb", text, strlen(text)) < 0 ||
	    make_swap(SLOW)) {
		remove_slow_disk();
		return NULL;
	}
	return SLOW;
}

void remove_slow_disk(void)
{
	if (system("rmmod null_blk"))
		return;
}

static unsigned int failing_mib;

static bool set_failing(const char *file, const char *text)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), FAILING "%s", file);
	return write_file(path, text, strlen(text)) == (ssize_t)strlen(text);
}

const char *failing_disk(unsigned int mib)
{
	char text[16];

	if (system("modprobe -q null_blk nr_devices=0"))
		return NULL;
	snprintf(text, sizeof(text), "%u", mib);
	failing_mib = mib;
	if ((mount("none", CONFIG, "configfs", 0, NULL) && errno != EBUSY) ||
	    mkdir(FAILING, 0755) || !set_failing("size", text) ||
	    !set_failing("blocksize", "4096") || !set_failing("irqmode", "2") ||
	    !set_failing("completion_nsec", "2000000") || !set_failing("memory_backed", "1") ||
	    !set_failing("power", "1") || make_swap(DISK)) {
		remove_failing_disk();
		return NULL;
	}
	return DISK;
}

void disk_fails(bool fails)
{
	char range[48];

	/* In sectors, all but the header of the swap */
	snprintf(range, sizeof(range), "%c8-%u", fails ? '+' : '-', failing_mib * 2048 - 1);
	if (!set_failing("badblocks", range))
		bail("cannot have the disk fail");
}

void remove_failing_disk(void)
{
	rmdir(FAILING);
	remove_slow_disk();
}

void free_swap_cache(void)
{
	static const char want[] = "16M swappiness=max";

	for (int i = 0; i < 100 && meminfo("SwapCached") > 1024; i++)
		write_file("/sys/fs/cgroup/memory.reclaim", want, sizeof(want) - 1);
	if (meminfo("SwapCached") > 1024)
		bail("%ld kB that were written to swap are still in RAM", meminfo("SwapCached"));
}
