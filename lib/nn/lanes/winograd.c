/* winograd - 3x3 convolution: with stride 1 by F(4x4,3x3), where a tile of 4x4 outputs costs 36
 * products for each pair of channels instead of 144; with stride 2 by F(4x4,2x2) of the input's
 * four phases (nn/lanes/winograd.h), where it costs 81.
 *
 * With d a 6x6 (5x5, 4x5, ...) tile of the input, g a filter and Y the 4x4 tile of the output,
 *   Y = A' [ (G g G') * (B' d B) ] A        (A' is A transposed; * is element by element),
 * summed over input channels and phases where the brackets stand, which makes a matrix product for
 * each of the 6x6 or 5x5 points p,   M[p] (K, tiles) = U[p] (K, C) V[p] (C, tiles).
 * The gradients are the transposed map, read off the same formula: with dM = A dY A',
 *   dU[p] = dM[p] V[p]',  dg = G' dU G;      dV[p] = U[p]' dM[p],  dd = B dV B',
 * where the dd of tiles that overlap add up.
 *
 * The matrices follow from the points of the polynomials (nn/lanes/winograd_map.h). Sources: A.
 * Lavin, S. Gray, "Fast algorithms for convolutional neural networks", CVPR 2016; S. Winograd,
 * "Arithmetic complexity of computations", SIAM 1980. */
#include <string.h>

#include "nn/lanes/conv.h"
#include "nn/lanes/correlation.h"
#include "nn/lanes/gate.h"
#include "nn/lanes/layout.h"
#include "nn/lanes/moments.h"
#include "nn/lanes/product.h"
#include "nn/lanes/winograd.h"
#include "nn/lanes/winograd_tile.h"

/* --- Chunks: as many tiles, and channels, as keep their transforms in the cache -------------- */

enum { MOST_TILES = 128 / LANES };

/* Output channels at a time, forward: full blocks of the product, and few times that the inputs are
 * read again where they do not all fit the cache. */
enum { FORWARD_ROWS = 48 };

static int input_channels(const struct sam_arch_unit *unit)
{
    return winograd_phases(unit->stride) * unit->in;
}

/* Forward, the transform of T tiles with all their input channels is kept while the output channels
 * go by, some at a time; backward the same with the roles exchanged. This is T: 64 channels in 4
 * tiles of 16 samples are 0.6 MB, half of a core's second cache. */
static int most_tiles(const struct sam_arch_unit *unit)
{
    return input_channels(unit) <= 32 ? MOST_TILES : MOST_TILES / 2;
}

/* The working memory of a span; all its points lie one vector more apart than they have to, or all
 * would fall on the same few sets of the cache. Where channels are counted, those of each phase are
 * channels of their own: (phases, C). */
struct work {
    const struct sam_arch_unit *unit;
    struct sam_lanes_span span;
    int most_tiles;                    /* T */
    int size, points;                  /* of the output; of a tile */
    ptrdiff_t whole_point, part_point; /* floats from point to point */
    /* (points, channels, T, L): V of all inputs forward, dM of all outputs backward. */
    float *whole;
    /* The same of some channels: M of outputs forward, V and in its place dV of inputs backward. */
    float *part;
    float *turned;    /* (points, T, L, columns): V of a block, transposed */
    float *lane_sums; /* (points, K, C, L): dU before the lanes are added up, for few channels */
    float *du;        /* blocks of dU (nn/lanes/winograd.h); of one chunk there is one at a time */
    float *running;   /* (K): moments of y so far (nn/lanes/moments.h) */
    int first, count; /* the tiles of the chunk at hand */
    struct tile tiles[MOST_TILES];
};

/* So few channels that dU is cheaper summed lane by lane than with V transposed. */
static bool few_channels(const struct sam_arch_unit *unit)
{
    return unit->stride == 1 && unit->in < LANES && unit->out < LANES;
}

static size_t lane_sums_size(const struct work *work)
{
    const struct sam_arch_unit *unit = work->unit;
    return few_channels(unit) ? (size_t)(work->points * unit->out * unit->in) * LANES : 0;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* Floats from point to point of `turned`. */
static ptrdiff_t turned_point(const struct work *work)
{
    return (ptrdiff_t)work->most_tiles * LANES * WINOGRAD_COLUMNS + LANES;
}

static ptrdiff_t block_size(const struct work *work)
{
    return (ptrdiff_t)work->points * WINOGRAD_SLOPE_POINT;
}

static ptrdiff_t blocks_in(int count, int block)
{
    return (count + block - 1) / block;
}

/* The place of dU's block among all. */
static ptrdiff_t block_index(const struct sam_arch_unit *unit, int k, int c)
{
    return c / winograd_block(unit->stride) * blocks_in(unit->out, WINOGRAD_ROWS) +
           k / WINOGRAD_ROWS;
}

static ptrdiff_t block_count(const struct sam_arch_unit *unit)
{
    return blocks_in(unit->in, winograd_block(unit->stride)) * blocks_in(unit->out, WINOGRAD_ROWS);
}

/* Lays `work` out in scratch; returns the floats that takes. */
static size_t work_place(struct work *work, const struct sam_arch_unit *unit, float *scratch)
{
    const int tiles = most_tiles(unit), inputs = input_channels(unit);
    *work = (struct work){.unit = unit,
                          .most_tiles = tiles,
                          .size = unit->size / unit->stride,
                          .points = winograd_points(unit->stride)};
    work->whole_point = ((ptrdiff_t)most(inputs, unit->out) * tiles + 1) * LANES;
    const int some = most(least(FORWARD_ROWS, unit->out), least(WINOGRAD_COLUMNS, inputs));
    work->part_point = ((ptrdiff_t)some * tiles + 1) * LANES;
    struct pieces pieces = {scratch, 0};
    work->whole = pieces_take(&pieces, work->points * work->whole_point);
    work->part = pieces_take(&pieces, work->points * work->part_point);
    work->turned = pieces_take(&pieces, work->points * turned_point(work));
    work->du = pieces_take(&pieces, block_count(unit) * block_size(work));
    work->lane_sums = pieces_take(&pieces, (ptrdiff_t)lane_sums_size(work));
    work->running = pieces_take(&pieces, unit->out * MOMENTS_RUNNING);
    return (size_t)pieces.used;
}

size_t SAM_LANES(winograd_scratch)(const struct sam_arch_unit *unit)
{
    struct work work;
    return work_place(&work, unit, NULL);
}

/* Floats from channel to channel of `whole` and `part`. */
static ptrdiff_t channel_step(const struct work *work)
{
    return (ptrdiff_t)work->most_tiles * LANES;
}

/* Turns to the tiles from `first` on, no more than end - first. */
static void work_take(struct work *work, int first, int end)
{
    work->first = first;
    work->count = least(work->most_tiles, end - first);
    for (int t = 0; t < work->count; t++)
        work->tiles[t] = tile_at(work->size, first + t);
}

/* Where in the row of a span's chunks one stands. */
struct place {
    bool first, last;
};

/* V of `count` input channels from `first` on. */
static void chunk_input(const struct work *work, const struct sam_lanes_input *input, int first,
                        int count, float *v, ptrdiff_t point)
{
    const struct sam_arch_unit *unit = work->unit;
    for (int c = 0; c < count; c++, v += channel_step(work))
        for (int t = 0; t < work->count; t++) {
            const struct channel channel = channel_of(input, unit->in, unit->size * unit->size,
                                                      work->tiles[t].group, first + c);
            tile_input(&channel, unit->size, work->tiles[t], unit->stride, v + t * LANES,
                       count * channel_step(work), point);
        }
}

/* dx (G, C, S, S, L) = what dV of `count` channels from `first` on makes, or += with `add`. */
static void chunk_input_back(const struct work *work, int first, int count, bool add, float *dx)
{
    const struct sam_arch_unit *unit = work->unit;
    const float *dv = work->part;
    for (int c = first; c < first + count; c++, dv += channel_step(work))
        for (int t = 0; t < work->count; t++)
            tile_input_back(dv + t * LANES, count * channel_step(work), work->part_point,
                            unit->size, work->tiles[t], unit->stride, add,
                            dx + ((ptrdiff_t)work->tiles[t].group * unit->in + c) *
                                     plane_size(unit->size));
}

/* Adds one channel of y, which `running` belongs to, tile by tile. */
static void channel_moments(const struct work *work, bool first_chunk, const float *y,
                            float *running)
{
    const int size = work->size;
    const ptrdiff_t group = work->unit->out * plane_size(size);
    for (int t = 0; t < work->count; t++) {
        const struct tile tile = work->tiles[t];
        const float *at = y + tile.group * group + (tile.y * size + tile.x) * LANES;
        if (first_chunk && t == 0)
            moments_begin(running, at);
        moments_add(running, at, size * LANES, TILE, TILE, group_lanes(work->span, tile.group));
    }
}

/* y (G, K, S, S, L) of `count` channels from `first` on, and with `measure` its moments. */
static void chunk_output(const struct work *work, struct place chunk, int first, int count,
                         float *y, bool measure)
{
    const int size = work->size;
    const ptrdiff_t group = work->unit->out * plane_size(size);
    const float *m = work->part;
    y += first * plane_size(size);
    for (int k = first; k < first + count; k++, m += channel_step(work), y += plane_size(size)) {
        for (int t = 0; t < work->count; t++)
            tile_output(m + t * LANES, work->part_point, size, work->tiles[t], work->unit->stride,
                        y + work->tiles[t].group * group);
        if (measure)
            channel_moments(work, chunk.first, y, work->running + k * MOMENTS_RUNNING);
    }
}

/* dM of all channels. */
static void chunk_output_back(const struct work *work, const struct sam_lanes_slope *slope)
{
    const int size = work->size, channels = work->unit->out;
    float *dm = work->whole;
    for (int k = 0; k < channels; k++, dm += channel_step(work))
        for (int t = 0; t < work->count; t++) {
            const struct slope_channel channel =
                slope_channel_of(slope, work->span, channels, size, work->tiles[t].group, k);
            tile_output_back(&channel, size, work->tiles[t], work->unit->stride, dm + t * LANES,
                             work->whole_point);
        }
}

/* --- Products, at one point ------------------------------------------------------------------ */

static const struct sam_lanes_tap one_tap = {0, 0};

/* M[p] = U V, outputs first .. first+count-1, summed over the channels of the phases that have the
 * point. */
static void multiply_forward(const struct work *work, const float *u, int point, int first,
                             int count)
{
    const struct sam_arch_unit *unit = work->unit;
    const struct winograd_range phases = winograd_range(unit->stride, point);
    const ptrdiff_t row = whole_vectors(input_channels(unit));
    sam_lanes_multiply(&(struct sam_lanes_product){
        .rows = count,
        .columns = work->count,
        .taps = 1,
        .tap = &one_tap,
        .depth = phases.count * unit->in,
        .out = work->part + point * work->part_point,
        .out_row = channel_step(work),
        .out_column = LANES,
        .x = work->whole + point * work->whole_point + phases.first * unit->in * channel_step(work),
        .x_step = channel_step(work),
        .w = u + point * winograd_point(unit) + first * row + phases.first * unit->in,
        .w_step = 1,
        .w_row = row,
    });
}

/* dV[p] = U' dM of the block of `count` channels from `first` on, in the place of V. */
static void multiply_input_back(const struct work *work, const float *u, int point, int first,
                                int count)
{
    const struct sam_arch_unit *unit = work->unit;
    const struct winograd_range phases = winograd_range(unit->stride, point);
    const ptrdiff_t row = whole_vectors(unit->out);
    sam_lanes_multiply(&(struct sam_lanes_product){
        .rows = phases.count * count,
        .columns = work->count,
        .taps = 1,
        .tap = &one_tap,
        .depth = unit->out,
        .out = work->part + point * work->part_point + phases.first * count * channel_step(work),
        .out_row = channel_step(work),
        .out_column = LANES,
        .x = work->whole + point * work->whole_point,
        .x_step = channel_step(work),
        .w = u + point * winograd_point(unit) +
             (winograd_phases(unit->stride) * first + phases.first * count) * row,
        .w_step = 1,
        .w_row = row,
    });
}

/* V[p] of a block of `count` channels, transposed: channels in the lanes, those that fill the last
 * vector up zero. */
static void turn(const struct work *work, int point, int count)
{
    const struct winograd_range phases = winograd_range(work->unit->stride, point);
    const float *v =
        work->part + point * work->part_point + phases.first * count * channel_step(work);
    float *turned = work->turned + point * turned_point(work);
    const int channels = phases.count * count, row = whole_vectors(channels);
    for (int c = 0; c < channels; c += LANES)
        for (int t = 0; t < work->count; t++) {
            vec square[LANES];
            for (int i = 0; i < LANES; i++)
                square[i] = c + i < channels
                                ? vec_load(v + (c + i) * channel_step(work) + t * LANES)
                                : vec_all(0);
            vec_transpose(square);
            for (int i = 0; i < LANES; i++)
                vec_store(turned + (t * LANES + i) * row + c, square[i]);
        }
}

/* dU[p] = dM V' of outputs k .. k+rows-1 and a block of `count` inputs, or += with `add`: the sum
 * runs over samples. */
static void multiply_weight_back(const struct work *work, int point, int k, int rows, int count,
                                 bool add, float *du)
{
    const int columns = whole_vectors(winograd_range(work->unit->stride, point).count * count);
    sam_lanes_multiply(&(struct sam_lanes_product){
        .rows = rows,
        .columns = columns / LANES,
        .taps = 1,
        .tap = &one_tap,
        .depth = work->count * LANES,
        .out = du + point * WINOGRAD_SLOPE_POINT,
        .out_row = WINOGRAD_COLUMNS,
        .out_column = LANES,
        .x = work->turned + point * turned_point(work),
        .x_step = columns,
        .w = work->whole + point * work->whole_point + k * channel_step(work),
        .w_step = 1,
        .w_row = channel_step(work),
        .add = add,
    });
}

/* For few channels, what the chunk adds to dU, lane by lane. */
static void chunk_lane_sums(const struct work *work)
{
    const int outputs = work->unit->out, inputs = work->unit->in;
    ptrdiff_t b_column[LANES];
    for (int c = 0; c < inputs; c++)
        b_column[c] = c * channel_step(work);
    for (int point = 0; point < work->points; point++)
        sam_lanes_correlate(&(struct sam_lanes_correlation){
            .rows = outputs,
            .columns = inputs,
            .count = work->count,
            .a = work->whole + point * work->whole_point,
            .a_row = channel_step(work),
            .b = work->part + point * work->part_point,
            .b_column = b_column,
            .sums = work->lane_sums + (ptrdiff_t)point * outputs * inputs * LANES,
        });
}

static void finish_lane_sums(const struct work *work, float *dweights)
{
    const struct sam_arch_unit *unit = work->unit;
    const float *sums = work->lane_sums;
    for (int point = 0; point < work->points; point++)
        for (int k = 0; k < unit->out; k++, sums += unit->in * LANES)
            sam_lanes_correlation_total(
                sums, unit->in, work->du + point * WINOGRAD_SLOPE_POINT + k * WINOGRAD_COLUMNS);
    sam_lanes_winograd_finish(unit, work->du, 0, 0, dweights);
}

/* --- Spans ----------------------------------------------------------------------------------- */

static int tiles_per_group(const struct work *work)
{
    return (work->size / TILE) * (work->size / TILE);
}

/* Pixels of dx that the first `tiles` tiles of a group complete: whole rows of tiles, but for the
 * last row of pixels in front of the next tiles' outputs, to which those add too. */
static int pixels_behind(const struct work *work, int tiles)
{
    const int side = work->size / TILE, size = work->unit->size;
    if (tiles <= 0)
        return 0;
    if (tiles >= side * side)
        return size * size;
    const int rows = tiles / side * TILE * work->unit->stride;
    return rows == 0 ? 0 : (rows - 1) * size;
}

/* What the chunk completes of dx, `count` channels from `first` on, goes through the ReLU. */
static void chunk_gate(const struct work *work, const struct sam_lanes_input *input, int first,
                       int count, const struct sam_lanes_gradients *made)
{
    const struct sam_arch_unit *unit = work->unit;
    const int tiles = tiles_per_group(work), last = work->tiles[work->count - 1].group;
    for (int group = work->tiles[0].group; group <= last; group++) {
        const int before = work->first - group * tiles;
        const int start = pixels_behind(work, before);
        const int end = pixels_behind(work, before + work->count);
        for (int c = first; c < first + count; c++)
            gate_pixels(made->relu, input, unit->in, unit->size * unit->size, group, c, start, end,
                        made->dx);
    }
}

static void chunk_forward(const struct work *work, struct place chunk,
                          const struct sam_lanes_input *input, const float *u, float *y,
                          bool measure)
{
    const struct sam_arch_unit *unit = work->unit;
    chunk_input(work, input, 0, unit->in, work->whole, work->whole_point);
    for (int k = 0; k < unit->out; k += FORWARD_ROWS) {
        const int count = least(FORWARD_ROWS, unit->out - k);
        for (int point = 0; point < work->points; point++)
            multiply_forward(work, u, point, k, count);
        chunk_output(work, chunk, k, count, y, measure);
    }
}

void SAM_LANES(winograd_forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                 const struct sam_lanes_input *input, const float *weights,
                                 float *y, struct sam_lanes_moments *moments, float *scratch)
{
    struct work work;
    work_place(&work, unit, scratch);
    work.span = span;
    const int tiles = tiles_per_group(&work), start = span.first * tiles, end = span.end * tiles;
    for (int first = start; first < end; first += work.most_tiles) {
        const struct place chunk = {first == start, first + work.most_tiles >= end};
        work_take(&work, first, end);
        chunk_forward(&work, chunk, input, weights, y, moments != NULL);
    }
    moments_end(work.running, unit->out, span, work.size * work.size, moments);
}

/* What the chunk adds to dU of the `count` inputs from c on; a block that is complete by that is
 * taken back to dweights while it is in the cache. */
static void chunk_weight_back(const struct work *work, struct place chunk, int c, int count,
                              float *dweights)
{
    const struct sam_arch_unit *unit = work->unit;
    for (int k = 0; k < unit->out; k += WINOGRAD_ROWS) {
        const bool alone = chunk.first && chunk.last;
        float *du = work->du + (alone ? 0 : block_index(unit, k, c) * block_size(work));
        for (int point = 0; point < work->points; point++) {
            if (k == 0)
                turn(work, point, count);
            multiply_weight_back(work, point, k, least(WINOGRAD_ROWS, unit->out - k), count,
                                 !chunk.first, du);
        }
        if (chunk.last)
            sam_lanes_winograd_finish(unit, du, k, c, dweights);
    }
}

static void chunk_backward(const struct work *work, struct place chunk,
                           const struct sam_lanes_input *input, const struct sam_lanes_slope *slope,
                           const float *u, const struct sam_lanes_gradients *made)
{
    const struct sam_arch_unit *unit = work->unit;
    chunk_output_back(work, slope);
    for (int c = 0; c < unit->in; c += winograd_block(unit->stride)) {
        const int count = winograd_block_channels(unit, c);
        chunk_input(work, input, c, count, work->part, work->part_point);
        if (few_channels(unit))
            chunk_lane_sums(work);
        else
            chunk_weight_back(work, chunk, c, count, made->dweights);
        if (!made->dx)
            continue;
        for (int point = 0; point < work->points; point++)
            multiply_input_back(work, u, point, c, count);
        chunk_input_back(work, c, count, made->add, made->dx);
        if (made->relu)
            chunk_gate(work, input, c, count, made);
    }
}

void SAM_LANES(winograd_backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                  const struct sam_lanes_input *input,
                                  const struct sam_lanes_slope *slope, const float *weights,
                                  const struct sam_lanes_gradients *made, float *scratch)
{
    struct work work;
    work_place(&work, unit, scratch);
    work.span = span;
    const int tiles = tiles_per_group(&work), start = span.first * tiles, end = span.end * tiles;
    if (few_channels(unit))
        memset(work.lane_sums, 0, lane_sums_size(&work) * sizeof *work.lane_sums);
    if (made->relu)
        gate_begin(made->relu, unit->in);
    for (int first = start; first < end; first += work.most_tiles) {
        const struct place chunk = {first == start, first + work.most_tiles >= end};
        work_take(&work, first, end);
        chunk_backward(&work, chunk, input, slope, weights, made);
    }
    if (few_channels(unit))
        finish_lane_sums(&work, made->dweights);
}
