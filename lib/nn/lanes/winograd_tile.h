/* winograd_tile - the two-dimensional maps of nn/lanes/winograd.c between one tile of one channel
 * of an activation and its points, which lie `point` floats apart. */
#ifndef SAM_NN_LANES_WINOGRAD_TILE_H
#define SAM_NN_LANES_WINOGRAD_TILE_H

#include "nn/lanes/layout.h"
#include "nn/lanes/winograd.h"

enum { LINE = 64 / sizeof(float) }; /* floats of a cache line */

/* Channels lie far apart, and a tile is too small for the hardware to see where the next one is. So
 * whoever works on a tile asks for the same place in the next channel, which is needed as many
 * tiles from now as a chunk has. */
ALWAYS_INLINE void fetch_next(const float *at, int size)
{
    __builtin_prefetch(at + plane_size(size));
}

ALWAYS_INLINE void fetch_next_to_write(const float *at, int size)
{
    __builtin_prefetch(at + plane_size(size), 1);
}

/* The points of a tile go to, or come from, as many places. Each is a row that the next tile goes
 * on with; but so many rows are too many for the hardware to follow, and a store that has to fetch
 * its line holds up those behind it. So who has been at a point asks for the line behind. */
ALWAYS_INLINE void fetch_behind(const float *at)
{
    __builtin_prefetch(at + LINE);
}

/* Where a tile lies: its group, and the row and column of its first output. */
struct tile {
    int group, y, x;
    bool border; /* do its inputs reach over the edge of the image? */
};

/* Tile `index` of outputs of this size. */
static inline struct tile tile_at(int size, int index)
{
    const int side = size / TILE, in_group = index % (side * side);
    const int y = in_group / side * TILE, x = in_group % side * TILE;
    return (struct tile){index / (side * side), y, x,
                         y == 0 || x == 0 || y + TILE == size || x + TILE == size};
}

/* The first of the inputs, in one direction, that four outputs from `output` on read in a phase of
 * so many points: odd rows begin with the one before the outputs' own. */
ALWAYS_INLINE int first_input(int stride, int points, int output)
{
    return stride * output - (points == TILE ? 0 : 1);
}

/* Whether the i-th of the inputs that a tile reads in one direction, which lies at `at`, is outside
 * of the image: none but the first can lie in front of it, none but the last behind. */
ALWAYS_INLINE bool outside(int i, int points, int at, int size)
{
    return (i == 0 && at < 0) || (i == points - 1 && at >= size);
}

/* V = B' d B of one phase. What this and its like below know of channel, tile and phase comes as
 * constants. */
ALWAYS_INLINE void map_input_tile(const struct channel *channel, int size, struct tile tile,
                                  int stride, int phase, bool border, bool normed, float *v,
                                  ptrdiff_t point)
{
    const struct winograd_phase points = winograd_phase(stride, phase);
    const int top = first_input(stride, points.rows, tile.y);
    const int left = first_input(stride, points.columns, tile.x);
    vec half[MOST_POINTS][MOST_POINTS], d[MOST_POINTS], mapped[MOST_POINTS];
    for (int j = 0; j < points.columns; j++) {
        const int x = left + j * stride;
        const bool column_outside = border && outside(j, points.columns, x, size);
#pragma GCC unroll 6
        for (int i = 0; i < points.rows; i++) {
            const int y = top + i * stride;
            const ptrdiff_t at = ((ptrdiff_t)y * size + x) * LANES;
            if (column_outside || (border && outside(i, points.rows, y, size)))
                d[i] = (vec){0};
            else
                d[i] = channel_read(channel, normed, normed, at);
            fetch_next(channel->x + at, size);
        }
        map_input(points.rows, d, mapped);
#pragma GCC unroll 6
        for (int i = 0; i < points.rows; i++)
            half[i][j] = mapped[i];
    }
    for (int i = 0; i < points.rows; i++) {
        map_input(points.columns, half[i], mapped);
        float *row = v + i * winograd_side(stride) * point;
#pragma GCC unroll 6
        for (int j = 0; j < points.columns; j++) {
            vec_store(row + j * point, mapped[j]);
            fetch_behind(row + j * point);
        }
    }
}

ALWAYS_INLINE void map_input_phase(const struct channel *channel, int size, struct tile tile,
                                   int stride, int phase, float *v, ptrdiff_t point)
{
    if (tile.border && channel->norm)
        map_input_tile(channel, size, tile, stride, phase, true, true, v, point);
    else if (tile.border)
        map_input_tile(channel, size, tile, stride, phase, true, false, v, point);
    else if (channel->norm)
        map_input_tile(channel, size, tile, stride, phase, false, true, v, point);
    else
        map_input_tile(channel, size, tile, stride, phase, false, false, v, point);
}

/* All phases of V, `phase_step` floats apart. */
static void tile_input(const struct channel *channel, int size, struct tile tile, int stride,
                       float *v, ptrdiff_t phase_step, ptrdiff_t point)
{
    if (stride == 1) {
        map_input_phase(channel, size, tile, 1, 0, v, point);
        return;
    }
#pragma GCC unroll 4
    for (int phase = 0; phase < MOST_PHASES; phase++)
        map_input_phase(channel, size, tile, 2, phase, v + phase * phase_step, point);
}

/* Adds B dV B' of one phase to one channel of dx (S, S, L). Without `add`, what dx held does not
 * count: where no tile above or to the left has been before, nothing is read. */
ALWAYS_INLINE void map_input_tile_back(const float *dv, ptrdiff_t point, int size, struct tile tile,
                                       int stride, int phase, bool border, bool add, float *dx)
{
    const struct winograd_phase points = winograd_phase(stride, phase);
    const int top = first_input(stride, points.rows, tile.y);
    const int left = first_input(stride, points.columns, tile.x);
    vec half[MOST_POINTS][MOST_POINTS], v[MOST_POINTS], d[MOST_POINTS];
    for (int i = 0; i < points.rows; i++) {
        const float *row = dv + i * winograd_side(stride) * point;
#pragma GCC unroll 6
        for (int j = 0; j < points.columns; j++) {
            v[j] = vec_load(row + j * point);
            fetch_behind(row + j * point);
        }
        map_input_back(points.columns, v, d);
#pragma GCC unroll 6
        for (int j = 0; j < points.columns; j++)
            half[j][i] = d[j];
    }
    for (int j = 0; j < points.columns; j++) {
        const int x = left + j * stride;
        if (border && outside(j, points.columns, x, size))
            continue;
        map_input_back(points.rows, half[j], d);
        const bool shared_column = j < points.columns - TILE && !(border && tile.x == 0);
#pragma GCC unroll 6
        for (int i = 0; i < points.rows; i++) {
            const int y = top + i * stride;
            const bool shared_row = i < points.rows - TILE && !(border && tile.y == 0);
            float *at = dx + ((ptrdiff_t)y * size + x) * LANES;
            if (border && outside(i, points.rows, y, size))
                continue;
            if (add || shared_column || shared_row)
                d[i] += vec_load(at);
            vec_store(at, d[i]);
            fetch_next_to_write(at, size);
        }
    }
}

ALWAYS_INLINE void map_input_phase_back(const float *dv, ptrdiff_t point, int size,
                                        struct tile tile, int stride, int phase, bool add,
                                        float *dx)
{
    if (tile.border)
        map_input_tile_back(dv, point, size, tile, stride, phase, true, add, dx);
    else
        map_input_tile_back(dv, point, size, tile, stride, phase, false, add, dx);
}

/* The same of all phases. */
static void tile_input_back(const float *dv, ptrdiff_t phase_step, ptrdiff_t point, int size,
                            struct tile tile, int stride, bool add, float *dx)
{
    if (stride == 1) {
        map_input_phase_back(dv, point, size, tile, 1, 0, add, dx);
        return;
    }
#pragma GCC unroll 4
    for (int phase = 0; phase < MOST_PHASES; phase++)
        map_input_phase_back(dv + phase * phase_step, point, size, tile, 2, phase, add, dx);
}

/* One channel of y (S, S, L) = A' M A. */
ALWAYS_INLINE void map_output_tile(const float *m, ptrdiff_t point, int size, struct tile tile,
                                   int side, float *y)
{
    vec half[TILE][MOST_POINTS], column[MOST_POINTS], mapped[TILE];
    for (int j = 0; j < side; j++) {
#pragma GCC unroll 6
        for (int i = 0; i < side; i++)
            column[i] = vec_load(m + (i * side + j) * point);
        map_output(side, column, mapped);
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++)
            half[i][j] = mapped[i];
    }
    for (int i = 0; i < TILE; i++) {
        map_output(side, half[i], mapped);
#pragma GCC unroll 4
        for (int j = 0; j < TILE; j++) {
            float *at = y + ((tile.y + i) * size + tile.x + j) * LANES;
            vec_store(at, mapped[j]);
            fetch_next_to_write(at, size);
        }
    }
}

static void tile_output(const float *m, ptrdiff_t point, int size, struct tile tile, int stride,
                        float *y)
{
    if (stride == 1)
        map_output_tile(m, point, size, tile, winograd_side(1), y);
    else
        map_output_tile(m, point, size, tile, winograd_side(2), y);
}

/* dM = A dY A'. */
ALWAYS_INLINE void map_output_tile_back(const struct slope_channel *slope, int size,
                                        struct tile tile, int side, float *dm, ptrdiff_t point)
{
    vec half[MOST_POINTS][TILE], column[TILE], mapped[MOST_POINTS];
    for (int j = 0; j < TILE; j++) {
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++) {
            const ptrdiff_t at = ((tile.y + i) * size + tile.x + j) * LANES;
            column[i] = slope_read(slope, at);
            fetch_next(slope->dz + at, size);
            fetch_next(slope->y + at, size);
        }
        map_output_back(side, column, mapped);
#pragma GCC unroll 6
        for (int i = 0; i < side; i++)
            half[i][j] = mapped[i];
    }
    for (int i = 0; i < side; i++) {
        map_output_back(side, half[i], mapped);
#pragma GCC unroll 6
        for (int j = 0; j < side; j++, dm += point) {
            vec_store(dm, mapped[j]);
            fetch_behind(dm);
        }
    }
}

static void tile_output_back(const struct slope_channel *slope, int size, struct tile tile,
                             int stride, float *dm, ptrdiff_t point)
{
    if (stride == 1)
        map_output_tile_back(slope, size, tile, winograd_side(1), dm, point);
    else
        map_output_tile_back(slope, size, tile, winograd_side(2), dm, point);
}

#endif
