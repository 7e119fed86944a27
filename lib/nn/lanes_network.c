#include "nn/lanes_network.h"

#include <stdio.h>
#include <stdlib.h>

#include "nn/placement.h"

/* --- Parts ----------------------------------------------------------------------------------- */

/* Parts are this many times fewer where images are 4x4: of one group there would be one tile only,
 * and where the channels are many it is reading the weights again that costs. */
static int coarseness(const struct sam_lanes_network *network, int size)
{
    return size > 4 ? 1 : network->tables.features < 256 ? 2 : 4;
}

static int groups_of(const struct sam_lanes_network *network, int batch)
{
    return (batch + network->kernels->lanes - 1) / network->kernels->lanes;
}

int sam_lanes_network_parts(const struct sam_lanes_network *network, int size, int batch)
{
    const int coarse = coarseness(network, size), samples = SAM_LANES_PART * coarse;
    const int parts = (batch + samples - 1) / samples, most = SAM_LANES_MOST_PARTS / coarse;
    return parts < most ? parts : most;
}

struct sam_lanes_span sam_lanes_network_part(const struct sam_lanes_network *network, int size,
                                             int batch, int part)
{
    const int groups = groups_of(network, batch);
    const int parts = sam_lanes_network_parts(network, size, batch);
    return (struct sam_lanes_span){groups * part / parts, groups * (part + 1) / parts, batch};
}

/* --- Memory ---------------------------------------------------------------------------------- */

static float *take_floats(struct sam_placement *placement, size_t count)
{
    return sam_placement_take(placement, count, sizeof(float));
}

/* What the units need of the memory they share, each the largest of all. */
struct shared {
    size_t scratch, transformed[SAM_LANES_ROLES], dweights[SAM_LANES_ROLES];
};

static void raise_to(size_t *largest, size_t value)
{
    if (value > *largest)
        *largest = value;
}

/* Floats of what a unit puts out, of the largest minibatch. */
static size_t output_floats(const struct sam_lanes_network *network,
                            const struct sam_lanes_unit *unit)
{
    const int samples = groups_of(network, network->max_batch) * network->kernels->lanes;
    return (size_t)samples * (size_t)(unit->arch->out * unit->pixels);
}

/* All but its y. */
static void place_unit(const struct sam_lanes_network *network, struct sam_lanes_unit *unit,
                       struct sam_placement *placement, struct shared *shared)
{
    const struct sam_arch_unit *arch = unit->arch;
    const size_t channels = (size_t)arch->out;
    const int parts =
        sam_lanes_network_parts(network, arch->size / arch->stride, network->max_batch);
    float **const arrays[] = {&unit->mean, &unit->inverse, &unit->scale, &unit->shift,
                              &unit->a,    &unit->b,       &unit->c};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        *arrays[i] = take_floats(placement, channels);
    unit->moments =
        sam_placement_take(placement, SAM_LANES_MOST_PARTS * channels, sizeof *unit->moments);
    unit->sums = sam_placement_take(placement, SAM_LANES_MOST_PARTS * channels, sizeof *unit->sums);
    raise_to(&shared->scratch, unit->conv->scratch(arch));
    if (unit->winograd)
        raise_to(&shared->transformed[unit->role], network->kernels->winograd_weights(arch));
    raise_to(&shared->dweights[unit->role],
             (size_t)(parts - 1) * channels * (size_t)(arch->in * arch->kernel * arch->kernel));
}

/* The last block of a stage, which has two at least, leaves its place to the slope of the stage in
 * front: backward, that begins when the stage's first block is at work. */
static void place_block(struct sam_lanes_network *network, struct sam_lanes_block *block,
                        struct sam_placement *placement, struct shared *shared)
{
    const size_t floats = output_floats(network, &block->conv1);
    block->conv1.y = take_floats(placement, 2 * floats);
    block->conv2.y = block->conv1.y ? block->conv1.y + floats : NULL;
    /* The last one's stays; in front of the first stage nobody asks. */
    network->slopes[block->conv1.arch->stage - 1] = block->conv1.y;
    block->out = take_floats(placement, floats);
    place_unit(network, &block->conv1, placement, shared);
    place_unit(network, &block->conv2, placement, shared);
    if (block->has_shortcut) {
        block->shortcut.y = take_floats(placement, floats);
        place_unit(network, &block->shortcut, placement, shared);
    }
}

static void place_network(void *context, struct sam_placement *placement)
{
    struct sam_lanes_network *network = context;
    const int batch = network->max_batch;
    const struct sam_arch_tables *tables = &network->tables;
    const size_t samples = (size_t)(groups_of(network, batch) * network->kernels->lanes);
    const struct sam_lanes_block *last = &network->blocks[tables->block_count - 1];
    struct shared shared = {0};
    network->stem.y = take_floats(placement, output_floats(network, &network->stem));
    place_unit(network, &network->stem, placement, &shared);
    for (size_t i = 0; i < tables->block_count; i++)
        place_block(network, &network->blocks[i], placement, &shared);
    network->slopes[SAM_ARCH_STAGES] = take_floats(placement, output_floats(network, &last->conv2));
    network->images =
        take_floats(placement, samples * (size_t)tables->stem.in * SAM_ARCH_IMAGE * SAM_ARCH_IMAGE);
    for (int i = 0; i < SAM_LANES_ROLES; i++) {
        network->transformed[i] = take_floats(placement, shared.transformed[i]);
        network->dweights[i] = take_floats(placement, shared.dweights[i]);
    }
    network->scratch = (shared.scratch + 15) / 16 * 16;
    network->scratches =
        take_floats(placement, (size_t)sam_pool_threads(network->pool) * network->scratch);
    float **const features[] = {&network->pooled, &network->dpooled};
    float **const classes[] = {&network->logits, &network->dlogits};
    for (int i = 0; i < 2; i++) {
        *features[i] = take_floats(placement, (size_t)(tables->features * batch));
        *classes[i] = take_floats(placement, (size_t)(tables->classes * batch));
    }
}

/* --- Units ----------------------------------------------------------------------------------- */

static struct sam_lanes_unit unit_new(struct sam_lanes_network *network,
                                      const struct sam_arch_unit *arch, enum sam_lanes_role role,
                                      enum sam_engine_conv conv)
{
    const struct sam_lanes_kernels *kernels = network->kernels;
    struct sam_timing *timing = &network->timing;
    const int output = arch->size / arch->stride, k = arch->kernel;
    struct sam_lanes_unit unit = {.arch = arch, .role = role, .pixels = output * output};
    /* With the few channels of an image the transforms cost more than they save. */
    unit.winograd = conv == SAM_ENGINE_CONV_FAST && k == 3 && arch->stage > 0;
    unit.conv = unit.winograd ? &kernels->winograd : &kernels->direct;
    unit.flops = 2.0 * arch->in * arch->out * k * k * unit.pixels;

    char stage[16] = "stem";
    if (arch->stage > 0)
        snprintf(stage, sizeof stage, "layer%d", arch->stage);
    char name[40];
    snprintf(name, sizeof name, "%s conv%dx%d%s", stage, k, k, arch->stride == 2 ? " /2" : "");
    unit.weights_time = sam_timing_entry(timing, "%s weights", name);
    unit.forward_time = sam_timing_entry(timing, "%s forward", name);
    unit.backward_time = sam_timing_entry(timing, "%s backward", name);
    unit.pointwise_time = sam_timing_entry(timing, "%s norm, relu", stage);
    return unit;
}

static void make_units(struct sam_lanes_network *network, enum sam_engine_conv conv)
{
    const struct sam_arch_tables *tables = &network->tables;
    network->images_time = sam_timing_entry(&network->timing, "images, layout");
    network->stem = unit_new(network, &tables->stem, SAM_LANES_CONV2, conv);
    for (size_t i = 0; i < tables->block_count; i++) {
        const struct sam_arch_block *arch = &tables->blocks[i];
        struct sam_lanes_block *block = &network->blocks[i];
        block->conv1 = unit_new(network, &arch->conv1, SAM_LANES_CONV1, conv);
        block->conv2 = unit_new(network, &arch->conv2, SAM_LANES_CONV2, conv);
        block->has_shortcut = arch->has_shortcut;
        if (arch->has_shortcut)
            block->shortcut = unit_new(network, &arch->shortcut, SAM_LANES_SHORTCUT, conv);
    }
    network->head_time = sam_timing_entry(&network->timing, "linear, loss");
    network->sum_time = sam_timing_entry(&network->timing, "weight gradients, sums over parts");
    network->wait_time = sam_timing_entry(&network->timing, "waiting for other threads");
}

int sam_lanes_network_init(struct sam_lanes_network *network,
                           const struct sam_lanes_kernels *kernels,
                           const struct sam_engine_settings *settings, struct sam_pool *pool,
                           struct sam_error *error)
{
    network->kernels = kernels;
    network->pool = pool;
    if (sam_arch_tables_init(&network->tables, &settings->arch, error))
        return -1;
    network->blocks = sam_memory_new(network->tables.block_count, sizeof *network->blocks, error);
    if (!network->blocks)
        return -1;
    make_units(network, settings->conv);
    network->max_batch = settings->max_batch;
    network->arena = sam_placement_run(place_network, network, error);
    return network->arena ? 0 : -1;
}

void sam_lanes_network_free(struct sam_lanes_network *network)
{
    sam_arena_free(network->arena);
    sam_arch_tables_free(&network->tables);
    free(network->blocks);
}
