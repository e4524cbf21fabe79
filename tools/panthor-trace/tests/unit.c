// SPDX-License-Identifier: GPL-2.0
#include "unit.h"

int main(void)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return test_text() + test_number() + test_events() + test_model() ? 1 : 0;
}
