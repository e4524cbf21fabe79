// SPDX-License-Identifier: GPL-2.0
/*
 * reclaimd, a decision at a time: with which privileges, whom it asks, for how much, and that a
 * number which was given to another process by now is not written.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "client.h"
#include "daemon.h"
#include "peer.h"
#include "reclaim.h"
#include "swap.h"
#include "tap.h"
#include "trace.h"
#include "world.h"

#define MIB (1 << 20)
#define GROUP "reclaimd"
#define DISK "/dev/vda"
/* As the unit has them: another user, the group of the file, two capabilities */
#define RENDER "4242"
#define CAPS(caps) "--inh-caps=-all" caps " --ambient-caps=-all" caps " --bounding-set=-all" caps
#define AS(group, caps) \
	"setpriv --reuid=65534 --regid=65534 --groups=" group " --no-new-privs " CAPS(caps)
#define UNIT AS(RENDER, ",+sys_resource,+sys_ptrace")
#define NO_DEBUGFS                                \
	"unshare -m --propagation private sh -c " \
	"'umount -l /sys/kernel/tracing /sys/kernel/debug; exec \"$@\"' sh "
#define HIDEPID                                   \
	"unshare -m --propagation private sh -c " \
	"'mount -t proc -o hidepid=2 proc /proc; exec \"$@\"' sh "
#define STEP \
	"available = 0\nmin-per-trigger = 4M\nmax-per-trigger = 4M\nmin-reclaimable = 0\nbackoff = 0s\n"

static const char *any(const struct daemon *daemon)
{
	const char *line = daemon_line(daemon->text, "request", NULL);

	return line ? line : "";
}

static void show(const struct daemon *daemon)
{
	diag("status %d; %s", daemon->status, daemon->text);
}

static void evicts(const char *how, const char *prefix, struct peer *peer)
{
	struct daemon *daemon;
	const char *line;
	int64_t evicted;

	if (!peer_do(peer, "verify cpu"))
		bail("no data");
	daemon = daemon_run(prefix, "--once");
	line = any(daemon);
	evicted = line_value(line, "evicted");
	ok(!daemon->status && line_has(line, " target=app[") && line_has(line, " result=ok "),
	   "%s: a request", how);
	ok(evicted >= 4 * MIB && evicted < 4 * MIB + 256 * 1024,
	   "%s: evicts what it requests, and no buffer more (%lld bytes)", how, (long long)evicted);
	ok(evicted == device_value(peer->pid, "last_evicted") &&
		   line_value(line, "written") == evicted,
	   "%s: reports what the driver's table has", how);
	show(daemon);
	daemon_free(daemon);
}

static void refused(const char *how, const char *prefix, int status, const char *says,
		    const struct peer *peer)
{
	uint64_t before = gem_sum(peer->pid, "").evictions;
	struct daemon *daemon = daemon_run(prefix, "--once");

	ok(daemon->status == status && strstr(daemon->text, says),
	   "%s: exits with status %d, and says why", how, status);
	ok(gem_sum(peer->pid, "").evictions == before, "%s: nothing is evicted", how);
	show(daemon);
	daemon_free(daemon);
}

static void test_privileges(void)
{
	struct peer *peer = peer_start("-b64x256K", "-napp", NULL);

	daemon_config(STEP);
	refused("before the udev rule", UNIT, 4, "Permission denied", peer);
	if (chown(RECLAIM_FILE, 0, atoi(RENDER)) || chmod(RECLAIM_FILE, 0220))
		bail("cannot do what the udev rule does");
	evicts("with the unit's privileges", UNIT, peer);
	evicts("without debugfs and tracefs", NO_DEBUGFS UNIT, peer);
	evicts("where /proc hides others' processes", HIDEPID UNIT, peer);
	refused("without the group", AS("65534", ",+sys_resource,+sys_ptrace"), 4,
		"Permission denied", peer);
	refused("without CAP_SYS_RESOURCE", AS(RENDER, ",+sys_ptrace"), 4, "CAP_SYS_RESOURCE",
		peer);
	refused("without CAP_SYS_PTRACE", AS(RENDER, ",+sys_resource"), 0,
		"CAP_SYS_PTRACE is missing", peer);
	ok(peer_do(peer, "verify cpu"), "the data is intact");
	peer_quit(peer);
}

static void test_dry_run(void)
{
	struct peer *peer = peer_start("-b8x1M", "-napp", NULL);
	uint64_t before = gem_sum(peer->pid, "").evictions;
	struct daemon *daemon;

	daemon_config(STEP);
	daemon = daemon_run(AS("65534", ",+sys_ptrace"), "--once --dry-run");
	ok(!daemon->status && daemon_line(daemon->text, "dry-run", "app"),
	   "dry run without permission to write: prints the request");
	ok(gem_sum(peer->pid, "").evictions == before, "it evicts nothing");
	daemon_free(daemon);
	peer_quit(peer);
}

static void set_adj(pid_t pid, const char *adj)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	if (write_file(path, adj, strlen(adj)) < 0)
		bail("cannot write %s", path);
}

static void test_order(void)
{
	struct peer *front = peer_start("-b32x1M", "-nfront", NULL);
	struct peer *kept = peer_start("-b32x1M", "-nkept", NULL);
	struct peer *back = peer_start("-b8x1M", "-nback", NULL);
	struct peer *further = peer_start("-b4x1M", "-nfurther", NULL);
	const char *first, *second, *third;
	struct daemon *daemon;
	struct peer *frozen;

	cgroup_make(GROUP);
	cgroup_enter(GROUP);
	frozen = peer_start("-b4x1M", "-nfrozen", NULL);
	cgroup_enter(NULL);
	set_adj(kept->pid, "900");
	set_adj(back->pid, "300");
	set_adj(further->pid, "600");
	set_adj(frozen->pid, "100");
	cgroup_set(GROUP, "cgroup.freeze", "1");
	cgroup_wait_frozen(GROUP);

	daemon_config("available = 0\nmin-per-trigger = 14M\nmax-per-trigger = 14M\n"
		      "oom-score-adj = 1\nkeep = kept\n");
	daemon = daemon_run(UNIT, "--once");
	first = daemon_line(daemon->text, "request", "frozen");
	second = first ? daemon_line(first, "request", "further") : NULL;
	third = second ? daemon_line(second, "request", "back") : NULL;
	ok(first && second && third,
	   "frozen processes are first, then those with the highest oom_score_adj");
	/* What the driver has for the process besides can be evicted, too */
	ok(third && line_value(third, "requested") < 8 * MIB &&
		   line_value(third, "requested") <= 6 * MIB,
	   "the last request is for what is still missing (%lld bytes)",
	   (long long)(third ? line_value(third, "requested") : -1));
	ok(!gem_sum(front->pid, "").evictions, "a foreground process is never a target");
	ok(!gem_sum(kept->pid, "").evictions, "a process with the name of keep is never a target");
	show(daemon);
	daemon_free(daemon);

	daemon_config("available = 0\nmin-per-trigger = 64M\nmax-per-trigger = 64M\n"
		      "oom-score-adj = 1\nkeep = kept\n");
	daemon = daemon_run(UNIT, "--once");
	ok(!daemon->status && daemon_line(daemon->text, "none", NULL) &&
		   line_value(daemon_line(daemon->text, "none", NULL), "kept") == 1,
	   "when no target is left it logs the reasons");
	show(daemon);
	daemon_free(daemon);
	cgroup_set(GROUP, "cgroup.freeze", "0");
	ok(peer_do(frozen, "verify cpu") && peer_do(further, "verify gpu") &&
		   peer_do(back, "verify cpu"),
	   "the data is intact");
	peer_quit(front);
	peer_quit(kept);
	peer_quit(back);
	peer_quit(further);
	peer_quit(frozen);
	cgroup_remove(GROUP);
}

/* Runs in a child: the file that the parent has open, too, is used here last */
static void use_and_wait(struct client *client, int ready)
{
	struct client_error err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "user");
	if (!client_submit(client, 1, 0, &err) && write(ready, "", 1) == 1)
		pause();
	_exit(1);
}

/* A file that two have open belongs to the one that used it last */
static void test_shared_file(void)
{
	static const struct bo_spec spec = { .count = 4, .size = MIB };
	const struct client_config config = { .vms = 1, .seed = 9, .specs = &spec, .nr_specs = 1 };
	struct client_error err;
	struct daemon *daemon;
	struct client client;
	const char *opener;
	uint64_t bytes;
	int ready[2];
	char byte;
	pid_t pid;

	prctl(PR_SET_NAME, "opener");
	if (client_init(&client, &config, &err) || client_fill(&client, CLIENT_CPU, &err) ||
	    pipe2(ready, O_CLOEXEC))
		bail("no client");
	pid = fork();
	if (!pid)
		use_and_wait(&client, ready[1]);
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail("no other process");
	close(ready[0]);
	daemon_config(STEP);
	daemon = daemon_run(UNIT, "--once");
	opener = daemon_line(daemon->text, "request", "opener");
	ok(opener && line_has(opener, " result=no-client "),
	   "a file of two processes: the first does not own its memory");
	ok(opener && daemon_line(opener, "request", "user") &&
		   line_value(daemon_line(opener, "request", "user"), "evicted") >= 4 * MIB,
	   "the other is the next target");
	show(daemon);
	daemon_free(daemon);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(!client_verify(&client, CLIENT_CPU, &bytes, &err), "the data is intact");
	client_fini(&client);
	prctl(PR_SET_NAME, "reclaimd-test");
}

/* A process with that number, which has the device open; or a negative errno */
static pid_t start_with_number(pid_t number)
{
	static const struct bo_spec spec = { .count = 8, .size = MIB, .label = "second-%i" };
	const struct client_config config = { .vms = 1, .seed = 4, .specs = &spec, .nr_specs = 1 };
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uintptr_t)&number,
		.set_tid_size = 1,
	};
	struct client_error err;
	struct client client;
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -errno;
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!client_init(&client, &config, &err) &&
		    !client_fill(&client, CLIENT_CPU, &err) && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		bail("the second process has no client");
	close(ready[0]);
	return pid;
}

/* Its own functions, so that the number changes hands between its look and its write */
static void test_reused_number(void)
{
	struct world world = { .proc = "/proc", .sys = "/sys", .dev = "/dev" };
	struct peer *peer = peer_start("-b8x1M", "-nfirst", NULL);
	const struct process *target = NULL;
	struct look look = { 0 };
	struct outcome outcome;
	pid_t tgid = peer->pid;
	struct fdinfo sum;
	sigset_t mask;
	pid_t second;
	bool seen;

	sigemptyset(&mask);
	if (!world_find_devices(&world) || world_scan(&world, &look))
		bail("no look at the system");
	for (unsigned int i = 0; i < look.nr_processes; i++)
		if (look.processes[i].tgid == tgid)
			target = &look.processes[i];
	if (!target)
		bail("the client was not seen");
	seen = world_sum(&world, target, world.devices[0].name, &sum);
	ok(seen && sum.reclaimable >= 8 * MIB, "a scan shows the reclaimable memory (%llu bytes)",
	   (unsigned long long)sum.reclaimable);
	peer_kill(peer);
	second = start_with_number(tgid);
	if (second != tgid)
		bail("no process with that number: %s", strerror(-second));
	outcome = world_request(&world, target, world.devices[0].name, 4 * MIB, &mask);
	ok(outcome.err == -ECHILD && !outcome.verified, "the process id was reused: no write (%d)",
	   outcome.err);
	ok(gem_sum(second, "second-").resident_bos == 8, "nothing of the new process is evicted");
	ok(!world_sum(&world, target, world.devices[0].name, &sum), "its figures are not used");
	look_clear(&look);
	/* Seen as what it is, it may be asked */
	world_scan(&world, &look);
	target = NULL;
	for (unsigned int i = 0; i < look.nr_processes; i++)
		if (look.processes[i].tgid == tgid)
			target = &look.processes[i];
	outcome = target ? world_request(&world, target, world.devices[0].name, 4 * MIB, &mask)
			 : (struct outcome){ .err = -ENOENT };
	ok(!outcome.err && outcome.verified && gem_sum(second, "second-").resident_bos < 8,
	   "after another scan it is a target");
	look_clear(&look);
	kill(second, SIGKILL);
	waitpid(second, NULL, 0);
}

static void test_budget(void)
{
	static const char config[] =
		"available = 0\nmin-per-trigger = 6M\nmax-per-trigger = 6M\nbackoff = 0s\n"
		"budget = 8M\nstate = %s/budget\nmetrics = %s/reclaimd.prom\n";
	const char *tmp = getenv("TMPDIR");
	struct daemon *daemon;
	char text[512], path[128];
	int64_t written = 0;
	struct peer *peer;
	struct stat st;

	if (make_swap(DISK))
		bail("no swap on " DISK);
	set_swap(ZRAM, false);
	set_swap(DISK, true);
	peer = peer_start("-b64x256K", "-napp", NULL);
	snprintf(text, sizeof(text), config, tmp, tmp);
	daemon_config(text);
	for (int i = 0; i < 3; i++) {
		daemon = daemon_run("", "--once");
		written += daemon_line(daemon->text, "request", NULL)
				   ? line_value(any(daemon), "written")
				   : 0;
		show(daemon);
		if (i < 2)
			daemon_free(daemon);
	}
	ok(written >= 8 * MIB && written < 8 * MIB + 256 * 1024,
	   "a disk: three runs exceed the budget by less than a buffer (%lld bytes)",
	   (long long)written);
	ok(line_has(daemon->text, "budget=spent"), "then it logs that the budget is spent");
	daemon_free(daemon);
	snprintf(path, sizeof(path),
		 "grep -qx 'panthor_reclaimd_budget_left_bytes 0' %s/reclaimd.prom", tmp);
	ok(!system(path), "the metrics show it");
	snprintf(path, sizeof(path), "%s/reclaimd.prom.new", tmp);
	ok(stat(path, &st), "no half-written metrics file is left");
	ok(peer_do(peer, "verify cpu"), "the data is intact");
	peer_quit(peer);
	set_swap(ZRAM, true);
	set_swap(DISK, false);
}

/* A write that is blocked: by a target that is busy, and ended by SIGTERM */
static void test_signals(void)
{
	struct peer *peer = peer_start("-b8x1M", "-napp", NULL);
	struct daemon *daemon;
	struct trace *trace;

	if (!peer_do(peer, "hold"))
		bail("no job");
	daemon_config(STEP);
	trace = trace_start("panthor:panthor_reclaim_begin", NULL);
	daemon = daemon_start(UNIT, "--once");
	ok(trace_wait(trace, "panthor_reclaim_begin", 1), "a write waits for a job");
	ok(!daemon_end(daemon, SIGTERM), "SIGTERM ends it with status 0");
	ok(line_has(any(daemon), " result=interrupted "), "the write is interrupted");
	trace_stop(trace);
	trace_free(trace);
	show(daemon);
	daemon_free(daemon);
	ok_jobs(peer_do(peer, "release"), "the job it waited for went well");

	daemon_config("stall = 900ms\n");
	daemon = daemon_start(UNIT, "");
	ok(daemon_says(daemon, "ready devices=1"), "it waits for a PSI trigger");
	daemon_config("stall = 900ms\nspeed = 3\n");
	kill(daemon->pid, SIGHUP);
	ok(daemon_says(daemon, "reclaimd.conf:2: unknown key") &&
		   daemon_says(daemon, "remains in use"),
	   "SIGHUP with an invalid configuration changes nothing");
	daemon_config("stall = 800ms\nwindow = 2s\n");
	kill(daemon->pid, SIGHUP);
	ok(daemon_says(daemon, "reloaded"), "SIGHUP with a valid configuration reloads it");
	ok(!daemon_end(daemon, SIGTERM), "SIGTERM ends it");
	show(daemon);
	daemon_free(daemon);
	peer_quit(peer);
}

/* It watches a cgroup, until that is no more */
static void test_cgroup(void)
{
	struct daemon *daemon;

	/* What would it do to a file of somebody else's? */
	daemon_config("pressure = /proc/sys/vm/swappiness\n");
	daemon = daemon_start("", "");
	ok(daemon_end(daemon, 0) == 2 && strstr(daemon->text, "swappiness is not a PSI file"),
	   "a pressure file that is none is not written");
	daemon_free(daemon);

	cgroup_make(GROUP);
	daemon_config("pressure = /sys/fs/cgroup/" GROUP "/memory.pressure\n");
	daemon = daemon_start(UNIT, "");
	ok(daemon_end(daemon, 0) == 4 && line_has(daemon->text, "memory.pressure: Permission"),
	   "the pressure file of a cgroup needs permission");
	show(daemon);
	daemon_free(daemon);
	daemon = daemon_start("", "");
	ok(daemon_says(daemon, "ready"), "it watches the pressure of a cgroup");
	cgroup_remove(GROUP);
	ok(daemon_end(daemon, 0) == 1 && strstr(daemon->text, "was removed"),
	   "it exits when the cgroup is removed");
	show(daemon);
	daemon_free(daemon);
}

int main(void)
{
	tap_start();
	prctl(PR_SET_NAME, "reclaimd-test");
	test_privileges();
	test_dry_run();
	test_order();
	test_shared_file();
	test_reused_number();
	test_budget();
	test_signals();
	test_cgroup();
	if (chmod(RECLAIM_FILE, 0200) || chown(RECLAIM_FILE, 0, 0))
		bail("cannot undo what the udev rule does");
	return tap_end();
}
