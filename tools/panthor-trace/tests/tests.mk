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
	-DFORMATS='"$(CURDIR)/tests/formats"' -DTIMELINE_HTML='"$(SRC)/report/html/timeline.html"' \
	-DSCHEMA_SQL='"$(SRC)/report/sql/schema.sql"' $(PKG_CFLAGS)

UNIT := $(addprefix tests/,unit unit_text unit_number unit_events unit_model tracefile tracefile_write) report/number report/ids trace/swap base/error

$(T)/unit: $(MODEL:%=$(T)/obj/%.o) $(UNIT:%=$(T)/obj/%.o)
	$(call say,LD)
	$(Q)$(CC) $(SAN) -o $@ $^ $(PKG_LIBS) -lcmocka

$(T)/panthor-trace: $(MODEL:%=$(T)/obj/%.o) $(PROGRAM:%=$(T)/obj/%.o) $(T)/obj/pftrace.pb-c.o
	$(call say,LD)
	$(Q)$(CC) $(SAN) -o $@ $^ $(PKG_LIBS)

$(T)/mktrace: $(patsubst %,$(T)/obj/tests/%.o,mktrace tracefile tracefile_write)
	$(call say,LD)
	$(Q)$(CC) $(SAN) -o $@ $^

$(T)/obj/%.o: $(SRC)/%.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) -c -o $@ $<

$(T)/obj/report/format_html.o: $(SRC)/report/html/timeline.html
$(T)/obj/report/format_sqlite.o: $(SRC)/report/sql/schema.sql

$(T)/obj/pftrace.pb-c.o: $(GEN)/pftrace.pb-c.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TEST_CFLAGS) -c -o $@ $<

$(T)/obj/report/format_perfetto.o $(T)/fuzz/report/format_perfetto.o: $(GEN)/pftrace.pb-c.h
$(T)/obj/report/format_perfetto.o: TEST_CFLAGS += -I$(GEN)
$(T)/fuzz/report/format_perfetto.o: FUZZ_FLAGS += -I$(GEN)

$(T)/fuzz/pftrace.pb-c.o: $(GEN)/pftrace.pb-c.c
	$(call say,FZ)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(filter-out -Wshadow=local,$(FUZZ_FLAGS)) -c -o $@ $<

# The plugin for KernelShark, and what opens a trace with it
ifneq ($(KSHARK),)
check: $(T)/kshark $(T)/plugin-panthor.so

$(T)/kshark: $(T)/obj/kernelshark/tests/kshark.o
	$(call say,LD)
	$(Q)$(CXX) $(SAN) -o $@ $^ $(KS_LIBS)

$(T)/plugin-panthor.so: $(KS_OBJ:%=$(T)/obj/kernelshark/plugins/kernelshark/%.o) $(T)/obj/kernelshark/model/events.o $(T)/obj/kernelshark/model/map.o
	$(call say,LD)
	$(Q)$(CXX) $(SAN) -shared -o $@ $^ $(KS_LIBS)

KS_TEST_FLAGS = $(SAN) -fPIC -MMD -MP -D_GNU_SOURCE -Wall -Wextra -I$(SRC) $(KS_CFLAGS)

$(T)/obj/kernelshark/%.o: $(SRC)/%.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(KS_TEST_FLAGS) -c -o $@ $<

$(T)/obj/kernelshark/%.o: $(SRC)/%.cpp
	$(call say,CXX)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 $(KS_TEST_FLAGS) -c -o $@ $<

-include $(wildcard $(T)/obj/kernelshark/*/*.d $(T)/obj/kernelshark/*/*/*.d)
endif

check: all $(T)/unit $(T)/panthor-trace $(T)/mktrace
	@OUT=$$(realpath $(OUT)) FUZZ_SECONDS=$(FUZZ_SECONDS) $(SRC)/tests/run

-include $(wildcard $(T)/obj/*.d $(T)/obj/*/*.d)

# libFuzzer brings its own main() and its own instrumentation.
$(T)/fuzz_file: FUZZ_LIBS = -shared-libasan -Wl,-rpath,$(shell $(FUZZ_CC) -print-runtime-dir) -lm
FUZZ_FLAGS = $(TEST_CFLAGS) -Wno-shadow -fsanitize=fuzzer-no-link

$(T)/fuzz/%.o: $(SRC)/%.c
	$(call say,FZ)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(filter-out -Wshadow=local,$(FUZZ_FLAGS)) -c -o $@ $<

$(T)/fuzz_model $(T)/fuzz_file: $(T)/fuzz_%: $(T)/fuzz/tests/fuzz_%.o $(T)/fuzz/tests/tracefile.o $(T)/fuzz/tests/tracefile_write.o $(MODEL:%=$(T)/fuzz/%.o) \
		$(patsubst %,$(T)/fuzz/%.o,$(filter-out cmd/panthor-trace,$(PROGRAM))) $(T)/fuzz/pftrace.pb-c.o
	$(call say,LD)
	$(Q)$(FUZZ_CC) $(SAN) -fsanitize=fuzzer $(FUZZ_LIBS) -o $@ $^ $(PKG_LIBS)

ifneq ($(FUZZ_CC),)
check: $(T)/fuzz_model $(T)/fuzz_file
endif

-include $(wildcard $(T)/fuzz/*.d $(T)/fuzz/*/*.d)
