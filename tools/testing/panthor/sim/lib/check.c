// SPDX-License-Identifier: GPL-2.0
/* What several tests want to know after a fault */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

void bench_again(struct bench *bench)
{
	int ret;

	bench_regroup(bench, 2, PANTHOR_GROUP_PRIORITY_MEDIUM);
	ret = RUN(bench, MOVE48(0, bench->data.va), MOVE32(2, 0x600d), STORE(2, 1, 0, 0));
	if (!ok(!ret && *data32(bench, 0) == 0x600d, "a new group runs jobs"))
		diag("%d, state %#x", ret, bench_state(bench, NULL));
}

bool bench_faulted(uint64_t va, uint32_t type, uint32_t access)
{
	char line[128] = "";
	unsigned long long at;
	unsigned int as, t, a;
	FILE *f = fopen(KNOBS "last_fault", "r");
	bool good;

	good = f && fgets(line, sizeof(line), f) &&
	       sscanf(line, "as=%u va=%llx type=%x access=%u", &as, &at, &t, &a) == 4 && as > 0 &&
	       at == va && t == type && a == access;
	if (f)
		fclose(f);
	if (!good)
		diag("last fault: %s", line);
	return good;
}

void bench_fault(struct bench *bench, int ret, uint64_t va, uint32_t type, uint32_t access,
		 const char *promise, ...)
{
	char text[128];
	va_list args;

	va_start(args, promise);
	vsnprintf(text, sizeof(text), promise, args);
	va_end(args);
	ok(ret == -EINVAL && bench_faulted(va, type, access), "%s", text);
	bench_again(bench);
}

int kernel_log(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log < 0 || lseek(log, 0, SEEK_END) < 0)
		bail("cannot read /dev/kmsg: %s", strerror(errno));
	return log;
}

bool kernel_said(int log, const char *text)
{
	struct pollfd poll_log = { .fd = log, .events = POLLIN };
	char record[4096];

	while (poll(&poll_log, 1, 2000) > 0) {
		/* One record a read; EPIPE: some were overwritten before we came */
		ssize_t len = read(log, record, sizeof(record) - 1);

		if (len < 0)
			continue;
		record[len] = '\0';
		if (strstr(record, text))
			return true;
	}
	return false;
}
