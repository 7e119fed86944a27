/* The tables of a network, the choice of an engine, and what every engine does with bad numbers.
 *
 * Oracles: counts by hand (the sum of the shapes of He et al.'s network), the definition of the
 * initialisation; names and shapes are held against PyTorch in tests/cli/nn.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn_case.h"

static const struct sam_arch SMALL = {.depth = 18, .width = 3, .channels = 3, .classes = 10};

/* With w the width, in ResNet-18: stem 9*3*w; layer1 4 * 9w^2; layer L, with c = w * 2^(L-1):
 * 9c^2/2 + 3 * 9c^2 + c^2/2; norms 2 * (w + 4w + 5 * (2w + 4w + 8w)); linear 8w * k + k. */
static size_t count_by_hand(size_t w, size_t channels, size_t classes)
{
    size_t count = 9 * channels * w + 36 * w * w + 2 * (w + 4 * w + 5 * 14 * w);
    for (size_t c = 2 * w; c <= 8 * w; c *= 2)
        count += 9 * c * c / 2 + 27 * c * c + c * c / 2;
    return count + 8 * w * classes + classes;
}

static void parameters_are_counted(void **state)
{
    (void)state;
    static const struct sam_arch archs[] = {
        {18, 64, 3, 100}, {18, 1, 1, 2}, {18, 5, 1, 10}, {18, 16, 3, 256}};
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        struct sam_arch_tables tables;
        struct sam_error error;
        assert_int_equal(sam_arch_tables_init(&tables, &archs[i], &error), 0);
        assert_int_equal(tables.parameter_count,
                         count_by_hand((size_t)archs[i].width, (size_t)archs[i].channels,
                                       (size_t)archs[i].classes));
        if (i == 0)
            assert_int_equal(tables.parameter_count, 11220132);
        sam_arch_tables_free(&tables);
    }
}

static void assert_contiguous(const struct sam_arch_tensor *tensors, size_t count, size_t total)
{
    size_t end = 0;
    for (size_t i = 0; i < count; i++) {
        size_t product = 1;
        for (int k = 0; k < tensors[i].ndim; k++)
            product *= tensors[i].shape[k];
        assert_int_equal(tensors[i].offset, end);
        assert_int_equal(tensors[i].count, product);
        end += product;
    }
    assert_int_equal(end, total);
}

static void tensors_fill_their_arrays(void **state)
{
    (void)state;
    for (int depth = 18; depth <= 34; depth += 16) {
        struct nn_case c = nn_case_new((struct sam_arch){depth, 3, 1, 7}, 1);
        assert_contiguous(c.tables.parameters, c.tables.parameter_tensors,
                          c.tables.parameter_count);
        assert_contiguous(c.tables.buffers, c.tables.buffer_tensors, c.tables.buffer_count);
        assert_int_equal(c.tables.block_count, depth == 18 ? 8 : 16);
        nn_case_free(&c);
    }
}

static void assert_unit_reads(const struct sam_arch_tables *tables,
                              const struct sam_arch_unit *unit)
{
    const size_t offsets[] = {unit->weight, unit->norm_weight, unit->norm_bias};
    for (size_t i = 0; i + 2 < tables->parameter_tensors; i++) {
        const struct sam_arch_tensor *t = &tables->parameters[i];
        if (t->offset != offsets[0])
            continue;
        assert_int_equal(t->role, SAM_ARCH_CONV);
        const int shape[] = {unit->out, unit->in, unit->kernel, unit->kernel};
        for (int k = 0; k < 4; k++)
            assert_int_equal(t->shape[k], shape[k]);
        assert_int_equal(t[1].offset, offsets[1]);
        assert_int_equal(t[1].role, SAM_ARCH_NORM_WEIGHT);
        assert_int_equal(t[2].offset, offsets[2]);
        assert_int_equal(t[2].role, SAM_ARCH_NORM_BIAS);
        return;
    }
    fail_msg("no tensor starts at %zu", offsets[0]);
}

static void units_lead_to_their_tensors(void **state)
{
    (void)state;
    struct nn_case c = nn_case_new((struct sam_arch){34, 2, 3, 5}, 1);
    assert_unit_reads(&c.tables, &c.tables.stem);
    int size = SAM_ARCH_IMAGE, channels = c.tables.stem.out;
    for (size_t i = 0; i < c.tables.block_count; i++) {
        const struct sam_arch_block *b = &c.tables.blocks[i];
        assert_unit_reads(&c.tables, &b->conv1);
        assert_unit_reads(&c.tables, &b->conv2);
        if (b->has_shortcut)
            assert_unit_reads(&c.tables, &b->shortcut);
        assert_int_equal(b->conv1.size, size);
        assert_int_equal(b->conv1.in, channels);
        assert_int_equal(b->has_shortcut, b->conv1.stride == 2);
        size /= b->conv1.stride;
        channels = b->conv2.out;
    }
    assert_int_equal(size, 4);
    assert_int_equal(c.tables.features, channels);
    nn_case_free(&c);
}

static void impossible_networks_are_refused(void **state)
{
    (void)state;
    static const struct sam_arch archs[] = {{50, 8, 3, 10},  {18, 0, 3, 10}, {18, 1025, 3, 10},
                                            {18, 8, 2, 10},  {18, 8, 3, 1},  {18, 8, 3, 257},
                                            {18, -1, 3, 10}, {0, 8, 3, 10}};
    for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
        struct sam_arch_tables tables;
        struct sam_error error = {0};
        assert_int_equal(sam_arch_tables_init(&tables, &archs[i], &error), -1);
        assert_int_equal(error.status, SAM_USAGE);
        assert_non_null(strstr(error.text, "wanted"));
    }
}

/* Uniform on +-bound: within it, mean and variance where the law of large numbers has them, and
 * both ends nearly reached. */
static void assert_uniform(const float *values, size_t count, double bound)
{
    double sum = 0, squares = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
        largest = fmax(largest, fabs((double)values[i]));
    }
    assert_true(largest <= bound * (1 + 1e-6) && largest > 0.99 * bound);
    assert_true(fabs(sum / (double)count) < 0.05 * bound);
    assert_true(fabs(squares / (double)count / (bound * bound / 3) - 1) < 0.1);
}

static void initial_parameters_are_pytorchs_defaults(void **state)
{
    (void)state;
    struct nn_case c = nn_case_new((struct sam_arch){18, 16, 3, 100}, 1);
    for (size_t i = 0; i < c.tables.parameter_tensors; i++) {
        const struct sam_arch_tensor *t = &c.tables.parameters[i];
        const float *values = c.parameters + t->offset;
        const size_t fan_in = t->role == SAM_ARCH_CONV ? t->shape[1] * t->shape[2] * t->shape[3]
                                                       : (size_t)c.tables.features;
        if (t->role != SAM_ARCH_NORM_WEIGHT && t->role != SAM_ARCH_NORM_BIAS && t->count > 2000)
            assert_uniform(values, t->count, 1 / sqrt((double)fan_in));
        for (size_t k = 0; t->role == SAM_ARCH_NORM_WEIGHT && k < t->count; k++)
            assert_true(values[k] == 1);
        for (size_t k = 0; t->role == SAM_ARCH_NORM_BIAS && k < t->count; k++)
            assert_true(values[k] == 0);
        for (size_t k = 0; t->role == SAM_ARCH_LINEAR_BIAS && k < t->count; k++)
            assert_true(fabs((double)values[k]) <= 1 / sqrt((double)fan_in) && values[k] != 0);
    }
    nn_case_free(&c);
}

static void initial_parameters_follow_the_seed(void **state)
{
    (void)state;
    struct nn_case c = nn_case_new(SMALL, 1);
    float *other = nn_array(c.tables.parameter_count, sizeof *other);
    sam_arch_init_parameters(&c.tables, 1, other);
    assert_memory_equal(other, c.parameters, c.tables.parameter_count * sizeof *other);
    sam_arch_init_parameters(&c.tables, 2, other);
    const size_t end = c.tables.parameter_count - 1;
    assert_true(other[0] != c.parameters[0] && other[end] != c.parameters[end]);
    free(other);
    nn_case_free(&c);
}

/* --- Choosing an engine -------------------------------------------------------------------- */

static void reference_engines_are_always_there(void **state)
{
    (void)state;
    const char *const *names = sam_engine_kernel_names();
    size_t count = 0;
    while (names[count])
        count++;
    assert_true(count >= 2);
    assert_string_equal(names[count - 2], "plain");
    assert_string_equal(names[count - 1], "double");
}

static void auto_is_the_first(void **state)
{
    (void)state;
    struct nn_case c = nn_case_new(SMALL, 2);
    struct sam_pool *pool = nn_pool(1);
    const char *const names[] = {NULL, "auto", sam_engine_kernel_names()[0]};
    char description[128];
    for (int i = 0; i < 3; i++) {
        struct sam_engine *engine = nn_engine(&c, names[i], SAM_ENGINE_CONV_FAST, pool);
        if (i == 0)
            snprintf(description, sizeof description, "%s", sam_engine_description(engine));
        assert_string_equal(sam_engine_description(engine), description);
        sam_engine_free(engine);
    }
    sam_pool_free(pool);
    nn_case_free(&c);
}

static void assert_refused(struct sam_engine_settings settings, const char *text)
{
    struct sam_pool *pool = nn_pool(1);
    struct sam_error error = {0};
    assert_null(sam_engine_new(&settings, pool, &error));
    assert_int_equal(error.status, SAM_USAGE);
    assert_non_null(strstr(error.text, text));
    sam_pool_free(pool);
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    struct sam_engine_settings settings = {.arch = SMALL, .max_batch = 4};
    settings.kernels = "abacus";
    assert_refused(settings, "'abacus'");
    assert_refused(settings, "plain, double wanted");
    settings.kernels = NULL;
    settings.max_batch = 0;
    assert_refused(settings, "batch size 0");
    settings.max_batch = SAM_ENGINE_MAX_BATCH + 1;
    assert_refused(settings, "1 to 65536 wanted");
    settings.max_batch = 4;
    settings.arch.width = 0;
    assert_refused(settings, "width 0");
}

/* --- All engines --------------------------------------------------------------------------- */

/* One bad number anywhere makes the loss NaN, in training and in evaluation. */
static void assert_nan_spreads(struct nn_case *c, float *place, const char *kernels)
{
    struct sam_pool *pool = nn_pool(2);
    struct sam_engine *engine = nn_engine(c, kernels, SAM_ENGINE_CONV_FAST, pool);
    struct nn_result r = nn_result_new(c);
    const float before = *place;
    *place = NAN;
    nn_gradient(c, engine, c->parameters, true, &r);
    assert_true(isnan(r.result.loss));
    sam_engine_evaluate(engine, c->parameters, c->buffers, c->images, c->labels, c->batch,
                        &r.result, NULL);
    assert_true(isnan(r.result.loss));
    *place = before;
    nn_gradient(c, engine, c->parameters, true, &r);
    assert_true(isfinite(r.result.loss));
    nn_result_free(&r);
    sam_engine_free(engine);
    sam_pool_free(pool);
}

static void nan_reaches_the_loss(void **state)
{
    (void)state;
    struct nn_case c = nn_case_new(SMALL, 5);
    const struct sam_arch_unit *deep = &c.tables.blocks[6].conv1;
    float *const places[] = {
        &c.images[5000],
        &c.parameters[0],
        &c.parameters[c.tables.stem.norm_bias + 1],
        &c.parameters[deep->weight + 3],
        &c.parameters[deep->norm_weight],
        &c.parameters[c.tables.parameter_count - 1],
    };
    for (const char *const *name = sam_engine_kernel_names(); *name; name++)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            assert_nan_spreads(&c, places[i], *name);
    nn_case_free(&c);
}

/* Textbook operations of a gradient: two a weight and output pixel, for the product forward, for
 * the weight gradient, and but for the stem for the input gradient. The timings of an engine count
 * at least the convolutions. */
static double operations(const struct nn_case *c)
{
    const struct sam_arch_unit *stem = &c->tables.stem;
    double sum = 2.0 * 2 * 9 * stem->in * stem->out * stem->size * stem->size;
    for (size_t i = 0; i < c->tables.block_count; i++) {
        const struct sam_arch_block *b = &c->tables.blocks[i];
        const double pixels = (double)b->conv2.size * b->conv2.size;
        const double weights = 9.0 * b->conv1.in * b->conv1.out + 9.0 * b->conv2.in * b->conv2.out +
                               (b->has_shortcut ? 1.0 * b->conv1.in * b->conv1.out : 0);
        sum += 3 * 2 * weights * pixels;
    }
    return sum * c->batch;
}

static void timings_count_the_work(void **state)
{
    (void)state;
    struct nn_case c = nn_case_new(SMALL, 6);
    struct sam_pool *pool = nn_pool(1);
    struct nn_result r = nn_result_new(&c);
    for (const char *const *name = sam_engine_kernel_names(); *name; name++) {
        struct sam_engine *engine = nn_engine(&c, *name, SAM_ENGINE_CONV_FAST, pool);
        nn_gradient(&c, engine, c.parameters, true, &r);
        size_t count;
        const struct sam_engine_timing *timings = sam_engine_timings(engine, &count);
        double seconds = 0, flops = 0;
        for (size_t i = 0; i < count; i++) {
            assert_true(timings[i].name && timings[i].name[0]);
            assert_true(timings[i].seconds >= 0);
            seconds += timings[i].seconds;
            flops += timings[i].flops;
        }
        assert_true(seconds > 0);
        assert_true(flops >= 0.999 * operations(&c) && flops < 1.01 * operations(&c));
        sam_engine_free(engine);
    }
    nn_result_free(&r);
    sam_pool_free(pool);
    nn_case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_counted),
        cmocka_unit_test(tensors_fill_their_arrays),
        cmocka_unit_test(units_lead_to_their_tensors),
        cmocka_unit_test(impossible_networks_are_refused),
        cmocka_unit_test(initial_parameters_are_pytorchs_defaults),
        cmocka_unit_test(initial_parameters_follow_the_seed),
        cmocka_unit_test(reference_engines_are_always_there),
        cmocka_unit_test(auto_is_the_first),
        cmocka_unit_test(impossible_settings_are_refused),
        cmocka_unit_test(nan_reaches_the_loss),
        cmocka_unit_test(timings_count_the_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
