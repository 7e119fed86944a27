/* winograd_weights - filters into their Winograd form and back, for a vector of channels at a time.
 * The maps are those of nn/lanes/winograd.c. */
#include "nn/lanes/conv.h"
#include "nn/lanes/layout.h"
#include "nn/lanes/winograd.h"

size_t SAM_LANES(winograd_weights)(const struct sam_arch_unit *unit)
{
    return (size_t)(winograd_points(unit->stride) * winograd_point(unit));
}

/* The points of a vector go to as many places, too many for the hardware to see that each place
 * goes on behind itself; so whoever writes one asks for the one this many vectors behind. */
enum { AHEAD = 8 };

enum { TAPS = 9 };

/* The taps that meet a phase in one direction: which the i-th is, and how many there are. */
ALWAYS_INLINE int tap_of(int points, int i)
{
    return points == 6 ? i : points == 5 ? 2 * i : 1;
}

ALWAYS_INLINE int taps_of(int points)
{
    return points - TILE + 1;
}

/* The filters of a vector, `lane_step` floats apart, are the rows of squares that are transposed:
 * each has as many taps as there are lanes, until all nine are through. */
ALWAYS_INLINE void read_filters(const float *filters, ptrdiff_t lane_step, int lanes, vec g[3][3])
{
    for (int first = 0; first < TAPS; first += LANES) {
        const int taps = least(LANES, TAPS - first);
        vec square[LANES];
        for (int i = 0; i < LANES; i++)
            square[i] =
                i < lanes ? vec_load_first(filters + i * lane_step + first, taps) : (vec){0};
        vec_transpose(square);
        for (int i = 0; i < taps; i++)
            g[(first + i) % 3][(first + i) / 3] = square[i];
    }
}

/* The way back, of filters that lie side by side. */
ALWAYS_INLINE void write_filters(vec g[3][3], int lanes, float *filters)
{
    for (int first = 0; first < TAPS; first += LANES) {
        const int taps = least(LANES, TAPS - first);
        vec square[LANES] = {{0}};
        for (int i = 0; i < taps; i++)
            square[i] = g[(first + i) % 3][(first + i) / 3];
        vec_transpose(square);
        for (int i = 0; i < LANES; i++)
            if (i < lanes)
                vec_store_first(filters + i * TAPS + first, square[i], taps);
    }
}

/* U = G g G' of one vector and phase; `side` points in a row, `point` floats from point to point.
 */
ALWAYS_INLINE void map_phase(vec g[3][3], struct winograd_phase phase, int lanes, int side,
                             float *u, ptrdiff_t point)
{
    vec half[MOST_POINTS][3], taps[3], mapped[MOST_POINTS];
    for (int x = 0; x < taps_of(phase.columns); x++) {
        for (int y = 0; y < taps_of(phase.rows); y++)
            taps[y] = g[tap_of(phase.columns, x)][tap_of(phase.rows, y)];
        map_weight(phase.rows, taps, mapped);
        for (int i = 0; i < phase.rows; i++)
            half[i][x] = mapped[i];
    }
    for (int i = 0; i < phase.rows; i++) {
        map_weight(phase.columns, half[i], mapped);
        for (int j = 0; j < phase.columns; j++) {
            float *at = u + (i * side + j) * point;
            vec_store_first(at, mapped[j], lanes);
            __builtin_prefetch(at + AHEAD * LANES, 1);
        }
    }
}

/* All phases of one vector, `phase_step` floats apart. */
static void map_filters(vec g[3][3], int stride, int lanes, float *u, ptrdiff_t phase_step,
                        ptrdiff_t point)
{
    if (stride == 1) {
        map_phase(g, winograd_phase(1, 0), lanes, winograd_side(1), u, point);
        return;
    }
#pragma GCC unroll 4
    for (int phase = 0; phase < MOST_PHASES; phase++)
        map_phase(g, winograd_phase(2, phase), lanes, winograd_side(2), u + phase * phase_step,
                  point);
}

static void prepare_forward(const struct sam_arch_unit *unit, const float *filters, int k, float *u)
{
    const ptrdiff_t row = whole_vectors(winograd_phases(unit->stride) * unit->in);
    for (int c = 0; c < unit->in; c += LANES) {
        const int lanes = least(LANES, unit->in - c);
        vec g[3][3];
        read_filters(filters + ((ptrdiff_t)k * unit->in + c) * 9, 9, lanes, g);
        map_filters(g, unit->stride, lanes, u + k * row + c, unit->in, winograd_point(unit));
    }
}

static void prepare_backward(const struct sam_arch_unit *unit, const float *filters, int c,
                             float *u)
{
    const int first = c - c % winograd_block(unit->stride);
    const ptrdiff_t row = whole_vectors(unit->out);
    const ptrdiff_t phase_step = winograd_block_channels(unit, first) * row;
    u += (winograd_phases(unit->stride) * first + c - first) * row;
    for (int k = 0; k < unit->out; k += LANES) {
        const int lanes = least(LANES, unit->out - k);
        vec g[3][3];
        read_filters(filters + ((ptrdiff_t)k * unit->in + c) * 9, (ptrdiff_t)unit->in * 9, lanes,
                     g);
        map_filters(g, unit->stride, lanes, u + k, phase_step, winograd_point(unit));
    }
}

void SAM_LANES(winograd_prepare)(const struct sam_arch_unit *unit, const float *weights,
                                 bool backward, int first, int end, float *transformed)
{
    for (int i = first; i < end; i++)
        if (backward)
            prepare_backward(unit, weights, i, transformed);
        else
            prepare_forward(unit, weights, i, transformed);
}

/* dg = G' dU G of one vector and phase of a block of `channels`, into the taps that the phase has.
 */
ALWAYS_INLINE void map_phase_back(const float *du, int stride, int phase, int channels, vec g[3][3])
{
    const struct winograd_phase points = winograd_phase(stride, phase);
    vec u[MOST_POINTS], taps[3], half[3][MOST_POINTS];
    for (int i = 0; i < points.rows; i++) {
        for (int j = 0; j < points.columns; j++) {
            const int index = i * winograd_side(stride) + j;
            const int column = (phase - winograd_range(stride, index).first) * channels;
            u[j] = vec_load_any(du + index * WINOGRAD_SLOPE_POINT + column);
        }
        map_weight_back(points.columns, u, taps);
        for (int x = 0; x < taps_of(points.columns); x++)
            half[x][i] = taps[x];
    }
    for (int x = 0; x < taps_of(points.columns); x++) {
        map_weight_back(points.rows, half[x], taps);
        for (int y = 0; y < taps_of(points.rows); y++)
            g[tap_of(points.columns, x)][tap_of(points.rows, y)] = taps[y];
    }
}

static void map_filters_back(const float *du, int stride, int channels, vec g[3][3])
{
    if (stride == 1) {
        map_phase_back(du, 1, 0, channels, g);
        return;
    }
#pragma GCC unroll 4
    for (int phase = 0; phase < MOST_PHASES; phase++)
        map_phase_back(du, 2, phase, channels, g);
}

void sam_lanes_winograd_finish(const struct sam_arch_unit *unit, const float *du, int k, int c,
                               float *dweights)
{
    const int rows = least(WINOGRAD_ROWS, unit->out - k);
    const int channels = winograd_block_channels(unit, c);
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < channels; column += LANES) {
            vec g[3][3];
            map_filters_back(du + row * WINOGRAD_COLUMNS + column, unit->stride, channels, g);
            write_filters(g, least(LANES, channels - column),
                          dweights + ((ptrdiff_t)(k + row) * unit->in + c + column) * 9);
        }
}
