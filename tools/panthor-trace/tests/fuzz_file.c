// SPDX-License-Identifier: GPL-2.0
/*
 * libFuzzer: files of any content through report's way: check, libtracecmd, decode, model.
 *
 * What passes our own check is read in a child, as the program does: there the
 * libraries may fall over, but no sanitizer may find anything
 * (ASAN_OPTIONS=handle_segv=0:handle_sigfpe=0:exitcode=99). judge() says whose fault it is.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analysis.h"
#include "cli.h"
#include "source_check.h"
#include "table.h"
#include "view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_request(void *context, const struct pt_request *req)
{
	struct cell row[NR_REQ_COLUMNS] = { 0 };

	request_row(row, req, context);
	for (int i = 0; i < NR_REQ_COLUMNS; i++)
		if (request_columns[i].unit == UNIT_TEXT && row[i].known)
			free(row[i].s);
}

static void read_it(const char *path)
{
	struct analysis a = { .source.path = path, .request = on_request };
	struct pt_style style = { .names = &a.source.names };
	struct doc doc = { .kind = "fuzz" };

	a.context = &style;
	analyse(&a, &doc);
	analysis_free(&a);
	doc_free(&doc);
}

/* A signal is a fault of ours if it fell in our code, or in the C library called from there. */
static void judge(int sig)
{
	void *frame[64];
	int n = backtrace(frame, 64);
	Dl_info ours, info;

	(void)sig;
	/* this function, the way back from the signal, and what fell */
	for (int i = 2; i < n && dladdr((void *)judge, &ours); i++) {
		if (!dladdr(frame[i], &info))
			continue;
		if (strstr(info.dli_fname, "libtrace"))
			_exit(0);
		if (info.dli_fbase == ours.dli_fbase)
			_exit(99);
	}
	_exit(0);
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
		alarm(10);
		signal(SIGSEGV, judge);
		signal(SIGBUS, judge);
		signal(SIGFPE, judge);
		signal(SIGALRM, SIG_DFL);
		read_it(path);
		_exit(0);
	}
	if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 99)
		abort();
	return 0;
}
