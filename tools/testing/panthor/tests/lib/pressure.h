/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that gets tight, the ordinary way: a process that has most of it and wants more.
 */
#ifndef TESTS_PRESSURE_H
#define TESTS_PRESSURE_H

#include <sys/types.h>

/*
 * Leaves the machine @free_mib short of full, by locked memory, and then goes over twice as much
 * again and again. Returns when the first is done. The process is the first one to go if there is
 * no way out; end it with SIGKILL
 */
pid_t pressure_start(long free_mib);

#endif
