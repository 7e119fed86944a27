/* Oracles: sets as arrays of booleans, hand calculations of the measures, brute force. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "geometry/kernels.h"
#include "geometry/overlap.h"
#include "geometry/transitions.h"

enum { N = 3000 };
enum { WORDS = (N + SAM_OVERLAP_GROUP - 1) / SAM_OVERLAP_GROUP * (SAM_OVERLAP_GROUP / 64) };

static void random_classes(struct sam_rng *rng, uint8_t *classes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        classes[i] = (uint8_t)sam_rng_below(rng, 5);
}

static void packs_a_set_in_pieces(void **state)
{
    (void)state;
    struct sam_rng rng;
    uint8_t classes[N];
    sam_rng_init(&rng, 9, SAM_RNG_TEST, 0, 0);
    random_classes(&rng, classes, N);
    assert_int_equal(sam_overlap_words(N), WORDS);
    assert_int_equal(sam_overlap_words(0), 0);
    assert_int_equal(sam_overlap_words(SAM_OVERLAP_GROUP), SAM_OVERLAP_GROUP / 64);
    for (int class = 0; class <= 4; class ++)
        for (size_t piece = SAM_OVERLAP_GROUP; piece < N; piece += SAM_OVERLAP_GROUP) {
            uint64_t whole[WORDS], set[WORDS], size = 0;
            sam_overlap_pack(classes, N, class, whole);
            for (size_t i = 0; i < N; i += piece)
                sam_overlap_pack(classes + i, piece < N - i ? piece : N - i, class, set + i / 64);
            assert_memory_equal(set, whole, sizeof set);
            for (size_t i = 0; i < N; i++)
                size += classes[i] == class;
            assert_int_equal(sam_overlap_size(set, WORDS), size);
        }
}

/* Each parameter has a bit of its own, whatever the instruction set and the end of the array. */
static void one_bit_a_parameter(void **state)
{
    (void)state;
    for (const struct sam_kernels *const *kernels = sam_kernels_supported(); *kernels; kernels++)
        for (size_t n = 1; n <= N; n += n < 600 ? 1 : 97) {
            uint8_t classes[N] = {0};
            uint64_t seen[WORDS] = {0}, set[WORDS];
            const size_t words = sam_overlap_words(n);
            for (size_t i = 0; i < n; i++) {
                classes[i] = 3;
                (*kernels)->pack_class(classes, n, 3, set);
                classes[i] = 0;
                assert_int_equal(sam_overlap_size(set, words), 1);
                assert_int_equal(sam_overlap_common(set, seen, words), 0);
                for (size_t word = 0; word < words; word++)
                    seen[word] |= set[word];
            }
        }
}

static void intersections(void **state)
{
    (void)state;
    struct sam_rng rng;
    uint8_t before[N], after[N];
    uint64_t a[WORDS] = {0}, b[WORDS] = {0}, common = 0;
    sam_rng_init(&rng, 10, SAM_RNG_TEST, 0, 0);
    random_classes(&rng, before, N);
    random_classes(&rng, after, N);
    sam_overlap_pack(before, N, 1, a);
    sam_overlap_pack(after, N, 1, b);
    for (size_t i = 0; i < N; i++)
        common += before[i] == 1 && after[i] == 1;
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++)
        assert_int_equal((*set)->count_common(a, b, WORDS), common);
    sam_overlap_intersect(a, b, WORDS);
    assert_int_equal(sam_overlap_size(a, WORDS), common);
}

static void near(double seen, double wanted)
{
    assert_true(fabs(seen - wanted) <= 1e-12 * fabs(wanted));
}

/* n = 20, |A| = 10, |B| = 8, both 6: neither 8, union 12, agreement 14/20, by chance
 * (10*8 + 10*12)/400 = 1/2. */
static void measures_by_hand(void **state)
{
    (void)state;
    const struct sam_overlap overlap = sam_overlap_measure(20, 10, 8, 6);
    near(overlap.percent, 60);
    near(overlap.chance, 4);
    near(overlap.lift, 1.5);
    near(overlap.jaccard, 0.5);
    near(overlap.kappa, 0.4);
    const struct sam_overlap empty = sam_overlap_measure(20, 0, 0, 0);
    assert_true(isnan(empty.percent) && isnan(empty.lift) && isnan(empty.jaccard));
    assert_true(empty.chance == 0 && isnan(empty.kappa));
}

/* Several times what the kernels count at a time. */
enum { LONG = 60001 };

static void transitions_by_brute_force(void **state)
{
    (void)state;
    struct sam_rng rng;
    static uint8_t before[LONG], after[LONG];
    struct sam_transitions table = {0};
    uint64_t unchanged = 0;
    sam_rng_init(&rng, 11, SAM_RNG_TEST, 0, 0);
    random_classes(&rng, before, LONG);
    random_classes(&rng, after, LONG);
    memcpy(after, before, LONG / 2);
    sam_transitions_count(&table, before, after, LONG / 3);
    sam_transitions_count(&table, before + LONG / 3, after + LONG / 3, LONG - LONG / 3);
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
        struct sam_transitions whole = {0}, twice = table;
        (*set)->count_transitions(before, after, LONG, &whole);
        assert_memory_equal(&whole, &table, sizeof table);
        (*set)->count_transitions(before, after, LONG, &twice);
        sam_transitions_add(&whole, &table);
        assert_memory_equal(&twice, &whole, sizeof table);
    }
    for (int from = 0; from < 5; from++)
        for (int to = 0; to < 5; to++) {
            uint64_t wanted = 0;
            for (size_t i = 0; i < LONG; i++)
                wanted += before[i] == from && after[i] == to;
            assert_int_equal(table.counts[from][to], wanted);
            unchanged += from == to ? wanted : 0;
        }
    assert_int_equal(sam_transitions_unchanged(&table), unchanged);

    /* So many of one kind that a byte could not count those in one lane. */
    memset(before, 2, LONG);
    memset(after, 3, LONG);
    for (const struct sam_kernels *const *set = sam_kernels_supported(); *set; set++) {
        struct sam_transitions alike = {0};
        (*set)->count_transitions(before, after, LONG, &alike);
        assert_int_equal(alike.counts[2][3], LONG);
    }
}

/* Two classes, [1][1] 40, [1][2] 10, [2][1] 20, [2][2] 30: before 50, 50, after 60, 40, chance
 * (50*60 + 50*40)/100 = 50, kappa (70 - 50)/(100 - 50). */
static void kappa_by_hand(void **state)
{
    (void)state;
    struct sam_transitions table = {0};
    table.counts[1][1] = 40;
    table.counts[1][2] = 10;
    table.counts[2][1] = 20;
    table.counts[2][2] = 30;
    near(sam_transitions_chance(&table), 50);
    near(sam_transitions_kappa(&table), 0.4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packs_a_set_in_pieces),
        cmocka_unit_test(one_bit_a_parameter),
        cmocka_unit_test(intersections),
        cmocka_unit_test(measures_by_hand),
        cmocka_unit_test(transitions_by_brute_force),
        cmocka_unit_test(kappa_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
