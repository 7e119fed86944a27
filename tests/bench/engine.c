/* engine - the speed of one engine on one network: forward and backward, as often as fits.
 *
 *   engine KERNELS WIDTH BATCH THREADS SECONDS [direct]
 *
 * prints one CSV row: description, images per second (of the fastest step), GFLOP/s (a multiply-add
 * of the textbook algorithm is two), its share of the FMA peak measured before, and the largest
 * resident set in MB. With the environment variable LAYERS set, where the time went follows on
 * standard error. tests/bench/engine.sh runs it beside PyTorch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "nn/engine.h"
#include "nn/timing.h"
#include "peak.h"

struct bench {
    struct sam_engine_settings settings;
    int threads;
    double seconds; /* to spend on steps */
    struct sam_arch_tables tables;
    float *parameters, *gradient, *images;
    uint8_t *labels;
};

static struct sam_error error;

static void die(void)
{
    fprintf(stderr, "engine: %s\n", error.text);
    exit(error.status);
}

static void *room(size_t count, size_t size)
{
    void *block = sam_memory_new(count, size, &error);
    if (!block)
        die();
    return block;
}

static void make_minibatch(struct bench *bench)
{
    const struct sam_arch *arch = &bench->settings.arch;
    const size_t batch = (size_t)bench->settings.max_batch;
    const size_t pixels = batch * (size_t)arch->channels * SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    if (sam_arch_tables_init(&bench->tables, arch, &error))
        die();
    bench->parameters = room(bench->tables.parameter_count, sizeof(float));
    bench->gradient = room(bench->tables.parameter_count, sizeof(float));
    bench->images = room(pixels, sizeof(float));
    bench->labels = room(batch, 1);
    struct sam_rng rng;
    sam_rng_init(&rng, 1, SAM_RNG_TEST, 0, 0);
    sam_arch_init_parameters(&bench->tables, 1, bench->parameters);
    for (size_t i = 0; i < pixels; i++)
        bench->images[i] = 2 * sam_rng_float(&rng) - 1;
    for (size_t n = 0; n < batch; n++)
        bench->labels[n] = (uint8_t)sam_rng_below(&rng, (uint32_t)arch->classes);
}

static double step(const struct bench *bench, struct sam_engine *engine)
{
    struct sam_engine_result result;
    const double start = sam_timing_now();
    sam_engine_gradient(engine, bench->parameters, NULL, bench->images, bench->labels,
                        bench->settings.max_batch, bench->gradient, &result);
    return sam_timing_now() - start;
}

/* Seconds of the fastest step, the first two left out. */
static double fastest_step(const struct bench *bench, struct sam_engine *engine)
{
    step(bench, engine);
    double fastest = step(bench, engine);
    const double end = sam_timing_now() + bench->seconds;
    do {
        const double seconds = step(bench, engine);
        fastest = seconds < fastest ? seconds : fastest;
    } while (sam_timing_now() < end);
    return fastest;
}

/* Of forward and backward of one image, convolutions alone; the stem has no gradient by images. */
static double flops_of(const struct sam_arch_tables *tables)
{
    const struct sam_arch_unit *stem = &tables->stem;
    double sum = 4.0 * stem->in * stem->out * 9 * stem->size * stem->size;
    for (size_t i = 0; i < tables->block_count; i++) {
        const struct sam_arch_block *block = &tables->blocks[i];
        const struct sam_arch_unit *units[] = {&block->conv1, &block->conv2, &block->shortcut};
        for (int u = 0; u < 2 + block->has_shortcut; u++) {
            const int output = units[u]->size / units[u]->stride;
            sum += 6.0 * units[u]->in * units[u]->out * units[u]->kernel * units[u]->kernel *
                   output * output;
        }
    }
    return sum;
}

static void print_layers(const struct sam_engine *engine)
{
    size_t count;
    const struct sam_engine_timing *timings = sam_engine_timings(engine, &count);
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += timings[i].seconds;
    for (size_t i = 0; i < count; i++)
        if (timings[i].seconds > 0)
            fprintf(stderr, "%-36s %5.1f %% %8.1f GFLOP/s\n", timings[i].name,
                    100 * timings[i].seconds / total, 1e-9 * timings[i].flops / timings[i].seconds);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fputs("usage: engine KERNELS WIDTH BATCH THREADS SECONDS [direct]\n", stderr);
        return SAM_USAGE;
    }
    struct bench bench = {
        .settings = {.arch = {.depth = 18, .width = atoi(argv[2]), .channels = 3, .classes = 100},
                     .max_batch = atoi(argv[3]),
                     .kernels = argv[1],
                     .conv = argc > 6 ? SAM_ENGINE_CONV_DIRECT : SAM_ENGINE_CONV_FAST},
        .threads = atoi(argv[4]),
        .seconds = atof(argv[5]),
    };
    make_minibatch(&bench);
    struct sam_pool *pool = sam_pool_new(bench.threads, &error);
    struct sam_engine *engine = pool ? sam_engine_new(&bench.settings, pool, &error) : NULL;
    if (!engine)
        die();
    const double peak = peak_measure(strcmp(argv[1], "avx2") == 0) * bench.threads;
    const double speed = bench.settings.max_batch / fastest_step(&bench, engine);
    const double gflops = 1e-9 * speed * flops_of(&bench.tables);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("\"%s\",%.1f,%.1f,%.3f,%.0f\n", sam_engine_description(engine), speed, gflops,
           gflops / peak, (double)usage.ru_maxrss / 1024);
    if (getenv("LAYERS"))
        print_layers(engine);
    sam_engine_free(engine);
    sam_pool_free(pool);
    return SAM_OK;
}
