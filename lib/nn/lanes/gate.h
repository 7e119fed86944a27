/* gate - a ReLU on the way back (struct sam_lanes_relu), piece by piece: a Winograd convolution
 * sends its gradient through it as far as it is complete, while it is in the cache; a direct one at
 * its end. */
#ifndef SAM_NN_LANES_GATE_H
#define SAM_NN_LANES_GATE_H

#include <string.h>

#include "nn/lanes/kernels.h"
#include "nn/lanes/layout.h"

static inline void gate_begin(const struct sam_lanes_relu *relu, int channels)
{
    for (int n = 0; n < relu->norms; n++)
        memset(relu->norm[n].sums, 0, (size_t)channels * sizeof *relu->norm[n].sums);
}

/* Vectors first .. end-1 of one plane, for one norm. What has passed once passes again. Of y, which
 * nobody else may have read, the same place in the next plane is asked for meanwhile. */
ALWAYS_INLINE void gate_vectors(const struct channel *input, const float *y, float mean,
                                ptrdiff_t plane, ptrdiff_t first, ptrdiff_t end, float *dz,
                                double sums[2])
{
    const vec center = vec_all(mean);
    vec sum = {0}, product = {0};
    for (ptrdiff_t i = first * LANES; i < end * LANES; i += LANES) {
        const vec passed =
            vec_gate(channel_read(input, input->norm, input->relu, i), vec_load(dz + i));
        vec_store(dz + i, passed);
        sum += passed;
        product += passed * (vec_load(y + i) - center);
        __builtin_prefetch(y + plane + i);
    }
    sums[0] += vec_sum(sum);
    sums[1] += vec_sum(product);
}

/* Pixels first .. end-1 of channel c of `channels` in one group of dz (G, C, pixels, L). */
static inline void gate_pixels(const struct sam_lanes_relu *relu,
                               const struct sam_lanes_input *input, int channels, int pixels,
                               int group, int c, int first, int end, float *dz)
{
    const struct channel channel = channel_of(input, channels, pixels, group, c);
    const ptrdiff_t plane = (ptrdiff_t)pixels * LANES;
    const ptrdiff_t at = ((ptrdiff_t)group * channels + c) * plane;
    for (int n = 0; n < relu->norms; n++)
        gate_vectors(&channel, relu->norm[n].y + at, relu->norm[n].mean[c], plane, first, end,
                     dz + at, relu->norm[n].sums[c]);
}

/* All of a span. */
static inline void gate_span(struct sam_lanes_span span, int channels, int pixels,
                             const struct sam_lanes_input *input, const struct sam_lanes_relu *relu,
                             float *dz)
{
    gate_begin(relu, channels);
    for (int group = span.first; group < span.end; group++)
        for (int c = 0; c < channels; c++)
            gate_pixels(relu, input, channels, pixels, group, c, 0, pixels, dz);
}

#endif
