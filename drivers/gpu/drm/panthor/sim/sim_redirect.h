/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef __PANTHOR_SIM_REDIRECT_H__
#define __PANTHOR_SIM_REDIRECT_H__

/*
 * Forced include of the Panthor driver's own objects in a kernel with
 * CONFIG_DRM_PANTHOR_SIM. The headers that declare what is redirected come
 * first, so that only the driver's calls are replaced. The replacements fall
 * back to the real thing for any device but the simulated one.
 */

#include <linux/io.h>
#include <linux/platform_device.h>

u32 panthor_sim_readl(const void __iomem *addr);
u32 panthor_sim_readl_relaxed(const void __iomem *addr);
void panthor_sim_writel(u32 val, void __iomem *addr);
void __iomem *panthor_sim_get_and_ioremap_resource(struct platform_device *pdev,
						   unsigned int index,
						   struct resource **res);

/* The simulator itself needs the declarations only. */
#ifndef PANTHOR_SIM_NO_REDIRECT
#undef readl
#undef readl_relaxed
#undef writel
#define readl(addr) panthor_sim_readl(addr)
#define readl_relaxed(addr) panthor_sim_readl_relaxed(addr)
#define writel(val, addr) panthor_sim_writel(val, addr)
#define devm_platform_get_and_ioremap_resource panthor_sim_get_and_ioremap_resource
#endif

#endif /* __PANTHOR_SIM_REDIRECT_H__ */
