/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_GROUP_H__
#define __PANTHOR_SIM_GROUP_H__

#include "sim_cs.h"
#include "sim_event.h"
#include "sim_mmu.h"

#define PSIM_NUM_CSG		8

/**
 * struct psim_timers - Timers that the driver sets for all groups
 */
struct psim_timers {
	/** @idle_ns: Idle hysteresis, from the global idle timer. */
	u64 idle_ns;

	/** @progress_ns: Progress timeout, from the global progress timer. */
	u64 progress_ns;
};

/**
 * struct psim_csg - A command stream group slot
 */
struct psim_csg {
	/** @io: The slot's part of the firmware interface. */
	struct psim_csg_io io;

	/** @env: What the streams of the group share. */
	struct psim_env env;

	/** @mmu: MMU, whose address spaces the driver gives to groups. */
	struct psim_mmu *mmu;

	/** @active: True between START or RESUME and SUSPEND or TERMINATE. */
	bool active;

	/** @idle: True if all streams are idle. */
	bool idle;

	/** @idle_reported: True once the event of this idle period was raised. */
	bool idle_reported;

	/** @progress_reported: True once a progress timer event was raised. */
	bool progress_reported;

	/** @idle_since: When the group became idle (ns). */
	u64 idle_since;

	/** @priority: Priority, from the endpoint configuration. */
	u32 priority;

	/** @cs: Streams. */
	struct psim_cs cs[PSIM_NUM_CS];
};

void psim_csg_request(struct psim_csg *csg);
void psim_csg_stop(struct psim_csg *csg);
void psim_csg_abort(struct psim_csg *csg);
u64 psim_csg_run(struct psim_csg *csg, const struct psim_timers *timers, u64 now);

#endif /* __PANTHOR_SIM_GROUP_H__ */
