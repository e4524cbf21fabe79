/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PANTHOR_TRACE_GUARD_H
#define PANTHOR_TRACE_GUARD_H

int guarded(int (*run)(int argc, char **argv), int argc, char **argv);

#endif
