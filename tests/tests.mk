# How the tests are run. `make check` is all of them; a test file is picked up by its name:
# tests/unit/test_NAME.c (cmocka; links the library) and tests/cli/NAME.bats (runs the tools).
# Python oracles (tests/oracle/*.py) are called from the bats files, which skip, saying why, where
# NumPy or PyTorch is not installed.

UNIT_TESTS := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/test_*.c))
CLI_TESTS := $(wildcard tests/cli/*.bats)
# One bats file: make check-cli CLI_TESTS=tests/cli/overlap.bats

$(OUT)/tests/%: $(OUT)/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $< $(LIB) $(LIBS) -lcmocka -o $@

.PHONY: check check-unit check-cli check-sanitize
check: check-unit check-cli ## run all tests
check-unit: $(UNIT_TESTS)
	@for t in $^; do echo "== $$t"; $$t; done
check-cli: tools
	@SAM_BIN=$(abspath $(BIN)) SAM_TOP=$(CURDIR) bats $(CLI_TESTS)
check-sanitize: ## run all tests under ASan + UBSan
	$(MAKE) check SANITIZE=address,undefined
