/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Result of a scan: processes, clients of the driver (open files), and which process holds which. A
 * client counts once, however many file descriptors and processes hold it.
 */
#ifndef RECLAIMD_LOOK_H
#define RECLAIMD_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "parse.h"

#define DEVICE_LEN 64

struct process {
	pid_t tgid;
	/* With the number, the process; -1: none is needed */
	uint64_t start;
	int pidfd;
	char comm[COMM_LEN];
	int64_t adj;
	bool frozen;
	/* Was a target in this round */
	bool requested;
};

struct gpu_client {
	/* Its name is the device's in sysfs, empty if that is not known */
	char device[DEVICE_LEN];
	struct fdinfo info;
};

/* Indices of a process and of a client that it has open */
struct hold {
	unsigned int process;
	unsigned int client;
};

struct look {
	struct process *processes;
	struct gpu_client *clients;
	struct hold *holds;
	unsigned int nr_processes, nr_clients, nr_holds;
	/* What was seen besides */
	unsigned int unreadable;
	unsigned int unsupported;
};

/* The index of it; @process is copied, and with it who closes the pidfd */
unsigned int look_add_process(struct look *look, const struct process *process);
/* A file descriptor of @process */
void look_add_file(struct look *look, unsigned int process, const char *device,
		   const struct fdinfo *info);
/* Closes the pidfds */
void look_clear(struct look *look);

/* Sum over the clients that @process holds on @device; the id is 0 */
struct fdinfo look_sum(const struct look *look, unsigned int process, const char *device);

#endif
