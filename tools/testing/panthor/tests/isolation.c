// SPDX-License-Identifier: GPL-2.0
/*
 * Only the target: whatever state the target's buffers are in, not one of a neighbour's goes.
 *
 * WRITES=N writes in all (100; soak runs take 10,000), spread over the ways in which a target can
 * be unable to yield.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "pattern.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define NEIGHBOURS 4
#define BO_SIZE 65536

/* A neighbour that allocates, fills, has the GPU look, and frees, for ever */
static void restless(uint32_t seed)
{
	static const struct bo_spec spec = { .count = 8, .size = 65536, .label = "restless-%i" };
	struct client_config config = { .vms = 1, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	uint64_t bytes;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		config.seed = seed;
		if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
		    client_submit(&client, 1, 0, &err) ||
		    client_verify(&client, CLIENT_CHECK, &bytes, &err)) {
			fprintf(stderr, "neighbour: cannot %s\n", err.what);
			_exit(1);
		}
		client_fini(&client);
	}
}

static pid_t start_restless(uint32_t seed)
{
	pid_t pid = fork();

	if (!pid)
		restless(seed);
	return pid;
}

static bool expected(int ret)
{
	return !ret || ret == -EBUSY;
}

static int write_often(pid_t target, long writes)
{
	int odd = 0;

	while (writes--) {
		int ret = reclaim(target);

		if (!expected(ret) && !odd++)
			diag("a write returned %d (%s)", ret, strerror(-ret));
	}
	return odd;
}

static void test_idle_target(long writes)
{
	struct peer *peer = peer_start("-b64x64K", NULL);

	ok(!write_often(peer->pid, writes), "%ld writes to an idle target succeed", writes);
	ok(peer_do(peer, "verify cpu"), "its data is intact");
	peer_quit(peer);
}

static void test_busy_target(long writes)
{
	struct peer *peer = peer_start("-b64x64K", NULL);

	if (!peer_do(peer, "loop 0 5000"))
		bail("no loop");
	ok(!write_often(peer->pid, writes),
	   "%ld writes to a target that submits constantly succeed", writes);
	ok_jobs(peer_do(peer, "stop"), "all of whose jobs went well");
	ok(peer_do(peer, "verify check"), "its data is intact");
	peer_quit(peer);
}

/* Contended: a process that binds and unbinds all the time holds the locks that reclaim needs */
static void test_contended_target(long writes)
{
	struct peer *peer = peer_start("-b32x64K", "-v2", "-b8x64K:shared", NULL);
	int odd = 0;

	for (long i = 0; i < writes; i++) {
		if (!(i & 15)) {
			if (i)
				peer_answer(peer);
			peer_send(peer, "%s", i & 16 ? "bind" : "unbind");
		}
		odd += !expected(reclaim(peer->pid));
	}
	peer_answer(peer);
	ok(!odd, "%ld writes to a target that binds and unbinds succeed", writes);
	ok(peer_do(peer, "verify cpu"), "its data is intact");
	peer_quit(peer);
}

/* Nothing to take at all: groups, and nothing but what the kernel has pinned for them */
static void test_pinned_target(long writes)
{
	struct peer *peer = peer_start("-b1x4K", NULL);

	if (!peer_do(peer, "submit 1 0"))
		bail("no job");
	ok(!write_often(peer->pid, writes), "%ld writes to a target with almost no memory succeed",
	   writes);
	ok(peer_do(peer, "submit 1 0"), "the target still works");
	peer_quit(peer);
}

/* A dma-buf of somebody else's memory, which holds the pattern of @seed; or a negative errno */
static int foreign_dmabuf(uint32_t seed)
{
	struct udmabuf_create create = { .flags = UDMABUF_FLAGS_CLOEXEC, .size = BO_SIZE };
	int dev = open("/dev/udmabuf", O_RDWR), fd = -ENODEV;
	void *map;

	create.memfd = memfd_create("foreign", MFD_ALLOW_SEALING);
	if (dev < 0 || ftruncate(create.memfd, BO_SIZE))
		return -errno;
	map = mmap(NULL, BO_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, create.memfd, 0);
	if (map != MAP_FAILED) {
		pattern_fill(map, BO_SIZE, seed, 0);
		munmap(map, BO_SIZE);
		fcntl(create.memfd, F_ADD_SEALS, F_SEAL_SHRINK);
		fd = ioctl(dev, UDMABUF_CREATE, &create);
	}
	close(create.memfd);
	close(dev);
	return fd < 0 ? -errno : fd;
}

/*
 * Others have, or may have, a part in these, so they stay: one whose dma-buf is open, and one whose
 * memory is not the driver's. What a second file of ours holds, too, goes
 */
static void test_shared(void)
{
	static const struct bo_spec specs[] = {
		{ .count = 1, .size = BO_SIZE, .kind = BO_SHARED, .label = "shared-exported" },
		{ .count = 1, .size = BO_SIZE, .kind = BO_SHARED, .label = "mine-held" },
		{ .count = 4, .size = BO_SIZE, .label = "mine-%i" },
	};
	const struct client_config config = { .vms = 1, .seed = 5, .specs = specs, .nr_specs = 3 };
	struct bo held = {}, foreign = {};
	struct client_error err;
	struct client client;
	struct trace *trace;
	struct gpu second;
	int exported, fd, ret, skips = 0;
	uint64_t bad = 0, bytes;

	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    client_submit(&client, 1, 0, &err) || gpu_open(&second, NULL))
		bail("no client");
	exported = bo_export(&client.bos[0].bo);
	fd = bo_export(&client.bos[1].bo);
	ret = bo_import(&second, &held, fd, BO_SIZE);
	close(fd);
	if (exported < 0 || ret)
		bail("cannot share buffers: %s", strerror(-ret));
	fd = foreign_dmabuf(6);
	if (fd >= 0 &&
	    (bo_import(&client.gpu, &foreign, fd, BO_SIZE) || bo_bind(&foreign, &client.vms[0])))
		bail("cannot use a foreign dma-buf");

	ok(device_sum(getpid(), "shared") == BO_SIZE, "the table has the shared memory (%llu)",
	   (unsigned long long)device_sum(getpid(), "shared"));

	trace = trace_start("panthor:panthor_bo_evict_skip", NULL);
	ok(!reclaim(getpid()), "a write to a target with shared buffers succeeds");
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++)
		skips += event_says(&trace->events[i], "reason", "shared") &&
			 strstr(trace->events[i].text, " label=shared-exported");
	trace_free(trace);
	ok(gem_sum(getpid(), "shared-").resident_bos == 1 &&
		   !gem_sum(getpid(), "shared-").evictions,
	   "an exported BO is skipped");
	ok(skips == 1, "the skip event has the reason (%d times)", skips);
	ok(!gem_sum(getpid(), "mine-").resident_bos, "the other BOs are evicted");
	if (fd < 0)
		skip("no udmabuf", "imported memory is readable by the GPU");
	else
		ok(!jobs_check(&client.jobs[0], &foreign, 6, &bad),
		   "imported memory is readable by the GPU");
	ok(!client_verify(&client, CLIENT_GPU, &bytes, &err), "all data is intact");

	if (fd >= 0) {
		bo_destroy(&foreign);
		close(fd);
	}
	bo_destroy(&held);
	gpu_close(&second);
	close(exported);
	client_fini(&client);
}

static void set_filter(const struct trace *trace, pid_t *pids, int count)
{
	char path[256], filter[512] = "";
	ssize_t ret;

	for (int i = 0; i < count; i++)
		snprintf(filter + strlen(filter), sizeof(filter) - strlen(filter), "%stgid == %d",
			 i ? " || " : "", pids[i]);
	snprintf(path, sizeof(path), "%s/events/panthor/panthor_bo_evict/filter", trace->dir);
	ret = write_file(path, filter, strlen(filter));
	if (ret < 0)
		bail("cannot filter events: %s", strerror(-ret));
}

int main(void)
{
	long writes = knob("WRITES", 100);
	struct peer *steady[2];
	pid_t pids[NEIGHBOURS];
	struct trace *trace;
	struct gem_sum sum;
	int status;

	tap_start();
	steady[0] = peer_start("-b64x64K", "-nsteady0", NULL);
	steady[1] = peer_start("-b16x256K", "-v2", "-b4x64K:shared", "-b4x64K:mmap",
			       "-b4x64K:unused", "-nsteady1", NULL);
	if (!peer_do(steady[0], "loop 50 2000"))
		bail("no loop");
	pids[0] = steady[0]->pid;
	pids[1] = steady[1]->pid;
	pids[2] = start_restless(100);
	pids[3] = start_restless(101);

	trace = trace_start("panthor:panthor_bo_evict", NULL);
	set_filter(trace, pids, NEIGHBOURS);

	test_idle_target(writes / 4);
	test_busy_target(writes / 4);
	test_contended_target(writes / 4);
	test_pinned_target(writes / 4);
	test_shared();

	for (int i = 2; i < NEIGHBOURS; i++) {
		ok(!waitpid(pids[i], &status, WNOHANG), "active neighbour %d runs without an error",
		   i - 2);
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	trace_stop(trace);
	ok(!trace->nr_events && !trace->lost, "no buffer of %d neighbours is evicted (%d)",
	   NEIGHBOURS, trace->nr_events);
	trace_free(trace);
	for (int i = 0; i < 2; i++) {
		sum = gem_sum(pids[i], "");
		ok(!sum.evictions, "the driver counts the same (%llu of %d buffers)",
		   (unsigned long long)sum.evictions, sum.bos);
	}
	ok_jobs(peer_do(steady[0], "stop"), "the jobs of the neighbour went well");
	ok(peer_do(steady[0], "verify gpu") && peer_do(steady[1], "verify gpu"),
	   "the data of the neighbours is intact");
	peer_quit(steady[0]);
	peer_quit(steady[1]);
	return tap_end();
}
