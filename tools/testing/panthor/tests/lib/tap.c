// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

/* What a kernel that has found something wrong with itself says, one of these in each report */
static const char *const complaints[] = {
	"BUG:",
	"WARNING:",
	"Oops",
	"general protection fault",
	"possible circular locking",
	"possible recursive locking",
	"inconsistent lock state",
	"suspicious RCU usage",
	"INFO: task",
	"kernel BUG at",
	"refcount_t:",
	"list_add corruption",
	"list_del corruption",
	"scheduling while atomic",
	"sleeping function called",
	"unreferenced object",
	"Invalid wait context",
	"invalid wait context",
	"held lock freed",
	"bad unlock balance",
	"suspected memory leaks",
};

static int tests, failures, timeouts, kmsg = -1;
static bool complained;

static void open_kmsg(void)
{
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
}

static bool is_complaint(const char *text)
{
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++)
		if (strstr(text, complaints[i]))
			return true;
	return false;
}

static void read_log(void)
{
	char record[8192], *text, *end;
	ssize_t len;

	while (kmsg >= 0) {
		len = read(kmsg, record, sizeof(record) - 1);
		if (len < 0 && errno == EPIPE)
			continue;
		if (len <= 0)
			break;
		record[len] = '\0';
		text = strchr(record, ';');
		text = text ? text + 1 : record;
		end = strchr(text, '\n');
		if (end)
			*end = '\0';
		timeouts += strstr(text, "request timedout") || strstr(text, "job timeout");
		if (!is_complaint(text))
			continue;
		diag("kernel: %s", text);
		complained = true;
	}
}

bool kernel_complained(void)
{
	bool did;

	read_log();
	did = complained;
	complained = false;
	return did;
}

bool gpu_too_slow(void)
{
	read_log();
	return timeouts;
}

void tap_start(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	open_kmsg();
}

static void verdict(bool kept, const char *directive, const char *promise, va_list args)
{
	printf("%sok %d - ", kept ? "" : "not ", ++tests);
	vprintf(promise, args);
	printf("%s\n", directive);
	if (!kept)
		failures++;
}

bool ok(bool kept, const char *promise, ...)
{
	va_list args;

	va_start(args, promise);
	verdict(kept, "", promise, args);
	va_end(args);
	return kept;
}

bool ok_jobs(bool kept, const char *promise, ...)
{
	va_list args;

	va_start(args, promise);
	if (!kept && gpu_too_slow())
		verdict(true, " # SKIP the GPU did not answer within the driver's time limit",
			promise, args);
	else
		verdict(kept, "", promise, args);
	va_end(args);
	return kept;
}

void skip(const char *why, const char *promise, ...)
{
	char directive[256];
	va_list args;

	snprintf(directive, sizeof(directive), " # SKIP %s", why);
	va_start(args, promise);
	verdict(true, directive, promise, args);
	va_end(args);
}

void diag(const char *text, ...)
{
	va_list args;

	va_start(args, text);
	printf("# ");
	vprintf(text, args);
	printf("\n");
	va_end(args);
}

void bail(const char *why, ...)
{
	va_list args;

	va_start(args, why);
	printf("Bail out! ");
	vprintf(why, args);
	printf("\n");
	va_end(args);
	exit(1);
}

void need(int ret, const char *what)
{
	if (ret < 0)
		bail("cannot %s: %s", what, strerror(-ret));
}

int tap_end(void)
{
	if (kmsg >= 0)
		ok(!kernel_complained(), "the kernel logs no warning");
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}

long knob(const char *name, long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtol(value, NULL, 10) : otherwise;
}
