// SPDX-License-Identifier: GPL-2.0
/*
 * Everything that a client can do while it is being reclaimed, one thing at a time. What each
 * promises is that it works as ever, and that the kernel has nothing to say.
 *
 * STORM_MS=N how long each of them lasts (1500)
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "fdinfo.h"
#include "party.h"
#include "pattern.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define BOS 8
#define BO_SIZE 16384

#define CRASH_FILE "/sys/kernel/debug/panthor-sim/crash"

static long storm_ns;

/* A client that does one thing over and over; @step returns 0 or a negative errno */
struct act {
	const char *what;
	int (*step)(struct client *client);
};

static struct client_error err;

static int open_client(struct client *client)
{
	static const struct bo_spec specs[] = {
		{ .count = BOS, .size = BO_SIZE },
		{ .count = 2, .size = BO_SIZE, .kind = BO_SHARED },
		{ .count = 2, .size = BO_SIZE, .kind = BO_MMAP },
		{ .count = 2, .size = BO_SIZE, .kind = BO_UNUSED },
	};
	static const struct client_config config = {
		.vms = 2, .seed = 9, .specs = specs, .nr_specs = 4
	};
	int ret = client_init(client, &config, &err);

	if (!ret)
		ret = client_fill(client, CLIENT_CPU, &err);
	return ret;
}

static int verify(struct client *client, enum client_how how)
{
	uint64_t bytes;

	return client_verify(client, how, &bytes, &err);
}

static int act_vm_destroy(struct client *client)
{
	int ret = client_destroy_vm(client, 0, &err);

	if (!ret)
		ret = client_destroy_vm(client, 1, &err);
	if (!ret)
		ret = verify(client, CLIENT_CPU);
	client_fini(client);
	return ret ? ret : open_client(client);
}

/* The VM goes with jobs of it under way */
static int act_vm_destroy_busy(struct client *client)
{
	int ret = verify(client, CLIENT_CHECK);

	if (!ret)
		ret = jobs_spin(&client->jobs[0], 5000, client->bos[0].bo.va);
	if (!ret)
		ret = vm_destroy(&client->vms[0]);
	client_fini(client);
	return ret ? ret : open_client(client);
}

static int act_bind(struct client *client)
{
	int ret = client_bind(client, false, &err);

	if (!ret)
		ret = client_bind(client, true, &err);
	return ret ? ret : verify(client, CLIENT_CHECK);
}

static int act_submit(struct client *client)
{
	int ret = client_submit(client, 4, 500, &err);

	return ret ? ret : verify(client, CLIENT_CHECK);
}

static int act_open_close(struct client *client)
{
	int ret = verify(client, CLIENT_CPU);

	client_fini(client);
	return ret ? ret : open_client(client);
}

/* Without giving anything back by hand; mappings would keep the file open, though */
static int act_close_abruptly(struct client *client)
{
	int ret = verify(client, CLIENT_CHECK);

	for (unsigned int i = 0; i < client->nr_bos; i++)
		bo_unmap(&client->bos[i].bo);
	for (unsigned int vm = 0; vm < client->nr_vms; vm++)
		bo_unmap(&client->jobs[vm].mem);
	close(client->gpu.fd);
	free(client->bos);
	free(client->jobs);
	free(client->vms);
	return ret ? ret : open_client(client);
}

static int act_bo_free(struct client *client)
{
	struct vm *vm = &client->vms[0];
	struct bo bos[16] = {};
	int ret = 0;

	for (int i = 0; i < 16 && !ret; i++) {
		ret = bo_create(&client->gpu, &bos[i], BO_SIZE, 0, i & 1 ? vm : NULL);
		if (!ret)
			ret = bo_map(&bos[i]);
		if (!ret)
			ret = bo_bind(&bos[i], vm);
		if (!ret)
			pattern_fill(bos[i].map, BO_SIZE, i + 1, 0);
	}
	for (int i = 0; i < 16; i++) {
		if (!ret && pattern_verify(bos[i].map, BO_SIZE, i + 1, 0) != BO_SIZE)
			ret = -EILSEQ;
		/* Half of them are freed while they are bound */
		if (i & 2 && bos[i].handle)
			bo_unbind(&bos[i], vm);
		bo_destroy(&bos[i]);
	}
	/* Addresses that were left bound are unbound last, a range at a time */
	for (int i = 0; i < 16; i++)
		if (!(i & 2) && bos[i].size)
			bo_unbind(&bos[i], vm);
	client->gpu.next_va = bos[0].va;
	return ret;
}

static int act_dma_buf(struct client *client)
{
	struct client_bo *cbo = &client->bos[2 * BOS];
	struct bo copy = {};
	struct gpu other;
	int fd, ret;

	fd = bo_export(&cbo->bo);
	if (fd < 0)
		return fd;
	ret = gpu_open(&other, NULL);
	if (!ret) {
		ret = bo_import(&other, &copy, fd, cbo->bo.size);
		if (!ret)
			ret = bo_map(&copy);
		if (!ret && pattern_verify(copy.map, copy.size, cbo->seed, 0) != copy.size)
			ret = -EILSEQ;
		if (copy.handle)
			bo_destroy(&copy);
		gpu_close(&other);
	}
	close(fd);
	return ret ? ret : verify(client, CLIENT_CPU);
}

static int act_cpu_faults(struct client *client)
{
	int ret = verify(client, CLIENT_CPU);

	return ret ? ret : client_fill(client, CLIENT_CPU, &err);
}

static int act_gpu_faults(struct client *client)
{
	int ret = client_fill(client, CLIENT_GPU, &err);

	return ret ? ret : verify(client, CLIENT_GPU);
}

/* A job that touches what is not mapped: the kernel kills its group, and nothing else */
static int act_fault(struct client *client)
{
	struct jobs jobs;
	int ret = jobs_init(&jobs, &client->vms[1]);

	if (ret)
		return ret;
	ret = jobs_spin(&jobs, 0, 0x4000);
	if (!ret && jobs_wait(&jobs, jobs.point, dev_now() + 10 * DEV_NSEC) != -EIO)
		ret = -EPROTO;
	jobs_fini(&jobs);
	if (!ret)
		ret = verify(client, CLIENT_CPU);
	/* The VM cannot be used after a fault; a new client can */
	client_fini(client);
	return ret ? ret : open_client(client);
}

static const struct act acts[] = {
	{ "VM destroy", act_vm_destroy },
	{ "VM destroy with jobs under way", act_vm_destroy_busy },
	{ "bind and unbind", act_bind },
	{ "submit", act_submit },
	{ "open and close", act_open_close },
	{ "close without a word", act_close_abruptly },
	{ "allocate and free", act_bo_free },
	{ "dma-buf export and import", act_dma_buf },
	{ "CPU faults", act_cpu_faults },
	{ "GPU reads and writes", act_gpu_faults },
	{ "a fault on the GPU", act_fault },
};

struct report {
	int rounds;
	int ret;
	char what[100];
};

/* The client, in a process of its own; tells how it went through a pipe */
static void actor(const struct act *act, int out)
{
	int64_t until = now_ns() + storm_ns;
	struct report report = {};
	struct client client;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	report.ret = open_client(&client);
	for (; !report.ret && (!report.rounds || now_ns() < until); report.rounds++)
		report.ret = act->step(&client);
	if (report.ret)
		snprintf(report.what, sizeof(report.what), "%s", err.what ? err.what : "?");
	if (write(out, &report, sizeof(report)) != sizeof(report))
		_exit(1);
	_exit(0);
}

static atomic_int target;
static atomic_int writes, odd, odd_ret;

static bool expected(int ret)
{
	return !ret || ret == -EBUSY || ret == -ESRCH || ret == -ENOSPC;
}

static void *writer_main(void *arg)
{
	(void)arg;
	for (;;) {
		int pid = target, ret;

		if (pid < 0)
			return NULL;
		if (!pid) {
			usleep(1000);
			continue;
		}
		ret = reclaim(pid);
		writes++;
		if (!expected(ret)) {
			odd++;
			odd_ret = ret;
		}
		/* So that the client gets somewhere, too */
		usleep(2000);
	}
}

static pid_t start_actor(const struct act *act, int *from)
{
	int pipefd[2];
	pid_t pid;

	if (pipe(pipefd))
		bail("no pipe");
	pid = fork();
	if (!pid)
		actor(act, pipefd[1]);
	close(pipefd[1]);
	*from = pipefd[0];
	return pid;
}

static void test_act(const struct act *act)
{
	struct report report = { .ret = -EPIPE };
	int from, status;
	pid_t pid;

	writes = 0;
	odd = 0;
	pid = start_actor(act, &from);
	target = pid;
	if (read(from, &report, sizeof(report)) != sizeof(report))
		snprintf(report.what, sizeof(report.what), "say how it went");
	target = 0;
	close(from);
	waitpid(pid, &status, 0);

	if (report.ret)
		diag("round %d: cannot %s: %s", report.rounds, report.what, strerror(-report.ret));
	if (odd)
		diag("%d writes returned something odd, the last one %d", odd, odd_ret);
	ok(report.ret != -EILSEQ, "%s during reclaim: the data is intact", act->what);
	ok_jobs(!report.ret && report.rounds > 0, "%s: works as ever (%d rounds, %d writes)",
		act->what, report.rounds, writes);
	ok(writes > 0 && !odd && !kernel_complained(), "%s: the kernel logs no warning", act->what);
}

/* Killed in the middle of whatever it does */
static void test_kill(void)
{
	int killed = 0, from, status;

	writes = 0;
	odd = 0;
	for (int64_t until = now_ns() + storm_ns; now_ns() < until; killed++) {
		const struct act *act = &acts[killed % (sizeof(acts) / sizeof(acts[0]) - 1)];
		pid_t pid = start_actor(act, &from);

		target = pid;
		usleep(20000 + 7919 * (killed % 16));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		close(from);
	}
	target = 0;
	ok(killed > 0 && !odd && !kernel_complained(),
	   "a client may be killed at any moment (%d times, %d writes)", killed, writes);
}

/*
 * The firmware dies, and the driver resets the GPU; it takes some seconds to notice. Jobs are lost,
 * memory is not, and a new client finds all in order.
 */
static int act_reset(struct client *client)
{
	struct jobs *jobs;
	int ret = client_submit(client, 1, 0, &err);

	jobs = &client->jobs[0];
	if (!ret)
		ret = jobs_spin(jobs, 100000, client->bos[0].bo.va);
	if (write_file(CRASH_FILE, "1", 1) != 1)
		return -ENOENT;
	if (!ret)
		jobs_wait(jobs, jobs->point, dev_now() + 20 * DEV_NSEC);
	if (!ret)
		ret = verify(client, CLIENT_CPU);
	client_fini(client);
	for (int tries = 0; !ret && tries < 20; tries++) {
		ret = open_client(client);
		if (!ret)
			ret = client_submit(client, 1, 0, &err);
		if (!ret)
			return verify(client, CLIENT_GPU);
		client_fini(client);
		usleep(500000);
		ret = tries < 19 ? 0 : ret;
	}
	return ret;
}

static atomic_bool churn_over, churn_failed;

static void *vm_churn_main(void *arg)
{
	struct gpu *gpu = arg;
	struct vm vms[4] = {};

	while (!churn_over) {
		for (int i = 0; i < 4; i++)
			churn_failed |= vm_create(gpu, &vms[i]) != 0;
		for (int i = 0; i < 4; i++)
			churn_failed |= vm_destroy(&vms[i]) != 0;
	}
	return NULL;
}

/* A BO that is private to a VM without a number */
static bool private_to_none(const struct event *event)
{
	return event_has(event, "state") && event_says(event, "state", "private") &&
	       !event_value(event, "vm_id");
}

/*
 * VMs of the target come and go, and somebody else's buffer is mapped in one that stays: a VM that
 * is not made yet must not be taken for another, nor its lock
 */
static void test_vm_churn(void)
{
	struct party *other = party_fork(NULL, 1), *own = party_open(NULL, 1);
	struct gpu gpu;
	pthread_t churn[2];
	struct trace *trace;
	int fd, bad = 0, evicted = 0, unnamed = 0;
	long count = 0;

	if (party_create(other, 0, BO_SIZE, false, "foreign") || party_fill(other, 0))
		bail("no buffer");
	fd = party_export(other, 0);
	if (fd < 0 || party_import(own, 0, fd, BO_SIZE) || party_bind(own, 0, 0))
		bail("cannot share a buffer");
	close(fd);
	party_close(own, 0);
	if (gpu_open(&gpu, NULL))
		bail("cannot open the device");

	trace = trace_start("panthor", NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&churn[i], NULL, vm_churn_main, &gpu);
	for (int64_t until = now_ns() + storm_ns; now_ns() < until; count++)
		bad += !expected(reclaim(getpid()));
	churn_over = true;
	for (int i = 0; i < 2; i++)
		pthread_join(churn[i], NULL);
	trace_stop(trace);
	for (int i = 0; i < trace->nr_events; i++) {
		evicted += event_is(&trace->events[i], "panthor_bo_evict") &&
			   !!strstr(trace->events[i].text, " label=foreign");
		unnamed += private_to_none(&trace->events[i]);
	}
	ok(!bad && !churn_failed && !kernel_complained(),
	   "VMs are created and destroyed during %ld writes, the kernel logs no warning", count);
	ok(!unnamed, "no VM is reported before it has an id (%d times)", unnamed);
	ok(!evicted, "memory of another process is not evicted (%d)", evicted);
	ok(!party_verify(other, 0) && !party_check(own, 0, 0), "its data is intact");
	trace_free(trace);
	gpu_close(&gpu);
	party_end(own);
	party_end(other);
}

static struct bo touched[BOS];
static atomic_bool touch_over;

static void *touch_main(void *arg)
{
	(void)arg;
	while (!touch_over)
		for (int i = 0; i < BOS; i++)
			*(volatile char *)touched[i].map = i;
	return NULL;
}

static void *evict_main(void *arg)
{
	while (!touch_over)
		*(int *)arg += !expected(reclaim(getpid()));
	return NULL;
}

/* With BOs of one size, what is evicted follows from how many were evicted and swapped in */
static void test_one_moment(void)
{
	long reads = 0, wrong = 0, partly = 0;
	pthread_t touch, evict;
	struct gpu gpu;
	uint64_t kib;
	int bad = 0;

	if (gpu_open(&gpu, NULL))
		bail("cannot open the device");
	for (int i = 0; i < BOS; i++)
		if (bo_create(&gpu, &touched[i], BO_SIZE, 0, NULL) || bo_map(&touched[i]))
			bail("no buffer");
	kib = touched[0].size >> 10;
	pthread_create(&touch, NULL, touch_main, NULL);
	pthread_create(&evict, NULL, evict_main, &bad);
	for (int64_t until = now_ns() + storm_ns; now_ns() < until || !partly; reads++) {
		struct fdinfo info = fdinfo_of_fd(gpu.fd);
		uint64_t evicted = (info.evictions - info.swapins) * kib;

		partly += info.evicted && info.evicted < BOS * kib;
		if ((info.evicted != evicted || info.in_swap + info.in_ram != evicted) && !wrong++)
			diag("%llu evictions, %llu swap-ins; %llu KiB evicted: %llu, %llu",
			     (unsigned long long)info.evictions, (unsigned long long)info.swapins,
			     (unsigned long long)info.evicted, (unsigned long long)info.in_swap,
			     (unsigned long long)info.in_ram);
	}
	touch_over = true;
	pthread_join(touch, NULL);
	pthread_join(evict, NULL);
	ok(!wrong && !bad,
	   "the values of one read of fdinfo are of one moment (%ld reads, %ld with a part evicted)",
	   reads, partly);
	gpu_close(&gpu);
}

int main(void)
{
	static const struct act reset = { "GPU reset", act_reset };
	long stale = stale_accesses();
	pthread_t writers[2];

	tap_start();
	storm_ns = knob("STORM_MS", 1500) * 1000000L;
	test_vm_churn();
	test_one_moment();
	for (int i = 0; i < 2; i++)
		pthread_create(&writers[i], NULL, writer_main, NULL);
	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		test_act(&acts[i]);
	test_kill();
	if (access(CRASH_FILE, W_OK))
		skip("only the simulated GPU can crash on request", "GPU reset during reclaim");
	else
		test_act(&reset);
	ok(stale_accesses() == stale, "the GPU never accesses memory through a stale mapping (%ld)",
	   stale_accesses() - stale);
	target = -1;
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	return tap_end();
}
