/* Oracles: the published known-answer vectors of Philox4x32-10 (Random123, kat_vectors); hand
 * calculations for the rest. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/csv.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/rng.h"

static void philox_known_answer(void **state)
{
    (void)state;
    struct sam_rng rng = {.key = {0xa4093822, 0x299f31d0},
                          .counter = {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}};
    const uint32_t expected[4] = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
    for (int i = 0; i < 4; i++)
        assert_int_equal(sam_rng_u32(&rng), expected[i]);
}

static void rng_purposes_differ(void **state)
{
    (void)state;
    struct sam_rng a, b;
    sam_rng_init(&a, 1, SAM_RNG_ORDER, 2, 3);
    sam_rng_init(&b, 1, SAM_RNG_AUGMENT, 2, 3);
    assert_int_not_equal(sam_rng_u32(&a), sam_rng_u32(&b));
}

static void rng_below_and_permutation(void **state)
{
    (void)state;
    struct sam_rng rng;
    uint32_t items[100], seen[100] = {0};
    sam_rng_init(&rng, 7, SAM_RNG_TEST, 0, 0);
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(sam_rng_below(&rng, 3) < 3);
        items[i] = i;
    }
    sam_rng_permute(&rng, items, 100);
    for (int i = 0; i < 100; i++)
        seen[items[i]]++;
    for (int i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
}

static void add_job(void *context, size_t job, int worker)
{
    (void)worker;
    ((int *)context)[job] += (int)job + 1;
}

static void pool_runs_each_job_once(void **state)
{
    (void)state;
    struct sam_error error;
    for (int threads = 1; threads <= 5; threads += 2) {
        struct sam_pool *pool = sam_pool_new(threads, &error);
        int sums[97] = {0};
        for (int round = 0; round < 200; round++)
            sam_pool_run(pool, 97, add_job, sums);
        for (int job = 0; job < 97; job++)
            assert_int_equal(sums[job], 200 * (job + 1));
        sam_pool_free(pool);
    }
}

static void pool_runs_tasks_together(void **state)
{
    (void)state;
    struct sam_error error;
    for (int threads = 1; threads <= 5; threads += 2) {
        struct sam_pool *pool = sam_pool_new(threads, &error);
        int large[97] = {0}, small[3] = {0};
        const struct sam_pool_task tasks[] = {
            {97, add_job, large}, {0, add_job, NULL}, {3, add_job, small}};
        for (int round = 0; round < 200; round++)
            sam_pool_run_tasks(pool, tasks, 3);
        for (int job = 0; job < 97; job++)
            assert_int_equal(large[job], 200 * (job + 1));
        for (int job = 0; job < 3; job++)
            assert_int_equal(small[job], 200 * (job + 1));
        sam_pool_free(pool);
    }
}

struct rendezvous {
    atomic_int arrived;
    bool blocks[2][2]; /* by worker: SIGTERM, SIGBUS */
};

/* Waits for the other job, so that each worker has one. */
static void look_at_signals(void *context, size_t job, int worker)
{
    struct rendezvous *meeting = context;
    sigset_t blocked;
    (void)job;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    meeting->blocks[worker][0] = sigismember(&blocked, SIGTERM);
    meeting->blocks[worker][1] = sigismember(&blocked, SIGBUS);
    atomic_fetch_add(&meeting->arrived, 1);
    while (atomic_load(&meeting->arrived) < 2)
        sched_yield();
}

static void pool_leaves_signals_to_the_caller(void **state)
{
    (void)state;
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(2, &error);
    struct rendezvous meeting = {0};
    sam_pool_run(pool, 2, look_at_signals, &meeting);
    assert_false(meeting.blocks[0][0]);
    assert_true(meeting.blocks[1][0]);
    assert_false(meeting.blocks[1][1]);
    sam_pool_free(pool);
}

static void numbers_are_strict(void **state)
{
    (void)state;
    struct sam_error error;
    uint64_t count;
    double value;
    assert_int_equal(sam_number_count("--n", "12", 1, 12, &count, &error), 0);
    assert_int_equal(count, 12);
    const char *bad_counts[] = {"", "13", "0", "-1", "+1", " 1", "1x", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad_counts / sizeof *bad_counts; i++) {
        assert_int_equal(sam_number_count("--n", bad_counts[i], 1, 12, &count, &error), -1);
        assert_int_equal(error.status, SAM_USAGE);
        assert_non_null(strstr(error.text, "--n: '"));
    }
    assert_int_equal(sam_number_double("--rho", "0.1", 0, 1, &value, &error), 0);
    assert_true(value == 0.1);
    const char *bad_numbers[] = {"", "nan", "inf", "1.5", "-0.1", "0.1x", " 0.1"};
    for (size_t i = 0; i < sizeof bad_numbers / sizeof *bad_numbers; i++)
        assert_int_equal(sam_number_double("--rho", bad_numbers[i], 0, 1, &value, &error), -1);
}

static void number_lists(void **state)
{
    (void)state;
    struct sam_error error;
    double *values;
    size_t count;
    assert_int_equal(sam_number_list("--edges", "1,2.5,inf", 1, &values, &count, &error), 0);
    assert_int_equal(count, 3);
    assert_true(values[0] == 1 && values[1] == 2.5 && values[2] > 1e308);
    free(values);
    const char *bad[] = {"", "1,", ",1", "1,,2", "1,inf", "1;2", "1,nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(sam_number_list("--edges", bad[i], 0, &values, &count, &error), -1);
}

static int collect(void *context, uint64_t row, char *const *fields, size_t count,
                   struct sam_error *error)
{
    (void)row;
    (void)error;
    for (size_t i = 0; i < count; i++) {
        strcat(context, fields[i]);
        strcat(context, i + 1 < count ? "|" : "/");
    }
    return 0;
}

static void csv_round_trip(void **state)
{
    (void)state;
    struct sam_error error;
    char seen[256] = "";
    FILE *file = tmpfile();
    struct sam_csv csv = {.file = file};
    sam_csv_header(&csv, (const char *const[]){"a", "b,c", "d\"e", NULL});
    assert_int_equal(sam_csv_end_row(&csv, &error), 0);
    sam_csv_number(&csv, 0.1);
    sam_csv_number(&csv, 1.0 / 3);
    sam_csv_count(&csv, UINT64_MAX);
    assert_int_equal(sam_csv_end_row(&csv, &error), 0);
    rewind(file);
    assert_int_equal(sam_csv_read(file, "test", collect, seen, &error), 0);
    assert_string_equal(seen, "a|b,c|d\"e/0.1|0.3333333333333333|18446744073709551615/");
    fclose(file);
}

static void csv_refuses_open_quote(void **state)
{
    (void)state;
    struct sam_error error;
    char text[] = "a,b\n\"1,2\n", seen[64] = "";
    FILE *file = fmemopen(text, strlen(text), "r");
    assert_int_equal(sam_csv_read(file, "broken.csv", collect, seen, &error), -1);
    assert_non_null(strstr(error.text, "broken.csv"));
    fclose(file);
}

static void arena_gives_aligned_pieces_until_full(void **state)
{
    (void)state;
    struct sam_error error;
    struct sam_arena *arena = sam_arena_new(4096, &error);
    assert_int_equal((uintptr_t)sam_arena_take(arena, 3, 1, &error) % SAM_MEMORY_ALIGNMENT, 0);
    assert_int_equal((uintptr_t)sam_arena_take(arena, 1000, 4, &error) % SAM_MEMORY_ALIGNMENT, 0);
    assert_null(sam_arena_take(arena, 1000, 4, &error));
    sam_arena_clear(arena);
    assert_non_null(sam_arena_take(arena, 1024, 4, &error));
    assert_null(sam_arena_take(arena, SIZE_MAX, SIZE_MAX, &error));
    sam_arena_free(arena);
}

static void arena_renewed_is_empty_and_large_enough(void **state)
{
    (void)state;
    struct sam_error error;
    struct sam_arena *arena = sam_arena_renew(NULL, 4096, &error), *same;
    assert_non_null(sam_arena_take(arena, 4096, 1, &error));
    same = sam_arena_renew(arena, 4000, &error);
    assert_ptr_equal(same, arena);
    assert_non_null(sam_arena_take(same, 4096, 1, &error));
    arena = sam_arena_renew(same, 8192, &error);
    assert_non_null(sam_arena_take(arena, 8192, 1, &error));
    assert_null(sam_arena_renew(arena, SIZE_MAX / 2, &error));
    assert_non_null(strstr(error.text, "out of memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answer),
        cmocka_unit_test(rng_purposes_differ),
        cmocka_unit_test(rng_below_and_permutation),
        cmocka_unit_test(pool_runs_each_job_once),
        cmocka_unit_test(pool_runs_tasks_together),
        cmocka_unit_test(pool_leaves_signals_to_the_caller),
        cmocka_unit_test(numbers_are_strict),
        cmocka_unit_test(number_lists),
        cmocka_unit_test(csv_round_trip),
        cmocka_unit_test(csv_refuses_open_quote),
        cmocka_unit_test(arena_gives_aligned_pieces_until_full),
        cmocka_unit_test(arena_renewed_is_empty_and_large_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
