# SPDX-License-Identifier: GPL-2.0
#
# Where libtraceevent looks for plugins: one folder of the system, and one
# below the home directory. A PREFIX inside the home directory means the
# latter, so that root is not needed. KernelShark has a folder of the system
# only; a plugin in another folder needs its path (kernelshark -p).

# HOME is not set everywhere (cron, cloud-init)
home := $(if $(filter-out /,$(HOME)),$(HOME:%/=%))

BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man/man1
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
PERFETTODIR ?= $(PREFIX)/share/panthor-trace/perfetto
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
# Not by filter: there may be blanks in it
ifneq ($(and $(home),$(findstring ^$(home)/,^$(PREFIX)/)),)
PLUGINDIR ?= $(home)/.local/lib/traceevent/plugins
KSHARKDIR ?= $(PREFIX)/lib/kernelshark/plugins
else
LIBDIR := /usr/lib/$(shell $(CC) -print-multiarch)
PLUGINDIR ?= $(LIBDIR)/traceevent/plugins
KSHARKDIR ?= $(LIBDIR)/kernelshark/plugins
endif

MAN := $(notdir $(wildcard $(SRC)/man/*.1))
RULES := 70-panthor-reclaim.rules
PERFETTO := reclaim.pbtxt panthor/reclaim.sql pftrace.proto

# $(call to,FOLDER): where that is, as a word for the shell
to = '$(subst ','\'',$(DESTDIR)$(1))'

install: all
	install -D -m 755 $(OUT)/panthor-trace $(call to,$(BINDIR))/panthor-trace
	install -D -m 644 $(OUT)/plugin_panthor.so $(call to,$(PLUGINDIR))/plugin_panthor.so
	$(if $(KSHARK),install -D -m 644 $(OUT)/kernelshark/plugin-panthor.so $(call to,$(KSHARKDIR))/plugin-panthor.so)
	for m in $(MAN); do install -D -m 644 $(SRC)/man/$$m $(call to,$(MANDIR))/$$m || exit; done
	install -D -m 644 $(SRC)/completion/panthor-trace $(call to,$(COMPLETIONDIR))/panthor-trace
	install -D -m 644 $(SRC)/udev/$(RULES) $(call to,$(UDEVDIR))/$(RULES)
	for f in $(PERFETTO); do install -D -m 644 $(SRC)/report/perfetto/$$f $(call to,$(PERFETTODIR))/$$f || exit; done

uninstall:
	rm -f $(call to,$(BINDIR))/panthor-trace $(call to,$(PLUGINDIR))/plugin_panthor.so \
		$(call to,$(KSHARKDIR))/plugin-panthor.so $(call to,$(COMPLETIONDIR))/panthor-trace \
		$(call to,$(UDEVDIR))/$(RULES)
	for m in $(MAN); do rm -f $(call to,$(MANDIR))/$$m || exit; done
	for f in $(PERFETTO); do rm -f $(call to,$(PERFETTODIR))/$$f || exit; done
	rmdir $(call to,$(PERFETTODIR))/panthor $(call to,$(PERFETTODIR)) 2>/dev/null || :
