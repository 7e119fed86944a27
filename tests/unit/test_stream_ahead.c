/* Two threads that read a file's chunks for one visitor. Oracle: what one thread would do, which is
 * to read and to visit the chunks one after the other. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "stream_files.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <xxhash.h>

#include "stream/ahead.h"

/* --- A file of numbered chunks ------------------------------------------------------------------
 * The data of a chunk are its number, in the room that it was read into. */

struct numbers {
    size_t count;
    size_t unreadable;   /* this chunk and those behind it; 0: none */
    int read_spins;      /* how long a read takes */
    size_t *rooms;       /* (SAM_AHEAD_ROOMS) */
    atomic_int *readers; /* per room: those that write to it */
    atomic_bool *clash;  /* two did at a time */
};

static void spin(int spins)
{
    for (volatile int i = 0; i < spins; i++)
        ;
}

static bool next_number(const void *context, struct sam_chunk *chunk)
{
    const struct numbers *numbers = context;
    if (chunk->first == numbers->count)
        return false;
    chunk->first++;
    chunk->count = 1;
    return true;
}

static int read_number(const void *context, int room, struct sam_chunk *chunk,
                       struct sam_error *error)
{
    const struct numbers *numbers = context;
    if (numbers->unreadable && chunk->first >= numbers->unreadable)
        return sam_error_set(error, SAM_FAILED, "chunk %zu", (size_t)chunk->first);
    if (atomic_fetch_add(&numbers->readers[room], 1) > 0)
        atomic_store(numbers->clash, true);
    spin(numbers->read_spins);
    numbers->rooms[room] = chunk->first;
    chunk->current = &numbers->rooms[room];
    atomic_fetch_sub(&numbers->readers[room], 1);
    return 0;
}

/* --- Visits ----------------------------------------------------------------------------------- */

struct visited {
    bool alone;
    pthread_t caller;
    size_t count;   /* of chunks seen, which were 1, 2, 3, ... */
    size_t refused; /* the visitor fails at this chunk */
    int spins;      /* how long a visit takes */
    bool wrong;     /* something was not as wanted: asserted on the test's own thread */
};

static int visit_number(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    struct visited *visited = context;
    visited->wrong |= visited->alone && !pthread_equal(visited->caller, pthread_self());
    visited->wrong |= chunk->first != visited->count + 1;
    if (chunk->first == visited->refused)
        return sam_error_set(error, SAM_FAILED, "refused");
    spin(visited->spins);
    /* Behind the wait, so that a room used again too early would show. */
    visited->wrong |= *(const size_t *)chunk->current != chunk->first;
    visited->count++;
    return 0;
}

/* Visits the numbers; 0 or -1. */
static int visit_all(struct numbers numbers, struct visited *visited, bool alone,
                     struct sam_error *error)
{
    size_t rooms[SAM_AHEAD_ROOMS];
    atomic_int readers[SAM_AHEAD_ROOMS] = {0};
    atomic_bool clash = false;
    numbers.rooms = rooms;
    numbers.readers = readers;
    numbers.clash = &clash;
    const struct sam_ahead_file file = {&numbers, next_number, read_number};
    visited->alone = alone;
    visited->caller = pthread_self();
    struct sam_pool *pool = alone ? NULL : sam_pool_new(SAM_AHEAD_THREADS, error);
    assert_true(alone || pool);
    const int status = sam_ahead_visit(&file, pool, visit_number, visited, error);
    sam_pool_free(pool);
    assert_false(clash);
    assert_false(visited->wrong);
    return status;
}

/* Reads and visits of all relations of their times: threads that wait, sleep and overtake. */
static void all_chunks_in_order(void **state)
{
    static const int spins[] = {0, 100, 3000, 30000};
    static const size_t counts[] = {0, 1, 2, 3, 4, 7, 200};
    struct sam_error error;
    (void)state;
    for (size_t i = 0; i < 4 * 4 * 7 * 2; i++) {
        const struct numbers numbers = {.count = counts[i / 16 % 7], .read_spins = spins[i % 4]};
        struct visited visited = {.spins = spins[i / 4 % 4]};
        assert_int_equal(visit_all(numbers, &visited, i / 112, &error), 0);
        assert_int_equal(visited.count, numbers.count);
    }
}

/* An error of reading ends the visit when it is the chunk's turn, and not before. */
static void unreadable_in_its_turn(void **state)
{
    struct sam_error error;
    (void)state;
    for (size_t unreadable = 1; unreadable <= 40; unreadable++)
        for (int alone = 0; alone < 2; alone++) {
            const struct numbers numbers = {.count = 40, .unreadable = unreadable};
            struct visited visited = {.spins = unreadable % 2 ? 2000 : 0};
            char wanted[32];
            snprintf(wanted, sizeof wanted, "chunk %zu", unreadable);
            assert_int_equal(visit_all(numbers, &visited, alone, &error), -1);
            assert_string_equal(error.text, wanted);
            assert_int_equal(visited.count, unreadable - 1);
        }
}

static void refused_by_the_visitor(void **state)
{
    struct sam_error error;
    (void)state;
    for (size_t refused = 1; refused <= 40; refused++)
        for (int alone = 0; alone < 2; alone++) {
            const struct numbers numbers = {.count = 40, .read_spins = refused % 2 ? 2000 : 0};
            struct visited visited = {.refused = refused};
            assert_int_equal(visit_all(numbers, &visited, alone, &error), -1);
            assert_string_equal(error.text, "refused");
            assert_int_equal(visited.count, refused - 1);
        }
}

/* --- A record large enough for two threads ---------------------------------------------------- */

enum { LONG = 300001 }; /* elements: several chunks, the last one not full */

static double number_at(uint64_t i)
{
    return i < LONG ? (double)i : (double)(i - LONG) + 0.5;
}

/* Element i of the current tensor is i, of the perturbed one i + 0.5. `sum`, if not NULL, is the
 * checksum that it has, or claims to have. */
static void write_long(FILE *file, bool mapped, const char *sum)
{
    char json[512];
    const int length =
        snprintf(json, sizeof json,
                 "{\"__metadata__\":{%s%s%s},\"current/"
                 "w\":{\"dtype\":\"F64\",\"shape\":[%d],\"data_offsets\":[0,%d]},"
                 "\"perturbed/w\":{\"dtype\":\"F64\",\"shape\":[%d],\"data_offsets\":[%d,%d]}}",
                 sum ? "\"xxh3\":\"" : "", sum ? sum : "", sum ? "\"" : "", LONG, 8 * LONG, LONG,
                 8 * LONG, 16 * LONG);
    const uint64_t header = (uint64_t)(length + 7) / 8 * 8 + (mapped ? 0 : 1);
    assert_int_equal(fwrite(&header, 8, 1, file), 1);
    assert_int_equal(fprintf(file, "%-*s", (int)header, json), header);
    for (uint64_t i = 0; i < 2 * LONG; i++) {
        const double value = number_at(i);
        assert_int_equal(fwrite(&value, sizeof value, 1, file), 1);
    }
    assert_int_equal(fflush(file), 0);
}

/* The chunk's first element, and the sum of all differences. */
struct prepared {
    double first, differences;
};

/* What happens to the file meanwhile: when the chunk with this element is prepared it is cut to
 * `left` bytes, and with `mended` it is as long as before when the chunk has been looked at. */
struct cut {
    FILE *file;
    uint64_t at;
    long left;
    bool mended;
    const char *sum; /* of the record, if it names one */
};

static void set_size(FILE *file, long size)
{
    assert_int_equal(ftruncate(fileno(file), size), 0);
}

static int prepare_sums(const void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct cut *cut = context;
    const double *current = chunk->current, *perturbed = chunk->perturbed;
    struct prepared *prepared = chunk->prepared;
    const bool due = cut->file && cut->at - chunk->first < chunk->count;
    (void)error;
    if (due)
        set_size(cut->file, cut->left);
    *prepared = (struct prepared){.first = current[0]};
    for (size_t i = 0; i < chunk->count; i++)
        prepared->differences += perturbed[i] - current[i];
    if (due && cut->mended)
        set_size(cut->file, ftell(cut->file));
    return 0;
}

static int visit_sums(void *context, const struct sam_chunk *chunk, struct sam_error *error)
{
    const struct prepared *prepared = chunk->prepared;
    uint64_t *seen = context;
    if (chunk->first != *seen || prepared->first != (double)*seen ||
        prepared->differences != 0.5 * (double)chunk->count)
        return sam_error_set(error, SAM_FAILED, "another chunk, or what another one makes");
    *seen += chunk->count;
    return 0;
}

/* Visits a long record, of which `lost` elements are cut off once it was begun, or later. Data at
 * odd places cannot be mapped. *seen elements were visited. */
static int visit_long(bool mapped, uint64_t lost, struct cut *cut, uint64_t *seen,
                      struct sam_error *error)
{
    const struct sam_preparation preparation = {prepare_sums, cut, sizeof(struct prepared)};
    char path[] = "/tmp/test_stream.XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    const struct sam_record *record;
    assert_non_null(file);
    write_long(file, mapped, cut->sum);
    struct sam_reader *reader = sam_reader_new(path, error);
    assert_non_null(reader);
    assert_int_equal(sam_reader_next(reader, &record, error), 1);
    cut->left = ftell(file) - (long)(lost * sizeof(double));
    if (cut->at > 0)
        cut->file = file;
    else
        set_size(file, cut->left);
    *seen = 0;
    const int status =
        sam_reader_visit_prepared(reader, NULL, &preparation, visit_sums, seen, error);
    sam_reader_free(reader);
    fclose(file);
    remove(path);
    return status;
}

static void prepared_by_two_threads(void **state)
{
    uint64_t seen;
    struct sam_error error;
    (void)state;
    for (int mapped = 0; mapped < 2; mapped++) {
        assert_int_equal(visit_long(mapped, 0, &(struct cut){0}, &seen, &error), 0);
        assert_int_equal(seen, LONG);
    }
}

/* Oracle: the hash of all elements at once. */
static void checked_beside_the_visit(void **state)
{
    double *all = malloc(2 * LONG * sizeof *all);
    char sum[17], error_wanted[64];
    uint64_t seen;
    struct sam_error error;
    (void)state;
    assert_non_null(all);
    for (uint64_t i = 0; i < 2 * LONG; i++)
        all[i] = number_at(i);
    snprintf(sum, sizeof sum, "%016" PRIx64, (uint64_t)XXH3_64bits(all, 2 * LONG * sizeof *all));
    free(all);
    snprintf(error_wanted, sizeof error_wanted, "the XXH3-64 of the data is %s", sum);
    for (int mapped = 0; mapped < 2; mapped++) {
        assert_int_equal(visit_long(mapped, 0, &(struct cut){.sum = sum}, &seen, &error), 0);
        assert_int_equal(seen, LONG);
        struct cut damaged = {.sum = "0123456789abcdef"};
        assert_int_equal(visit_long(mapped, 0, &damaged, &seen, &error), -1);
        assert_non_null(strstr(error.text, error_wanted));
    }
}

/* All whole chunks before the end are visited, and of those behind it only what was prepared before
 * the cut; then it is said where the file ends. */
static void truncated(bool mapped, uint64_t at)
{
    struct cut cut = {.at = at};
    uint64_t seen;
    struct sam_error error;
    char wanted[64];
    assert_int_equal(visit_long(mapped, LONG - 200000, &cut, &seen, &error), -1);
    snprintf(wanted, sizeof wanted, "truncated: ends at byte %ld in the data", cut.left);
    assert_non_null(strstr(error.text, wanted));
    assert_true(seen + SAM_READER_CHUNK > 200000);
    assert_true(at > 0 || seen <= 200000);
}

/* Before the visit, and when the chunk with element 150,000 has been read, or only mapped. */
static void truncated_when_read(void **state)
{
    (void)state;
    truncated(false, 0);
    truncated(false, 150000);
}

/* The thread sanitizer takes it for a write, and a race, when a page is put where there is none. */
static void skip_for_the_thread_sanitizer(void)
{
#if defined(__SANITIZE_THREAD__)
    skip();
#endif
}

static void truncated_when_mapped(void **state)
{
    (void)state;
    skip_for_the_thread_sanitizer();
    truncated(true, 0);
    truncated(true, 150000);
}

/* What was not there when it was looked at is not taken for zeros, though it is there again. With
 * one processor, or the other thread might look in between. */
static void mended_meanwhile(void **state)
{
    struct cut cut = {.at = 150000, .mended = true};
    uint64_t seen;
    struct sam_error error;
    cpu_set_t all, one;
    (void)state;
    skip_for_the_thread_sanitizer();
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(visit_long(true, LONG - 100000, &cut, &seen, &error), -1);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_non_null(strstr(error.text, "changed while it was read: byte "));
    assert_true(seen <= 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_chunks_in_order),      cmocka_unit_test(unreadable_in_its_turn),
        cmocka_unit_test(refused_by_the_visitor),   cmocka_unit_test(prepared_by_two_threads),
        cmocka_unit_test(checked_beside_the_visit), cmocka_unit_test(truncated_when_read),
        cmocka_unit_test(truncated_when_mapped),    cmocka_unit_test(mended_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
