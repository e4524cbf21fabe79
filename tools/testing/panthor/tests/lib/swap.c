// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reclaim.h"
#include "swap.h"

#define SLOW "/dev/nullb0"

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
