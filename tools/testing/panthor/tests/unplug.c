// SPDX-License-Identifier: GPL-2.0
/*
 * The driver is unbound while a request waits for a job. The unbind waits for the write, as for
 * a write to any sysfs file, and the write is bounded. Leaves a device behind that is not what it
 * was, so it runs alone.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

int main(void)
{
	const struct event *end;
	struct trace *trace;
	struct peer *peer;
	int status, ret;
	pid_t pid;

	tap_start();
	peer = peer_start("-b8x64K", NULL);
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
	peer_kill(peer);

	ok(write_file(DRIVER "/bind", "panthor", 7) == 7 && wait_for(RECLAIM_FILE),
	   "the device is bound again");
	peer = peer_start("-b8x64K", NULL);
	ok(!reclaim(peer->pid) && peer_do(peer, "verify gpu"), "its memory can be reclaimed");
	peer_quit(peer);
	return tap_end();
}
