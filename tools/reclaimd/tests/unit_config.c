// SPDX-License-Identifier: GPL-2.0
#include "config.h"
#include "number.h"
#include "unit.h"

struct said {
	unsigned int count;
	unsigned int lines[64];
	char last[256];
};

static void remember(void *arg, unsigned int line, const char *message)
{
	struct said *said = arg;

	if (said->count < 64)
		said->lines[said->count] = line;
	said->count++;
	snprintf(said->last, sizeof(said->last), "%s", message);
}

static unsigned int parse(struct config *config, const char *text, struct said *said)
{
	*said = (struct said){ 0 };
	config_init(config);
	return config_parse(config, text, strlen(text), remember, said);
}

static void accepts(void **state)
{
	static const char text[] = "# all keys\n\n"
				   "pressure = /sys/fs/cgroup/apps/memory.pressure\n"
				   "stall=70ms\n  window\t=  2s  \r\n"
				   "available = 128M\nmin-per-trigger = 64K\n"
				   "max-per-trigger = 1G\nmin-reclaimable = 0\n"
				   "oom-score-adj = -17\nkeep = shell\nkeep = a b\n"
				   "premature = 0ms\npremature-backoff = 5min\nbackoff = 1h\n"
				   "budget = 512M\nmetrics = /run/m.prom\nstate =";
	struct config config;
	struct said said;

	assert_int_equal(parse(&config, "", &said), 0);
	assert_int_equal(config.budget, UINT64_MAX);
	assert_string_equal(config.pressure, "/proc/pressure/memory");
	assert_int_equal(parse(&config, text, &said), 0);
	assert_string_equal(config.pressure, "/sys/fs/cgroup/apps/memory.pressure");
	assert_int_equal(config.stall_ns, 70 * NSEC_PER_MSEC);
	assert_int_equal(config.window_ns, 2 * NSEC_PER_SEC);
	assert_int_equal(config.available, 128 << 20);
	assert_int_equal(config.min_per_trigger, 64 << 10);
	assert_int_equal(config.max_per_trigger, 1 << 30);
	assert_int_equal(config.min_reclaimable, 0);
	assert_int_equal(config.min_adj, -17);
	assert_int_equal(config.premature_ns, 0);
	assert_int_equal(config.premature_backoff_ns, 300 * NSEC_PER_SEC);
	assert_int_equal(config.backoff_ns, 3600 * NSEC_PER_SEC);
	assert_int_equal(config.budget, 512 << 20);
	assert_string_equal(config.metrics, "/run/m.prom");
	assert_string_equal(config.state, "");
	assert_true(config_keeps(&config, "shell"));
	assert_true(config_keeps(&config, "a b"));
	assert_false(config_keeps(&config, "a"));
	assert_int_equal(parse(&config, "budget = unlimited\n", &said), 0);
	assert_int_equal(config.budget, UINT64_MAX);
	assert_int_equal(parse(&config, "budget = 0\n", &said), 0);
	assert_int_equal(config.budget, 0);
}

static void refuses_one(const char *text, unsigned int line, const char *what)
{
	struct config config;
	struct said said;

	if (parse(&config, text, &said) != 1 || said.lines[0] != line || !strstr(said.last, what))
		fail_msg("%s: %u errors, the last in line %u: %s", text, said.count, said.lines[0],
			 said.last);
}

static void rejects(void **state)
{
	refuses_one("\nnonsense\n", 2, "expected \"key = value\", not \"nonsense\"");
	refuses_one("colour = red\n", 1, "unknown key \"colour\"");
	refuses_one("\n\nstall = 5\n", 3, "stall: expected a time from 1ms to 10s, not \"5\"");
	refuses_one("window = 100ms\n", 1, "from 500ms to 10s");
	refuses_one("premature = 25h\n", 1, "at most 24h");
	refuses_one("available = lots\n", 1, "a size");
	refuses_one("available = 17179869184G\n", 1, "a size");
	refuses_one("available = -1\n", 1, "a size");
	refuses_one("min-per-trigger = 1K\n", 1, "at least 4K");
	refuses_one("oom-score-adj = 1001\n", 1, "from -1000 to 1000");
	refuses_one("keep =\n", 1, "15 characters");
	refuses_one("keep = sixteencharacter\n", 1, "15 characters");
	refuses_one("pressure = memory\n", 1, "an absolute path");
	refuses_one("pressure =\n", 1, "an absolute path");
	refuses_one("budget = some\n", 1, "unlimited");
	refuses_one("backoff = 1s\nbackoff = 2s\n", 2, "already set in line 1");
	refuses_one("stall = 2s\n\n", 1, "longer than window");
	refuses_one("min-per-trigger = 8M\nmin-reclaimable = 1M\nmax-per-trigger = 4M\n", 3,
		    "larger than max-per-trigger");
	refuses_one("state = /a\nmetrics = /a\n", 2, "different files");
	refuses_one("keep = \x1b[31m\x07very very long\n", 1, "not \"?[31m?very");
}

static void reports_all_errors(void **state)
{
	struct config config;
	char many[512] = "";
	struct said said;

	assert_int_equal(parse(&config, "x\ny = 1\nstall = 0\n", &said), 3);
	assert_int_equal(said.lines[0], 1);
	assert_int_equal(said.lines[2], 3);
	for (int i = 0; i < CONFIG_KEPT + 1; i++)
		strcat(many, "keep = n\n");
	assert_int_equal(parse(&config, many, &said), 1);
	assert_int_equal(said.lines[0], CONFIG_KEPT + 1);
}

/* Whatever is in the file: an error, or not; the sanitizers look on */
static void any_text(void **state)
{
	static const char alphabet[] = "=# \t0123456789KMGms-keepstallbudget/\n\x1b\xff";
	struct config config;
	unsigned int taken = 0;
	struct said said;
	char text[96];

	srand(1);
	for (int i = 0; i < 20000; i++) {
		size_t len = rand() % sizeof(text);

		for (size_t j = 0; j < len; j++)
			text[j] = alphabet[rand() % sizeof(alphabet)];
		said = (struct said){ 0 };
		config_init(&config);
		taken += !config_parse(&config, text, len, remember, &said);
	}
	assert_in_range(taken, 1, 19999);
}

int test_config(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts),
		cmocka_unit_test(rejects),
		cmocka_unit_test(reports_all_errors),
		cmocka_unit_test(any_text),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
