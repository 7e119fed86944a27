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
#include "nn/lanes/layout.h"
#include "nn/lanes/product.h"
#include "nn/lanes/winograd.h"
#include "nn/lanes/winograd_tile.h"

/* --- Chunks: as many tiles, and channels, as keep their transforms in the cache -------------- */

enum { MOST_TILES = 128 / LANES };

/* How a unit is worked on. Forward, the transform of T tiles with all their input channels is kept
 * while the output channels go by, some at a time; backward the same with the roles exchanged. */
struct plan {
    int tiles; /* T */
    int rows;  /* output channels at a time, forward */
};

/* 64 channels in 4 tiles of 16 samples are 0.6 MB: half of a core's second cache. 48 rows are some
 * full blocks of the product; where all the channels do not fit, they are read once for as many. */
static struct plan plan_of(const struct sam_arch_unit *unit)
{
    const int inputs = winograd_phases(unit->stride) * unit->in;
    return (struct plan){(inputs <= 32 ? 128 : 64) / LANES, 48};
}

/* The working memory of a span; all its points lie one vector more apart than they have to, or all
 * would fall on the same few sets of the cache. Where channels are counted, those of each phase are
 * channels of their own: (phases, C). */
struct work {
    const struct sam_arch_unit *unit;
    struct sam_lanes_span span;
    struct plan plan;
    int size, points;                  /* of the output; of a tile */
    ptrdiff_t whole_point, part_point; /* floats from point to point */
    /* (points, channels, T, L): V of all inputs forward, dM of all outputs backward. */
    float *whole;
    /* The same of some channels: M of outputs forward, V and in its place dV of inputs backward. */
    float *part;
    float *turned;    /* (T, L, columns): V of one point, transposed */
    float *lane_sums; /* (points, K, C, L): dU before the lanes are added up, for few channels */
    float *du;        /* see nn/lanes/winograd.h */
    int count;        /* the tiles of the chunk at hand */
    struct tile tiles[MOST_TILES];
};

/* So few channels that dU is cheaper summed lane by lane than with V transposed. */
static bool few_channels(const struct sam_arch_unit *unit)
{
    return unit->stride == 1 && unit->in <= LANES && unit->out <= LANES;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

/* Lays `work` out in scratch; returns the floats that takes. */
static size_t work_place(struct work *work, const struct sam_arch_unit *unit, float *scratch)
{
    const struct plan plan = plan_of(unit);
    const int inputs = winograd_phases(unit->stride) * unit->in;
    *work = (struct work){.unit = unit,
                          .plan = plan,
                          .size = unit->size / unit->stride,
                          .points = winograd_points(unit->stride)};
    work->whole_point = ((ptrdiff_t)most(inputs, unit->out) * plan.tiles + 1) * LANES;
    work->part_point = ((ptrdiff_t)most(plan.rows, WINOGRAD_COLUMNS) * plan.tiles + 1) * LANES;
    struct pieces pieces = {scratch, 0};
    work->whole = pieces_take(&pieces, work->points * work->whole_point);
    work->part = pieces_take(&pieces, work->points * work->part_point);
    work->turned = pieces_take(&pieces, (ptrdiff_t)plan.tiles * LANES * WINOGRAD_COLUMNS);
    work->du = pieces_take(&pieces, work->points * winograd_point(unit));
    work->lane_sums =
        pieces_take(&pieces, few_channels(unit) ? work->points * unit->out * unit->in * LANES : 0);
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
    return (ptrdiff_t)work->plan.tiles * LANES;
}

/* Turns to the tiles from `first` on, no more than end - first. */
static void work_take(struct work *work, int first, int end)
{
    work->count = least(work->plan.tiles, end - first);
    for (int t = 0; t < work->count; t++)
        work->tiles[t] = tile_at(work->size, first + t);
}

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

/* y (G, K, S, S, L) of `count` channels from `first` on. */
static void chunk_output(const struct work *work, int first, int count, float *y)
{
    const int size = work->size, channels = work->unit->out;
    const float *m = work->part;
    for (int k = first; k < first + count; k++, m += channel_step(work))
        for (int t = 0; t < work->count; t++)
            tile_output(m + t * LANES, work->part_point, size, work->tiles[t], work->unit->stride,
                        y + ((ptrdiff_t)work->tiles[t].group * channels + k) * plane_size(size));
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
    const ptrdiff_t row = whole_vectors(winograd_phases(unit->stride) * unit->in);
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

/* `count` channels of V at one point, transposed: channels in the lanes, those that fill the last
 * vector up zero. */
static void turn(const struct work *work, const float *v, int count)
{
    const int row = whole_vectors(count);
    for (int c = 0; c < count; c += LANES)
        for (int t = 0; t < work->count; t++) {
            vec square[LANES];
            for (int i = 0; i < LANES; i++)
                square[i] = c + i < count ? vec_load(v + (c + i) * channel_step(work) + t * LANES)
                                          : vec_all(0);
            vec_transpose(square);
            for (int i = 0; i < LANES; i++)
                vec_store(work->turned + (t * LANES + i) * row + c, square[i]);
        }
}

/* dU[p] of the block of `count` channels from `first` on = dM V', or += with `add`: the sum runs
 * over samples. */
static void multiply_weight_back(const struct work *work, int point, int first, int count, bool add)
{
    const struct sam_arch_unit *unit = work->unit;
    const struct winograd_range phases = winograd_range(unit->stride, point);
    const int columns = whole_vectors(phases.count * count);
    turn(work, work->part + point * work->part_point + phases.first * count * channel_step(work),
         phases.count * count);
    sam_lanes_multiply(&(struct sam_lanes_product){
        .rows = unit->out,
        .columns = columns / LANES,
        .taps = 1,
        .tap = &one_tap,
        .depth = work->count * LANES,
        .out = work->du + point * winograd_point(unit) + winograd_slope_offset(unit, 0, first),
        .out_row = winograd_slope_row(unit, first),
        .out_column = LANES,
        .x = work->turned,
        .x_step = columns,
        .w = work->whole + point * work->whole_point,
        .w_step = 1,
        .w_row = channel_step(work),
        .add = add,
    });
}

/* The same for few channels and stride 1, into lane_sums. */
static void correlate_weight_back(const struct work *work, int point)
{
    const int channels = work->unit->in;
    ptrdiff_t b_column[LANES];
    for (int c = 0; c < channels; c++)
        b_column[c] = c * channel_step(work);
    sam_lanes_correlate(&(struct sam_lanes_correlation){
        .rows = work->unit->out,
        .columns = channels,
        .count = work->count,
        .a = work->whole + point * work->whole_point,
        .a_row = channel_step(work),
        .b = work->part + point * work->part_point,
        .b_column = b_column,
        .sums = work->lane_sums + (ptrdiff_t)point * work->unit->out * channels * LANES,
    });
}

/* dU from lane_sums. */
static void total_weight_back(const struct work *work)
{
    const struct sam_arch_unit *unit = work->unit;
    const float *sums = work->lane_sums;
    for (int point = 0; point < work->points; point++)
        for (int k = 0; k < unit->out; k++, sums += unit->in * LANES)
            sam_lanes_correlation_total(sums, unit->in,
                                        work->du + point * winograd_point(unit) +
                                            winograd_slope_offset(unit, k, 0));
}

/* --- Spans ----------------------------------------------------------------------------------- */

static int tiles_per_group(const struct work *work)
{
    return (work->size / TILE) * (work->size / TILE);
}

static void chunk_forward(const struct work *work, const struct sam_lanes_input *input,
                          const float *u, float *y)
{
    const struct sam_arch_unit *unit = work->unit;
    chunk_input(work, input, 0, unit->in, work->whole, work->whole_point);
    for (int k = 0; k < unit->out; k += work->plan.rows) {
        const int count = least(work->plan.rows, unit->out - k);
        for (int point = 0; point < work->points; point++)
            multiply_forward(work, u, point, k, count);
        chunk_output(work, k, count, y);
    }
}

void SAM_LANES(winograd_forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                 const struct sam_lanes_input *input, const float *weights,
                                 float *y, float *scratch)
{
    struct work work;
    work_place(&work, unit, scratch);
    const int tiles = tiles_per_group(&work), end = span.end * tiles;
    for (int first = span.first * tiles; first < end; first += work.plan.tiles) {
        work_take(&work, first, end);
        chunk_forward(&work, input, weights, y);
    }
}

static void chunk_backward(const struct work *work, const struct sam_lanes_input *input,
                           const struct sam_lanes_slope *slope, const float *u, bool add_weights,
                           bool add, float *dx)
{
    const struct sam_arch_unit *unit = work->unit;
    chunk_output_back(work, slope);
    for (int c = 0; c < unit->in; c += winograd_block(unit->stride)) {
        const int count = winograd_block_channels(unit, c);
        chunk_input(work, input, c, count, work->part, work->part_point);
        for (int point = 0; point < work->points; point++) {
            if (few_channels(unit))
                correlate_weight_back(work, point);
            else
                multiply_weight_back(work, point, c, count, add_weights);
            multiply_input_back(work, u, point, c, count);
        }
        chunk_input_back(work, c, count, add, dx);
    }
}

void SAM_LANES(winograd_backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                  const struct sam_lanes_input *input,
                                  const struct sam_lanes_slope *slope, const float *weights,
                                  bool add, float *dx, float *dweights, float *scratch)
{
    struct work work;
    work_place(&work, unit, scratch);
    work.span = span;
    const int tiles = tiles_per_group(&work), end = span.end * tiles;
    const bool few = few_channels(unit);
    if (few)
        memset(work.lane_sums, 0,
               (size_t)(work.points * unit->out * unit->in) * LANES * sizeof *work.lane_sums);
    for (int first = span.first * tiles; first < end; first += work.plan.tiles) {
        work_take(&work, first, end);
        chunk_backward(&work, input, slope, weights, first > span.first * tiles, add, dx);
    }
    if (few)
        total_weight_back(&work);
    sam_lanes_winograd_finish(unit, work.du, dweights);
}
