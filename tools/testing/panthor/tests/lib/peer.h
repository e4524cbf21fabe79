/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Another process that uses the GPU: the `load` program, driven through its commands.
 */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

struct peer {
	pid_t pid;
	FILE *to;
	FILE *from;
	char line[512];
};

/*
 * Arguments of load, NULL at the end; returns when it is ready, bails out if it does not get there
 */
struct peer *peer_start(const char *arg, ...) __attribute__((sentinel));
/* The same with arguments in an array, of which [0] is ignored; NULL if it does not get there */
struct peer *peer_try(char **argv);
/* Send a command and wait for its answer, which is then in @line; true if that is "ok" */
bool peer_do(struct peer *peer, const char *command, ...) __attribute__((format(printf, 2, 3)));
/* The two halves of it */
void peer_send(struct peer *peer, const char *command, ...) __attribute__((format(printf, 2, 3)));
bool peer_answer(struct peer *peer);
/* The number after "KEY=" in the last answer, or -1 */
double peer_value(const struct peer *peer, const char *key);
/* Let it go in peace; true if all its commands went well */
bool peer_quit(struct peer *peer);
void peer_kill(struct peer *peer);

#endif
