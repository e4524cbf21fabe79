// SPDX-License-Identifier: GPL-2.0
/*
 * reclaimd while memory is short, and the same without it: how long tasks are stalled, who is
 * killed, what it costs the clients; and what happens when it is stopped or killed.
 *
 * Applications start, use all memory that there is and some more, and end; every now and then one
 * of the background is used. For a guest with little memory, which is so without much ado.
 *
 * SECONDS_DAY=N of pressure in all (20), half of it with reclaimd, in turns of a minute at most
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "daemon.h"
#include "peer.h"
#include "reclaim.h"
#include "tap.h"
#include "trace.h"

#define GROUP "reclaimd-day"
#define TURN 60
#define MIB (1UL << 20)
/* What is available to applications, and what one wants besides */
#define LEFT (64 * MIB)
#define TOO_MUCH (32 * MIB)
#define SWITCH_SECONDS 15
#define CONFIG                                                                  \
	"stall = 50ms\nwindow = 500ms\navailable = 64M\nmin-per-trigger = 4M\n" \
	"max-per-trigger = 48M\n"                                               \
	"oom-score-adj = 1\npremature = 5s\npremature-backoff = 20s\nbackoff = 2s\n"

enum kind { GAME, TICK, IDLE, MIXED, FROZEN, NR_KINDS };

static const struct {
	const char *name;
	const char *adj;
	const char *args[6];
} kinds[NR_KINDS] = {
	/* In the foreground, busy all the time */
	[GAME] = { "game", "0", { "-b16x1M" } },
	/* Asked first, and needs its memory twice a second */
	[TICK] = { "tick", "900", { "-b16x512K" } },
	[IDLE] = { "idle", "700", { "-b32x1M" } },
	[MIXED] = { "mixed",
		    "600",
		    { "-v2", "-b32x256K", "-b8x1M:shared", "-b8x1M:mmap", "-b8x1M:unused" } },
	[FROZEN] = { "frozen", "100", { "-b32x1M" } },
};

/* What one way of doing it came to, over all its turns */
struct way {
	double seconds;
	double stalled_ms;
	long oom_kills;
	double frames, late;
	int ticks;
	double tick_ms, swapin_ms;
	int swapins;
	int starts;
	double start_ms;
};

/* Of applications, by the process that is all of them, one after the other */
struct starts {
	int count;
	double ms;
};

static struct peer *peers[NR_KINDS];

static void start_peers(void)
{
	for (int i = 0; i < NR_KINDS; i++) {
		char name[32], path[64];
		char *argv[10] = { "load", name };
		int argc = 2;

		snprintf(name, sizeof(name), "-n%s", kinds[i].name);
		for (int j = 0; j < 6 && kinds[i].args[j]; j++)
			argv[argc++] = (char *)kinds[i].args[j];
		if (i == FROZEN)
			cgroup_enter(GROUP);
		peers[i] = peer_try(argv);
		cgroup_enter(NULL);
		if (!peers[i])
			bail("%s did not start", kinds[i].name);
		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", peers[i]->pid);
		if (write_file(path, kinds[i].adj, strlen(kinds[i].adj)) < 0)
			bail("cannot write %s", path);
	}
}

static double stalled_ms(void)
{
	unsigned long long us = 0;
	FILE *file = fopen("/proc/pressure/memory", "re");

	if (!file || fscanf(file, "some %*s %*s %*s total=%llu", &us) != 1)
		bail("no PSI");
	fclose(file);
	return us / 1e3;
}

/* Sets the kernel's reserve; what it was before */
static long min_free(long kb)
{
	static const char path[] = "/proc/sys/vm/min_free_kbytes";
	FILE *file = fopen(path, "re");
	char text[32];
	long before;

	if (!file || fscanf(file, "%ld", &before) != 1)
		bail("cannot read %s", path);
	fclose(file);
	snprintf(text, sizeof(text), "%ld", kb);
	if (write_file(path, text, strlen(text)) < 0)
		bail("cannot write %s", path);
	return before;
}

static bool all_verify(void)
{
	bool fine = true;

	for (int i = 0; i < NR_KINDS; i++)
		fine &= peer_do(peers[i], "verify cpu");
	return fine;
}

static void freeze(bool on)
{
	cgroup_set(GROUP, "cgroup.freeze", on ? "1" : "0");
	if (on)
		cgroup_wait_frozen(GROUP);
}

/* In huge pages, for a fault each 4 KiB takes long on a simulated CPU */
static char *memory_of(size_t size)
{
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, size, MADV_HUGEPAGE))
		_exit(1);
	return memory;
}

/* Has all memory but @left for good */
static pid_t take_most(size_t left)
{
	size_t available = meminfo("MemAvailable") * 1024UL;
	int ready[2];
	char byte;
	pid_t pid;

	if (available < left + 2 * MIB || pipe2(ready, O_CLOEXEC))
		bail("%zu MiB are available", available / MIB);
	pid = fork();
	if (!pid) {
		size_t size = (available - left) / (2 * MIB) * (2 * MIB);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!mlock(memory_of(size), size) && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail("no memory to take");
	close(ready[0]);
	return pid;
}

static pid_t start_applications(struct starts *starts)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	write_file("/proc/self/oom_score_adj", "1000", 4);
	for (;;) {
		int64_t start = now_ns();
		char *memory = memory_of(LEFT + TOO_MUCH);

		for (size_t at = 0; at < LEFT + TOO_MUCH; at += 4096)
			memset(memory + at, at >> 12, 64);
		starts->ms += (now_ns() - start) / 1e6;
		starts->count++;
		usleep(200000);
		munmap(memory, LEFT + TOO_MUCH);
		usleep(300000);
	}
}

/* What a swap-in made the client wait for, as the events have it */
static void add_swapins(struct way *way, const struct trace *trace)
{
	for (int i = 0; i < trace->nr_events; i++) {
		const struct event *event = &trace->events[i];

		if (!event_is(event, "panthor_bo_swapin") ||
		    event_value(event, "tgid") != peers[TICK]->pid)
			continue;
		way->swapins++;
		way->swapin_ms += event_value(event, "duration_ns") / 1e6;
	}
}

/* One turn of memory pressure; everything is resident at its start */
static void turn(struct way *way, int seconds)
{
	struct starts *starts = mmap(NULL, sizeof(*starts), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t start, used;
	struct trace *trace;
	double before;
	long kills;
	pid_t pid;

	if (!peer_do(peers[GAME], "loop 20 2000"))
		bail("no loop");
	freeze(true);
	trace = trace_start("panthor:panthor_bo_swapin", NULL);
	kills = vmstat("oom_kill");
	start = now_ns();
	used = start;
	before = stalled_ms();
	pid = start_applications(starts);
	/* With some of them in it, however long the first takes */
	while (now_ns() - start < seconds * NSEC ||
	       (starts->count < 3 && now_ns() - start < (seconds + 60) * NSEC)) {
		if (!peer_do(peers[TICK], "submit 1 500"))
			bail("no job");
		way->ticks++;
		way->tick_ms += peer_value(peers[TICK], "ms");
		usleep(500000);
		if (now_ns() - used < SWITCH_SECONDS * NSEC)
			continue;
		if (!peer_do(peers[IDLE], "verify check"))
			bail("a client cannot use its memory");
		used = now_ns();
	}
	way->stalled_ms += stalled_ms() - before;
	way->seconds += (now_ns() - start) / 1e9;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	way->starts += starts->count;
	way->start_ms += starts->ms;
	munmap(starts, sizeof(*starts));
	way->oom_kills += vmstat("oom_kill") - kills;
	trace_stop(trace);
	add_swapins(way, trace);
	trace_free(trace);
	freeze(false);
	ok_jobs(peer_do(peers[GAME], "stop"), "the game's jobs went well");
	way->frames += peer_value(peers[GAME], "frames");
	way->late += peer_value(peers[GAME], "late");
	ok(all_verify(), "the data of all clients is intact");
}

static void show(const char *name, const struct way *way)
{
	diag("%-8s PSI some %.1f %% of %.0f s; %ld killed; %.0f of %.0f frames late; "
	     "%d ticks of %.1f ms, of which %d swap-ins had %.1f ms; %d starts of %.0f ms",
	     name, way->stalled_ms / way->seconds / 10, way->seconds, way->oom_kills, way->late,
	     way->frames, way->ticks, way->tick_ms / way->ticks, way->swapins,
	     way->swapin_ms / way->ticks, way->starts, way->start_ms / way->starts);
}

/* What its lines say of the targets */
static void check_lines(const struct daemon *daemon)
{
	const char *line;
	int requests = 0;
	double given = 0, blocked = 0;

	for (line = daemon->text; (line = daemon_line(line, "request", NULL));
	     line = line_after(line)) {
		requests++;
		given += line_value(line, "written");
		blocked += line_value(line, "blocked");
	}
	diag("%d requests wrote %.1f MiB, blocked %.0f ms", requests, given / MIB, blocked);
	ok(requests && given >= 32 * MIB, "it writes the memory of the background client");
	ok(!daemon_line(daemon->text, "request", "game"), "the game is never a target");
	line = daemon_line(daemon->text, "premature", "tick");
	ok(line && !line_has(line_after(line), " target=tick["),
	   "after a premature eviction the client is not the next target");
}

static void compare(const struct way *without, const struct way *with)
{
	double plain_without = (without->tick_ms - without->swapin_ms) / without->ticks;
	double plain_with = (with->tick_ms - with->swapin_ms) / with->ticks;
	double part_without = without->stalled_ms / without->seconds / 10;
	double part_with = with->stalled_ms / with->seconds / 10;

	show("without", without);
	show("with", with);
	/* Of a few seconds the one start more or less is a part that counts */
	ok(part_with <= 1.1 * part_without + 30 / with->seconds,
	   "tasks are not stalled for longer with it (%.1f %% of the time; without: %.1f %%)",
	   part_with, part_without);
	ok(with->oom_kills <= without->oom_kills,
	   "no process is killed that is not killed without it");
	ok(with->late / with->frames <= without->late / without->frames + 0.1,
	   "the game has no more late frames than without it");
	ok(plain_with <= 1.5 * plain_without + 20,
	   "only its swap-ins slow a client down (%.1f ms without them, %.1f ms)", plain_with,
	   plain_without);
}

/* Stopped, killed in the middle, started again: the clients do not notice */
static void test_end(void)
{
	struct daemon *daemon = daemon_start("", "");
	struct way way = {};
	struct trace *trace;

	if (!daemon_says(daemon, "ready"))
		bail("it does not start");
	kill(daemon->pid, SIGSTOP);
	turn(&way, 4);
	ok(way.ticks > 0 && !kill(daemon->pid, 0), "a stopped reclaimd blocks no other process");
	kill(daemon->pid, SIGCONT);
	ok(!daemon_end(daemon, SIGTERM), "continued, it exits on SIGTERM");
	daemon_free(daemon);

	/* Killed while it has a write under way, for which it has to wait */
	daemon_config("available = 0\nmin-per-trigger = 8M\nmax-per-trigger = 8M\n"
		      "oom-score-adj = 900\n");
	if (!peer_do(peers[TICK], "hold"))
		bail("no job");
	trace = trace_start("panthor:panthor_reclaim_begin", NULL);
	daemon = daemon_start("", "--once");
	ok(trace_wait(trace, "panthor_reclaim_begin", 1), "its write waits for a job");
	ok(daemon_end(daemon, SIGKILL) == 128 + SIGKILL, "SIGKILL ends it");
	daemon_free(daemon);
	trace_stop(trace);
	trace_free(trace);
	ok_jobs(peer_do(peers[TICK], "release"), "and the job of its target goes on");
	daemon = daemon_start("", "--once");
	ok(!daemon_end(daemon, 0) && daemon_line(daemon->text, "request", "tick"),
	   "restarted, it makes requests again");
	daemon_free(daemon);
	ok(all_verify(), "all data is intact");
}

int main(void)
{
	int seconds = knob("SECONDS_DAY", 20) / 2;
	struct way without = {}, with = {};
	struct daemon *daemon;
	pid_t most;
	long kb;

	tap_start();
	prctl(PR_SET_NAME, "reclaimd-test");
	cgroup_make(GROUP);
	/* Room for who frees memory, of which it takes some */
	kb = min_free(24 << 10);
	start_peers();
	most = take_most(LEFT);
	daemon_config(CONFIG);
	/* Turns alternate, so that what changes with time is in both */
	while (without.seconds < seconds) {
		int length = seconds - (int)without.seconds;

		length = length < TURN ? length : TURN;
		turn(&without, length);
		daemon = daemon_start("", "");
		if (!daemon_says(daemon, "ready"))
			bail("it does not start");
		turn(&with, length);
		ok(!daemon_end(daemon, SIGTERM), "reclaimd exits with status 0");
		check_lines(daemon);
		diag("%s", daemon->text);
		daemon_free(daemon);
	}
	compare(&without, &with);
	test_end();
	kill(most, SIGKILL);
	waitpid(most, NULL, 0);
	for (int i = 0; i < NR_KINDS; i++)
		peer_quit(peers[i]);
	cgroup_remove(GROUP);
	min_free(kb);
	return tap_end();
}
