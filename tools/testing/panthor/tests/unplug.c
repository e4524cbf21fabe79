// SPDX-License-Identifier: GPL-2.0
/*
 * The driver is unbound while a request waits for a job. The unbind waits for the write, as for
 * a write to any sysfs file, and the write is bounded. Leaves a device behind that is not what it
 * was, so it runs alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dev.h"
#include "fdinfo.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define DRIVER "/sys/bus/platform/drivers/panthor"

/* The client's job lasts longer than any request waits */
#define JOB_NS (5000 * 1000000LL)

static bool wait_for(const char *path)
{
	for (int tries = 0; tries < 300; tries++) {
		if (!access(path, F_OK))
			return true;
		usleep(100000);
	}
	return false;
}

/* The ids of a request for our own memory and of a BO that it evicts */
static void ids_of_one(int64_t *request, int64_t *bo)
{
	struct trace *trace = trace_start("panthor", NULL);
	const struct event *evict = NULL;
	struct gpu gpu;
	struct bo own;

	if (gpu_open(&gpu, NULL) || bo_create(&gpu, &own, 65536, 0, NULL) || bo_map(&own))
		bail("no BO");
	memset(own.map, 1, own.size);
	if (reclaim(getpid()))
		bail("nothing is evicted");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		if (event_is(&trace->events[i], "panthor_bo_evict"))
			evict = &trace->events[i];
	if (!evict)
		bail("no event");
	*request = event_value(evict, "id");
	*bo = event_value(evict, "bo_id");
	trace_free(trace);
	bo_unmap(&own);
	gpu_close(&gpu);
}

/* Written to a file that was opened when the device was still there */
static int write_late(int fd)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", getpid());

	return write(fd, text, len) == len ? 0 : -errno;
}

int main(void)
{
	int64_t request[2], bo[2];
	int files[2], late[2];
	struct fdinfo before, info;
	const struct event *end;
	struct trace *trace;
	struct peer *peer;
	int status, ret;
	struct gpu first;
	pid_t pid;

	tap_start();
	/* Nothing of the first device is freed as long as its file is open */
	need(gpu_open(&first, NULL), "open the device");
	ids_of_one(&request[0], &bo[0]);
	files[0] = open(RECLAIM_FILE, O_WRONLY | O_CLOEXEC);
	files[1] = open(CLAIM_FILE, O_WRONLY | O_CLOEXEC);
	peer = peer_start("-b8x64K", NULL);
	before = fdinfo_of(peer->pid);
	if (!peer_do(peer, "hold"))
		bail("no job");
	trace = trace_start("panthor", NULL);
	pid = fork();
	if (!pid)
		_exit(-reclaim(peer->pid));
	if (!trace_wait(trace, "panthor_reclaim_begin", 1))
		bail("no request");
	ret = write_file(DRIVER "/unbind", "panthor", 7);
	trace_mark(trace, "unbound");
	waitpid(pid, &status, 0);
	trace_stop(trace);

	end = trace_end(trace);
	diag("the request was blocked by jobs for %.1f ms and ended with %lld",
	     event_value(end, "fence_ns") / 1e6, (long long)event_value(end, "result"));
	ok(ret == 7, "the device is unbound while a request waits for a job");
	ok(end && trace_marked(trace, "unbound") > end && event_value(end, "fence_ns") < JOB_NS,
	   "the request ends before the job, the unbind after it");
	ok(event_value(end, "result") == -ENODEV || event_value(end, "result") == -EBUSY,
	   "the request ends with the documented result (%lld)",
	   (long long)event_value(end, "result"));
	ok(WIFEXITED(status) && -WEXITSTATUS(status) == event_value(end, "result"),
	   "the write returns that result");
	trace_free(trace);
	for (int i = 0; i < 2; i++)
		late[i] = files[i] < 0 ? -ENODEV : write_late(files[i]);
	ok(late[0] == -ENODEV && late[1] == -ENODEV,
	   "a write to mem_reclaim or mem_claim after that: ENODEV (%d, %d)", late[0], late[1]);
	info = fdinfo_of(peer->pid);
	ok(before.clients == 1 && !before.missing && !info.clients,
	   "fdinfo of its client has no key any more (%d files before, %d after)", before.clients,
	   info.clients);
	peer_kill(peer);

	ok(write_file(DRIVER "/bind", "panthor", 7) == 7 && wait_for(RECLAIM_FILE),
	   "the device is bound again");
	peer = peer_start("-b8x64K", NULL);
	ok(!reclaim(peer->pid) && peer_do(peer, "verify gpu"), "its memory can be reclaimed");
	peer_quit(peer);
	ids_of_one(&request[1], &bo[1]);
	ok(request[1] > request[0] && bo[1] > bo[0],
	   "ids of the second device are none of the first one, which is still open (%lld, %lld; %lld, %lld)",
	   (long long)request[0], (long long)request[1], (long long)bo[0], (long long)bo[1]);
	gpu_close(&first);
	return tap_end();
}
