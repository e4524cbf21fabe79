# SPDX-License-Identifier: LGPL-2.1
#
# The plugin for KernelShark 2, only where its libraries are (Debian:
# libkshark-dev). KSHARK is empty where they are not.

KSHARK := $(if $(NEED_PKGS),$(shell $(PKG_CONFIG) --exists libkshark 2>/dev/null && \
	$(CXX) -fsyntax-only $$($(PKG_CONFIG) --cflags libkshark) -x c++ -include KsPlugins.hpp /dev/null 2>/dev/null && echo y))

ifneq ($(KSHARK),)
KS := $(OUT)/obj/kernelshark
KS_OBJ := spans plugin draw
# The library's headers do not pass our warnings
KS_CFLAGS := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags libkshark)) $(PKG_CFLAGS)
# Not -lkshark-plot: Debian 13's libkshark-dev has a link of that name that leads nowhere
KS_PLOT := $(shell for f in $$($(PKG_CONFIG) --variable=libdir libkshark)/libkshark-plot.so*; do \
		[ ! -e "$$f" ] || { echo "$$f"; break; }; done)
KS_LIBS := $(shell $(PKG_CONFIG) --libs libkshark) $(KS_PLOT) -ltraceevent
KS_FLAGS = $(filter-out -std=gnu11 -Wmissing-prototypes -Wstrict-prototypes -Wshadow=local,$(ALL_CFLAGS)) -std=gnu++17

all: $(OUT)/kernelshark/plugin-panthor.so

# In a folder of its own: all that lies next to plugin_panthor.so is loaded by trace-cmd
$(OUT)/kernelshark/plugin-panthor.so: $(KS_OBJ:%=$(KS)/plugins/kernelshark/%.o) $(PIC)/model/events.o $(PIC)/model/map.o
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(KS_FLAGS) $(LDFLAGS) -shared -o $@ $^ $(KS_LIBS)

$(KS)/%.o: $(SRC)/%.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(KS_CFLAGS) -fPIC -fvisibility=hidden -c -o $@ $<

$(KS)/%.o: $(SRC)/%.cpp
	$(call say,CXX)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(KS_FLAGS) $(KS_CFLAGS) -fPIC -fvisibility=hidden -c -o $@ $<

-include $(wildcard $(KS)/plugins/kernelshark/*.d)
endif
