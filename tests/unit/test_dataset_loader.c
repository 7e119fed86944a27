/* Augmentation and minibatches. Oracles: a naive version on padded floats; images whose pixels name
 * their own place, so that what was done to them can be read off the result; libxxhash. */
#include "dataset_files.h"

#include <math.h>
#include <xxhash.h>

#include "dataset/loader.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, IMAGES = 64 };

static const struct sam_augment none = {0}, all = {true, true, true};

/* IMAGES images of `channels`, pixel by pixel from test_pixel(). */
static struct sam_dataset noisy(int channels)
{
    struct sam_dataset dataset = {.channels = channels,
                                  .classes = 10,
                                  .mean = {0.5071f, 0.4865f, 0.4409f},
                                  .sd = {0.2673f, 0.2564f, 0.2762f}};
    struct sam_error error;
    for (size_t i = 0; i < IMAGES; i++) {
        uint8_t *pixels = sam_images_append(&dataset.train, channels, (uint8_t)(i % 10), &error);
        assert_non_null(pixels);
        for (size_t j = 0; j < (size_t)channels * PLANE; j++)
            pixels[j] = test_pixel(i, j);
    }
    return dataset;
}

/* One image of three channels: 1 + x, 1 + y and 255; normalising only divides by 255. */
static struct sam_dataset charted(void)
{
    struct sam_dataset dataset = {.channels = 3, .classes = 1, .sd = {1, 1, 1}};
    struct sam_error error;
    uint8_t *pixels = sam_images_append(&dataset.train, 3, 0, &error);
    assert_non_null(pixels);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            pixels[0 * PLANE + y * SIDE + x] = (uint8_t)(1 + x);
            pixels[1 * PLANE + y * SIDE + x] = (uint8_t)(1 + y);
            pixels[2 * PLANE + y * SIDE + x] = 255;
        }
    return dataset;
}

/* The definition, step by step on whole images: pad, crop, flip, normalise, cut out. */
static void naive(const struct sam_dataset *dataset, const struct sam_augment *augment,
                  uint32_t index, uint64_t seed, uint32_t epoch, float *out)
{
    struct sam_rng rng;
    sam_rng_init(&rng, seed, SAM_RNG_AUGMENT, epoch, index);
    const int drawn_top = (int)sam_rng_below(&rng, 9), drawn_left = (int)sam_rng_below(&rng, 9);
    const int flip = (int)sam_rng_below(&rng, 2), cut = (int)sam_rng_below(&rng, 2);
    const int box_top = (int)sam_rng_below(&rng, 32) - 8,
              box_left = (int)sam_rng_below(&rng, 32) - 8;
    const int top = augment->crop ? drawn_top : 4, left = augment->crop ? drawn_left : 4;
    for (int c = 0; c < dataset->channels; c++) {
        static float padded[40][40], cropped[32][32], flipped[32][32];
        const uint8_t *plane =
            dataset->train.pixels + ((size_t)index * (size_t)dataset->channels + (size_t)c) * PLANE;
        memset(padded, 0, sizeof padded);
        for (int i = 0; i < PLANE; i++)
            padded[4 + i / 32][4 + i % 32] = plane[i];
        for (int i = 0; i < PLANE; i++)
            cropped[i / 32][i % 32] = padded[top + i / 32][left + i % 32];
        for (int i = 0; i < PLANE; i++)
            flipped[i / 32][i % 32] = cropped[i / 32][augment->flip && flip ? 31 - i % 32 : i % 32];
        for (int i = 0; i < PLANE; i++) {
            const int y = i / 32, x = i % 32;
            const int inside =
                y >= box_top && y < box_top + 16 && x >= box_left && x < box_left + 16;
            const float normal = (flipped[y][x] / 255.0f - dataset->mean[c]) / dataset->sd[c];
            *out++ = augment->cutout && cut && inside ? 0.0f : normal;
        }
    }
}

/* Bit for bit, for every choice of steps, one and three channels. */
static void equals_the_definition(void **state)
{
    (void)state;
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(2, &error);
    static float out[IMAGES * 3 * PLANE], wanted[3 * PLANE];
    uint8_t labels[IMAGES];
    uint32_t indices[IMAGES];
    for (uint32_t i = 0; i < IMAGES; i++)
        indices[i] = (i * 37 + 5) % IMAGES;
    for (int choice = 0; choice < 16; choice++) {
        struct sam_dataset dataset = noisy(choice & 8 ? 3 : 1);
        const struct sam_augment augment = {choice & 1, choice & 2, choice & 4};
        const size_t size = (size_t)dataset.channels * PLANE;
        sam_loader_batch(&dataset, &dataset.train, indices, IMAGES, &augment,
                         &(struct sam_loader_chance){.seed = 11, .epoch = 3}, pool, out, labels);
        for (int i = 0; i < IMAGES; i++) {
            naive(&dataset, &augment, indices[i], 11, 3, wanted);
            assert_memory_equal(out + (size_t)i * size, wanted, size * sizeof *out);
            assert_int_equal(labels[i], indices[i] % 10);
        }
        sam_dataset_free(&dataset);
    }
    sam_pool_free(pool);
}

static void same_bytes_for_any_threads_and_batches(void **state)
{
    (void)state;
    const struct sam_loader_chance chance = {.seed = 1, .epoch = 2};
    struct sam_dataset dataset = noisy(3);
    struct sam_error error;
    static float first[IMAGES * 3 * PLANE], other[IMAGES * 3 * PLANE];
    uint8_t labels[IMAGES];
    uint32_t indices[IMAGES];
    for (uint32_t i = 0; i < IMAGES; i++)
        indices[i] = i;
    for (int threads = 1; threads <= 5; threads += 2) {
        struct sam_pool *pool = sam_pool_new(threads, &error);
        float *out = threads == 1 ? first : other;
        sam_loader_batch(&dataset, &dataset.train, indices, IMAGES, &all, &chance, pool, out,
                         labels);
        assert_memory_equal(out, first, sizeof first);
        /* The same images one at a time, the last first. */
        for (int i = IMAGES - 1; i >= 0; i--)
            sam_loader_batch(&dataset, &dataset.train, indices + i, 1, &all, &chance, pool,
                             other + (size_t)i * 3 * PLANE, labels);
        assert_memory_equal(other, first, sizeof first);
        sam_pool_free(pool);
    }
    sam_dataset_free(&dataset);
}

/* One image, again and again. As it is drawn it looks different each time, by its number among all
 * draws; as an image of an epoch it looks the same. */
static void a_drawn_image_looks_different_each_time(void **state)
{
    (void)state;
    enum { DRAWS = 8, HALF = DRAWS / 2 };
    struct sam_dataset dataset = noisy(1);
    struct sam_error error;
    struct sam_pool *pool = sam_pool_new(2, &error);
    static float out[DRAWS][PLANE], rest[HALF][PLANE];
    const uint32_t indices[DRAWS] = {3, 3, 3, 3, 3, 3, 3, 3};
    uint8_t labels[DRAWS];
    struct sam_loader_chance chance = {.seed = 1, .epoch = 2, .drawn = true, .first = 40};
    sam_loader_batch(&dataset, &dataset.train, indices, DRAWS, &all, &chance, pool, out[0], labels);
    for (int i = 0; i < DRAWS; i++)
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(out[i], out[j], sizeof out[i]);
    chance.first += HALF;
    sam_loader_batch(&dataset, &dataset.train, indices, HALF, &all, &chance, pool, rest[0], labels);
    assert_memory_equal(rest, out[HALF], sizeof rest);
    chance.drawn = false;
    sam_loader_batch(&dataset, &dataset.train, indices, DRAWS, &all, &chance, pool, out[0], labels);
    assert_memory_equal(out[0], out[DRAWS - 1], sizeof out[0]);
    sam_pool_free(pool);
    sam_dataset_free(&dataset);
}

/* --- What was done to a charted image, read off the result ------------------------------------ */

/* Calls `read_off` for `count` results of augmenting the charted image, epoch after epoch. */
static void each_result(const struct sam_augment *augment, uint32_t count,
                        void (*read_off)(const float *out, unsigned *counts), unsigned *counts)
{
    static float out[3 * PLANE];
    const uint32_t index = 0;
    uint8_t label;
    struct sam_error error;
    struct sam_dataset dataset = charted();
    struct sam_pool *pool = sam_pool_new(1, &error);
    for (uint32_t epoch = 0; epoch < count; epoch++) {
        const struct sam_loader_chance chance = {.seed = 9, .epoch = epoch};
        sam_loader_batch(&dataset, &dataset.train, &index, 1, augment, &chance, pool, out, &label);
        read_off(out, counts);
    }
    sam_pool_free(pool);
    sam_dataset_free(&dataset);
}

/* Each of the `cells` counts is within 6 standard deviations of `draws` / cells. */
static void assert_uniform(const unsigned *counts, unsigned cells, unsigned draws)
{
    const double expected = (double)draws / cells, sd = sqrt(expected * (1 - 1.0 / cells));
    for (unsigned i = 0; i < cells; i++)
        assert_true(fabs(counts[i] - expected) < 6 * sd);
}

enum { DRAWS = 40000, MIDDLE = 16 * SIDE + 16 };

static int chart(const float *out, int channel, int place)
{
    return (int)lround((double)out[channel * PLANE + place] * 255);
}

/* At place (16, 16) a crop from (top, left) shows image pixel (16 + top - 4, 16 + left - 4); where
 * that view leaves the image, it is black. counts[9 top + left]. */
static void read_crop(const float *out, unsigned *counts)
{
    const int left = chart(out, 0, MIDDLE) - 1 - 12, top = chart(out, 1, MIDDLE) - 1 - 12;
    assert_true(left >= 0 && left <= 8 && top >= 0 && top <= 8);
    for (int i = 0; i < PLANE; i++) {
        const int y = i / SIDE + top - 4, x = i % SIDE + left - 4;
        const int inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
        assert_int_equal(chart(out, 0, i), inside ? 1 + x : 0);
        assert_int_equal(chart(out, 1, i), inside ? 1 + y : 0);
    }
    counts[9 * top + left]++;
}

static void crops_are_uniform(void **state)
{
    (void)state;
    unsigned counts[81] = {0};
    each_result(&(struct sam_augment){.crop = true}, DRAWS, read_crop, counts);
    assert_uniform(counts, 81, DRAWS);
}

static void read_flip(const float *out, unsigned *counts)
{
    const int flipped = chart(out, 0, 0) != 1;
    for (int i = 0; i < PLANE; i++)
        assert_int_equal(chart(out, 0, i), 1 + (flipped ? 31 - i % SIDE : i % SIDE));
    counts[flipped]++;
}

static void flips_are_even(void **state)
{
    (void)state;
    unsigned counts[2] = {0};
    each_result(&(struct sam_augment){.flip = true}, DRAWS, read_flip, counts);
    assert_uniform(counts, 2, DRAWS);
}

/* counts[0]: images without a box; then of the others counts[1 + 32 (top + 8) + (left + 8)]. */
static void read_box(const float *out, unsigned *counts)
{
    const float *plane = out + 2 * PLANE;
    int x0 = SIDE, x1 = 0, y0 = SIDE, y1 = 0, area = 0;
    for (int i = 0; i < PLANE; i++)
        if (plane[i] == 0.0f) {
            const int y = i / SIDE, x = i % SIDE;
            area++;
            x0 = x < x0 ? x : x0;
            x1 = x >= x1 ? x + 1 : x1;
            y0 = y < y0 ? y : y0;
            y1 = y >= y1 ? y + 1 : y1;
        }
    if (area == 0) {
        counts[0]++;
        return;
    }
    assert_int_equal(area, (x1 - x0) * (y1 - y0));
    const int left = x0 > 0 ? x0 : x1 - 16, top = y0 > 0 ? y0 : y1 - 16;
    assert_true(left >= -8 && left <= 23 && top >= -8 && top <= 23);
    assert_int_equal(x1, left + 16 < SIDE ? left + 16 : SIDE);
    assert_int_equal(y1, top + 16 < SIDE ? top + 16 : SIDE);
    counts[1 + 32 * (top + 8) + (left + 8)]++;
}

static void boxes_are_uniform(void **state)
{
    (void)state;
    unsigned counts[1 + 32 * 32] = {0}, tops[32] = {0}, lefts[32] = {0};
    each_result(&(struct sam_augment){.cutout = true}, DRAWS, read_box, counts);
    const unsigned coin[2] = {counts[0], DRAWS - counts[0]};
    assert_uniform(coin, 2, DRAWS);
    assert_uniform(counts + 1, 32 * 32, coin[1]);
    for (int i = 0; i < 32 * 32; i++) {
        tops[i / 32] += counts[1 + i];
        lefts[i % 32] += counts[1 + i];
    }
    assert_uniform(tops, 32, coin[1]);
    assert_uniform(lefts, 32, coin[1]);
}

/* Padding is black before normalising: with mean 0.5 and sd 0.25 it becomes -2, white 2, the box 0.
 */
static void padding_is_black_and_the_box_is_the_mean(void **state)
{
    (void)state;
    struct sam_dataset dataset = {.channels = 1, .classes = 1, .mean = {0.5f}, .sd = {0.25f}};
    struct sam_error error;
    memset(sam_images_append(&dataset.train, 1, 0, &error), 255, PLANE);
    struct sam_pool *pool = sam_pool_new(1, &error);
    static float out[PLANE];
    const uint32_t index = 0;
    uint8_t label;
    unsigned black = 0, white = 0, box = 0;
    for (uint32_t epoch = 0; epoch < 100; epoch++) {
        const struct sam_loader_chance chance = {.seed = 4, .epoch = epoch};
        sam_loader_batch(&dataset, &dataset.train, &index, 1, &all, &chance, pool, out, &label);
        for (int i = 0; i < PLANE; i++) {
            black += out[i] == -2.0f;
            white += out[i] == 2.0f;
            box += out[i] == 0.0f;
        }
    }
    assert_int_equal(black + white + box, 100 * PLANE);
    assert_true(black > 0 && white > 0 && box > 0);
    sam_pool_free(pool);
    sam_dataset_free(&dataset);
}

/* --- Order, identity, names ------------------------------------------------------------------- */

static void order_is_a_permutation_of_its_own(void **state)
{
    (void)state;
    uint32_t indices[100], order[100], again[100], other[100], seen[300] = {0};
    for (uint32_t i = 0; i < 100; i++)
        indices[i] = 3 * i;
    sam_loader_order(indices, 100, 1, 1, order);
    sam_loader_order(indices, 100, 1, 1, again);
    assert_memory_equal(order, again, sizeof order);
    for (int i = 0; i < 100; i++)
        seen[order[i]]++;
    for (int i = 0; i < 300; i++)
        assert_int_equal(seen[i], i % 3 == 0);
    sam_loader_order(indices, 100, 1, 2, other);
    assert_memory_not_equal(order, other, sizeof order);
    sam_loader_order(indices, 100, 2, 1, other);
    assert_memory_not_equal(order, other, sizeof order);
    sam_loader_order(indices, 0, 1, 1, other);
}

/* XXH3-64 of 07 00 00 00 04 03 02 01 01 00 00 00, written out so that it holds on any machine. */
static void identity_is_the_hash_of_little_endian_words(void **state)
{
    (void)state;
    static const uint32_t indices[] = {7, 0x01020304, 1}, swapped[] = {0x01020304, 7, 1};
    static const uint8_t bytes[] = {7, 0, 0, 0, 4, 3, 2, 1, 1, 0, 0, 0};
    assert_true(sam_loader_identity(indices, 3) == XXH3_64bits(bytes, sizeof bytes));
    assert_true(sam_loader_identity(indices, 3) != sam_loader_identity(swapped, 3));
    assert_true(sam_loader_identity(indices, 0) == XXH3_64bits(bytes, 0));
}

static void names_of_steps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct sam_augment augment;
    } good[] = {
        {"none", {false, false, false}},          {"all", {true, true, true}},
        {"crop", {true, false, false}},           {"cutout,flip", {false, true, true}},
        {"crop,flip,cutout", {true, true, true}},
    };
    static const char *const bad[] = {"",    "crop,", ",flip",     "crop,,flip", "Crop",
                                      "cro", "crops", "none,crop", "all,crop",   "flip, crop"};
    struct sam_augment augment;
    struct sam_error error;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(sam_augment_parse(good[i].text, &augment, &error), 0);
        assert_memory_equal(&augment, &good[i].augment, sizeof augment);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        augment = none;
        assert_int_equal(sam_augment_parse(bad[i], &augment, &error), -1);
        assert_int_equal(error.status, SAM_USAGE);
        assert_non_null(strstr(error.text, "wanted none, all, or a list of crop,flip,cutout"));
        assert_memory_equal(&augment, &none, sizeof augment);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_the_definition),
        cmocka_unit_test(same_bytes_for_any_threads_and_batches),
        cmocka_unit_test(a_drawn_image_looks_different_each_time),
        cmocka_unit_test(crops_are_uniform),
        cmocka_unit_test(flips_are_even),
        cmocka_unit_test(boxes_are_uniform),
        cmocka_unit_test(padding_is_black_and_the_box_is_the_mean),
        cmocka_unit_test(order_is_a_permutation_of_its_own),
        cmocka_unit_test(identity_is_the_hash_of_little_endian_words),
        cmocka_unit_test(names_of_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
