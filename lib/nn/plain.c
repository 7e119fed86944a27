/* plain - engines "plain" and, through plain_double.c, "double": the network on matrix products,
 * forward and backward. */
#include <stdio.h>

#include "nn/engine_backend.h"
#include "nn/plain_conv.h"
#include "nn/plain_linear.h"
#include "nn/plain_network.h"
#include "nn/plain_norm.h"
#include "nn/plain_pool.h"
#include "nn/plain_real.h"
#include "nn/timing.h"

#ifdef SAM_PLAIN_DOUBLE
#define BACKEND sam_engine_backend_double
#define PRECISION "double precision"
#else
#define BACKEND sam_engine_backend_plain
#define PRECISION "single precision"
#endif

/* A minibatch on its way through the network. */
struct pass {
    struct sam_plain_network *network;
    int batch;
    float *update;       /* buffers to update, or NULL */
    const float *recall; /* running statistics to evaluate with; NULL: measure the minibatch's */
};

/* --- In and out: float arrays of the caller's, ours of `real` ------------------------------ */

static void read_parameters(struct sam_plain_network *network, const float *parameters)
{
    for (size_t i = 0; i < network->tables.parameter_count; i++)
        network->parameters[i] = (real)parameters[i];
}

static void write_gradient(struct sam_plain_network *network, float *gradient)
{
    const double start = sam_timing_now();
    for (size_t i = 0; i < network->tables.parameter_count; i++)
        gradient[i] = (float)network->gradient[i];
    sam_timing_add(&network->timing, network->copies, start, 0);
}

/* images (N, C, H, W) to (C, N, H, W). */
static void read_images(struct sam_plain_network *network, const float *images, size_t batch)
{
    const size_t channels = (size_t)network->tables.stem.in;
    const size_t pixels = SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    for (size_t n = 0; n < batch; n++)
        for (size_t c = 0; c < channels; c++, images += pixels)
            for (size_t i = 0; i < pixels; i++)
                network->images[(c * batch + n) * pixels + i] = (real)images[i];
}

/* --- Forward ------------------------------------------------------------------------------- */

static struct sam_plain_norm norm_of(const struct pass *pass, const struct sam_plain_unit *unit)
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
static const real *unit_forward(const struct pass *pass, struct sam_plain_unit *unit, const real *x,
                                const real *shortcut, bool relu)
{
    struct sam_plain_network *network = pass->network;
    const struct sam_arch_unit *arch = unit->arch;
    double start = sam_timing_now();
    sam_plain_conv_forward(&unit->conv, &network->workspace, pass->batch, x,
                           network->parameters + arch->weight, unit->product);
    sam_timing_add(&network->timing, unit->timing.conv_forward, start, unit->flops * pass->batch);

    start = sam_timing_now();
    const struct sam_plain_norm norm = norm_of(pass, unit);
    struct sam_pool *pool = network->workspace.pool;
    if (pass->recall)
        sam_plain_norm_recall(&norm, pass->recall + arch->running_mean,
                              pass->recall + arch->running_var);
    else
        sam_plain_norm_measure(&norm, pool, unit->product,
                               at_or_null(pass->update, arch->running_mean),
                               at_or_null(pass->update, arch->running_var));
    sam_plain_norm_forward(&norm, pool, unit->product, shortcut, relu, unit->output);
    sam_timing_add(&network->timing, unit->timing.norm_forward, start, 0);
    return unit->output;
}

static const real *block_forward(const struct pass *pass, struct sam_plain_block *block,
                                 const real *x)
{
    const real *inner = unit_forward(pass, &block->conv1, x, NULL, true);
    const real *shortcut =
        block->has_shortcut ? unit_forward(pass, &block->shortcut, x, NULL, false) : x;
    return unit_forward(pass, &block->conv2, inner, shortcut, true);
}

static struct sam_plain_linear linear_of(const struct sam_plain_network *network)
{
    return (struct sam_plain_linear){network->tables.features, network->tables.classes};
}

/* The pixels of an image behind the last block, and the rows it has there. */
static size_t last_pixels(const struct sam_plain_network *network)
{
    return network->blocks[network->tables.block_count - 1].conv2.pixels;
}

static size_t last_rows(const struct pass *pass)
{
    return (size_t)pass->network->tables.features * (size_t)pass->batch;
}

static void forward(const struct pass *pass, const float *parameters, const float *images)
{
    struct sam_plain_network *network = pass->network;
    double start = sam_timing_now();
    read_parameters(network, parameters);
    read_images(network, images, (size_t)pass->batch);
    sam_timing_add(&network->timing, network->copies, start, 0);

    const real *x = unit_forward(pass, &network->stem, network->images, NULL, true);
    for (size_t i = 0; i < network->tables.block_count; i++)
        x = block_forward(pass, &network->blocks[i], x);

    start = sam_timing_now();
    const struct sam_plain_linear linear = linear_of(network);
    sam_plain_pool_forward(last_rows(pass), last_pixels(network), x, network->pooled);
    sam_plain_linear_forward(&linear, pass->batch, network->pooled,
                             network->parameters + network->tables.linear_weight,
                             network->parameters + network->tables.linear_bias, network->logits);
    sam_timing_add(&network->timing, network->head, start, 0);
}

/* --- Backward ------------------------------------------------------------------------------ */

/* dy, the gradient by the unit's output, becomes that by what went into the ReLU; dproduct, which
 * may be dy, becomes the gradient by the convolution's output. Fills the unit's gradients. */
static void unit_backward(const struct pass *pass, const struct sam_plain_unit *unit, const real *x,
                          bool relu, real *dy, real *dproduct)
{
    struct sam_plain_network *network = pass->network;
    const struct sam_arch_unit *arch = unit->arch;
    const struct sam_plain_norm norm = norm_of(pass, unit);
    double start = sam_timing_now();
    sam_plain_norm_backward(
        &norm, network->workspace.pool, unit->product, relu ? unit->output : NULL, dy, dproduct,
        network->gradient + arch->norm_weight, network->gradient + arch->norm_bias);
    sam_timing_add(&network->timing, unit->timing.norm_backward, start, 0);

    start = sam_timing_now();
    sam_plain_conv_backward_weight(&unit->conv, &network->workspace, pass->batch, x, dproduct,
                                   network->gradient + arch->weight);
    sam_timing_add(&network->timing, unit->timing.conv_weight, start, unit->flops * pass->batch);
}

/* dx = (or, with `add`, +=) the gradient by the unit's input. */
static void unit_backward_input(const struct pass *pass, const struct sam_plain_unit *unit,
                                const real *dproduct, bool add, real *dx)
{
    struct sam_plain_network *network = pass->network;
    const double start = sam_timing_now();
    sam_plain_conv_backward_input(&unit->conv, &network->workspace, pass->batch, dproduct,
                                  network->parameters + unit->arch->weight, add, dx);
    sam_timing_add(&network->timing, unit->timing.conv_input, start, unit->flops * pass->batch);
}

static void add_to(real *sum, const real *term, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += term[i];
}

/* x is the block's input. On entry spare[0] is the gradient by the block's output; on return it is
 * the gradient by x. */
static void block_backward(const struct pass *pass, struct sam_plain_block *block, const real *x)
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
    struct sam_plain_network *network = pass->network;
    const struct sam_plain_linear linear = linear_of(network);
    const double start = sam_timing_now();
    sam_plain_linear_backward(&linear, pass->batch, network->pooled,
                              network->parameters + network->tables.linear_weight, network->dlogits,
                              network->dpooled, network->gradient + network->tables.linear_weight,
                              network->gradient + network->tables.linear_bias);
    sam_plain_pool_backward(last_rows(pass), last_pixels(network), network->dpooled,
                            network->spare[0]);
    sam_timing_add(&network->timing, network->head, start, 0);
}

static void backward(const struct pass *pass)
{
    struct sam_plain_network *network = pass->network;
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
    struct sam_plain_network *network = state;
    const struct pass pass = {.network = network, .batch = batch, .update = buffers};
    forward(&pass, parameters, images);
    sam_plain_linear_loss(network->tables.classes, batch, network->logits, labels, network->dlogits,
                          result, NULL);
    backward(&pass);
    write_gradient(network, gradient_out);
}

static void evaluate(void *state, const float *parameters, const float *buffers,
                     const float *images, const uint8_t *labels, int batch,
                     struct sam_engine_result *result, uint8_t *right)
{
    struct sam_plain_network *network = state;
    const struct pass pass = {.network = network, .batch = batch, .recall = buffers};
    forward(&pass, parameters, images);
    sam_plain_linear_loss(network->tables.classes, batch, network->logits, labels, NULL, result,
                          right);
}

/* --- The backend --------------------------------------------------------------------------- */

static bool supported(void)
{
    return true;
}

static void *create(const struct sam_engine_settings *settings, struct sam_pool *pool,
                    struct sam_error *error)
{
    struct sam_plain_network *network = sam_plain_network_new(settings, pool, error);
    if (!network)
        return NULL;
    /* Jobs run in parallel, products inside of them do not: for the whole process, alas. */
    openblas_set_num_threads(1);
    snprintf(network->description, sizeof network->description,
             PRECISION ", im2col, OpenBLAS for %s", openblas_get_corename());
    return network;
}

static void destroy(void *state)
{
    sam_plain_network_free(state);
}

static const char *description(const void *state)
{
    return ((const struct sam_plain_network *)state)->description;
}

static const struct sam_engine_timing *timings(const void *state, size_t *count)
{
    const struct sam_plain_network *network = state;
    *count = network->timing.count;
    return network->timing.entries;
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
