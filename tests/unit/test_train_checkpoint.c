/* Checkpoints that agree whenever the machine stops. Oracle: whichever files a stop may leave
 * behind are laid out by hand, in the order in which checkpoint.h says they are written and
 * renamed; what is loaded must be the old checkpoint whole, or the new one whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "train/checkpoint.h"

#define PATH "test_train_checkpoint.tmp"

static const struct sam_arch ARCH = {.depth = 18, .width = 1, .channels = 1, .classes = 2};

static const char *const suffixes[] = {"", ".state", ".best", ".next", ".state.next", ".best.next"};
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

static const char *path_of(const char *base, const char *suffix)
{
    static char path[4][128];
    static int turn;
    char *at = path[turn++ % 4];
    snprintf(at, sizeof path[0], "%s%s", base, suffix);
    return at;
}

static void remove_all(const char *base)
{
    for (int i = 0; i < SUFFIXES; i++)
        remove(path_of(base, suffixes[i]));
}

static void copy(const char *from, const char *to)
{
    char buffer[65536];
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    for (size_t got; (got = fread(buffer, 1, sizeof buffer, in)) > 0;)
        assert_int_equal(fwrite(buffer, 1, got, out), got);
    fclose(in);
    assert_int_equal(fclose(out), 0);
}

/* Saves a checkpoint whose weights, momentum and metadata all come from `number`. */
static void save(const char *path, int number, bool best_changed)
{
    struct sam_model model;
    struct sam_error error;
    char text[16];
    assert_int_equal(sam_model_init(&model, &ARCH, (uint64_t)number, &error), 0);
    snprintf(text, sizeof text, "%d", number);
    const struct sam_meta meta = {(char *)"number", text};
    const struct sam_checkpoint_content content = {.model = &model,
                                                   .momentum = model.parameters,
                                                   .best = &model,
                                                   .best_changed = best_changed,
                                                   .meta = &meta,
                                                   .meta_count = 1};
    if (sam_checkpoint_save(path, &content, &error))
        fail_msg("%s", error.text);
    sam_model_free(&model);
}

/* The number of the checkpoint that is loaded, all of whose parts must be of that number; 0: none.
 */
static int load(const char *path)
{
    struct sam_checkpoint checkpoint;
    struct sam_model wanted, seen;
    struct sam_error error;
    const int status = sam_checkpoint_load(path, &checkpoint, &error);
    if (status == 1)
        return 0;
    if (status)
        fail_msg("%s", error.text);
    const int number = atoi(sam_header_meta(&checkpoint.state.header, "number"));
    assert_int_equal(sam_model_init(&wanted, &ARCH, (uint64_t)number, &error), 0);
    assert_int_equal(sam_model_init(&seen, &ARCH, 0, &error), 0);
    const size_t bytes = wanted.tables.parameter_count * sizeof(float);
    assert_int_equal(sam_model_load(&seen, &checkpoint.weights, path, false, &error), 0);
    assert_memory_equal(seen.parameters, wanted.parameters, bytes);
    assert_true(checkpoint.has_best);
    assert_int_equal(sam_model_load(&seen, &checkpoint.best, path, false, &error), 0);
    assert_memory_equal(seen.parameters, wanted.parameters, bytes);
    assert_int_equal(sam_checkpoint_momentum(&checkpoint, &wanted.tables, seen.parameters, &error),
                     0);
    assert_memory_equal(seen.parameters, wanted.parameters, bytes);
    sam_model_free(&wanted);
    sam_model_free(&seen);
    sam_checkpoint_free(&checkpoint);
    return number;
}

/* Two whole checkpoints to take files from. */
static int make_two(void **state)
{
    (void)state;
    save(PATH ".1", 1, true);
    save(PATH ".2", 2, true);
    return 0;
}

static int remove_both(void **state)
{
    (void)state;
    remove_all(PATH ".1");
    remove_all(PATH ".2");
    remove_all(PATH);
    return 0;
}

/* Lays out the moment after `done` of the eight steps in which checkpoint 2 replaces 1 (0:
 * nothing): each of the three files is written half, then whole; the three are renamed. */
static void lay_out(int done, bool had_one)
{
    static const char *const written[] = {".best", ".state", ""};
    static const char *const renamed[] = {"", ".best", ".state"};
    remove_all(PATH);
    for (int i = 0; had_one && i < 3; i++)
        copy(path_of(PATH ".1", written[i]), path_of(PATH, written[i]));
    for (int i = 0; i < 6 && i < done; i++) {
        char next[32];
        snprintf(next, sizeof next, "%s.next", written[i / 2]);
        copy(path_of(PATH ".2", written[i / 2]), path_of(PATH, next));
        if (i % 2 == 0)
            assert_int_equal(truncate(path_of(PATH, next), 1000), 0);
    }
    for (int i = 0; i + 6 < done; i++) {
        char next[32];
        snprintf(next, sizeof next, "%s.next", renamed[i]);
        assert_int_equal(rename(path_of(PATH, next), path_of(PATH, renamed[i])), 0);
    }
}

/* Goes on with the checkpoint that there is. */
static void settle(const char *path)
{
    struct sam_checkpoint checkpoint;
    struct sam_error error;
    if (sam_checkpoint_load(path, &checkpoint, &error) == 0)
        assert_int_equal(sam_checkpoint_settle(&checkpoint, &error), 0);
    sam_checkpoint_free(&checkpoint);
}

static void a_stop_at_any_moment(void **state)
{
    (void)state;
    for (int had_one = 0; had_one < 2; had_one++) {
        for (int done = 0; done <= 9; done++) {
            lay_out(done, had_one);
            assert_int_equal(load(PATH), done >= 7 ? 2 : had_one);
            /* Loading changed nothing: a run that still writes it would miss the file. */
            assert_int_equal(access(PATH ".state.next", F_OK) == 0, done >= 3 && done < 9);
            assert_int_equal(load(PATH), done >= 7 ? 2 : had_one);
            settle(PATH);
            assert_true(done < 7 || access(PATH ".state.next", F_OK));
            assert_int_equal(load(PATH), done >= 7 ? 2 : had_one);
            save(PATH, 3, true); /* and what the stop left does not disturb the next */
            assert_int_equal(load(PATH), 3);
            assert_int_not_equal(access(PATH ".next", F_OK), 0);
            assert_int_not_equal(access(PATH ".state.next", F_OK), 0);
        }
    }
}

static void files_of_two_runs_are_refused(void **state)
{
    (void)state;
    static const char *const mixed[] = {"", ".state", ".best"};
    struct sam_checkpoint checkpoint;
    struct sam_error error;
    for (int i = 0; i < 3; i++) {
        lay_out(0, true);
        copy(path_of(PATH ".2", mixed[i]), path_of(PATH, mixed[i]));
        assert_int_equal(sam_checkpoint_load(PATH, &checkpoint, &error), -1);
        assert_int_equal(error.status, SAM_FAILED);
        assert_non_null(strstr(error.text, "not written together"));
    }
}

static void a_folder_that_is_not_there(void **state)
{
    (void)state;
    struct sam_model model;
    struct sam_error error;
    assert_int_equal(sam_model_init(&model, &ARCH, 1, &error), 0);
    const struct sam_checkpoint_content content = {.model = &model, .momentum = model.parameters};
    assert_int_equal(sam_checkpoint_save("no such folder/x", &content, &error), -1);
    assert_int_equal(error.status, SAM_FAILED);
    sam_model_free(&model);
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    struct sam_weights weights;
    struct sam_model model;
    struct sam_arch arch;
    struct sam_error error;
    assert_int_equal(sam_weights_read(PATH ".1", &weights, &error), 0);
    assert_int_equal(sam_model_infer(&weights, "file", &arch, &error), 0);
    assert_memory_equal(&arch, &ARCH, sizeof arch);
    arch.classes = 3;
    assert_int_equal(sam_model_init(&model, &arch, 1, &error), 0);
    assert_int_equal(sam_model_load(&model, &weights, "file", false, &error), -1);
    assert_non_null(strstr(error.text, "linear.weight"));
    sam_model_free(&model);
    sam_weights_free(&weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_at_any_moment),
        cmocka_unit_test(files_of_two_runs_are_refused),
        cmocka_unit_test(a_folder_that_is_not_there),
        cmocka_unit_test(other_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, make_two, remove_both);
}
