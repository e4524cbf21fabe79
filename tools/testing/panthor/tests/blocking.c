// SPDX-License-Identifier: GPL-2.0
/*
 * How long a write can take, and whom it holds up.
 *
 * What evicting costs by itself depends on the machine, so it is measured on the idle target first
 * and allowed for on top of what is promised about waiting.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"

#define MSEC 1000000LL

/* What this machine, as busy as it is, may add to any wait: measured */
static int64_t slack_ns;

static struct client_error err;

static double ms(int64_t ns)
{
	return ns / 1e6;
}

static int64_t timed_reclaim(pid_t target, int *ret)
{
	int64_t start = now_ns();

	*ret = reclaim(target);
	return now_ns() - start;
}

/* A machine that is not ours alone: single figures may be off, whatever the driver does */
static bool busy;

static void measure_slack(void)
{
	int64_t worst = 0;

	for (int i = 0; i < 100; i++) {
		int64_t start = now_ns();

		usleep(2000);
		start = now_ns() - start - 2 * MSEC;
		worst = start > worst ? start : worst;
	}
	slack_ns = 30 * MSEC + 3 * worst;
	busy = busy || worst > 3 * MSEC;
	diag("a sleep of 2 ms takes up to %.1f ms longer here: %.1f ms of slack", ms(worst),
	     ms(slack_ns));
}

/* A promise about time, which a busy machine may break, and a debug kernel, too */
static void __attribute__((format(printf, 2, 3))) ok_time(bool kept, const char *promise, ...)
{
	char text[200];
	va_list args;

	va_start(args, promise);
	vsnprintf(text, sizeof(text), promise, args);
	va_end(args);
	/* It may have become one since */
	if (!kept && !busy)
		measure_slack();
	if (!kept && busy)
		skip("a busy machine", "%s", text);
	else
		ok(kept, "%s", text);
}

/* How long the last request for a process was blocked by jobs and by locks, by its own account */
static int64_t blocked_ns(pid_t tgid)
{
	return device_value(tgid, "last_fence_ns") + device_value(tgid, "last_lock_ns");
}

static void start_client(struct client *client, unsigned int bos, uint64_t size)
{
	struct bo_spec spec = { .count = bos, .size = size, .label = "blocked-%i" };
	struct client_config config = { .vms = 1, .seed = 7, .specs = &spec, .nr_specs = 1 };

	if (client_init(client, &config, &err) || client_fill(client, CLIENT_CPU, &err) ||
	    client_submit(client, 1, 1000, &err))
		bail("cannot %s", err.what);
}

/* A job with half a second left: the write ends with it, however many buffers there are */
static void test_remainder(unsigned int bos)
{
	int64_t idle, start, took, left;
	struct job_end end = {};
	struct client client;
	pthread_t thread;
	long commands;
	int ret;

	start_client(&client, bos, 4096);
	idle = timed_reclaim(getpid(), &ret);
	if (ret || client_submit(&client, 1, 1000, &err))
		bail("idle reclaim: %d", ret);

	end.jobs = &client.jobs[0];
	if (jobs_spin(end.jobs, 600000, 0))
		bail("no job");
	pthread_create(&thread, NULL, jobs_await_end, &end);
	usleep(100000);
	commands = sim_counter("mmu_cmds");
	start = now_ns();
	took = timed_reclaim(getpid(), &ret);
	commands = sim_counter("mmu_cmds") - commands;
	pthread_join(thread, NULL);
	left = end.at - start;

	diag("%u buffers: %.1f ms for the write, %.1f blocked, %.1f left of the job, %.1f idle",
	     bos, ms(took), ms(blocked_ns(getpid())), ms(left), ms(idle));
	ok(left > 0, "%u buffers: the job was under way when the write began", bos);
	ok(!ret, "%u buffers, job with half a second left: success", bos);
	ok_time(blocked_ns(getpid()) <= left * 11 / 10 + slack_ns,
		"%u buffers: blocked for what was left of the job, plus 10 %%", bos);
	ok(took >= left - slack_ns, "%u buffers: and did not evict under the job", bos);
	ok(!end.ret, "%u buffers: the job went well", bos);
	ok(commands <= 16 + bos / 32, "%u buffers: unmapped with %ld commands to the MMU", bos,
	   commands);
	ok(gem_sum(getpid(), "blocked-").resident_bos * 20 <= (int)bos, "%u buffers: evicted", bos);
	client_fini(&client);
}

static void test_bound(void)
{
	struct client client;
	uint64_t bytes;
	int64_t took;
	int ret;

	start_client(&client, 64, 65536);
	if (client_hold(&client, &err))
		bail("no job");
	took = timed_reclaim(getpid(), &ret);
	diag("%.1f ms", ms(took));
	ok(ret == -EBUSY, "a job that does not end: EBUSY (%d)", ret);
	ok_time(took < 2 * NSEC, "after a bounded time");
	ok(gem_sum(getpid(), "blocked-").resident_bos == 64, "and nothing is evicted");
	ok(!client_release(&client, &err), "the job is none the worse for it");
	ok(!client_verify(&client, CLIENT_CHECK, &bytes, &err), "neither is the data");
	client_fini(&client);
}

static void *shrink_main(void *arg)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/shrink", debugfs_dir());
	write_file(path, "65536", 5);
	return arg;
}

/* The shrinker is at the busy target, too, and has its buffers on a list of its own meanwhile */
static void test_beside_shrinker(void)
{
	struct client client;
	pthread_t thread;
	struct table *table;
	int row, ret;

	start_client(&client, 64, 65536);
	if (client_hold(&client, &err))
		bail("no job");
	pthread_create(&thread, NULL, shrink_main, NULL);
	usleep(200000);
	timed_reclaim(getpid(), &ret);
	table = device_row(getpid(), &row);
	ok(ret == -EBUSY, "a busy target that the shrinker looks at: EBUSY, too (%d)", ret);
	ok(table_value(table, row, "last_skipped_bos") >= 64,
	   "and each of its buffers is accounted for (%s)",
	   table_text(table, row, "last_skipped_bos"));
	table_free(table);
	ok_jobs(!client_release(&client, &err), "and the job went well");
	pthread_join(thread, NULL);
	client_fini(&client);
}

/*
 * Frames of 10 ms without a gap, and 50 writes into them. What evicting takes is the machine's
 * business, how long the write is blocked is ours
 */
static void test_submitter(void)
{
	const long writes = knob("SUBMITTER_WRITES", 50);
	const int bos = 257;
	int64_t until;
	long done = 0;
	struct gem_sum before, after;
	int64_t took, idle, frame, back, blocked, worst = 0, most = 0;
	int ret, few = 0, late = 0, failed = 0, worst_share = 100;
	struct peer *peer = peer_start("-b257x64K", NULL);

	if (!peer_do(peer, "submit 1 1000"))
		bail("no job");
	idle = timed_reclaim(peer->pid, &ret);
	if (!peer_do(peer, "submit 1 10000"))
		bail("no job");
	/* Who is about to bring back its buffers has their lock until they are there */
	back = peer_value(peer, "ms") * MSEC;
	if (!peer_do(peer, "submit 20 10000"))
		bail("no job");
	frame = peer_value(peer, "ms") * MSEC / 20;
	if (!peer_do(peer, "loop 100 10000"))
		bail("no loop");
	until = now_ns() + 60 * NSEC;

	/* As many as a slow machine can do in a minute, and 10 in any case */
	for (; done < writes && (done < 10 || now_ns() < until); done++) {
		int share;

		/* The next submit brings back what it needs: all that is bound */
		for (int tries = 0; tries < 500; tries++) {
			before = gem_sum(peer->pid, "private-");
			if (before.resident_bos == bos)
				break;
			usleep(10000);
		}
		took = timed_reclaim(peer->pid, &ret);
		after = gem_sum(peer->pid, "private-");
		share = (after.evictions - before.evictions) * 100 / bos;
		failed += ret != 0 || before.resident_bos != bos;
		few += share < 95;
		blocked = blocked_ns(peer->pid);
		late += blocked > 200 * MSEC + 3 * frame + back + slack_ns;
		most = blocked > most ? blocked : most;
		worst = took > worst ? took : worst;
		worst_share = share < worst_share ? share : worst_share;
	}
	diag("worst write: %.1f ms (%.1f ms when idle), blocked for %.1f ms at most", ms(worst),
	     ms(idle), ms(most));
	diag("worst share evicted: %d %%; a frame takes %.1f ms here, the first one %.1f ms",
	     worst_share, ms(frame), ms(back));
	ok(!failed, "%ld writes to a client that submits 10 ms frames without end: success", done);
	ok(!few, "each of them takes at least 95 %% of its buffers");
	ok_time(!late, "blocked for no more than 200 ms beyond the jobs in flight (%d were longer)",
		late);
	ok_jobs(peer_do(peer, "stop"), "and all its jobs go well");
	diag("%s", peer->line);
	ok(peer_do(peer, "verify check"), "and its data is intact");
	peer_quit(peer);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* Runs in a child: writes, and tells the errno by its exit status */
static void writer(pid_t target, int sig, int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(sig, &action, NULL);
	_exit(-reclaim(target));
}

static void test_signal(struct peer *peer, const char *name, int sig, int flags)
{
	int64_t took;
	int status;
	pid_t pid;

	if (!peer_do(peer, "hold"))
		bail("no job");
	pid = fork();
	if (!pid)
		writer(peer->pid, sig, flags);
	usleep(300000);
	took = now_ns();
	kill(pid, sig);
	waitpid(pid, &status, 0);
	took = now_ns() - took;
	diag("%s: %.1f ms from the signal to the end", name, ms(took));
	ok_time(took < 100 * MSEC + slack_ns, "%s ends the wait at once", name);
	if (sig == SIGKILL)
		ok(WIFSIGNALED(status), "%s kills the writer", name);
	else
		ok(WIFEXITED(status) && WEXITSTATUS(status) == EINTR, "%s: EINTR", name);
	ok_jobs(peer_do(peer, "release"), "%s: the target's job went well", name);
	ok(gem_sum(peer->pid, "private-").resident_bos == 32, "%s: nothing was evicted", name);
}

static void test_signals(void)
{
	struct peer *peer = peer_start("-b32x64K", NULL);

	test_signal(peer, "SIGINT", SIGINT, 0);
	test_signal(peer, "SIGTERM", SIGTERM, 0);
	test_signal(peer, "SIGTERM with SA_RESTART", SIGTERM, SA_RESTART);
	test_signal(peer, "SIGKILL", SIGKILL, 0);
	ok(!reclaim(peer->pid), "afterwards a write does what it should");
	ok(!gem_sum(peer->pid, "private-").resident_bos, "and takes everything");
	ok(peer_do(peer, "verify gpu"), "and the data is intact");
	peer_quit(peer);
}

/*
 * Signals at any point of a request: what was done before is told, and nothing else. Every
 * other one kills the writer, whom nobody can ask any more
 */
static void test_signals_anywhere(void)
{
	const long writes = knob("SIGNALS", 60);
	struct peer *peer = peer_start("-b512x64K", NULL);
	int64_t idle, most = 0, until = now_ns() + 60 * NSEC;
	int ret, early = 0, midway = 0, unwritten = 0, odd = 0;
	long done = 0;

	if (!peer_do(peer, "submit 1 100"))
		bail("no job");
	idle = timed_reclaim(peer->pid, &ret);
	srandom(knob("SEED", 1));
	for (; done < writes && (done < 10 || now_ns() < until); done++) {
		int sig = done & 1 ? SIGKILL : SIGTERM, status;
		uint64_t bos, evicted, written;
		struct gem_sum before, after;
		int64_t took;
		pid_t pid;

		if (!peer_do(peer, "submit 1 100"))
			break;
		before = gem_sum(peer->pid, "");
		pid = fork();
		if (!pid)
			writer(peer->pid, sig, 0);
		usleep(random() % (idle / 1000));
		took = now_ns();
		kill(pid, sig);
		waitpid(pid, &status, 0);
		took = now_ns() - took;
		most = took > most ? took : most;

		after = gem_sum(peer->pid, "");
		/* Before it was there, or after it was done, there is nothing to be said */
		if (before.evictions == after.evictions) {
			early++;
			continue;
		}
		bos = device_value(peer->pid, "last_evicted_bos");
		evicted = device_value(peer->pid, "last_evicted");
		written = device_value(peer->pid, "last_written");
		if (bos < 512)
			midway++;
		else if (written < evicted)
			unwritten++;
		odd += device_value(peer->pid, "last_result") != 0 || written > evicted ||
		       bos != after.evictions - before.evictions ||
		       (WIFEXITED(status) && WEXITSTATUS(status));
	}
	diag("%ld signals: %d before anything was done, %d while evicting, %d while writing", done,
	     early, midway, unwritten);
	diag("%.1f ms at most from the signal to the end", ms(most));
	ok(midway + unwritten > 0, "signals in the middle of a request");
	ok(!odd, "what was done is told, and a success (%d times not)", odd);
	ok_time(most < 200 * MSEC + slack_ns, "and each ends it at once");
	ok_jobs(peer_do(peer, "submit 1 100"), "the target goes on");
	ok(peer_do(peer, "verify cpu") && peer_do(peer, "verify check"), "and its data is intact");
	peer_quit(peer);
}

/* What other clients do while a reclaim runs, and the longest that each step took */
enum step { OPEN, VM_CREATE, SUBMIT, VM_DESTROY, CLOSE, STEPS };

static const char *const step_names[STEPS] = { "open", "VM create", "submit", "VM destroy",
					       "close" };

struct bystander {
	atomic_bool stop;
	int rounds;
	int errors;
	int64_t worst[STEPS];
};

static void note(struct bystander *by, enum step step, int64_t *since, int ret)
{
	int64_t now = now_ns();

	by->errors += ret != 0;
	if (now - *since > by->worst[step])
		by->worst[step] = now - *since;
	*since = now_ns();
}

static void *bystander_main(void *arg)
{
	struct bystander *by = arg;

	while (!by->stop) {
		int64_t since = now_ns();
		struct jobs jobs = {};
		struct gpu gpu;
		struct vm vm;

		note(by, OPEN, &since, gpu_open(&gpu, NULL));
		note(by, VM_CREATE, &since, vm_create(&gpu, &vm));
		by->errors += jobs_init(&jobs, &vm) != 0;
		since = now_ns();
		note(by, SUBMIT, &since, jobs_spin(&jobs, 0, 0));
		jobs_wait(&jobs, jobs.point, now_ns() + 10 * NSEC);
		jobs_fini(&jobs);
		since = now_ns();
		note(by, VM_DESTROY, &since, vm_destroy(&vm));
		gpu_close(&gpu);
		note(by, CLOSE, &since, 0);
		by->rounds++;
	}
	return NULL;
}

/*
 * One reclaim, with somebody who comes and goes all the time; true if nobody was held up. What the
 * machine does besides can only make the figures worse
 */
static bool bystanders_free(struct peer *peer, const struct bystander *base, bool *worked)
{
	struct bystander by = {};
	bool all_free = true;
	pthread_t thread;
	int64_t took;
	int ret;

	/* A reclaim that waits for 400 ms and then has all these buffers to evict and write back */
	peer_send(peer, "submit 1 400000");
	usleep(100000);
	pthread_create(&thread, NULL, bystander_main, &by);
	took = timed_reclaim(peer->pid, &ret);
	by.stop = true;
	pthread_join(thread, NULL);
	peer_answer(peer);

	*worked = !ret && by.rounds > 1 && !by.errors;
	diag("the reclaim took %.1f ms (%d); meanwhile %d rounds, %d errors", ms(took), ret,
	     by.rounds, by.errors);
	for (int i = 0; i < STEPS; i++) {
		diag("%s: longest %.1f ms, %.1f ms without reclaim", step_names[i], ms(by.worst[i]),
		     ms(base->worst[i]));
		all_free &= by.worst[i] < took / 20 || by.worst[i] < 2 * base->worst[i] + slack_ns;
	}
	return all_free;
}

static void test_bystanders(void)
{
	struct bystander base = {};
	bool worked = true, all_free = false;
	struct peer *peer;
	pthread_t thread;
	char spec[32];

	snprintf(spec, sizeof(spec), "-b%ldx1M", knob("BYSTANDER_MIB", 64));
	peer = peer_start(spec, NULL);
	if (!peer_do(peer, "submit 1 1000"))
		bail("no job");

	/* How long the steps take when nobody reclaims */
	pthread_create(&thread, NULL, bystander_main, &base);
	usleep(500000);
	base.stop = true;
	pthread_join(thread, NULL);

	for (int tries = 0; tries < 3 && worked && !all_free; tries++)
		all_free = bystanders_free(peer, &base, &worked);
	ok(worked, "other clients come and go during a reclaim of %s", spec + 2);
	ok_time(all_free,
		"open, VM create, submit, VM destroy, close: none takes 5 %% of its time, or much longer "
		"than without");
	peer_quit(peer);
}

int main(void)
{
	tap_start();
	measure_slack();
	test_remainder(1);
	test_remainder(2000);
	test_bound();
	test_beside_shrinker();
	test_submitter();
	test_signals();
	test_signals_anywhere();
	test_bystanders();
	return tap_end();
}
