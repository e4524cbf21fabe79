// SPDX-License-Identifier: GPL-2.0
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "halt.h"
#include "reclaim.h"
#include "tap.h"

#define KPROBES "/sys/bus/event_source/devices/kprobe/type"
#define RT_LIMIT "/proc/sys/kernel/sched_rt_runtime_us"
#define FAIR_SHARE "/sys/kernel/debug/sched/fair_server/cpu0/runtime"

/* The other threads of that CPU have to wait, some of them the kernel's */
#define STANDS_MS 3000
#define COMES_MS 20000

const char *halt_missing(void)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return "one CPU";
	return access(KPROBES, R_OK) ? "no kprobes for perf" : NULL;
}

static void on_cpu(int cpu, int policy)
{
	struct sched_param param = { .sched_priority = policy == SCHED_FIFO ? 50 : 0 };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus) || sched_setscheduler(0, policy, &param))
		bail("cannot choose a CPU");
}

/* How often it left its CPU: while @guard runs, it has not run if that is the same */
static long switches(pid_t tid)
{
	long sum = 0, value;
	char line[256];
	FILE *file;

	snprintf(line, sizeof(line), "/proc/self/task/%d/status", tid);
	file = fopen(line, "r");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &value) == 1 ||
		    sscanf(line, "nonvoluntary_ctxt_switches: %ld", &value) == 1)
			sum += value;
	}
	fclose(file);
	return sum;
}

static int probe(const char *function, pid_t tid)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
		.kprobe_func = (uintptr_t)function,
	};
	FILE *file = fopen(KPROBES, "r");
	int fd = -1;

	if (file && fscanf(file, "%u", &attr.type) == 1)
		fd = syscall(SYS_perf_event_open, &attr, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (file)
		fclose(file);
	return fd;
}

static void *guard_main(void *arg)
{
	struct halt *halt = arg;
	size_t size = 2 * sysconf(_SC_PAGESIZE);
	struct pollfd wait = { .fd = probe(halt->function, halt->tid), .events = POLLIN };
	int64_t until;
	long before;
	void *ring;

	/* Its records are of no interest, but nobody is woken without them */
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, wait.fd, 0);
	if (wait.fd < 0 || ring == MAP_FAILED)
		bail("cannot probe %s", halt->function);
	on_cpu(0, SCHED_FIFO);
	sem_post(&halt->waits);
	if (poll(&wait, 1, COMES_MS) == 1) {
		before = switches(halt->tid);
		until = now_ns() + STANDS_MS * 1000000LL;
		ioctl(wait.fd, PERF_EVENT_IOC_DISABLE, 0);
		sem_post(&halt->reached);
		while (!halt->go_on && now_ns() < until)
			;
		halt->stood = halt->go_on && switches(halt->tid) == before;
	} else {
		sem_post(&halt->reached);
	}
	munmap(ring, size);
	close(wait.fd);
	return NULL;
}

static void *halted_main(void *arg)
{
	struct halt *halt = arg;

	on_cpu(0, SCHED_OTHER);
	halt->tid = syscall(SYS_gettid);
	sem_post(&halt->known);
	sem_wait(&halt->start);
	halt->main(halt->arg);
	return NULL;
}

void halt_start(struct halt *halt, const char *function, void (*main)(void *arg), void *arg)
{
	memset(halt, 0, sizeof(*halt));
	halt->function = function;
	halt->main = main;
	halt->arg = arg;
	sem_init(&halt->known, 0, 0);
	sem_init(&halt->waits, 0, 0);
	sem_init(&halt->start, 0, 0);
	sem_init(&halt->reached, 0, 0);
	/* Where there is no such file, there is no such limit */
	write_file(RT_LIMIT, "-1", 2);
	write_file(FAIR_SHARE, "0", 1);
	on_cpu(1, SCHED_OTHER);
	if (pthread_create(&halt->thread, NULL, halted_main, halt))
		bail("cannot start a thread");
	sem_wait(&halt->known);
	if (pthread_create(&halt->guard, NULL, guard_main, halt))
		bail("cannot start a thread");
	sem_wait(&halt->waits);
	sem_post(&halt->start);
	sem_wait(&halt->reached);
}

bool halt_end(struct halt *halt)
{
	halt->go_on = true;
	pthread_join(halt->guard, NULL);
	pthread_join(halt->thread, NULL);
	write_file(RT_LIMIT, "950000", 6);
	write_file(FAIR_SHARE, "50000000", 8);
	return halt->stood;
}
