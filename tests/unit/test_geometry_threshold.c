/* Oracle: qsort() of all magnitudes' bits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "geometry/kernels.h"
#include "geometry/threshold.h"
#include "geometry_values.h"
#include "threshold_piece.h"

static int falling(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a < b) - (a > b);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & INT64_MAX;
}

/* Sorted bits of the magnitudes, widened; NaN keeps its place by its fraction. */
static uint64_t *sorted_bits(const double *values, size_t n)
{
    uint64_t *bits = malloc((n + 1) * sizeof *bits);
    for (size_t i = 0; i < n; i++)
        bits[i] = bits_of(values[i]);
    qsort(bits, n, sizeof *bits, falling);
    return bits;
}

static uint8_t class_of(size_t i)
{
    return (uint8_t)(i * 7 % 11 % 5);
}

/* The element wanted, and the members of class 2 above it, counted one by one. */
static void assert_selected(const float *floats, const double *doubles, size_t n, int log_bins,
                            uint64_t k, uint64_t wanted)
{
    struct sam_threshold threshold;
    struct sam_error error;
    uint8_t classes[4096];
    uint64_t members = 0;
    int more, passes = 0;
    assert_int_equal(sam_threshold_init(&threshold, log_bins, 2, &error), 0);
    sam_threshold_begin(&threshold, n, !floats);
    do {
        /* In pieces of changing length. */
        for (size_t i = 0, piece = 1; i < n; i += piece, piece = (piece * 7 + 3) % 4096 + 1) {
            const size_t count = n - i < piece ? n - i : piece;
            for (size_t j = 0; j < count; j++)
                classes[j] = class_of(i + j);
            pass_piece(&threshold, floats ? floats + i : NULL, doubles ? doubles + i : NULL,
                       classes, i, count);
        }
        more = sam_threshold_narrow(&threshold, k, &error);
        /* A pass decides log_bins of the 64 bits of a key; a first guess may cost two more. */
        assert_true(++passes <= (63 + log_bins) / log_bins + 2);
    } while (more == 1);
    assert_int_equal(more, 0);
    assert_int_equal(bits_of(sam_threshold_value(&threshold)), wanted);
    for (size_t i = 0; i < n; i++)
        members += class_of(i) == 2 && bits_of(doubles[i]) > wanted;
    assert_int_equal(sam_threshold_members(&threshold), members);
    sam_threshold_free(&threshold);
}

static void assert_all_ranks(const float *floats, double *doubles, size_t n)
{
    for (size_t i = 0; floats && i < n; i++)
        doubles[i] = floats[i];
    uint64_t *sorted = sorted_bits(doubles, n);
    for (uint64_t k = 0; k <= n; k += 1 + n / 50)
        for (int log_bins = 4; log_bins <= 18; log_bins += 7)
            assert_selected(floats, doubles, n, log_bins, k, sorted[k < n ? k : n - 1]);
    free(sorted);
}

static void small_arrays(void **state)
{
    (void)state;
    enum { N = 400 };
    struct sam_rng rng;
    float floats[N], unused;
    double doubles[N];
    sam_rng_init(&rng, 5, SAM_RNG_TEST, 0, 0);
    for (size_t n = 1; n <= N; n += n < 8 ? 1 : 131) {
        for (size_t i = 0; i < n; i++)
            random_pair(&rng, &floats[i], &unused);
        for (size_t i = 0; i < n; i++) /* NaN payloads differ between the widths: leave them out */
            floats[i] = isnan(floats[i]) ? 1 : floats[i];
        assert_all_ranks(floats, doubles, n);
        for (size_t i = 0; i < n; i++)
            doubles[i] = hard_double(sam_rng_below(&rng, 2 * HARD));
        assert_all_ranks(NULL, doubles, n);
    }
}

static void equal_magnitudes(void **state)
{
    (void)state;
    enum { N = 100 };
    float floats[N];
    double doubles[N];
    for (size_t i = 0; i < N; i++)
        floats[i] = i % 3 ? -0.25f : 0.25f;
    assert_all_ranks(floats, doubles, N);
    for (size_t i = 0; i < N; i++)
        floats[i] = i % 2 ? 0.0f : -0.0f;
    assert_all_ranks(floats, doubles, N);
}

/* Enough elements for the guess by sampling; in the second array the sampled ones mislead it. */
static void large_arrays(void **state)
{
    (void)state;
    enum { N = (1 << 20) + 77 };
    struct sam_rng rng;
    float *floats = malloc(N * sizeof *floats);
    double *doubles = malloc(N * sizeof *doubles);
    sam_rng_init(&rng, 6, SAM_RNG_TEST, 0, 0);
    for (int misleading = 0; misleading < 3; misleading++) {
        for (size_t i = 0; i < N; i++) {
            floats[i] = usual_float(&rng);
            if (misleading && i % 16 == 0)
                floats[i] = misleading == 1 ? 1e-30f : 1e30f;
            doubles[i] = floats[i];
        }
        uint64_t *sorted = sorted_bits(doubles, N);
        for (uint64_t k = 0; k < N; k += N / 5) {
            assert_selected(floats, doubles, N, 18, k, sorted[k]);
            assert_selected(NULL, doubles, N, 12, k, sorted[k]);
        }
        free(sorted);
    }
    free(floats);
    free(doubles);
}

static void nothing_and_not_a_number(void **state)
{
    (void)state;
    struct sam_threshold threshold;
    struct sam_error error;
    const float values[] = {1, NAN, 2, INFINITY};
    const uint8_t classes[] = {1, 0, 1, 0};
    assert_int_equal(sam_threshold_init(&threshold, 8, 1, &error), 0);
    sam_threshold_begin(&threshold, 0, false);
    assert_int_equal(sam_threshold_narrow(&threshold, 0, &error), 0);
    assert_true(isnan(sam_threshold_value(&threshold)));
    for (uint64_t k = 0; k < 4; k++) {
        sam_threshold_begin(&threshold, 4, false);
        do
            pass_piece(&threshold, values, NULL, classes, 0, 4);
        while (sam_threshold_narrow(&threshold, k, &error) == 1);
        const double found = sam_threshold_value(&threshold);
        assert_int_equal(sam_threshold_members(&threshold), k == 3);
        assert_true(k == 0 ? isnan(found) : found == ((const double[]){0, INFINITY, 2, 1})[k]);
    }
    sam_threshold_free(&threshold);
}

static void data_that_change_between_passes(void **state)
{
    (void)state;
    struct sam_threshold threshold;
    struct sam_error error;
    const uint8_t classes[] = {1, 1, 1};
    const float before[] = {1, 2, 3}, after[] = {1e-3f, 1e-3f, 1e-3f};
    assert_int_equal(sam_threshold_init(&threshold, 8, 1, &error), 0);
    sam_threshold_begin(&threshold, 3, false);
    pass_piece(&threshold, before, NULL, classes, 0, 3);
    assert_int_equal(sam_threshold_narrow(&threshold, 1, &error), 1);
    pass_piece(&threshold, after, NULL, classes, 0, 3);
    assert_int_equal(sam_threshold_narrow(&threshold, 1, &error), -1);
    sam_threshold_begin(&threshold, 3, false);
    pass_piece(&threshold, before, NULL, classes, 0, 2);
    assert_int_equal(sam_threshold_narrow(&threshold, 1, &error), -1);
    sam_threshold_free(&threshold);
}

static void kernels_agree(void **state)
{
    (void)state;
    enum { N = 1001 };
    struct sam_rng rng;
    float values[N], unused;
    uint8_t classes[N];
    sam_rng_init(&rng, 8, SAM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        random_pair(&rng, &values[i], &unused);
        classes[i] = (uint8_t)sam_rng_below(&rng, 5);
    }
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++)
        for (size_t n = 0; n <= N; n += 13) {
            const struct sam_threshold_range range = {0x30000000, 0x50000000, 3};
            uint64_t keys[N], wanted[N], above[2] = {0};
            size_t inside = 0;
            struct sam_threshold_found found = {.keys = keys};
            for (size_t i = 0; i < n; i++) {
                uint32_t key;
                memcpy(&key, &values[i], sizeof key);
                key &= 0x7fffffff;
                above[classes[i] == 3] += key >= range.high;
                if (key >= range.low && key < range.high)
                    wanted[inside++] = 2 * (uint64_t)key + (classes[i] == 3);
            }
            (*set)->find_range(&range, values, classes, n, &found);
            assert_memory_equal(found.above, above, sizeof above);
            assert_int_equal(found.inside, inside);
            assert_memory_equal(keys, wanted, inside * sizeof *keys);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_arrays),
        cmocka_unit_test(equal_magnitudes),
        cmocka_unit_test(large_arrays),
        cmocka_unit_test(nothing_and_not_a_number),
        cmocka_unit_test(data_that_change_between_passes),
        cmocka_unit_test(kernels_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
