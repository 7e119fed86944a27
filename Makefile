# samscope: see what Sharpness-Aware Minimization does to every parameter of a network.
# `make help` lists the targets. Reading order of the analysis: pipelines/*.mk.

VERSION := 0.1.0

.DEFAULT_GOAL := tools
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

# --- Settings a person may give on the command line -----------------------------------------------

BUILD  ?= build
PREFIX ?= /usr/local
DESTDIR ?=
# clang compiles all too, but to an engine of half the speed.
CC     := gcc
CFLAGS ?= -O2 -g
# SANITIZE=address,undefined (or thread) builds everything with those sanitizers, apart.
SANITIZE ?=
# V=1 shows the commands of the build as they are run.
V ?=
Q := $(if $(V),,@)
say = @$(if $(V),:,echo '  $(1)')

# --- Packages (Debian 12 names) -------------------------------------------------------------------

PACKAGES := build-essential pkg-config curl ca-certificates libopenblas-dev libcsv-dev \
    libjansson-dev libxxhash-dev librandom123-dev zlib1g-dev dataset-fashion-mnist gnuplot-nox pandoc \
    datamash miller jq librsvg2-bin lmodern texlive-latex-recommended texlive-fonts-recommended \
    texlive-latex-extra poppler-utils
TEST_PACKAGES := libcmocka-dev bats python3-numpy mandoc shellcheck valgrind clang \
    libclang-rt-14-dev
TORCH_PACKAGES := python3-torch python3-numpy
BENCH_PACKAGES := $(TORCH_PACKAGES) hyperfine time libxsmm-dev

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Installs those of the packages $(1) that are missing; asks nothing, and no network if none is.
define install_packages
missing=$$(for p in $(1); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | \
    grep -q 'ok installed' || echo $$p; done); \
if [ -n "$$missing" ]; then $(SUDO) apt-get update -q && \
    $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing; fi
endef

.PHONY: setup setup-tests setup-torch setup-bench
setup: ## install the Debian packages that building and the pipelines need
	@$(call install_packages,$(PACKAGES))
setup-tests: setup ## ... and those the tests need
	@$(call install_packages,$(TEST_PACKAGES))
setup-torch: ## ... and PyTorch, for the tests and benchmarks that compare with it
	@$(call install_packages,$(TORCH_PACKAGES))
setup-bench: setup setup-torch ## ... and what the benchmarks need
	@$(call install_packages,$(BENCH_PACKAGES))

# --- Build ----------------------------------------------------------------------------------------

comma := ,
# Objects of a sanitized build lie apart, so that neither is ever linked with the other's.
OUT := $(BUILD)$(if $(SANITIZE),/sanitize-$(subst $(comma),-,$(SANITIZE)))
BIN := $(OUT)/bin
LIB := $(OUT)/libsamscope.a

CPPFLAGS_ALL := -Ilib -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE -DSAM_VERSION='"$(VERSION)"' $(CPPFLAGS)
CFLAGS_ALL := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
    -Wvla -Wwrite-strings -pthread -fno-math-errno -ffp-contract=off \
    $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer) $(CFLAGS)
LDFLAGS_ALL := -pthread $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)
LIBS := -lopenblas -ljansson -lcsv -lxxhash -lz -lm

LIB_SOURCES := $(wildcard lib/*/*.c)
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(OUT)/%.o)

# lib/nn/lanes is compiled once for each instruction set, with its own length of vectors; which one
# runs is decided by the machine that the program finds itself on.
LANES_avx512   := -DISA=avx512 -DLANES=16 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma
LANES_avx2     := -DISA=avx2 -DLANES=8 -mavx2 -mfma
LANES_portable := -DISA=portable -DLANES=4
LANES_ISAS     := $(if $(findstring x86_64,$(shell $(CC) -dumpmachine)),avx512 avx2) portable
LANES_SOURCES  := $(wildcard lib/nn/lanes/*.c)
LIB_OBJECTS += $(foreach isa,$(LANES_ISAS),$(LANES_SOURCES:%.c=$(OUT)/%.$(isa).o))

# The engines' loops are written for the compiler to unroll, and the plain one's to vectorise: at -O2
# it does not, and arrays of vectors that could stay in registers (a transposed square) go through
# memory. What a sanitizer adds to unrolled loops takes minutes to compile, so there they stay loops.
ENGINE_LEVEL := $(if $(SANITIZE),-O1,-O3)
$(OUT)/lib/nn/plain%.o $(OUT)/lib/nn/lanes/%.o: \
    CFLAGS_ALL += $(patsubst -O2,$(ENGINE_LEVEL),$(filter -O2,$(CFLAGS)))

TOOLS := $(notdir $(basename $(wildcard tools/*.c)))
TOOL_BINARIES := $(TOOLS:%=$(BIN)/%)

.PHONY: tools
tools: $(TOOL_BINARIES) ## build the tools (default)

# What everything was compiled with. The file is written anew only where it differs, and then
# everything is compiled again.
flags := $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)
ifneq ($(strip $(flags)),$(strip $(file <$(OUT)/flags)))
$(OUT)/flags: FORCE
endif
$(OUT)/flags:
	@mkdir -p $(@D); printf '%s\n' '$(subst ','\'',$(flags))' > $@
.PHONY: FORCE
FORCE:

$(OUT)/%.o: %.c $(OUT)/flags
	@mkdir -p $(@D)
	$(call say,CC $<)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(MORE_CFLAGS) -MMD -MP -c $< -o $@

define lanes_rule
$(OUT)/lib/nn/lanes/%.$(1).o: lib/nn/lanes/%.c $(OUT)/flags
	@mkdir -p $$(@D)
	$$(call say,CC $$< for $(1))
	$$(Q)$$(CC) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $(LANES_$(1)) -ffp-contract=fast -MMD -MP -c $$< -o $$@
endef
$(foreach isa,$(LANES_ISAS),$(eval $(call lanes_rule,$(isa))))

# Loops over all parameters, which -O2 leaves half as fast.
$(OUT)/lib/train/vector.o: MORE_CFLAGS := -O3
# Loops of a few instructions over a block, whose time otherwise depends on where they come to lie:
# that over a bucket's ratios takes two or three times as long.
$(OUT)/lib/geometry/kernels.o: MORE_CFLAGS := -funroll-loops

$(LIB): $(LIB_OBJECTS)
	$(call say,AR $@)
	$(Q)rm -f $@; ar rcs $@ $^

$(BIN)/%: $(OUT)/tools/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LIBS) -o $@

-include $(shell find $(OUT)/lib $(OUT)/tools $(OUT)/tests -name '*.d' 2>/dev/null)

# --- Tests ----------------------------------------------------------------------------------------

include tests/tests.mk

# --- Data: what Debian does not package -----------------------------------------------------------

include data/data.mk

# --- Pipelines: every table and figure, and the paper ---------------------------------------------

include pipelines/pipelines.mk

# --- Install --------------------------------------------------------------------------------------

MAN1 := $(TOOLS:%=tools/%.1)
MAN7 := $(wildcard tools/*.7)
INSTALL_BIN  := $(DESTDIR)$(PREFIX)/bin
INSTALL_MAN  := $(DESTDIR)$(PREFIX)/share/man
INSTALL_COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions

.PHONY: install uninstall
install: tools ## install tools, man pages and shell completion under DESTDIR/PREFIX
	install -d $(INSTALL_BIN) $(INSTALL_MAN)/man1 $(INSTALL_MAN)/man7 $(INSTALL_COMPLETION)
	install $(TOOL_BINARIES) $(INSTALL_BIN)
	install -m 644 $(MAN1) $(INSTALL_MAN)/man1
	install -m 644 $(MAN7) $(INSTALL_MAN)/man7
	for tool in $(TOOLS); do \
	    install -m 644 tools/completion.bash $(INSTALL_COMPLETION)/$$tool; done
uninstall: ## remove what install put there
	rm -f $(TOOLS:%=$(INSTALL_BIN)/%) $(TOOLS:%=$(INSTALL_COMPLETION)/%) \
	    $(MAN1:tools/%=$(INSTALL_MAN)/man1/%) $(MAN7:tools/%=$(INSTALL_MAN)/man7/%)

.PHONY: clean help
clean: ## remove everything made, results too
	rm -rf $(BUILD)
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
