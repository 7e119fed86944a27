# make bench-engine: the training engine beside PyTorch (tests/bench/engine.sh says how). All of it
# takes more than half an hour, most of it PyTorch's; BENCH_WIDTHS, BENCH_BATCHES, BENCH_THREADS,
# BENCH_ROUNDS, BENCH_SECONDS and BENCH_KERNELS ask for less. make bench-threads: what a second core
# gives (tests/bench/threads.sh). make bench-product: the product that the convolutions are made of,
# beside libxsmm's.

BENCH := $(OUT)/bench

$(BENCH)/engine: $(OUT)/tests/bench/engine.o $(OUT)/tests/bench/peak.o $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(filter %.o,$^) $(LIB) $(LIBS) -o $@

PRODUCT_ISA = $(if $(shell grep -wm 1 avx512f /proc/cpuinfo),avx512,avx2)
$(BENCH)/product: tests/bench/product.c $(LIB)
	@mkdir -p $(@D)
	$(call say,LD $@)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LANES_$(PRODUCT_ISA)) $(LDFLAGS_ALL) $< $(LIB) -lxsmm $(LIBS) -o $@

.PHONY: bench bench-engine bench-threads bench-product
bench: bench-engine bench-threads ## measure speed: ours beside PyTorch's, as a table and as CSV
bench-engine: $(BENCH)/engine
	tests/bench/engine.sh $< $(BENCH)/engine.csv
bench-threads: $(BENCH)/engine
	tests/bench/threads.sh $< $(BENCH)/threads.csv
bench-product: $(BENCH)/product
	$<
