// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "tap.h"

#define MAX_ARGS 24

static struct peer *peer_spawn(char **argv)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int to[2], from[2];

	signal(SIGPIPE, SIG_IGN);
	if (!peer || pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		bail("cannot make pipes: %s", strerror(errno));
	peer->pid = fork();
	if (peer->pid < 0)
		bail("cannot fork: %s", strerror(errno));
	if (!peer->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	peer->to = fdopen(to[1], "w");
	peer->from = fdopen(from[0], "r");
	return peer;
}

struct peer *peer_try(char **argv)
{
	struct peer *peer;

	argv[0] = "load";
	peer = peer_spawn(argv);
	if (fgets(peer->line, sizeof(peer->line), peer->from) && !strncmp(peer->line, "ready ", 6))
		return peer;
	peer_kill(peer);
	return NULL;
}

struct peer *peer_start(const char *arg, ...)
{
	char *argv[MAX_ARGS + 2] = { "load" };
	struct peer *peer;
	va_list args;
	int argc = 1;

	va_start(args, arg);
	for (; arg && argc <= MAX_ARGS; arg = va_arg(args, const char *))
		argv[argc++] = (char *)arg;
	va_end(args);

	peer = peer_spawn(argv);
	if (!fgets(peer->line, sizeof(peer->line), peer->from))
		bail("load did not start; is build/tools in PATH?");
	if (strncmp(peer->line, "ready ", 6))
		bail("load is not ready: %s", peer->line);
	return peer;
}

static void vsend(struct peer *peer, const char *command, va_list args)
{
	vfprintf(peer->to, command, args);
	fputc('\n', peer->to);
	fflush(peer->to);
}

void peer_send(struct peer *peer, const char *command, ...)
{
	va_list args;

	va_start(args, command);
	vsend(peer, command, args);
	va_end(args);
}

bool peer_answer(struct peer *peer)
{
	if (!fgets(peer->line, sizeof(peer->line), peer->from))
		strcpy(peer->line, "error load is gone");
	peer->line[strcspn(peer->line, "\n")] = '\0';
	if (!strncmp(peer->line, "ok ", 3))
		return true;
	diag("load: %s", peer->line);
	return false;
}

bool peer_do(struct peer *peer, const char *command, ...)
{
	va_list args;

	va_start(args, command);
	vsend(peer, command, args);
	va_end(args);
	return peer_answer(peer);
}

double peer_value(const struct peer *peer, const char *key)
{
	char pattern[32];
	const char *at;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	at = strstr(peer->line, pattern);
	return at ? strtod(at + strlen(pattern), NULL) : -1;
}

static int peer_end(struct peer *peer)
{
	int status = -1;

	fclose(peer->to);
	fclose(peer->from);
	waitpid(peer->pid, &status, 0);
	free(peer);
	return status;
}

bool peer_quit(struct peer *peer)
{
	peer_send(peer, "quit");
	return !peer_end(peer);
}

void peer_kill(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	peer_end(peer);
}
