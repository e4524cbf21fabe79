// SPDX-License-Identifier: GPL-2.0 OR MIT

/**
 * DOC: overview
 *
 * panthor_sim is a Mali-G610 class GPU in software for the Panthor driver: the
 * register file, the interrupts, the MMU, the firmware interface and the command
 * stream interpreter of the hardware, as far as the driver and memory management
 * can see them. It registers a platform device named "panthor" with a clock, an
 * operating point and three interrupts, to which the unmodified driver binds.
 *
 * Only the access to registers differs from hardware. There is no register window in
 * the address space: a forced include redirects devm_platform_get_and_ioremap_resource(),
 * readl() and writel() of the driver's objects to this file. For the simulated device,
 * the "mapping" is an address that is never accessed, from which the accessors get the
 * offset of the register; for other devices they are the kernel's own. User space may
 * map one page of registers, the flush id: an ordinary page of memory. The resource of
 * the device starts at an address that puts this page at the right offset.
 */

#include <linux/clk-provider.h>
#include <linux/clkdev.h>
#include <linux/dma-mapping.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pm_domain.h>
#include <linux/pm_opp.h>
#include <linux/pm_runtime.h>
#include <linux/poison.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "panthor_fw_regs.h"
#include "sim.h"

#define PANTHOR_SIM_NO_REDIRECT
#include "sim_redirect.h"

/* An address that faults if it is accessed. */
#define PSIM_COOKIE	((unsigned long)POISON_POINTER_DELTA + SZ_1G)

/* The simulated GPU and its platform devices. */
struct psim_device {
	struct psim sim;
	struct platform_device *parent;	/* stands for the bus of the GPU */
	struct platform_device *pdev;
	struct resource res;		/* stands for the register window */
	struct clk_hw *clk;
	struct clk_lookup *clkdev;
	struct dentry *debugfs;
};

static struct psim_device *psim;

static bool psim_owns(const void __iomem *addr, u32 *reg)
{
	unsigned long offset = (unsigned long)addr - PSIM_COOKIE;

	*reg = offset;
	return offset < PSIM_MMIO_SIZE;
}

/**
 * panthor_sim_readl() - readl() of the Panthor driver
 * @addr: Address.
 *
 * Return: The value read.
 */
u32 panthor_sim_readl(const void __iomem *addr)
{
	u32 reg;

	return psim_owns(addr, &reg) ? psim_reg_read(&psim->sim, reg) : readl(addr);
}
EXPORT_SYMBOL_GPL(panthor_sim_readl);

/**
 * panthor_sim_readl_relaxed() - readl_relaxed() of the Panthor driver
 * @addr: Address.
 *
 * Return: The value read.
 */
u32 panthor_sim_readl_relaxed(const void __iomem *addr)
{
	u32 reg;

	return psim_owns(addr, &reg) ? psim_reg_read(&psim->sim, reg) : readl_relaxed(addr);
}
EXPORT_SYMBOL_GPL(panthor_sim_readl_relaxed);

/**
 * panthor_sim_writel() - writel() of the Panthor driver
 * @val: Value to write.
 * @addr: Address.
 */
void panthor_sim_writel(u32 val, void __iomem *addr)
{
	u32 reg;

	if (psim_owns(addr, &reg))
		psim_reg_write(&psim->sim, reg, val);
	else
		writel(val, addr);
}
EXPORT_SYMBOL_GPL(panthor_sim_writel);

/**
 * panthor_sim_get_and_ioremap_resource() - Stand-in for the devm_platform_*() function
 * @pdev: Device that the driver probes.
 * @index: Index of the resource.
 * @res: Where to store the resource, can be NULL.
 *
 * Return: Address for the accessors above, or an error pointer.
 */
void __iomem *panthor_sim_get_and_ioremap_resource(struct platform_device *pdev,
						   unsigned int index,
						   struct resource **res)
{
	if (!psim || pdev != psim->pdev)
		return devm_platform_get_and_ioremap_resource(pdev, index, res);

	if (index)
		return IOMEM_ERR_PTR(-EINVAL);
	if (res)
		*res = &psim->res;
	return (void __iomem *)PSIM_COOKIE;
}
EXPORT_SYMBOL_GPL(panthor_sim_get_and_ioremap_resource);

static int psim_flush_page_init(struct psim_device *dev)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	if (!page)
		return -ENOMEM;

	dev->sim.gpu.flush_page = page;
	dev->res = DEFINE_RES_MEM_NAMED(page_to_phys(page) - CSF_GPU_LATEST_FLUSH_ID,
					PSIM_MMIO_SIZE, "panthor-sim");
	return 0;
}

static int psim_clock_init(struct psim_device *dev)
{
	dev->clk = clk_hw_register_fixed_rate(NULL, "panthor-sim", NULL, 0, PSIM_CLOCK_HZ);
	if (IS_ERR(dev->clk))
		return PTR_ERR(dev->clk);

	dev->clkdev = clkdev_hw_create(dev->clk, NULL, "panthor");
	if (!dev->clkdev) {
		clk_hw_unregister_fixed_rate(dev->clk);
		return -ENOMEM;
	}

	return 0;
}

static void psim_clock_fini(struct psim_device *dev)
{
	clkdev_drop(dev->clkdev);
	clk_hw_unregister_fixed_rate(dev->clk);
}

/*
 * The GPU's parent is suspended after the GPU and resumed before it. With a knob it
 * refuses, and a system suspend ends there: the GPU was suspended and is resumed, most
 * other devices are not affected.
 */
static int psim_parent_suspend(struct device *dev)
{
	return psim_take(&psim->sim.base.knobs.refuse_suspend) ? -EBUSY : 0;
}

static const struct dev_pm_ops psim_parent_pm_ops = {
	SYSTEM_SLEEP_PM_OPS(psim_parent_suspend, NULL)
};

static struct platform_driver psim_parent_driver = {
	.driver = {
		.name = "panthor-sim",
		.pm = pm_sleep_ptr(&psim_parent_pm_ops),
	},
};

static int psim_parent_init(struct psim_device *dev)
{
	int ret = platform_driver_register(&psim_parent_driver);

	if (ret)
		return ret;

	dev->parent = platform_device_register_simple("panthor-sim", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(dev->parent)) {
		platform_driver_unregister(&psim_parent_driver);
		return PTR_ERR(dev->parent);
	}

	return 0;
}

static void psim_parent_fini(struct psim_device *dev)
{
	platform_device_unregister(dev->parent);
	platform_driver_unregister(&psim_parent_driver);
}

/* A runtime suspend ends with the power off. */
static int psim_runtime_suspend(struct device *dev)
{
	int ret = pm_generic_runtime_suspend(dev);

	if (!ret)
		psim_engine_power_off(&psim->sim);
	return ret;
}

static struct dev_pm_domain psim_pm_domain = {
	.ops = {
		RUNTIME_PM_OPS(psim_runtime_suspend, pm_generic_runtime_resume, NULL)
		SYSTEM_SLEEP_PM_OPS(pm_generic_suspend, pm_generic_resume)
	},
};

static int psim_device_init(struct psim_device *dev)
{
	const struct resource res[] = {
		DEFINE_RES_IRQ_NAMED(dev->sim.irqs.irq[PSIM_IRQ_JOB].virq, "job"),
		DEFINE_RES_IRQ_NAMED(dev->sim.irqs.irq[PSIM_IRQ_MMU].virq, "mmu"),
		DEFINE_RES_IRQ_NAMED(dev->sim.irqs.irq[PSIM_IRQ_GPU].virq, "gpu"),
	};
	const struct platform_device_info info = {
		.parent = &dev->parent->dev,
		.name = "panthor",
		.id = PLATFORM_DEVID_NONE,
		.res = res,
		.num_res = ARRAY_SIZE(res),
		.dma_mask = DMA_BIT_MASK(40),
	};
	int ret;

	dev->pdev = platform_device_register_full(&info);
	if (IS_ERR(dev->pdev))
		return PTR_ERR(dev->pdev);

	/*
	 * Before the driver probes: its module needs our symbols, so it is not
	 * loaded yet; if it is built in, it is linked, and so initialised, after us.
	 */
	dev_pm_domain_set(&dev->pdev->dev, &psim_pm_domain);
	ret = dev_pm_opp_add(&dev->pdev->dev, PSIM_CLOCK_HZ, 0);
	if (ret)
		platform_device_unregister(dev->pdev);
	return ret;
}

static void psim_device_fini(struct psim_device *dev)
{
	struct platform_device *pdev = dev->pdev;

	dev_pm_opp_remove(&pdev->dev, PSIM_CLOCK_HZ);
	platform_device_unregister(pdev);
}

static int __init psim_init(void)
{
	struct psim_device *dev;
	struct psim *sim;
	int ret;

	dev = kvzalloc_obj(*dev);
	if (!dev)
		return -ENOMEM;

	sim = &dev->sim;
	sim->base.knobs.insn_per_sec = PSIM_DEFAULT_SPEED;

	ret = psim_flush_page_init(dev);
	if (ret)
		goto err_free;

	ret = psim_irq_init(&sim->irqs, &sim->base);
	if (ret)
		goto err_free_page;

	psim_mmu_init(&sim->mmu, &sim->base, &sim->irqs);
	psim_gpu_init(&sim->gpu, &sim->base, &sim->irqs);
	psim_mcu_init(&sim->mcu, &sim->base, &sim->irqs, &sim->mmu, &sim->gpu);

	ret = psim_engine_start(sim);
	if (ret)
		goto err_irq;

	ret = psim_clock_init(dev);
	if (ret)
		goto err_engine;

	dev->debugfs = psim_debugfs_init(sim);
	psim = dev;

	ret = psim_parent_init(dev);
	if (ret)
		goto err_clock;

	ret = psim_device_init(dev);
	if (ret)
		goto err_parent;

	return 0;

err_parent:
	psim_parent_fini(dev);
err_clock:
	psim = NULL;
	psim_debugfs_fini(dev->debugfs);
	psim_clock_fini(dev);
err_engine:
	psim_engine_stop(sim);
err_irq:
	psim_irq_fini(&sim->irqs);
err_free_page:
	__free_page(sim->gpu.flush_page);
err_free:
	kvfree(dev);
	return ret;
}
module_init(psim_init);

static void __exit psim_exit(void)
{
	struct psim_device *dev = psim;
	struct psim *sim = &dev->sim;

	psim_device_fini(dev);
	psim_parent_fini(dev);
	psim_debugfs_fini(dev->debugfs);
	psim_engine_stop(sim);
	psim_clock_fini(dev);
	psim_irq_fini(&sim->irqs);
	psim = NULL;
	__free_page(sim->gpu.flush_page);
	kvfree(dev);
}
module_exit(psim_exit);

MODULE_DESCRIPTION("Simulated Mali CSF GPU");
MODULE_LICENSE("Dual MIT/GPL");
