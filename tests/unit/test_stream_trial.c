/* Which way a trial decides for, with times that the test gives: the clock here is its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "stream/trial.h"

static long nanoseconds; /* of the clock, below a second */

int clock_gettime(clockid_t id, struct timespec *time)
{
    (void)id;
    *time = (struct timespec){.tv_nsec = nanoseconds};
    return 0;
}

enum { EACH = 9, OFTEN = 5, MOST = 40 };

/* Sends chunks until the trial is over; mapped ones take times[0] but for a few, which take
 * outliers[0], read ones times[1] and outliers[1]. Returns whether chunks are to be mapped. */
static bool decide(const long times[2], const long outliers[2], int few)
{
    struct sam_error error;
    struct sam_trial *trial = sam_trial_new(&error);
    int seen[2] = {0, 0};
    for (int i = 0; i < MOST; i++) {
        const bool fit = i % OFTEN != 0;
        const struct sam_trial_turn turn = sam_trial_begin(trial, fit);
        const int way = !turn.mapped;
        if (turn.number >= 0) {
            assert_true(fit);
            nanoseconds += seen[way]++ < few ? outliers[way] : times[way];
        }
        /* A chunk behind the trial takes as long as it likes. */
        nanoseconds += turn.number < 0 ? 1000 : 0;
        sam_trial_end(trial, &turn);
        if (seen[0] + seen[1] < 2 * EACH)
            assert_true(sam_trial_maps(trial));
    }
    assert_int_equal(seen[0], EACH);
    assert_int_equal(seen[1], EACH);
    const bool maps = sam_trial_maps(trial);
    assert_int_equal(sam_trial_begin(trial, true).mapped, maps);
    sam_trial_free(trial);
    return maps;
}

static void the_faster_way_wins(void **state)
{
    (void)state;
    assert_true(decide((const long[]){10, 20}, (const long[]){10, 20}, 0));
    assert_false(decide((const long[]){20, 10}, (const long[]){20, 10}, 0));
    assert_true(decide((const long[]){10, 10}, (const long[]){10, 10}, 0));
}

/* Of nine times the fifth counts, so four may be anything. */
static void interruptions_do_not_count(void **state)
{
    (void)state;
    assert_true(decide((const long[]){10, 20}, (const long[]){9000, 1}, 4));
    assert_false(decide((const long[]){20, 10}, (const long[]){1, 9000}, 4));
    assert_false(decide((const long[]){10, 20}, (const long[]){9000, 1}, 5));
}

/* Two chunks on their way at once, which end in the other order. */
static void chunks_overlap(void **state)
{
    (void)state;
    struct sam_error error;
    struct sam_trial *trial = sam_trial_new(&error);
    for (int i = 0; i < EACH; i++) {
        const struct sam_trial_turn mapped = sam_trial_begin(trial, true);
        const struct sam_trial_turn read = sam_trial_begin(trial, true);
        assert_true(mapped.mapped);
        assert_false(read.mapped);
        nanoseconds += 10;
        sam_trial_end(trial, &read);
        nanoseconds += 10;
        sam_trial_end(trial, &mapped);
    }
    assert_false(sam_trial_maps(trial));
    sam_trial_free(trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faster_way_wins),
        cmocka_unit_test(interruptions_do_not_count),
        cmocka_unit_test(chunks_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
