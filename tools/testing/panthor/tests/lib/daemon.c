// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "reclaim.h"
#include "tap.h"

static const char *folder(void)
{
	const char *folder = getenv("TMPDIR");

	return folder ? folder : "/tmp";
}

void daemon_config(const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/reclaimd.conf", folder());
	unlink(path);
	close(open(path, O_WRONLY | O_CREAT, 0644));
	if (*text && write_file(path, text, strlen(text)) < 0)
		bail("cannot write %s", path);
}

static void read_output(struct daemon *daemon)
{
	FILE *file = fopen(daemon->path, "re");
	size_t size = 0;

	free(daemon->text);
	daemon->text = NULL;
	if (!file || getdelim(&daemon->text, &size, '\0', file) < 0) {
		free(daemon->text);
		daemon->text = strdup("");
	}
	if (file)
		fclose(file);
}

struct daemon *daemon_start(const char *prefix, const char *options)
{
	static unsigned int runs;
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	char command[1024];
	int fd;

	snprintf(daemon->path, sizeof(daemon->path), "%s/reclaimd-%u.out", folder(), runs++);
	snprintf(command, sizeof(command), "exec %s reclaimd -c %s/reclaimd.conf %s", prefix,
		 folder(), options);
	fd = open(daemon->path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	daemon->pid = fd < 0 ? -1 : fork();
	if (!daemon->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (daemon->pid < 0)
		bail("cannot start reclaimd");
	close(fd);
	return daemon;
}

bool daemon_says(struct daemon *daemon, const char *text)
{
	for (int tries = 0; tries < 600; tries++) {
		read_output(daemon);
		if (strstr(daemon->text, text))
			return true;
		usleep(100000);
	}
	return false;
}

int daemon_end(struct daemon *daemon, int sig)
{
	int status;

	if (sig)
		kill(daemon->pid, sig);
	waitpid(daemon->pid, &status, 0);
	daemon->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	read_output(daemon);
	return daemon->status;
}

void daemon_free(struct daemon *daemon)
{
	unlink(daemon->path);
	free(daemon->text);
	free(daemon);
}

struct daemon *daemon_run(const char *prefix, const char *options)
{
	struct daemon *daemon = daemon_start(prefix, options);

	daemon_end(daemon, 0);
	return daemon;
}

const char *line_after(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

bool line_has(const char *line, const char *text)
{
	const char *found = strstr(line, text);

	return found && found < line_after(line);
}

const char *daemon_line(const char *from, const char *kind, const char *name)
{
	char target[64];

	snprintf(target, sizeof(target), " target=%s[", name ? name : "");
	for (; *from; from = line_after(from))
		if (!strncmp(from, kind, strlen(kind)) && from[strlen(kind)] == ' ' &&
		    (!name || line_has(from, target)))
			return from;
	return NULL;
}

int64_t line_value(const char *line, const char *key)
{
	char text[64];

	snprintf(text, sizeof(text), " %s=", key);
	return line && line_has(line, text) ? atoll(strstr(line, text) + strlen(text)) : -1;
}
