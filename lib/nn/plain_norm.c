#include "nn/plain_norm.h"

#include <math.h>

static const double EPSILON = 1e-5, MOMENTUM = 0.1;

/* Sums run in this many interleaved parts: they do not wait for each other, and fit vectors. */
enum { LANES = 8 };

struct norm_work {
    const struct sam_plain_norm *norm;
    const real *x, *shortcut, *y;
    bool relu;
    real *out; /* forward: y; backward: dx */
    real *dy, *dweight, *dbias;
    float *running_mean, *running_var;
};

static double total(const double lanes[LANES])
{
    double sum = 0;
    for (int j = 0; j < LANES; j++)
        sum += lanes[j];
    return sum;
}

static double sum_of(const real *x, size_t count)
{
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            lanes[j] += (double)x[i + (size_t)j];
    for (int j = 0; i < count; i++, j++)
        lanes[j] += (double)x[i];
    return total(lanes);
}

static double squares_about(const real *x, size_t count, double mean)
{
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++) {
            const double deviation = (double)x[i + (size_t)j] - mean;
            lanes[j] += deviation * deviation;
        }
    for (int j = 0; i < count; i++, j++)
        lanes[j] += ((double)x[i] - mean) * ((double)x[i] - mean);
    return total(lanes);
}

static float moved(float from, double to)
{
    return (float)((1 - MOMENTUM) * (double)from + MOMENTUM * to);
}

static void measure_job(void *context, size_t channel, int worker)
{
    const struct norm_work *work = context;
    const struct sam_plain_norm *norm = work->norm;
    (void)worker;
    const double count = (double)norm->columns;
    const real *x = work->x + channel * norm->columns;
    const double mean = sum_of(x, norm->columns) / count;
    const double squares = squares_about(x, norm->columns, mean);
    norm->mean[channel] = (real)mean;
    norm->inverse[channel] = (real)(1 / sqrt(squares / count + EPSILON));
    if (work->running_mean) {
        work->running_mean[channel] = moved(work->running_mean[channel], mean);
        work->running_var[channel] = moved(work->running_var[channel], squares / (count - 1));
    }
}

void sam_plain_norm_measure(const struct sam_plain_norm *norm, struct sam_pool *pool, const real *x,
                            float *running_mean, float *running_var)
{
    struct norm_work work = {
        .norm = norm, .x = x, .running_mean = running_mean, .running_var = running_var};
    sam_pool_run(pool, (size_t)norm->channels, measure_job, &work);
}

void sam_plain_norm_recall(const struct sam_plain_norm *norm, const float *running_mean,
                           const float *running_var)
{
    for (int c = 0; c < norm->channels; c++) {
        norm->mean[c] = running_mean[c];
        norm->inverse[c] = (real)(1 / sqrt((double)running_var[c] + EPSILON));
    }
}

/* A NaN is not below zero: it passes, and so reaches the loss. */
static real relu(real x)
{
    return x < 0 ? 0 : x;
}

static void apply_job(void *context, size_t channel, int worker)
{
    const struct norm_work *work = context;
    const struct sam_plain_norm *norm = work->norm;
    (void)worker;
    const size_t start = channel * norm->columns;
    const real *x = work->x + start, *shortcut = work->shortcut ? work->shortcut + start : NULL;
    const real mean = norm->mean[channel], bias = norm->bias[channel];
    const real scale = norm->weight[channel] * norm->inverse[channel];
    real *y = work->out + start;
    for (size_t i = 0; i < norm->columns; i++) {
        real z = (x[i] - mean) * scale + bias;
        if (shortcut)
            z += shortcut[i];
        y[i] = work->relu ? relu(z) : z;
    }
}

void sam_plain_norm_forward(const struct sam_plain_norm *norm, struct sam_pool *pool, const real *x,
                            const real *shortcut, bool relu_after, real *y)
{
    struct norm_work work = {
        .norm = norm, .x = x, .shortcut = shortcut, .relu = relu_after, .out = y};
    sam_pool_run(pool, (size_t)norm->channels, apply_job, &work);
}

/* dz in place of dy. */
static void mask(const real *y, size_t count, real *dy)
{
    for (size_t i = 0; i < count; i++)
        dy[i] = y[i] <= 0 ? 0 : dy[i];
}

/* sum dz * (x - mean) */
static double product_about(const real *dz, const real *x, size_t count, double mean)
{
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= count; i += LANES)
        for (int j = 0; j < LANES; j++)
            lanes[j] += (double)dz[i + (size_t)j] * ((double)x[i + (size_t)j] - mean);
    for (int j = 0; i < count; i++, j++)
        lanes[j] += (double)dz[i] * ((double)x[i] - mean);
    return total(lanes);
}

static void backward_job(void *context, size_t channel, int worker)
{
    const struct norm_work *work = context;
    const struct sam_plain_norm *norm = work->norm;
    (void)worker;
    const size_t start = channel * norm->columns;
    const real *x = work->x + start;
    const double mean = norm->mean[channel], inverse = norm->inverse[channel];
    real *dz = work->dy + start, *dx = work->out + start;
    if (work->y)
        mask(work->y + start, norm->columns, dz);
    const double dbias = sum_of(dz, norm->columns);
    const double dweight = product_about(dz, x, norm->columns, mean) * inverse;
    work->dbias[channel] = (real)dbias;
    work->dweight[channel] = (real)dweight;

    const real scale = norm->weight[channel] * norm->inverse[channel];
    const real shift = (real)(dbias / (double)norm->columns);
    const real slope = (real)(dweight * inverse / (double)norm->columns);
    for (size_t i = 0; i < norm->columns; i++)
        dx[i] = scale * (dz[i] - shift - (x[i] - norm->mean[channel]) * slope);
}

void sam_plain_norm_backward(const struct sam_plain_norm *norm, struct sam_pool *pool,
                             const real *x, const real *y, real *dy, real *dx, real *dweight,
                             real *dbias)
{
    struct norm_work work = {
        .norm = norm, .x = x, .y = y, .out = dx, .dy = dy, .dweight = dweight, .dbias = dbias};
    sam_pool_run(pool, (size_t)norm->channels, backward_job, &work);
}
