// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "metrics.h"
#include "number.h"

struct out {
	char *text;
	size_t size;
	size_t len;
};

const char *result_name(enum result result)
{
	static const char *const names[NR_RESULTS] = {
		[RESULT_OK] = "ok",	      [RESULT_BUSY] = "busy",
		[RESULT_NO_SWAP] = "no-swap", [RESULT_NO_CLIENT] = "no-client",
		[RESULT_EXITED] = "exited",   [RESULT_INTERRUPTED] = "interrupted",
		[RESULT_ERROR] = "error",
	};

	return names[result];
}

enum result result_of(int err)
{
	switch (err) {
	case 0:
		return RESULT_OK;
	case -EBUSY:
		return RESULT_BUSY;
	case -ENOSPC:
		return RESULT_NO_SWAP;
	case -ESRCH:
		return RESULT_NO_CLIENT;
	case -EINTR:
		return RESULT_INTERRUPTED;
	default:
		return RESULT_ERROR;
	}
}

static void __attribute__((format(printf, 2, 3))) put(struct out *out, const char *format, ...)
{
	va_list args;
	bool room = out->len < out->size;
	int len;

	va_start(args, format);
	len = vsnprintf(room ? out->text + out->len : NULL, room ? out->size - out->len : 0, format,
			args);
	va_end(args);
	out->len += len;
}

static void family(struct out *out, const char *name, const char *type, const char *unit,
		   const char *help)
{
	put(out, "# TYPE panthor_reclaimd_%s %s\n", name, type);
	if (unit)
		put(out, "# UNIT panthor_reclaimd_%s %s\n", name, unit);
	put(out, "# HELP panthor_reclaimd_%s %s\n", name, help);
}

static void counter(struct out *out, const char *name, const char *unit, const char *help,
		    uint64_t value)
{
	family(out, name, "counter", unit, help);
	put(out, "panthor_reclaimd_%s_total %" PRIu64 "\n", name, value);
}

static void seconds(struct out *out, const char *name, const char *help, uint64_t ns)
{
	family(out, name, "counter", "seconds", help);
	put(out, "panthor_reclaimd_%s_total %" PRIu64 ".%09" PRIu64 "\n", name,
	    (uint64_t)(ns / NSEC_PER_SEC), (uint64_t)(ns % NSEC_PER_SEC));
}

static void gauge(struct out *out, const char *name, const char *unit, const char *help,
		  uint64_t value)
{
	family(out, name, "gauge", unit, help);
	put(out, "panthor_reclaimd_%s %" PRIu64 "\n", name, value);
}

size_t metrics_text(const struct metrics *metrics, char *text, size_t size)
{
	struct out out = { .text = text, .size = size };

	counter(&out, "triggers", NULL, "PSI triggers: tasks were stalled on memory for too long.",
		metrics->triggers);
	family(&out, "requests", "counter", NULL, "Writes to mem_reclaim by result.");
	for (int i = 0; i < NR_RESULTS; i++)
		put(&out, "panthor_reclaimd_requests_total{result=\"%s\"} %" PRIu64 "\n",
		    result_name(i), metrics->requests[i]);
	counter(&out, "requested_bytes", "bytes", "GPU memory that was requested.",
		metrics->requested);
	counter(&out, "evicted_bytes", "bytes", "GPU memory that requests evicted.",
		metrics->evicted);
	counter(&out, "written_bytes", "bytes", "GPU memory that requests wrote to swap.",
		metrics->written);
	counter(&out, "zram_bytes", "bytes", "Growth of zram during requests.", metrics->zram);
	seconds(&out, "blocked_seconds", "Time that requests were blocked.", metrics->blocked_ns);
	seconds(&out, "stalled_seconds", "Time that some task was stalled on memory (PSI).",
		metrics->stalled_us * NSEC_PER_USEC);
	counter(&out, "premature", NULL,
		"Premature evictions: the client swapped in soon after the request.",
		metrics->premature);
	counter(&out, "unverified", NULL, "Requests whose target exited before they returned.",
		metrics->unverified);
	gauge(&out, "clients", NULL, "Clients of the driver at the last scan.", metrics->clients);
	gauge(&out, "reclaimable_bytes", "bytes", "GPU memory that requests could evict.",
	      metrics->reclaimable);
	gauge(&out, "evicted_now_bytes", "bytes", "GPU memory that is evicted now, by any request.",
	      metrics->evicted_now);
	gauge(&out, "unreadable", NULL, "Processes whose fdinfo cannot be read.",
	      metrics->unreadable);
	if (metrics->budget != UINT64_MAX) {
		gauge(&out, "budget_bytes", "bytes", "Bytes that may be written to swap per hour.",
		      metrics->budget);
		gauge(&out, "budget_left_bytes", "bytes",
		      "Bytes that may still be written to swap in this hour.",
		      metrics->budget_left);
	}
	put(&out, "# EOF\n");
	return out.len;
}
