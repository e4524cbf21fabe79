/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a manager without debugfs sees of a process: fdinfo of its open files of the device.
 */
#ifndef TESTS_FDINFO_H
#define TESTS_FDINFO_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Memory in KiB; @missing: keys of ours that some file does not have */
struct fdinfo {
	int clients;
	int missing;
	uint64_t reclaimable, evicted, in_swap, in_ram, evictions, swapins;
	bool has_resident;
	uint64_t resident;
};

/* The sum over all clients of process @tgid, each counted once */
struct fdinfo fdinfo_of(pid_t tgid);
/* The same of one open file of this process */
struct fdinfo fdinfo_of_fd(int fd);

#endif
