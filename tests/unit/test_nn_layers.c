/* The plain engine's layers, in double precision.
 *
 * Oracles: the formulas of the headers as direct loops, in this file, for every shape that a
 * network has and awkward ones; central differences of a random linear function of the output for
 * every derivative. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#define SAM_PLAIN_DOUBLE
#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "nn/plain_conv.h"
#include "nn/plain_linear.h"
#include "nn/plain_norm.h"
#include "nn/plain_pool.h"

static double *array(size_t count)
{
    struct sam_error error;
    double *values = sam_memory_new(count, sizeof *values, &error);
    assert_non_null(values);
    return values;
}

/* `count` numbers, uniform on [-1, 1). */
static double *random_array(size_t count, uint32_t seed)
{
    struct sam_rng rng;
    sam_rng_init(&rng, seed, SAM_RNG_TEST, 0, 0);
    double *values = array(count);
    for (size_t i = 0; i < count; i++)
        values[i] = 2 * (double)sam_rng_float(&rng) - 1;
    return values;
}

static void assert_near(const double *seen, const double *want, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(seen[i] - want[i]) <= tolerance * (1 + fabs(want[i]))))
            fail_msg("element %zu of %zu: %.17g seen, %.17g wanted", i, count, seen[i], want[i]);
}

static struct sam_pool *pool_of(int threads)
{
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(threads, &error);
    assert_non_null(pool);
    return pool;
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Central differences: `at` (count) is moved one element at a time, `value` is a function of it.
 * What is checked is `gradient` (count). */
static void assert_gradient(double *at, const double *gradient, size_t count,
                            double (*value)(void *context), void *context)
{
    const double h = 1e-5;
    for (size_t i = 0; i < count; i++) {
        const double before = at[i];
        at[i] = before + h;
        const double above = value(context);
        at[i] = before - h;
        const double below = value(context);
        at[i] = before;
        const double slope = (above - below) / (2 * h);
        if (!(fabs(slope - gradient[i]) <= 1e-7 * (1 + fabs(slope))))
            fail_msg("element %zu: gradient %.12g, by differences %.12g", i, gradient[i], slope);
    }
}

/* --- Convolution --------------------------------------------------------------------------- */

struct conv_case {
    struct sam_plain_conv conv;
    int batch;
    size_t x_count, y_count, weights;
    double *x, *weight, *y, *dy, *dx, *dweight;
    struct sam_plain_workspace workspace;
};

static struct conv_case conv_case_new(struct sam_plain_conv conv, int batch, int threads)
{
    struct conv_case c = {.conv = conv, .batch = batch};
    const size_t output = (size_t)sam_double_conv_output_size(&conv);
    c.x_count = (size_t)conv.in * (size_t)batch * (size_t)conv.size * (size_t)conv.size;
    c.y_count = (size_t)conv.out * (size_t)batch * output * output;
    c.weights = sam_double_conv_weights(&conv);
    c.x = random_array(c.x_count, 1);
    c.weight = random_array(c.weights, 2);
    c.dy = random_array(c.y_count, 3);
    c.y = array(c.y_count);
    c.dx = random_array(c.x_count, 4); /* to be overwritten, or added to */
    c.dweight = random_array(c.weights, 5);
    c.workspace.pool = pool_of(threads);
    c.workspace.panel = sam_double_conv_panel(&conv);
    c.workspace.panels = array((size_t)threads * c.workspace.panel);
    c.workspace.partials = array(SAM_PLAIN_SLICES * c.weights);
    return c;
}

static void conv_case_free(struct conv_case *c)
{
    double *const arrays[] = {c->x,
                              c->weight,
                              c->y,
                              c->dy,
                              c->dx,
                              c->dweight,
                              c->workspace.panels,
                              c->workspace.partials};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    sam_pool_free(c->workspace.pool);
}

static void conv_case_run(struct conv_case *c, bool add)
{
    sam_double_conv_forward(&c->conv, &c->workspace, c->batch, c->x, c->weight, c->y);
    sam_double_conv_backward_input(&c->conv, &c->workspace, c->batch, c->dy, c->weight, add, c->dx);
    sam_double_conv_backward_weight(&c->conv, &c->workspace, c->batch, c->x, c->dy, c->dweight);
}

/* Every product of the formula, once: y[o] += weight[k] * x[i], and its two derivatives. */
static void conv_naive(const struct conv_case *c, double *y, double *dx, double *dweight)
{
    const struct sam_plain_conv *v = &c->conv;
    const int pad = v->kernel / 2, output = sam_double_conv_output_size(v);
    const int taps = v->kernel * v->kernel, pixels = output * output;
    for (int o = 0; o < v->out; o++)
        for (int i = 0; i < v->in; i++)
            for (int n = 0; n < c->batch; n++)
                for (int tap = 0; tap < taps; tap++)
                    for (int p = 0; p < pixels; p++) {
                        const int row = v->stride * (p / output) + tap / v->kernel - pad;
                        const int column = v->stride * (p % output) + tap % v->kernel - pad;
                        if (row < 0 || row >= v->size || column < 0 || column >= v->size)
                            continue;
                        const int at_y = (o * c->batch + n) * pixels + p;
                        const int at_x = ((i * c->batch + n) * v->size + row) * v->size + column;
                        const int at_weight = (o * v->in + i) * taps + tap;
                        y[at_y] += c->weight[at_weight] * c->x[at_x];
                        dx[at_x] += c->weight[at_weight] * c->dy[at_y];
                        dweight[at_weight] += c->dy[at_y] * c->x[at_x];
                    }
}

static void check_conv(struct sam_plain_conv conv, int batch, bool add)
{
    struct conv_case c = conv_case_new(conv, batch, 2);
    double *y = array(c.y_count), *dx = array(c.x_count), *dweight = array(c.weights);
    if (add)
        memcpy(dx, c.dx, c.x_count * sizeof *dx);
    conv_naive(&c, y, dx, dweight);
    conv_case_run(&c, add);
    assert_near(c.y, y, c.y_count, 1e-12);
    assert_near(c.dx, dx, c.x_count, 1e-12);
    assert_near(c.dweight, dweight, c.weights, 1e-11);
    free(y);
    free(dx);
    free(dweight);
    conv_case_free(&c);
}

static void conv_is_its_formula(void **state)
{
    (void)state;
    static const int sizes[] = {1, 2, 3, 4, 7, 8, 16, 32}, batches[] = {1, 2, 5, 37};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t b = 0; b < sizeof batches / sizeof *batches; b++)
            for (int kernel = 1; kernel <= 3; kernel += 2)
                for (int stride = 1; stride <= 2; stride++)
                    check_conv((struct sam_plain_conv){.in = 3,
                                                       .out = 5,
                                                       .size = sizes[s],
                                                       .kernel = kernel,
                                                       .stride = stride},
                               batches[b], (s + b) % 2);
}

static void conv_of_many_channels(void **state)
{
    (void)state;
    check_conv((struct sam_plain_conv){.in = 40, .out = 70, .size = 4, .kernel = 3, .stride = 1},
               19, false);
    check_conv((struct sam_plain_conv){.in = 33, .out = 66, .size = 8, .kernel = 1, .stride = 2},
               19, true);
    check_conv((struct sam_plain_conv){.in = 1, .out = 1, .size = 32, .kernel = 3, .stride = 1}, 3,
               false);
}

static void conv_same_bytes_for_any_threads(void **state)
{
    (void)state;
    const struct sam_plain_conv conv = {.in = 6, .out = 9, .size = 16, .kernel = 3, .stride = 1};
    struct conv_case one = conv_case_new(conv, 13, 1);
    conv_case_run(&one, false);
    for (int threads = 2; threads <= 5; threads++) {
        struct conv_case c = conv_case_new(conv, 13, threads);
        conv_case_run(&c, false);
        assert_memory_equal(c.y, one.y, c.y_count * sizeof *c.y);
        assert_memory_equal(c.dx, one.dx, c.x_count * sizeof *c.dx);
        assert_memory_equal(c.dweight, one.dweight, c.weights * sizeof *c.dweight);
        conv_case_free(&c);
    }
    conv_case_free(&one);
}

static double conv_value(void *context)
{
    struct conv_case *c = context;
    sam_double_conv_forward(&c->conv, &c->workspace, c->batch, c->x, c->weight, c->y);
    return dot(c->y, c->dy, c->y_count);
}

static void conv_against_differences(void **state)
{
    (void)state;
    for (int stride = 1; stride <= 2; stride++)
        for (int kernel = 1; kernel <= 3; kernel += 2) {
            const struct sam_plain_conv conv = {
                .in = 2, .out = 3, .size = 6, .kernel = kernel, .stride = stride};
            struct conv_case c = conv_case_new(conv, 3, 1);
            conv_case_run(&c, false);
            assert_gradient(c.x, c.dx, c.x_count, conv_value, &c);
            assert_gradient(c.weight, c.dweight, c.weights, conv_value, &c);
            conv_case_free(&c);
        }
}

/* --- Batch norm, sum, ReLU ----------------------------------------------------------------- */

enum { CHANNELS = 3, COLUMNS = 45 }; /* not a multiple of the lanes of a sum */

struct norm_case {
    struct sam_pool *pool;
    struct sam_plain_norm norm;
    double *x, *shortcut, *weight, *bias, *y, *dy; /* what a gradient is taken by, and of */
    bool relu;
};

static struct norm_case norm_case_new(bool relu, bool shortcut)
{
    struct norm_case c = {
        .pool = pool_of(2),
        .x = random_array(CHANNELS * COLUMNS, 1),
        .shortcut = shortcut ? random_array(CHANNELS * COLUMNS, 2) : NULL,
        .weight = random_array(CHANNELS, 3),
        .bias = random_array(CHANNELS, 4),
        .y = array(CHANNELS * COLUMNS),
        .dy = random_array(CHANNELS * COLUMNS, 5),
        .relu = relu,
    };
    c.norm = (struct sam_plain_norm){.channels = CHANNELS,
                                     .columns = COLUMNS,
                                     .weight = c.weight,
                                     .bias = c.bias,
                                     .mean = array(CHANNELS),
                                     .inverse = array(CHANNELS)};
    return c;
}

static void norm_case_free(struct norm_case *c)
{
    double *const arrays[] = {c->x, c->shortcut, c->weight,    c->bias,
                              c->y, c->dy,       c->norm.mean, c->norm.inverse};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        free(arrays[i]);
    sam_pool_free(c->pool);
}

static double norm_value(void *context)
{
    struct norm_case *c = context;
    sam_double_norm_measure(&c->norm, c->pool, c->x, NULL, NULL);
    sam_double_norm_forward(&c->norm, c->pool, c->x, c->shortcut, c->relu, c->y);
    return dot(c->y, c->dy, CHANNELS * COLUMNS);
}

static void norm_statistics_are_their_formulas(void **state)
{
    (void)state;
    struct norm_case c = norm_case_new(false, false);
    float mean[CHANNELS] = {0.5F, -2, 0}, var[CHANNELS] = {1, 0.25F, 4};
    float mean_after[CHANNELS], var_after[CHANNELS];
    memcpy(mean_after, mean, sizeof mean);
    memcpy(var_after, var, sizeof var);
    sam_double_norm_measure(&c.norm, c.pool, c.x, mean_after, var_after);
    for (int k = 0; k < CHANNELS; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < COLUMNS; i++)
            sum += c.x[k * COLUMNS + i];
        for (int i = 0; i < COLUMNS; i++)
            squares += pow(c.x[k * COLUMNS + i] - sum / COLUMNS, 2);
        const double inverse = 1 / sqrt(squares / COLUMNS + 1e-5);
        assert_near(&c.norm.mean[k], &(double){sum / COLUMNS}, 1, 1e-14);
        assert_near(&c.norm.inverse[k], &inverse, 1, 1e-13);
        assert_true(mean_after[k] == (float)(0.9 * (double)mean[k] + 0.1 * c.norm.mean[k]));
        assert_near(&(double){(double)var_after[k]},
                    &(double){0.9 * (double)var[k] + 0.1 * squares / (COLUMNS - 1)}, 1, 1e-7);
    }
    sam_double_norm_recall(&c.norm, mean, var);
    for (int k = 0; k < CHANNELS; k++) {
        assert_true(c.norm.mean[k] == (double)mean[k]);
        assert_true(c.norm.inverse[k] == 1 / sqrt((double)var[k] + 1e-5));
    }
    norm_case_free(&c);
}

static void norm_forward_is_its_formula(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        struct norm_case c = norm_case_new(form & 1, form & 2);
        norm_value(&c);
        double want[CHANNELS * COLUMNS];
        for (int i = 0; i < CHANNELS * COLUMNS; i++) {
            const int k = i / COLUMNS;
            want[i] = c.weight[k] * (c.x[i] - c.norm.mean[k]) * c.norm.inverse[k] + c.bias[k];
            want[i] += c.shortcut ? c.shortcut[i] : 0;
            if (c.relu && want[i] < 0)
                want[i] = 0;
        }
        assert_near(c.y, want, CHANNELS * COLUMNS, 1e-13);
        norm_case_free(&c);
    }
}

static void norm_against_differences(void **state)
{
    (void)state;
    for (int form = 0; form < 4; form++) {
        struct norm_case c = norm_case_new(form & 1, form & 2);
        norm_value(&c);
        double dz[CHANNELS * COLUMNS], dx[CHANNELS * COLUMNS];
        double dweight[CHANNELS], dbias[CHANNELS];
        memcpy(dz, c.dy, sizeof dz);
        sam_double_norm_backward(&c.norm, c.pool, c.x, c.relu ? c.y : NULL, dz, dx, dweight, dbias);
        assert_gradient(c.x, dx, CHANNELS * COLUMNS, norm_value, &c);
        assert_gradient(c.weight, dweight, CHANNELS, norm_value, &c);
        assert_gradient(c.bias, dbias, CHANNELS, norm_value, &c);
        if (c.shortcut)
            assert_gradient(c.shortcut, dz, CHANNELS * COLUMNS, norm_value, &c);
        norm_case_free(&c);
    }
}

/* dx[i] = sum over j of dz[j] * weight * d xhat[j] / d x[i], with the Jacobian written out:
 * d xhat[j] / d x[i] = ((i == j) - 1/M - xhat[i] * xhat[j] / M) / sqrt(v + eps). */
static void norm_backward_is_its_jacobian(void **state)
{
    (void)state;
    struct norm_case c = norm_case_new(false, false);
    norm_value(&c);
    double want[CHANNELS * COLUMNS] = {0}, dweight[CHANNELS], dbias[CHANNELS];
    for (int k = 0; k < CHANNELS; k++)
        for (int i = 0; i < COLUMNS; i++)
            for (int j = 0; j < COLUMNS; j++) {
                const double *x = c.x + k * COLUMNS;
                const double inverse = c.norm.inverse[k], mean = c.norm.mean[k];
                const double product = (x[i] - mean) * (x[j] - mean) * inverse * inverse;
                want[k * COLUMNS + i] += c.dy[k * COLUMNS + j] * c.weight[k] * inverse *
                                         ((i == j) - 1.0 / COLUMNS - product / COLUMNS);
            }
    /* In place: dx may be dy. */
    sam_double_norm_backward(&c.norm, c.pool, c.x, NULL, c.dy, c.dy, dweight, dbias);
    assert_near(c.dy, want, CHANNELS * COLUMNS, 1e-13);
    norm_case_free(&c);
}

static void relu_passes_nan(void **state)
{
    (void)state;
    struct norm_case c = norm_case_new(true, true);
    c.shortcut[7] = (double)NAN;
    norm_value(&c);
    for (int i = 0; i < CHANNELS * COLUMNS; i++)
        assert_int_equal(isnan(c.y[i]), i == 7);
    norm_case_free(&c);
}

/* --- Pooling, linear layer, loss ----------------------------------------------------------- */

static void pool_is_the_mean(void **state)
{
    (void)state;
    double *x = random_array(6 * 10, 1), pooled[6], dx[6 * 10];
    sam_double_pool_forward(6, 10, x, pooled);
    for (int r = 0; r < 6; r++) {
        double sum = 0;
        for (int i = 0; i < 10; i++)
            sum += x[r * 10 + i];
        assert_near(&pooled[r], &(double){sum / 10}, 1, 1e-15);
    }
    sam_double_pool_backward(6, 10, pooled, dx);
    for (int i = 0; i < 60; i++)
        assert_near(&dx[i], &(double){pooled[i / 10] / 10}, 1, 1e-15);
    free(x);
}

enum { IN = 7, CLASSES = 11, BATCH = 5 };

struct head_case {
    double *x, *weight, *bias, logits[CLASSES * BATCH], dlogits[CLASSES * BATCH];
    uint8_t labels[BATCH];
    struct sam_engine_result result;
};

static const struct sam_plain_linear LINEAR = {IN, CLASSES};

static struct head_case head_case_new(void)
{
    return (struct head_case){.x = random_array(IN * BATCH, 1),
                              .weight = random_array(CLASSES * IN, 2),
                              .bias = random_array(CLASSES, 3),
                              .labels = {3, 0, 10, 3, 7}};
}

static void head_case_free(struct head_case *c)
{
    free(c->x);
    free(c->weight);
    free(c->bias);
}

static double head_value(void *context)
{
    struct head_case *c = context;
    sam_double_linear_forward(&LINEAR, BATCH, c->x, c->weight, c->bias, c->logits);
    sam_double_linear_loss(CLASSES, BATCH, c->logits, c->labels, c->dlogits, &c->result, NULL);
    return c->result.loss;
}

static double loss_value(void *context)
{
    struct head_case *c = context;
    sam_double_linear_loss(CLASSES, BATCH, c->logits, c->labels, NULL, &c->result, NULL);
    return c->result.loss;
}

static void head_is_its_formula(void **state)
{
    (void)state;
    struct head_case c = head_case_new();
    const double loss = head_value(&c);
    double want = 0;
    uint32_t correct = 0;
    for (int n = 0; n < BATCH; n++) {
        double logits[CLASSES], sum = 0;
        int best = 0;
        for (int k = 0; k < CLASSES; k++) {
            logits[k] = c.bias[k];
            for (int i = 0; i < IN; i++)
                logits[k] += c.weight[k * IN + i] * c.x[i * BATCH + n];
            assert_near(&c.logits[k * BATCH + n], &logits[k], 1, 1e-14);
            sum += exp(logits[k]);
            best = logits[k] > logits[best] ? k : best;
        }
        want -= log(exp(logits[c.labels[n]]) / sum) / BATCH;
        correct += best == c.labels[n];
    }
    assert_near(&loss, &want, 1, 1e-14);
    assert_int_equal(c.result.correct, correct);
    head_case_free(&c);
}

static void head_against_differences(void **state)
{
    (void)state;
    struct head_case c = head_case_new();
    head_value(&c);
    double dx[IN * BATCH], dweight[CLASSES * IN], dbias[CLASSES], dlogits[CLASSES * BATCH];
    memcpy(dlogits, c.dlogits, sizeof dlogits);
    sam_double_linear_backward(&LINEAR, BATCH, c.x, c.weight, dlogits, dx, dweight, dbias);
    assert_gradient(c.logits, dlogits, CLASSES * BATCH, loss_value, &c);
    assert_gradient(c.x, dx, IN * BATCH, head_value, &c);
    assert_gradient(c.weight, dweight, CLASSES * IN, head_value, &c);
    assert_gradient(c.bias, dbias, CLASSES, head_value, &c);
    head_case_free(&c);
}

/* By hand: two classes, logits (a, b), loss = log(1 + exp(b - a)) for label 0. */
static void loss_of_extreme_logits(void **state)
{
    (void)state;
    struct sam_engine_result result;
    double logits[2] = {1000, -1000}, dlogits[2];
    const uint8_t first = 0, second = 1;
    sam_double_linear_loss(2, 1, logits, &first, dlogits, &result, NULL);
    assert_true(result.loss == 0 && result.correct == 1 && dlogits[0] == 0 && dlogits[1] == 0);
    sam_double_linear_loss(2, 1, logits, &second, dlogits, &result, NULL);
    assert_true(result.loss == 2000 && result.correct == 0 && dlogits[0] == 1 && dlogits[1] == -1);
}

static void correct_is_the_first_of_equals(void **state)
{
    (void)state;
    struct sam_engine_result result;
    const double logits[3] = {1, 2, 2};
    for (uint8_t label = 0; label < 3; label++) {
        sam_double_linear_loss(3, 1, logits, &label, NULL, &result, NULL);
        assert_int_equal(result.correct, label == 1);
    }
}

static void loss_of_nan_is_nan(void **state)
{
    (void)state;
    for (int at = 0; at < 3; at++)
        for (uint8_t label = 0; label < 3; label++) {
            struct sam_engine_result result;
            double logits[3] = {3, 1, 2};
            logits[at] = (double)NAN;
            uint8_t right = 9;
            sam_double_linear_loss(3, 1, logits, &label, NULL, &result, &right);
            assert_true(isnan(result.loss));
            assert_int_equal(result.correct, 0);
            assert_int_equal(right, 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conv_is_its_formula),
        cmocka_unit_test(conv_of_many_channels),
        cmocka_unit_test(conv_same_bytes_for_any_threads),
        cmocka_unit_test(conv_against_differences),
        cmocka_unit_test(norm_statistics_are_their_formulas),
        cmocka_unit_test(norm_forward_is_its_formula),
        cmocka_unit_test(norm_against_differences),
        cmocka_unit_test(norm_backward_is_its_jacobian),
        cmocka_unit_test(relu_passes_nan),
        cmocka_unit_test(pool_is_the_mean),
        cmocka_unit_test(head_is_its_formula),
        cmocka_unit_test(head_against_differences),
        cmocka_unit_test(loss_of_extreme_logits),
        cmocka_unit_test(correct_is_the_first_of_equals),
        cmocka_unit_test(loss_of_nan_is_nan),
    };
    openblas_set_num_threads(1); /* as the layers want it */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
