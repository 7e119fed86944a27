/* The formats. Oracles: files built here byte by byte after their published descriptions (the pixel
 * at any place is test_pixel()); the published facts about the real sets, where they are at hand.
 */
#include "dataset_files.h"

#include <math.h>
#include <sys/stat.h>

#include "dataset/dataset.h"

enum { PLANE = 32 * 32 };

/* The records of a small CIFAR-100 set: coarse and fine label. */
static const uint8_t train_labels[3][2] = {{0, 99}, {19, 0}, {7, 42}};
static const uint8_t test_labels[1][2] = {{3, 50}};

static void put_cifar100(void *const *state)
{
    uint8_t *train = cifar_records(train_labels[0], 2, 3, 0);
    uint8_t *test = cifar_records(test_labels[0], 2, 1, 3);
    put(state, "train.bin", train, 3 * CIFAR100_RECORD);
    put(state, "test.bin", test, CIFAR100_RECORD);
    free(train);
    free(test);
}

/* Images `first`, first + 1, ... of test_pixel() are what `images` holds. */
static void assert_pixels(const struct sam_images *images, size_t first)
{
    for (size_t i = 0; i < images->count; i++)
        for (size_t j = 0; j < IMAGE_BYTES; j++)
            assert_int_equal(images->pixels[i * IMAGE_BYTES + j], test_pixel(first + i, j));
}

static void assert_refused(void *const *state, const char *name, const char *wanted)
{
    struct sam_dataset dataset;
    struct sam_error error = {0};
    assert_int_equal(sam_dataset_load(name, *state, &dataset, &error), -1);
    assert_int_equal(error.status, SAM_FAILED);
    if (!strstr(error.text, wanted))
        fail_msg("'%s' is not in '%s'", wanted, error.text);
    assert_null(dataset.train.pixels);
    assert_null(dataset.test.labels);
}

static void cifar100_fine_label_is_the_class(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    put_cifar100(state);
    assert_int_equal(sam_dataset_load("cifar100", *state, &dataset, &error), 0);
    assert_int_equal(dataset.train.count, 3);
    assert_int_equal(dataset.test.count, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(dataset.train.labels[i], train_labels[i][1]);
    assert_int_equal(dataset.test.labels[0], test_labels[0][1]);
    assert_pixels(&dataset.train, 0);
    assert_pixels(&dataset.test, 3);
    sam_dataset_free(&dataset);
}

/* Batches 2, 10 and 30 (two, one and two images): by number, not by name; other files are left. */
static void cifar10_batches_in_order_of_numbers(void **state)
{
    static const uint8_t labels[] = {0, 1, 2, 3, 9, 5};
    struct sam_dataset dataset;
    struct sam_error error;
    uint8_t *records = cifar_records(labels, 1, 6, 0);
    put(state, "data_batch_2.bin", records, 2 * CIFAR10_RECORD);
    put(state, "data_batch_10.bin", records + 2 * CIFAR10_RECORD, CIFAR10_RECORD);
    put(state, "data_batch_30.bin", records + 3 * CIFAR10_RECORD, 2 * CIFAR10_RECORD);
    put(state, "test_batch.bin", records + 5 * CIFAR10_RECORD, CIFAR10_RECORD);
    put(state, "data_batch_3.bin.orig", "left alone", 10);
    put(state, "data_batch_.bin", "left alone", 10);
    put(state, "batches.meta.txt", "left alone", 10);
    assert_int_equal(sam_dataset_load("cifar10", *state, &dataset, &error), 0);
    assert_int_equal(dataset.train.count, 5);
    assert_memory_equal(dataset.train.labels, labels, 5);
    assert_pixels(&dataset.train, 0);
    assert_pixels(&dataset.test, 5);
    sam_dataset_free(&dataset);
    free(records);
}

/* More images than the list has room for at first, so that it grows on the way. */
static void many_images(void **state)
{
    enum { COUNT = 2500 };
    uint8_t labels[COUNT];
    struct sam_dataset dataset;
    struct sam_error error;
    for (int i = 0; i < COUNT; i++)
        labels[i] = (uint8_t)(i % 10);
    uint8_t *records = cifar_records(labels, 1, COUNT, 0);
    put(state, "data_batch_1.bin", records, (size_t)COUNT * CIFAR10_RECORD);
    put(state, "test_batch.bin", records, CIFAR10_RECORD);
    assert_int_equal(sam_dataset_load("cifar10", *state, &dataset, &error), 0);
    assert_int_equal(dataset.train.count, COUNT);
    assert_int_equal(dataset.train.capacity, COUNT);
    assert_memory_equal(dataset.train.labels, labels, COUNT);
    assert_pixels(&dataset.train, 0);
    sam_dataset_free(&dataset);
    free(records);
}

/* Files of 0 to 2 records: every length near a record's beginning, labels or end, and each 61st of
 * those between. Whole numbers of records but 0 are right. */
static void cifar100_refuses_truncations(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    put_cifar100(state);
    uint8_t *test = cifar_records(train_labels[0], 2, 2, 0);
    for (size_t size = 0; size <= 2 * CIFAR100_RECORD; size++) {
        const size_t into = (size + 4) % CIFAR100_RECORD;
        if (into > 10 && into % 61)
            continue;
        put(state, "test.bin", test, size);
        const int whole = size > 0 && size % CIFAR100_RECORD == 0;
        assert_int_equal(sam_dataset_load("cifar100", *state, &dataset, &error), whole ? 0 : -1);
        if (whole)
            sam_dataset_free(&dataset);
        else
            assert_non_null(strstr(error.text, "/test.bin: e")); /* empty or ends ... */
    }
    free(test);
}

static void cifar_refusals(void **state)
{
    static const uint8_t cut[CIFAR100_RECORD + 100] = {0};
    put(state, "train.bin", cut, sizeof cut);
    assert_refused(state, "cifar100", ": ends at byte 3174, wanted 3074 bytes from byte 3074 on");
    assert_int_equal(unlink(in_folder(state, "train.bin")), 0);
    assert_refused(state, "cifar100", "/train.bin[.gz]: cannot be opened: No such file");
    assert_refused(state, "cifar10", ": no data_batch_N.bin, wanted at least one");
    put_cifar100(state);
    uint8_t *records = cifar_records(train_labels[0], 2, 3, 0);
    records[CIFAR100_RECORD + 1] = 100;
    put(state, "train.bin", records, 3 * CIFAR100_RECORD);
    assert_refused(state, "cifar100", "/train.bin: image 1, byte 3075: label 100, wanted 0 to 99");
    records[CIFAR100_RECORD + 1] = 0;
    records[2 * CIFAR100_RECORD] = 20;
    put(state, "train.bin", records, 3 * CIFAR100_RECORD);
    assert_refused(state, "cifar100", "/train.bin: image 2, byte 6148: label 20, wanted 0 to 19");

    records[0] = 5;
    put(state, "data_batch_1.bin", records, CIFAR10_RECORD);
    assert_refused(state, "cifar10", "/test_batch.bin[.gz]: cannot be opened");
    records[0] = 10;
    put(state, "test_batch.bin", records, CIFAR10_RECORD);
    assert_refused(state, "cifar10", "/test_batch.bin: image 0, byte 0: label 10, wanted 0 to 9");
    put(state, "data_batch_2.bin", "", 0);
    assert_refused(state, "cifar10", "/data_batch_2.bin: empty, wanted records of 3073 bytes");
    free(records);
}

static void folders_and_files_are_told_apart(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    put_cifar100(state);
    assert_int_equal(unlink(in_folder(state, "test.bin")), 0);
    assert_int_equal(mkdir(in_folder(state, "test.bin"), 0700), 0);
    assert_refused(state, "cifar100", "Is a directory");
    const char *file = in_folder(state, "train.bin");
    assert_int_equal(sam_dataset_load("cifar10", file, &dataset, &error), -1);
    assert_non_null(strstr(error.text, "train.bin: cannot be read as a folder: Not a directory"));
    assert_int_equal(sam_dataset_load("cifar100", file, &dataset, &error), -1);
    assert_non_null(strstr(error.text, "Not a directory"));
}

static void long_paths_are_refused(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    char folder[5000];
    (void)state;
    memset(folder, 'x', sizeof folder - 1);
    folder[sizeof folder - 1] = '\0';
    assert_int_equal(sam_dataset_load("cifar100", folder, &dataset, &error), -1);
    assert_non_null(strstr(error.text, "a path of 5009 bytes, wanted at most 4095"));
}

/* --- IDX -------------------------------------------------------------------------------------- */

enum { IDX_IMAGES = 3, IDX_HEADER = 16, IDX_IMAGE = 28 * 28 };

struct idx {
    uint8_t images[IDX_HEADER + IDX_IMAGES * IDX_IMAGE], labels[8 + IDX_IMAGES];
};

static const uint8_t idx_labels[IDX_IMAGES] = {9, 0, 4};

static struct idx make_idx(void)
{
    struct idx idx = {
        .images = {0, 0, 8, 3, 0, 0, 0, IDX_IMAGES, 0, 0, 0, 28, 0, 0, 0, 28},
        .labels = {0, 0, 8, 1, 0, 0, 0, IDX_IMAGES},
    };
    memcpy(idx.labels + 8, idx_labels, IDX_IMAGES);
    for (int i = 0; i < IDX_IMAGES; i++)
        for (int j = 0; j < IDX_IMAGE; j++)
            idx.images[IDX_HEADER + i * IDX_IMAGE + j] = test_pixel((size_t)i, (size_t)j);
    return idx;
}

static void put_idx(void *const *state, const struct idx *idx)
{
    put(state, "train-images-idx3-ubyte", idx->images, sizeof idx->images);
    put(state, "train-labels-idx1-ubyte", idx->labels, sizeof idx->labels);
    put_gzip(state, "t10k-images-idx3-ubyte.gz", idx->images, sizeof idx->images);
    put_gzip(state, "t10k-labels-idx1-ubyte.gz", idx->labels, sizeof idx->labels);
}

static void assert_idx_images(const struct sam_images *images)
{
    assert_int_equal(images->count, IDX_IMAGES);
    assert_memory_equal(images->labels, idx_labels, IDX_IMAGES);
    for (int i = 0; i < IDX_IMAGES; i++)
        for (int y = 0; y < 32; y++)
            for (int x = 0; x < 32; x++) {
                const int inside = y >= 2 && y < 30 && x >= 2 && x < 30;
                const size_t place = (size_t)((y - 2) * 28 + x - 2);
                assert_int_equal(images->pixels[i * PLANE + y * 32 + x],
                                 inside ? test_pixel((size_t)i, place) : 0);
            }
}

static void idx_stands_in_the_middle_gzip_or_plain(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    const struct idx idx = make_idx();
    put_idx(state, &idx);
    assert_int_equal(sam_dataset_load("fashion-mnist", *state, &dataset, &error), 0);
    assert_int_equal(dataset.channels, 1);
    assert_idx_images(&dataset.train);
    assert_idx_images(&dataset.test);
    sam_dataset_free(&dataset);
}

/* Writes the training files with one byte changed and expects this refusal. */
static void refuse_changed(void *const *state, int labels, size_t at, uint8_t value,
                           const char *wanted)
{
    struct idx idx = make_idx();
    (labels ? idx.labels : idx.images)[at] = value;
    put_idx(state, &idx);
    assert_refused(state, "fashion-mnist", wanted);
}

static void idx_refusals(void **state)
{
    assert_refused(state, "fashion-mnist", "/train-images-idx3-ubyte[.gz]: cannot be opened");
    refuse_changed(state, 0, 3, 1, "/train-images-idx3-ubyte: byte 0: magic number 0x00000801");
    refuse_changed(state, 1, 2, 13, "/train-labels-idx1-ubyte: byte 0: magic number 0x00000d01");
    refuse_changed(state, 0, 11, 29, "-ubyte: byte 8: images of 29x28, wanted 28x28");
    refuse_changed(state, 0, 15, 27, "-ubyte: byte 8: images of 28x27, wanted 28x28");
    refuse_changed(state, 0, 7, 0, "/train-images-idx3-ubyte: byte 4: 0 images");
    refuse_changed(state, 0, 7, 2, "byte 4: 3 labels, wanted one for each of the 2 images of ");
    refuse_changed(state, 1, 9, 10, "labels-idx1-ubyte: image 1, byte 9: label 10, wanted 0 to 9");
}

/* Headers that promise other counts than the files hold: 4 or 2^32 - 1 (which must not be believed
 * far enough to run out of memory), and 2. */
static void idx_counts_are_checked(void **state)
{
    struct idx idx = make_idx();
    idx.images[7] = idx.labels[7] = 4;
    put_idx(state, &idx);
    assert_refused(
        state, "fashion-mnist",
        "images-idx3-ubyte: ends at byte 2368 before image 3, wanted the 4 of its header");
    memset(idx.images + 4, 255, 4);
    memset(idx.labels + 4, 255, 4);
    put_idx(state, &idx);
    assert_refused(state, "fashion-mnist", "before image 3, wanted the 4294967295 of its header");
    idx = make_idx();
    idx.images[7] = idx.labels[7] = 2;
    put_idx(state, &idx);
    assert_refused(state, "fashion-mnist",
                   "images-idx3-ubyte: goes on at byte 1584, wanted the end");
}

static void idx_refuses_every_truncation(void **state)
{
    const struct idx idx = make_idx();
    put_idx(state, &idx);
    for (size_t size = 0; size < sizeof idx.images; size++) {
        put(state, "train-images-idx3-ubyte", idx.images, size);
        assert_refused(state, "fashion-mnist", "/train-images-idx3-ubyte: e");
    }
    put_idx(state, &idx);
    for (size_t size = 0; size < sizeof idx.labels; size++) {
        put(state, "train-labels-idx1-ubyte", idx.labels, size);
        assert_refused(state, "fashion-mnist", "/train-labels-idx1-ubyte: e");
    }
}

static size_t read_back(void *const *state, const char *name, uint8_t *bytes, size_t size)
{
    FILE *file = fopen(in_folder(state, name), "rb");
    assert_non_null(file);
    const size_t got = fread(bytes, 1, size, file);
    assert_int_equal(fclose(file), 0);
    assert_true(got < size);
    return got;
}

static void gzip_refuses_every_truncation(void **state)
{
    uint8_t bytes[4096];
    const struct idx idx = make_idx();
    put_idx(state, &idx);
    const size_t whole = read_back(state, "t10k-images-idx3-ubyte.gz", bytes, sizeof bytes);
    for (size_t size = 0; size < whole; size++) {
        put(state, "t10k-images-idx3-ubyte.gz", bytes, size);
        assert_refused(state, "fashion-mnist", "/t10k-images-idx3-ubyte.gz");
    }
}

/* A flipped bit is either of no meaning (a time stamp in gzip's header) or refused; it never
 * changes what is read. */
static void gzip_flipped_bits_never_pass(void **state)
{
    uint8_t bytes[4096];
    struct sam_error error;
    size_t refused = 0;
    const struct idx idx = make_idx();
    put_idx(state, &idx);
    const size_t size = read_back(state, "t10k-labels-idx1-ubyte.gz", bytes, sizeof bytes);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        struct sam_dataset dataset;
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        put(state, "t10k-labels-idx1-ubyte.gz", bytes, size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (sam_dataset_load("fashion-mnist", *state, &dataset, &error)) {
            refused++;
            continue;
        }
        assert_idx_images(&dataset.test);
        sam_dataset_free(&dataset);
    }
    assert_true(refused >= 8 * (size - 10)); /* all behind the 10 bytes of gzip's header */
}

/* --- Names ------------------------------------------------------------------------------------ */

static void names_and_shapes(void **state)
{
    static const struct {
        const char *name;
        int channels, classes;
    } sets[] = {{"fashion-mnist", 1, 10}, {"cifar10", 3, 10}, {"cifar100", 3, 100}};
    struct sam_error error;
    int channels, classes;
    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sam_dataset_shape(sets[i].name, &channels, &classes, &error), 0);
        assert_int_equal(channels, sets[i].channels);
        assert_int_equal(classes, sets[i].classes);
    }
    assert_string_equal(sam_dataset_default_folder("fashion-mnist"),
                        "/usr/share/datasets/fashion-mnist");
    assert_null(sam_dataset_default_folder("cifar10"));
    assert_null(sam_dataset_default_folder("mnist"));
}

static void unknown_names_are_wrong_usage(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    int channels, classes;
    (void)state;
    assert_int_equal(sam_dataset_shape("mnist", &channels, &classes, &error), -1);
    assert_int_equal(error.status, SAM_USAGE);
    assert_string_equal(error.text,
                        "dataset 'mnist', wanted one of: fashion-mnist, cifar10, cifar100");
    assert_int_equal(sam_dataset_load("", "/tmp", &dataset, &error), -1);
    assert_int_equal(error.status, SAM_USAGE);
}

/* --- The real sets, where they are ------------------------------------------------------------ */

static void assert_class_counts(const struct sam_images *images, int classes, unsigned each)
{
    unsigned counts[100] = {0};
    for (uint32_t i = 0; i < images->count; i++)
        counts[images->labels[i]]++;
    for (int c = 0; c < classes; c++)
        assert_int_equal(counts[c], each);
}

/* Mean and standard deviation of channel `c` of pixel/255 within a margin around the image. */
static void moments(const struct sam_images *images, int channels, int c, int margin, double *mean,
                    double *sd)
{
    double sum = 0, squares = 0;
    const double pixels = (double)images->count * (32 - 2 * margin) * (32 - 2 * margin);
    for (uint32_t i = 0; i < images->count; i++)
        for (int y = margin; y < 32 - margin; y++)
            for (int x = margin; x < 32 - margin; x++) {
                const size_t plane = (size_t)i * (size_t)channels + (size_t)c;
                const double value = images->pixels[plane * PLANE + (size_t)(y * 32 + x)] / 255.0;
                sum += value;
                squares += value * value;
            }
    *mean = sum / pixels;
    *sd = sqrt(squares / pixels - *mean * *mean);
}

/* Published: 6,000 and 1,000 of each class; the first is an ankle boot (9). Mean and standard
 * deviation are those of dataset.c to their four digits. */
static void real_fashion_mnist(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    double mean, sd;
    (void)state;
    const char *folder = sam_dataset_default_folder("fashion-mnist");
    if (access(folder, R_OK))
        skip();
    assert_int_equal(sam_dataset_load("fashion-mnist", folder, &dataset, &error), 0);
    assert_int_equal(dataset.train.count, 60000);
    assert_int_equal(dataset.test.count, 10000);
    assert_int_equal(dataset.train.labels[0], 9);
    assert_class_counts(&dataset.train, 10, 6000);
    assert_class_counts(&dataset.test, 10, 1000);
    moments(&dataset.train, 1, 0, 2, &mean, &sd);
    assert_true(fabs(mean - (double)dataset.mean[0]) < 0.5e-4);
    assert_true(fabs(sd - (double)dataset.sd[0]) < 0.5e-4);
    sam_dataset_free(&dataset);
}

/* A folder with (a part of) CIFAR-10: SAM_CIFAR10 names it, else one beside the checkout is looked
 * for. The published mean and standard deviation hold for all of it; a part comes within 0.005. */
static void real_cifar10(void **state)
{
    struct sam_dataset dataset;
    struct sam_error error;
    double mean, sd;
    (void)state;
    const char *named = getenv("SAM_CIFAR10");
    const char *folder = named ? named : "../shared/data/cifar-10";
    if (access(folder, R_OK))
        skip();
    assert_int_equal(sam_dataset_load("cifar10", folder, &dataset, &error), 0);
    assert_int_equal(dataset.train.count % 10000, 0);
    assert_int_equal(dataset.test.count, 10000);
    assert_class_counts(&dataset.test, 10, 1000);
    for (int c = 0; c < 3; c++) {
        moments(&dataset.train, 3, c, 0, &mean, &sd);
        assert_true(fabs(mean - (double)dataset.mean[c]) < 0.005);
        assert_true(fabs(sd - (double)dataset.sd[c]) < 0.005);
    }
    sam_dataset_free(&dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        folder_test(cifar100_fine_label_is_the_class),
        folder_test(cifar10_batches_in_order_of_numbers),
        folder_test(many_images),
        folder_test(cifar100_refuses_truncations),
        folder_test(cifar_refusals),
        folder_test(folders_and_files_are_told_apart),
        cmocka_unit_test(long_paths_are_refused),
        folder_test(idx_stands_in_the_middle_gzip_or_plain),
        folder_test(idx_refusals),
        folder_test(idx_counts_are_checked),
        folder_test(idx_refuses_every_truncation),
        folder_test(gzip_refuses_every_truncation),
        folder_test(gzip_flipped_bits_never_pass),
        cmocka_unit_test(names_and_shapes),
        cmocka_unit_test(unknown_names_are_wrong_usage),
        cmocka_unit_test(real_fashion_mnist),
        cmocka_unit_test(real_cifar10),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
