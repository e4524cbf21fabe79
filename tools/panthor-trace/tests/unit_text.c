// SPDX-License-Identifier: GPL-2.0
/* Numbers and names as people read them; the map; swap devices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model/map.h"
#include "model/text.h"
#include "trace/swap.h"
#include "unit.h"

static void units_of_memory(void **state)
{
	char buf[PT_NUM_LEN];

	assert_string_equal(pt_bytes(buf, 0, false), "0 B");
	assert_string_equal(pt_bytes(buf, 1023, false), "1023 B");
	assert_string_equal(pt_bytes(buf, 65536, false), "64 KiB");
	assert_string_equal(pt_bytes(buf, 8323072, false), "7.94 MiB");
	assert_string_equal(pt_bytes(buf, (1ULL << 30) - 1, false), "1.00 GiB");
	assert_string_equal(pt_bytes(buf, UINT64_MAX, false), "16 EiB");
	assert_string_equal(pt_bytes(buf, 8323072, true), "8323072");
}

static void units_of_time(void **state)
{
	char buf[PT_NUM_LEN];

	assert_string_equal(pt_ns(buf, 0, false), "0");
	assert_string_equal(pt_ns(buf, 999, false), "999 ns");
	assert_string_equal(pt_ns(buf, 1000, false), "1.00 us");
	assert_string_equal(pt_ns(buf, 999499, false), "999 us");
	assert_string_equal(pt_ns(buf, 999500, false), "1.00 ms");
	assert_string_equal(pt_ns(buf, 412300000, false), "412 ms");
	assert_string_equal(pt_ns(buf, 412300000, true), "412300000");
}

static void cleaned(const char *in, size_t len, const char *out)
{
	char buf[256];

	assert_int_equal(pt_clean(buf, sizeof(buf), in, len), strlen(out));
	assert_string_equal(buf, out);
}

static void no_control_characters(void **state)
{
	cleaned("plain \"text\"", 12, "plain \"text\"");
	cleaned("\033[31mred\007", 9, "\\x1B[31mred\\x07");
	cleaned("a\0b", 3, "a\\x00b");
	cleaned("\r\n\t\177", 4, "\\x0D\\x0A\\x09\\x7F");
	cleaned("gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f");
	cleaned("\302\23331m", 5, "\\xC2\\x9B31m"); /* C1 CSI */
	cleaned("\xe2\x80\xae", 3, "\\xE2\\x80\\xAE"); /* right-to-left override */
	cleaned("\xc0\xaf", 2, "\\xC0\\xAF"); /* overlong */
	cleaned("\xed\xa0\x80", 3, "\\xED\\xA0\\x80"); /* surrogate */
	cleaned("\xf4\x90\x80\x80", 4, "\\xF4\\x90\\x80\\x80"); /* beyond Unicode */
	cleaned("ab\xe2\x82", 4, "ab\\xE2\\x82"); /* cut in the middle */
}

static void clean_never_overflows(void **state)
{
	char buf[8];

	for (size_t size = 1; size <= sizeof(buf); size++) {
		memset(buf, 'Z', sizeof(buf));
		assert_true(pt_clean(buf, size, "\001\002\003", 3) < size);
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 'Z');
	}
}

static void text_grows(void **state)
{
	struct pt_text t = { 0 };

	for (int i = 0; i < 1000; i++)
		pt_add(&t, "%d,", i);
	assert_int_equal(t.len, 10 * 2 + 90 * 3 + 900 * 4);
	assert_int_equal(strlen(t.s), t.len);
	assert_false(t.failed);
	pt_text_free(&t);
}

/* A random walk, checked against an array */
static void map_keeps_its_entries(void **state)
{
	struct pt_map map = { 0 };
	static char value[512];
	void *expected[512] = { 0 };
	size_t used = 0, seen = 0;
	unsigned int seed = 1;

	for (int i = 0; i < 100000; i++) {
		unsigned int r = rand_r(&seed), k = r % 512;
		uint64_t key = k;

		if (r & 0x10000) {
			assert_int_equal(pt_map_set(&map, key, &value[k]), 0);
			used += !expected[k];
			expected[k] = &value[k];
		} else {
			assert_ptr_equal(pt_map_del(&map, key), expected[k]);
			used -= !!expected[k];
			expected[k] = NULL;
		}
		assert_int_equal(map.used, used);
	}
	for (int k = 0; k < 512; k++)
		assert_ptr_equal(pt_map_get(&map, k), expected[k]);
	for (size_t i = 0; pt_map_next(&map, &i);)
		seen++;
	assert_int_equal(seen, used);
	pt_map_free(&map);
}

static bool zram_of(const char *list, uint64_t *bytes)
{
	FILE *swaps = fmemopen((void *)list, strlen(list), "r");
	bool ok;

	assert_non_null(swaps);
	ok = swap_zram(swaps, bytes);
	fclose(swaps);
	return ok;
}

#define HEAD "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

/* Where there is one: trace.t, in the guest */
static void not_all_swap_is_zram(void **state)
{
	char path[] = "/tmp/panthor-trace.XXXXXX", line[128];
	int fd = mkstemp(path);
	uint64_t bytes;

	assert_true(fd >= 0);
	snprintf(line, sizeof(line), HEAD "%s file 8 0 -2\n", path);
	assert_false(zram_of(line, &bytes));
	assert_false(zram_of(HEAD, &bytes));
	assert_false(zram_of(HEAD "/nowhere/zram0 partition\n", &bytes));
	assert_false(zram_of(HEAD "/dev/null partition\n", &bytes));
	assert_int_equal(bytes, 0);
	close(fd);
	unlink(path);
}

int test_text(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_of_memory),
		cmocka_unit_test(units_of_time),
		cmocka_unit_test(no_control_characters),
		cmocka_unit_test(clean_never_overflows),
		cmocka_unit_test(text_grows),
		cmocka_unit_test(map_keeps_its_entries),
		cmocka_unit_test(not_all_swap_is_zram),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
