# SPDX-License-Identifier: BSD-2-Clause
#
# Postern's build. One make knows every file (nothing is recursive): each
# folder's Makefile is a list of what is built there,
#
#	obj-$(CONFIG_SERIAL_8250) += serial.o
#	obj-$(CONFIG_PCI) += pci/
#
# and everything made lands in the output folder O, under the source's own
# path. The configuration is Kconfig's: the Kconfig files stand beside the
# code, $(O)/.config is the user's, generated/auto.conf and autoconf.h are
# what make and the compiler see of it.
#
# The program is linked against musl as a static position-independent
# executable, with the host's gcc and no wrapper around it. `make help` lists
# the targets and variables.

VERSION := 0.1

MAKEFLAGS += -rR --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := all

machine := $(shell uname -m)
arch-x86_64 := x86
arch-aarch64 := arm64
triple-x86 := x86_64-linux
triple-arm64 := aarch64-linux
host-arch := $(or $(arch-$(machine)),$(machine))

ARCH ?= $(host-arch)
O ?= build$(addprefix /,$(filter-out $(host-arch),$(ARCH)))
PREFIX ?= /usr/local
V ?= 0
export O ARCH

ifneq ($(ARCH),$(host-arch))
CROSS_COMPILE ?= $(triple-$(ARCH))-gnu-
endif
CC = $(CROSS_COMPILE)gcc
STRIP = $(CROSS_COMPILE)strip
AR = $(CROSS_COMPILE)ar

# Unit tests and fuzzers run here: the host's compiler and C library build them
# for any ARCH.
HOSTED ?=
ifneq ($(HOSTED),)
CROSS_COMPILE :=
endif

# Where musl is, and the kernel's headers; what is not in the compiler's own
# folders, libfdt and all that is for another architecture than the host's, is
# in the folder that tests/prepare/sysroot prints. Or name folders of your own.
far := $(if $(HOSTED),,$(filter-out x86,$(ARCH))$(filter-out $(host-arch),$(ARCH)))
SYSROOT ?= $(if $(far),$(eval SYSROOT := $$(shell \
	tests/prepare/sysroot $(ARCH)))$(SYSROOT))
MUSL_INCLUDE ?= $(if $(far),$(SYSROOT)/musl/include,\
	/usr/include/$(triple-$(ARCH))-musl)
MUSL_LIB ?= $(if $(far),$(SYSROOT)/musl/lib,/usr/lib/$(triple-$(ARCH))-musl)
UAPI ?= $(shell tests/prepare/headers $(ARCH))

# What is tested if no ARCH was asked for.
TEST_ARCHS ?= $(if $(filter file,$(origin ARCH)),$(host-arch) \
	$(filter-out $(host-arch),arm64),$(ARCH))
export TEST_ARCHS

gen := $(abspath $(O))/generated

# Short lines for people, whole commands with V=1, nothing with -s.
ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @$(if $(silent),:,printf '  %-7s %s\n' $(1) $(2))
endif
silent = $(findstring s,$(filter-out -%,$(firstword $(MAKEFLAGS))))

# All processors, unless the caller says how many.
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif

# --- goals that make or remove a configuration are run alone, in order -------

config-goals := defconfig %_defconfig menuconfig savedefconfig olddefconfig \
	allnoconfig allyesconfig randconfig mirrorconfig
lone-goals := $(config-goals) clean distclean help
goals := $(or $(MAKECMDGOALS),all)

ifneq ($(and $(filter $(lone-goals),$(goals)),$(word 2,$(goals))),)

.PHONY: $(goals) in-order
$(goals): in-order
	@:
in-order:
	@set -e; for goal in $(goals); do $(MAKE) $$goal; done

else

# --- what the machine lacks --------------------------------------------------

# Some goals only run make elsewhere, and have no configuration themselves.
configured := $(filter-out $(lone-goals) unit check-style check-unit check-fuzz \
	fuzz fuzz-build,$(goals))
ifneq ($(configured),)
ifeq ($(wildcard arch/$(ARCH)/Makefile),)
$(error ARCH=$(ARCH): there is no arch/$(ARCH))
endif
endif

# Empty on a machine that has built before; else a list of Debian packages.
gcc-package := $(if $(CROSS_COMPILE),$(subst _,-,gcc-$(CROSS_COMPILE:-=)),\
	gcc libc6-dev)
missing := $(if $(filter-out clean distclean help,$(goals)),$(shell \
	command -v $(CC) >/dev/null || echo $(gcc-package); \
	command -v kconfig-conf >/dev/null || echo kconfig-frontends-nox; \
	$(if $(far)$(HOSTED),,[ -e $(MUSL_LIB)/libc.a ] || echo musl-dev;) \
	$(if $(and $(HOSTED),$(filter-out x86,$(ARCH))),\
	[ -e /usr/include/libfdt.h ] || echo libfdt-dev; \
	[ -e /usr/include/zlib.h ] || echo zlib1g-dev;)))
tools := $(if $(missing),missing-tools)

.PHONY: missing-tools
missing-tools:
	@tests/prepare/need $(missing)

# --- configuration -----------------------------------------------------------

ifneq ($(configured),)
include $(gen)/auto.conf
-include $(O)/include/config/auto.conf.cmd
endif

# kconf FILE,PROGRAM ARGUMENTS - Kconfig at work on FILE of the output folder.
kconf = mkdir -p $(gen) $(O)/include/config $(O)/include/generated && \
	(cd $(O) && srctree=$(CURDIR) ARCH=$(ARCH) KCONFIG_CONFIG=$(1) \
	KCONFIG_AUTOCONFIG=$(gen)/auto.conf \
	KCONFIG_AUTOHEADER=generated/autoconf.new \
	KCONFIG_TRISTATE=generated/tristate.conf \
	kconfig-$(2) Kconfig$(if $(filter conf,$(firstword $(2))), >/dev/null))

# replace OLD,NEW - what did not change keeps its date, so nothing is rebuilt.
replace = if cmp -s $(2) $(1); then rm $(2); else mv $(2) $(1); fi

# configure ARGUMENTS - a whole new configuration.
define configure
	$(Q)rm -f $(O)/.config.new
	$(Q)$(call kconf,.config.new,conf $(1))
	$(Q)$(call replace,$(O)/.config,$(O)/.config.new)
endef

.PHONY: FORCE defconfig menuconfig savedefconfig olddefconfig allnoconfig \
	allyesconfig randconfig mirrorconfig
defconfig: full_defconfig

%_defconfig: FORCE | $(tools)
	@[ -e configs/$@ ] || { echo 'make: $@: no such file in configs/' >&2; \
		exit 1; }
	$(call say,CONFIG,$@)
	$(call configure,--defconfig=$(CURDIR)/configs/$@)

allnoconfig allyesconfig randconfig: | $(tools)
	$(call say,CONFIG,$@)
	$(call configure,--$@)

# What the kernel decides; all else stays as it was configured. A kernel that
# is of no use leaves the configuration as it was.
mirrorconfig: | $(tools)
	$(call say,MIRROR,$(or $(KERNEL_CONFIG),"the running kernel"))
	$(Q)mkdir -p $(O)
	$(Q)configs/mirror "$(KERNEL_CONFIG)" $(wildcard $(O)/.config) \
		>$(O)/.config.new || \
		{ status=$$?; rm $(O)/.config.new; exit $$status; }
	$(Q)$(call kconf,.config.new,conf --olddefconfig)
	$(Q)rm -f $(O)/.config.new.old
	$(Q)$(call replace,$(O)/.config,$(O)/.config.new)

$(O)/.config: | $(tools)
	$(Q)$(MAKE) defconfig
olddefconfig: $(O)/.config
	$(Q)$(call kconf,.config,conf --olddefconfig)
menuconfig: $(O)/.config
	$(Q)$(call kconf,.config,mconf)
savedefconfig: $(O)/.config
	$(Q)$(call kconf,.config,conf --savedefconfig=defconfig)
	$(call say,SAVED,$(O)/defconfig)

# kconfig-conf leaves a list of the Kconfig files it read, auto.conf.cmd, and
# in it the rule that another ARCH needs another auto.conf.
$(gen)/auto.conf: $(O)/.config | $(tools)
	$(Q)$(call kconf,.config,conf --olddefconfig)
	$(Q)$(call kconf,.config,conf --silentoldconfig)
	$(Q)$(call replace,$(gen)/autoconf.h,$(gen)/autoconf.new)

# --- the list of objects -----------------------------------------------------

# read-list FOLDER/ - the folder's Makefile and those of the folders it names.
define read-list
obj-y :=
include $(1)Makefile
objs += $$(addprefix $(1),$$(filter %.o,$$(obj-y)))
$$(foreach sub,$$(filter %/,$$(obj-y)),$$(eval $$(call read-list,$(1)$$(sub))))
endef

# files FOLDER/... - the objects of these folders.
files = $(eval objs :=)$(foreach dir,$(1),$(eval $(call \
	read-list,$(dir))))$(objs)

product := $(if $(configured),$(call files,vmm/ iommu/ devices/ arch/$(ARCH)/)\
	$(if $(CONFIG_SANDBOX),generated/sandbox.o))

# --- the program -------------------------------------------------------------

warnings := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wimplicit-fallthrough -Wvla -Wundef -Wno-unused-parameter -Werror
common-flags = -std=gnu11 -g $(warnings) -fno-strict-aliasing \
	-I. -include $(gen)/autoconf.h -D_GNU_SOURCE \
	-DPOSTERN_VERSION='"$(VERSION)"' \
	-ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(abspath $(O))=build \
	-ffile-prefix-map=$(O)=build

# Asked once, and not before a compiler is installed.
gcc-include = $(eval gcc-include := $$(shell $(CC) \
	-print-file-name=include))$(gcc-include)

# -Og guesses wrong about what is initialized.
optimize := $(if $(CONFIG_DEBUG),-Og -fno-omit-frame-pointer \
	-Wno-maybe-uninitialized,-Os)

# All of the program is within 1 MiB, which is what arm64 reaches in one
# instruction.
model = $(if $(CONFIG_ARM64),-mcmodel=tiny)

cflags = $(common-flags) $(optimize) $(model) -nostdinc -isystem $(MUSL_INCLUDE) \
	-isystem $(gcc-include) -isystem $(O)/uapi \
	$(if $(far),-isystem $(SYSROOT)/include) \
	-fPIE -ffunction-sections -fdata-sections \
	-fno-asynchronous-unwind-tables -fno-unwind-tables \
	-fstack-protector-strong -fstack-clash-protection
# The start files and libraries are named one by one: gcc knows those of the
# host's own C library only. Segments share pages of the file, which saves half a
# page for each.
ldflags = $(optimize) -nostdlib -static-pie -Wl,--gc-sections \
	-Wl,-z,norelro,-z,now,-z,noexecstack -Wl,-z,common-page-size=256 \
	-Wl,--fatal-warnings \
	-Wl,--no-eh-frame-hdr -T vmm/program.ld
libs-$(CONFIG_LIBFDT) += -L$(SYSROOT)/lib -l:libfdt.a
libs-$(CONFIG_ZLIB) += -L$(SYSROOT)/lib -l:libz.a
libs-y += -L$(MUSL_LIB) -Wl,--start-group -lc -lgcc -Wl,--end-group

# The flags and the list of the last build: a change of the first compiles
# again, of the second links again.
quoted = '$(subst ','\'',$(1))'
$(gen)/flags $(gen)/list: FORCE | $(gen)/auto.conf $(tools)
	@echo $(call quoted,$(if $(filter list,$(@F)),$(product),\
		$(CC) $(cflags) $(ldflags) $(libs-y) $(unit-flags) \
		$(CLANG) $(fuzz-flags))) >$@.new
	@$(call replace,$@,$@.new)

$(O)/uapi: | $(gen)/auto.conf $(tools)
	$(Q)dir='$(UAPI)' && [ -e "$$dir/linux/kvm.h" ] && ln -sfn "$$dir" $@

$(O)/obj/%.o: %.c $(gen)/flags | $(O)/uapi
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(cflags) -MMD -MP -c -o $@ $<

# The sandbox's filters, which a program of this machine makes. It has the
# requests' numbers from the headers of the architecture that is built for.
sandbox := $(addprefix $(O)/tools/,sandbox.o sandbox_rules.o sandbox_$(ARCH).o)
host-flags := -std=gnu11 -O1 -Wall -Wextra -Werror -D_GNU_SOURCE -I.
$(O)/tools/sandbox.o: tools/sandbox.c tools/sandbox.h
	$(Q)mkdir -p $(@D)
	@[ -e /usr/include/seccomp.h ] || \
		tests/prepare/need libseccomp-dev gcc libc6-dev
	$(Q)gcc $(host-flags) -c -o $@ $<
$(O)/tools/sandbox_%.o: tools/sandbox_%.c tools/sandbox.h iommu/uapi.h \
		$(gen)/flags | $(O)/uapi
	$(Q)mkdir -p $(@D)
	$(Q)gcc $(host-flags) -ffreestanding -nostdinc -isystem $(O)/uapi \
		-isystem $(shell gcc -print-file-name=include) \
		-include $(gen)/autoconf.h -c -o $@ $<
$(O)/tools/sandbox: $(sandbox)
	$(call say,HOSTLD,$@)
	$(Q)gcc -o $@ $^ -lseccomp
$(gen)/sandbox.c: $(O)/tools/sandbox
	$(Q)$< $(ARCH) >$@

# generated OBJECT-FOLDER,COMPILER - what is made at build time is compiled as
# the rest is.
define generated
$(O)/$(1)/generated/%.o: $(gen)/%.c $(gen)/flags | $(O)/uapi
	$$(Q)mkdir -p $$(@D)
	$$(Q)$(2) -c -o $$@ $$<
endef
$(eval $(call generated,obj,$$(CC) $$(cflags)))
$(eval $(call generated,san,$$(CC) $$(unit-flags)))
$(eval $(call generated,fz,$$(CLANG) $$(fuzz-flags)))

$(O)/postern.debug: $(addprefix $(O)/obj/,$(product)) $(gen)/list \
		vmm/program.ld
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o \
		$(filter %.o,$^) $(libs-y) $(MUSL_LIB)/crtn.o

$(O)/postern: $(O)/postern.debug
	$(Q)$(STRIP) -s -R .comment -o $@ $<

# `make vmm/mem.o` compiles one file.
.PHONY: $(product)
$(product): %.o: $(O)/obj/%.o

.PHONY: all
all: $(O)/postern
	@$(if $(silent),:,echo "  SIZE    $(O)/postern: $$(stat -c %s $<) bytes")

# Every file of configs/, each in a folder of its own, for the tests.
configs := $(patsubst configs/%_defconfig,%,$(wildcard configs/*_defconfig))
.PHONY: configs $(addprefix configs-,$(configs))
configs: $(addprefix configs-,$(configs))
$(addprefix configs-,$(configs)): configs-%: | $(tools)
	$(Q)$(MAKE) O=$(O)/configs/$* $*_defconfig all

# --- unit tests --------------------------------------------------------------

# Each file named in tests/unit/Makefile is a program of its own, linked from
# the whole product but its doors to the outside, the fake kernel instead of
# them, and the harness. Always the full configuration, in an output folder of
# its own. Another architecture's sources are compiled for the host, with that
# architecture's kernel headers.
.PHONY: unit unit-programs
unit:
	$(Q)$(MAKE) O=$(O)/unit$(addprefix -,$(filter-out $(host-arch),$(ARCH))) \
		HOSTED=y full_defconfig unit-programs

unit-harness := $(call files,tests/unit/ tests/fake/) \
	tools/sandbox_rules.o tools/sandbox_$(ARCH).o
unit-programs := $(patsubst %.o,$(O)/%,$(test-y))
unit-flags = $(common-flags) -O1 -fno-omit-frame-pointer -isystem $(O)/uapi \
	-I tests/unit -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined
unit-libs-$(CONFIG_LIBFDT) += -lfdt
unit-libs-$(CONFIG_ZLIB) += -lz

$(O)/san/%.o: %.c $(gen)/flags | $(O)/uapi
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(unit-flags) -MMD -MP -c -o $@ $<

$(O)/product.a: $(addprefix $(O)/san/,$(filter-out \
	vmm/main.o vmm/sys.o,$(product))) $(gen)/list
$(O)/harness.a: $(addprefix $(O)/san/,$(unit-harness))
$(O)/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(unit-programs): $(O)/%: $(O)/san/tests/unit/%.o $(O)/product.a \
		$(O)/harness.a
	$(call say,LD,$@)
	$(Q)$(CC) $(unit-flags) -o $@ $< -Wl,--start-group $(O)/product.a \
		$(O)/harness.a -Wl,--end-group $(unit-libs-y) -lpthread
unit-programs: $(unit-programs)
	@printf '%s\n' $(test-y:.o=) >$(O)/list

# The contract of the DMA backends, which is a unit test, as a program for real
# kernels: what the product is linked from, and the real door.
contract-objs := $(filter-out vmm/main.o,$(product)) tests/fake/vm.o \
	$(addprefix tests/unit/,contract.o contract_real.o test.o capture.o)
.PHONY: conformance
conformance: $(O)/conformance
$(O)/conformance: $(addprefix $(O)/obj/,$(contract-objs)) $(gen)/list
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) -o $@ $(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o \
		$(filter %.o,$^) $(libs-y) $(MUSL_LIB)/crtn.o

# The program around a KVM that has no processor (tests/tool/kvm.c).
stub-calls := open close ioctl ioctl_num mmap run
.PHONY: stub
stub: $(O)/postern-stub
$(O)/postern-stub: $(addprefix $(O)/obj/,$(product) tests/tool/kvm.o) \
		$(gen)/list
	$(call say,LD,$@)
	$(Q)$(CC) $(ldflags) $(stub-calls:%=-Wl,--wrap=sys_%) -o $@ \
		$(MUSL_LIB)/rcrt1.o $(MUSL_LIB)/crti.o \
		$(filter %.o,$^) $(libs-y) $(MUSL_LIB)/crtn.o

-include $(patsubst %.o,$(O)/obj/%.d,$(product))
-include $(patsubst %.o,$(O)/san/%.d,$(product) $(unit-harness) \
	$(addprefix tests/unit/,$(test-y)))

# --- fuzzing -----------------------------------------------------------------

# As the unit tests, but compiled with clang, each file of tests/fuzz/Makefile
# linked with libFuzzer. Only product code counts as covered.
CLANG ?= clang
.PHONY: fuzz-build fuzz-programs
fuzz-build: | $(tools)
	$(Q)$(MAKE) O=$(O)/fuzz$(addprefix -,$(filter-out $(host-arch),$(ARCH))) \
		HOSTED=y full_defconfig fuzz-programs

fuzz-harness := $(call files,tests/fuzz/ tests/fake/)
fuzz-programs := $(patsubst %.o,$(O)/%,$(fuzz-y))
fuzz-flags = $(common-flags) -O1 -fno-omit-frame-pointer -isystem $(O)/uapi \
	-Wno-gnu-variable-sized-type-not-at-end \
	-fsanitize=address,undefined -fno-sanitize-recover=undefined

$(O)/fz/%.o: %.c $(gen)/flags | $(O)/uapi
	$(call say,CLANG,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(fuzz-flags) \
		$(if $(filter tests/%,$<),,-fsanitize=fuzzer-no-link \
		-fprofile-instr-generate -fcoverage-mapping) \
		-MMD -MP -c -o $@ $<

$(O)/fuzzed.a: $(addprefix $(O)/fz/,$(filter-out \
	vmm/main.o vmm/sys.o,$(product))) $(gen)/list
$(O)/fuzzer.a: $(addprefix $(O)/fz/,$(fuzz-harness))

$(fuzz-programs): $(O)/%: $(O)/fz/tests/fuzz/%.o $(O)/fuzzed.a \
		$(O)/fuzzer.a
	$(call say,LD,$@)
	$(Q)$(CLANG) $(fuzz-flags) -fsanitize=fuzzer -fprofile-instr-generate \
		-Wl,--wrap=exit -o $@ $< \
		-Wl,--start-group $(O)/fuzzed.a $(O)/fuzzer.a -Wl,--end-group \
		$(unit-libs-y) -lpthread
fuzz-programs: $(fuzz-programs)
	@printf '%s\n' $(fuzz-y:.o=) >$(O)/list

-include $(patsubst %.o,$(O)/fz/%.d,$(product) $(fuzz-harness) \
	$(addprefix tests/fuzz/,$(fuzz-y)))

# --- tests and the rest ------------------------------------------------------

.PHONY: check check-style check-unit check-tool check-fuzz check-guest check-bed check-long \
	fuzz bench zoo gaps matrix kernel-selftests bed-shell demo install clean distclean help
check: all configs
	@tests/run
check-style check-unit check-tool check-fuzz: check-%:
	@tests/$*/run
fuzz:
	@tests/fuzz/run --long
check-guest: all
check-bed: all configs
check-guest check-bed: check-%:
	@tests/$*/run
check-long: all
	@tests/bed/run --long
bench: all
	@tests/bench/run
zoo: all
	@tests/zoo/run --table
gaps:
	+@tests/gaps/run --table
matrix: all configs
	@PATHS_NVME=1 PATHS_IOMMUS='intel intel-noir virtio none' \
		sh tests/bed/cases/paths.sh
kernel-selftests:
	@tests/gaps/selftests
bed-shell: all
	@tests/bed/shell
demo: all
	@tests/demo

# What completes postern's command line, where each shell looks for it. It is
# made of what the program says, so only where that runs.
completion-bash := bash-completion/completions/postern
completion-zsh := zsh/site-functions/_postern
completion-fish := fish/vendor_completions.d/postern.fish

install: all
	$(Q)install -D $(O)/postern $(DESTDIR)$(PREFIX)/bin/postern
	$(Q)install -D -m 644 vmm/postern.1 \
		$(DESTDIR)$(PREFIX)/share/man/man1/postern.1
	$(Q)$(if $(filter $(ARCH),$(host-arch)),$(foreach shell,bash zsh fish,\
		tools/completions $(shell) $(O)/postern >$(O)/completion && \
		install -D -m 644 $(O)/completion \
		$(DESTDIR)$(PREFIX)/share/$(completion-$(shell)) &&) \
		rm $(O)/completion)
	$(call say,INSTALL,$(DESTDIR)$(PREFIX)/bin/postern)

clean:
	$(Q)for made in obj san tools configs style unit unit-* gaps \
		selftests conformance postern postern.debug; do \
		rm -rf "$(O)"/$$made; done
distclean:
	$(Q)rm -rf "$(O)"

help:
	@echo 'Build'
	@echo '  make                  the program, configured if it is not yet'
	@echo '  make NAME_defconfig   configure as configs/NAME_defconfig says:'
	@echo '                        $(configs)'
	@echo '  make defconfig        the same as full_defconfig'
	@echo '  make menuconfig       change the configuration'
	@echo '  make savedefconfig    write it, as short as it can be said'
	@echo '  make olddefconfig     bring an old one up to date'
	@echo '  make mirrorconfig     the ways to guest memory that a kernel has, as'
	@echo '                        KERNEL_CONFIG=FILE says, its .config, plain or'
	@echo '                        gzipped; the running one if not said'
	@echo '  make vmm/mem.o        compile one file'
	@echo '  make install          into DESTDIR and PREFIX ($(PREFIX)), with the man'
	@echo '                        page, and completions for bash, zsh and fish'
	@echo '  make clean            remove what was built'
	@echo '  make distclean        and the configuration'
	@echo 'Run'
	@echo '  make demo             a Linux guest with a disk assigned'
	@echo '  make bed-shell        a shell in the emulated host'
	@echo '  make check            all tests; one tier of them: check-style,'
	@echo '                        check-unit, check-tool, check-fuzz, check-guest,'
	@echo '                        check-bed'
	@echo '  make fuzz             the fuzz targets, FUZZ_SECONDS (600) for each'
	@echo '  make check-long       fio in a guest, for LONG_SECONDS (600), and a kill; a'
	@echo '                        disk that comes and goes 20 times'
	@echo '  make bench            a table: Postern, kvmtool (if installed) and QEMU'
	@echo '                        microvm on one host; some minutes, more without KVM'
	@echo '  make zoo              every device that QEMU emulates, assigned;'
	@echo '                        writes tests/zoo/ZOO.md; about an hour'
	@echo '  make gaps             what differs between the paths of VFIO;'
	@echo '                        writes iommu/GAPS.md; some minutes'
	@echo '  make matrix           a guest with a disk on every host kernel, by every'
	@echo '                        program, behind every IOMMU; half an hour'
	@echo "  make kernel-selftests the kernel's own tests of VFIO, in the"
	@echo '                        emulated host; some minutes'
	@echo 'Variables'
	@echo '  O=build               output folder; the program is O/postern. For'
	@echo '                        another ARCH than this machine it is build/ARCH'
	@echo '  ARCH=ARCH             $(host-arch) if not said: $(notdir $(wildcard arch/*))'
	@echo '  V=1                   show the commands'

endif
