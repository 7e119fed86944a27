#include "nn/plain_network.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* --- Memory: planned once without an arena, to learn its size, and once with it ------------ */

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

static void place_unit(struct sam_plain_unit *unit, struct layout *layout, size_t batch,
                       struct shared *shared)
{
    const size_t channels = (size_t)unit->conv.out;
    const size_t activation = channels * batch * unit->pixels;
    unit->product = take(layout, activation);
    unit->output = take(layout, activation);
    unit->mean = take(layout, channels);
    unit->inverse = take(layout, channels);
    shared->activation = largest(shared->activation, activation);
    shared->panel = largest(shared->panel, sam_plain_conv_panel(&unit->conv));
    shared->weights = largest(shared->weights, sam_plain_conv_weights(&unit->conv));
}

static void place_network(struct sam_plain_network *network, struct layout *layout, size_t batch)
{
    const struct sam_arch_tables *tables = &network->tables;
    struct shared shared = {0};
    place_unit(&network->stem, layout, batch, &shared);
    for (size_t i = 0; i < tables->block_count; i++) {
        struct sam_plain_block *block = &network->blocks[i];
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

static int place(struct sam_plain_network *network, size_t batch, struct sam_error *error)
{
    struct layout layout = {0};
    place_network(network, &layout, batch);
    network->arena = layout.arena = sam_arena_new(layout.bytes, error);
    if (!layout.arena)
        return -1;
    place_network(network, &layout, batch);
    return 0;
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
    if (sam_arch_tables_init(&network->tables, &settings->arch, error))
        goto failed;
    network->blocks = sam_memory_new(network->tables.block_count, sizeof *network->blocks, error);
    if (!network->blocks)
        goto failed;
    make_units(network);
    if (place(network, (size_t)settings->max_batch, error))
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
