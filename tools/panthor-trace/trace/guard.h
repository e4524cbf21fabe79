/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_GUARD_H
#define PANTHOR_TRACE_GUARD_H

/* Its exit status; EXIT_FAILED, with a line that says so, if it fell over a file */
int guarded_call(int (*run)(void *context), void *context);
/* The same for a subcommand */
int guarded(int (*run)(int argc, char **argv), int argc, char **argv);
/* From here on it is this file that it would fall over. */
void guard_reads(const char *file);

#endif
