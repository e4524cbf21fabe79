// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fence.h"
#include "tap.h"

/* From drivers/dma-buf/sw_sync.c, for there is no header */
struct sw_sync_create_fence_data {
	uint32_t value;
	char name[32];
	int32_t fence;
};

#define SW_SYNC_IOC_CREATE_FENCE _IOWR('W', 0, struct sw_sync_create_fence_data)
#define SW_SYNC_IOC_INC _IOW('W', 1, uint32_t)

int fence_block(struct bo *bo)
{
	struct sw_sync_create_fence_data fence = { .value = 1, .name = "blocked" };
	int timeline = open(SW_SYNC, O_RDWR | O_CLOEXEC);
	struct dma_buf_import_sync_file import = { .flags = DMA_BUF_SYNC_WRITE };
	int dmabuf = bo_export(bo), ret = -ENODEV;

	if (timeline >= 0 && dmabuf >= 0 && !ioctl(timeline, SW_SYNC_IOC_CREATE_FENCE, &fence)) {
		import.fd = fence.fence;
		ret = ioctl(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import) ? -errno : timeline;
		close(fence.fence);
	}
	if (dmabuf >= 0)
		close(dmabuf);
	if (ret < 0 && timeline >= 0)
		close(timeline);
	return ret;
}

void fence_end(int fence)
{
	uint32_t by = 1;

	if (ioctl(fence, SW_SYNC_IOC_INC, &by))
		bail("cannot signal a fence: %s", strerror(errno));
	close(fence);
}
