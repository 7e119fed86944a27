/* The split. Oracle: the definition of split.h, checked class by class in whole numbers; counts of
 * how often each image is chosen for the draw. */
#include "dataset_files.h"

#include <math.h>
#include <stdbool.h>

#include "base/rng.h"
#include "dataset/split.h"

enum { CLASSES = 10 };

/* Labels (count) with class c about c + 1 times as frequent as class 0, in mixed order. */
static struct sam_images unbalanced(uint32_t count, uint32_t seed)
{
    struct sam_images images = {.labels = malloc(count), .count = count};
    struct sam_rng rng;
    assert_non_null(images.labels);
    sam_rng_init(&rng, seed, SAM_RNG_TEST, 0, 0);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t draw = sam_rng_below(&rng, CLASSES * (CLASSES + 1) / 2), class = 0;
        while (draw > class)
            draw -= ++class;
        images.labels[i] = (uint8_t) class;
    }
    return images;
}

static void count_classes(const struct sam_images *images, const uint32_t *indices, uint32_t count,
                          int64_t *counts)
{
    memset(counts, 0, CLASSES * sizeof *counts);
    for (uint32_t i = 0; i < count; i++)
        counts[images->labels[indices ? indices[i] : i]]++;
}

static void assert_ascending(const uint32_t *indices, uint32_t count, uint32_t below)
{
    for (uint32_t i = 0; i < count; i++)
        assert_true(indices[i] < below && (i == 0 || indices[i - 1] < indices[i]));
}

/* |part_c - wanted whole_c / total| < 1 for every class. */
static void assert_proportional(const int64_t *part, const int64_t *whole, int64_t wanted,
                                int64_t total)
{
    for (int c = 0; c < CLASSES; c++)
        assert_true(llabs(part[c] * total - wanted * whole[c]) < total);
}

static void assert_split(const struct sam_images *images, double fraction, uint32_t train_size)
{
    struct sam_split split;
    struct sam_error error;
    int64_t all[CLASSES], rest[CLASSES], train[CLASSES], validation[CLASSES];
    assert_int_equal(sam_split_new(images, CLASSES, fraction, train_size, 5, &split, &error), 0);
    const uint32_t total = images->count, left = total - split.validation_count;
    assert_true(fabs(split.validation_count - fraction * total) <= 0.5);
    assert_int_equal(split.train_count, train_size ? train_size : left);
    assert_ascending(split.train, split.train_count, total);
    assert_ascending(split.validation, split.validation_count, total);

    bool *seen = calloc(total, sizeof *seen);
    for (uint32_t i = 0; i < split.validation_count; i++)
        seen[split.validation[i]] = true;
    for (uint32_t i = 0; i < split.train_count; i++)
        assert_false(seen[split.train[i]]);
    free(seen);

    count_classes(images, NULL, total, all);
    count_classes(images, split.train, split.train_count, train);
    count_classes(images, split.validation, split.validation_count, validation);
    assert_proportional(validation, all, split.validation_count, total);
    for (int c = 0; c < CLASSES; c++)
        rest[c] = all[c] - validation[c];
    assert_proportional(train, rest, split.train_count, left);
    sam_split_free(&split);
}

static void any_part_is_stratified(void **state)
{
    (void)state;
    static const double fractions[] = {0, 0.001, 0.1, 0.29, 1.0 / 3, 0.5, 0.999};
    for (uint32_t count = 1; count < 4000; count = count * 2 + 1) {
        struct sam_images images = unbalanced(count, count);
        for (size_t f = 0; f < sizeof fractions / sizeof *fractions; f++) {
            const uint32_t left = count - (uint32_t)lround(fractions[f] * count);
            if (left == 0)
                continue;
            for (uint32_t size = 0; size <= left; size = size * 3 + 1)
                assert_split(&images, fractions[f], size);
            assert_split(&images, fractions[f], left);
        }
        free(images.labels);
    }
}

/* The notes' split: 450 and 50 of each of 100 classes of 500. */
static void notes_split(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct sam_images images = {.labels = malloc(COUNT), .count = COUNT};
    struct sam_split split;
    struct sam_error error;
    unsigned counts[100] = {0};
    for (uint32_t i = 0; i < COUNT; i++)
        images.labels[i] = (uint8_t)(i * 7919 % 100);
    assert_int_equal(sam_split_new(&images, 100, 0.1, 0, 1, &split, &error), 0);
    assert_int_equal(split.train_count, 45000);
    assert_int_equal(split.validation_count, 5000);
    for (uint32_t i = 0; i < split.validation_count; i++)
        counts[images.labels[split.validation[i]]]++;
    for (int c = 0; c < 100; c++)
        assert_int_equal(counts[c], 50);
    sam_split_free(&split);
    free(images.labels);
}

/* Four images of class 0, four of class 1: 2 for validation, 2 of the other 6 for training, with
 * 4,000 seeds. Each image is drawn 1,000 times for each, up to 6 standard deviations (27.4). */
static void each_image_is_equally_likely(void **state)
{
    (void)state;
    uint8_t labels[8] = {0, 1, 1, 0, 0, 1, 0, 1};
    const struct sam_images images = {.labels = labels, .count = 8};
    struct sam_error error;
    unsigned trained[8] = {0}, validated[8] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        struct sam_split split;
        assert_int_equal(sam_split_new(&images, 2, 0.25, 2, seed, &split, &error), 0);
        for (int i = 0; i < 2; i++) {
            trained[split.train[i]]++;
            validated[split.validation[i]]++;
        }
        sam_split_free(&split);
    }
    for (int i = 0; i < 8; i++) {
        assert_in_range(trained[i], 1000 - 164, 1000 + 164);
        assert_in_range(validated[i], 1000 - 164, 1000 + 164);
    }
}

static void depends_on_the_seed_alone(void **state)
{
    (void)state;
    struct sam_images images = unbalanced(1000, 1);
    struct sam_split a, b, c;
    struct sam_error error;
    assert_int_equal(sam_split_new(&images, CLASSES, 0.2, 0, 7, &a, &error), 0);
    assert_int_equal(sam_split_new(&images, CLASSES, 0.2, 100, 7, &b, &error), 0);
    assert_int_equal(sam_split_new(&images, CLASSES, 0.2, 100, 8, &c, &error), 0);
    assert_memory_equal(a.validation, b.validation, 200 * sizeof *a.validation);
    assert_memory_not_equal(b.validation, c.validation, 200 * sizeof *a.validation);
    assert_memory_not_equal(b.train, c.train, 100 * sizeof *b.train);
    sam_split_free(&a);
    sam_split_free(&b);
    sam_split_free(&c);
    free(images.labels);
}

static void impossible_sizes_are_wrong_usage(void **state)
{
    (void)state;
    static const struct {
        double fraction;
        uint32_t train_size;
        const char *wanted;
    } cases[] = {
        {-0.1, 0, "validation fraction -0.1, wanted 0 <= fraction < 1"},
        {1, 0, "validation fraction 1, wanted 0 <= fraction < 1"},
        {NAN, 0, "wanted 0 <= fraction < 1"},
        {0.999, 0, "validation fraction 0.999 of 20 images, wanted at least one left"},
        {0.1, 19, "19 training images, wanted at most 18 (20 in the set, 2 of them"},
        {0, 21, "21 training images, wanted at most 20 (20 in the set, 0 of them"},
    };
    struct sam_images images = unbalanced(20, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sam_split split;
        struct sam_error error;
        assert_int_equal(sam_split_new(&images, CLASSES, cases[i].fraction, cases[i].train_size, 1,
                                       &split, &error),
                         -1);
        assert_int_equal(error.status, SAM_USAGE);
        assert_non_null(strstr(error.text, cases[i].wanted));
    }
    free(images.labels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_part_is_stratified),
        cmocka_unit_test(notes_split),
        cmocka_unit_test(each_image_is_equally_likely),
        cmocka_unit_test(depends_on_the_seed_alone),
        cmocka_unit_test(impossible_sizes_are_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
