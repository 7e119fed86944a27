# make bench-engine: the training engine beside PyTorch (tests/bench/engine.sh says how). Smaller:
#   make bench-engine BENCH_WIDTHS=8 BENCH_BATCHES=128 BENCH_THREADS=2 BENCH_ROUNDS=1 BENCH_KERNELS=auto

BENCH := $(OUT)/bench

$(BENCH)/engine: $(OUT)/tests/bench/engine.o $(OUT)/tests/bench/peak.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

.PHONY: bench bench-engine
bench: bench-engine ## measure speed: ours beside PyTorch's, as a table and as CSV
bench-engine: $(BENCH)/engine
	tests/bench/engine.sh $< $(BENCH)/engine.csv
