# SPDX-License-Identifier: GPL-2.0
#
# Everything here is built with AddressSanitizer and
# UndefinedBehaviorSanitizer, the program under test included.

T := $(OUT)/tests
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# How long each fuzz target runs in check
FUZZ_SECONDS ?= 30
FUZZ_CC ?= $(firstword $(shell command -v clang clang-14))

TEST_CFLAGS = -std=gnu11 -D_GNU_SOURCE $(WARN) -Wno-unused-parameter $(SAN) -MMD -MP -I$(SRC) -I$(SRC)/tests \
	-DFORMATS='"$(CURDIR)/tests/formats"' -DTIMELINE_HTML='"$(SRC)/html/timeline.html"' \
	-DSCHEMA_SQL='"$(SRC)/sql/schema.sql"' $(PKG_CFLAGS)

UNIT := unit unit_text unit_number unit_events unit_model tracefile number cli pager

$(T)/unit: $(CORE:%=$(T)/obj/%.o) $(UNIT:%=$(T)/obj/%.o)
	$(call say,LD)
	$(Q)$(CC) $(SAN) -o $@ $^ $(PKG_LIBS) -lcmocka

$(T)/panthor-trace: $(CORE:%=$(T)/obj/%.o) $(CLI:%=$(T)/obj/%.o) $(T)/obj/pftrace.pb-c.o
	$(call say,LD)
	$(Q)$(CC) $(SAN) -o $@ $^ $(PKG_LIBS)

$(T)/mktrace: $(T)/obj/mktrace.o $(T)/obj/tracefile.o
	$(call say,LD)
	$(Q)$(CC) $(SAN) -o $@ $^

$(T)/obj/%.o: $(SRC)/%.c | $(T)/obj
	$(call say,CC)
	$(Q)$(CC) $(TEST_CFLAGS) -c -o $@ $<

$(T)/obj/%.o: $(SRC)/tests/%.c | $(T)/obj
	$(call say,CC)
	$(Q)$(CC) $(TEST_CFLAGS) -c -o $@ $<

$(T)/obj/format_html.o: $(SRC)/html/timeline.html
$(T)/obj/format_sqlite.o: $(SRC)/sql/schema.sql

$(T)/obj/pftrace.pb-c.o: $(GEN)/pftrace.pb-c.c | $(T)/obj
	$(call say,CC)
	$(Q)$(CC) $(TEST_CFLAGS) -c -o $@ $<

$(T)/obj/format_perfetto.o $(T)/fuzz/format_perfetto.o: $(GEN)/pftrace.pb-c.h
$(T)/obj/format_perfetto.o: TEST_CFLAGS += -I$(GEN)
$(T)/fuzz/format_perfetto.o: FUZZ_FLAGS += -I$(GEN)

$(T)/fuzz/pftrace.pb-c.o: $(GEN)/pftrace.pb-c.c | $(T)/fuzz
	$(call say,FZ)
	$(Q)$(FUZZ_CC) $(filter-out -Wshadow=local,$(FUZZ_FLAGS)) -c -o $@ $<

$(T)/obj:
	@mkdir -p $@

# The plugin for KernelShark, and what opens a trace with it
ifneq ($(KSHARK),)
check: $(T)/kshark $(T)/plugin-panthor.so

$(T)/kshark: $(T)/obj/kshark.o
	$(call say,LD)
	$(Q)$(CXX) $(SAN) -o $@ $^ $(KS_LIBS)

$(T)/plugin-panthor.so: $(KS_OBJ:%=$(T)/obj/kernelshark/%.o) $(T)/obj/kernelshark/events.o $(T)/obj/kernelshark/map.o
	$(call say,LD)
	$(Q)$(CXX) $(SAN) -shared -o $@ $^ $(KS_LIBS)

KS_TEST_FLAGS = $(SAN) -fPIC -MMD -MP -D_GNU_SOURCE -Wall -Wextra -I$(SRC) $(KS_CFLAGS)

$(T)/obj/kernelshark/%.o: $(SRC)/kernelshark/%.c | $(T)/obj/kernelshark
	$(call say,CC)
	$(Q)$(CC) -std=gnu11 $(KS_TEST_FLAGS) -c -o $@ $<

$(T)/obj/kernelshark/%.o: $(SRC)/%.c | $(T)/obj/kernelshark
	$(call say,CC)
	$(Q)$(CC) -std=gnu11 $(KS_TEST_FLAGS) -c -o $@ $<

$(T)/obj/kernelshark/%.o: $(SRC)/kernelshark/%.cpp | $(T)/obj/kernelshark
	$(call say,CXX)
	$(Q)$(CXX) -std=gnu++17 $(KS_TEST_FLAGS) -c -o $@ $<

$(T)/obj/kshark.o: $(SRC)/tests/kshark.cpp | $(T)/obj
	$(call say,CXX)
	$(Q)$(CXX) -std=gnu++17 $(KS_TEST_FLAGS) -c -o $@ $<

$(T)/obj/kernelshark:
	@mkdir -p $@

-include $(wildcard $(T)/obj/kernelshark/*.d)
endif

check: all $(T)/unit $(T)/panthor-trace $(T)/mktrace
	@OUT=$$(realpath $(OUT)) FUZZ_SECONDS=$(FUZZ_SECONDS) $(SRC)/tests/run

-include $(wildcard $(T)/obj/*.d)

# libFuzzer brings its own main() and its own instrumentation.
$(T)/fuzz_file: FUZZ_LIBS = -shared-libasan -Wl,-rpath,$(shell $(FUZZ_CC) -print-runtime-dir) -lm
FUZZ_FLAGS = $(TEST_CFLAGS) -Wno-shadow -fsanitize=fuzzer-no-link

$(T)/fuzz/%.o: $(SRC)/%.c | $(T)/fuzz
	$(call say,FZ)
	$(Q)$(FUZZ_CC) $(filter-out -Wshadow=local,$(FUZZ_FLAGS)) -c -o $@ $<

$(T)/fuzz/%.o: $(SRC)/tests/%.c | $(T)/fuzz
	$(call say,FZ)
	$(Q)$(FUZZ_CC) $(filter-out -Wshadow=local,$(FUZZ_FLAGS)) -c -o $@ $<

$(T)/fuzz_model $(T)/fuzz_file: $(T)/fuzz_%: $(T)/fuzz/fuzz_%.o $(T)/fuzz/tracefile.o $(CORE:%=$(T)/fuzz/%.o) \
		$(patsubst %,$(T)/fuzz/%.o,$(filter-out panthor-trace,$(CLI))) $(T)/fuzz/pftrace.pb-c.o
	$(call say,LD)
	$(Q)$(FUZZ_CC) $(SAN) -fsanitize=fuzzer $(FUZZ_LIBS) -o $@ $^ $(PKG_LIBS)

$(T)/fuzz:
	@mkdir -p $@

ifneq ($(FUZZ_CC),)
check: $(T)/fuzz_model $(T)/fuzz_file
endif

-include $(wildcard $(T)/fuzz/*.d)
