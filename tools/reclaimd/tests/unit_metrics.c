// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "metrics.h"
#include "unit.h"

static void text(void **state)
{
	struct metrics metrics = {
		.triggers = 3,
		.requests = { [RESULT_OK] = 2, [RESULT_NO_SWAP] = 1 },
		.evicted = 1 << 20,
		.blocked_ns = 1050000000,
		.stalled_us = 2000001,
		.budget = UINT64_MAX,
	};
	char out[8192], small[64];
	size_t len = metrics_text(&metrics, out, sizeof(out));

	assert_int_equal(len, strlen(out));
	assert_non_null(strstr(out, "# TYPE panthor_reclaimd_triggers counter\n"));
	assert_non_null(strstr(out, "\npanthor_reclaimd_triggers_total 3\n"));
	assert_non_null(strstr(out, "requests_total{result=\"ok\"} 2\n"));
	assert_non_null(strstr(out, "requests_total{result=\"no-swap\"} 1\n"));
	assert_non_null(strstr(out, "evicted_bytes_total 1048576\n"));
	assert_non_null(strstr(out, "blocked_seconds_total 1.050000000\n"));
	assert_non_null(strstr(out, "stalled_seconds_total 2.000001000\n"));
	assert_null(strstr(out, "budget"));
	assert_string_equal(out + len - strlen("\n# EOF\n"), "\n# EOF\n");
	assert_int_equal(metrics_text(&metrics, small, sizeof(small)), len);
	assert_int_equal(metrics_text(&metrics, NULL, 0), len);

	metrics.budget = 100;
	metrics.budget_left = 40;
	metrics_text(&metrics, out, sizeof(out));
	assert_non_null(strstr(out, "\npanthor_reclaimd_budget_left_bytes 40\n"));
}

static void results(void **state)
{
	assert_int_equal(result_of(0), RESULT_OK);
	assert_int_equal(result_of(-EBUSY), RESULT_BUSY);
	assert_int_equal(result_of(-ESRCH), RESULT_NO_CLIENT);
	assert_int_equal(result_of(-EIO), RESULT_ERROR);
	for (int i = 0; i < NR_RESULTS; i++)
		assert_non_null(result_name(i));
}

int test_metrics(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(results),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
