/* Oracle: r = gp/g in double precision, compared with the two edges, parameter by parameter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "geometry/buckets.h"
#include "geometry/kernels.h"
#include "geometry_values.h"

enum { N = 3000, EDGES_MOST = 10 };

static const struct {
    int ratio_class;
    size_t count;
    double edges[EDGES_MOST];
} cases[] = {
    {1, 8, {1, 1.2, 1.5, 2, 4, 8, 16, INFINITY}},
    {1, 3, {0.5, 3, 3.0000000000000004}}, /* neighbours that are one float */
    {1, 4, {1 + 0x1p-23, 1.1, 1e30, 1e300}},
    {1, 4, {1 + 0x1p-24, 1 + 3 * 0x1p-24, 2, 0x1.ffffffp127}}, /* halfway between floats */
    {2, 6, {0, 0.25, 0.5, 0.75, 1, INFINITY}},
    {2, 5, {-1, 1e-320, 0.1, 1 / 3., 1 - 0x1p-24}},
    {3, 8, {-INFINITY, -16, -8, -4, -2, -1.5, -1.2, -1}},
    {3, 3, {-1e40, -1.1, 7}},
    {4, 5, {-1, -0.75, -0.5, -0.25, 0}},
    {4, 4, {-0.3, -1e-44, -1e-300, 1}},
    {4, 3, {-1, -0x1p-150, 0}},
};

static bool is_in(const double current, const double perturbed, double low, double high)
{
    const double r = perturbed / current;
    return low <= r && r < high;
}

static void fill(float *current, float *perturbed)
{
    struct sam_rng rng;
    sam_rng_init(&rng, 3, SAM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        random_pair(&rng, &current[i], &perturbed[i]);
        if (i < 2000) /* ratios at and next to the edges */
            perturbed[i] =
                current[i] * (float)(i % 2 ? -1 : 1) *
                ((const float[]){1, 1.2f, 1.5f, 2, 4, 8, 16, 0.25f, 0.5f, 3})[i / 2 % 10];
        if (i < 2000 && i % 3 == 0)
            perturbed[i] = nextafterf(perturbed[i], i % 7 < 3 ? 0 : INFINITY);
    }
    for (size_t i = 0; i < HARD; i++)
        current[i] = hard_float(i);
    for (size_t i = 2304; i < 2688; i++) { /* whole blocks without a quotient of few bits */
        current[i] = 1 + sam_rng_float(&rng);
        perturbed[i] = current[i] * (4 * sam_rng_float(&rng) - 2);
    }
}

static void floats_in_buckets(void **state)
{
    (void)state;
    static float current[N], perturbed[N];
    uint8_t classes[N];
    fill(current, perturbed);
    sam_ratio_classify(current, perturbed, N, classes);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
            struct sam_buckets buckets;
            struct sam_error error;
            uint64_t at_least[EDGES_MOST] = {0}, size = 0;
            assert_int_equal(sam_buckets_init(&buckets, cases[c].ratio_class, cases[c].edges,
                                              cases[c].count, &error),
                             0);
            (*set)->count_buckets_float(&buckets, current, perturbed, classes, N, at_least);
            for (size_t i = 0; i < N; i++)
                size += classes[i] == cases[c].ratio_class;
            assert_true(size > 100);
            for (size_t e = 0; e + 1 < cases[c].count; e++) {
                uint64_t wanted = 0;
                for (size_t i = 0; i < N; i++)
                    wanted +=
                        classes[i] == cases[c].ratio_class &&
                        is_in(current[i], perturbed[i], cases[c].edges[e], cases[c].edges[e + 1]);
                assert_int_equal(sam_buckets_between(&buckets, at_least, size, e, e + 1), wanted);
            }
            sam_buckets_free(&buckets);
        }
}

static void doubles_in_buckets(void **state)
{
    (void)state;
    static float narrow[N], narrow_perturbed[N];
    static double current[N], perturbed[N];
    uint8_t classes[N];
    fill(narrow, narrow_perturbed);
    for (size_t i = 0; i < N; i++) {
        current[i] = narrow[i];
        perturbed[i] = nextafter(narrow_perturbed[i], i % 2 ? 0 : INFINITY);
    }
    sam_ratio_classify_double(current, perturbed, N, classes);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
            struct sam_buckets buckets;
            struct sam_error error;
            uint64_t at_least[EDGES_MOST] = {0}, size = 0, sum = 0;
            assert_int_equal(sam_buckets_init(&buckets, cases[c].ratio_class, cases[c].edges,
                                              cases[c].count, &error),
                             0);
            (*set)->count_buckets_double(&buckets, current, perturbed, classes, N, at_least);
            for (size_t i = 0; i < N; i++)
                size += classes[i] == cases[c].ratio_class;
            for (size_t e = 0; e + 1 < cases[c].count; e++) {
                uint64_t wanted = 0;
                for (size_t i = 0; i < N; i++)
                    wanted +=
                        classes[i] == cases[c].ratio_class &&
                        is_in(current[i], perturbed[i], cases[c].edges[e], cases[c].edges[e + 1]);
                assert_int_equal(sam_buckets_between(&buckets, at_least, size, e, e + 1), wanted);
                sum += wanted;
            }
            assert_int_equal(sam_buckets_between(&buckets, at_least, size, 0, cases[c].count - 1),
                             sum);
            sam_buckets_free(&buckets);
        }
}

/* Ratios beyond double precision stay in their class's interval: 1e600 is not infinite, and -1e-600
 * not zero. */
static void extreme_ratios_stay_inside(void **state)
{
    (void)state;
    const double current[] = {1e-300, 1e-300, 1e300, 1e300};
    const double perturbed[] = {1e300, -1e300, 1e-300, -1e-300};
    const double edges[4][3] = {
        {1, 2, INFINITY}, {0, 0.5, INFINITY}, {-INFINITY, -2, -1}, {-1, -0.5, 0}};
    const size_t expected[] = {1, 0, 0, 1};
    uint8_t classes[4];
    sam_ratio_classify_double(current, perturbed, 4, classes);
    for (int class = 1; class <= 4; class ++) {
        struct sam_buckets buckets;
        struct sam_error error;
        uint64_t at_least[3] = {0};
        assert_int_equal(sam_buckets_init(&buckets, class, edges[class - 1], 3, &error), 0);
        sam_buckets_count_double(&buckets, current, perturbed, classes, 4, at_least);
        for (size_t e = 0; e < 2; e++)
            assert_int_equal(sam_buckets_between(&buckets, at_least, 1, e, e + 1),
                             e == expected[class - 1]);
        sam_buckets_free(&buckets);
    }
}

static void edges_must_increase(void **state)
{
    (void)state;
    struct sam_buckets buckets;
    struct sam_error error;
    assert_int_equal(sam_buckets_init(&buckets, 1, (double[]){1, 1}, 2, &error), -1);
    assert_int_equal(error.status, SAM_USAGE);
    assert_int_equal(sam_buckets_init(&buckets, 1, (double[]){2, 1}, 2, &error), -1);
    assert_int_equal(sam_buckets_init(&buckets, 1, (double[]){1}, 1, &error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(floats_in_buckets),
        cmocka_unit_test(doubles_in_buckets),
        cmocka_unit_test(extreme_ratios_stay_inside),
        cmocka_unit_test(edges_must_increase),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
