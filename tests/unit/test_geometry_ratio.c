/* Oracles: the table of the five classes, written down by hand; for arrays sam_ratio_class(), which
 * that table checks, and which is written differently (comparisons of numbers, not of bits). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "geometry/kernels.h"
#include "geometry/ratio.h"
#include "geometry_values.h"

static void classes_by_hand(void **state)
{
    (void)state;
    static const struct {
        double current, perturbed;
        int class;
    } cases[] = {
        {1, 2, 1},
        {-1, -2, 1},
        {1, 1 + 0x1p-52, 1},
        {0x1p-1074, 0x1p-1073, 1},
        {1, 1, 2},
        {-3, -2, 2},
        {1, 0.0, 2},
        {1, -0.0, 2},
        {-1, 0.0, 2},
        {-1, -0.0, 2},
        {1e308, 0x1p-1074, 2},
        {1, -2, 3},
        {-1, 1 + 0x1p-52, 3},
        {0x1p-1074, -1e308, 3},
        {1, -1, 4},
        {-1, 1, 4},
        {1, -0x1p-1074, 4},
        {0.0, 1, 0},
        {-0.0, 1, 0},
        {0.0, 0.0, 0},
        {INFINITY, 1, 0},
        {1, INFINITY, 0},
        {-INFINITY, -INFINITY, 0},
        {NAN, 1, 0},
        {1, -NAN, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(sam_ratio_class(cases[i].current, cases[i].perturbed), cases[i].class);
}

static void published_classes_by_hand(void **state)
{
    (void)state;
    assert_int_equal(sam_ratio_class_published(1, 2, 1e-8f), 1);
    assert_int_equal(sam_ratio_class_published(1, 0.5f, 1e-8f), 2);
    assert_int_equal(sam_ratio_class_published(1, -2, 1e-8f), 3);
    assert_int_equal(sam_ratio_class_published(1, -0.5f, 1e-8f), 4);
    /* Strict comparisons: equality is no class. */
    assert_int_equal(sam_ratio_class_published(1, 1, 0), 0);
    assert_int_equal(sam_ratio_class_published(1, -1, 0), 0);
    assert_int_equal(sam_ratio_class_published(1, 0, 1e-8f), 0);
    assert_int_equal(sam_ratio_class_published(1, NAN, 1e-8f), 0);
    /* What eps does to small gradients: it gives zero a ratio, and turns a sign. */
    assert_int_equal(sam_ratio_class_published(0, 1, 1e-8f), 1);
    assert_int_equal(sam_ratio_class_published(-5e-9f, 2e-9f, 1e-8f), 2);
    assert_int_equal(sam_ratio_class_published(0, 1, 0), 1);
}

static void assert_float_kernels(const float *current, const float *perturbed, size_t n)
{
    uint8_t *found = malloc(n + 1);
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
        found[n] = 99;
        (*set)->classify_float(current, perturbed, n, found);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(found[i], sam_ratio_class(current[i], perturbed[i]));
        for (float eps = 0; eps <= 1e-8f; eps += 1e-8f) {
            (*set)->classify_published(current, perturbed, n, eps, found);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(found[i],
                                 sam_ratio_class_published(current[i], perturbed[i], eps));
        }
        assert_int_equal(found[n], 99);
    }
    free(found);
}

static void hard_floats(void **state)
{
    (void)state;
    static float current[HARD_PAIRS], perturbed[HARD_PAIRS];
    for (size_t i = 0; i < HARD_PAIRS; i++) {
        current[i] = hard_float(i % (2 * HARD));
        perturbed[i] = hard_float(i / (2 * HARD));
    }
    assert_float_kernels(current, perturbed, HARD_PAIRS);
}

static void hard_doubles(void **state)
{
    (void)state;
    static double current[HARD_PAIRS], perturbed[HARD_PAIRS];
    uint8_t found[HARD_PAIRS];
    for (size_t i = 0; i < HARD_PAIRS; i++) {
        current[i] = hard_double(i % (2 * HARD));
        perturbed[i] = hard_double(i / (2 * HARD));
    }
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
        (*set)->classify_double(current, perturbed, HARD_PAIRS, found);
        for (size_t i = 0; i < HARD_PAIRS; i++)
            assert_int_equal(found[i], sam_ratio_class(current[i], perturbed[i]));
    }
}

static void random_floats_of_all_lengths(void **state)
{
    (void)state;
    struct sam_rng rng;
    sam_rng_init(&rng, 1, SAM_RNG_TEST, 0, 0);
    for (size_t n = 0; n < 700; n += n < 70 ? 1 : 37) {
        float *current = malloc((n + 1) * sizeof *current);
        float *perturbed = malloc((n + 1) * sizeof *perturbed);
        for (size_t i = 0; i <= n; i++)
            random_pair(&rng, &current[i], &perturbed[i]);
        assert_float_kernels(current, perturbed, n);
        assert_float_kernels(current + 1, perturbed + 1, n); /* unaligned */
        free(current);
        free(perturbed);
    }
}

static void assert_counts(const uint8_t *classes, size_t n)
{
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
        uint64_t counts[SAM_RATIO_CLASSES] = {10, 10, 10, 10, 10}, wanted[256] = {0};
        (*set)->count_classes(classes, n, counts);
        for (size_t i = 0; i < n; i++)
            wanted[classes[i]]++;
        for (int class = 0; class < SAM_RATIO_CLASSES; class ++)
            assert_int_equal(counts[class], 10 + wanted[class]);
    }
}

static void counts_and_values_that_are_no_class(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct sam_rng rng;
    uint8_t classes[N];
    sam_rng_init(&rng, 2, SAM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++)
        classes[i] =
            (uint8_t)(sam_rng_below(&rng, 20) ? sam_rng_below(&rng, 5) : sam_rng_u32(&rng));
    for (size_t n = 0; n <= N; n += 7)
        assert_counts(classes, n);
}

/* More of one class than the bytes of the widest register can count. */
static void counts_beyond_a_byte(void **state)
{
    (void)state;
    enum { N = 64 * 256 * 2 + 65 };
    static uint8_t classes[N];
    for (uint8_t class = 0; class < SAM_RATIO_CLASSES; class ++) {
        memset(classes, class, N);
        for (size_t n = N - 130; n <= N; n++)
            assert_counts(classes, n);
        assert_counts(classes, 64 * 255);
        assert_counts(classes, 64 * 256);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_by_hand),
        cmocka_unit_test(published_classes_by_hand),
        cmocka_unit_test(hard_floats),
        cmocka_unit_test(hard_doubles),
        cmocka_unit_test(random_floats_of_all_lengths),
        cmocka_unit_test(counts_and_values_that_are_no_class),
        cmocka_unit_test(counts_beyond_a_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
