#include "nn/arch.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

static int blocks_in(const struct sam_arch *arch, int stage)
{
    static const int blocks[2][SAM_ARCH_STAGES] = {{2, 2, 2, 2}, {3, 4, 6, 3}};
    return blocks[arch->depth == 34][stage];
}

int sam_arch_check(const struct sam_arch *arch, struct sam_error *error)
{
    if (arch->depth != 18 && arch->depth != 34)
        return sam_error_set(error, SAM_USAGE, "depth %d: 18 or 34 wanted", arch->depth);
    if (arch->width < 1 || arch->width > 1024)
        return sam_error_set(error, SAM_USAGE, "width %d: 1 to 1024 wanted", arch->width);
    if (arch->channels != 1 && arch->channels != 3)
        return sam_error_set(error, SAM_USAGE, "%d channels: 1 or 3 wanted", arch->channels);
    if (arch->classes < 2 || arch->classes > SAM_ARCH_MAX_CLASSES)
        return sam_error_set(error, SAM_USAGE, "%d classes: 2 to %d wanted", arch->classes,
                             SAM_ARCH_MAX_CLASSES);
    return 0;
}

static size_t count_blocks(const struct sam_arch *arch)
{
    size_t count = 0;
    for (int stage = 0; stage < SAM_ARCH_STAGES; stage++)
        count += (size_t)blocks_in(arch, stage);
    return count;
}

/* The next tensor of a list, named by a printf format, behind the `*end` floats that are there. */
static struct sam_arch_tensor *append(struct sam_arch_tensor *list, size_t *tensors, size_t *end,
                                      enum sam_arch_role role, const char *format, ...)
{
    struct sam_arch_tensor *tensor = &list[(*tensors)++];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tensor->name, sizeof tensor->name, format, arguments);
    va_end(arguments);
    tensor->role = role;
    tensor->offset = *end;
    return tensor;
}

static size_t append_parameter(struct sam_arch_tables *tables, enum sam_arch_role role,
                               const char *owner, const char *name, int ndim, const size_t *shape)
{
    struct sam_arch_tensor *tensor = append(tables->parameters, &tables->parameter_tensors,
                                            &tables->parameter_count, role, "%s.%s", owner, name);
    tensor->ndim = ndim;
    tensor->count = 1;
    for (int i = 0; i < ndim; i++) {
        tensor->shape[i] = shape[i];
        tensor->count *= shape[i];
    }
    tables->parameter_count += tensor->count;
    return tensor->offset;
}

static size_t append_buffer(struct sam_arch_tables *tables, enum sam_arch_role role,
                            const char *owner, const char *name, size_t channels)
{
    struct sam_arch_tensor *tensor = append(tables->buffers, &tables->buffer_tensors,
                                            &tables->buffer_count, role, "%s.%s", owner, name);
    tensor->ndim = 1;
    tensor->shape[0] = tensor->count = channels;
    tables->buffer_count += channels;
    return tensor->offset;
}

/* Gives the unit its tensors: `conv` and `norm` are the names of its two modules. */
static void append_unit(struct sam_arch_tables *tables, struct sam_arch_unit *unit,
                        const char *conv, const char *norm)
{
    const size_t out = (size_t)unit->out, in = (size_t)unit->in, kernel = (size_t)unit->kernel;
    unit->weight = append_parameter(tables, SAM_ARCH_CONV, conv, "weight", 4,
                                    (size_t[]){out, in, kernel, kernel});
    unit->norm_weight = append_parameter(tables, SAM_ARCH_NORM_WEIGHT, norm, "weight", 1, &out);
    unit->norm_bias = append_parameter(tables, SAM_ARCH_NORM_BIAS, norm, "bias", 1, &out);
    unit->running_mean = append_buffer(tables, SAM_ARCH_RUNNING_MEAN, norm, "running_mean", out);
    unit->running_var = append_buffer(tables, SAM_ARCH_RUNNING_VAR, norm, "running_var", out);
}

static void append_block(struct sam_arch_tables *tables, int stage, int number, int in, int out,
                         int size, int stride)
{
    struct sam_arch_block *block = &tables->blocks[tables->block_count++];
    *block = (struct sam_arch_block){
        .conv1 =
            {.stage = stage, .in = in, .out = out, .size = size, .kernel = 3, .stride = stride},
        .conv2 = {.stage = stage,
                  .in = out,
                  .out = out,
                  .size = size / stride,
                  .kernel = 3,
                  .stride = 1},
        .has_shortcut = stride != 1 || in != out,
    };
    char conv[32], norm[32];
    const char *const names[2][2] = {{"conv1", "bn1"}, {"conv2", "bn2"}};
    struct sam_arch_unit *const units[2] = {&block->conv1, &block->conv2};
    for (int i = 0; i < 2; i++) {
        snprintf(conv, sizeof conv, "layer%d.%d.%s", stage, number, names[i][0]);
        snprintf(norm, sizeof norm, "layer%d.%d.%s", stage, number, names[i][1]);
        append_unit(tables, units[i], conv, norm);
    }
    if (!block->has_shortcut)
        return;
    block->shortcut = block->conv1;
    block->shortcut.kernel = 1;
    snprintf(conv, sizeof conv, "layer%d.%d.shortcut.0", stage, number);
    snprintf(norm, sizeof norm, "layer%d.%d.shortcut.1", stage, number);
    append_unit(tables, &block->shortcut, conv, norm);
}

static void append_network(struct sam_arch_tables *tables, const struct sam_arch *arch)
{
    tables->stem = (struct sam_arch_unit){
        .in = arch->channels, .out = arch->width, .size = SAM_ARCH_IMAGE, .kernel = 3, .stride = 1};
    append_unit(tables, &tables->stem, "conv1", "bn1");
    int channels = arch->width, size = SAM_ARCH_IMAGE;
    for (int stage = 0; stage < SAM_ARCH_STAGES; stage++)
        for (int number = 0; number < blocks_in(arch, stage); number++) {
            const int out = arch->width << stage, stride = stage > 0 && number == 0 ? 2 : 1;
            append_block(tables, stage + 1, number, channels, out, size, stride);
            channels = out;
            size /= stride;
        }
    tables->features = channels;
    tables->classes = arch->classes;
    const size_t shape[2] = {(size_t)arch->classes, (size_t)channels};
    tables->linear_weight =
        append_parameter(tables, SAM_ARCH_LINEAR_WEIGHT, "linear", "weight", 2, shape);
    tables->linear_bias =
        append_parameter(tables, SAM_ARCH_LINEAR_BIAS, "linear", "bias", 1, shape);
}

int sam_arch_tables_init(struct sam_arch_tables *tables, const struct sam_arch *arch,
                         struct sam_error *error)
{
    *tables = (struct sam_arch_tables){0};
    if (sam_arch_check(arch, error))
        return -1;
    const size_t blocks = count_blocks(arch), units = 1 + 3 * blocks; /* at most */
    tables->blocks = sam_memory_new(blocks, sizeof *tables->blocks, error);
    tables->parameters = sam_memory_new(3 * units + 2, sizeof *tables->parameters, error);
    tables->buffers = sam_memory_new(2 * units, sizeof *tables->buffers, error);
    if (!tables->blocks || !tables->parameters || !tables->buffers) {
        sam_arch_tables_free(tables);
        return -1;
    }
    append_network(tables, arch);
    return 0;
}

void sam_arch_tables_free(struct sam_arch_tables *tables)
{
    free(tables->blocks);
    free(tables->parameters);
    free(tables->buffers);
    *tables = (struct sam_arch_tables){0};
}

static void fill(float *values, size_t count, float value)
{
    for (size_t i = 0; i < count; i++)
        values[i] = value;
}

static void fill_uniform(float *values, size_t count, float bound, uint64_t seed, uint32_t tensor)
{
    struct sam_rng rng;
    sam_rng_init(&rng, seed, SAM_RNG_INIT, 0, tensor);
    for (size_t i = 0; i < count; i++)
        values[i] = bound * (2 * sam_rng_float(&rng) - 1);
}

void sam_arch_init_parameters(const struct sam_arch_tables *tables, uint64_t seed,
                              float *parameters)
{
    float bound = 0;
    for (size_t i = 0; i < tables->parameter_tensors; i++) {
        const struct sam_arch_tensor *tensor = &tables->parameters[i];
        float *values = parameters + tensor->offset;
        if (tensor->role == SAM_ARCH_NORM_WEIGHT || tensor->role == SAM_ARCH_NORM_BIAS) {
            fill(values, tensor->count, tensor->role == SAM_ARCH_NORM_WEIGHT);
            continue;
        }
        /* The linear bias has the fan-in of the weight before it. */
        if (tensor->role != SAM_ARCH_LINEAR_BIAS)
            bound = 1 / sqrtf((float)(tensor->count / tensor->shape[0]));
        fill_uniform(values, tensor->count, bound, seed, (uint32_t)i);
    }
}

void sam_arch_init_buffers(const struct sam_arch_tables *tables, float *buffers)
{
    for (size_t i = 0; i < tables->buffer_tensors; i++) {
        const struct sam_arch_tensor *tensor = &tables->buffers[i];
        fill(buffers + tensor->offset, tensor->count, tensor->role == SAM_ARCH_RUNNING_VAR);
    }
}
