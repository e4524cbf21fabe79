// SPDX-License-Identifier: GPL-2.0
/*
 * How the time of a write grows with what there is, and whom it holds up.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "reclaim.h"
#include "tap.h"

#define MIB (1 << 20)
#define WRITERS 8
#define FIND_LOOPS 20
#define DISK "/dev/vda"

/* A process with @nr open files of the device, and nothing else */
static pid_t crowd(long nr)
{
	struct rlimit limit = { nr + 64, nr + 64 };
	int ready[2];
	char byte;
	pid_t pid;

	if (!nr)
		return 0;
	if (pipe(ready))
		bail("no pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setrlimit(RLIMIT_NOFILE, &limit);
		for (long i = 0; i < nr; i++)
			if (gpu_open(&(struct gpu){}, NULL))
				_exit(1);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
	}
	close(ready[1]);
	if (pid < 0 || read(ready[0], &byte, 1) != 1)
		bail("cannot open the device %ld times", nr);
	close(ready[0]);
	return pid;
}

static void disperse(pid_t pid)
{
	if (pid) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/*
 * The target has nothing to give: the search is all there is. With and without the others in turns.
 */
void bench_find(void)
{
	struct peer *target = peer_start("-b1x4K", "-fnone", NULL);
	struct series whole = { .nr = 0 };
	struct client client;
	long clients[8];
	int nr;

	start_client(&client, 1024, 65536);
	for (int i = 0; i < repetitions; i++) {
		use_client(&client);
		series_add(&whole, timed_reclaim(getpid()));
	}
	client_fini(&client);

	nr = numbers("CLIENTS", "1,50,200,500", clients, 8);
	for (int c = 0; c < nr; c++) {
		struct series share = { .nr = 0 }, extra = { .nr = 0 };
		char parameter[32];

		for (int i = 0; i < repetitions; i++) {
			double alone = 0, with = 0;
			pid_t others;

			/* The lowest of many: the search, not what the machine did meanwhile */
			for (int l = 0; l < FIND_LOOPS; l++) {
				double ms = timed_reclaim(target->pid);

				alone = l && alone < ms ? alone : ms;
			}
			others = crowd(clients[c]);
			for (int l = 0; l < FIND_LOOPS; l++) {
				double ms = timed_reclaim(target->pid);

				with = l && with < ms ? with : ms;
			}
			disperse(others);
			series_add(&extra, (with - alone) * 1000);
			series_add(&share, 100 * (with - alone) / whole.value[i]);
		}
		snprintf(parameter, sizeof(parameter), "%ld clients", clients[c]);
		emit("finding the target", parameter, "%", clients[c] == 200 ? 1 : 0, &share,
		     "what so many other open files add to a write, as a share of reclaiming 64 "
		     "MiB in 1,024 BOs");
		emit("finding the target, absolute", parameter, "us", 0, &extra, "the same");
	}
	peer_quit(target);
}

static void *write_one(void *arg)
{
	struct peer *peer = arg;

	timed_reclaim(peer->pid);
	return NULL;
}

static double write_all(struct peer **peers, bool together)
{
	pthread_t threads[WRITERS];
	int64_t start;

	for (int p = 0; p < WRITERS; p++)
		use_peer(peers[p]);
	start = now_ns();
	for (int p = 0; p < WRITERS; p++) {
		if (!together)
			timed_reclaim(peers[p]->pid);
		else if (pthread_create(&threads[p], NULL, write_one, peers[p]))
			bail("no thread");
	}
	for (int p = 0; together && p < WRITERS; p++)
		pthread_join(threads[p], NULL);
	return ms_since(start);
}

void bench_writers(void)
{
	struct series together = { .nr = 0 }, in_turn = { .nr = 0 }, ratio;
	struct peer *peers[WRITERS];

	for (int p = 0; p < WRITERS; p++)
		peers[p] = peer_start("-b128x64K", NULL);
	for (int i = 0; i < 2 * repetitions; i++) {
		bool first = i & 1;
		double ms = write_all(peers, first);

		series_add(first ? &together : &in_turn, ms);
		ms = write_all(peers, !first);
		series_add(first ? &in_turn : &together, ms);
	}
	ratio = series_ratio(&together, &in_turn);
	emit("8 writers, together / in turn", "8 x 8 MiB", "x", 1, &ratio,
	     "8 concurrent writers on 8 targets, on %ld CPUs, against the same writes one after "
	     "the other",
	     sysconf(_SC_NPROCESSORS_ONLN));
	for (int p = 0; p < WRITERS; p++)
		peer_quit(peers[p]);
}

static void measure_bos(const char *figure)
{
	long counts[8];
	int nr = numbers("BOS", "1,10,100,1000,10000", counts, 8);

	for (int c = 0; c < nr; c++) {
		struct series took = { .nr = 0 };
		struct client client;
		char parameter[32];

		start_client(&client, counts[c], 4096);
		for (int i = 0; i < repetitions; i++) {
			use_client(&client);
			series_add(&took, timed_reclaim(getpid()));
		}
		snprintf(parameter, sizeof(parameter), "%ld BOs", counts[c]);
		emit(figure, parameter, "ms", 0, &took, "BOs of 4 KiB, nothing to wait for");
		client_fini(&client);
	}
}

void bench_bos(void)
{
	measure_bos("blocked, idle target");
}

void bench_disk(void)
{
	set_swap(ZRAM, false);
	if (make_swap(DISK))
		bail("cannot make a swap of %s", DISK);
	set_swap(DISK, true);
	measure_bos("blocked, idle target, swap on a disk");
	set_swap(DISK, false);
	set_swap(ZRAM, true);
}

void bench_job(void)
{
	static const long bos[] = { 1, 1000 };
	static const long length_ms[] = { 50, 150, 400 };

	for (size_t b = 0; b < 2; b++) {
		for (size_t l = 0; l < 3; l++) {
			struct series over = { .nr = 0 };
			struct client client;
			char parameter[32];

			start_client(&client, bos[b], 4096);
			/* On a busy machine a job may outlast what the write waits */
			for (int tries = 0; over.nr < repetitions && tries < 3 * repetitions;
			     tries++) {
				struct job_end end = { .jobs = &client.jobs[0] };
				pthread_t thread;
				int64_t start;
				double took;
				int ret;

				use_client(&client);
				if (jobs_spin(end.jobs, length_ms[l] * 1000, 0) ||
				    pthread_create(&thread, NULL, jobs_await_end, &end))
					bail("no job");
				usleep(20000);
				start = now_ns();
				ret = try_reclaim(getpid(), &took);
				pthread_join(thread, NULL);
				if (end.ret)
					bail("the job failed: %s", strerror(-end.ret));
				if (ret == -EBUSY)
					continue;
				if (ret)
					bail("mem_reclaim: %s", strerror(-ret));
				series_add(&over, took - (end.at - start) / 1e6);
			}
			if (!over.nr)
				bail("a job of %ld ms takes longer than a second here",
				     length_ms[l]);
			snprintf(parameter, sizeof(parameter), "%ld BOs, %ld ms job", bos[b],
				 length_ms[l]);
			emit("blocked beyond the job in flight", parameter, "ms", 0, &over,
			     "what the write takes longer than the job that it has to wait for: to "
			     "be compared with an idle target");
			client_fini(&client);
		}
	}
}

struct opener {
	pthread_t thread;
	char node[32];
	atomic_bool stop;
	double longest;
	long opens;
};

static void *open_and_close(void *arg)
{
	struct opener *opener = arg;

	while (!atomic_load(&opener->stop)) {
		int64_t start = now_ns();
		int fd = open(opener->node, O_RDWR | O_CLOEXEC);
		double ms = ms_since(start);

		if (fd < 0)
			bail("open: %s", strerror(errno));
		close(fd);
		opener->opens++;
		if (ms > opener->longest)
			opener->longest = ms;
	}
	return NULL;
}

static double longest_open(pid_t target, double *took)
{
	struct opener opener = { .longest = 0 };
	struct gpu gpu;

	if (gpu_open(&gpu, NULL) || gpu_node(&gpu, false, opener.node, sizeof(opener.node)))
		bail("no device");
	gpu_close(&gpu);
	if (pthread_create(&opener.thread, NULL, open_and_close, &opener))
		bail("no thread");
	if (target)
		*took = timed_reclaim(target);
	else
		spin_ms(*took);
	atomic_store(&opener.stop, true);
	pthread_join(opener.thread, NULL);
	return opener.longest;
}

void bench_open(void)
{
	struct series share = { .nr = 0 }, idle_share = { .nr = 0 }, more = { .nr = 0 };
	struct peer *peer = peer_start("-b1024x256K", "-n", "open", NULL);

	for (int i = 0; i < repetitions; i++) {
		double took, longest, idle;

		use_peer(peer);
		longest = longest_open(peer->pid, &took);
		idle = longest_open(0, &took);
		series_add(&share, 100 * longest / took);
		series_add(&idle_share, 100 * idle / took);
		series_add(&more, 100 * (longest - idle) / took);
	}
	emit("longest open(), more than without", "256 MiB", "%", 1, &more,
	     "the difference of the next two");
	emit("longest open() meanwhile", "256 MiB", "%", 0, &share,
	     "open() of the device by another process during a reclaim, as a share of the "
	     "reclaim's time");
	emit("longest open(), no reclaim", "256 MiB", "%", 0, &idle_share,
	     "the same while this process is as busy with nothing: what the machine does by itself");
	peer_quit(peer);
}
