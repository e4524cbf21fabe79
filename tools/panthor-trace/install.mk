# SPDX-License-Identifier: GPL-2.0
#
# Where libtraceevent looks for plugins: one folder of the system, and one
# below the home directory. A PREFIX inside the home directory means the
# latter, so that nobody has to be root. KernelShark has a folder of the system
# only; of others it wants the path (kernelshark -p).

BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man/man1
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
ifneq ($(filter $(HOME)/%,$(abspath $(PREFIX))/),)
PLUGINDIR ?= $(HOME)/.local/lib/traceevent/plugins
KSHARKDIR ?= $(PREFIX)/lib/kernelshark/plugins
else
LIBDIR := /usr/lib/$(shell $(CC) -print-multiarch)
PLUGINDIR ?= $(LIBDIR)/traceevent/plugins
KSHARKDIR ?= $(LIBDIR)/kernelshark/plugins
endif

MAN := $(notdir $(wildcard $(SRC)/man/*.1))
RULES := 70-panthor-reclaim.rules

install: all
	install -D -m 755 $(OUT)/panthor-trace '$(DESTDIR)$(BINDIR)/panthor-trace'
	install -D -m 644 $(OUT)/plugin_panthor.so '$(DESTDIR)$(PLUGINDIR)/plugin_panthor.so'
	$(if $(KSHARK),install -D -m 644 $(OUT)/kernelshark/plugin-panthor.so '$(DESTDIR)$(KSHARKDIR)/plugin-panthor.so')
	for m in $(MAN); do install -D -m 644 $(SRC)/man/$$m '$(DESTDIR)$(MANDIR)'/$$m || exit; done
	install -D -m 644 $(SRC)/completion/panthor-trace '$(DESTDIR)$(COMPLETIONDIR)/panthor-trace'
	install -D -m 644 $(SRC)/udev/$(RULES) '$(DESTDIR)$(UDEVDIR)/$(RULES)'

uninstall:
	rm -f '$(DESTDIR)$(BINDIR)/panthor-trace' '$(DESTDIR)$(PLUGINDIR)/plugin_panthor.so' \
		'$(DESTDIR)$(KSHARKDIR)/plugin-panthor.so' \
		'$(DESTDIR)$(COMPLETIONDIR)/panthor-trace' '$(DESTDIR)$(UDEVDIR)/$(RULES)' \
		$(MAN:%='$(DESTDIR)$(MANDIR)/%')
