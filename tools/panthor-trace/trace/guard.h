/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_GUARD_H
#define PANTHOR_TRACE_GUARD_H

/* Its exit status; EXIT_FAILED, with a line that says so, if it fell over @file */
int guarded_call(int (*run)(void *context), void *context, const char *file);
/* The same for a subcommand; its last argument names the file, if it is none of its options. */
int guarded(int (*run)(int argc, char **argv), int argc, char **argv);

#endif
