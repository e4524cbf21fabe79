// SPDX-License-Identifier: GPL-2.0
#include "choose.h"
#include "number.h"
#include "unit.h"

#define MIB (1ULL << 20)
#define S NSEC_PER_SEC

struct scene {
	struct config config;
	struct look look;
	struct history history;
	struct choice choice;
	struct passed passed;
};

static void begin(struct scene *scene)
{
	*scene = (struct scene){ 0 };
	config_init(&scene->config);
}

static void end(struct scene *scene)
{
	look_clear(&scene->look);
	history_clear(&scene->history);
}

static unsigned int add_process(struct scene *scene, pid_t tgid, const char *comm, int adj,
				bool frozen)
{
	struct process process = {
		.tgid = tgid, .start = tgid * 10, .pidfd = -1, .adj = adj, .frozen = frozen
	};

	snprintf(process.comm, sizeof(process.comm), "%s", comm);
	return look_add_process(&scene->look, &process);
}

static void add_file(struct scene *scene, unsigned int process, const char *device, uint64_t id,
		     uint64_t reclaimable, uint64_t swapins)
{
	const struct fdinfo info = { .id = id, .reclaimable = reclaimable, .swapins = swapins };

	look_add_file(&scene->look, process, device, &info);
}

/* A process with one client; the client's id is the process' number */
static unsigned int add(struct scene *scene, pid_t tgid, int adj, bool frozen, uint64_t reclaimable)
{
	unsigned int process = add_process(scene, tgid, "app", adj, frozen);

	add_file(scene, process, "gpu", tgid, reclaimable, 0);
	return process;
}

/* The number of who is chosen, 0: nobody */
static pid_t chosen(struct scene *scene, uint64_t now_ns)
{
	if (!choose(&scene->config, &scene->look, &scene->history, now_ns, &scene->choice,
		    &scene->passed))
		return 0;
	return scene->look.processes[scene->choice.process].tgid;
}

static void need(void **state)
{
	struct config config;

	config_init(&config);
	config.available = 64 * MIB;
	config.min_per_trigger = 4 * MIB;
	config.max_per_trigger = 32 * MIB;
	assert_int_equal(choose_need(&config, 200 * MIB), 4 * MIB);
	assert_int_equal(choose_need(&config, 62 * MIB), 4 * MIB);
	assert_int_equal(choose_need(&config, 50 * MIB), 14 * MIB);
	assert_int_equal(choose_need(&config, 0), 32 * MIB);
}

static void order(void **state)
{
	struct scene scene;

	begin(&scene);
	assert_int_equal(chosen(&scene, S), 0);
	add(&scene, 10, 0, false, 90 * MIB);
	add(&scene, 11, 200, false, 2 * MIB);
	add(&scene, 12, 200, false, 3 * MIB);
	add(&scene, 13, 100, true, MIB);
	add(&scene, 14, 900, false, MIB - 1);
	assert_int_equal(chosen(&scene, S), 13);
	assert_int_equal(scene.choice.gain, MIB);
	assert_int_equal(scene.passed.too_small, 1);
	scene.look.processes[3].requested = true;
	assert_int_equal(chosen(&scene, S), 12);
	scene.look.processes[2].requested = true;
	assert_int_equal(chosen(&scene, S), 11);
	scene.look.processes[1].requested = true;
	assert_int_equal(chosen(&scene, S), 10);
	end(&scene);
}

static void exclusions(void **state)
{
	struct scene scene;

	begin(&scene);
	scene.config.min_adj = 1;
	strcpy(scene.config.kept[scene.config.nr_kept++], "shell");
	add(&scene, 10, 0, true, 90 * MIB);
	add_file(&scene, add_process(&scene, 11, "shell", 900, true), "gpu", 11, 90 * MIB, 0);
	add_file(&scene, add_process(&scene, 12, "app", 900, true), "", 12, 90 * MIB, 0);
	assert_int_equal(chosen(&scene, S), 0);
	assert_int_equal(scene.passed.foreground, 1);
	assert_int_equal(scene.passed.kept, 1);
	assert_int_equal(scene.passed.no_device, 1);
	add(&scene, 13, 1, false, MIB);
	assert_int_equal(chosen(&scene, S), 13);
	end(&scene);
}

/* Several descriptors, several processes, several devices: each client counts once */
static void once(void **state)
{
	struct scene scene;
	unsigned int a, b;

	begin(&scene);
	a = add_process(&scene, 10, "app", 5, true);
	b = add_process(&scene, 11, "app", 9, true);
	add_file(&scene, a, "gpu", 1, MIB, 0);
	add_file(&scene, a, "gpu", 1, 2 * MIB, 0);
	add_file(&scene, a, "gpu", 2, 4 * MIB, 0);
	add_file(&scene, a, "gpu2", 1, 8 * MIB, 0);
	add_file(&scene, b, "gpu", 1, 2 * MIB, 0);
	assert_int_equal(scene.look.nr_clients, 3);
	assert_int_equal(scene.look.nr_holds, 4);
	assert_int_equal(look_sum(&scene.look, a, "gpu").reclaimable, 6 * MIB);
	assert_int_equal(look_sum(&scene.look, a, "gpu2").reclaimable, 8 * MIB);
	assert_int_equal(chosen(&scene, S), 10);
	assert_string_equal(scene.choice.device, "gpu2");
	end(&scene);
}

/* One file, two processes: as willing as the less willing one, and the other is tried if it must */
static void shared(void **state)
{
	struct scene scene;
	unsigned int a, b;

	begin(&scene);
	a = add_process(&scene, 10, "zygote", 3, true);
	b = add_process(&scene, 11, "app", 900, false);
	add_file(&scene, a, "gpu", 1, 8 * MIB, 0);
	add_file(&scene, b, "gpu", 1, 8 * MIB, 0);
	assert_int_equal(chosen(&scene, S), 10);
	assert_int_equal(scene.choice.adj, 3);
	assert_false(scene.choice.frozen);
	assert_int_equal(scene.passed.too_small, 1);
	/* ESRCH: 10 has it open, and does not use it */
	history_not_owner(&scene.history, &scene.look, a, "gpu", 60 * S);
	assert_int_equal(chosen(&scene, S), 11);
	assert_int_equal(scene.choice.gain, 8 * MIB);
	/* But 10 still decides when its turn is */
	assert_int_equal(scene.choice.adj, 3);
	/* Nothing is for ever; and a number that was given anew is another process */
	assert_int_equal(chosen(&scene, 60 * S), 10);
	scene.look.processes[a].start++;
	assert_int_equal(chosen(&scene, S), 10);
	/* The one in the foreground protects it */
	scene.config.min_adj = 10;
	assert_int_equal(chosen(&scene, S), 0);
	assert_int_equal(scene.passed.foreground, 2);
	end(&scene);
}

static void look_again(struct scene *scene, uint64_t swapins, uint64_t now_ns, unsigned int expect)
{
	scene->look.clients[0].info.swapins = swapins;
	assert_int_equal(history_look(&scene->history, &scene->config, &scene->look, now_ns),
			 expect);
}

static void premature(void **state)
{
	struct scene scene;
	unsigned int a;

	begin(&scene);
	scene.config.premature_ns = 10 * S;
	scene.config.premature_backoff_ns = 60 * S;
	a = add(&scene, 10, 0, false, 8 * MIB);
	scene.look.clients[0].info.swapins = 5;
	assert_int_equal(history_due(&scene.history, &scene.config), UINT64_MAX);
	history_evicted(&scene.history, &scene.look, a, "gpu", 100 * S);
	assert_int_equal(history_due(&scene.history, &scene.config), 110 * S);
	look_again(&scene, 5, 105 * S, 0);
	assert_int_equal(chosen(&scene, 105 * S), 10);
	look_again(&scene, 6, 109 * S, 1);
	assert_int_equal(history_due(&scene.history, &scene.config), UINT64_MAX);
	assert_true(history_take_premature(&scene.history, &scene.look.clients[0]));
	assert_false(history_take_premature(&scene.history, &scene.look.clients[0]));
	look_again(&scene, 7, 109 * S, 0);
	assert_int_equal(chosen(&scene, 168 * S), 0);
	assert_int_equal(scene.passed.premature, 1);
	assert_int_equal(chosen(&scene, 169 * S), 10);

	/* In time */
	history_evicted(&scene.history, &scene.look, a, "gpu", 200 * S);
	look_again(&scene, 7, 210 * S, 0);
	look_again(&scene, 8, 211 * S, 0);
	assert_int_equal(chosen(&scene, 211 * S), 10);
	end(&scene);
}

static void backoff(void **state)
{
	struct scene scene;
	unsigned int a;

	begin(&scene);
	a = add(&scene, 10, 0, false, 8 * MIB);
	history_back_off(&scene.history, &scene.look, a, "gpu", 20 * S);
	assert_int_equal(chosen(&scene, 19 * S), 0);
	assert_int_equal(scene.passed.backoff, 1);
	assert_int_equal(chosen(&scene, 20 * S), 10);
	/* Who is gone is forgotten */
	look_clear(&scene.look);
	history_look(&scene.history, &scene.config, &scene.look, S);
	assert_int_equal(scene.history.count, 0);
	end(&scene);
}

int test_choose(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(need),	   cmocka_unit_test(order),  cmocka_unit_test(exclusions),
		cmocka_unit_test(once),	   cmocka_unit_test(shared), cmocka_unit_test(premature),
		cmocka_unit_test(backoff),
	};

	return cmocka_run_group_tests_name("choose", tests, NULL, NULL);
}
