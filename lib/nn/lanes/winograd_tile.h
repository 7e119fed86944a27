/* winograd_tile - the two-dimensional maps of nn/lanes/winograd.c between one tile of one channel
 * of an activation and its 36 points, which lie `point` floats apart. */
#ifndef SAM_NN_LANES_WINOGRAD_TILE_H
#define SAM_NN_LANES_WINOGRAD_TILE_H

#include "nn/lanes/layout.h"
#include "nn/lanes/winograd_map.h"

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

/* Where a tile lies: its group, and the row and column of its first output. */
struct tile {
    int group, y, x;
    bool border; /* do its inputs reach over the edge of the image? */
};

static inline struct tile tile_at(int size, int index)
{
    const int side = size / TILE, in_group = index % (side * side);
    const int y = in_group / side * TILE, x = in_group % side * TILE;
    return (struct tile){index / (side * side), y, x,
                         y == 0 || x == 0 || y + TILE == size || x + TILE == size};
}

/* V = B' d B. `border` and `normed` repeat what tile and channel say, as constants. */
ALWAYS_INLINE void map_tile_input(const struct channel *channel, int size, struct tile tile,
                                  bool border, bool normed, float *v, ptrdiff_t point)
{
    vec half[POINTS][POINTS], d[POINTS], mapped[POINTS];
    const ptrdiff_t corner = ((tile.y - 1) * size + tile.x - 1) * LANES, row = size * LANES;
    for (int j = 0; j < POINTS; j++) {
        const int x = tile.x - 1 + j;
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++) {
            const int y = tile.y - 1 + i;
            if (border && (x < 0 || y < 0 || x >= size || y >= size))
                d[i] = (vec){0};
            else
                d[i] = channel_read(channel, normed, normed, corner + i * row + j * LANES);
            fetch_next(channel->x + corner + i * row + j * LANES, size);
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

static void tile_input(const struct channel *channel, int size, struct tile tile, float *v,
                       ptrdiff_t point)
{
    if (tile.border && channel->norm)
        map_tile_input(channel, size, tile, true, true, v, point);
    else if (tile.border)
        map_tile_input(channel, size, tile, true, false, v, point);
    else if (channel->norm)
        map_tile_input(channel, size, tile, false, true, v, point);
    else
        map_tile_input(channel, size, tile, false, false, v, point);
}

/* Adds B dV B' to one channel of dx (S, S, L). Without `add`, what dx held does not count: where no
 * tile above or to the left has been before, nothing is read. */
ALWAYS_INLINE void map_tile_input_back(const float *dv, ptrdiff_t point, int size, struct tile tile,
                                       bool border, bool add, float *dx)
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
    float *corner = dx + ((tile.y - 1) * size + tile.x - 1) * LANES;
    for (int j = 0; j < POINTS; j++) {
        const int x = tile.x - 1 + j;
        if (border && (x < 0 || x >= size))
            continue;
        map_input_back(half[j], d);
        const bool left = j < 2 && !(border && tile.x == 0);
#pragma GCC unroll 6
        for (int i = 0; i < POINTS; i++) {
            const int y = tile.y - 1 + i;
            const bool above = i < 2 && !(border && tile.y == 0);
            float *at = corner + (i * size + j) * LANES;
            if (border && (y < 0 || y >= size))
                continue;
            if (add || left || above)
                d[i] += vec_load(at);
            vec_store(at, d[i]);
            fetch_next_to_write(at, size);
        }
    }
}

static void tile_input_back(const float *dv, ptrdiff_t point, int size, struct tile tile, bool add,
                            float *dx)
{
    if (tile.border)
        map_tile_input_back(dv, point, size, tile, true, add, dx);
    else
        map_tile_input_back(dv, point, size, tile, false, add, dx);
}

/* One channel of y (S, S, L) = A' M A. */
static void tile_output(const float *m, ptrdiff_t point, int size, struct tile tile, float *y)
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
        for (int j = 0; j < TILE; j++) {
            float *at = y + ((tile.y + i) * size + tile.x + j) * LANES;
            vec_store(at, mapped[j]);
            fetch_next_to_write(at, size);
        }
    }
}

/* dM = A dY A'. */
static void tile_output_back(const struct slope_channel *slope, int size, struct tile tile,
                             float *dm, ptrdiff_t point)
{
    vec half[POINTS][TILE], column[TILE], mapped[POINTS];
    for (int j = 0; j < TILE; j++) {
#pragma GCC unroll 4
        for (int i = 0; i < TILE; i++) {
            const ptrdiff_t at = ((tile.y + i) * size + tile.x + j) * LANES;
            column[i] = slope_read(slope, at);
            fetch_next(slope->dz + at, size);
            fetch_next(slope->y + at, size);
        }
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

#endif
