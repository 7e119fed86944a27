# make bench-analysis: the analysis tools beside NumPy and beside reading alone (tests/bench/analysis.py
# says how), and their memory on a record of a billion parameters. Smaller:
#   make bench-analysis BENCH_RECORDS=2 BENCH_ROUNDS=1 BENCH_PARAMETERS=100000000

BENCH_RECORDS ?= 16
BENCH_PARAMETERS ?= 1000000000

# With what vectors the machine has, so that it waits for memory alone.
$(BENCH)/scan: tests/bench/scan.c $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -O3 -march=native $(LDFLAGS_ALL) $< $(LIB) $(LIBS) -o $@

.PHONY: bench-analysis
bench: bench-analysis
bench-analysis: $(addprefix $(BIN)/,classify-ratio bucket-stats flat-threshold overlap class-transitions \
    grad-cat)
bench-analysis: $(BENCH)/scan
	SAM_BIN=$(abspath $(BIN)) /usr/bin/python3 tests/bench/analysis.py $(BENCH)/scan \
	    $(BENCH)/analysis-stream $(BENCH_RECORDS) $(or $(BENCH_ROUNDS),5) $(BENCH)/analysis.csv
	for tool in classify-ratio bucket-stats; do SAM_BIN=$(abspath $(BIN)) /usr/bin/python3 \
	    tests/oracle/analysis_memory.py parameters $(BENCH_PARAMETERS) $$tool; done
