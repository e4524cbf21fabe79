// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "report/ids.h"
#include "report/number.h"
#include "unit.h"

typedef bool parser(const char *text, size_t len, uint64_t *value);

static void takes(parser *parse, const char *text, uint64_t expected)
{
	uint64_t value = 42;

	if (!parse(text, strlen(text), &value))
		fail_msg("refused: %s", text);
	assert_int_equal(value, expected);
}

static void refuses(parser *parse, const char *text)
{
	uint64_t value;

	if (parse(text, strlen(text), &value))
		fail_msg("taken: %s", text);
}

static void counts(void **state)
{
	takes(parse_count, "0", 0);
	takes(parse_count, "18446744073709551615", UINT64_MAX);
	takes(parse_count, "0xff", 255);
	refuses(parse_count, "18446744073709551616");
	refuses(parse_count, "");
	refuses(parse_count, "0x");
	refuses(parse_count, "-1");
	refuses(parse_count, "+1");
	refuses(parse_count, " 1");
	refuses(parse_count, "1 ");
	refuses(parse_count, "1.0");
	refuses(parse_count, "1k");
}

static void signs(void **state)
{
	int64_t value;

	assert_true(parse_signed("-12", 3, &value));
	assert_int_equal(value, -12);
	assert_false(parse_signed("--1", 3, &value));
	assert_false(parse_signed("-", 1, &value));
	assert_false(parse_signed("9223372036854775808", 19, &value));
}

/* What cannot be said exactly in the unit that counts is refused. */
static void nothing_is_rounded(void **state)
{
	takes(parse_ns, "100", 100);
	takes(parse_ns, "1.5us", 1500);
	takes(parse_ns, "0.000000001 s", 1);
	takes(parse_ns, "18446744073.709551615s", UINT64_MAX);
	refuses(parse_ns, "18446744073.709551616s");
	refuses(parse_ns, "0.5");
	refuses(parse_ns, "0.0001us");
	refuses(parse_ns, "1.5.1us");
	refuses(parse_ns, "1e3us");
	refuses(parse_ns, "1.us");
	refuses(parse_ns, ".5us");
	refuses(parse_ns, "us");
	refuses(parse_ns, "1h");
	takes(parse_bytes, "1.5KiB", 1536);
	takes(parse_bytes, "4m", 4 << 20);
	refuses(parse_bytes, "0.1KiB");
	refuses(parse_bytes, "16777216TiB");
	takes(parse_percent, "12.5%", 125);
	refuses(parse_percent, "12.55");
	takes(parse_seconds, "100.25", 100250000000);
	refuses(parse_seconds, "100.0000000001");
	refuses(parse_seconds, "5ms");
}

/* Near ones and far ones, some of them more than once, some back to 0 */
static void ids_keep_their_numbers(void **state)
{
	struct ids ids = { 0 };

	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(ids_set(&ids, i, i + 1), 0);
		assert_int_equal(ids_set(&ids, UINT64_MAX - 97ULL * i, i + 7), 0);
	}
	assert_int_equal(ids_set(&ids, 5, 4000000000), 0);
	assert_int_equal(ids_set(&ids, 6, 0), 0);
	assert_int_equal(ids_set(&ids, 1ULL << 40, 0), 0);
	for (uint32_t i = 7; i < 1000; i++) {
		assert_int_equal(ids_get(&ids, i), i + 1);
		assert_int_equal(ids_get(&ids, UINT64_MAX - 97ULL * i), i + 7);
		assert_int_equal(ids_get(&ids, UINT64_MAX - 97ULL * i - 1), 0);
	}
	assert_int_equal(ids_get(&ids, 5), 4000000000);
	assert_int_equal(ids_get(&ids, 6), 0);
	assert_int_equal(ids_get(&ids, 1ULL << 40), 0);
	assert_int_equal(ids_get(&ids, 5000), 0);
	ids_free(&ids);
	assert_int_equal(ids_get(&ids, 5), 0);
}

int test_number(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(signs),
		cmocka_unit_test(nothing_is_rounded),
		cmocka_unit_test(ids_keep_their_numbers),
	};

	return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
