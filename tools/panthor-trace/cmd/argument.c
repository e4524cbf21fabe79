// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "cmd/argument.h"
#include "model/text.h"
#include "report/number.h"

uint64_t want_number(const char *option, const char *arg, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (parse_count(arg, strlen(arg), &value) && value >= min && value <= max)
		return value;
	if (max == UINT64_MAX)
		usage_error("%s: expected a number of at least %llu, not \"%s\"", option,
			    (unsigned long long)min, arg);
	usage_error("%s: expected a number from %llu to %llu, not \"%s\"", option,
		    (unsigned long long)min, (unsigned long long)max, arg);
}

uint64_t want_time(const char *option, const char *arg, uint64_t min_ns, uint64_t max_ns)
{
	char from[PT_NUM_LEN], to[PT_NUM_LEN];
	uint64_t ns;

	if ((parse_seconds(arg, strlen(arg), &ns) ||
	     (!isdigit((unsigned char)arg[*arg ? strlen(arg) - 1 : 0]) &&
	      parse_ns(arg, strlen(arg), &ns))) &&
	    ns >= min_ns && ns <= max_ns)
		return ns;
	usage_error("%s: expected a time from %s to %s, such as 2 (seconds) or 500ms, not \"%s\"",
		    option, min_ns ? pt_ns(from, min_ns, false) : "0", pt_ns(to, max_ns, false),
		    arg);
}

int64_t want_pid(const char *option, const char *arg)
{
	uint64_t value;

	if (parse_count(arg, strlen(arg), &value) && value && value <= INT_MAX)
		return value;
	usage_error("%s: expected a process id, not \"%s\"", option, arg);
}
