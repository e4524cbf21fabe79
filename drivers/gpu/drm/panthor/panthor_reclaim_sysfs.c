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
 * An amount as memory.reclaim takes it: what memparse() does, but that refuses
 * what is too large instead of wrapping it, and nothing may follow but a newline.
 * @text is changed.
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

	/* In hexadecimal an e is a digit. */
	last = text + len - 1;
	if (!isdigit(*last) && !(tolower(text[1]) == 'x' && isxdigit(*last))) {
		unit = strchr(units, tolower(*last));
		if (!unit)
			return -EINVAL;
		*last = '\0';
	}

	/* Takes a newline, too. */
	if (strchr(text, '\n'))
		return -EINVAL;

	ret = kstrtoull(text, 0, bytes);
	if (ret)
		return ret;

	if (unit && check_shl_overflow(*bytes, 10 * (unit - units + 1), bytes))
		return -ERANGE;

	return *bytes ? 0 : -EINVAL;
}

/* "TGID" or "TGID BYTES". @bytes is 0 if there are none. */
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
 * panthor_reclaim_store() - Do what a write asks for, if the writer may
 * @dev: Device.
 * @buf: What was written: "TGID" or "TGID BYTES".
 * @len: Length of it.
 * @request: What to do: for a process, that many bytes, 0 for all.
 *
 * Return: @len; %-EINVAL; %-ERANGE; %-EPERM, also if there is no such process; %-ESRCH;
 * %-ENOMEM; or what @request returns.
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

	/* The number means what it means to the writer. */
	tgid = find_get_pid(nr);

	/* Refuse before anything tells whether there is such a process. */
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
