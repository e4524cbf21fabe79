// SPDX-License-Identifier: GPL-2.0 OR MIT

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/pid.h>
#include <linux/sched.h>

#include "panthor_device.h"
#include "panthor_reclaim_internal.h"

DEFINE_FREE(put_pid, struct pid *, put_pid(_T))

static ssize_t mem_reclaim_store(struct device *dev, struct device_attribute *attr,
				 const char *buf, size_t len)
{
	struct pid *tgid __free(put_pid) = NULL;
	int nr, ret;

	ret = kstrtoint(buf, 0, &nr);
	if (ret)
		return ret;

	/* The number means what it means to the writer. */
	tgid = find_get_pid(nr);

	/* Refuse before anything tells whether there is such a process. */
	if (tgid != task_tgid(current) && !capable(CAP_SYS_RESOURCE))
		return -EPERM;

	if (!tgid)
		return -ESRCH;

	ret = panthor_reclaim_process(dev_get_drvdata(dev), tgid, 0);
	return ret ? : len;
}

DEVICE_ATTR_WO(mem_reclaim);
