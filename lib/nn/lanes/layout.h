/* layout - places in an activation (G, C, S, S, L), and reading it as a layer does. */
#ifndef SAM_NN_LANES_LAYOUT_H
#define SAM_NN_LANES_LAYOUT_H

#include "nn/lanes/kernels.h"
#include "nn/lanes/vector.h"

/* Floats of one channel of one group. */
ALWAYS_INLINE ptrdiff_t plane_size(int size)
{
    return (ptrdiff_t)size * size * LANES;
}

/* `count` rounded up to whole vectors. */
ALWAYS_INLINE int whole_vectors(int count)
{
    return (count + LANES - 1) / LANES * LANES;
}

/* Samples in group g. */
ALWAYS_INLINE int group_lanes(struct sam_lanes_span span, int group)
{
    const int left = span.batch - group * LANES;
    return left < LANES ? left : LANES;
}

ALWAYS_INLINE int least(int a, int b)
{
    return a < b ? a : b;
}

/* Working memory that is handed out piece by piece; without a base, to learn how much it takes. */
struct pieces {
    float *base;
    ptrdiff_t used;
};

ALWAYS_INLINE float *pieces_take(struct pieces *pieces, ptrdiff_t count)
{
    float *piece = pieces->base ? pieces->base + pieces->used : NULL;
    pieces->used += count;
    return piece;
}

/* One channel of an input in one group: x (S, S, L) and what is done to it. */
struct channel {
    const float *x;
    vec scale, shift;
    bool norm, relu;
};

ALWAYS_INLINE struct channel channel_of(const struct sam_lanes_input *input, int channels,
                                        int pixels, int group, int c)
{
    return (struct channel){
        .x = input->x + ((ptrdiff_t)group * channels + c) * pixels * LANES,
        .scale = vec_all(input->scale ? input->scale[c] : 1),
        .shift = vec_all(input->scale ? input->shift[c] : 0),
        .norm = input->scale != NULL,
        .relu = input->relu,
    };
}

/* The input's value at `offset` (floats) of the plane. `norm` and `relu` are the channel's own, for
 * callers that have made constants of them. */
ALWAYS_INLINE vec channel_read(const struct channel *channel, bool norm, bool relu,
                               ptrdiff_t offset)
{
    vec value = vec_load(channel->x + offset);
    if (norm)
        value = value * channel->scale + channel->shift;
    return relu ? vec_relu(value) : value;
}

/* One channel of a slope in one group. */
struct slope_channel {
    const float *dz, *y;
    vec a, b, c;
    int lanes; /* the samples of the group */
};

ALWAYS_INLINE struct slope_channel slope_channel_of(const struct sam_lanes_slope *slope,
                                                    struct sam_lanes_span span, int channels,
                                                    int size, int group, int k)
{
    const ptrdiff_t plane = ((ptrdiff_t)group * channels + k) * plane_size(size);
    return (struct slope_channel){slope->dz + plane,    slope->y + plane,
                                  vec_all(slope->a[k]), vec_all(slope->b[k]),
                                  vec_all(slope->c[k]), group_lanes(span, group)};
}

ALWAYS_INLINE vec slope_read(const struct slope_channel *channel, ptrdiff_t offset)
{
    const vec dy = vec_load(channel->dz + offset) * channel->a +
                   (vec_load(channel->y + offset) * channel->b + channel->c);
    return channel->lanes < LANES ? vec_first(dy, channel->lanes) : dy;
}

#endif
