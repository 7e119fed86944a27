/* direct - convolution as sums of products, for any kernel and stride.
 *
 * Forward: a patch of the input (some rows of some channels, padded, behind norm and ReLU) is
 * copied together; a tap (c, dy, dx) is then an offset into the patch and one into the weights, and
 * a row of outputs is one product over all taps. With stride 2 the patch holds even and odd columns
 * apart, so that the columns a tap reads are neighbours.
 *
 * Gradient by the input: the same with the roles exchanged. dx at (y, x) sums the dy at (v, u) with
 * y = stride*v + i - pad; with stride 2 each of the four parities of (y, x) has taps of its own.
 *
 * Gradient by the weights: a sum over samples and pixels, so the patch is transposed to have
 * channels in its lanes, and dy supplies the numbers that are multiplied. Where the channels would
 * not fill the lanes, lanes stay samples and are added up in the end. */
#include <string.h>

#include "nn/lanes/conv.h"
#include "nn/lanes/correlation.h"
#include "nn/lanes/gate.h"
#include "nn/lanes/layout.h"
#include "nn/lanes/moments.h"
#include "nn/lanes/product.h"

enum {
    BLOCK = 16, /* input channels of a patch: 9 taps of their columns fit the nearest cache */
    BLOCK_SINGLE = 64,  /* the same of a single tap */
    BLOCK_BACK = 64,    /* output channels summed at once: one parity has 1, 2 or 4 taps */
    TURNED = 2 * LANES, /* input channels of a transposed patch */
    MOST_TAPS = 9,
    BAND_PIXELS = SAM_ARCH_IMAGE, /* outputs in a band of rows */
};

/* --- Shapes ---------------------------------------------------------------------------------- */

/* The arithmetic of a unit, and the working memory of a span. */
struct work {
    const struct sam_arch_unit *unit;
    struct sam_lanes_span span;
    int size, pad;                 /* of the output; zeros around the input */
    int taps;                      /* kernel * kernel */
    int band;                      /* output rows worked on together */
    int block;                     /* input channels of a patch, forward */
    int phases;                    /* parities of columns that a forward patch holds apart */
    int row_step;                  /* input rows from one row of the patch to the next */
    int patch_rows, patch_columns; /* of a patch of the input; columns of one phase */
    bool few;                      /* channels: weight gradients with samples in the lanes */
    float *patch;                  /* (channels, patch_rows, phases, patch_columns, L) */
    float *turned;   /* (patch_rows, phases, patch_columns, L, channels): the patch, transposed */
    float *slope;    /* (K, band + 2, size + 2, L): dy in a border of zeros */
    float *dweights; /* (taps, K, whole vectors of C); few: (K, C * taps, L) */
    float *running;  /* (K): moments of y so far (nn/lanes/moments.h) */
    float *packed;   /* (taps, K, C): the weights in the order the backward pass reads them */
};

static ptrdiff_t patch_channel(const struct work *work)
{
    return (ptrdiff_t)work->patch_rows * work->phases * work->patch_columns * LANES;
}

/* Floats from the start of a patch's channel to the input that the tap (i, j) of the first output
 * reads. */
static ptrdiff_t tap_offset(const struct work *work, int i, int j)
{
    return ((i * work->phases + j % work->phases) * work->patch_columns + j / work->phases) * LANES;
}

/* Rows of the patch from one output row to the next. */
static int rows_per_output(const struct work *work)
{
    return work->unit->stride / work->row_step;
}

static ptrdiff_t slope_row(const struct work *work)
{
    return (ptrdiff_t)(work->size + 2) * LANES;
}

static ptrdiff_t slope_channel(const struct work *work)
{
    return (work->band + 2) * slope_row(work);
}

static size_t dweights_size(const struct work *work)
{
    const size_t filters = (size_t)work->taps * (size_t)work->unit->out;
    return filters * (size_t)(work->few ? work->unit->in * LANES : whole_vectors(work->unit->in));
}

static size_t work_place(struct work *work, const struct sam_arch_unit *unit, float *scratch)
{
    const int size = unit->size / unit->stride;
    const bool single = unit->kernel == 1;
    *work = (struct work){
        .unit = unit,
        .size = size,
        .pad = unit->kernel / 2,
        .taps = unit->kernel * unit->kernel,
        .band = least(size, BAND_PIXELS / size),
        .block = single ? BLOCK_SINGLE : BLOCK,
        .phases = single ? 1 : unit->stride,
        .row_step = single ? unit->stride : 1,
    };
    work->patch_rows = single ? work->band : (work->band - 1) * unit->stride + unit->kernel;
    work->patch_columns = single ? size : size + 2 / work->phases;
    work->few = unit->in < LANES;
    struct pieces pieces = {scratch, 0};
    work->patch =
        pieces_take(&pieces, (work->block > TURNED ? work->block : TURNED) * patch_channel(work));
    work->turned = pieces_take(&pieces, patch_channel(work) * TURNED);
    work->slope = pieces_take(&pieces, unit->out * slope_channel(work));
    work->dweights = pieces_take(&pieces, dweights_size(work));
    work->running = pieces_take(&pieces, unit->out * MOMENTS_RUNNING);
    work->packed = pieces_take(&pieces, (ptrdiff_t)work->taps * unit->out * unit->in);
    return (size_t)pieces.used;
}

size_t SAM_LANES(direct_scratch)(const struct sam_arch_unit *unit)
{
    struct work work;
    return work_place(&work, unit, NULL);
}

static struct work work_new(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                            float *scratch)
{
    struct work work;
    work_place(&work, unit, scratch);
    work.span = span;
    return work;
}

/* --- Patches --------------------------------------------------------------------------------- */

/* One row of a patch: the pixels x, x + step, ... of a row of the input, zero outside of it. */
ALWAYS_INLINE void fill_row(const struct channel *channel, bool normed, ptrdiff_t row, int size,
                            int x, int step, int columns, float *patch)
{
    for (int j = 0; j < columns; j++, x += step)
        if (x < 0 || x >= size)
            vec_store(patch + j * LANES, vec_all(0));
        else
            vec_store(patch + j * LANES, channel_read(channel, normed, normed, row + x * LANES));
}

/* The rows of one channel that the output rows from `first` on read, into patch. */
static void fill_channel(const struct work *work, const struct channel *channel, int first,
                         float *patch)
{
    const int size = work->unit->size, columns = work->patch_columns;
    const int step = work->unit->kernel == 1 ? work->unit->stride : work->phases;
    for (int r = 0; r < work->patch_rows; r++) {
        const int y = first * work->unit->stride - work->pad + r * work->row_step;
        const ptrdiff_t row = (ptrdiff_t)y * size * LANES;
        for (int phase = 0; phase < work->phases; phase++, patch += columns * LANES) {
            const int x = phase - work->pad;
            if (y < 0 || y >= size)
                memset(patch, 0, (size_t)(columns * LANES) * sizeof *patch);
            else if (channel->norm)
                fill_row(channel, true, row, size, x, step, columns, patch);
            else
                fill_row(channel, false, row, size, x, step, columns, patch);
        }
    }
}

/* The same for `count` channels from `channel` on. */
static void fill_patch(const struct work *work, const struct sam_lanes_input *input, int group,
                       int channel, int count, int first)
{
    const int size = work->unit->size;
    for (int c = 0; c < count; c++) {
        const struct channel from =
            channel_of(input, work->unit->in, size * size, group, channel + c);
        fill_channel(work, &from, first, work->patch + c * patch_channel(work));
    }
}

/* dy of the rows first .. first+band-1, and with `around` of those next to them, zero outside. */
static void fill_slope(const struct work *work, const struct sam_lanes_slope *slope, int group,
                       int first, bool around)
{
    const int size = work->size, end = first + work->band + around;
    for (int k = 0; k < work->unit->out; k++) {
        const struct slope_channel channel =
            slope_channel_of(slope, work->span, work->unit->out, size, group, k);
        float *at = work->slope + k * slope_channel(work) + (around ? 0 : slope_row(work));
        for (int y = first - around; y < end; y++, at += slope_row(work)) {
            if (y < 0 || y >= size) {
                memset(at, 0, (size_t)slope_row(work) * sizeof *at);
                continue;
            }
            vec_store(at, vec_all(0));
            for (int x = 0; x < size; x++)
                vec_store(at + (x + 1) * LANES, slope_read(&channel, (y * size + x) * LANES));
            vec_store(at + (size + 1) * LANES, vec_all(0));
        }
    }
}

/* --- Forward --------------------------------------------------------------------------------- */

/* What `count` channels of the patch contribute to the rows first .. of y (K, size, size, L). */
static void forward_rows(const struct work *work, const float *weights, int count, int first,
                         bool add, float *y)
{
    const int kernel = work->unit->kernel;
    const int end = least(first + work->band, work->size);
    struct sam_lanes_tap tap[MOST_TAPS];
    for (int i = 0; i < work->taps; i++)
        tap[i] =
            (struct sam_lanes_tap){.x = (int32_t)tap_offset(work, i / kernel, i % kernel), .w = i};
    for (int row = first; row < end; row++)
        sam_lanes_multiply(&(struct sam_lanes_product){
            .rows = work->unit->out,
            .columns = work->size,
            .taps = work->taps,
            .tap = tap,
            .depth = count,
            .out = y + (ptrdiff_t)row * work->size * LANES,
            .out_row = plane_size(work->size),
            .out_column = LANES,
            .x = work->patch + tap_offset(work, (row - first) * rows_per_output(work), 0),
            .x_step = patch_channel(work),
            .w = weights,
            .w_step = work->taps,
            .w_row = (ptrdiff_t)work->unit->in * work->taps,
            .add = add,
        });
}

/* The moments of the rows first .. of y. */
static void rows_moments(const struct work *work, int group, int first, const float *y)
{
    const int rows = least(work->band, work->size - first);
    for (int k = 0; k < work->unit->out; k++, y += plane_size(work->size)) {
        float *running = work->running + k * MOMENTS_RUNNING;
        if (group == work->span.first && first == 0)
            moments_begin(running, y);
        moments_add(running, y + (ptrdiff_t)first * work->size * LANES, work->size * LANES, rows,
                    work->size, group_lanes(work->span, group));
    }
}

void SAM_LANES(direct_forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                               const struct sam_lanes_input *input, const float *weights, float *y,
                               struct sam_lanes_moments *moments, float *scratch)
{
    const struct work work = work_new(unit, span, scratch);
    for (int group = span.first; group < span.end; group++)
        for (int first = 0; first < work.size; first += work.band) {
            float *to = y + (ptrdiff_t)group * unit->out * plane_size(work.size);
            for (int c = 0; c < unit->in; c += work.block) {
                const int count = least(work.block, unit->in - c);
                fill_patch(&work, input, group, c, count, first);
                forward_rows(&work, weights + (ptrdiff_t)c * work.taps, count, first, c > 0, to);
            }
            if (moments)
                rows_moments(&work, group, first, to);
        }
    moments_end(work.running, unit->out, span, work.size * work.size, moments);
}

/* --- Gradient by the input ------------------------------------------------------------------- */

/* The taps i of one dimension that lead to inputs of this parity (stride 2), or to all (stride 1),
 * and the output, counted from the input's own (its number / stride), that each comes from. */
struct taps {
    int count, tap[3], output[3];
};

static struct taps taps_of(const struct sam_arch_unit *unit, int parity)
{
    struct taps taps = {0};
    for (int i = 0; i < unit->kernel; i++) {
        const int distance = parity + unit->kernel / 2 - i; /* input = stride * output - distance */
        if (distance % unit->stride == 0) {
            taps.tap[taps.count] = i;
            taps.output[taps.count++] = distance / unit->stride;
        }
    }
    return taps;
}

/* What the channels k .. k+count-1 of the slope, filled from row first-1 on, contribute to the
 * inputs of one parity; dx (C, S, S, L). */
static void backward_rows(const struct work *work, int k, int count, int first, int parity_y,
                          int parity_x, bool add, float *dx)
{
    const int stride = work->unit->stride, size = work->unit->size;
    const struct taps down = taps_of(work->unit, parity_y), across = taps_of(work->unit, parity_x);
    struct sam_lanes_tap tap[MOST_TAPS];
    int taps = 0;
    for (int i = 0; i < down.count; i++)
        for (int j = 0; j < across.count; j++)
            tap[taps++] =
                (struct sam_lanes_tap){.x = (int32_t)((1 + down.output[i]) * slope_row(work) +
                                                      (1 + across.output[j]) * LANES),
                                       .w = (down.tap[i] * work->unit->kernel + across.tap[j]) *
                                            work->unit->out * work->unit->in};
    if (taps == 0)
        return;
    const int end = least(first + work->band, work->size);
    for (int row = first; row < end; row++)
        sam_lanes_multiply(&(struct sam_lanes_product){
            .rows = work->unit->in,
            .columns = work->size,
            .taps = taps,
            .tap = tap,
            .depth = count,
            .out = dx + ((ptrdiff_t)(row * stride + parity_y) * size + parity_x) * LANES,
            .out_row = plane_size(size),
            .out_column = stride * LANES,
            .x = work->slope + k * slope_channel(work) + (row - first) * slope_row(work),
            .x_step = slope_channel(work),
            .w = work->packed + (ptrdiff_t)k * work->unit->in,
            .w_step = work->unit->in,
            .w_row = 1,
            .add = add,
        });
}

/* PyTorch's weights, a filter after the other, in the order of `packed`. */
static void pack_weights(const struct work *work, const float *weights)
{
    const ptrdiff_t filters = (ptrdiff_t)work->unit->out * work->unit->in;
    for (ptrdiff_t filter = 0; filter < filters; filter++)
        for (int tap = 0; tap < work->taps; tap++)
            work->packed[tap * filters + filter] = *weights++;
}

/* The rows of dx (C, S, S, L) that the slope's rows first .. lead to. */
static void backward_input(const struct work *work, int first, bool add, float *dx)
{
    const struct sam_arch_unit *unit = work->unit;
    for (int k = 0; k < unit->out; k += BLOCK_BACK)
        for (int parity = 0; parity < unit->stride * unit->stride; parity++)
            backward_rows(work, k, least(BLOCK_BACK, unit->out - k), first, parity / unit->stride,
                          parity % unit->stride, add || k > 0, dx);
}

/* --- Gradient by the weights ----------------------------------------------------------------- */

/* The patch with its `count` channels in the lanes, in whole vectors. */
static void turn_patch(const struct work *work, int count)
{
    const ptrdiff_t channel = patch_channel(work);
    const int row = whole_vectors(count);
    for (int c = 0; c < count; c += LANES)
        for (ptrdiff_t at = 0; at < channel; at += LANES) {
            vec square[LANES];
            for (int i = 0; i < LANES; i++)
                square[i] =
                    c + i < count ? vec_load(work->patch + (c + i) * channel + at) : vec_all(0);
            vec_transpose(square);
            for (int i = 0; i < LANES; i++)
                vec_store(work->turned + (at + i) * row + c, square[i]);
        }
}

/* dweights[tap][k][c .. c+count-1] += what one row of the slope and of the turned patch make. */
static void backward_taps(const struct work *work, int c, int count, int row)
{
    const int kernel = work->unit->kernel;
    const ptrdiff_t in = whole_vectors(work->unit->in), turned = whole_vectors(count);
    const float *x = work->turned + tap_offset(work, row * rows_per_output(work), 0) * turned;
    const struct sam_lanes_tap whole_row = {0, 0};
    for (int i = 0; i < work->taps; i++)
        sam_lanes_multiply(&(struct sam_lanes_product){
            .rows = work->unit->out,
            .columns = (int)turned / LANES,
            .taps = 1,
            .tap = &whole_row,
            .depth = work->size * LANES,
            .out = work->dweights + i * work->unit->out * in + c,
            .out_row = in,
            .out_column = LANES,
            .x = x + tap_offset(work, i / kernel, i % kernel) * turned,
            .x_step = turned,
            .w = work->slope + (row + 1) * slope_row(work) + LANES,
            .w_step = 1,
            .w_row = slope_channel(work),
            .add = true,
        });
}

/* The same for few channels: dweights[k][c, tap][lane]. */
static void backward_taps_few(const struct work *work, int rows)
{
    const int kernel = work->unit->kernel, columns = work->unit->in * work->taps;
    ptrdiff_t b_column[LANES * MOST_TAPS];
    for (int i = 0; i < columns; i++)
        b_column[i] = i / work->taps * patch_channel(work) +
                      tap_offset(work, i % work->taps / kernel, i % work->taps % kernel);
    for (int row = 0; row < rows; row++)
        sam_lanes_correlate(&(struct sam_lanes_correlation){
            .rows = work->unit->out,
            .columns = columns,
            .count = work->size,
            .a = work->slope + (row + 1) * slope_row(work) + LANES,
            .a_row = slope_channel(work),
            .b = work->patch + tap_offset(work, row * rows_per_output(work), 0),
            .b_column = b_column,
            .sums = work->dweights,
        });
}

static void backward_weights(const struct work *work, const struct sam_lanes_input *input,
                             int group, int first)
{
    const int channels = work->unit->in, rows = least(work->band, work->size - first);
    for (int c = 0; c < channels; c += TURNED) {
        const int count = least(TURNED, channels - c);
        fill_patch(work, input, group, c, count, first);
        if (work->few) {
            backward_taps_few(work, rows);
        } else {
            turn_patch(work, count);
            for (int row = 0; row < rows; row++)
                backward_taps(work, c, count, row);
        }
    }
}

/* From (taps, K, C), or few (K, C * taps, L), to PyTorch's (K, C, taps). */
static void finish_weights(const struct work *work, float *dweights)
{
    const int outputs = work->unit->out, channels = work->unit->in, row = whole_vectors(channels);
    if (work->few) {
        sam_lanes_correlation_total(work->dweights, outputs * channels * work->taps, dweights);
        return;
    }
    for (int k = 0; k < outputs; k++)
        for (int c = 0; c < channels; c++)
            for (int tap = 0; tap < work->taps; tap++)
                *dweights++ = work->dweights[((ptrdiff_t)tap * outputs + k) * row + c];
}

void SAM_LANES(direct_backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                const struct sam_lanes_input *input,
                                const struct sam_lanes_slope *slope, const float *weights,
                                const struct sam_lanes_gradients *made, float *scratch)
{
    float *dx = made->dx;
    const struct work work = work_new(unit, span, scratch);
    const ptrdiff_t plane = unit->in * plane_size(unit->size);
    const bool around = dx && unit->kernel > 1;          /* what only other rows' inputs read */
    if (dx && !made->add && unit->kernel < unit->stride) /* some inputs have no taps */
        memset(dx + span.first * plane, 0, (size_t)((span.end - span.first) * plane) * sizeof *dx);
    if (dx)
        pack_weights(&work, weights);
    memset(work.dweights, 0, dweights_size(&work) * sizeof *work.dweights);
    for (int group = span.first; group < span.end; group++)
        for (int first = 0; first < work.size; first += work.band) {
            fill_slope(&work, slope, group, first, around);
            if (dx)
                backward_input(&work, first, made->add, dx + group * plane);
            backward_weights(&work, input, group, first);
        }
    if (dx && made->relu)
        gate_span(span, unit->in, unit->size * unit->size, input, made->relu, dx);
    finish_weights(&work, made->dweights);
}
