/* nn_case - a network, a minibatch and arrays for results, for the tests of the engines. */
#ifndef SAM_TESTS_NN_CASE_H
#define SAM_TESTS_NN_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <math.h>

#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "nn/engine.h"

struct nn_case {
    struct sam_engine_settings settings; /* .kernels NULL */
    struct sam_arch_tables tables;
    int batch;
    float *parameters, *buffers; /* initial */
    float *images;               /* (batch, channels, 32, 32), uniform on [-2, 2) */
    uint8_t *labels;             /* (batch) */
};

/* What one call of sam_engine_gradient() gave. */
struct nn_result {
    struct sam_engine_result result;
    float *gradient, *buffers;
};

static inline void *nn_array(size_t count, size_t size)
{
    struct sam_error error;
    void *block = sam_memory_new(count, size, &error);
    assert_non_null(block);
    return block;
}

static inline size_t nn_image_floats(const struct nn_case *c)
{
    return (size_t)c->settings.arch.channels * SAM_ARCH_IMAGE * SAM_ARCH_IMAGE;
}

static inline struct nn_case nn_case_new(struct sam_arch arch, int batch)
{
    struct nn_case c = {.settings = {.arch = arch, .max_batch = batch}, .batch = batch};
    struct sam_error error;
    assert_int_equal(sam_arch_tables_init(&c.tables, &arch, &error), 0);
    c.parameters = nn_array(c.tables.parameter_count, sizeof(float));
    c.buffers = nn_array(c.tables.buffer_count, sizeof(float));
    c.images = nn_array((size_t)batch * nn_image_floats(&c), sizeof(float));
    c.labels = nn_array((size_t)batch, 1);
    sam_arch_init_parameters(&c.tables, 1, c.parameters);
    sam_arch_init_buffers(&c.tables, c.buffers);
    struct sam_rng rng;
    sam_rng_init(&rng, 1, SAM_RNG_TEST, (uint32_t)arch.width, (uint32_t)batch);
    for (size_t i = 0; i < (size_t)batch * nn_image_floats(&c); i++)
        c.images[i] = 4 * sam_rng_float(&rng) - 2;
    for (int n = 0; n < batch; n++)
        c.labels[n] = (uint8_t)sam_rng_below(&rng, (uint32_t)arch.classes);
    return c;
}

static inline void nn_case_free(struct nn_case *c)
{
    sam_arch_tables_free(&c->tables);
    free(c->parameters);
    free(c->buffers);
    free(c->images);
    free(c->labels);
}

static inline struct sam_pool *nn_pool(int threads)
{
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(threads, &error);
    assert_non_null(pool);
    return pool;
}

static inline struct sam_engine *nn_engine(const struct nn_case *c, const char *kernels,
                                           enum sam_engine_conv conv, struct sam_pool *pool)
{
    struct sam_engine_settings settings = c->settings;
    settings.kernels = kernels;
    settings.conv = conv;
    struct sam_error error;
    struct sam_engine *engine = sam_engine_new(&settings, pool, &error);
    assert_non_null(engine);
    return engine;
}

static inline struct nn_result nn_result_new(const struct nn_case *c)
{
    return (struct nn_result){.gradient = nn_array(c->tables.parameter_count, sizeof(float)),
                              .buffers = nn_array(c->tables.buffer_count, sizeof(float))};
}

static inline void nn_result_free(struct nn_result *r)
{
    free(r->gradient);
    free(r->buffers);
}

/* The case's gradient at `parameters`; buffers start from the case's, and are not touched unless
 * `update`. */
static inline void nn_gradient(const struct nn_case *c, struct sam_engine *engine,
                               const float *parameters, bool update, struct nn_result *r)
{
    memcpy(r->buffers, c->buffers, c->tables.buffer_count * sizeof *r->buffers);
    sam_engine_gradient(engine, parameters, update ? r->buffers : NULL, c->images, c->labels,
                        c->batch, r->gradient, &r->result);
}

/* ||a - b|| / ||b|| */
static inline double nn_relative(const float *a, const float *b, size_t count)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / norm);
}

/* w + length * g / ||g||: SAM's perturbed weights; a step of descent where length < 0. */
static inline void nn_move(const float *w, const float *g, size_t count, double length, float *to)
{
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (double)g[i] * (double)g[i];
    for (size_t i = 0; i < count; i++)
        to[i] = (float)((double)w[i] + length * (double)g[i] / sqrt(squares));
}

#endif
