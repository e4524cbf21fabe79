// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "measure.h"
#include "reclaim.h"
#include "tap.h"

int repetitions;
static struct client_error err;

void series_add(struct series *series, double value)
{
	if (series->nr < MAX_SAMPLES)
		series->value[series->nr++] = value;
}

struct series series_ratio(const struct series *a, const struct series *b)
{
	struct series ratio = { .nr = 0 };
	double least_a = 0, least_b = 0;

	for (int i = 0; i < a->nr && i < b->nr; i++) {
		series_add(&ratio, a->value[i] / b->value[i]);
		least_a = i && least_a < a->value[i] ? least_a : a->value[i];
		least_b = i && least_b < b->value[i] ? least_b : b->value[i];
	}
	if (ratio.nr)
		ratio.best = least_a / least_b;
	return ratio;
}

void emit(const char *name, const char *parameter, const char *unit, double goal,
	  const struct series *series, const char *format, ...)
{
	va_list args;

	printf("{\"name\":\"%s\",\"parameter\":\"%s\",\"unit\":\"%s\",", name, parameter, unit);
	if (goal)
		printf("\"goal\":%g,", goal);
	if (series->best)
		printf("\"best\":%.6g,", series->best);
	printf("\"values\":[");
	for (int i = 0; i < series->nr; i++)
		printf("%s%.6g", i ? "," : "", series->value[i]);
	printf("],\"meaning\":\"");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\"}\n");
	fflush(stdout);
}

double ms_since(int64_t start)
{
	return (now_ns() - start) / 1e6;
}

void spin_ms(double ms)
{
	int64_t start = now_ns();

	while (ms_since(start) < ms)
		;
}

int try_reclaim(pid_t tgid, double *ms)
{
	int64_t start = now_ns();
	int ret = reclaim(tgid);

	*ms = ms_since(start);
	return ret;
}

double timed_reclaim(pid_t tgid)
{
	double ms;
	int ret = try_reclaim(tgid, &ms);

	if (ret)
		bail("mem_reclaim for %d: %s", tgid, strerror(-ret));
	return ms;
}

double timed_reclaim_alone(pid_t tgid)
{
	double ms;

	setpriority(PRIO_PROCESS, 0, 1);
	ms = timed_reclaim(tgid);
	setpriority(PRIO_PROCESS, 0, 0);
	return ms;
}

void start_client(struct client *client, unsigned int bos, uint64_t size)
{
	struct bo_spec spec = { .count = bos, .size = size, .label = "bench %i" };
	struct client_config config = { .vms = 1, .seed = 7, .specs = &spec, .nr_specs = 1 };

	if (client_init(client, &config, &err))
		bail("cannot %s", err.what);
	use_client(client);
}

void use_client(struct client *client)
{
	int ret = client_fill(client, CLIENT_CPU, &err);

	if (!ret)
		ret = client_submit(client, 1, 100, &err);
	if (ret)
		bail("cannot %s: %s", err.what, strerror(-ret));
}

void use_peer(struct peer *peer)
{
	if (!peer_do(peer, "fill") || !peer_do(peer, "submit 1 100"))
		bail("%s", peer->line);
}

int numbers(const char *name, const char *otherwise, long *to, int max)
{
	const char *text = getenv(name);
	int nr = 0;
	char *end;

	for (text = text && *text ? text : otherwise; *text && nr < max;
	     text = *end ? end + 1 : end) {
		to[nr] = strtol(text, &end, 10);
		if (end == text || (*end && *end != ',') || to[nr] <= 0)
			bail("%s: \"%s\" is no list of numbers", name, text);
		nr++;
	}
	return nr;
}
