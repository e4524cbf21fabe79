// SPDX-License-Identifier: GPL-2.0
#include "budget.h"
#include "number.h"
#include "unit.h"

#define MINUTE (60 * NSEC_PER_SEC)

static void limit_per_hour(void **state)
{
	struct budget budget = { 0 };

	assert_int_equal(budget_left(&budget, 0, 100), 100);
	budget_spend(&budget, 0, 30);
	budget_spend(&budget, 10 * MINUTE, 50);
	assert_int_equal(budget_left(&budget, 10 * MINUTE, 100), 20);
	assert_int_equal(budget_left(&budget, 59 * MINUTE, 100), 20);
	assert_int_equal(budget_left(&budget, 60 * MINUTE, 100), 50);
	assert_int_equal(budget_left(&budget, 70 * MINUTE, 100), 100);
	budget_spend(&budget, 70 * MINUTE, 101);
	assert_int_equal(budget_left(&budget, 70 * MINUTE, 100), 0);
	assert_int_equal(budget_left(&budget, 70 * MINUTE, UINT64_MAX), UINT64_MAX);
	/* After a night of sleep */
	assert_int_equal(budget_spent(&budget, 700 * MINUTE), 0);
}

/* In no 60 minutes more than the limit, whatever is asked for and when */
static void never_above_the_limit(void **state)
{
	uint64_t spent[1000] = { 0 }, limit = 1000, all = 0;
	struct budget budget = { 0 };

	srand(2);
	for (int minute = 0; minute < 1000; minute += rand() % 3) {
		uint64_t want = rand() % 200, left = budget_left(&budget, minute * MINUTE, limit);
		uint64_t hour = 0;

		want = want < left ? want : left;
		budget_spend(&budget, minute * MINUTE, want);
		spent[minute] += want;
		all += want;
		for (int i = minute; i >= 0 && i > minute - BUDGET_MINUTES; i--)
			hour += spent[i];
		assert_in_range(hour, 0, limit);
	}
	/* And nearly all of what it is */
	assert_in_range(all, 12 * limit, 17 * limit);
}

static void overflow(void **state)
{
	struct budget budget = { 0 };

	budget_spend(&budget, 0, UINT64_MAX);
	budget_spend(&budget, 0, 5);
	budget_spend(&budget, MINUTE, 5);
	assert_int_equal(budget_spent(&budget, MINUTE), UINT64_MAX);
}

static void saved(void **state)
{
	struct budget budget = { 0 }, loaded = { 0 };
	char text[4096];

	budget_spend(&budget, 100 * MINUTE, 10);
	budget_spend(&budget, 120 * MINUTE, 20);
	budget_save(&budget, 130 * MINUTE, 5000, text, sizeof(text));
	assert_string_equal(text, "reclaimd-budget 1 5000\n10 20\n30 10\n");

	/* Booted anew, 20 minutes later: they reach back before the start */
	assert_true(budget_load(&loaded, 2 * MINUTE, 5000 + 20 * 60, text));
	assert_int_equal(budget_spent(&loaded, 2 * MINUTE), 30);
	budget_save(&loaded, 2 * MINUTE, 6200, text, sizeof(text));
	assert_string_equal(text, "reclaimd-budget 1 6200\n30 20\n50 10\n");
	assert_int_equal(budget_spent(&loaded, 12 * MINUTE), 20);
	assert_int_equal(budget_spent(&loaded, 32 * MINUTE), 0);

	/* A clock that was set back gives nothing away, one far ahead forgets */
	assert_true(budget_load(&loaded, 500 * MINUTE, 0, text));
	assert_int_equal(budget_spent(&loaded, 500 * MINUTE), 30);
	assert_true(budget_load(&loaded, 500 * MINUTE, 1000000, text));
	assert_int_equal(budget_spent(&loaded, 500 * MINUTE), 0);
}

static void damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"reclaimd-budget 2 1\n",
		"reclaimd-budget 1",
		"reclaimd-budget 1 x\n",
		"reclaimd-budget 1 1\n1\n",
		"reclaimd-budget 1 1\n60 1\n",
		"reclaimd-budget 1 1\n1 1",
		"reclaimd-budget 1 1\n1 -1\n",
	};
	static const char most[] = "reclaimd-budget 1 0\n0 18446744073709551615\n0 1\n";
	struct budget budget = { .spent = { 7 } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (budget_load(&budget, 0, 0, texts[i]))
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(budget_spent(&budget, 0), 7);

	/* More than there are numbers for is not little */
	assert_true(budget_load(&budget, 0, 0, most));
	assert_true(budget_spent(&budget, 0) == UINT64_MAX);
}

int test_budget(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_per_hour), cmocka_unit_test(never_above_the_limit),
		cmocka_unit_test(overflow),	  cmocka_unit_test(saved),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
