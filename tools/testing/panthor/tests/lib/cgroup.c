// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "reclaim.h"
#include "tap.h"

#define ROOT "/sys/fs/cgroup"

void cgroup_make(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), ROOT "/%s", name);
	if (write_file(ROOT "/cgroup.subtree_control", "+memory", 7) < 0 ||
	    (mkdir(path, 0755) && errno != EEXIST))
		bail("cannot make %s", path);
}

void cgroup_remove(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), ROOT "/%s", name);
	/* Who was killed may need a moment to leave */
	for (int tries = 0; rmdir(path); tries++) {
		if (errno != EBUSY || tries == 100)
			bail("cannot remove %s: %s", path, strerror(errno));
		usleep(50000);
	}
}

void cgroup_set(const char *name, const char *file, const char *value)
{
	char path[128];
	ssize_t ret;

	snprintf(path, sizeof(path), ROOT "/%s/%s", name, file);
	ret = write_file(path, value, strlen(value));
	if (ret < 0)
		bail("cannot write %s to %s: %s", value, path, strerror(-ret));
}

void cgroup_enter(const char *name)
{
	cgroup_set(name ? name : "cmd", "cgroup.procs", "0");
}

long cgroup_value(const char *name, const char *file, const char *key)
{
	char path[128], line[64], word[32];
	long value = -1, number;
	FILE *stream;

	snprintf(path, sizeof(path), ROOT "/%s/%s", name, file);
	stream = fopen(path, "r");
	while (stream && fgets(line, sizeof(line), stream))
		if (key ? sscanf(line, "%31s %ld", word, &number) == 2 && !strcmp(word, key)
			: sscanf(line, "%ld", &number) == 1)
			value = number;
	if (!stream || value < 0)
		bail("cannot read %s", path);
	fclose(stream);
	return value;
}

void cgroup_wait_frozen(const char *name)
{
	for (int tries = 0; !cgroup_value(name, "cgroup.events", "frozen"); tries++) {
		if (tries == 1000)
			bail("%s does not freeze", name);
		usleep(10000);
	}
}

long cgroup_oom_kills(const char *name)
{
	return cgroup_value(name, "memory.events", "oom_kill");
}
