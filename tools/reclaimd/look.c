// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "look.h"

/* One more; the number of elements says when the room is doubled */
static void *grown(void *array, unsigned int count, size_t size)
{
	if (count & (count - 1))
		return array;
	array = realloc(array, (count ? 2 * count : 1) * size);
	/* Without memory nothing can be done: systemd restarts the daemon */
	if (!array)
		abort();
	return array;
}

unsigned int look_add_process(struct look *look, const struct process *process)
{
	look->processes = grown(look->processes, look->nr_processes, sizeof(*process));
	look->processes[look->nr_processes] = *process;
	return look->nr_processes++;
}

static unsigned int find_client(struct look *look, const char *device, const struct fdinfo *info)
{
	unsigned int i;

	for (i = 0; i < look->nr_clients; i++) {
		struct gpu_client *client = &look->clients[i];

		if (client->info.id != info->id || strcmp(client->device, device))
			continue;
		client->info = *info;
		return i;
	}
	look->clients = grown(look->clients, look->nr_clients, sizeof(*look->clients));
	snprintf(look->clients[i].device, DEVICE_LEN, "%s", device);
	look->clients[i].info = *info;
	return look->nr_clients++;
}

void look_add_file(struct look *look, unsigned int process, const char *device,
		   const struct fdinfo *info)
{
	unsigned int client = find_client(look, device, info);

	for (unsigned int i = 0; i < look->nr_holds; i++)
		if (look->holds[i].process == process && look->holds[i].client == client)
			return;
	look->holds = grown(look->holds, look->nr_holds, sizeof(*look->holds));
	look->holds[look->nr_holds++] = (struct hold){ process, client };
}

void look_clear(struct look *look)
{
	for (unsigned int i = 0; i < look->nr_processes; i++)
		if (look->processes[i].pidfd >= 0)
			close(look->processes[i].pidfd);
	free(look->processes);
	free(look->clients);
	free(look->holds);
	*look = (struct look){ 0 };
}

struct fdinfo look_sum(const struct look *look, unsigned int process, const char *device)
{
	struct fdinfo sum = { 0 };

	for (unsigned int i = 0; i < look->nr_holds; i++) {
		const struct gpu_client *client = &look->clients[look->holds[i].client];

		if (look->holds[i].process != process || strcmp(client->device, device))
			continue;
		sum.reclaimable += client->info.reclaimable;
		sum.evicted += client->info.evicted;
		sum.swap += client->info.swap;
		sum.ram += client->info.ram;
		sum.evictions += client->info.evictions;
		sum.swapins += client->info.swapins;
	}
	return sum;
}
