/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A budget of bytes an hour, by minutes: what was spent in the last 60 of them counts. Pure: the
 * time is an argument.
 */
#ifndef RECLAIMD_BUDGET_H
#define RECLAIMD_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUDGET_MINUTES 60

struct budget {
	/* Minutes since some beginning, of the last byte spent; and bytes by minute, modulo */
	uint64_t now;
	uint64_t spent[BUDGET_MINUTES];
};

void budget_spend(struct budget *budget, uint64_t now_ns, uint64_t bytes);
uint64_t budget_spent(struct budget *budget, uint64_t now_ns);
/* What is left of @limit; UINT64_MAX is left of UINT64_MAX */
uint64_t budget_left(struct budget *budget, uint64_t now_ns, uint64_t limit);

/*
 * As text, to keep the budget across restarts: minutes ago and bytes. @wall_s is the time of day,
 * which says on loading how long ago the file was saved; a clock that was set back is ignored
 */
void budget_save(struct budget *budget, uint64_t now_ns, uint64_t wall_s, char *text, size_t size);
bool budget_load(struct budget *budget, uint64_t now_ns, uint64_t wall_s, const char *text);

#endif
