/* winograd - 3x3 convolution of stride 1 by F(4x4,3x3): a tile of 4x4 outputs costs 36 products for
 * each pair of channels instead of 144.
 *
 * With d a 6x6 tile of the input, g a filter and Y the 4x4 tile of the output,
 *   Y = A' [ (G g G') * (B' d B) ] A        (A' is A transposed; * is element by element),
 * summed over input channels where the brackets stand, which makes 36 matrix products: one for each
 * of the 6x6 points p,   M[p] (K, tiles) = U[p] (K, C) V[p] (C, tiles).
 * The gradients are the transposed map, read off the same formula: with dM = A dY A',
 *   dU[p] = dM[p] V[p]',  dg = G' dU G;      dV[p] = U[p]' dM[p],  dd = B dV B',
 * where the dd of tiles that overlap add up.
 *
 * The matrices follow from the polynomials' points 0, +-a, +-b, infinity; a = 3/4, b = 3/2 make
 * half the rounding error of the usual 1 and 2. Sources: A. Lavin, S. Gray, "Fast algorithms for
 * convolutional neural networks", CVPR 2016; S. Winograd, "Arithmetic complexity of computations",
 * SIAM 1980. */
#include <string.h>

#include "nn/lanes/conv.h"
#include "nn/lanes/layout.h"
#include "nn/lanes/product.h"

enum {
    TILE = 4,   /* outputs of a tile, in each direction */
    POINTS = 6, /* points, in each direction; also the inputs of a tile */
    SQUARE = POINTS * POINTS,
};

#define A1 0.75f /* a and its powers */
#define A2 (A1 * A1)
#define A3 (A2 * A1)
#define B1 1.5f /* b and its powers */
#define B2 (B1 * B1)
#define B3 (B2 * B1)
#define AB (A2 * B2)
#define SUM (A2 + B2)

/* --- The one-dimensional maps ------------------------------------------------------------------
 */

/* v = B' d. Row p of B' has the coefficients of x(x^2-a^2)(x^2-b^2) / (x-p); the last row those of
 * the product itself. */
ALWAYS_INLINE void map_input(const vec d[POINTS], vec v[POINTS])
{
    const vec even_a = d[4] - B2 * d[2], odd_a = d[3] - B2 * d[1];
    const vec even_b = d[4] - A2 * d[2], odd_b = d[3] - A2 * d[1];
    v[0] = AB * d[0] + (d[4] - SUM * d[2]);
    v[1] = even_a + A1 * odd_a;
    v[2] = even_a - A1 * odd_a;
    v[3] = even_b + B1 * odd_b;
    v[4] = even_b - B1 * odd_b;
    v[5] = AB * d[1] + (d[5] - SUM * d[3]);
}

/* d = B v. */
ALWAYS_INLINE void map_input_back(const vec v[POINTS], vec d[POINTS])
{
    const vec even_a = v[1] + v[2], odd_a = A1 * (v[1] - v[2]);
    const vec even_b = v[3] + v[4], odd_b = B1 * (v[3] - v[4]);
    d[0] = AB * v[0];
    d[1] = AB * v[5] - (B2 * odd_a + A2 * odd_b);
    d[2] = -(SUM * v[0] + (B2 * even_a + A2 * even_b));
    d[3] = odd_a + odd_b - SUM * v[5];
    d[4] = v[0] + even_a + even_b;
    d[5] = v[5];
}

/* y = A' m. Row i of A' holds the i-th powers of the points; infinity counts in the last. */
ALWAYS_INLINE void map_output(const vec m[POINTS], vec y[TILE])
{
    const vec even_a = m[1] + m[2], odd_a = m[1] - m[2];
    const vec even_b = m[3] + m[4], odd_b = m[3] - m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = A1 * odd_a + B1 * odd_b;
    y[2] = A2 * even_a + B2 * even_b;
    y[3] = A3 * odd_a + (B3 * odd_b + m[5]);
}

/* m = A y. */
ALWAYS_INLINE void map_output_back(const vec y[TILE], vec m[POINTS])
{
    const vec even_a = y[0] + A2 * y[2], odd_a = A1 * y[1] + A3 * y[3];
    const vec even_b = y[0] + B2 * y[2], odd_b = B1 * y[1] + B3 * y[3];
    m[0] = y[0];
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[3];
}

/* The scale of G's row p: one over the product of p minus each other point. */
#define SCALE_0 (1 / AB)
#define SCALE_A (1 / (2 * A2 * (A2 - B2)))
#define SCALE_B (1 / (2 * B2 * (B2 - A2)))

/* u = G g. */
ALWAYS_INLINE void map_weight(const vec g[3], vec u[POINTS])
{
    const vec even_a = SCALE_A * g[0] + SCALE_A * A2 * g[2], odd_a = SCALE_A * A1 * g[1];
    const vec even_b = SCALE_B * g[0] + SCALE_B * B2 * g[2], odd_b = SCALE_B * B1 * g[1];
    u[0] = SCALE_0 * g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
}

/* g = G' u. */
ALWAYS_INLINE void map_weight_back(const vec u[POINTS], vec g[3])
{
    const vec even_a = SCALE_A * (u[1] + u[2]), odd_a = SCALE_A * (u[1] - u[2]);
    const vec even_b = SCALE_B * (u[3] + u[4]), odd_b = SCALE_B * (u[3] - u[4]);
    g[0] = SCALE_0 * u[0] + (even_a + even_b);
    g[1] = A1 * odd_a + B1 * odd_b;
    g[2] = A2 * even_a + (B2 * even_b + u[5]);
}

/* --- Weights -----------------------------------------------------------------------------------
 */

/* U (36, K, C) and dU have rows of whole vectors; what is behind the last channel is zero. */
static ptrdiff_t weight_row(const struct sam_arch_unit *unit)
{
    return whole_vectors(unit->in);
}

static ptrdiff_t weight_point(const struct sam_arch_unit *unit)
{
    return unit->out * weight_row(unit);
}

size_t SAM_LANES(winograd_weights)(const struct sam_arch_unit *unit)
{
    return (size_t)(SQUARE * weight_point(unit));
}

/* U = G g G' of the outputs first .. end-1, for a vector of input channels at a time. */
void SAM_LANES(winograd_prepare)(const struct sam_arch_unit *unit, const float *weights, int first,
                                 int end, float *transformed)
{
    for (int k = first; k < end; k++)
        for (int c = 0; c < unit->in; c += LANES) {
            const float *filters = weights + ((ptrdiff_t)k * unit->in + c) * 9;
            vec g[3][3] = {{{0}}}, half[POINTS][3], u[POINTS];
            for (int lane = 0; lane < least(LANES, unit->in - c); lane++)
                for (int tap = 0; tap < 9; tap++)
                    g[tap % 3][tap / 3][lane] = filters[lane * 9 + tap];
            for (int x = 0; x < 3; x++) {
                map_weight(g[x], u);
                for (int i = 0; i < POINTS; i++)
                    half[i][x] = u[i];
            }
            float *at = transformed + k * weight_row(unit) + c;
            for (int i = 0; i < POINTS; i++) {
                map_weight(half[i], u);
                for (int j = 0; j < POINTS; j++, at += weight_point(unit))
                    vec_store(at, u[j]);
            }
        }
}

/* dg = G' dU G. */
static void finish_weights(const struct sam_arch_unit *unit, const float *du, float *dweights)
{
    for (int k = 0; k < unit->out; k++)
        for (int c = 0; c < unit->in; c += LANES) {
            const float *at = du + k * weight_row(unit) + c;
            vec u[POINTS], half[3][POINTS], g[3][3];
            for (int i = 0; i < POINTS; i++) {
                for (int j = 0; j < POINTS; j++, at += weight_point(unit))
                    u[j] = vec_load(at);
                vec row[3];
                map_weight_back(u, row);
                for (int x = 0; x < 3; x++)
                    half[x][i] = row[x];
            }
            for (int x = 0; x < 3; x++)
                map_weight_back(half[x], g[x]);
            float *filters = dweights + ((ptrdiff_t)k * unit->in + c) * 9;
            for (int lane = 0; lane < least(LANES, unit->in - c); lane++)
                for (int tap = 0; tap < 9; tap++)
                    filters[lane * 9 + tap] = g[tap % 3][tap / 3][lane];
        }
}

/* --- Tiles ---------------------------------------------------------------------------------------
 */

/* Where a tile lies: its group, and the row and column of its first output. */
struct tile {
    int group, y, x;
};

static struct tile tile_at(int size, int index)
{
    const int side = size / TILE, in_group = index % (side * side);
    return (struct tile){index / (side * side), in_group / side * TILE, in_group % side * TILE};
}

static bool tile_touches_border(struct tile tile, int size)
{
    return tile.y == 0 || tile.x == 0 || tile.y + TILE == size || tile.x + TILE == size;
}

/* V = B' d B of one channel; `point` floats from one point to the next. */
ALWAYS_INLINE void transform_input(const struct channel *channel, int size, struct tile tile,
                                   bool border, float *v, ptrdiff_t point)
{
    vec half[POINTS][POINTS], d[POINTS], mapped[POINTS];
    for (int j = 0; j < POINTS; j++) {
        const int x = tile.x - 1 + j;
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++) {
            const int y = tile.y - 1 + i;
            const bool outside = border && (x < 0 || y < 0 || x >= size || y >= size);
            if (outside)
                d[i] = (vec){0};
            else
                d[i] = channel_read(channel, (y * size + x) * LANES);
        }
        map_input(d, mapped);
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++)
            half[i][j] = mapped[i];
    }
    for (int i = 0; i < POINTS; i++) {
        map_input(half[i], mapped);
#pragma GCC unroll 6
        for (int j = 0; j < POINTS; j++, v += point)
            vec_store(v, mapped[j]);
    }
}

/* Adds B dV B' to one channel of dx (S, S, L). */
static void transform_input_back(const float *dv, ptrdiff_t point, int size, struct tile tile,
                                 float *dx)
{
    vec half[POINTS][POINTS], v[POINTS], d[POINTS];
    for (int i = 0; i < POINTS; i++) {
#pragma GCC unroll 6
        for (int j = 0; j < POINTS; j++, dv += point)
            v[j] = vec_load(dv);
        map_input_back(v, d);
#pragma GCC unroll 6
        for (int j = 0; j < POINTS; j++)
            half[j][i] = d[j];
    }
    for (int j = 0; j < POINTS; j++) {
        const int x = tile.x - 1 + j;
        if (x < 0 || x >= size)
            continue;
        map_input_back(half[j], d);
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++) {
            const int y = tile.y - 1 + i;
            float *at = dx + (y * size + x) * LANES;
            if (y >= 0 && y < size)
                vec_store(at, vec_load(at) + d[i]);
        }
    }
}

/* One channel of y (S, S, L) = A' M A. */
static void transform_output(const float *m, ptrdiff_t point, int size, struct tile tile, float *y)
{
    vec half[TILE][POINTS], column[POINTS], mapped[TILE];
    for (int j = 0; j < POINTS; j++) {
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++)
            column[i] = vec_load(m + (i * POINTS + j) * point);
        map_output(column, mapped);
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++)
            half[i][j] = mapped[i];
    }
    for (int i = 0; i < TILE; i++) {
        map_output(half[i], mapped);
#pragma GCC unroll 4
        for (int j = 0; j < TILE; j++)
            vec_store(y + ((tile.y + i) * size + tile.x + j) * LANES, mapped[j]);
    }
}

/* dM = A dY A' of one channel. */
static void transform_output_back(const struct slope_channel *slope, int size, struct tile tile,
                                  float *dm, ptrdiff_t point)
{
    vec half[POINTS][TILE], column[TILE], mapped[POINTS];
    for (int j = 0; j < TILE; j++) {
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++)
            column[i] = slope_read(slope, ((tile.y + i) * size + tile.x + j) * LANES);
        map_output_back(column, mapped);
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++)
            half[i][j] = mapped[i];
    }
    for (int i = 0; i < POINTS; i++) {
        map_output_back(half[i], mapped);
#pragma GCC unroll 6
        for (int j = 0; j < POINTS; j++, dm += point)
            vec_store(dm, mapped[j]);
    }
}

/* --- Chunks: as many tiles as keep their transforms in the cache ---------------------------------
 */

/* The working memory of a span. V (36, C, T, L) and M (36, K, T, L) hold a chunk; their points lie
 * one vector more than that apart, or all 36 would fall on the same few sets of the cache. */
struct work {
    const struct sam_arch_unit *unit;
    struct sam_lanes_span span;
    int chunk;                  /* T, tiles */
    ptrdiff_t v_point, m_point; /* floats from point to point */
    float *v, *m;
    float *turned; /* (T, L, C): V of one point, transposed */
    float *du;     /* (36, K, C) */
};

static int chunk_of(const struct sam_arch_unit *unit)
{
    return unit->in <= 32 ? 8 : 4;
}

static ptrdiff_t point_of(const struct work *work, int channels)
{
    return ((ptrdiff_t)channels * work->chunk + 1) * LANES;
}

/* Lays `work` out in scratch; returns the floats that takes. */
static size_t work_place(struct work *work, const struct sam_arch_unit *unit, float *scratch)
{
    *work = (struct work){.unit = unit, .chunk = chunk_of(unit)};
    work->v_point = point_of(work, unit->in);
    work->m_point = point_of(work, unit->out);
    const ptrdiff_t samples = (ptrdiff_t)work->chunk * LANES;
    float *at = scratch;
    work->v = at, at += SQUARE * work->v_point;
    work->m = at, at += SQUARE * work->m_point;
    work->turned = at, at += samples * weight_row(unit);
    work->du = at, at += SQUARE * weight_point(unit);
    return (size_t)(at - scratch);
}

size_t SAM_LANES(winograd_scratch)(const struct sam_arch_unit *unit)
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

/* V of the tiles first .. first+count-1. */
static void chunk_input(const struct work *work, const struct sam_lanes_input *input, int first,
                        int count)
{
    const int size = work->unit->size, channels = work->unit->in;
    for (int c = 0; c < channels; c++)
        for (int t = 0; t < count; t++) {
            const struct tile tile = tile_at(size, first + t);
            const struct channel channel = channel_of(input, channels, size * size, tile.group, c);
            float *v = work->v + (c * work->chunk + t) * LANES;
            if (tile_touches_border(tile, size))
                transform_input(&channel, size, tile, true, v, work->v_point);
            else
                transform_input(&channel, size, tile, false, v, work->v_point);
        }
}

static void chunk_output(const struct work *work, int first, int count, float *y)
{
    const int size = work->unit->size, channels = work->unit->out;
    for (int k = 0; k < channels; k++)
        for (int t = 0; t < count; t++) {
            const struct tile tile = tile_at(size, first + t);
            transform_output(work->m + (k * work->chunk + t) * LANES, work->m_point, size, tile,
                             y + ((ptrdiff_t)tile.group * channels + k) * plane_size(size));
        }
}

static void chunk_output_back(const struct work *work, const struct sam_lanes_slope *slope,
                              int first, int count)
{
    const int size = work->unit->size, channels = work->unit->out;
    for (int k = 0; k < channels; k++)
        for (int t = 0; t < count; t++) {
            const struct tile tile = tile_at(size, first + t);
            const struct slope_channel channel =
                slope_channel_of(slope, work->span, channels, size, tile.group, k);
            transform_output_back(&channel, size, tile, work->m + (k * work->chunk + t) * LANES,
                                  work->m_point);
        }
}

static void chunk_input_back(const struct work *work, int first, int count, float *dx)
{
    const int size = work->unit->size, channels = work->unit->in;
    for (int c = 0; c < channels; c++)
        for (int t = 0; t < count; t++) {
            const struct tile tile = tile_at(size, first + t);
            transform_input_back(work->v + (c * work->chunk + t) * LANES, work->v_point, size, tile,
                                 dx + ((ptrdiff_t)tile.group * channels + c) * plane_size(size));
        }
}

static const struct sam_lanes_tap one_tap = {0, 0};

/* M[p] = U[p] V[p]. */
static void multiply_forward(const struct work *work, const float *u, int point, int count)
{
    SAM_LANES(multiply)
    (&(struct sam_lanes_product){
        .rows = work->unit->out,
        .columns = count,
        .taps = 1,
        .tap = &one_tap,
        .depth = work->unit->in,
        .out = work->m + point * work->m_point,
        .out_row = work->chunk * LANES,
        .out_column = LANES,
        .x = work->v + point * work->v_point,
        .w = u + point * weight_point(work->unit),
        .x_step = work->chunk * LANES,
        .w_step = 1,
        .w_row = weight_row(work->unit),
    });
}

/* dV[p] = U[p]' dM[p], in V's place. */
static void multiply_input_back(const struct work *work, const float *u, int point, int count)
{
    SAM_LANES(multiply)
    (&(struct sam_lanes_product){
        .rows = work->unit->in,
        .columns = count,
        .taps = 1,
        .tap = &one_tap,
        .depth = work->unit->out,
        .out = work->v + point * work->v_point,
        .out_row = work->chunk * LANES,
        .out_column = LANES,
        .x = work->m + point * work->m_point,
        .w = u + point * weight_point(work->unit),
        .x_step = work->chunk * LANES,
        .w_step = weight_row(work->unit),
        .w_row = 1,
    });
}

/* dU[p] += dM[p] V[p]': the sum runs over samples, so V is first turned to have channels in its
 * lanes. */
static void multiply_weight_back(const struct work *work, int point, int count)
{
    const ptrdiff_t row = weight_row(work->unit);
    const float *v = work->v + point * work->v_point;
    for (int c = 0; c < work->unit->in; c += LANES)
        for (int t = 0; t < count; t++) {
            vec square[LANES];
            for (int i = 0; i < LANES; i++)
                square[i] = c + i < work->unit->in
                                ? vec_load(v + ((c + i) * work->chunk + t) * LANES)
                                : vec_all(0);
            vec_transpose(square);
            for (int i = 0; i < LANES; i++)
                vec_store(work->turned + (t * LANES + i) * row + c, square[i]);
        }
    SAM_LANES(multiply)
    (&(struct sam_lanes_product){
        .rows = work->unit->out,
        .columns = (int)row / LANES,
        .taps = 1,
        .tap = &one_tap,
        .depth = count * LANES,
        .out = work->du + point * weight_point(work->unit),
        .out_row = row,
        .out_column = LANES,
        .x = work->turned,
        .w = work->m + point * work->m_point,
        .x_step = row,
        .w_step = 1,
        .w_row = work->chunk * LANES,
        .add = true,
    });
}

/* --- Spans ---------------------------------------------------------------------------------------
 */

static int tiles_per_group(const struct sam_arch_unit *unit)
{
    return (unit->size / TILE) * (unit->size / TILE);
}

void SAM_LANES(winograd_forward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                 const struct sam_lanes_input *input, const float *weights,
                                 float *y, float *scratch)
{
    const struct work work = work_new(unit, span, scratch);
    const int tiles = tiles_per_group(unit), end = span.end * tiles;
    for (int first = span.first * tiles; first < end; first += work.chunk) {
        const int count = least(work.chunk, end - first);
        chunk_input(&work, input, first, count);
        for (int point = 0; point < SQUARE; point++)
            multiply_forward(&work, weights, point, count);
        chunk_output(&work, first, count, y);
    }
}

void SAM_LANES(winograd_backward)(const struct sam_arch_unit *unit, struct sam_lanes_span span,
                                  const struct sam_lanes_input *input,
                                  const struct sam_lanes_slope *slope, const float *weights,
                                  bool add, float *dx, float *dweights, float *scratch)
{
    const struct work work = work_new(unit, span, scratch);
    const int tiles = tiles_per_group(unit), end = span.end * tiles;
    const ptrdiff_t group = unit->in * plane_size(unit->size);
    if (!add)
        memset(dx + span.first * group, 0, (size_t)((span.end - span.first) * group) * sizeof *dx);
    memset(work.du, 0, (size_t)(SQUARE * weight_point(unit)) * sizeof *work.du);
    for (int first = span.first * tiles; first < end; first += work.chunk) {
        const int count = least(work.chunk, end - first);
        chunk_output_back(&work, slope, first, count);
        chunk_input(&work, input, first, count);
        for (int point = 0; point < SQUARE; point++) {
            multiply_weight_back(&work, point, count);
            multiply_input_back(&work, weights, point, count);
        }
        chunk_input_back(&work, first, count, dx);
    }
    finish_weights(unit, work.du, dweights);
}
