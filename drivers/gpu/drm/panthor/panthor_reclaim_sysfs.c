// SPDX-License-Identifier: GPL-2.0 OR MIT

#include <linux/capability.h>
#include <linux/cleanup.h>
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/overflow.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "panthor_device.h"
#include "panthor_reclaim_internal.h"

DEFINE_FREE(put_pid, struct pid *, put_pid(_T))

/*
 * Parse an amount as memory.reclaim does. Unlike memparse(), reject an overflow and
 * anything after the amount but a newline. Modifies @text.
 */
static int panthor_reclaim_parse_bytes(char *text, u64 *bytes)
{
	static const char units[] = "kmgtpe";
	size_t len = strlen(text);
	const char *unit = NULL;
	char *last;
	int ret;

	if (!isdigit(*text))
		return -EINVAL;

	if (text[len - 1] == '\n')
		text[--len] = '\0';

	/* In hexadecimal, e is a digit. */
	last = text + len - 1;
	if (!isdigit(*last) && !(tolower(text[1]) == 'x' && isxdigit(*last))) {
		unit = strchr(units, tolower(*last));
		if (!unit)
			return -EINVAL;
		*last = '\0';
	}

	/* kstrtoull() accepts a newline. */
	if (strchr(text, '\n'))
		return -EINVAL;

	ret = kstrtoull(text, 0, bytes);
	if (ret)
		return ret;

	if (unit && check_shl_overflow(*bytes, 10 * (unit - units + 1), bytes))
		return -ERANGE;

	return *bytes ? 0 : -EINVAL;
}

/* Parse "TGID" or "TGID BYTES". @bytes is 0 if it is absent. */
static int panthor_reclaim_parse(const char *buf, int *tgid, u64 *bytes)
{
	char *text __free(kfree) = kstrdup(buf, GFP_KERNEL);
	char *more;
	int ret;

	if (!text)
		return -ENOMEM;

	*bytes = 0;
	more = strpbrk(text, " \t");
	if (!more)
		return kstrtoint(text, 0, tgid);

	*more++ = '\0';
	if (strchr(text, '\n'))
		return -EINVAL;

	ret = kstrtoint(text, 0, tgid);
	if (ret)
		return ret;

	return panthor_reclaim_parse_bytes(more + strspn(more, " \t"), bytes);
}

/**
 * panthor_reclaim_store() - Parse a write, check permission, make the request
 * @dev: Device.
 * @buf: Text that was written: "TGID" or "TGID BYTES".
 * @len: Length of @buf.
 * @request: Makes the request for process tgid: bytes, or all if that is 0.
 *
 * Context: Process context, sleeps, interruptible.
 * Return: @len; %-EINVAL or %-ERANGE for bad input; %-EPERM for another process
 * without CAP_SYS_RESOURCE, existing or not; %-ESRCH; %-ENOMEM; or the error of
 * @request.
 */
ssize_t panthor_reclaim_store(struct device *dev, const char *buf, size_t len,
			      int (*request)(struct panthor_device *ptdev, struct pid *tgid,
					     u64 bytes))
{
	struct pid *tgid __free(put_pid) = NULL;
	u64 bytes;
	int nr, ret;

	ret = panthor_reclaim_parse(buf, &nr, &bytes);
	if (ret)
		return ret;

	/* In the PID namespace of the requester. */
	tgid = find_get_pid(nr);

	/* Check before revealing whether the process exists. */
	if (tgid != task_tgid(current) && !capable(CAP_SYS_RESOURCE))
		return -EPERM;

	if (!tgid)
		return -ESRCH;

	ret = request(dev_get_drvdata(dev), tgid, bytes);
	return ret ? : len;
}

static ssize_t mem_reclaim_store(struct device *dev, struct device_attribute *attr,
				 const char *buf, size_t len)
{
	return panthor_reclaim_store(dev, buf, len, panthor_reclaim_process);
}

DEVICE_ATTR_WO(mem_reclaim);
