/* The update table. Oracle: the definitions of each arm, written here parameter by parameter from
 * the ratio in double precision, with no table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/rng.h"
#include "geometry/ratio.h"
#include "train/schedule.h"
#include "train/update.h"
#include "train/vector.h"

enum { N = 5000 };

struct gradients {
    float g[N], gp[N];
    uint8_t classes[N];
};

/* Random pairs in all classes, and every special value against every other. */
static void make(struct gradients *made)
{
    static const float special[] = {0,       -0.0f, 1,        -1,        1e-40f,
                                    -1e-40f, 3e38f, INFINITY, -INFINITY, NAN};
    const size_t specials = sizeof special / sizeof special[0];
    struct sam_rng rng;
    sam_rng_init(&rng, 7, SAM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        made->g[i] = sam_rng_float(&rng) - 0.5f;
        made->gp[i] = 2 * (sam_rng_float(&rng) - 0.5f);
        if (i < specials * specials) {
            made->g[i] = special[i / specials];
            made->gp[i] = special[i % specials];
        }
    }
    sam_ratio_classify(made->g, made->gp, N, made->classes);
}

/* Same value, or both NaN; zeros of both signs are the same value. */
static void assert_same(float seen, float wanted, size_t i)
{
    if (seen != wanted && !(isnan(seen) && isnan(wanted)))
        fail_msg("parameter %zu: %g, wanted %g", i, (double)seen, (double)wanted);
}

typedef float naive(float g, float gp);

/* The notes' classes, from the definition of the ratio. */
static int class_of(float g, float gp)
{
    const double r = (double)gp / (double)g;
    if (g == 0 || !isfinite(g) || !isfinite(gp))
        return 0;
    return r > 1 ? 1 : r >= 0 ? 2 : r < -1 ? 3 : 4;
}

static void check(const struct sam_update *update, naive *wanted)
{
    static struct gradients made;
    static float d[N];
    make(&made);
    sam_update_direction(update, made.g, made.gp, made.classes, N, d);
    for (size_t i = 0; i < N; i++)
        assert_same(d[i], wanted(made.g[i], made.gp[i]), i);
}

static void check_mix(const char *text, naive *wanted)
{
    struct sam_update update;
    struct sam_error error;
    assert_int_equal(sam_update_parse_mix(text, &update, &error), 0);
    check(&update, wanted);
}

static float naive_current(float g, float gp)
{
    (void)gp;
    return g;
}

static float naive_perturbed(float g, float gp)
{
    (void)g;
    return gp;
}

/* Where the sign of gp is that of no direction (gp = 0), g stays; where g = 0, so is its magnitude.
 * Class 0 keeps g. */
static float naive_magnitude(float g, float gp)
{
    return class_of(g, gp) == 0 ? g : copysignf(gp, g);
}

static float naive_direction(float g, float gp)
{
    return class_of(g, gp) == 0 || gp == 0 ? g : copysignf(g, gp);
}

static float naive_scaled(float g, float gp)
{
    return class_of(g, gp) == 1 ? 2 * gp : gp;
}

static float naive_constant(float g, float gp)
{
    return class_of(g, gp) == 1 ? 1.5f * g : g;
}

static float naive_blend(float g, float gp)
{
    const int k = class_of(g, gp);
    return k == 4 ? 0.5f * gp + 0.25f * g : k == 3 ? gp - g : k == 0 ? 0 : g;
}

static void arms_follow_their_definitions(void **state)
{
    (void)state;
    check_mix("current", naive_current);
    check_mix("perturbed", naive_perturbed);
    check_mix("magnitude", naive_magnitude);
    check_mix("direction", naive_direction);
    check_mix("all=perturbed,1=2*perturbed", naive_scaled);
    check_mix("1=1.5*current", naive_constant);
    check_mix("4=0.25*current+0.5*perturbed,3=-current+perturbed,0=0*current", naive_blend);
}

static void all_sixteen_subsets(void **state)
{
    (void)state;
    static struct gradients made;
    static float d[N];
    make(&made);
    for (unsigned subset = 0; subset < 16; subset++) {
        struct sam_update update;
        struct sam_error error;
        char text[16] = "none";
        char *at = text;
        for (int k = 1; k <= 4; k++) {
            if (subset >> (k - 1) & 1)
                at += sprintf(at, "%s%d", at == text ? "" : ",", k);
        }
        assert_int_equal(sam_update_parse_classes(text, &update, &error), 0);
        sam_update_direction(&update, made.g, made.gp, made.classes, N, d);
        for (size_t i = 0; i < N; i++) {
            const int k = class_of(made.g[i], made.gp[i]);
            const int in = k && strchr(text, '0' + k);
            assert_same(d[i], in ? made.gp[i] : made.g[i], i);
        }
    }
}

static void clamp_bounds_the_ratio(void **state)
{
    (void)state;
    static struct gradients made;
    static float d[N];
    struct sam_update update;
    struct sam_error error;
    make(&made);
    assert_int_equal(sam_update_parse_mix("perturbed", &update, &error), 0);
    assert_true(sam_update_is_perturbed(&update));
    update.clamp = 1.5f;
    assert_false(sam_update_is_perturbed(&update));
    sam_update_direction(&update, made.g, made.gp, made.classes, N, d);
    for (size_t i = 0; i < N; i++) {
        const float most = 1.5f * fabsf(made.g[i]), gp = made.gp[i];
        const int bounded = made.classes[i] && fabsf(gp) > most;
        assert_same(d[i], bounded ? copysignf(most, gp) : gp, i);
    }
}

static void bad_tables_are_refused(void **state)
{
    (void)state;
    static const char *const bad_mixes[] = {
        "",
        "1",
        "1=",
        "5=current",
        "1=gp",
        "=current",
        "1=current,",
        "1=2current",
        "1=*current",
        "1=current+",
        "1=inf*current",
        "1=current2",
        "1= current",
        "all1=current",
        "1=1e99*current",
        "magnitudes",
    };
    static const char *const bad_lists[] = {"",    "0",  "5",    "1,",    ",1",
                                            "1,1", "12", "1, 2", "none,1"};
    struct sam_update update;
    struct sam_error error;
    for (size_t i = 0; i < sizeof bad_mixes / sizeof bad_mixes[0]; i++) {
        if (!sam_update_parse_mix(bad_mixes[i], &update, &error))
            fail_msg("'%s' was accepted", bad_mixes[i]);
        assert_int_equal(error.status, SAM_USAGE);
    }
    for (size_t i = 0; i < sizeof bad_lists / sizeof bad_lists[0]; i++) {
        if (!sam_update_parse_classes(bad_lists[i], &update, &error))
            fail_msg("'%s' was accepted", bad_lists[i]);
        assert_int_equal(error.status, SAM_USAGE);
    }
}

/* A permuted class may be that of a parameter whose gp is not finite: it does harm only where the
 * table asks for it. */
static void what_is_not_asked_for_does_no_harm(void **state)
{
    (void)state;
    const float current[] = {1, 1, 1, 1, 1}, perturbed[] = {2, 0.5F, INFINITY, NAN, INFINITY};
    const uint8_t classes[] = {1, 2, 3, 0, 1};
    float d[5];
    struct sam_update update;
    struct sam_error error;
    assert_int_equal(sam_update_parse_classes("1", &update, &error), 0);
    sam_update_direction(&update, current, perturbed, classes, 5, d);
    const float wanted[] = {2, 1, 1, 1, INFINITY};
    assert_memory_equal(d, wanted, sizeof d);
}

static void mask_keeps_counts_and_is_uniform(void **state)
{
    (void)state;
    enum { SMALL = 6, DRAWS = 60000 };
    /* 1 1 1 2 2 0 in a random order: each place has class 1 in 1/2 of all cases, 2 in 1/3. */
    uint64_t seen[SMALL][SAM_UPDATE_CLASSES] = {{0}};
    for (uint32_t draw = 0; draw < DRAWS; draw++) {
        uint8_t classes[SMALL] = {1, 1, 1, 2, 2, 0};
        int counts[SAM_UPDATE_CLASSES] = {0};
        struct sam_rng rng;
        sam_rng_init(&rng, 1, SAM_RNG_TEST, draw, 0);
        sam_update_permute_classes(&rng, classes, SMALL);
        for (int i = 0; i < SMALL; i++) {
            counts[classes[i]]++;
            seen[i][classes[i]]++;
        }
        assert_true(counts[0] == 1 && counts[1] == 3 && counts[2] == 2);
    }
    for (int i = 0; i < SMALL; i++) {
        /* Five standard deviations of a binomial share of 60,000 draws are 0.0102 at most. */
        assert_true(fabs((double)seen[i][1] / DRAWS - 1.0 / 2) < 0.0103);
        assert_true(fabs((double)seen[i][2] / DRAWS - 1.0 / 3) < 0.0103);
    }
}

static int compare_floats(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void shuffled_ratios_are_the_same_ratios(void **state)
{
    (void)state;
    static float g[N], gp[N], scratch[N], before[N], after[N];
    static uint8_t classes[N];
    struct sam_rng rng;
    sam_rng_init(&rng, 3, SAM_RNG_TEST, 0, 0);
    for (size_t i = 0; i < N; i++) {
        /* Powers of two: ratios and products are exact. Every tenth has no ratio. */
        g[i] = i % 10 ? ldexpf(1, (int)sam_rng_below(&rng, 8)) : 0;
        gp[i] = ldexpf(i % 3 ? 1 : -1, (int)sam_rng_below(&rng, 8));
        before[i] = i % 10 ? gp[i] / g[i] : 0;
    }
    sam_ratio_classify(g, gp, N, classes);
    sam_update_shuffle_ratios(&rng, g, gp, classes, N, scratch);
    size_t moved = 0;
    for (size_t i = 0; i < N; i++) {
        after[i] = i % 10 ? gp[i] / g[i] : 0;
        moved += after[i] != before[i];
    }
    assert_true(moved > N / 2);
    qsort(before, N, sizeof before[0], compare_floats);
    qsort(after, N, sizeof after[0], compare_floats);
    assert_memory_equal(before, after, sizeof before);
}

static void schedules_by_hand(void **state)
{
    (void)state;
    /* Four epochs: (1 + cos(pi t / 4)) / 2 at t = 0 .. 3, by hand. */
    const double wanted[] = {1, 0.85355339059327373, 0.5, 0.14644660940672624};
    for (uint32_t epoch = 1; epoch <= 4; epoch++) {
        const double seen = sam_schedule_rate(SAM_SCHEDULE_COSINE, 0.1, epoch, 4);
        assert_true(fabs(seen - 0.1 * wanted[epoch - 1]) < 1e-15);
        assert_true(sam_schedule_rate(SAM_SCHEDULE_CONSTANT, 0.1, epoch, 4) == 0.1);
    }
    assert_true(sam_schedule_rate(SAM_SCHEDULE_COSINE, 0.1, 5, 4) == 0);
    assert_true(sam_schedule_rate(SAM_SCHEDULE_COSINE, 0.1, 6, 4) == 0);
}

/* Every length of tail, against the formulas in double precision. */
static void vector_passes(void **state)
{
    (void)state;
    struct sam_rng rng;
    sam_rng_init(&rng, 4, SAM_RNG_TEST, 0, 0);
    for (size_t n = 0; n <= 40; n++) {
        float w[40], g[40], v[40], moved[40], adaptive[40], normalised[40], w2[40], v2[40];
        double squares = 0;
        for (size_t i = 0; i < n; i++) {
            w[i] = w2[i] = sam_rng_float(&rng) - 0.5f;
            g[i] = sam_rng_float(&rng) - 0.5f;
            v[i] = v2[i] = sam_rng_float(&rng) - 0.5f;
            squares += (double)g[i] * g[i];
        }
        sam_vector_move(w, g, 0.3f, moved, n);
        sam_vector_move_adaptive(w, g, 0.01f, 0.3f, adaptive, n);
        sam_vector_normalise(w, g, 0.01f, normalised, n);
        sam_vector_descend(g, 0.1f, 0.9f, 5e-4f, v2, w2, n);
        assert_true(fabs(sam_vector_sum_squares(g, n) - squares) <= 1e-14 * squares);
        for (size_t i = 0; i < n; i++) {
            const double t = fabs((double)w[i]) + 0.01;
            const double new_v = 0.9 * v[i] + (g[i] + 5e-4 * w[i]);
            assert_true(fabs(moved[i] - (w[i] + 0.3 * g[i])) < 1e-7);
            assert_true(fabs(adaptive[i] - (w[i] + 0.3 * t * t * g[i])) < 1e-7);
            assert_true(fabs(normalised[i] - t * g[i]) < 1e-7);
            assert_true(fabs(v2[i] - new_v) < 2e-7);
            assert_true(fabs(w2[i] - (w[i] - 0.1 * new_v)) < 1e-7);
        }
        sam_vector_scale(0.5f, g, n);
        assert_true(fabs(4 * sam_vector_sum_squares(g, n) - squares) <= 1e-14 * squares);
    }
    const float large[2] = {3e38f, NAN};
    assert_true(sam_vector_sum_squares(large, 1) == (double)large[0] * large[0]);
    assert_true(isnan(sam_vector_sum_squares(large, 2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arms_follow_their_definitions),
        cmocka_unit_test(all_sixteen_subsets),
        cmocka_unit_test(clamp_bounds_the_ratio),
        cmocka_unit_test(bad_tables_are_refused),
        cmocka_unit_test(what_is_not_asked_for_does_no_harm),
        cmocka_unit_test(mask_keeps_counts_and_is_uniform),
        cmocka_unit_test(shuffled_ratios_are_the_same_ratios),
        cmocka_unit_test(schedules_by_hand),
        cmocka_unit_test(vector_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
