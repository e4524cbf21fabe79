/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cgroups, with the memory controller: "name" is below the root. What goes wrong ends the test.
 */
#ifndef TESTS_CGROUP_H
#define TESTS_CGROUP_H

void cgroup_make(const char *name);
/* It must be empty by now */
void cgroup_remove(const char *name);
/* Move the caller, its threads and all it will fork; NULL: back to where the tests run */
void cgroup_enter(const char *name);
/* Write @value to one of its files */
void cgroup_set(const char *name, const char *file, const char *value);
/* The number after @key in one of its files; NULL: the number that it holds */
long cgroup_value(const char *name, const char *file, const char *key);
/* After cgroup.freeze: wait until all there stand still */
void cgroup_wait_frozen(const char *name);
/* How often the kernel killed somebody there for want of memory */
long cgroup_oom_kills(const char *name);

#endif
