#include "nn/plain_network.h"

#include <stdio.h>
#include <stdlib.h>

#include "nn/placement.h"

/* --- Memory -------------------------------------------------------------------------------- */

static real *take(struct sam_placement *placement, size_t count)
{
    return sam_placement_take(placement, count, sizeof(real));
}

static size_t largest(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What the units of a network need of the memory they share, each the largest of all. */
struct shared {
    size_t activation, panel, weights;
};

static void place_unit(struct sam_plain_unit *unit, struct sam_placement *placement, size_t batch,
                       struct shared *shared)
{
    const size_t channels = (size_t)unit->conv.out;
    const size_t activation = channels * batch * unit->pixels;
    unit->product = take(placement, activation);
    unit->output = take(placement, activation);
    unit->mean = take(placement, channels);
    unit->inverse = take(placement, channels);
    shared->activation = largest(shared->activation, activation);
    shared->panel = largest(shared->panel, sam_plain_conv_panel(&unit->conv));
    shared->weights = largest(shared->weights, sam_plain_conv_weights(&unit->conv));
}

static void place_network(void *context, struct sam_placement *placement)
{
    struct sam_plain_network *network = context;
    const struct sam_arch_tables *tables = &network->tables;
    const size_t batch = network->max_batch;
    struct shared shared = {0};
    place_unit(&network->stem, placement, batch, &shared);
    for (size_t i = 0; i < tables->block_count; i++) {
        struct sam_plain_block *block = &network->blocks[i];
        place_unit(&block->conv1, placement, batch, &shared);
        place_unit(&block->conv2, placement, batch, &shared);
        if (block->has_shortcut)
            place_unit(&block->shortcut, placement, batch, &shared);
    }
    const size_t features = (size_t)tables->features, classes = (size_t)tables->classes;
    const size_t channels = (size_t)tables->stem.in, pixels = SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
    network->parameters = take(placement, tables->parameter_count);
    network->gradient = take(placement, tables->parameter_count);
    network->images = take(placement, channels * batch * pixels);
    network->pooled = take(placement, features * batch);
    network->dpooled = take(placement, features * batch);
    network->logits = take(placement, classes * batch);
    network->dlogits = take(placement, classes * batch);
    for (int i = 0; i < 3; i++)
        network->spare[i] = take(placement, shared.activation);
    struct sam_plain_workspace *workspace = &network->workspace;
    workspace->panel = shared.panel;
    workspace->panels = take(placement, (size_t)sam_pool_threads(workspace->pool) * shared.panel);
    workspace->partials = take(placement, SAM_PLAIN_SLICES * shared.weights);
}

/* --- Making and freeing -------------------------------------------------------------------- */

static struct sam_plain_unit unit_new(const struct sam_arch_unit *arch, struct sam_timing *timing)
{
    struct sam_plain_unit unit = {.arch = arch,
                                  .conv = {.in = arch->in,
                                           .out = arch->out,
                                           .size = arch->size,
                                           .kernel = arch->kernel,
                                           .stride = arch->stride}};
    const size_t output = (size_t)sam_plain_conv_output_size(&unit.conv);
    unit.pixels = output * output;
    unit.flops = 2 * (double)sam_plain_conv_weights(&unit.conv) * (double)unit.pixels;

    char stage[16] = "stem";
    if (arch->stage > 0)
        snprintf(stage, sizeof stage, "layer%d", arch->stage);
    const int k = arch->kernel;
    unit.timing.conv_forward = sam_timing_entry(timing, "%s conv%dx%d forward", stage, k, k);
    if (arch->stage > 0)
        unit.timing.conv_input =
            sam_timing_entry(timing, "%s conv%dx%d input gradient", stage, k, k);
    unit.timing.conv_weight = sam_timing_entry(timing, "%s conv%dx%d weight gradient", stage, k, k);
    unit.timing.norm_forward = sam_timing_entry(timing, "%s norm forward", stage);
    unit.timing.norm_backward = sam_timing_entry(timing, "%s norm backward", stage);
    return unit;
}

static void make_units(struct sam_plain_network *network)
{
    struct sam_timing *timing = &network->timing;
    network->copies = sam_timing_entry(timing, "parameters and images, copies");
    network->stem = unit_new(&network->tables.stem, timing);
    for (size_t i = 0; i < network->tables.block_count; i++) {
        const struct sam_arch_block *arch = &network->tables.blocks[i];
        struct sam_plain_block *block = &network->blocks[i];
        block->conv1 = unit_new(&arch->conv1, timing);
        block->conv2 = unit_new(&arch->conv2, timing);
        block->has_shortcut = arch->has_shortcut;
        if (arch->has_shortcut)
            block->shortcut = unit_new(&arch->shortcut, timing);
    }
    network->head = sam_timing_entry(timing, "pooling, linear, loss");
}

struct sam_plain_network *sam_plain_network_new(const struct sam_engine_settings *settings,
                                                struct sam_pool *pool, struct sam_error *error)
{
    struct sam_plain_network *network = sam_memory_new(1, sizeof *network, error);
    if (!network)
        return NULL;
    network->workspace.pool = pool;
    network->max_batch = (size_t)settings->max_batch;
    if (sam_arch_tables_init(&network->tables, &settings->arch, error))
        goto failed;
    network->blocks = sam_memory_new(network->tables.block_count, sizeof *network->blocks, error);
    if (!network->blocks)
        goto failed;
    make_units(network);
    network->arena = sam_placement_run(place_network, network, error);
    if (!network->arena)
        goto failed;
    return network;
failed:
    sam_plain_network_free(network);
    return NULL;
}

void sam_plain_network_free(struct sam_plain_network *network)
{
    sam_arena_free(network->arena);
    sam_arch_tables_free(&network->tables);
    free(network->blocks);
    free(network);
}
