/* dataset_files - what the dataset tests share: a folder of their own, files in it, and the headers
 * that cmocka wants before it. */
#ifndef SAM_TESTS_DATASET_FILES_H
#define SAM_TESTS_DATASET_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { IMAGE_BYTES = 3072, CIFAR10_RECORD = 1 + IMAGE_BYTES, CIFAR100_RECORD = 2 + IMAGE_BYTES };

/* The path of a file in the test's folder; valid until the next call. */
static inline const char *in_folder(void *const *state, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", (const char *)*state, name);
    return path;
}

static inline void put(void *const *state, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(in_folder(state, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static inline void put_gzip(void *const *state, const char *name, const void *bytes, size_t size)
{
    gzFile file = gzopen(in_folder(state, name), "wb");
    assert_non_null(file);
    assert_int_equal(gzwrite(file, bytes, (unsigned)size), size);
    assert_int_equal(gzclose(file), Z_OK);
}

/* Pixel `i` of image `number`: any fixed function that tells images and places apart. */
static inline uint8_t test_pixel(size_t number, size_t i)
{
    return (uint8_t)((number + 1) * 2654435761u >> 7 ^ i * 40503u >> 3);
}

/* CIFAR records (count): the label bytes of record i are `labels` [i * size_of_labels ...]. */
static inline uint8_t *cifar_records(const uint8_t *labels, size_t label_bytes, size_t count,
                                     size_t first)
{
    const size_t record = label_bytes + IMAGE_BYTES;
    uint8_t *bytes = malloc(count * record);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        memcpy(bytes + i * record, labels + i * label_bytes, label_bytes);
        for (size_t j = 0; j < IMAGE_BYTES; j++)
            bytes[i * record + label_bytes + j] = test_pixel(first + i, j);
    }
    return bytes;
}

/* Setup and teardown of a test: *state is the path of an empty folder, removed afterwards. */
static inline int make_folder(void **state)
{
    char template[] = "/tmp/samscope-test-XXXXXX";
    *state = mkdtemp(template) ? strdup(template) : NULL;
    return *state ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", (const char *)*state);
    free(*state);
    return system(command);
}

#define folder_test(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

#endif
