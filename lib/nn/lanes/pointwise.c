/* pointwise - what is done between the convolutions: layout, ReLU, sums, pooling. */
#include "nn/lanes/conv.h"
#include "nn/lanes/gate.h"
#include "nn/lanes/layout.h"

/* --- Layout ---------------------------------------------------------------------------------- */

static void pack_plane(const float *images, ptrdiff_t image, int lanes, int pixels, float *x)
{
    for (int pixel = 0; pixel < pixels; pixel += LANES) {
        vec square[LANES];
        for (int i = 0; i < LANES; i++) {
            square[i] = vec_all(0);
            if (i < lanes)
                square[i] = vec_load_any(images + i * image + pixel);
        }
        vec_transpose(square);
        for (int i = 0; i < LANES; i++)
            vec_store(x + (pixel + i) * LANES, square[i]);
    }
}

static void pack(struct sam_lanes_span span, int channels, const float *images, float *x)
{
    enum { PIXELS = SAM_ARCH_IMAGE * SAM_ARCH_IMAGE };
    const ptrdiff_t image = (ptrdiff_t)channels * PIXELS;
    for (int group = span.first; group < span.end; group++)
        for (int c = 0; c < channels; c++)
            pack_plane(images + group * LANES * image + c * PIXELS, image, group_lanes(span, group),
                       PIXELS, x + (group * image + c * PIXELS) * LANES);
}

/* --- Where a block's two branches meet ------------------------------------------------------- */

static void join(struct sam_lanes_span span, int channels, int pixels,
                 const struct sam_lanes_input *a, const struct sam_lanes_input *b, float *out)
{
    for (int group = span.first; group < span.end; group++)
        for (int c = 0; c < channels; c++) {
            const struct channel from_a = channel_of(a, channels, pixels, group, c);
            const struct channel from_b = channel_of(b, channels, pixels, group, c);
            float *to = out + ((ptrdiff_t)group * channels + c) * pixels * LANES;
            for (ptrdiff_t i = 0; i < (ptrdiff_t)pixels * LANES; i += LANES)
                vec_store(to + i, vec_relu(channel_read(&from_a, from_a.norm, from_a.relu, i) +
                                           channel_read(&from_b, from_b.norm, from_b.relu, i)));
        }
}

/* --- Pooling --------------------------------------------------------------------------------- */

static void pool(struct sam_lanes_span span, int channels, int pixels, const float *x,
                 float *pooled)
{
    for (int group = span.first; group < span.end; group++)
        for (int c = 0; c < channels; c++) {
            const float *plane = x + ((ptrdiff_t)group * channels + c) * pixels * LANES;
            vec sum = {0};
            for (int i = 0; i < pixels; i++)
                sum += vec_load(plane + i * LANES);
            for (int lane = 0; lane < group_lanes(span, group); lane++)
                pooled[c * span.batch + group * LANES + lane] = sum[lane] / (float)pixels;
        }
}

static void spread(struct sam_lanes_span span, int channels, int pixels, const float *dpooled,
                   float *dx)
{
    for (int group = span.first; group < span.end; group++)
        for (int c = 0; c < channels; c++) {
            vec value = {0};
            for (int lane = 0; lane < group_lanes(span, group); lane++)
                value[lane] = dpooled[c * span.batch + group * LANES + lane] / (float)pixels;
            float *plane = dx + ((ptrdiff_t)group * channels + c) * pixels * LANES;
            for (int i = 0; i < pixels; i++)
                vec_store(plane + i * LANES, value);
        }
}

/* --- The table ------------------------------------------------------------------------------- */

const struct sam_lanes_kernels SAM_LANES(kernels) = {
    .lanes = LANES,
    .direct = {SAM_LANES(direct_scratch), SAM_LANES(direct_forward), SAM_LANES(direct_backward)},
    .winograd = {SAM_LANES(winograd_scratch), SAM_LANES(winograd_forward),
                 SAM_LANES(winograd_backward)},
    .winograd_weights = SAM_LANES(winograd_weights),
    .winograd_prepare = SAM_LANES(winograd_prepare),
    .pack = pack,
    .join = join,
    .gate = gate_span,
    .pool = pool,
    .spread = spread,
};
