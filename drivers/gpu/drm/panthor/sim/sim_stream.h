/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_STREAM_H__
#define __PANTHOR_SIM_STREAM_H__

#include "sim_cs.h"

void psim_cs_start(struct psim_cs *cs);
void psim_cs_attach(struct psim_cs *cs);
void psim_cs_save(struct psim_cs *cs);
u64 psim_cs_run(struct psim_cs *cs, u64 now);
void psim_cs_publish_status(struct psim_cs *cs);
void psim_cs_doorbell(struct psim_cs *cs, bool active);
bool psim_cs_is_idle(const struct psim_cs *cs);
void psim_cs_abort(struct psim_cs *cs);

#endif /* __PANTHOR_SIM_STREAM_H__ */
