// SPDX-License-Identifier: GPL-2.0
/*
 * What the core promises: no more than the swap device takes, the same for all kinds of BO, idle
 * memory without a wait for busy memory, and no other client held up.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "pattern.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"

#define MIB (1UL << 20)
#define TOTAL_MIB 64

/* A disk of 64 MiB/s, whatever the size of a request to it */
#define DISK_MS 1
#define DISK_KIB 64
#define JOB_US 500000
#define PAUSE_US 2000

/* One thread that does nothing else writes @pages to the device at @path */
static double bare_write(const char *path, const char *pages)
{
	int fd = open(path, O_WRONLY | O_DIRECT);
	int64_t start = now_ns();

	if (fd < 0)
		bail("cannot open %s: %s", path, strerror(errno));
	for (size_t at = 0; at < TOTAL_MIB * MIB; at += MIB)
		if (pwrite(fd, pages + at, MIB, at) != MIB)
			bail("cannot write to %s: %s", path, strerror(errno));
	close(fd);
	return ms_since(start);
}

static void against_device(const char *path, const char *parameter, double goal)
{
	struct series ours = { .nr = 0 }, bare = { .nr = 0 }, ratio;
	struct client client;
	void *pages;

	if (posix_memalign(&pages, MIB, TOTAL_MIB * MIB))
		bail("no memory");
	start_client(&client, TOTAL_MIB * 16, MIB / 16);
	for (int i = 0; i < repetitions; i++) {
		pattern_fill(pages, TOTAL_MIB * MIB, 100 + i, 0);
		series_add(&bare, bare_write(path, pages));
		if (make_swap(path))
			bail("cannot make a swap of %s", path);
		set_swap(path, true);
		use_client(&client);
		series_add(&ours, timed_reclaim_alone(getpid()));
		set_swap(path, false);
	}
	ratio = series_ratio(&ours, &bare);
	emit("reclaim / bare writes", parameter, "x", goal, &ratio,
	     "%d MiB in BOs of 64 KiB, against the same pages written to the same device by one "
	     "thread that does nothing else, 1 MiB at a time",
	     TOTAL_MIB);
	emit("bare writes", parameter, "ms", 0, &bare, "the same, what the thread takes");
	client_fini(&client);
	free(pages);
}

void bench_device(void)
{
	const char *disk;

	set_swap(ZRAM, false);
	against_device(ZRAM, "zram", 1.05);
	disk = slow_disk(DISK_MS, DISK_KIB);
	if (!disk)
		bail("cannot make a slow disk");
	against_device(disk, "disk of 64 MiB/s", 1.10);
	remove_slow_disk();
	if (make_swap(ZRAM))
		bail("cannot make a swap of %s", ZRAM);
	set_swap(ZRAM, true);
}

static double reclaim_kind(unsigned int bos, uint64_t size, enum bo_kind kind)
{
	struct bo_spec spec = { .count = bos, .size = size, .kind = kind, .label = "bench %i" };
	struct client_config config = { .vms = 1, .seed = 7, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct client client;
	double ms;

	if (client_init(&client, &config, &err))
		bail("cannot %s", err.what);
	use_client(&client);
	ms = timed_reclaim(getpid());
	client_fini(&client);
	return ms;
}

/* A BO that no VM has to itself takes the locks of all that map it */
void bench_kinds(void)
{
	static const struct {
		unsigned int bos;
		uint64_t size;
		const char *parameter;
	} tries[] = { { 1024, 65536, "1024 x 64K" }, { 1024, 4096, "1024 x 4K" } };

	for (size_t t = 0; t < 2; t++) {
		struct series private = { .nr = 0 }, shareable = { .nr = 0 }, ratio;

		for (int i = 0; i < repetitions; i++) {
			series_add(&private, reclaim_kind(tries[t].bos, tries[t].size, BO_PRIVATE));
			series_add(&shareable,
				   reclaim_kind(tries[t].bos, tries[t].size, BO_SHARED));
		}
		ratio = series_ratio(&shareable, &private);
		emit("not exclusive / exclusive", tries[t].parameter, "x", 1.05, &ratio,
		     "BOs created without exclusive_vm_id and mapped by one VM, against BOs that "
		     "are exclusive to it");
	}
}

/* One VM has a job to do, the other has the memory */
void bench_idle(void)
{
	struct client_config config = { .vms = 2, .seed = 7 };
	struct series ratio = { .nr = 0 };
	struct bo bos[TOTAL_MIB] = {};
	struct client_error err;
	struct client client;

	if (client_init(&client, &config, &err))
		bail("cannot %s", err.what);
	for (int i = 0; i < TOTAL_MIB; i++)
		if (bo_create(&client.gpu, &bos[i], MIB, 0, &client.vms[1]) || bo_map(&bos[i]) ||
		    bo_bind(&bos[i], &client.vms[1]))
			bail("no buffers");
	for (int i = 0; i < repetitions; i++) {
		struct job_end end = { .jobs = &client.jobs[0] };
		pthread_t thread;
		int64_t start;
		double took;

		for (int b = 0; b < TOTAL_MIB; b++)
			pattern_fill(bos[b].map, MIB, 1 + i, b * (MIB / PATTERN_PAGE));
		if (client_submit(&client, 1, 100, &err))
			bail("cannot %s", err.what);
		if (jobs_spin(end.jobs, JOB_US, 0) ||
		    pthread_create(&thread, NULL, jobs_await_end, &end))
			bail("no job");
		usleep(PAUSE_US);
		start = now_ns();
		took = timed_reclaim(getpid());
		pthread_join(thread, NULL);
		if (end.ret)
			bail("the job failed: %s", strerror(-end.ret));
		series_add(&ratio, took * 1e6 / (end.at - start));
	}
	emit("blocked / rest of the job", "500 ms, 64 MiB idle", "x", 1.1, &ratio,
	     "one VM is busy, another has 64 MiB: what the write takes, against what is left of "
	     "the job when it starts");
	for (int i = 0; i < TOTAL_MIB; i++)
		bo_destroy(&bos[i]);
	client_fini(&client);
}

struct submitter {
	pthread_t thread;
	struct client *client;
	atomic_bool stop;
	double longest;
};

static void *submit(void *arg)
{
	struct submitter *submitter = arg;
	struct jobs *jobs = &submitter->client->jobs[0];

	while (!atomic_load(&submitter->stop)) {
		int64_t start = now_ns();
		int ret = jobs_spin(jobs, 0, 0);
		double ms = ms_since(start);

		if (ret || jobs_wait(jobs, jobs->point, now_ns() + JOB_PATIENCE))
			bail("a job of another client failed");
		if (ms > submitter->longest)
			submitter->longest = ms;
	}
	return NULL;
}

static double longest_submit(struct client *client, pid_t target, double *took)
{
	struct submitter submitter = { .client = client };

	if (pthread_create(&submitter.thread, NULL, submit, &submitter))
		bail("no thread");
	if (target)
		*took = timed_reclaim(target);
	else
		spin_ms(*took);
	atomic_store(&submitter.stop, true);
	pthread_join(submitter.thread, NULL);
	return submitter.longest;
}

void bench_submit(void)
{
	struct series share = { .nr = 0 }, idle_share = { .nr = 0 }, more = { .nr = 0 };
	struct peer *peer = peer_start("-b1024x256K", "-n", "submit", NULL);
	struct client client;

	start_client(&client, 4, 4096);
	for (int i = 0; i < repetitions; i++) {
		double took, longest, idle;

		use_peer(peer);
		longest = longest_submit(&client, peer->pid, &took);
		idle = longest_submit(&client, 0, &took);
		series_add(&share, 100 * longest / took);
		series_add(&idle_share, 100 * idle / took);
		series_add(&more, 100 * (longest - idle) / took);
	}
	emit("longest submit, more than without", "256 MiB", "%", 1, &more,
	     "the difference of the next two");
	emit("longest submit meanwhile", "256 MiB", "%", 0, &share,
	     "a submission of another client during a reclaim, as a share of the reclaim's time");
	emit("longest submit, no reclaim", "256 MiB", "%", 0, &idle_share,
	     "the same while this process is as busy with nothing: what the machine does by itself");
	client_fini(&client);
	peer_quit(peer);
}
