// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: files of any content through report's way: check, libtracecmd, decode, model.
 *
 * What passes our own check is read in a child, as the program does: there the
 * libraries may fall over, but we may not. Which of them it was is judged by
 * where it fell, so the sanitizer's runtime is linked as a library of its own.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <gnu/libc-version.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#include "cmd/cli.h"
#include "cmd/reading.h"
#include "trace/source_check.h"
#include "report/table.h"
#include "report/view.h"

/* The child's exit status if a fault is ours; also the sanitizer's own */
#define OURS 99

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);
void __asan_on_error(void);

static bool in_child;

const char *__asan_default_options(void)
{
	/* exitcode: OURS */
	return "verify_asan_link_order=0:detect_leaks=0:allocator_may_return_null=1:exitcode=99";
}

static const void *object_of(const void *address)
{
	Dl_info info;

	return dladdr(address, &info) ? info.dli_fbase : NULL;
}

/* Stops at the innermost caller that is neither the judge, the C library nor the runtime. */
static _Unwind_Reason_Code look(struct _Unwind_Context *frame, void *context)
{
	const void *object = object_of((void *)_Unwind_GetIP(frame)), **judge = context;

	if (object == *judge)
		return _URC_NO_REASON;
	*judge = NULL;
	if (object == object_of(gnu_get_libc_version) ||
	    object == object_of(__sanitizer_print_stack_trace))
		return _URC_NO_REASON;
	*judge = object;
	return _URC_NORMAL_STOP;
}

static bool fell_in_ours(void)
{
	const void *us = object_of(&in_child), *found = us;

	_Unwind_Backtrace(look, &found);
	return !found || found == us;
}

static void on_fault(int sig)
{
	(void)sig;
	_exit(fell_in_ours() ? OURS : 0);
}

/* Before the sanitizer prints what it found: in an interceptor, say, that a library called */
void __asan_on_error(void)
{
	if (in_child && !fell_in_ours())
		_exit(0);
}

static void on_request(void *context, const struct pt_request *req)
{
	struct cell row[NR_REQ_COLUMNS] = { 0 };

	request_row(row, req, context);
	for (int i = 0; i < NR_REQ_COLUMNS; i++)
		if (request_columns[i].unit == UNIT_TEXT && row[i].known)
			free(row[i].s);
	/* For the test of this test */
	if (getenv("FUZZ_FAULT"))
		raise(SIGFPE);
}

static void read_it(const char *path)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	const struct sigaction judge = { .sa_handler = on_fault, .sa_flags = SA_ONSTACK };
	struct reading in = { .source.path = path, .analysis.request = on_request };
	struct pt_style style = { .names = &in.source.names };
	struct doc doc = { .kind = "fuzz" };

	in_child = true;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &judge, NULL);
	signal(SIGALRM, SIG_DFL);
	alarm(10);
	in.analysis.context = &style;
	read_trace(&in, &doc);
	reading_free(&in);
	doc_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	uint64_t page;
	char path[64];
	pid_t pid;
	int status;

	if (fd < 0) {
		if (!freopen("/dev/null", "w", stdout))
			abort();
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	}
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (source_check(path, &page))
		return 0;

	pid = fork();
	if (!pid) {
		read_it(path);
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == OURS)
		abort();
	return 0;
}
