# How the tests are run. `make check` is all of them; a test file is picked up by its name:
# tests/unit/test_NAME.c (cmocka; links the library) and tests/cli/NAME.bats (runs the tools). Both
# speak TAP, and prove (Perl's test harness) runs them: JOBS at a time, failures in full.
# Python oracles (tests/oracle/*.py) are called from the bats files, which skip, saying why, where
# NumPy or PyTorch is not installed; tests/oracle/NAME.c are programs that they call.

JOBS ?= $(shell nproc)
UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/test_*.c))
CLI_TESTS := $(wildcard tests/cli/*.bats)
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

.PHONY: check check-unit check-cli check-sanitize
check: tools $(UNIT_TESTS) $(TEST_PROGRAMS) $(FUZZ_REPLAYS) ## run all tests
	$(call run_tests,$(UNIT_TESTS) $(CLI_TESTS))
check-unit: $(UNIT_TESTS) ## ... the unit tests alone
	$(call run_tests,$^)
check-cli: tools $(TEST_PROGRAMS) $(FUZZ_REPLAYS) ## ... the command-line tests alone
	$(call run_tests,$(CLI_TESTS))
check-sanitize: ## ... all under ASan + UBSan
	$(MAKE) check SANITIZE=address,undefined

include tests/bench/engine.mk
include tests/bench/analysis.mk
