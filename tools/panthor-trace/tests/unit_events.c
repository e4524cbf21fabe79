// SPDX-License-Identifier: GPL-2.0
/*
 * Decoding: literal formats and literal bytes, both byte orders, older and
 * newer kernels, damaged records.
 */
#include <errno.h>
#include <traceevent/event-parse.h>

#include "model/events.h"
#include "tracefile.h"
#include "unit.h"

#define COMMON                                                                         \
	"format:\n"                                                                    \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"         \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"         \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* As 64-bit kernels print it */
static const char swapin[] = "name: panthor_bo_swapin\nID: 1706\n" COMMON
			     "\tfield:__data_loc char[] dev;\toffset:8;\tsize:4;\tsigned:0;\n"
			     "\tfield:__data_loc char[] label;\toffset:12;\tsize:4;\tsigned:0;\n"
			     "\tfield:u64 id;\toffset:16;\tsize:8;\tsigned:0;\n"
			     "\tfield:u64 bo_id;\toffset:24;\tsize:8;\tsigned:0;\n"
			     "\tfield:s32 tgid;\toffset:32;\tsize:4;\tsigned:1;\n"
			     "\tfield:s32 result;\toffset:36;\tsize:4;\tsigned:1;\n"
			     "\nprint fmt: \"id=%llu\", REC->id\n";

static const unsigned char swapin_little[] = {
	0xaa, 0x06, 0x00, 0x00, 0x84, 0x01, 0x00, 0x00, /* type 1706, pid 388 */
	0x28, 0x00, 0x08, 0x00, 0x30, 0x00, 0x04, 0x00, /* dev at 40, 8 bytes; label at 48, 4 */
	0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, /* id 7 */
	0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, /* bo_id 0x0102030405060708 */
	0x84, 0x01, 0x00, 0x00, 0xf4, 0xff, 0xff, 0xff, /* tgid 388, result -12 */
	'p',  'a',  'n',  't',	'h',  'o',  'r',  0,	'a', 'b', 'c', 0,
};

static const unsigned char swapin_big[] = {
	0x06, 0xaa, 0x00, 0x00, 0x00, 0x00, 0x01, 0x84, 0x00, 0x08, 0x00, 0x28, 0x00,
	0x04, 0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07, 0x01, 0x02,
	0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x00, 0x00, 0x01, 0x84, 0xff, 0xff, 0xff,
	0xf4, 'p',  'a',  'n',	't',  'h',  'o',  'r',	0,    'a',  'b',  'c',	0,
};

struct fixture {
	struct tep_handle *tep;
	struct tep_event *event;
	struct pt_format fmt;
	struct pt_names names;
};

static void parse(struct fixture *f, const char *format, bool big, int long_size)
{
	char *copy = strdup(format);

	f->tep = tep_alloc();
	tep_set_file_bigendian(f->tep, big ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
	tep_set_local_bigendian(f->tep, tep_is_bigendian());
	tep_set_long_size(f->tep, long_size);
	assert_int_equal(tep_parse_event(f->tep, copy, strlen(copy), "panthor"), 0);
	free(copy);
	f->event = tep_get_event(f->tep, 0);
	assert_non_null(f->event);
	pt_names_init(&f->names);
	assert_int_equal(pt_format_init(&f->fmt, &f->names, f->event), 0);
}

static void done(struct fixture *f)
{
	tep_free(f->tep);
}

static void equal(const struct pt_str *str, const char *text)
{
	assert_int_equal(str->len, strlen(text));
	assert_memory_equal(str->s, text, str->len);
}

static void literal(const unsigned char *bytes, size_t size, bool big, int long_size)
{
	struct fixture f;
	struct pt_event ev;

	parse(&f, swapin, big, long_size);
	assert_int_equal(pt_decode(&f.fmt, f.tep, bytes, size, &ev), 0);
	assert_int_equal(ev.kind, PT_BO_SWAPIN);
	assert_int_equal(ev.pid, 388);
	assert_int_equal(ev.id, 7);
	assert_true(ev.bo_id == 0x0102030405060708ULL);
	assert_int_equal(ev.tgid, 388);
	assert_true(ev.result == -12);
	equal(&ev.dev, "panthor");
	equal(&ev.label, "abc");
	assert_true(pt_has(&ev, result));
	assert_false(pt_has(&ev, evicted_ns));
	done(&f);
}

static void literal_bytes_little_endian_64(void **state)
{
	literal(swapin_little, sizeof(swapin_little), false, 8);
}

static void literal_bytes_little_endian_32(void **state)
{
	literal(swapin_little, sizeof(swapin_little), false, 4);
}

static void literal_bytes_big_endian_64(void **state)
{
	literal(swapin_big, sizeof(swapin_big), true, 8);
}

static void literal_bytes_big_endian_32(void **state)
{
	literal(swapin_big, sizeof(swapin_big), true, 4);
}

/*
 * All lengths from nothing to the whole record: never a read beyond the end
 * (AddressSanitizer), never a wrong value.
 */
static void cut_records(void **state)
{
	struct fixture f;

	parse(&f, swapin, false, 8);
	for (size_t len = 0; len < sizeof(swapin_little); len++) {
		unsigned char *copy = malloc(len ?: 1);
		struct pt_event ev;
		int ret;

		memcpy(copy, swapin_little, len);
		ret = pt_decode(&f.fmt, f.tep, copy, len, &ev);
		assert_int_equal(ret, len < 32 ? -EINVAL : 0);
		if (!ret) {
			assert_int_equal(ev.id, 7);
			assert_int_equal(pt_has(&ev, tgid), len >= 36);
			assert_int_equal(pt_has(&ev, dev), len >= 48);
			assert_int_equal(pt_has(&ev, label), len >= 52);
		}
		free(copy);
	}
	done(&f);
}

static void newer_kernel_with_more_fields_in_other_order(void **state)
{
	static const char format[] = "name: panthor_bo_writeback\nID: 9\n" COMMON
				     "\tfield:u64 duration_ns;\toffset:8;\tsize:8;\tsigned:0;\n"
				     "\tfield:u8 flavour[4];\toffset:16;\tsize:4;\tsigned:0;\n"
				     "\tfield:u32 bo_id;\toffset:20;\tsize:4;\tsigned:0;\n"
				     "\tfield:u16 id;\toffset:24;\tsize:2;\tsigned:0;\n"
				     "\nprint fmt: \"id=%u\", REC->id\n";
	static const unsigned char bytes[28] = {
		9, 0, 0, 0, 1, 0, 0, 0, 0xe8, 3, [20] = 5, [24] = 3
	};
	struct fixture f;
	struct pt_event ev;

	parse(&f, format, false, 8);
	assert_int_equal(pt_decode(&f.fmt, f.tep, bytes, sizeof(bytes), &ev), 0);
	assert_int_equal(ev.duration_ns, 1000);
	assert_int_equal(ev.bo_id, 5);
	assert_int_equal(ev.id, 3);
	assert_false(pt_has(&ev, size));
	assert_int_equal(ev.dev.len, 0);
	done(&f);
}

static void memory_in_kib_is_bytes_here(void **state)
{
	static const char format[] = "name: panthor_bo_writeback\nID: 9\n" COMMON
				     "\tfield:u64 id;\toffset:8;\tsize:8;\tsigned:0;\n"
				     "\tfield:u64 bo_id;\toffset:16;\tsize:8;\tsigned:0;\n"
				     "\tfield:u32 size_kib;\toffset:24;\tsize:4;\tsigned:0;\n"
				     "\tfield:u32 written;\toffset:28;\tsize:4;\tsigned:0;\n"
				     "\tfield:u32 freed_kibs;\toffset:32;\tsize:4;\tsigned:0;\n"
				     "\nprint fmt: \"id=%llu\", REC->id\n";
	static const unsigned char bytes[36] = { 9, [8] = 1, [16] = 5, [24] = 4, 0,
						 0, 0x80,    8,	       [32] = 1 };
	struct fixture f;
	struct pt_event ev;

	parse(&f, format, false, 8);
	assert_int_equal(pt_decode(&f.fmt, f.tep, bytes, sizeof(bytes), &ev), 0);
	/* More than 32 bits */
	assert_int_equal(ev.size, 0x80000004ULL << 10);
	assert_int_equal(ev.written, 8);
	assert_false(pt_has(&ev, freed));
	done(&f);
}

static void fields_of_another_type_are_rejected(void **state)
{
	static const char format[] = "name: panthor_bo_writeback\nID: 9\n" COMMON
				     "\tfield:char id[8];\toffset:8;\tsize:8;\tsigned:0;\n"
				     "\tfield:u64 bo_id;\toffset:16;\tsize:8;\tsigned:0;\n"
				     "\tfield:u64 dev;\toffset:24;\tsize:8;\tsigned:0;\n"
				     "\nprint fmt: \"%llu\", REC->bo_id\n";
	static const unsigned char bytes[32] = { 9 };
	struct fixture f;
	struct pt_event ev;

	parse(&f, format, false, 8);
	assert_int_equal(pt_decode(&f.fmt, f.tep, bytes, sizeof(bytes), &ev), -EINVAL);
	assert_false(pt_has(&ev, id));
	assert_false(pt_has(&ev, dev));
	done(&f);
}

static void names_are_those_of_the_file(void **state)
{
	static const char format[] =
		"name: panthor_bo_evict_skip\nID: 9\n" COMMON
		"\tfield:u64 id;\toffset:8;\tsize:8;\tsigned:0;\n"
		"\tfield:u32 reason;\toffset:16;\tsize:4;\tsigned:0;\n"
		"\nprint fmt: \"id=%llu reason=%s\", REC->id, __print_symbolic(REC->reason, "
		"{ 0, \"none\" }, { 1, \"moon\" }, { 40, \"far\" }, { 3, \"a,b<c>\" })\n";
	struct fixture f;

	parse(&f, format, false, 8);
	assert_string_equal(pt_name(&f.names, PT_SYM_REASON, 1), "moon");
	assert_string_equal(pt_name(&f.names, PT_SYM_REASON, 2), "?");
	assert_string_equal(pt_name(&f.names, PT_SYM_REASON, 3), "a_b_c_");
	assert_string_equal(pt_name(&f.names, PT_SYM_REASON, 40), "?");
	assert_string_equal(pt_name(&f.names, PT_SYM_REASON, UINT64_MAX), "?");
	assert_string_equal(pt_name(&f.names, PT_SYM_STATE, 2), "private");
	done(&f);
}

/*
 * The formats of the kernel that this was made for: each event is known, with
 * each of its fields.
 */
static void formats_of_our_kernel(void **state)
{
	struct tf_file tf = { .long_size = 8 };
	int n = 0;

	assert_int_equal(tf_load_formats(&tf, FORMATS), 0);
	for (const struct tf_format *fmt = tf.formats; fmt; fmt = fmt->next) {
		struct fixture f;

		if (strcmp(fmt->system, "panthor"))
			continue;
		parse(&f, fmt->text, false, 8);
		/* four common fields are not ours */
		assert_int_equal(f.fmt.nr, fmt->nr - 4);
		assert_int_equal(f.event->flags & TEP_EVENT_FL_FAILED, 0);
		done(&f);
		n++;
	}
	assert_int_equal(n, PT_NR_KINDS);
	tf_free(&tf);
}

static void other_events_are_rejected(void **state)
{
	char name[] = "sched_switch";
	struct tep_event event = { .name = name };
	struct pt_format fmt;

	assert_int_equal(pt_format_init(&fmt, NULL, &event), -ENOENT);
	event.name = NULL;
	assert_int_equal(pt_format_init(&fmt, NULL, &event), -ENOENT);
}

int test_events(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literal_bytes_little_endian_64),
		cmocka_unit_test(literal_bytes_little_endian_32),
		cmocka_unit_test(literal_bytes_big_endian_64),
		cmocka_unit_test(literal_bytes_big_endian_32),
		cmocka_unit_test(cut_records),
		cmocka_unit_test(newer_kernel_with_more_fields_in_other_order),
		cmocka_unit_test(memory_in_kib_is_bytes_here),
		cmocka_unit_test(fields_of_another_type_are_rejected),
		cmocka_unit_test(names_are_those_of_the_file),
		cmocka_unit_test(formats_of_our_kernel),
		cmocka_unit_test(other_events_are_rejected),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
