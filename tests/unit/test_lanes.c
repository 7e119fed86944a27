/* The kernels of the lanes engine, for every instruction set this machine has, against their
 * definitions, summed in double precision here. (The whole network is held against the double
 * engine in test_nn_backends.c.) */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/rng.h"
#include "nn/engine.h"
#include "nn/lanes/kernels.h"

static struct sam_error error;

/* --- The kernels of this machine ------------------------------------------------------------- */

struct named_kernels {
    const char *name;
    const struct sam_lanes_kernels *kernels;
};

static const struct named_kernels all_kernels[] = {
#if defined(__x86_64__)
    {"avx512", &sam_lanes_avx512_kernels},
    {"avx2", &sam_lanes_avx2_kernels},
#endif
    {"portable", &sam_lanes_portable_kernels},
};
enum { ALL_KERNELS = sizeof all_kernels / sizeof *all_kernels };

static bool runs_here(const char *name)
{
    for (const char *const *known = sam_engine_kernel_names(); *known; known++)
        if (strcmp(*known, name) == 0)
            return true;
    return false;
}

/* --- Random data ----------------------------------------------------------------------------- */

static float *random_floats(size_t count, uint32_t sequence)
{
    float *values = sam_memory_new(count, sizeof *values, &error);
    struct sam_rng rng;
    sam_rng_init(&rng, 5, SAM_RNG_TEST, 0, sequence);
    for (size_t i = 0; i < count; i++)
        values[i] = 2 * sam_rng_float(&rng) - 1;
    return values;
}

/* --- One convolution against its definition -------------------------------------------------- */

/* A unit with everything it reads and writes, in the layout of lanes. */
struct trial {
    const struct sam_lanes_kernels *kernels;
    struct sam_arch_unit unit;
    struct sam_lanes_span span;
    int output; /* size */
    float *x, *scale, *shift, *dz, *y, *a, *b, *c, *weights;
    float *made_y, *made_dx, *made_dweights;
    struct sam_lanes_moments *moments;
};

static size_t place(const struct trial *t, int channels, int size, int n, int c, int y, int x)
{
    const int lanes = t->kernels->lanes;
    return ((((size_t)(n / lanes) * (size_t)channels + (size_t)c) * (size_t)size + (size_t)y) *
                (size_t)size +
            (size_t)x) *
               (size_t)lanes +
           (size_t)(n % lanes);
}

static double input_at(const struct trial *t, int n, int c, int y, int x)
{
    const int size = t->unit.size;
    if (y < 0 || x < 0 || y >= size || x >= size)
        return 0;
    const double value =
        (double)t->x[place(t, t->unit.in, size, n, c, y, x)] * (double)t->scale[c] +
        (double)t->shift[c];
    return value > 0 ? value : 0;
}

static double slope_at(const struct trial *t, int n, int k, int y, int x)
{
    const size_t at = place(t, t->unit.out, t->output, n, k, y, x);
    return (double)t->a[k] * (double)t->dz[at] + (double)t->b[k] * (double)t->y[at] +
           (double)t->c[k];
}

static double weight_at(const struct trial *t, int k, int c, int i, int j)
{
    const int kernel = t->unit.kernel;
    return (double)t->weights[((k * t->unit.in + c) * kernel + i) * kernel + j];
}

static double output_reference(const struct trial *t, int n, int k, int y, int x)
{
    const int kernel = t->unit.kernel, stride = t->unit.stride;
    double sum = 0;
    for (int c = 0; c < t->unit.in; c++)
        for (int i = 0; i < kernel; i++)
            for (int j = 0; j < kernel; j++)
                sum += weight_at(t, k, c, i, j) *
                       input_at(t, n, c, y * stride + i - kernel / 2, x * stride + j - kernel / 2);
    return sum;
}

static double dx_reference(const struct trial *t, int n, int c, int y, int x)
{
    const int kernel = t->unit.kernel, stride = t->unit.stride;
    double sum = 0;
    for (int k = 0; k < t->unit.out; k++)
        for (int i = 0; i < kernel; i++)
            for (int j = 0; j < kernel; j++) {
                const int v = y + kernel / 2 - i, u = x + kernel / 2 - j;
                if (v >= 0 && u >= 0 && v % stride == 0 && u % stride == 0 &&
                    v / stride < t->output && u / stride < t->output)
                    sum += weight_at(t, k, c, i, j) * slope_at(t, n, k, v / stride, u / stride);
            }
    return sum;
}

static double dweight_reference(const struct trial *t, int k, int c, int i, int j)
{
    const int stride = t->unit.stride, pad = t->unit.kernel / 2;
    double sum = 0;
    for (int n = 0; n < t->span.batch; n++)
        for (int y = 0; y < t->output; y++)
            for (int x = 0; x < t->output; x++)
                sum += slope_at(t, n, k, y, x) *
                       input_at(t, n, c, y * stride + i - pad, x * stride + j - pad);
    return sum;
}

static struct trial trial_new(const struct sam_lanes_kernels *kernels, struct sam_arch_unit unit,
                              int batch)
{
    const int lanes = kernels->lanes, groups = (batch + lanes - 1) / lanes;
    struct trial t = {.kernels = kernels, .unit = unit, .span = {0, groups, batch}};
    t.output = unit.size / unit.stride;
    const size_t samples = (size_t)(groups * lanes);
    const size_t in = samples * (size_t)(unit.in * unit.size * unit.size);
    const size_t out = samples * (size_t)(unit.out * t.output * t.output);
    const size_t weights = (size_t)(unit.out * unit.in * unit.kernel * unit.kernel);
    t.x = random_floats(in, 1);
    t.scale = random_floats((size_t)unit.in, 2);
    t.shift = random_floats((size_t)unit.in, 3);
    t.dz = random_floats(out, 4);
    t.y = random_floats(out, 5);
    t.a = random_floats((size_t)unit.out, 6);
    t.b = random_floats((size_t)unit.out, 7);
    t.c = random_floats((size_t)unit.out, 8);
    t.weights = random_floats(weights, 9);
    t.made_y = random_floats(out, 10);
    t.made_dx = random_floats(in, 11);
    t.made_dweights = random_floats(weights, 12);
    t.moments = sam_memory_new((size_t)unit.out, sizeof *t.moments, &error);
    return t;
}

static void trial_free(struct trial *t)
{
    float *const arrays[] = {t->x, t->scale, t->shift,   t->dz,     t->y,       t->a,
                             t->b, t->c,     t->weights, t->made_y, t->made_dx, t->made_dweights};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
    free(t->moments);
}

static void trial_run(struct trial *t, bool winograd, bool add, const struct sam_lanes_relu *relu)
{
    const struct sam_lanes_conv *conv = winograd ? &t->kernels->winograd : &t->kernels->direct;
    const struct sam_lanes_input input = {t->x, t->scale, t->shift, true};
    const struct sam_lanes_slope slope = {t->dz, t->y, t->a, t->b, t->c};
    float *scratch = sam_memory_new(conv->scratch(&t->unit), sizeof *scratch, &error);
    float *transformed = NULL;
    if (winograd) {
        transformed = sam_memory_new(t->kernels->winograd_weights(&t->unit), sizeof(float), &error);
        t->kernels->winograd_prepare(&t->unit, t->weights, false, 0, t->unit.out, transformed);
    }
    const float *weights = winograd ? transformed : t->weights;
    conv->forward(&t->unit, t->span, &input, weights, t->made_y, t->moments, scratch);
    if (winograd)
        t->kernels->winograd_prepare(&t->unit, t->weights, true, 0, t->unit.in, transformed);
    const struct sam_lanes_gradients made = {t->made_dx, add, relu, t->made_dweights};
    conv->backward(&t->unit, t->span, &input, &slope, weights, &made, scratch);
    free(scratch);
    free(transformed);
}

/* `tolerance` is absolute for small numbers, relative for large ones. */
static void check(double made, double wanted, double tolerance)
{
    if (!(fabs(made - wanted) <= tolerance * (1 + fabs(wanted))))
        fail_msg("%.9g made, %.9g wanted", made, wanted);
}

/* `stray`: the largest error allowed, in units of a sum's typical size. */
static void trial_check(const struct trial *t, bool add, double stray)
{
    const struct sam_arch_unit *unit = &t->unit;
    const double taps = unit->kernel * unit->kernel;
    float *before = random_floats(
        (size_t)(t->span.end * t->kernels->lanes * unit->in * unit->size * unit->size), 11);
    for (int n = 0; n < t->span.batch; n += 3) {
        for (int k = 0; k < unit->out; k++)
            for (int y = 0; y < t->output; y++)
                for (int x = 0; x < t->output; x++)
                    check((double)t->made_y[place(t, unit->out, t->output, n, k, y, x)],
                          output_reference(t, n, k, y, x), stray * sqrt(taps * unit->in));
        for (int c = 0; c < unit->in; c++)
            for (int y = 0; y < unit->size; y++)
                for (int x = 0; x < unit->size; x++) {
                    const size_t at = place(t, unit->in, unit->size, n, c, y, x);
                    check((double)t->made_dx[at],
                          dx_reference(t, n, c, y, x) + (add ? (double)before[at] : 0),
                          stray * sqrt(taps * unit->out));
                }
    }
    const int kernel = unit->kernel;
    for (int k = 0; k < unit->out; k++)
        for (int c = 0; c < unit->in; c++)
            for (int tap = 0; tap < kernel * kernel; tap++)
                check((double)t->made_dweights[(k * unit->in + c) * kernel * kernel + tap],
                      dweight_reference(t, k, c, tap / kernel, tap % kernel),
                      stray * sqrt((double)t->span.batch) * t->output);
    free(before);
}

/* The moments of the output as it is, which is right or not. */
static void trial_check_moments(const struct trial *t)
{
    const int pixels = t->output * t->output, first = t->span.first * t->kernels->lanes;
    const double count = (double)(t->span.batch - first) * pixels;
    for (int k = 0; k < t->unit.out; k++) {
        double mean = 0, squares = 0;
        for (int n = first; n < t->span.batch; n++)
            for (int i = 0; i < pixels; i++)
                mean += (double)t->made_y[place(t, t->unit.out, t->output, n, k, 0, i)] / count;
        for (int n = first; n < t->span.batch; n++)
            for (int i = 0; i < pixels; i++) {
                const double shift =
                    (double)t->made_y[place(t, t->unit.out, t->output, n, k, 0, i)] - mean;
                squares += shift * shift;
            }
        assert_true(t->moments[k].count == count);
        assert_true(fabs(t->moments[k].mean - mean) <= 1e-6 * sqrt(squares / count));
        assert_true(fabs(t->moments[k].squares - squares) <= 1e-5 * squares);
    }
}

/* in, out, size, kernel, stride: every path of both methods, channels that fill no vector. */
static const int shapes[][5] = {
    {1, 5, 8, 3, 1},   {3, 8, 32, 3, 1},   {8, 8, 16, 3, 1},  {17, 6, 8, 3, 1},
    {20, 33, 4, 3, 1}, {5, 9, 8, 3, 2},    {18, 20, 8, 3, 2}, {40, 24, 8, 1, 2},
    {7, 13, 16, 3, 2}, {3, 2, 32, 1, 2},   {70, 35, 8, 3, 1}, {20, 34, 16, 3, 1},
    {36, 40, 8, 3, 2}, {18, 17, 32, 3, 2}, {36, 3, 32, 3, 1}, /* chunks of half a row of tiles */
};

static struct sam_arch_unit unit_of(const int shape[5])
{
    return (struct sam_arch_unit){
        .in = shape[0], .out = shape[1], .size = shape[2], .kernel = shape[3], .stride = shape[4]};
}

static void convolutions(bool winograd, double stray)
{
    for (int i = 0; i < ALL_KERNELS; i++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            if (!runs_here(all_kernels[i].name) || (winograd && shapes[s][3] != 3))
                continue;
            for (int add = 0; add < 2; add++) {
                struct trial trial = trial_new(all_kernels[i].kernels, unit_of(shapes[s]), 19);
                trial_run(&trial, winograd, add, NULL);
                trial_check(&trial, add, stray);
                trial_check_moments(&trial);
                trial_free(&trial);
            }
        }
}

static void direct_is_the_definition(void **state)
{
    (void)state;
    convolutions(false, 2e-6);
}

static void winograd_is_the_definition(void **state)
{
    (void)state;
    convolutions(true, 1e-5);
}

static size_t input_count(const struct trial *t)
{
    return (size_t)(t->span.end * t->kernels->lanes * t->unit.in * t->unit.size * t->unit.size);
}

/* Zeroes, in (G, channels, pixels, L), the lanes that a minibatch leaves over: slopes are zero
 * there.
 */
static void clear_left_over(const struct sam_lanes_kernels *kernels, int channels, int pixels,
                            int batch, float *x)
{
    const size_t lanes = (size_t)kernels->lanes, group = (size_t)(channels * pixels) * lanes;
    const size_t groups = ((size_t)batch + lanes - 1) / lanes;
    for (size_t at = 0; at < groups * group; at++)
        if (at / group * lanes + at % lanes >= (size_t)batch)
            x[at] = 0;
}

/* The gradient by the input, which `unpassed` is without a ReLU, has passed the one that the input
 * comes out of; and the sums for two norms, which read x and `other`, are of that. */
static void check_passed(const struct trial *t, const float *unpassed, const float *other,
                         const struct sam_lanes_relu *relu)
{
    const int size = t->unit.size;
    for (int c = 0; c < t->unit.in; c++) {
        double sum = 0, product[2] = {0}, scale = 0;
        for (int n = t->span.first * t->kernels->lanes; n < t->span.batch; n++)
            for (int i = 0; i < size * size; i++) {
                const size_t at = place(t, t->unit.in, size, n, c, 0, i);
                const double z = (double)t->x[at] * (double)t->scale[c] + (double)t->shift[c];
                const double dz = (double)t->made_dx[at];
                if (fabs(z) > 1e-6) /* of less, a float may have another sign */
                    assert_true(dz == (z > 0 ? (double)unpassed[at] : 0));
                sum += dz;
                product[0] += dz * ((double)t->x[at] - (double)t->shift[c]);
                product[1] += dz * ((double)other[at] - (double)t->scale[c]);
                scale += fabs(dz);
            }
        for (int norm = 0; norm < 2; norm++) {
            assert_true(fabs(relu->norm[norm].sums[c][0] - sum) <= 1e-6 * scale);
            assert_true(fabs(relu->norm[norm].sums[c][1] - product[norm]) <= 4e-6 * scale);
        }
    }
}

static void check_backward_through_relu(struct trial *t, bool winograd, bool add)
{
    const size_t inputs = input_count(t), channels = (size_t)t->unit.in;
    float *before = random_floats(inputs, 21), *other = random_floats(inputs, 22);
    clear_left_over(t->kernels, t->unit.in, t->unit.size * t->unit.size, t->span.batch, before);
    double(*sums)[2] = sam_memory_new(2 * channels, sizeof *sums, &error);
    memset(sums, 0x55, 2 * channels * sizeof *sums); /* what was there does not count */
    const struct sam_lanes_relu relu = {
        2, {{t->x, t->shift, sums}, {other, t->scale, sums + channels}}};
    memcpy(t->made_dx, before, inputs * sizeof *before);
    trial_run(t, winograd, add, NULL);
    float *unpassed = sam_memory_new(inputs, sizeof *unpassed, &error);
    memcpy(unpassed, t->made_dx, inputs * sizeof *before);
    memcpy(t->made_dx, before, inputs * sizeof *before);
    trial_run(t, winograd, add, &relu);
    check_passed(t, unpassed, other, &relu);
    free(before);
    free(other);
    free(sums);
    free(unpassed);
}

static void gradients_pass_the_relu_in_front(void **state)
{
    (void)state;
    for (int i = 0; i < ALL_KERNELS; i++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (int variant = 0; variant < 8; variant++) {
                const bool winograd = variant / 4 == 1;
                if (!runs_here(all_kernels[i].name) || (winograd && shapes[s][3] != 3))
                    continue;
                struct trial trial = trial_new(all_kernels[i].kernels, unit_of(shapes[s]), 19);
                trial.span.first = variant / 2 % 2; /* there are two groups at least */
                check_backward_through_relu(&trial, winograd, variant % 2 == 1);
                trial_free(&trial);
            }
}

/* Means a thousand times the deviation must not spoil the variance (of a single tap: zeros around
 * the image would make it large); and the last group, which is not full, may be a span of its own.
 */
static void moments_are_the_definition(void **state)
{
    (void)state;
    for (int i = 0; i < ALL_KERNELS; i++)
        for (int winograd = 0; winograd < 2; winograd++) {
            const struct sam_arch_unit unit = {
                .in = 2, .out = 5, .size = 8, .kernel = winograd ? 3 : 1, .stride = 1};
            if (!runs_here(all_kernels[i].name))
                continue;
            struct trial trial = trial_new(all_kernels[i].kernels, unit, 21);
            for (int c = 0; c < unit.in; c++)
                trial.shift[c] += 1000;
            trial_run(&trial, winograd, false, NULL);
            trial_check_moments(&trial);
            trial.span.first = trial.span.end - 1;
            trial_run(&trial, winograd, false, NULL);
            trial_check_moments(&trial);
            trial_free(&trial);
        }
}

/* --- What is done between the convolutions ---------------------------------------------------- */

enum { CHANNELS = 3, SIZE = 4, PIXELS = SIZE * SIZE, BATCH = 21 };

/* Calls `test` for the kernels of this machine, on the whole of a minibatch that fills no group. */
static void for_kernels(void (*test)(const struct sam_lanes_kernels *, struct sam_lanes_span))
{
    for (int i = 0; i < ALL_KERNELS; i++)
        if (runs_here(all_kernels[i].name)) {
            const int lanes = all_kernels[i].kernels->lanes;
            test(all_kernels[i].kernels,
                 (struct sam_lanes_span){0, (BATCH + lanes - 1) / lanes, BATCH});
        }
}

/* Where pixel i of channel c of sample n is in (G, C, pixels, L). */
static size_t pixel_at(const struct sam_lanes_kernels *kernels, int pixels, int n, int c, int i)
{
    const int lanes = kernels->lanes;
    return (size_t)(((n / lanes * CHANNELS + c) * pixels + i) * lanes + n % lanes);
}

static size_t activation_size(struct sam_lanes_span span, const struct sam_lanes_kernels *kernels)
{
    return (size_t)(span.end * kernels->lanes * CHANNELS * PIXELS);
}

static void check_join_and_gate(const struct sam_lanes_kernels *kernels, struct sam_lanes_span span)
{
    const size_t size = activation_size(span, kernels);
    const float scale[CHANNELS] = {2, -1, 0.5F}, shift[CHANNELS] = {0.25F, 0, -1};
    const float mean[CHANNELS] = {0.5F, 0, -2};
    float *a = random_floats(size, 31), *b = random_floats(size, 32),
          *out = random_floats(size, 33);
    float *dz = random_floats(size, 34), *before = random_floats(size, 34);
    const struct sam_lanes_input normed = {a, scale, shift, false}, plain = {.x = b};
    kernels->join(span, CHANNELS, PIXELS, &normed, &plain, out);
    double sums[CHANNELS][2];
    const struct sam_lanes_input passed = {.x = out};
    clear_left_over(kernels, CHANNELS, PIXELS, BATCH, dz);
    clear_left_over(kernels, CHANNELS, PIXELS, BATCH, before);
    const struct sam_lanes_relu relu = {1, {{a, mean, sums}}};
    kernels->gate(span, CHANNELS, PIXELS, &passed, &relu, dz);
    for (int c = 0; c < CHANNELS; c++) {
        double sum = 0, product = 0;
        for (int n = 0; n < BATCH; n++)
            for (int i = 0; i < PIXELS; i++) {
                const size_t at = pixel_at(kernels, PIXELS, n, c, i);
                const double z =
                    (double)a[at] * (double)scale[c] + (double)shift[c] + (double)b[at];
                const double slope = out[at] > 0 ? (double)before[at] : 0;
                check((double)out[at], z > 0 ? z : 0, 1e-6);
                assert_true((double)dz[at] == slope);
                sum += slope;
                product += slope * ((double)a[at] - (double)mean[c]);
            }
        check(sums[c][0], sum, 1e-5);
        check(sums[c][1], product, 1e-5);
    }
    float *const arrays[] = {a, b, out, dz, before};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        free(arrays[i]);
}

static void check_pool_and_spread(const struct sam_lanes_kernels *kernels,
                                  struct sam_lanes_span span)
{
    float *x = random_floats(activation_size(span, kernels), 35);
    float *pooled = random_floats(CHANNELS * BATCH, 36);
    kernels->pool(span, CHANNELS, PIXELS, x, pooled);
    for (int n = 0; n < BATCH; n++)
        for (int c = 0; c < CHANNELS; c++) {
            double mean = 0;
            for (int i = 0; i < PIXELS; i++)
                mean += (double)x[pixel_at(kernels, PIXELS, n, c, i)] / PIXELS;
            check((double)pooled[c * BATCH + n], mean, 1e-6);
        }
    kernels->spread(span, CHANNELS, PIXELS, pooled, x);
    for (int n = 0; n < span.end * kernels->lanes; n++)
        for (int c = 0; c < CHANNELS; c++)
            for (int i = 0; i < PIXELS; i++)
                assert_true(x[pixel_at(kernels, PIXELS, n, c, i)] ==
                            (n < BATCH ? pooled[c * BATCH + n] / PIXELS : 0));
    free(x);
    free(pooled);
}

static void check_pack(const struct sam_lanes_kernels *kernels, struct sam_lanes_span span)
{
    enum { IMAGE = SAM_ARCH_IMAGE * SAM_ARCH_IMAGE };
    float *images = random_floats((size_t)BATCH * CHANNELS * IMAGE, 37);
    float *x = random_floats((size_t)(span.end * kernels->lanes * CHANNELS * IMAGE), 38);
    kernels->pack(span, CHANNELS, images, x);
    for (int n = 0; n < span.end * kernels->lanes; n++)
        for (int c = 0; c < CHANNELS; c++)
            for (int i = 0; i < IMAGE; i++)
                assert_true(x[pixel_at(kernels, IMAGE, n, c, i)] ==
                            (n < BATCH ? images[(n * CHANNELS + c) * IMAGE + i] : 0));
    free(images);
    free(x);
}

static void join_and_gate_are_the_definition(void **state)
{
    (void)state;
    for_kernels(check_join_and_gate);
}

static void pool_and_spread_are_the_definition(void **state)
{
    (void)state;
    for_kernels(check_pool_and_spread);
}

static void pack_puts_samples_side_by_side(void **state)
{
    (void)state;
    for_kernels(check_pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(direct_is_the_definition),
        cmocka_unit_test(winograd_is_the_definition),
        cmocka_unit_test(moments_are_the_definition),
        cmocka_unit_test(gradients_pass_the_relu_in_front),
        cmocka_unit_test(join_and_gate_are_the_definition),
        cmocka_unit_test(pool_and_spread_are_the_definition),
        cmocka_unit_test(pack_puts_samples_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
