/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * The kernel's own reclaim events, for readers that cannot parse them: they
 * are next to the driver's in most traces.
 */
#ifndef PANTHOR_TRACE_PLUGIN_VMSCAN_H
#define PANTHOR_TRACE_PLUGIN_VMSCAN_H

struct tep_handle;

void pt_vmscan_register(struct tep_handle *tep);
void pt_vmscan_unregister(struct tep_handle *tep);

#endif
