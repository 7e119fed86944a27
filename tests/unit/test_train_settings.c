/* Settings, their conflicts, and the small files a run reads and writes. Oracles: what the table in
 * settings.c says, and texts written here by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <math.h>

#include "base/ranges.h"
#include "train/conflicts.h"
#include "train/history.h"
#include "train/indices.h"
#include "train/settings.h"
#include "train/state.h"

static const char TEXT_FILE[] = "test_train_settings.tmp";

static void set(struct sam_settings *settings, const char *name, const char *text)
{
    struct sam_error error;
    if (sam_settings_set(settings, sam_settings_find(name), text, &error))
        fail_msg("--%s %s: %s", name, text, error.text);
}

/* Every setting, set to a value unlike its default, survives the way through text. */
static void settings_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {[SAM_SETTINGS_TEXT] = "some text, \"quoted\"",
                                        [SAM_SETTINGS_COUNT] = "7",
                                        [SAM_SETTINGS_NUMBER] = "0.30000000000000004",
                                        [SAM_SETTINGS_FLAG] = "yes"};
    struct sam_settings settings;
    struct sam_error error;
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    assert_int_equal(sam_settings_init(&settings, &error), 0);
    for (size_t i = 0; i < count; i++) {
        const char *text =
            table[i].kind == SAM_SETTINGS_CHOICE ? table[i].choices[1] : texts[table[i].kind];
        char *before = sam_settings_text(&settings, i, &error);
        assert_string_equal(before, table[i].fallback ? table[i].fallback : "");
        assert_false(sam_settings_given(&settings, table[i].offset));
        set(&settings, table[i].name, text);
        char *after = sam_settings_text(&settings, i, &error);
        assert_string_equal(after, text);
        assert_true(sam_settings_given(&settings, table[i].offset));
        free(before);
        free(after);
    }
    sam_settings_free(&settings);
}

static void numbers_out_of_range_are_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"width", "0"},         {"width", "1025"},  {"rho", "-0.1"},  {"rho", "nan"},
        {"momentum", "1.1"},    {"epochs", "0"},    {"lr", "x"},      {"val-fraction", "1"},
        {"optimizer", "adam"},  {"batch-size", ""}, {"seed", "-1"},   {"threads", "0"},
        {"schedule", "COSINE"}, {"clamp", "0"},     {"control", "x"}, {"train-size", "0"},
    };
    struct sam_settings settings;
    struct sam_error error;
    assert_int_equal(sam_settings_init(&settings, &error), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (!sam_settings_set(&settings, sam_settings_find(bad[i][0]), bad[i][1], &error))
            fail_msg("--%s '%s' was accepted", bad[i][0], bad[i][1]);
        assert_int_equal(error.status, SAM_USAGE);
        assert_non_null(strstr(error.text, bad[i][0]));
    }
    sam_settings_free(&settings);
}

/* Metadata as a checkpoint has them, read back through a header that a reader would give. */
static void check_merge(enum sam_state_merge how, const char *name, const char *saved,
                        const char *given, const char *wanted)
{
    struct sam_settings first, second;
    struct sam_error error;
    struct sam_state_meta meta;
    const struct sam_state start = sam_state_start();
    assert_int_equal(sam_settings_init(&first, &error), 0);
    assert_int_equal(sam_settings_init(&second, &error), 0);
    if (saved)
        set(&first, name, saved);
    if (given)
        set(&second, name, given);
    assert_int_equal(sam_state_meta_init(&meta, &start, &first, "rows", &error), 0);
    const struct sam_header header = {.meta = meta.list, .meta_count = meta.count};
    const int status = sam_state_merge(&header, "file", how, &second, &error);
    if (wanted) {
        assert_int_equal(status, 0);
        char *text = sam_settings_text(&second, sam_settings_find(name), &error);
        assert_string_equal(text, wanted);
        free(text);
    } else {
        assert_int_equal(status, -1);
        assert_int_equal(error.status, SAM_USAGE);
        assert_non_null(strstr(error.text, name));
    }
    sam_state_meta_free(&meta);
    sam_settings_free(&first);
    sam_settings_free(&second);
}

static void checkpoint_settings_merge(void **state)
{
    (void)state;
    const enum sam_state_merge same = SAM_STATE_SAME, fill = SAM_STATE_FILL,
                               replace = SAM_STATE_REPLACE;
    check_merge(same, "rho", "0.2", "0.2", "0.2");
    check_merge(same, "rho", "0.2", NULL, NULL);
    check_merge(same, "rho", NULL, "0.2", NULL);
    check_merge(fill, "rho", "0.2", NULL, "0.2");
    check_merge(fill, "rho", "0.2", "0.3", NULL);
    check_merge(replace, "rho", "0.2", "0.3", "0.3");
    check_merge(replace, "rho", "0.2", NULL, "0.2");
    check_merge(same, "kernels", "plain", NULL, "plain");
    check_merge(same, "kernels", "plain", "double", NULL);
    check_merge(same, "mix", "magnitude", NULL, NULL);
    check_merge(fill, "adaptive", "yes", NULL, "yes");
    check_merge(same, "threads", "2", "1", "1");
    check_merge(same, "data", "here", "there", "there");
    check_merge(fill, "data", "here", NULL, "here");
    check_merge(same, "optimizer", "sgd", NULL, NULL);
}

static void state_round_trips(void **state)
{
    (void)state;
    struct sam_state before = sam_state_start(), after;
    struct sam_settings settings;
    struct sam_state_meta meta;
    struct sam_error error;
    before.step = UINT64_MAX;
    before.loss_sum = 1.0 / 3;
    before.weight_norm = 5e-324;
    assert_int_equal(sam_settings_init(&settings, &error), 0);
    assert_int_equal(sam_state_meta_init(&meta, &before, &settings, "a,b\n", &error), 0);
    const struct sam_header header = {.meta = meta.list, .meta_count = meta.count};
    assert_int_equal(sam_state_read(&header, "file", &after, &error), 0);
    assert_true(isnan(after.gradient_norm) && isnan(after.best_val_accuracy));
    assert_true(after.loss_sum == before.loss_sum && after.weight_norm == before.weight_norm);
    assert_true(after.step == UINT64_MAX && after.epoch == 1);
    assert_string_equal(sam_state_rows(&header), "a,b\n");
    sam_state_meta_free(&meta);
    sam_settings_free(&settings);
}

/* Pairs of settings, name and value, that contradict each other, or cannot be meant. */
static const char *const contradictions[][6] = {
    {"optimizer", "sgd", "rho", "0.1"},
    {"optimizer", "sgd", "adaptive", "yes"},
    {"optimizer", "sgd", "mix", "magnitude"},
    {"optimizer", "sgd", "perturbed-classes", "1"},
    {"optimizer", "sgd", "control", "step-size"},
    {"optimizer", "sgd", "clamp", "2"},
    {"mix", "magnitude", "perturbed-classes", "1"},
    {"control", "step-size", "mix", "magnitude"},
    {"control", "step-size", "perturbed-classes", "1"},
    {"control", "step-size", "clamp", "2"},
    {"dump-every", "2"},
    {"dump-steps", "2"},
    {"dump-epochs", "2"},
    {"dump", "-", "log", "-"},
    {"checkpoint-every", "2"},
    {"checkpoint", "-"},
    {"augment-validation", "yes", "val-fraction", "0"},
    {"log", "x", "dump", "x"},
    {"info", "x", "checkpoint", "x"},
    {"dump", "x", "dump-steps", "0"},
    {"dump", "x", "dump-steps", "3-2"},
    {"dump", "x", "dump-epochs", "201"},
    {"perturbed-classes", "5"},
    {"mix", "1=2"},
    {"dataset", "mnist"},
    {"dataset", "cifar10"},
    {"augment", "rotate"},
};

/* And some that look like it, but agree. */
static const char *const agreements[][6] = {
    {"optimizer", "sgd", "rho", "0.1", "dump", "x"},
    {"optimizer", "sgd", "seed", "2"},
    {"control", "norm-matched", "perturbed-classes", "1"},
    {"dump", "-", "log", "x"},
    {"dump", "x", "dump-epochs", "all", "dump-steps", "1-3,7"},
    {"dataset", "cifar10", "data", "folder"},
    {"info", "-", "profile", "-"},
};

static void conflicts_are_refused(void **state)
{
    (void)state;
    const size_t bad_count = sizeof contradictions / sizeof contradictions[0];
    const size_t good_count = sizeof agreements / sizeof agreements[0];
    for (size_t i = 0; i < bad_count + good_count; i++) {
        const char *const *pairs = i < bad_count ? contradictions[i] : agreements[i - bad_count];
        struct sam_settings settings;
        struct sam_error error = {0};
        assert_int_equal(sam_settings_init(&settings, &error), 0);
        for (int j = 0; j < 6 && pairs[j]; j += 2)
            set(&settings, pairs[j], pairs[j + 1]);
        const int status = sam_conflicts_check(&settings, NULL, &error);
        if ((status != 0) != (i < bad_count))
            fail_msg("case %zu, --%s %s: %s", i, pairs[0], pairs[1], error.text);
        if (status)
            assert_int_equal(error.status, SAM_USAGE);
        sam_settings_free(&settings);
    }
}

static void ranges_by_hand(void **state)
{
    (void)state;
    struct sam_ranges ranges;
    struct sam_error error;
    assert_int_equal(sam_ranges_parse("--steps", "7,2-4", 1, 9, &ranges, &error), 0);
    static const int in[10] = {0, 0, 1, 1, 1, 0, 0, 1, 0, 0};
    for (uint64_t value = 0; value < 10; value++)
        assert_int_equal(sam_ranges_contain(&ranges, value), in[value]);
    sam_ranges_free(&ranges);
    static const char *const bad[] = {"",   "0",   "10",  "1,",    ",1",  "1-",
                                      "-1", "3-2", "1 2", "1-2-3", "1.5", "99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (!sam_ranges_parse("--steps", bad[i], 1, 9, &ranges, &error))
            fail_msg("'%s' was accepted", bad[i]);
        assert_int_equal(error.status, SAM_USAGE);
    }
}

static void write_text(const char *text)
{
    FILE *file = fopen(TEXT_FILE, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void indices_by_hand(void **state)
{
    (void)state;
    struct sam_indices indices;
    struct sam_error error;
    write_text("\n3,1, 4\n1 5\n\n \n9\n");
    assert_int_equal(sam_indices_read(TEXT_FILE, 0, &indices, &error), 0);
    assert_int_equal(indices.batches, 2);
    assert_int_equal(indices.longest, 5);
    assert_int_equal(indices.largest, 9);
    const uint32_t wanted[] = {3, 1, 4, 1, 5, 9};
    assert_memory_equal(indices.list, wanted, sizeof wanted);
    assert_int_equal(indices.starts[1], 5);
    assert_int_equal(indices.starts[2], 6);
    sam_indices_free(&indices);
    assert_int_equal(sam_indices_read(TEXT_FILE, 2, &indices, &error), 0);
    assert_int_equal(indices.batches, 4); /* 3 1, 4 1, 5, 9 */
    assert_int_equal(indices.longest, 2);
    sam_indices_free(&indices);
    static const char *const bad[] = {"", "\n\n", "1,x", "-1", "1.5", "4294967296", "0x10", "1;2"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_text(bad[i]);
        if (!sam_indices_read(TEXT_FILE, 0, &indices, &error))
            fail_msg("'%s' was accepted", bad[i]);
        assert_int_equal(error.status, SAM_FAILED);
    }
    remove(TEXT_FILE);
}

static void read_back(char *text, size_t size)
{
    FILE *file = fopen(TEXT_FILE, "r");
    assert_non_null(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

#define HEADER                                                                               \
    "epoch,step,lr,train_loss,train_accuracy,val_loss,val_accuracy,test_loss,test_accuracy," \
    "gradient_norm,perturbed_gradient_norm,weight_norm,seconds\n"

/* A table continued: rows that agree keep their seconds, others lose them, what follows is cut. */
static void history_continues(void **state)
{
    (void)state;
    static const char rows[] = "1,4,0.1,2.5,50,,,,,1,2,3\n2,8,0.1,2.5,50,,,,,1,2,3\n";
    const struct sam_history_row row = {3, 12, 0.05, 2.25, 75, NAN, NAN, 1, 50, 1, NAN, 3, 1.25};
    struct sam_history history;
    struct sam_error error;
    char text[1024];
    write_text(HEADER "1,4,0.1,2.5,50,,,,,1,2,3,9.125\n2,8,0.1,2.5,51,,,,,1,2,3,9\n7,7,");
    assert_int_equal(sam_history_init(&history, rows, &error), 0);
    assert_int_equal(sam_history_open(&history, TEXT_FILE, &error), 0);
    assert_int_equal(sam_history_add(&history, &row, &error), 0);
    assert_string_equal(strchr(strchr(history.rows, '\n') + 1, '\n') + 1,
                        "3,12,0.05,2.25,75,,,1,50,1,,3\n");
    assert_int_equal(sam_history_close(&history, &error), 0);
    read_back(text, sizeof text);
    assert_string_equal(text, HEADER "1,4,0.1,2.5,50,,,,,1,2,3,9.125\n"
                                     "2,8,0.1,2.5,50,,,,,1,2,3,\n"
                                     "3,12,0.05,2.25,75,,,1,50,1,,3,1.250\n");
    remove(TEXT_FILE);
}

static void history_of_a_full_disk(void **state)
{
    (void)state;
    struct sam_history history;
    struct sam_error error;
    if (access("/dev/full", W_OK))
        skip();
    assert_int_equal(sam_history_init(&history, NULL, &error), 0);
    assert_int_equal(sam_history_open(&history, "/dev/full", &error), -1);
    assert_int_equal(error.status, SAM_FAILED);
    assert_non_null(strstr(error.text, "/dev/full"));
    sam_history_close(&history, &error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_round_trip),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(checkpoint_settings_merge),
        cmocka_unit_test(state_round_trips),
        cmocka_unit_test(conflicts_are_refused),
        cmocka_unit_test(ranges_by_hand),
        cmocka_unit_test(indices_by_hand),
        cmocka_unit_test(history_continues),
        cmocka_unit_test(history_of_a_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
