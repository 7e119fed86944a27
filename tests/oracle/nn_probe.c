/* nn_probe - one call of an engine, for oracles written in other languages.
 *
 *   nn_probe KERNELS CONV DEPTH WIDTH CHANNELS CLASSES BATCH THREADS TASK
 *
 * CONV is fast or direct. TASK is one of
 *   tensors   prints NAME SHAPE, one line a tensor: parameters, an empty line, buffers;
 *   gradient  one gradient in training mode, with the buffers' update;
 *   evaluate  one evaluation.
 * Standard input, for the last two: parameters, buffers and images as floats, labels as bytes, each
 * as in nn/engine.h, one after the other. Standard output: loss and number of correct answers as
 * doubles; gradient and buffers as floats ("gradient" only). `nn_probe kernels` lists the names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "base/tool.h"
#include "nn/engine.h"

struct probe {
    struct sam_engine_settings settings;
    int threads;
    struct sam_arch_tables tables;
    float *parameters, *buffers, *images, *gradient;
    uint8_t *labels;
};

static void *take(size_t count, size_t size)
{
    struct sam_error error;
    void *block = sam_memory_new(count, size, &error);
    if (!block)
        sam_tool_die(&error);
    return block;
}

static int integer(const char *name, const char *text)
{
    struct sam_error error;
    int value;
    if (sam_number_int(name, text, 0, SAM_ENGINE_MAX_BATCH, &value, &error))
        sam_tool_die(&error);
    return value;
}

static void print_kernels(void)
{
    for (const char *const *name = sam_engine_kernel_names(); *name; name++)
        puts(*name);
}

static void print_tensors(const struct sam_arch_tensor *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fputs(tensors[i].name, stdout);
        for (int k = 0; k < tensors[i].ndim; k++)
            printf(" %zu", tensors[i].shape[k]);
        putchar('\n');
    }
}

static void *input(size_t count, size_t size)
{
    void *block = take(count, size);
    if (fread(block, size, count, stdin) != count) {
        sam_tool_warn("standard input: %zu elements of %zu bytes wanted", count, size);
        exit(SAM_FAILED);
    }
    return block;
}

static void read_arguments(struct probe *probe, char **argv)
{
    probe->settings = (struct sam_engine_settings){
        .kernels = argv[1],
        .conv = strcmp(argv[2], "direct") == 0 ? SAM_ENGINE_CONV_DIRECT : SAM_ENGINE_CONV_FAST,
        .arch = {.depth = integer("DEPTH", argv[3]),
                 .width = integer("WIDTH", argv[4]),
                 .channels = integer("CHANNELS", argv[5]),
                 .classes = integer("CLASSES", argv[6])},
        .max_batch = integer("BATCH", argv[7]),
    };
    probe->threads = integer("THREADS", argv[8]);
    struct sam_error error;
    if (sam_arch_tables_init(&probe->tables, &probe->settings.arch, &error))
        sam_tool_die(&error);
}

static void read_arrays(struct probe *probe)
{
    const size_t batch = (size_t)probe->settings.max_batch;
    const size_t image = (size_t)probe->settings.arch.channels * SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    probe->parameters = input(probe->tables.parameter_count, sizeof(float));
    probe->buffers = input(probe->tables.buffer_count, sizeof(float));
    probe->images = input(batch * image, sizeof(float));
    probe->labels = input(batch, 1);
    probe->gradient = take(probe->tables.parameter_count, sizeof(float));
}

static void run(struct probe *probe, bool evaluate)
{
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(probe->threads, &error);
    struct sam_engine *engine = pool ? sam_engine_new(&probe->settings, pool, &error) : NULL;
    if (!engine)
        sam_tool_die(&error);
    struct sam_engine_result result;
    const int batch = probe->settings.max_batch;
    if (evaluate)
        sam_engine_evaluate(engine, probe->parameters, probe->buffers, probe->images, probe->labels,
                            batch, &result, NULL);
    else
        sam_engine_gradient(engine, probe->parameters, probe->buffers, probe->images, probe->labels,
                            batch, probe->gradient, &result);
    fwrite((double[]){result.loss, result.correct}, sizeof(double), 2, stdout);
    if (!evaluate) {
        fwrite(probe->gradient, sizeof(float), probe->tables.parameter_count, stdout);
        fwrite(probe->buffers, sizeof(float), probe->tables.buffer_count, stdout);
    }
    sam_engine_free(engine);
    sam_pool_free(pool);
}

static void free_probe(struct probe *probe)
{
    sam_arch_tables_free(&probe->tables);
    free(probe->parameters);
    free(probe->buffers);
    free(probe->images);
    free(probe->labels);
    free(probe->gradient);
}

int main(int argc, char **argv)
{
    sam_tool_start("nn_probe");
    if (argc == 2 && strcmp(argv[1], "kernels") == 0) {
        print_kernels();
        return sam_tool_finish();
    }
    if (argc != 10)
        sam_tool_usage("%d arguments: 9 wanted", argc - 1);
    struct probe probe = {0};
    read_arguments(&probe, argv);
    if (strcmp(argv[9], "tensors") == 0) {
        print_tensors(probe.tables.parameters, probe.tables.parameter_tensors);
        putchar('\n');
        print_tensors(probe.tables.buffers, probe.tables.buffer_tensors);
    } else {
        read_arrays(&probe);
        run(&probe, strcmp(argv[9], "evaluate") == 0);
    }
    free_probe(&probe);
    return sam_tool_finish();
}
