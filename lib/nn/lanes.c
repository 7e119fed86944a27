/* lanes - the fast engine: samples in the lanes of vectors (nn/lanes/kernels.h says how), Winograd
 * convolutions, batch norm and ReLU folded into the reading of their neighbours.
 *
 * A pass is a row of regions. In a region each part of the minibatch is a job that does all that
 * can be done before a statistic of the whole minibatch is needed: two regions a block forward, two
 * backward and one more for a shortcut (forward it shares conv1's). Workers who find no part left
 * prepare the weights of the next region's convolution and sum the gradients that the last one's
 * parts found. Between regions the calling thread alone turns sums into the numbers of a norm.
 *
 * The words:
 *     unit      a convolution and the batch norm behind it
 *     block     conv1, conv2 and perhaps a shortcut: the units between two joins
 *     group     the samples that share a vector: LANES of them
 *     part      some groups of the minibatch, and the job of working on them; span: its groups
 *     region    the parts of one step of a pass, from one statistic of all samples to the next
 *     role      of a unit in its block; units of one role share memory for weights
 *     dz, dy    the gradient by a norm's output, and by its input, the convolution's output
 *     slope     a gradient on its way: dz, and what makes dy of it (struct sam_lanes_slope)
 *     tile, chunk, point    pieces of a Winograd convolution (nn/lanes/winograd.c)
 *
 * Limits: no more threads than parts work at a time, 8 for 128 images, and 4 or 2 where images have
 * shrunk to 4x4; a region ends when every thread has looked whether a job is left (base/pool.h);
 * each worker has scratch for one unit's transforms. */
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

/* A region's context: the pass, what its jobs work on, and what is done beside them for the regions
 * in front of it and behind. */
struct region {
    const struct pass *pass;
    int size;                                 /* of the images: decides the parts */
    struct sam_lanes_block *block, *previous; /* previous: NULL at the stem */
    struct sam_lanes_unit *prepare;           /* whose weights a region to come wants, or NULL */
    bool backward;                            /* for which pass */
    struct sam_lanes_unit *sum; /* whose gradients the last region found in parts, or NULL */
    double busy;                /* seconds the calling thread spent in jobs */
};

/* Time is taken on the calling thread, which is worker 0; `start` becomes now. What a convolution
 * does on its way, reading through norms and sending gradients through ReLUs, counts as its own. */
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

static int region_parts(const struct region *region)
{
    return sam_lanes_network_parts(region->pass->network, region->size, region->pass->batch);
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

static size_t pieces_of(size_t count, size_t piece)
{
    return (count + piece - 1) / piece;
}

static const float *weights_of(const struct pass *pass, const struct sam_lanes_unit *unit)
{
    return unit->winograd ? pass->network->transformed[unit->role]
                          : pass->parameters + unit->arch->weight;
}

static int prepare_rows(const struct region *region)
{
    const struct sam_lanes_unit *unit = region->prepare;
    return !unit || !unit->winograd ? 0 : region->backward ? unit->arch->in : unit->arch->out;
}

/* Makes some of the weights what the convolution wants; weights_of() is where they are then. */
static void prepare_job(void *context, size_t job, int worker)
{
    struct region *region = context;
    const struct pass *pass = region->pass;
    const struct sam_lanes_unit *unit = region->prepare;
    double start = clock_start(worker);
    const int first = (int)job * PREPARE_ROWS, end = first + PREPARE_ROWS;
    const int rows = prepare_rows(region);
    pass->network->kernels->winograd_prepare(unit->arch, pass->parameters + unit->arch->weight,
                                             region->backward, first, end < rows ? end : rows,
                                             pass->network->transformed[unit->role]);
    clock_add(region, worker, unit->weights_time, &start);
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
                     : pass->network->dweights[unit->role] + (part - 1) * weight_count(unit);
}

static int output_size(const struct sam_lanes_unit *unit)
{
    return unit->arch->size / unit->arch->stride;
}

static size_t parts_to_sum(const struct region *region)
{
    return (size_t)sam_lanes_network_parts(region->pass->network, output_size(region->sum),
                                           region->pass->batch);
}

/* Some of the gradient by the unit's weights: the sum of what the parts found, in their order. */
static void sum_job(void *context, size_t job, int worker)
{
    struct region *region = context;
    const size_t count = weight_count(region->sum), first = job * SUM_FLOATS;
    const size_t end = first + SUM_FLOATS < count ? first + SUM_FLOATS : count;
    const size_t parts = parts_to_sum(region);
    float *sum = dweights_of(region->pass, region->sum, 0);
    double start = clock_start(worker);
    for (size_t part = 1; part < parts; part++) {
        const float *more = dweights_of(region->pass, region->sum, part);
        for (size_t i = first; i < end; i++)
            sum[i] += more[i];
    }
    clock_add(region, worker, region->pass->network->sum_time, &start);
}

static size_t sum_jobs(const struct region *region)
{
    return region->sum && parts_to_sum(region) > 1
               ? pieces_of(weight_count(region->sum), SUM_FLOATS)
               : 0;
}

/* --- Running regions -------------------------------------------------------------------------- */

/* Runs `job` for each part (NULL: for none), and beside that what other regions need. */
static void region_run(struct region *region, sam_pool_job *job)
{
    struct sam_lanes_network *network = region->pass->network;
    const struct sam_pool_task tasks[] = {
        {job ? (size_t)region_parts(region) : 0, job, region},
        {sum_jobs(region), sum_job, region},
        {pieces_of((size_t)prepare_rows(region), PREPARE_ROWS), prepare_job, region},
    };
    const double start = sam_timing_now();
    region->busy = 0;
    sam_pool_run_tasks(network->pool, tasks, sizeof tasks / sizeof *tasks);
    network->timing.entries[network->wait_time].seconds += sam_timing_now() - start - region->busy;
}

/* --- Forward ---------------------------------------------------------------------------------- */

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
    struct sam_timing *timing = &pass->network->timing;
    const double start = sam_timing_now();
    if (pass->recall)
        sam_lanes_norm_recall(unit, pass->parameters, pass->recall);
    else
        sam_lanes_norm_measure(unit, parts, pass->parameters, pass->update);
    sam_timing_add(timing, unit->pointwise_time, start, 0);
    timing->entries[unit->forward_time].flops += unit->flops * pass->batch;
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

/* The block's conv1 has its weights prepared; so has, on return, that of `next`, unless NULL. */
static void block_forward(const struct pass *pass, struct sam_lanes_block *block,
                          struct sam_lanes_block *next)
{
    struct region region = {.pass = pass,
                            .size = output_size(&block->conv1),
                            .block = block,
                            .previous = in_front(pass->network, block)};
    const int parts = region_parts(&region);
    region.prepare = &block->conv2;
    region_run(&region, conv1_job);
    unit_finish(pass, &block->conv1, parts);
    if (block->has_shortcut)
        unit_finish(pass, &block->shortcut, parts);
    region.prepare = next ? &next->conv1 : NULL;
    region_run(&region, conv2_job);
    unit_finish(pass, &block->conv2, parts);
}

static void pool_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_unit *last = &region->block->conv2;
    complete(region, region->block, part, worker);
    double start = clock_start(worker);
    network->kernels->pool(region_span(region, part), last->arch->out, last->pixels,
                           region->block->out, network->pooled);
    clock_add(region, worker, last->pointwise_time, &start);
}

static struct sam_lanes_block *last_block(const struct sam_lanes_network *network)
{
    return &network->blocks[network->tables.block_count - 1];
}

static struct sam_plain_linear linear_of(const struct sam_lanes_network *network)
{
    return (struct sam_plain_linear){network->tables.features, network->tables.classes};
}

/* The linear layer and the loss; `right` as in nn/engine.h. */
static void answer(const struct pass *pass, const uint8_t *labels, struct sam_engine_result *result,
                   uint8_t *right)
{
    struct sam_lanes_network *network = pass->network;
    const struct sam_plain_linear linear = linear_of(network);
    const double start = sam_timing_now();
    sam_plain_linear_forward(&linear, pass->batch, network->pooled,
                             pass->parameters + network->tables.linear_weight,
                             pass->parameters + network->tables.linear_bias, network->logits);
    sam_plain_linear_loss(network->tables.classes, pass->batch, network->logits, labels,
                          pass->gradient ? network->dlogits : NULL, result, right);
    sam_timing_add(&network->timing, network->head_time, start, 0);
}

/* Up to the pooled features; where a gradient is wanted, the last convolution's weights are
 * prepared for the way back. */
static void forward(const struct pass *pass)
{
    struct sam_lanes_network *network = pass->network;
    struct sam_lanes_block *last = last_block(network);
    struct region region = {
        .pass = pass, .size = SAM_ARCH_IMAGE, .prepare = &network->blocks[0].conv1};
    region_run(&region, stem_job);
    unit_finish(pass, &network->stem, region_parts(&region));
    for (struct sam_lanes_block *block = network->blocks; block <= last; block++)
        block_forward(pass, block, block < last ? block + 1 : NULL);

    region = (struct region){.pass = pass,
                             .size = output_size(&last->conv2),
                             .block = last,
                             .prepare = pass->gradient ? &last->conv2 : NULL,
                             .backward = true};
    region_run(&region, pool_job);
}

/* --- Backward --------------------------------------------------------------------------------- */

/* Adds the norm of a unit to the ReLU, for one part. */
static void relu_add(struct sam_lanes_relu *relu, const struct sam_lanes_unit *unit, size_t part)
{
    relu->norm[relu->norms].y = unit->y;
    relu->norm[relu->norms].mean = unit->mean;
    relu->norm[relu->norms++].sums = unit->sums + (int)part * unit->arch->out;
}

/* The ReLU at the end of `block`, or of the stem. */
static struct sam_lanes_relu relu_behind(const struct sam_lanes_network *network,
                                         const struct sam_lanes_block *block, size_t part)
{
    struct sam_lanes_relu relu = {0};
    relu_add(&relu, block ? &block->conv2 : &network->stem, part);
    if (block && block->has_shortcut)
        relu_add(&relu, &block->shortcut, part);
    return relu;
}

/* One part of a convolution's gradients; `made` lacks dweights. */
static void unit_backward(struct region *region, const struct sam_lanes_unit *unit, size_t part,
                          int worker, const struct sam_lanes_input *input, const float *dz,
                          struct sam_lanes_gradients made)
{
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_slope slope = slope_of(unit, dz);
    made.dweights = dweights_of(region->pass, unit, part);
    double start = clock_start(worker);
    unit->conv->backward(unit->arch, region_span(region, part), input, &slope,
                         weights_of(region->pass, unit), &made, scratch_of(network, worker));
    clock_add(region, worker, unit->backward_time, &start);
}

static void conv2_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_block *block = region->block;
    const struct sam_lanes_input input = normed(&block->conv1, true);
    struct sam_lanes_relu relu = {0};
    relu_add(&relu, &block->conv1, part);
    unit_backward(region, &block->conv2, part, worker, &input,
                  region->pass->network->slopes[block->conv2.arch->stage],
                  (struct sam_lanes_gradients){.dx = block->out, .relu = &relu});
}

/* The gradient by the input of `block`. */
static float *input_slope(const struct region *region)
{
    const struct sam_lanes_block *previous = region->previous;
    return region->pass->network->slopes[previous ? previous->conv2.arch->stage : 1];
}

static void shortcut_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_unit *shortcut = &region->block->shortcut;
    const struct sam_lanes_input input = input_behind(network, region->previous);
    unit_backward(region, shortcut, part, worker, &input, network->slopes[shortcut->arch->stage],
                  (struct sam_lanes_gradients){.dx = input_slope(region)});
}

/* The gradient of the other branch, identity or shortcut, is in the buffer already. */
static void conv1_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_input input = input_behind(network, region->previous);
    const struct sam_lanes_relu relu = relu_behind(network, region->previous, part);
    unit_backward(
        region, &region->block->conv1, part, worker, &input, region->block->out,
        (struct sam_lanes_gradients){.dx = input_slope(region), .add = true, .relu = &relu});
}

static void count_backward(const struct pass *pass, const struct sam_lanes_unit *unit, int passes)
{
    pass->network->timing.entries[unit->backward_time].flops += passes * unit->flops * pass->batch;
}

/* How far the way back has come: over how many parts the sums for the norms in front were taken;
 * whose gradients are still in parts. */
struct way_back {
    int parts;
    struct sam_lanes_unit *sum;
};

/* What the gradient of a unit's norm is made of, from the sums that the last region left. */
static void unit_slope(const struct pass *pass, const struct way_back *way,
                       struct sam_lanes_unit *unit)
{
    const double start = sam_timing_now();
    sam_lanes_norm_slope(unit, way->parts, pass->batch, pass->parameters, pass->gradient);
    sam_timing_add(&pass->network->timing, unit->pointwise_time, start, 0);
}

/* One convolution's gradients, and the sum of those of the one before it. */
static void convolution_backward(struct region *region, struct way_back *way,
                                 struct sam_lanes_unit *unit, sam_pool_job *job,
                                 struct sam_lanes_unit *prepare)
{
    region->prepare = prepare;
    region->sum = way->sum;
    region_run(region, job);
    count_backward(region->pass, unit, 2);
    way->sum = unit;
}

/* The regions of a block. S is slopes[its stage], the gradient by the block's output; P that by its
 * input, slopes[the stage in front], which is S within a stage; out the block's output, which
 * nobody reads any more.
 *
 *     region     reads        writes     sends through the ReLU   prepares
 *     conv2      S, y2        out        of conv1                 conv1
 *     shortcut   S, its y     P                                   nothing: it is 1x1
 *     conv1      out, y1, P   P          of the block in front    conv2 of the block in front
 *
 * Without a shortcut P holds the identity's gradient from the start: it is S. On entry S has passed
 * the block's last ReLU, the sums for the norms of conv2 and the shortcut are taken, and conv2's
 * weights are prepared; on return the same is true of the block in front. */
static void block_backward(const struct pass *pass, struct sam_lanes_block *block,
                           struct way_back *way)
{
    struct region region = {.pass = pass,
                            .size = output_size(&block->conv1),
                            .block = block,
                            .previous = in_front(pass->network, block),
                            .backward = true};
    unit_slope(pass, way, &block->conv2);
    if (block->has_shortcut)
        unit_slope(pass, way, &block->shortcut);
    way->parts = region_parts(&region);
    convolution_backward(&region, way, &block->conv2, conv2_back_job, &block->conv1);

    unit_slope(pass, way, &block->conv1);
    if (block->has_shortcut)
        convolution_backward(&region, way, &block->shortcut, shortcut_back_job, NULL);
    convolution_backward(&region, way, &block->conv1, conv1_back_job,
                         region.previous ? &region.previous->conv2 : NULL);
}

static void spread_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_unit *last = &region->block->conv2;
    float *dz = network->slopes[last->arch->stage];
    double start = clock_start(worker);
    network->kernels->spread(region_span(region, part), last->arch->out, last->pixels,
                             network->dpooled, dz);
    const struct sam_lanes_input passed = as_it_is(region->block->out);
    const struct sam_lanes_relu relu = relu_behind(network, region->block, part);
    network->kernels->gate(region_span(region, part), last->arch->out, last->pixels, &passed, &relu,
                           dz);
    clock_add(region, worker, last->pointwise_time, &start);
}

static void stem_back_job(void *context, size_t part, int worker)
{
    struct region *region = context;
    const struct sam_lanes_network *network = region->pass->network;
    const struct sam_lanes_input input = as_it_is(network->images);
    unit_backward(region, &network->stem, part, worker, &input, network->slopes[1],
                  (struct sam_lanes_gradients){0});
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
    struct way_back way = {.parts = region_parts(&region)};
    linear_backward(pass);
    region_run(&region, spread_job);
    for (size_t i = network->tables.block_count; i-- > 0;)
        block_backward(pass, &network->blocks[i], &way);

    unit_slope(pass, &way, &network->stem);
    region = (struct region){.pass = pass, .size = SAM_ARCH_IMAGE, .sum = way.sum};
    region_run(&region, stem_back_job);
    count_backward(pass, &network->stem, 1);
    region.sum = &network->stem;
    region_run(&region, NULL);
}

/* --- The backends ----------------------------------------------------------------------------- */

static void gradient(void *state, const float *parameters, float *buffers, const float *images,
                     const uint8_t *labels, int batch, float *gradient_out,
                     struct sam_engine_result *result)
{
    const struct pass pass = {.network = state,
                              .batch = batch,
                              .parameters = parameters,
                              .images = images,
                              .update = buffers,
                              .gradient = gradient_out};
    forward(&pass);
    answer(&pass, labels, result, NULL);
    backward(&pass);
}

static void evaluate(void *state, const float *parameters, const float *buffers,
                     const float *images, const uint8_t *labels, int batch,
                     struct sam_engine_result *result, uint8_t *right)
{
    const struct pass pass = {.network = state,
                              .batch = batch,
                              .parameters = parameters,
                              .images = images,
                              .recall = buffers};
    forward(&pass);
    answer(&pass, labels, result, right);
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
BACKEND(avx512, __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                    __builtin_cpu_supports("fma"))
BACKEND(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#endif
BACKEND(portable, true)
