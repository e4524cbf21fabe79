/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_EVENT_H__
#define __PANTHOR_SIM_EVENT_H__

#include <linux/types.h>

#include "sim_irq.h"

struct panthor_fw_csg_input_iface;
struct panthor_fw_csg_output_iface;
struct panthor_fw_cs_input_iface;
struct panthor_fw_cs_output_iface;

/**
 * struct psim_csg_io - A group slot's part of the firmware interface
 */
struct psim_csg_io {
	/** @irqs: Interrupt lines. */
	struct psim_irqs *irqs;

	/** @slot: Slot number. */
	u32 slot;

	/** @in: Input interface. */
	struct panthor_fw_csg_input_iface *in;

	/** @out: Output interface. */
	struct panthor_fw_csg_output_iface *out;
};

/**
 * struct psim_cs_io - A stream's part of the firmware interface
 */
struct psim_cs_io {
	/** @csg: The group slot's part. */
	struct psim_csg_io *csg;

	/** @index: Index of the stream in the group. */
	u32 index;

	/** @in: Input interface. */
	struct panthor_fw_cs_input_iface *in;

	/** @out: Output interface. */
	struct panthor_fw_cs_output_iface *out;
};

void psim_csg_event(struct psim_csg_io *io, u32 event);
void psim_cs_event(struct psim_cs_io *io, u32 event);

#endif /* __PANTHOR_SIM_EVENT_H__ */
