/* lanes - the fast engine: samples in the lanes of vectors (nn/lanes/kernels.h says how), Winograd
 * convolutions, batch norm and ReLU folded into the reading of their neighbours.
 *
 * A pass is a row of regions. In a region each part of the minibatch is a job that does all that
 * can be done before a statistic of the whole minibatch is needed: two regions a block forward, two
 * backward. Between regions the calling thread alone turns sums into the numbers of a norm.
 *
 * Limits: no more threads than parts work at a time, 8 for 128 images, and 4 or 2 where images have
 * shrunk to 4x4; each worker has scratch for one unit's transforms. */
#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>

#include "nn/engine_backend.h"
#include "nn/lanes_network.h"
#include "nn/lanes_norm.h"
#include "nn/plain_linear.h"

/* A minibatch on its way through the network. */
struct pass {
    struct sam_lanes_network *network;
    int batch;
    const float *parameters, *images;
    float *update;       /* buffers to update, or NULL */
    const float *recall; /* running statistics to evaluate with; NULL: measure the minibatch's */
    float *gradient;
};

/* --- Regions and clocks ---------------------------------------------------------------------- */

/* A region's context: the pass and whatever of these its job works on. */
struct region {
    const struct pass *pass;
    int size;      /* of the images: decides the parts */
    bool backward; /* which weights to prepare */
    struct sam_lanes_unit *unit;
    struct sam_lanes_block *block, *previous; /* previous: NULL at the stem */
    double busy;                              /* seconds the calling thread spent in jobs */
};

/* Time is taken on the calling thread, which is worker 0; `start` becomes now. */
static void clock_add(struct region *region, int worker, size_t entry, double *start)
{
    if (worker != 0)
        return;
    const double now = sam_timing_now();
    struct sam_timing *timing = &region->pass->network->timing;
    timing->entries[entry].seconds += now - *start;
    region->busy += now - *start;
    *start = now;
}

static double clock_start(int worker)
{
    return worker == 0 ? sam_timing_now() : 0;
}

static void region_run(struct region *region, size_t jobs, sam_pool_job *job)
{
    struct sam_lanes_network *network = region->pass->network;
    const double start = sam_timing_now();
    region->busy = 0;
    sam_pool_run(network->pool, jobs, job, region);
    network->timing.entries[network->wait_time].seconds += sam_timing_now() - start - region->busy;
}

static int region_parts(const struct region *region)
{
    return sam_lanes_network_parts(region->pass->network, region->size, region->pass->batch);
}

static void region_run_parts(struct region *region, sam_pool_job *job)
{
    region_run(region, (size_t)region_parts(region), job);
}

static struct sam_lanes_span region_span(const struct region *region, size_t part)
{
    return sam_lanes_network_part(region->pass->network, region->size, region->pass->batch,
                                  (int)part);
}

static float *scratch_of(const struct sam_lanes_network *network, int worker)
{
    return network->scratches + (size_t)worker * network->scratch;
}

/* --- What a unit reads ------------------------------------------------------------------------ */

static struct sam_lanes_input as_it_is(const float *x)
{
    return (struct sam_lanes_input){.x = x};
}

static struct sam_lanes_input normed(const struct sam_lanes_unit *unit, bool relu)
{
    return (struct sam_lanes_input){unit->y, unit->scale, unit->shift, relu};
}

/* The input of the block behind `previous`, or of the first block. */
static struct sam_lanes_input input_behind(const struct sam_lanes_network *network,
                                           const struct sam_lanes_block *previous)
{
    return previous ? as_it_is(previous->out) : normed(&network->stem, true);
}

static struct sam_lanes_slope slope_of(const struct sam_lanes_unit *unit, const float *dz)
{
    return (struct sam_lanes_slope){dz, unit->y, unit->a, unit->b, unit->c};
}

/* --- Weights ---------------------------------------------------------------------------------- */

enum { PREPARE_ROWS = 8, SUM_FLOATS = 16384 };

static void prepare_job(void *context, size_t job, int worker)
{
    struct region *region = context;
    const struct pass *pass = region->pass;
    const struct sam_arch_unit *arch = region->unit->arch;
    double start = clock_start(worker);
    const int first = (int)job * PREPARE_ROWS, end = first + PREPARE_ROWS;
    const int rows = region->backward ? arch->in : arch->out;
    pass->network->kernels->winograd_prepare(arch, pass->parameters + arch->weight,
                                             region->backward, first, end < rows ? end : rows,
                                             pass->network->transformed);
    clock_add(region, worker, region->unit->weights_time, &start);
}

/* Makes the unit's weights what its convolution wants; weights_of() is where they are then. */
static void prepare(const struct pass *pass, struct sam_lanes_unit *unit, bool backward)
{
    struct region region = {.pass = pass, .unit = unit, .backward = backward};
    const int rows = backward ? unit->arch->in : unit->arch->out;
    const size_t jobs = (size_t)(rows + PREPARE_ROWS - 1) / PREPARE_ROWS;
    if (unit->winograd)
        region_run(&region, jobs, prepare_job);
}

static const float *weights_of(const struct pass *pass, const struct sam_lanes_unit *unit)
{
    return unit->winograd ? pass->network->transformed : pass->parameters + unit->arch->weight;
}

static size_t weight_count(const struct sam_lanes_unit *unit)
{
    return (size_t)unit->arch->out *
           (size_t)(unit->arch->in * unit->arch->kernel * unit->arch->kernel);
}

/* Where a part puts its gradient by the unit's weights: the first one where the sum will be. */
static float *dweights_of(const struct pass *pass, const struct sam_lanes_unit *unit, size_t part)
{
    return part == 0 ? pass->gradient + unit->arch->weight
                     : pass->network->dweights + (part - 1) * weight_count(unit);
}

static void sum_job(void *context, size_t job, int worker)
{
    struct region *region = context;
    const struct pass *pass = region->pass;
    const size_t count = weight_count(region->unit), first = job * SUM_FLOATS;
    const size_t end = first + SUM_FLOATS < count ? first + SUM_FLOATS : count;
    float *sum = dweights_of(pass, region->unit, 0);
    double start = clock_start(worker);
    for (size_t part = 1; part < (size_t)region_parts(region); part++) {
        const float *more = dweights_of(pass, region->unit, part);
        for (size_t i = first; i < end; i++)
            sum[i] += more[i];
    }
    clock_add(region, worker, pass->network->sum_time, &start);
}

/* The gradient by the unit's weights: the sum of what the parts found, in their order. */
static void sum_parts(const struct pass *pass, struct sam_lanes_unit *unit, int size)
{
    struct region region = {.pass = pass, .unit = unit, .size = size};
    if (region_parts(&region) > 1)
        region_run(&region, (weight_count(unit) + SUM_FLOATS - 1) / SUM_FLOATS, sum_job);
}

/* --- Forward ---------------------------------------------------------------------------------- */

static int output_size(const struct sam_lanes_unit *unit)
{
    return unit->arch->size / unit->arch->stride;
}

/* One part of a unit: its convolution, and the moments of what comes out. */
static void unit_forward(struct region *region, struct sam_lanes_unit *unit, size_t part,
                         int worker, const struct sam_lanes_input *input)
{
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_span span = region_span(region, part);
    struct sam_lanes_moments *moments =
        region->pass->recall ? NULL : unit->moments + (int)part * unit->arch->out;
    double start = clock_start(worker);
    unit->conv->forward(unit->arch, span, input, weights_of(region->pass, unit), unit->y, moments,
                        scratch_of(network, worker));
    clock_add(region, worker, unit->forward_time, &start);
}

static void unit_finish(const struct pass *pass, struct sam_lanes_unit *unit, int parts)
{
    pass->network->timing.entries[unit->forward_time].flops += unit->flops * pass->batch;
    if (pass->recall)
        sam_lanes_norm_recall(unit, pass->parameters, pass->recall);
    else
        sam_lanes_norm_measure(unit, parts, pass->parameters, pass->update);
}

/* One part of a block's output: relu(norm2 + shortcut). */
static void join(struct region *region, const struct sam_lanes_block *block,
                 const struct sam_lanes_input *identity, struct sam_lanes_span span)
{
    const struct sam_lanes_input branch = normed(&block->conv2, false);
    const struct sam_lanes_input shortcut =
        block->has_shortcut ? normed(&block->shortcut, false) : *identity;
    region->pass->network->kernels->join(span, block->conv2.arch->out, block->conv2.pixels, &branch,
                                         &shortcut, block->out);
}

/* The block in front of `block`, NULL at the stem. */
static struct sam_lanes_block *in_front(const struct sam_lanes_network *network,
                                        struct sam_lanes_block *block)
{
    return block == network->blocks ? NULL : block - 1;
}

/* Completes the output of `block`, whose norms are known by now. */
static void complete(struct region *region, struct sam_lanes_block *block, size_t part, int worker)
{
    const struct sam_lanes_network *network = region->pass->network;
    double start = clock_start(worker);
    const struct sam_lanes_input identity = input_behind(network, in_front(network, block));
    join(region, block, &identity, region_span(region, part));
    clock_add(region, worker, block->conv2.pointwise_time, &start);
}

static void stem_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_network *network = region->pass->network;
    double start = clock_start(worker);
    network->kernels->pack(region_span(region, part), network->tables.stem.in, region->pass->images,
                           network->images);
    clock_add(region, worker, network->images_time, &start);
    const struct sam_lanes_input input = as_it_is(network->images);
    unit_forward(region, &network->stem, part, worker, &input);
}

static void conv1_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_network *network = region->pass->network;
    struct sam_lanes_block *block = region->block;
    if (region->previous)
        complete(region, region->previous, part, worker);
    const struct sam_lanes_input input = input_behind(network, region->previous);
    unit_forward(region, &block->conv1, part, worker, &input);
    if (block->has_shortcut)
        unit_forward(region, &block->shortcut, part, worker, &input);
}

static void conv2_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_block *block = region->block;
    const struct sam_lanes_input input = normed(&block->conv1, true);
    unit_forward(region, &block->conv2, part, worker, &input);
}

static void block_forward(const struct pass *pass, struct sam_lanes_block *block)
{
    struct region region = {.pass = pass,
                            .size = output_size(&block->conv1),
                            .block = block,
                            .previous = in_front(pass->network, block)};
    const int parts = region_parts(&region);
    prepare(pass, &block->conv1, false);
    region_run_parts(&region, conv1_job);
    unit_finish(pass, &block->conv1, parts);
    if (block->has_shortcut)
        unit_finish(pass, &block->shortcut, parts);
    prepare(pass, &block->conv2, false);
    region_run_parts(&region, conv2_job);
    unit_finish(pass, &block->conv2, parts);
}

static void pool_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_unit *last = &region->block->conv2;
    complete(region, region->block, part, worker);
    network->kernels->pool(region_span(region, part), last->arch->out, last->pixels,
                           region->block->out, network->pooled);
}

static struct sam_lanes_block *last_block(const struct sam_lanes_network *network)
{
    return &network->blocks[network->tables.block_count - 1];
}

static struct sam_plain_linear linear_of(const struct sam_lanes_network *network)
{
    return (struct sam_plain_linear){network->tables.features, network->tables.classes};
}

/* Logits of the minibatch. */
static void forward(const struct pass *pass)
{
    struct sam_lanes_network *network = pass->network;
    struct region region = {.pass = pass, .size = SAM_ARCH_IMAGE};
    region_run_parts(&region, stem_job);
    unit_finish(pass, &network->stem, region_parts(&region));
    for (size_t i = 0; i < network->tables.block_count; i++)
        block_forward(pass, &network->blocks[i]);

    struct sam_lanes_block *last = last_block(network);
    region = (struct region){.pass = pass, .size = output_size(&last->conv2), .block = last};
    region_run_parts(&region, pool_job);
    const double start = sam_timing_now();
    const struct sam_plain_linear linear = linear_of(network);
    sam_plain_linear_forward(&linear, pass->batch, network->pooled,
                             pass->parameters + network->tables.linear_weight,
                             pass->parameters + network->tables.linear_bias, network->logits);
    sam_timing_add(&network->timing, network->head_time, start, 0);
}

/* --- Backward --------------------------------------------------------------------------------- */

/* The gradient by the output of a block of this stage. */
static float *slope_buffer(const struct sam_lanes_network *network, int stage)
{
    return network->slopes[stage % 2];
}

/* One part of a ReLU and the sums for the norm in front of it. */
static void gate(struct region *region, struct sam_lanes_unit *unit, size_t part, int worker,
                 const struct sam_lanes_input *passed, float *dz)
{
    double start = clock_start(worker);
    region->pass->network->kernels->gate(region_span(region, part), unit->arch->out, unit->pixels,
                                         passed, unit->y, unit->mean, dz,
                                         unit->sums + (int)part * unit->arch->out);
    clock_add(region, worker, unit->pointwise_time, &start);
}

/* The same for a block's last ReLU (the norm of a shortcut shares it), or the stem's. */
static void gate_output(struct region *region, struct sam_lanes_block *block, size_t part,
                        int worker, float *dz)
{
    struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_input passed = input_behind(network, block);
    gate(region, block ? &block->conv2 : &network->stem, part, worker, &passed, dz);
    if (block && block->has_shortcut)
        gate(region, &block->shortcut, part, worker, &passed, dz);
}

/* One part of a convolution's gradients. */
static void unit_backward(struct region *region, const struct sam_lanes_unit *unit, size_t part,
                          int worker, const struct sam_lanes_input *input, const float *dz,
                          bool add, float *dx)
{
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_slope slope = slope_of(unit, dz);
    double start = clock_start(worker);
    unit->conv->backward(unit->arch, region_span(region, part), input, &slope,
                         weights_of(region->pass, unit), add, dx,
                         dweights_of(region->pass, unit, part), scratch_of(network, worker));
    clock_add(region, worker, unit->backward_time, &start);
}

static void conv2_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_block *block = region->block;
    const struct sam_lanes_input input = normed(&block->conv1, true);
    unit_backward(region, &block->conv2, part, worker, &input,
                  slope_buffer(region->pass->network, block->conv2.arch->stage), false, block->out);
    gate(region, &block->conv1, part, worker, &input, block->out);
}

/* The identity's gradient is in the buffer already, and conv1's is added to it. */
static void conv1_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    struct sam_lanes_block *block = region->block;
    const struct sam_lanes_input input = input_behind(network, region->previous);
    const int stage = region->previous ? region->previous->conv2.arch->stage : 1;
    float *dx = slope_buffer(network, stage);
    unit_backward(region, &block->conv1, part, worker, &input, block->out, !block->has_shortcut,
                  dx);
    if (!block->has_shortcut)
        gate_output(region, region->previous, part, worker, dx);
}

static void shortcut_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    struct sam_lanes_block *block = region->block;
    const struct sam_lanes_input input = input_behind(network, region->previous);
    float *dx = slope_buffer(network, region->previous->conv2.arch->stage);
    unit_backward(region, &block->shortcut, part, worker, &input,
                  slope_buffer(network, block->shortcut.arch->stage), true, dx);
    gate_output(region, region->previous, part, worker, dx);
}

static void unit_back_finish(const struct region *region, struct sam_lanes_unit *unit)
{
    const struct pass *pass = region->pass;
    const int passes = unit == &pass->network->stem ? 1 : 2;
    pass->network->timing.entries[unit->backward_time].flops += passes * unit->flops * pass->batch;
    sum_parts(pass, unit, region->size);
}

/* On entry the slope of the block's output has passed its last ReLU, and the sums for the norms of
 * conv2 and the shortcut are taken over `*parts` parts; on return the same is true of the block in
 * front. */
static void block_backward(const struct pass *pass, struct sam_lanes_block *block, int *parts)
{
    struct region region = {.pass = pass,
                            .size = output_size(&block->conv1),
                            .block = block,
                            .previous = in_front(pass->network, block)};
    sam_lanes_norm_slope(&block->conv2, *parts, pass->batch, pass->parameters, pass->gradient);
    if (block->has_shortcut)
        sam_lanes_norm_slope(&block->shortcut, *parts, pass->batch, pass->parameters,
                             pass->gradient);
    *parts = region_parts(&region);
    prepare(pass, &block->conv2, true);
    region_run_parts(&region, conv2_back_job);
    unit_back_finish(&region, &block->conv2);

    sam_lanes_norm_slope(&block->conv1, *parts, pass->batch, pass->parameters, pass->gradient);
    prepare(pass, &block->conv1, true);
    region_run_parts(&region, conv1_back_job);
    unit_back_finish(&region, &block->conv1);
    if (block->has_shortcut) {
        region_run_parts(&region, shortcut_back_job);
        unit_back_finish(&region, &block->shortcut);
    }
}

static void spread_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_unit *last = &region->block->conv2;
    float *dz = slope_buffer(network, last->arch->stage);
    network->kernels->spread(region_span(region, part), last->arch->out, last->pixels,
                             network->dpooled, dz);
    gate_output(region, region->block, part, worker, dz);
}

static void stem_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_input input = as_it_is(network->images);
    unit_backward(region, &network->stem, part, worker, &input, slope_buffer(network, 1), false,
                  NULL);
}

static void linear_backward(const struct pass *pass)
{
    struct sam_lanes_network *network = pass->network;
    const struct sam_plain_linear linear = linear_of(network);
    const double start = sam_timing_now();
    sam_plain_linear_backward(&linear, pass->batch, network->pooled,
                              pass->parameters + network->tables.linear_weight, network->dlogits,
                              network->dpooled, pass->gradient + network->tables.linear_weight,
                              pass->gradient + network->tables.linear_bias);
    sam_timing_add(&network->timing, network->head_time, start, 0);
}

static void backward(const struct pass *pass)
{
    struct sam_lanes_network *network = pass->network;
    struct sam_lanes_block *last = last_block(network);
    struct region region = {.pass = pass, .size = output_size(&last->conv2), .block = last};
    int parts = region_parts(&region);
    linear_backward(pass);
    region_run_parts(&region, spread_job);
    for (size_t i = network->tables.block_count; i-- > 0;)
        block_backward(pass, &network->blocks[i], &parts);

    sam_lanes_norm_slope(&network->stem, parts, pass->batch, pass->parameters, pass->gradient);
    region = (struct region){.pass = pass, .size = SAM_ARCH_IMAGE};
    region_run_parts(&region, stem_back_job);
    unit_back_finish(&region, &network->stem);
}

/* --- The backends ----------------------------------------------------------------------------- */

static void gradient(void *state, const float *parameters, float *buffers, const float *images,
                     const uint8_t *labels, int batch, float *gradient_out,
                     struct sam_engine_result *result)
{
    struct sam_lanes_network *network = state;
    const struct pass pass = {.network = network,
                              .batch = batch,
                              .parameters = parameters,
                              .images = images,
                              .update = buffers,
                              .gradient = gradient_out};
    forward(&pass);
    sam_plain_linear_loss(network->tables.classes, batch, network->logits, labels, network->dlogits,
                          result, NULL);
    backward(&pass);
}

static void evaluate(void *state, const float *parameters, const float *buffers,
                     const float *images, const uint8_t *labels, int batch,
                     struct sam_engine_result *result, uint8_t *right)
{
    struct sam_lanes_network *network = state;
    const struct pass pass = {.network = network,
                              .batch = batch,
                              .parameters = parameters,
                              .images = images,
                              .recall = buffers};
    forward(&pass);
    sam_plain_linear_loss(network->tables.classes, batch, network->logits, labels, NULL, result,
                          right);
}

static const struct sam_engine_timing *timings(const void *state, size_t *count)
{
    const struct sam_lanes_network *network = state;
    *count = network->timing.count;
    return network->timing.entries;
}

static const char *description(const void *state)
{
    return ((const struct sam_lanes_network *)state)->description;
}

static void destroy(void *state)
{
    sam_lanes_network_free(state);
    free(state);
}

static void *create(const struct sam_lanes_kernels *kernels, const char *name,
                    const struct sam_engine_settings *settings, struct sam_pool *pool,
                    struct sam_error *error)
{
    struct sam_lanes_network *network = sam_memory_new(1, sizeof *network, error);
    if (!network)
        return NULL;
    if (sam_lanes_network_init(network, kernels, settings, pool, error)) {
        destroy(network);
        return NULL;
    }
    openblas_set_num_threads(1); /* the linear layer's products: too small to share out */
    snprintf(network->description, sizeof network->description,
             "%s, %d samples a vector, %s, OpenBLAS for %s", name, kernels->lanes,
             settings->conv == SAM_ENGINE_CONV_DIRECT ? "direct" : "winograd F(4,3), F(4,2)",
             openblas_get_corename());
    return network;
}

#define BACKEND(isa, test)                                                                       \
    static bool supported_##isa(void)                                                            \
    {                                                                                            \
        return test;                                                                             \
    }                                                                                            \
    static void *create_##isa(const struct sam_engine_settings *settings, struct sam_pool *pool, \
                              struct sam_error *error)                                           \
    {                                                                                            \
        return create(&sam_lanes_##isa##_kernels, #isa, settings, pool, error);                  \
    }                                                                                            \
    const struct sam_engine_backend sam_engine_backend_##isa = {                                 \
        .supported = supported_##isa,                                                            \
        .create = create_##isa,                                                                  \
        .destroy = destroy,                                                                      \
        .description = description,                                                              \
        .gradient = gradient,                                                                    \
        .evaluate = evaluate,                                                                    \
        .timings = timings,                                                                      \
    };

#if defined(__x86_64__)
BACKEND(avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
BACKEND(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#endif
BACKEND(portable, true)
