// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <traceevent/event-parse.h>
#include <tracefs/tracefs.h>

#include "cli.h"
#include "live.h"

#define BUFFER_KB 1024
#define SYSFS_GLOB "/sys/bus/platform/drivers/panthor/*/mem_reclaim"

struct live {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	struct pt_names *names;
	struct pt_format fmt[PT_NR_KINDS];
	const struct tep_event *event[PT_NR_KINDS];

	/* during a poll */
	void (*on_event)(void *context, const struct pt_event *ev);
	void (*on_lost)(void *context, uint64_t count);
	void *context;
};

const char *live_problem(void)
{
	const char *dir = tracefs_tracing_dir();

	if (!dir || access(dir, R_OK | X_OK))
		return geteuid() ? "tracing needs root"
				 : "tracefs is not mounted; mount -t tracefs nodev "
				   "/sys/kernel/tracing";
	if (!tracefs_event_file_exists(NULL, PT_SYSTEM, pt_event_name(PT_RECLAIM_END), "enable"))
		return "the kernel has no reclaim events of panthor; load the driver (modprobe "
		       "panthor), built with CONFIG_DRM_PANTHOR_RECLAIM";
	return NULL;
}

struct live *live_open(struct pt_names *names)
{
	static const char *const systems[] = { PT_SYSTEM, NULL };
	const char *problem = live_problem();
	struct live *live;
	char name[64];

	if (problem) {
		pt_error("%s", problem);
		return NULL;
	}
	live = xcalloc(1, sizeof(*live));
	live->names = names;
	pt_names_init(names);
	snprintf(name, sizeof(name), "panthor-trace-%d", (int)getpid());
	live->instance = tracefs_instance_create(name);
	live->tep = tracefs_local_events_system(tracefs_tracing_dir(), systems);
	if (!live->instance || !live->tep) {
		pt_error("cannot make a trace instance: %s", strerror(errno));
		live_close(live);
		return NULL;
	}

	tracefs_instance_set_buffer_size(live->instance, BUFFER_KB, -1);
	for (int i = 0; i < PT_NR_KINDS; i++) {
		live->event[i] = tep_find_event_by_name(live->tep, PT_SYSTEM, pt_event_name(i));
		if (!live->event[i])
			continue;
		pt_format_init(&live->fmt[i], names, live->event[i]);
		tracefs_event_enable(live->instance, PT_SYSTEM, pt_event_name(i));
	}
	tracefs_trace_on(live->instance);
	return live;
}

static int on_record(struct tep_event *event, struct tep_record *record, int cpu, void *context)
{
	struct live *live = context;
	struct pt_event ev;

	if (record->missed_events && live->on_lost)
		live->on_lost(live->context, record->missed_events > 0 ? record->missed_events : 1);
	for (int i = 0; i < PT_NR_KINDS; i++) {
		if (!live->event[i] || live->event[i]->id != event->id)
			continue;
		if (pt_decode(&live->fmt[i], live->tep, record->data, record->size, &ev))
			return 0;
		ev.ts = record->ts;
		ev.cpu = cpu;
		live->on_event(live->context, &ev);
	}
	return 0;
}

int live_poll(struct live *live, void (*event)(void *context, const struct pt_event *ev),
	      void (*lost)(void *context, uint64_t count), void *context)
{
	live->on_event = event;
	live->on_lost = lost;
	live->context = context;
	return tracefs_iterate_raw_events(live->tep, live->instance, NULL, 0, on_record, live);
}

void live_close(struct live *live)
{
	if (!live)
		return;
	if (live->instance) {
		tracefs_trace_off(live->instance);
		tracefs_event_disable(live->instance, PT_SYSTEM, NULL);
		tracefs_instance_destroy(live->instance);
		tracefs_instance_free(live->instance);
	}
	if (live->tep)
		tep_free(live->tep);
	free(live);
}

char *live_reclaim_file(const char *device)
{
	char *path = NULL;
	glob_t found;

	if (device) {
		if (asprintf(&path, "/sys/bus/platform/devices/%s/mem_reclaim", device) < 0)
			return NULL;
		if (!strchr(device, '/') && !access(path, F_OK))
			return path;
		pt_error("no device %s with mem_reclaim", device);
		free(path);
		return NULL;
	}

	if (glob(SYSFS_GLOB, 0, NULL, &found)) {
		pt_error("no panthor device with mem_reclaim; is the driver loaded, and built with "
			 "CONFIG_DRM_PANTHOR_RECLAIM?");
		return NULL;
	}
	if (found.gl_pathc > 1)
		pt_error("%zu panthor devices; choose one with --device", found.gl_pathc);
	else
		path = xstrdup(found.gl_pathv[0]);
	globfree(&found);
	return path;
}
