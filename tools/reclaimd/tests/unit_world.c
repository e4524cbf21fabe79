// SPDX-License-Identifier: GPL-2.0
/*
 * The system in a folder: made-up files, of processes that are there, for a pidfd wants one. A
 * mem_reclaim that is an ordinary file keeps what was written to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "round.h"
#include "unit.h"

#define PATH_SIZE 512
#define KIB 1024ULL
#define MEBI (1024 * KIB)
#define RECLAIM "sys/bus/platform/drivers/panthor/%s/mem_reclaim"

struct place {
	char root[64];
	char proc[80], sys[80], dev[80];
	pid_t pids[8];
	unsigned int nr_pids;
	struct reclaimd reclaimd;
	sig_atomic_t stop;
};

/* Writes @text to a file below the root, with the folders that it takes */
static void __attribute__((format(printf, 3, 4)))
put(struct place *place, const char *text, const char *format, ...)
{
	char path[PATH_SIZE];
	size_t len = snprintf(path, sizeof(path), "%s/", place->root);
	va_list args;
	FILE *file;

	va_start(args, format);
	vsnprintf(path + len, sizeof(path) - len, format, args);
	va_end(args);
	for (char *slash = path + len; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_file(struct place *place, const char *text, const char *name)
{
	char path[PATH_SIZE], *found;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", place->root, name);
	found = world_read(path, &len);
	assert_non_null(found);
	assert_string_equal(found, text);
	free(found);
}

static uint64_t inode(struct place *place, const char *name)
{
	char path[PATH_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", place->root, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void add_device(struct place *place, const char *name, const char *node)
{
	put(place, "", "dev/dri/%s", node);
	put(place, "", RECLAIM, name);
	put(place, "", "sys/bus/platform/drivers/panthor/%s/drm/%s/dev", name, node);
}

static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));
	struct world *world = &place->reclaimd.world;

	strcpy(place->root, "/tmp/reclaimd-unit-XXXXXX");
	assert_non_null(mkdtemp(place->root));
	snprintf(place->proc, sizeof(place->proc), "%s/proc", place->root);
	snprintf(place->sys, sizeof(place->sys), "%s/sys", place->root);
	snprintf(place->dev, sizeof(place->dev), "%s/dev", place->root);
	world->proc = place->proc;
	world->sys = place->sys;
	world->dev = place->dev;
	config_init(&place->reclaimd.config);
	place->reclaimd.stop = &place->stop;
	sigemptyset(&place->reclaimd.mask);
	add_device(place, "gpu0", "renderD128");
	put(place, "MemAvailable: 1024 kB\n", "proc/meminfo");
	put(place, "Filename Type\n/dev/zram0 partition\n", "proc/swaps");
	put(place, "1 2 3\n", "sys/block/zram0/mm_stat");
	put(place, "none\n", "sys/block/zram0/backing_dev");
	put(place, "", "proc/self-is-no-number/x");
	*state = place;
	return 0;
}

static int end(void **state)
{
	struct place *place = *state;
	char command[128];

	for (unsigned int i = 0; i < place->nr_pids; i++) {
		kill(place->pids[i], SIGKILL);
		waitpid(place->pids[i], NULL, 0);
	}
	round_fini(&place->reclaimd);
	snprintf(command, sizeof(command), "rm -r %s", place->root);
	free(place);
	return system(command);
}

/* A process, with no file open */
static pid_t add_process(struct place *place, const char *comm, int adj, const char *group)
{
	pid_t pid = fork();
	char text[128];

	if (!pid) {
		pause();
		_exit(0);
	}
	place->pids[place->nr_pids++] = pid;
	put(place, comm, "proc/%d/comm", pid);
	snprintf(text, sizeof(text), "%d\n", adj);
	put(place, text, "proc/%d/oom_score_adj", pid);
	put(place, "1 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 2200 23\n",
	    "proc/%d/stat", pid);
	snprintf(text, sizeof(text), "0::%s\n", group);
	put(place, text, "proc/%d/cgroup", pid);
	put(place, "pos: 0\n", "proc/%d/fdinfo/0", pid);
	return pid;
}

static void add_file(struct place *place, pid_t pid, int fd, uint64_t ino, int id, int kib)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "pos:\t0\nino:\t%llu\ndrm-driver:\tpanthor\ndrm-client-id:\t%d\n"
		 "panthor-reclaimable-memory:\t%d KiB\npanthor-evicted-memory:\t4 KiB\n"
		 "panthor-evicted-swap:\t4 KiB\npanthor-evicted-ram:\t0 KiB\n"
		 "panthor-evictions:\t1\npanthor-swapins:\t0\n",
		 (unsigned long long)ino, id, kib);
	put(place, text, "proc/%d/fdinfo/%d", pid, fd);
}

static void scan(void **state)
{
	struct place *place = *state;
	struct world *world = &place->reclaimd.world;
	struct look *look = &place->reclaimd.look;
	pid_t pid;

	assert_int_equal(world_find_devices(world), 1);
	put(place, "populated 1\nfrozen 1\n", "sys/fs/cgroup/apps/cgroup.events");
	pid = add_process(place, "a (b)\n", 200, "/apps");
	add_process(place, "bystander\n", 0, "/");
	add_file(place, pid, 3, 4711, 1, 100);
	add_file(place, pid, 4, 4711, 1, 100);
	add_file(place, pid, 5, 4711, 2, 50);
	put(place, "drm-driver:\tpanthor\ndrm-client-id:\t9\n", "proc/%d/fdinfo/6", pid);
	assert_int_equal(world_scan(world, look), 0);
	assert_int_equal(look->nr_processes, 1);
	assert_int_equal(look->processes[0].tgid, pid);
	assert_int_equal(look->processes[0].start, 2200);
	assert_string_equal(look->processes[0].comm, "a (b)");
	assert_int_equal(look->processes[0].adj, 200);
	assert_true(look->processes[0].frozen);
	assert_int_equal(look->nr_clients, 2);
	assert_int_equal(look->unsupported, 1);
	/* An inode that nobody knows, and but one device */
	assert_int_equal(look_sum(look, 0, "gpu0").reclaimable, 150 * KIB);
}

static void devices(void **state)
{
	struct place *place = *state;
	struct world *world = &place->reclaimd.world;
	struct look *look = &place->reclaimd.look;
	pid_t pid;

	add_device(place, "gpu1", "renderD129");
	assert_int_equal(world_find_devices(world), 2);
	pid = add_process(place, "app\n", 0, "/");
	add_file(place, pid, 3, inode(place, "dev/dri/renderD128"), 1, 1);
	add_file(place, pid, 4, inode(place, "dev/dri/renderD129"), 2, 2);
	add_file(place, pid, 5, 1, 3, 4);
	assert_int_equal(world_scan(world, look), 0);
	assert_int_equal(look->nr_clients, 3);
	assert_int_equal(look_sum(look, 0, "gpu0").reclaimable, KIB);
	assert_int_equal(look_sum(look, 0, "gpu1").reclaimable, 2 * KIB);
	assert_int_equal(look_sum(look, 0, "").reclaimable, 4 * KIB);
}

/* The process ends after the look: its number means nobody, or somebody else, by now */
static void exited(void **state)
{
	struct place *place = *state;
	struct world *world = &place->reclaimd.world;
	struct look *look = &place->reclaimd.look;
	struct outcome outcome;
	struct fdinfo sum;
	sigset_t mask;

	sigemptyset(&mask);
	world_find_devices(world);
	add_file(place, add_process(place, "app\n", 0, "/"), 3, 1, 1, 100);
	assert_int_equal(world_scan(world, look), 0);
	assert_true(world_sum(world, &look->processes[0], "gpu0", &sum));
	outcome = world_request(world, &look->processes[0], "gpu0", 8192, &mask);
	assert_int_equal(outcome.err, 0);
	assert_true(outcome.verified);
	kill(place->pids[0], SIGKILL);
	waitpid(place->pids[0], NULL, 0);
	put(place, "untouched", RECLAIM, "gpu0");
	outcome = world_request(world, &look->processes[0], "gpu0", 8192, &mask);
	assert_int_equal(outcome.err, -ECHILD);
	assert_false(outcome.verified);
	assert_file(place, "untouched", "sys/bus/platform/drivers/panthor/gpu0/mem_reclaim");
	/* Its files are still in the folder, as those of another with its number would be */
	assert_false(world_sum(world, &look->processes[0], "gpu0", &sum));
	assert_int_equal(world_scan(world, look), 0);
	assert_int_equal(look->nr_processes, 0);
}

static void one_round(void **state)
{
	struct place *place = *state;
	struct reclaimd *reclaimd = &place->reclaimd;
	char text[64];
	pid_t pid;

	world_find_devices(&reclaimd->world);
	add_file(place, add_process(place, "front\n", 0, "/"), 3, 1, 1, 9000);
	pid = add_process(place, "back\n", 100, "/");
	add_file(place, pid, 3, 1, 2, 2000);
	/* Enough is available: the minimum per trigger */
	put(place, "MemAvailable: 1048576 kB\n", "proc/meminfo");
	reclaimd->config.min_per_trigger = MEBI;
	reclaimd->config.min_adj = 1;
	assert_int_equal(round_act(reclaimd), 0);
	snprintf(text, sizeof(text), "%d 1048576\n", pid);
	assert_file(place, text, "sys/bus/platform/drivers/panthor/gpu0/mem_reclaim");
	assert_int_equal(reclaimd->metrics.requests[RESULT_OK], 1);
	assert_int_equal(reclaimd->metrics.requested, MEBI);
	assert_int_equal(reclaimd->metrics.clients, 2);
	/* Nothing of it was evicted, as its files say: it is excluded */
	put(place, "untouched", RECLAIM, "gpu0");
	assert_int_equal(round_act(reclaimd), 0);
	assert_file(place, "untouched", "sys/bus/platform/drivers/panthor/gpu0/mem_reclaim");
}

static void dry_run(void **state)
{
	struct place *place = *state;

	place->reclaimd.dry_run = true;
	world_find_devices(&place->reclaimd.world);
	add_file(place, add_process(place, "back\n", 100, "/"), 3, 1, 2, 2000);
	put(place, "untouched", RECLAIM, "gpu0");
	assert_int_equal(round_act(&place->reclaimd), 0);
	assert_file(place, "untouched", "sys/bus/platform/drivers/panthor/gpu0/mem_reclaim");
	assert_int_equal(place->reclaimd.metrics.requested, 0);
}

/* No more is asked for than the budget has left, where swap is a disk or has one behind it */
static void budget(void **state)
{
	struct place *place = *state;
	struct reclaimd *reclaimd = &place->reclaimd;
	char text[64];
	pid_t pid;

	world_find_devices(&reclaimd->world);
	pid = add_process(place, "back\n", 100, "/");
	add_file(place, pid, 3, 1, 2, 20000);
	assert_false(world_swap_wears(&reclaimd->world));
	put(place, "/dev/mmcblk0p3\n", "sys/block/zram0/backing_dev");
	assert_true(world_swap_wears(&reclaimd->world));
	put(place, "none\n", "sys/block/zram0/backing_dev");
	put(place, "Filename Type\n/dev/mmcblk0p3 partition\n", "proc/swaps");
	assert_true(world_swap_wears(&reclaimd->world));
	reclaimd->config.budget = 3 * MEBI;
	reclaimd->config.backoff_ns = 0;
	budget_spend(&reclaimd->budget, world_now_ns(), MEBI);
	assert_int_equal(round_act(reclaimd), 0);
	snprintf(text, sizeof(text), "%d 2097152\n", pid);
	assert_file(place, text, "sys/bus/platform/drivers/panthor/gpu0/mem_reclaim");
	budget_spend(&reclaimd->budget, world_now_ns(), 2 * MEBI);
	put(place, "untouched", RECLAIM, "gpu0");
	assert_int_equal(round_act(reclaimd), 0);
	assert_file(place, "untouched", "sys/bus/platform/drivers/panthor/gpu0/mem_reclaim");

	/* And a restart, or a damaged file, gives none of it back */
	snprintf(reclaimd->config.state, CONFIG_PATH, "%s/state", place->root);
	round_save(reclaimd);
	assert_int_not_equal(access(reclaimd->config.state, F_OK), 0);
	reclaimd->state_changed = true;
	round_save(reclaimd);
	reclaimd->budget = (struct budget){ 0 };
	round_load(reclaimd);
	assert_int_equal(budget_spent(&reclaimd->budget, world_now_ns()), 3 * MEBI);
	put(place, "rubbish", "state");
	reclaimd->budget = (struct budget){ 0 };
	round_load(reclaimd);
	assert_int_equal(budget_left(&reclaimd->budget, world_now_ns(), 3 * MEBI), 0);

	/* Nor one that cannot be read: this is a folder */
	snprintf(reclaimd->config.state, CONFIG_PATH, "%s", place->root);
	reclaimd->budget = (struct budget){ 0 };
	round_load(reclaimd);
	assert_int_equal(budget_left(&reclaimd->budget, world_now_ns(), 3 * MEBI), 0);
}

static void files(void **state)
{
	struct place *place = *state;
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/a", place->root);
	assert_int_equal(world_replace(path, "one", 3), 0);
	assert_int_equal(world_replace(path, "two", 3), 0);
	assert_file(place, "two", "a");
	snprintf(path, sizeof(path), "%s/no/such/folder", place->root);
	assert_int_equal(world_replace(path, "x", 1), -ENOENT);
	put(place, "", "empty");
	assert_file(place, "", "empty");

	/* What is no file stays what it is, and so does what it leads to */
	put(place, "theirs", "theirs");
	snprintf(path, sizeof(path), "%s/link", place->root);
	assert_int_equal(symlink("theirs", path), 0);
	assert_int_equal(world_replace(path, "x", 1), -EPERM);
	assert_file(place, "theirs", "link");
	snprintf(path, sizeof(path), "%s/b.new", place->root);
	assert_int_equal(symlink("theirs", path), 0);
	snprintf(path, sizeof(path), "%s/b", place->root);
	assert_int_equal(world_replace(path, "x", 1), -ELOOP);
	assert_file(place, "theirs", "theirs");
	assert_int_equal(world_replace("/dev/null", "x", 1), -EPERM);
	assert_int_equal(world_replace(place->root, "x", 1), -EPERM);
}

int test_world(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(scan, begin, end),
		cmocka_unit_test_setup_teardown(devices, begin, end),
		cmocka_unit_test_setup_teardown(exited, begin, end),
		cmocka_unit_test_setup_teardown(one_round, begin, end),
		cmocka_unit_test_setup_teardown(dry_run, begin, end),
		cmocka_unit_test_setup_teardown(budget, begin, end),
		cmocka_unit_test_setup_teardown(files, begin, end),
	};

	return cmocka_run_group_tests_name("world", tests, NULL, NULL);
}
