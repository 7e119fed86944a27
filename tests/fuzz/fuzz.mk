# Fuzzing: harnesses (tests/fuzz/fuzz_*.c) for what reads, and for the main path of each tool that
# reads streams, with libFuzzer under ASan and UBSan (clang). Corpora and logs stay in the build
# folder and grow from one run to the next; a finding is written to tests/fuzz/findings/, and belongs
# into tests/fuzz/regressions/HARNESS/ once it is mended: `make check` replays all of those.
#
#     make fuzz FUZZ_SECONDS=60              each harness for a minute
#     make fuzz FUZZ=stream FUZZ_SECONDS=3600
#     make fuzz-turns FUZZ_SECONDS=600       in the background's time, until each has had FUZZ_GOAL

FUZZ_HARNESSES := $(filter-out tool,$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
# Those that fuzz_tool.c has options for.
FUZZ_TOOLS := $(shell sed -nE 's/^ *\{"([a-z-]+)",.*/\1/p' tests/fuzz/fuzz_tool.c)
FUZZ ?= $(FUZZ_HARNESSES) $(FUZZ_TOOLS)
FUZZ_SECONDS ?= 60
FUZZ_GOAL ?= 3600

FUZZ_CC    := clang
FUZZ_OUT   := $(BUILD)/fuzz
FUZZ_FLAGS := -std=c11 -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all -ffp-contract=off
# Without OpenBLAS, whose threads take memory when they like, while a harness counts the tool's.
FUZZ_LIBS  := -ljansson -lcsv -lxxhash -lm
FUZZ_WRAP  := -Wl,--wrap=exit,--wrap=mmap,--wrap=munmap
# The rooms that the harnesses reach.
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_OUT)/%.o,$(foreach room,base stream geometry analysis,\
    $(wildcard lib/$(room)/*.c)))

$(FUZZ_OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC $< (fuzz))
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined \
	    $(FUZZ_DEFINE) -MMD -MP -c $< -o $@
$(FUZZ_OUT)/tools/%.o: FUZZ_DEFINE = -Dmain=tool_main
$(FUZZ_OUT)/tests/fuzz/tool_%.o: tests/fuzz/fuzz_tool.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS_ALL) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined \
	    -DTOOL='"$*"' -MMD -MP -c $< -o $@

-include $(shell find $(FUZZ_OUT)/lib $(FUZZ_OUT)/tools $(FUZZ_OUT)/tests -name '*.d' 2>/dev/null)

FUZZ_LINK = $(Q)$(FUZZ_CC) -fsanitize=fuzzer,address,undefined -pthread
$(FUZZ_TOOLS:%=$(FUZZ_OUT)/%): $(FUZZ_OUT)/%: $(FUZZ_OUT)/tests/fuzz/tool_%.o \
    $(FUZZ_OUT)/tools/%.o $(FUZZ_OBJECTS)
	$(call say,LD $@)
	$(FUZZ_LINK) $(FUZZ_WRAP) $^ $(FUZZ_LIBS) -o $@
$(FUZZ_HARNESSES:%=$(FUZZ_OUT)/%): $(FUZZ_OUT)/%: $(FUZZ_OUT)/tests/fuzz/fuzz_%.o $(FUZZ_OBJECTS)
	$(call say,LD $@)
	$(FUZZ_LINK) $^ $(FUZZ_LIBS) -o $@

# Leaks are looked for where a harness frees all it takes; a tool that exits does not.
.PHONY: fuzz fuzz-turns
fuzz: $(FUZZ:%=$(FUZZ_OUT)/%) ## look for inputs that break the readers and tools (FUZZ_SECONDS=60)
	@tests/fuzz/run $(FUZZ_OUT) $(FUZZ_SECONDS) $(FUZZ)
fuzz-turns: $(FUZZ:%=$(FUZZ_OUT)/%) ## ... all in turns, until each has had FUZZ_GOAL=3600 seconds
	@tests/fuzz/turns $(FUZZ_OUT) $(FUZZ_SECONDS) $(FUZZ_GOAL) $(FUZZ)

# The same harnesses without a fuzzer, for `make check` (tests/cli/fuzz.bats).
FUZZ_REPLAYS := $(FUZZ_HARNESSES:%=$(OUT)/tests/fuzz-%) $(FUZZ_TOOLS:%=$(OUT)/tests/fuzz-%)
$(FUZZ_HARNESSES:%=$(OUT)/tests/fuzz-%): $(OUT)/tests/fuzz-%: $(OUT)/tests/fuzz/fuzz_%.o \
    $(OUT)/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $^ $(FUZZ_LIBS) -o $@
$(FUZZ_TOOLS:%=$(OUT)/tests/fuzz-%): $(OUT)/tests/fuzz-%: $(OUT)/tests/fuzz/tool_%.o \
    $(OUT)/tests/fuzz/main_%.o $(OUT)/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(FUZZ_WRAP) $^ $(FUZZ_LIBS) -o $@
$(OUT)/tests/fuzz/tool_%.o: tests/fuzz/fuzz_tool.c $(OUT)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -DTOOL='"$*"' -MMD -MP -c $< -o $@
$(OUT)/tests/fuzz/main_%.o: tools/%.c $(OUT)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Wno-missing-prototypes -Dmain=tool_main -MMD -MP \
	    -c $< -o $@
