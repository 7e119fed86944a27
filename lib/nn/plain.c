/* plain - the network on matrix products: engines "plain" and, through plain_double.c, "double".
 *
 * Forward keeps every convolution's output and every activation, for the backward pass reads them:
 * at width 64 about 5.8 MB an image in single precision. Gradients by activations need three
 * buffers of the largest one, which the blocks hand on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "nn/arch.h"
#include "nn/engine_backend.h"
#include "nn/plain_conv.h"
#include "nn/plain_head.h"
#include "nn/plain_norm.h"
#include "nn/plain_real.h"
#include "nn/timing.h"

#ifdef SAM_PLAIN_DOUBLE
#define BACKEND sam_engine_backend_double
#define PRECISION "double precision"
#else
#define BACKEND sam_engine_backend_plain
#define PRECISION "single precision"
#endif

/* A convolution and its batch norm; h, w are those of the output. */
struct unit {
    const struct sam_arch_unit *arch;
    struct sam_plain_conv conv;
    size_t pixels;        /* h * w */
    real *product;        /* (out, N, h, w), of the convolution */
    real *output;         /* (out, N, h, w), behind norm, shortcut and ReLU */
    real *mean, *inverse; /* (out) */
    double flops;         /* of one pass of the convolution over one image */
    size_t conv_forward, conv_input, conv_weight, norm_forward, norm_backward; /* timing entries */
};

struct block {
    struct unit conv1, conv2, shortcut;
    bool has_shortcut;
};

struct network {
    struct sam_arch_tables tables;
    struct sam_arena *arena;
    struct sam_plain_workspace workspace;
    struct unit stem;
    struct block *blocks;        /* (tables.block_count) */
    real *parameters, *gradient; /* (n) */
    real *images;                /* (channels, N, 32, 32) */
    real *pooled, *dpooled;      /* (features, N) */
    real *logits, *dlogits;      /* (classes, N) */
    real *spare[3];              /* each the size of the largest activation */
    struct sam_timing timing;
    size_t copies, head; /* timing entries */
    char description[128];
};

/* A minibatch on its way through the network. */
struct pass {
    struct network *network;
    int batch;
    float *update;       /* buffers to update, or NULL */
    const float *recall; /* running statistics to evaluate with; NULL: measure the minibatch's */
};

/* --- Memory: planned once without an arena, to learn its size, and once with it -------------- */

struct layout {
    struct sam_arena *arena;
    size_t bytes;
};

/* Room for `count` numbers, NULL while planning. The arena was made to fit, so it never runs out.
 */
static real *take(struct layout *layout, size_t count)
{
    const size_t bytes = count * sizeof(real);
    layout->bytes +=
        (bytes + SAM_MEMORY_ALIGNMENT - 1) / SAM_MEMORY_ALIGNMENT * SAM_MEMORY_ALIGNMENT;
    struct sam_error never;
    return layout->arena ? sam_arena_take(layout->arena, count, sizeof(real), &never) : NULL;
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What the units of a network need of the memory they share, each the largest of all. */
struct shared {
    size_t activation, panel, weights;
};

static void place_unit(struct unit *unit, struct layout *layout, size_t batch,
                       struct shared *shared)
{
    const size_t channels = (size_t)unit->conv.out;
    const size_t activation = channels * batch * unit->pixels;
    unit->product = take(layout, activation);
    unit->output = take(layout, activation);
    unit->mean = take(layout, channels);
    unit->inverse = take(layout, channels);
    shared->activation = largest(shared->activation, activation);
    shared->panel = largest(shared->panel, SAM_PLAIN(conv_panel)(&unit->conv));
    shared->weights = largest(shared->weights, SAM_PLAIN(conv_weights)(&unit->conv));
}

static void place_network(struct network *network, struct layout *layout, size_t batch)
{
    const struct sam_arch_tables *tables = &network->tables;
    struct shared shared = {0};
    place_unit(&network->stem, layout, batch, &shared);
    for (size_t i = 0; i < tables->block_count; i++) {
        struct block *block = &network->blocks[i];
        place_unit(&block->conv1, layout, batch, &shared);
        place_unit(&block->conv2, layout, batch, &shared);
        if (block->has_shortcut)
            place_unit(&block->shortcut, layout, batch, &shared);
    }
    const size_t features = (size_t)tables->features, classes = (size_t)tables->classes;
    const size_t channels = (size_t)tables->stem.in, pixels = SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    network->parameters = take(layout, tables->parameter_count);
    network->gradient = take(layout, tables->parameter_count);
    network->images = take(layout, channels * batch * pixels);
    network->pooled = take(layout, features * batch);
    network->dpooled = take(layout, features * batch);
    network->logits = take(layout, classes * batch);
    network->dlogits = take(layout, classes * batch);
    for (int i = 0; i < 3; i++)
        network->spare[i] = take(layout, shared.activation);
    struct sam_plain_workspace *workspace = &network->workspace;
    workspace->panel = shared.panel;
    workspace->panels = take(layout, (size_t)sam_pool_threads(workspace->pool) * shared.panel);
    workspace->partials = take(layout, SAM_PLAIN_SLICES * shared.weights);
}

static int place(struct network *network, size_t batch, struct sam_error *error)
{
    struct layout layout = {0};
    place_network(network, &layout, batch);
    network->arena = layout.arena = sam_arena_new(layout.bytes, error);
    if (!layout.arena)
        return -1;
    place_network(network, &layout, batch);
    return 0;
}

/* --- Making and freeing ----------------------------------------------------------------------- */

static struct unit unit_new(const struct sam_arch_unit *arch, struct sam_timing *timing)
{
    struct unit unit = {.arch = arch,
                        .conv = {.in = arch->in,
                                 .out = arch->out,
                                 .size = arch->size,
                                 .kernel = arch->kernel,
                                 .stride = arch->stride}};
    const size_t output = (size_t)SAM_PLAIN(conv_output_size)(&unit.conv);
    unit.pixels = output * output;
    unit.flops = 2 * (double)SAM_PLAIN(conv_weights)(&unit.conv) * (double)unit.pixels;

    char stage[16] = "stem";
    if (arch->stage > 0)
        snprintf(stage, sizeof stage, "layer%d", arch->stage);
    const int k = arch->kernel;
    unit.conv_forward = sam_timing_entry(timing, "%s conv%dx%d forward", stage, k, k);
    if (arch->stage > 0)
        unit.conv_input = sam_timing_entry(timing, "%s conv%dx%d input gradient", stage, k, k);
    unit.conv_weight = sam_timing_entry(timing, "%s conv%dx%d weight gradient", stage, k, k);
    unit.norm_forward = sam_timing_entry(timing, "%s norm forward", stage);
    unit.norm_backward = sam_timing_entry(timing, "%s norm backward", stage);
    return unit;
}

static void make_units(struct network *network)
{
    struct sam_timing *timing = &network->timing;
    network->copies = sam_timing_entry(timing, "parameters and images, copies");
    network->stem = unit_new(&network->tables.stem, timing);
    for (size_t i = 0; i < network->tables.block_count; i++) {
        const struct sam_arch_block *arch = &network->tables.blocks[i];
        struct block *block = &network->blocks[i];
        block->conv1 = unit_new(&arch->conv1, timing);
        block->conv2 = unit_new(&arch->conv2, timing);
        block->has_shortcut = arch->has_shortcut;
        if (arch->has_shortcut)
            block->shortcut = unit_new(&arch->shortcut, timing);
    }
    network->head = sam_timing_entry(timing, "pooling, linear, loss");
}

static void destroy(void *state)
{
    struct network *network = state;
    sam_arena_free(network->arena);
    sam_arch_tables_free(&network->tables);
    free(network->blocks);
    free(network);
}

static void *create(const struct sam_engine_settings *settings, struct sam_pool *pool,
                    struct sam_error *error)
{
    struct network *network = sam_memory_new(1, sizeof *network, error);
    if (!network)
        return NULL;
    network->workspace.pool = pool;
    if (sam_arch_tables_init(&network->tables, &settings->arch, error))
        goto failed;
    network->blocks = sam_memory_new(network->tables.block_count, sizeof *network->blocks, error);
    if (!network->blocks)
        goto failed;
    make_units(network);
    if (place(network, (size_t)settings->max_batch, error))
        goto failed;
    /* Our jobs are the parallel ones; products inside them stay on their threads. */
    openblas_set_num_threads(1);
    snprintf(network->description, sizeof network->description,
             PRECISION ", im2col, OpenBLAS for %s", openblas_get_corename());
    return network;
failed:
    destroy(network);
    return NULL;
}

static const char *description(const void *state)
{
    return ((const struct network *)state)->description;
}

static const struct sam_engine_timing *timings(const void *state, size_t *count)
{
    const struct network *network = state;
    *count = network->timing.count;
    return network->timing.entries;
}

static bool supported(void)
{
    return true;
}

/* --- In and out: float arrays of the caller's, ours of `real` -----------------------------------
 */

static void read_parameters(struct network *network, const float *parameters)
{
    for (size_t i = 0; i < network->tables.parameter_count; i++)
        network->parameters[i] = (real)parameters[i];
}

static void write_gradient(struct network *network, float *gradient)
{
    const double start = sam_timing_now();
    for (size_t i = 0; i < network->tables.parameter_count; i++)
        gradient[i] = (float)network->gradient[i];
    sam_timing_add(&network->timing, network->copies, start, 0);
}

/* images (N, C, H, W) to (C, N, H, W). */
static void read_images(struct network *network, const float *images, size_t batch)
{
    const size_t channels = (size_t)network->tables.stem.in;
    const size_t pixels = SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    for (size_t n = 0; n < batch; n++)
        for (size_t c = 0; c < channels; c++, images += pixels)
            for (size_t i = 0; i < pixels; i++)
                network->images[(c * batch + n) * pixels + i] = (real)images[i];
}

/* --- Forward ------------------------------------------------------------------------------------
 */

static struct sam_plain_norm norm_of(const struct pass *pass, const struct unit *unit)
{
    const real *parameters = pass->network->parameters;
    return (struct sam_plain_norm){.channels = unit->conv.out,
                                   .columns = (size_t)pass->batch * unit->pixels,
                                   .weight = parameters + unit->arch->norm_weight,
                                   .bias = parameters + unit->arch->norm_bias,
                                   .mean = unit->mean,
                                   .inverse = unit->inverse};
}

static float *at_or_null(float *buffers, size_t offset)
{
    return buffers ? buffers + offset : NULL;
}

/* x (in, N, H, W) through the unit; returns its output. */
static const real *unit_forward(const struct pass *pass, struct unit *unit, const real *x,
                                const real *shortcut, bool relu)
{
    struct network *network = pass->network;
    const struct sam_arch_unit *arch = unit->arch;
    double start = sam_timing_now();
    SAM_PLAIN(conv_forward)
    (&unit->conv, &network->workspace, pass->batch, x, network->parameters + arch->weight,
     unit->product);
    sam_timing_add(&network->timing, unit->conv_forward, start, unit->flops * pass->batch);

    start = sam_timing_now();
    const struct sam_plain_norm norm = norm_of(pass, unit);
    struct sam_pool *pool = network->workspace.pool;
    if (pass->recall)
        SAM_PLAIN(norm_recall)
        (&norm, pass->recall + arch->running_mean, pass->recall + arch->running_var);
    else
        SAM_PLAIN(norm_measure)
        (&norm, pool, unit->product, at_or_null(pass->update, arch->running_mean),
         at_or_null(pass->update, arch->running_var));
    SAM_PLAIN(norm_forward)(&norm, pool, unit->product, shortcut, relu, unit->output);
    sam_timing_add(&network->timing, unit->norm_forward, start, 0);
    return unit->output;
}

static const real *block_forward(const struct pass *pass, struct block *block, const real *x)
{
    const real *inner = unit_forward(pass, &block->conv1, x, NULL, true);
    const real *shortcut =
        block->has_shortcut ? unit_forward(pass, &block->shortcut, x, NULL, false) : x;
    return unit_forward(pass, &block->conv2, inner, shortcut, true);
}

static struct sam_plain_linear linear_of(const struct network *network)
{
    return (struct sam_plain_linear){network->tables.features, network->tables.classes};
}

/* The pixels of an image behind the last block, and the rows it has there. */
static size_t last_pixels(const struct network *network)
{
    return network->blocks[network->tables.block_count - 1].conv2.pixels;
}

static size_t last_rows(const struct pass *pass)
{
    return (size_t)pass->network->tables.features * (size_t)pass->batch;
}

static void forward(const struct pass *pass, const float *parameters, const float *images)
{
    struct network *network = pass->network;
    double start = sam_timing_now();
    read_parameters(network, parameters);
    read_images(network, images, (size_t)pass->batch);
    sam_timing_add(&network->timing, network->copies, start, 0);

    const real *x = unit_forward(pass, &network->stem, network->images, NULL, true);
    for (size_t i = 0; i < network->tables.block_count; i++)
        x = block_forward(pass, &network->blocks[i], x);

    start = sam_timing_now();
    const struct sam_plain_linear linear = linear_of(network);
    SAM_PLAIN(pool_forward)(last_rows(pass), last_pixels(network), x, network->pooled);
    SAM_PLAIN(linear_forward)
    (&linear, pass->batch, network->pooled, network->parameters + network->tables.linear_weight,
     network->parameters + network->tables.linear_bias, network->logits);
    sam_timing_add(&network->timing, network->head, start, 0);
}

/* --- Backward -----------------------------------------------------------------------------------
 */

/* dy, the gradient by the unit's output, becomes that by what went into the ReLU; dproduct, which
 * may be dy, becomes the gradient by the convolution's output. Fills the unit's gradients. */
static void unit_backward(const struct pass *pass, const struct unit *unit, const real *x,
                          bool relu, real *dy, real *dproduct)
{
    struct network *network = pass->network;
    const struct sam_arch_unit *arch = unit->arch;
    const struct sam_plain_norm norm = norm_of(pass, unit);
    double start = sam_timing_now();
    SAM_PLAIN(norm_backward)
    (&norm, network->workspace.pool, unit->product, relu ? unit->output : NULL, dy, dproduct,
     network->gradient + arch->norm_weight, network->gradient + arch->norm_bias);
    sam_timing_add(&network->timing, unit->norm_backward, start, 0);

    start = sam_timing_now();
    SAM_PLAIN(conv_backward_weight)
    (&unit->conv, &network->workspace, pass->batch, x, dproduct, network->gradient + arch->weight);
    sam_timing_add(&network->timing, unit->conv_weight, start, unit->flops * pass->batch);
}

/* dx = (or, with `add`, +=) the gradient by the unit's input. */
static void unit_backward_input(const struct pass *pass, const struct unit *unit,
                                const real *dproduct, bool add, real *dx)
{
    struct network *network = pass->network;
    const double start = sam_timing_now();
    SAM_PLAIN(conv_backward_input)
    (&unit->conv, &network->workspace, pass->batch, dproduct,
     network->parameters + unit->arch->weight, add, dx);
    sam_timing_add(&network->timing, unit->conv_input, start, unit->flops * pass->batch);
}

static void add_to(real *sum, const real *term, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += term[i];
}

/* x is the block's input. On entry spare[0] is the gradient by the block's output; on return it is
 * the gradient by x. */
static void block_backward(const struct pass *pass, struct block *block, const real *x)
{
    real **spare = pass->network->spare;
    real *const dy = spare[0], *const dx = spare[1], *const inner = spare[2];
    unit_backward(pass, &block->conv2, block->conv1.output, true, dy, dx);
    unit_backward_input(pass, &block->conv2, dx, false, inner);
    unit_backward(pass, &block->conv1, x, true, inner, inner);
    unit_backward_input(pass, &block->conv1, inner, false, dx);
    if (block->has_shortcut) {
        unit_backward(pass, &block->shortcut, x, false, dy, dy);
        unit_backward_input(pass, &block->shortcut, dy, true, dx);
    } else {
        add_to(dx, dy, (size_t)block->conv2.conv.out * (size_t)pass->batch * block->conv2.pixels);
    }
    spare[0] = dx;
    spare[1] = dy;
}

static void head_backward(const struct pass *pass)
{
    struct network *network = pass->network;
    const struct sam_plain_linear linear = linear_of(network);
    const double start = sam_timing_now();
    SAM_PLAIN(linear_backward)
    (&linear, pass->batch, network->pooled, network->parameters + network->tables.linear_weight,
     network->dlogits, network->dpooled, network->gradient + network->tables.linear_weight,
     network->gradient + network->tables.linear_bias);
    SAM_PLAIN(pool_backward)
    (last_rows(pass), last_pixels(network), network->dpooled, network->spare[0]);
    sam_timing_add(&network->timing, network->head, start, 0);
}

static void backward(const struct pass *pass)
{
    struct network *network = pass->network;
    head_backward(pass);
    for (size_t i = network->tables.block_count; i-- > 0;)
        block_backward(pass, &network->blocks[i],
                       i > 0 ? network->blocks[i - 1].conv2.output : network->stem.output);
    unit_backward(pass, &network->stem, network->images, true, network->spare[0],
                  network->spare[0]);
}

static void gradient(void *state, const float *parameters, float *buffers, const float *images,
                     const uint8_t *labels, int batch, float *gradient_out,
                     struct sam_engine_result *result)
{
    struct network *network = state;
    const struct pass pass = {.network = network, .batch = batch, .update = buffers};
    forward(&pass, parameters, images);
    SAM_PLAIN(loss)
    (network->tables.classes, batch, network->logits, labels, network->dlogits, result);
    backward(&pass);
    write_gradient(network, gradient_out);
}

static void evaluate(void *state, const float *parameters, const float *buffers,
                     const float *images, const uint8_t *labels, int batch,
                     struct sam_engine_result *result)
{
    struct network *network = state;
    const struct pass pass = {.network = network, .batch = batch, .recall = buffers};
    forward(&pass, parameters, images);
    SAM_PLAIN(loss)(network->tables.classes, batch, network->logits, labels, NULL, result);
}

const struct sam_engine_backend BACKEND = {
    .supported = supported,
    .create = create,
    .destroy = destroy,
    .description = description,
    .gradient = gradient,
    .evaluate = evaluate,
    .timings = timings,
};
