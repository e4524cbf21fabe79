// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"

bool can_write(const char *path)
{
	char *copy = xstrdup(path);
	struct stat st;
	int err = 0;

	if (!stat(path, &st))
		err = S_ISDIR(st.st_mode) ? EISDIR : access(path, W_OK) ? errno : 0;
	else if (errno != ENOENT || access(dirname(copy), W_OK | X_OK))
		err = errno;
	free(copy);
	if (err)
		pt_error("cannot write %s: %s", path, strerror(err));
	return !err;
}

int output_failed(const char *path)
{
	int err = (path ? 0 : flush_error()) ?: errno ?: EIO;

	/* Said once is enough. */
	if (!path) {
		__fpurge(stdout);
		clearerr(stdout);
	}
	if (err == EPIPE)
		return EXIT_OK;
	pt_error("cannot write %s: %s", path ?: "standard output", strerror(err));
	return EXIT_FAILED;
}

bool output_redirect(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC, 0666);
	bool redirected = fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0;

	if (!redirected)
		pt_error("cannot write %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return redirected;
}

/* What is no file has no size. */
bool output_empty(void)
{
	return !ftruncate(STDOUT_FILENO, 0) || errno == EINVAL;
}

/* Not below /tmp, which may be memory */
FILE *spool_open(void)
{
	const char *dir = getenv("TMPDIR");
	char *path;
	FILE *f;
	int fd;

	dir = dir && *dir ? dir : "/var/tmp";
	if (asprintf(&path, "%s/panthor-trace.XXXXXX", dir) < 0)
		return NULL;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	else
		pt_error("cannot create a file in %s: %s%s", dir, strerror(errno),
			 errno == EMFILE || errno == ENFILE ? ""
							    : "; set TMPDIR to another directory");
	free(path);
	f = fd < 0 ? NULL : fdopen(fd, "w+");
	if (fd >= 0 && !f)
		close(fd);
	return f;
}
