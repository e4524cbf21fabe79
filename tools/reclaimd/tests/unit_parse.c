// SPDX-License-Identifier: GPL-2.0
#include "number.h"
#include "parse.h"
#include "unit.h"

#define FDINFO                                                                          \
	"pos:\t0\nflags:\t02100002\nmnt_id:\t27\nino:\t91\ndrm-driver:\tpanthor\n"      \
	"drm-client-id:\t7\ndrm-engine-panthor:\t12 ns\ndrm-total-memory:\t40960 KiB\n" \
	"drm-shared-memory:\t0\npanthor-reclaimable-memory:\t2048 KiB\n"                \
	"panthor-evicted-memory:\t3072 KiB\npanthor-evicted-swap:\t1024 KiB\n"          \
	"panthor-evicted-ram:\t2 MiB\npanthor-evictions:\t5\npanthor-swapins:\t4\n"

static void fdinfo(void **state)
{
	struct fdinfo info;
	char *text;

	assert_int_equal(parse_fdinfo(FDINFO, &info), FDINFO_CLIENT);
	assert_int_equal(info.id, 7);
	assert_int_equal(info.ino, 91);
	assert_string_equal(info.pdev, "");
	assert_int_equal(info.reclaimable, 2048 << 10);
	assert_int_equal(info.evicted, 3072 << 10);
	assert_int_equal(info.swap, 1024 << 10);
	assert_int_equal(info.ram, 2 << 20);
	assert_int_equal(info.evictions, 5);
	assert_int_equal(info.swapins, 4);
	assert_int_equal(parse_fdinfo(FDINFO "drm-pdev:\t0000:01:00.0\n", &info), FDINFO_CLIENT);
	assert_string_equal(info.pdev, "0000:01:00.0");

	assert_int_equal(parse_fdinfo("", &info), FDINFO_OTHER);
	assert_int_equal(parse_fdinfo("pos:\t0\nflags:\t02\n", &info), FDINFO_OTHER);
	assert_int_equal(parse_fdinfo("drm-driver:\tpanthorx\n", &info), FDINFO_OTHER);
	assert_int_equal(parse_fdinfo("x-drm-driver:\tpanthor\n", &info), FDINFO_OTHER);
	assert_int_equal(parse_fdinfo("drm-driver:\tpanthor\ndrm-client-id:\t7\n", &info),
			 FDINFO_UNSUPPORTED);
	/* Cut off anywhere it is no client */
	for (size_t len = 0; len < strlen(FDINFO) - 2; len++) {
		text = strndup(FDINFO, len);
		assert_int_not_equal(parse_fdinfo(text, &info), FDINFO_CLIENT);
		free(text);
	}
}

static void units(void **state)
{
	static const char meminfo[] = "MemFree:  12 kB\nMemAvailable:   34 kB\n";
	uint64_t bytes;

	assert_true(parse_meminfo(meminfo, "MemAvailable", &bytes));
	assert_int_equal(bytes, 34 << 10);
	assert_false(parse_meminfo("MemFree:  12 kB\n", "MemAvailable", &bytes));
	assert_true(parse_meminfo("a:\t12 \t\n", "a", &bytes));
	assert_int_equal(bytes, 12);
	assert_true(parse_meminfo("a:\t0\n", "a", &bytes));
	assert_int_equal(bytes, 0);
	assert_false(parse_meminfo("a: 1 parsec\n", "a", &bytes));
	assert_false(parse_meminfo("a: KiB\n", "a", &bytes));
	assert_false(parse_meminfo("a: 18014398509481984 KiB\n", "a", &bytes));
	assert_true(number_bytes("64K", 3, &bytes));
	assert_int_equal(bytes, 64 << 10);
	assert_false(number_bytes("64KiB", 5, &bytes));
	assert_false(number_time("5", 1, &bytes));
}

static void psi(void **state)
{
	static const char text[] = "some avg10=0.00 avg60=0.12 avg300=0.05 total=157622\n"
				   "full avg10=0.00 avg60=0.00 avg300=0.00 total=99\n";
	uint64_t us;

	assert_true(parse_psi(text, &us));
	assert_int_equal(us, 157622);
	assert_false(parse_psi("full avg10=0.00 total=99\n", &us));
	assert_false(parse_psi("some avg10=0.00\nfull avg10=0.00 total=99\n", &us));
}

static void processes(void **state)
{
	static const char stat[] =
		"12 (a) b) 1 (c) S 1 12 12 0 -1 4194560 1 0 2 0 0 0 0 0 20 0 1 0 "
		"4711 1000 2 3\n";
	char path[32];
	uint64_t start;

	assert_true(parse_stat(stat, &start));
	assert_int_equal(start, 4711);
	assert_false(parse_stat("12 (a) S 1 12", &start));
	assert_false(parse_stat("", &start));
	assert_true(parse_cgroup("1:name=x:/y\n0::/apps/one\n", path, sizeof(path)));
	assert_string_equal(path, "/apps/one");
	assert_false(parse_cgroup("1:name=x:/y\n", path, sizeof(path)));
	assert_false(parse_cgroup("0::/a-name-that-does-not-fit-there-at-all\n", path, 8));
	assert_true(parse_frozen("populated 1\nfrozen 1\n"));
	assert_false(parse_frozen("populated 1\nfrozen 0\n"));
	assert_false(parse_frozen(""));
}

static void swap(void **state)
{
	const char *at =
		"Filename\tType\tSize\n/dev/zram0 partition 100 0 100\n/swap\\040file file\n";
	uint64_t used;
	char path[32];

	assert_true(parse_swap(&at, path, sizeof(path)));
	assert_string_equal(path, "/dev/zram0");
	assert_true(parse_swap(&at, path, sizeof(path)));
	assert_string_equal(path, "/swap\\040file");
	assert_false(parse_swap(&at, path, sizeof(path)));
	assert_true(parse_mm_stat("  4096  74   12288    0 1 0 0 0 0\n", &used));
	assert_int_equal(used, 12288);
	assert_false(parse_mm_stat("4096", &used));
}

/* Damaged in any one place nothing is read beyond the end; the sanitizers look on */
static void any_byte(void **state)
{
	uint64_t number, clients = 0;
	struct fdinfo info;
	char path[16];

	for (size_t at = 0; at < strlen(FDINFO); at++) {
		for (int c = 1; c < 256; c += 3) {
			char *text = strdup(FDINFO);
			const char *line = text;

			text[at] = c;
			clients += parse_fdinfo(text, &info) == FDINFO_CLIENT;
			parse_psi(text, &number);
			parse_stat(text, &number);
			parse_mm_stat(text, &number);
			parse_cgroup(text, path, sizeof(path));
			while (parse_swap(&line, path, sizeof(path)))
				;
			free(text);
		}
	}
	assert_in_range(clients, 1, strlen(FDINFO) * 85);
}

int test_parse(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fdinfo),    cmocka_unit_test(units), cmocka_unit_test(psi),
		cmocka_unit_test(processes), cmocka_unit_test(swap),  cmocka_unit_test(any_byte),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
