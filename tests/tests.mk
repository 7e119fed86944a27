# How the tests are run. `make check` is all of them; a test file is picked up by its name:
# tests/unit/test_NAME.c (cmocka; links the library) and tests/cli/NAME.bats (runs the tools). Both
# speak TAP, and prove (Perl's test harness) runs them: JOBS at a time, failures in full.
# Python oracles (tests/oracle/*.py) are called from the bats files, which skip, saying why, where
# NumPy or PyTorch is not installed; tests/oracle/NAME.c are programs that they call.

JOBS ?= $(shell nproc)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/test_*.c))
# The longest first, so that none runs alone at the end.
LONGEST := $(patsubst %,tests/cli/%.bats,call-faults fuzz nn pipelines resume stream-faults)
CLI_TESTS := $(LONGEST) $(filter-out $(LONGEST),$(wildcard tests/cli/*.bats))
TEST_PROGRAMS := $(patsubst tests/oracle/%.c,$(OUT)/tests/%,$(wildcard tests/oracle/*.c))
# One file: make check-cli CLI_TESTS=tests/cli/overlap.bats

$(OUT)/tests/%: $(OUT)/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LIBS) -lcmocka -o $@
$(TEST_PROGRAMS): $(OUT)/tests/%: $(OUT)/tests/oracle/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LIBS) -o $@

include tests/fuzz/fuzz.mk

# $(1): what prove is to run. Bats files are called through bats, unit tests as they are.
run_tests = @SAM_BIN=$(abspath $(BIN)) SAM_TOP=$(CURDIR) CMOCKA_MESSAGE_OUTPUT=TAP \
    prove --jobs $(JOBS) --timer --comments --failures --exec tests/run-one $(1)

# Those that look at memory and threads closely run a part of the tests: they are 3 to 50 times as slow
# as the programs are. Under ASan and UBSan it is all but what takes minutes, or watches no tool.
THREAD_TESTS := $(patsubst %,$(OUT)/tests/test_%,base dataset_loader nn_engine stream_ahead \
    stream_mapping stream_reader train_checkpoint train_update)
MEMORY_TESTS := $(filter-out $(patsubst %,$(OUT)/tests/test_%,lanes nn_backends nn_gradient),\
    $(UNIT_TESTS))
MEMORY_CLI_TESTS := $(filter-out $(patsubst %,tests/cli/%.bats,call-faults help install laws nn \
    pipelines pipelines-programs readme resume train-sam),$(CLI_TESTS))

# What the fuzzers have found is played through the sanitizers' programs, which see more.
CHECK_CLI_TESTS := $(if $(SANITIZE),$(CLI_TESTS),$(filter-out tests/cli/fuzz.bats,$(CLI_TESTS)))

# What they need is built JOBS at a time too, by a make of its own: tests that call make shall not
# meet its job server.
.PHONY: check check-programs check-unit check-cli check-valgrind check-thread check-thread-programs \
    check-thread-built check-memory check-memory-programs check-memory-built check-sanitize
check-programs: tools $(UNIT_TESTS) $(TEST_PROGRAMS) $(if $(SANITIZE),$(FUZZ_REPLAYS))
check: ## run all tests
	$(MAKE) -j$(JOBS) check-programs
	$(call run_tests,$(UNIT_TESTS) $(CHECK_CLI_TESTS) tests/watch/valgrind.bats)
	$(if $(SANITIZE),,$(MAKE) check-memory)
	$(if $(SANITIZE),,$(MAKE) check-thread)
check-unit: $(UNIT_TESTS) ## ... the unit tests alone
	$(call run_tests,$^)
check-cli: tools $(TEST_PROGRAMS) $(FUZZ_REPLAYS) ## ... the command-line tests alone
	$(call run_tests,$(CLI_TESTS))
check-valgrind: tools ## ... small runs of every tool under valgrind alone
	$(call run_tests,tests/watch/valgrind.bats)
check-thread: ## ... what has threads, alone, under the thread sanitizer
	$(MAKE) -j$(JOBS) check-thread-programs SANITIZE=thread
	$(MAKE) check-thread-built SANITIZE=thread
check-thread-programs: tools $(THREAD_TESTS)
check-thread-built:
	$(call run_tests,$(THREAD_TESTS) tests/watch/sanitizers.bats)
check-memory: ## ... most of them, alone, under ASan + UBSan
	$(MAKE) -j$(JOBS) check-memory-programs SANITIZE=address,undefined
	$(MAKE) check-memory-built SANITIZE=address,undefined
check-memory-programs: tools $(MEMORY_TESTS) $(TEST_PROGRAMS) $(FUZZ_REPLAYS)
check-memory-built:
	$(call run_tests,$(MEMORY_TESTS) $(MEMORY_CLI_TESTS) tests/watch/sanitizers.bats)
check-sanitize: ## run all tests under ASan + UBSan
	$(MAKE) check SANITIZE=address,undefined

include tests/bench/engine.mk
include tests/bench/analysis.mk
