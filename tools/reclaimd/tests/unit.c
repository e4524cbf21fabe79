// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

int main(void)
{
	int failed = 0;

	cmocka_set_message_output(CM_OUTPUT_TAP);
	failed += test_config();
	failed += test_parse();
	failed += test_budget();
	failed += test_choose();
	failed += test_metrics();
	failed += test_world();
	return failed ? 1 : 0;
}
