#include "dataset/cifar.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/bytes.h"

enum { CHANNELS = 3, PIXELS = CHANNELS * SAM_IMAGES_PLANE, LABELS_MAX = 2 };

/* The label bytes of a record; the last is the class. */
static const struct format {
    int labels;
    int below[LABELS_MAX]; /* each label is less than this */
} formats[] = {
    [SAM_CIFAR_10] = {1, {10}},
    [SAM_CIFAR_100] = {2, {20, 100}},
};

/* Appends the record that has just been read, the `number`-th (from 0) of its file. */
static int append(const struct sam_bytes *bytes, const struct format *format, uint64_t number,
                  const uint8_t *record, struct sam_images *images, struct sam_error *error)
{
    for (int i = 0; i < format->labels; i++) {
        const uint64_t at = bytes->offset - PIXELS - (uint64_t)(format->labels - i);
        if (record[i] >= format->below[i])
            return sam_error_set(error, SAM_FAILED,
                                 "%s: image %" PRIu64 ", byte %" PRIu64
                                 ": label %d, wanted 0 to %d",
                                 bytes->path, number, at, record[i], format->below[i] - 1);
    }
    uint8_t *pixels = sam_images_append(images, CHANNELS, record[format->labels - 1], error);
    if (!pixels)
        return -1;
    memcpy(pixels, record + format->labels, PIXELS);
    return 0;
}

static int append_all(struct sam_bytes *bytes, const struct format *format,
                      struct sam_images *images, struct sam_error *error)
{
    uint8_t record[LABELS_MAX + PIXELS];
    const size_t size = (size_t)format->labels + PIXELS;
    for (uint64_t number = 0;; number++) {
        const int status = sam_bytes_read(bytes, record, size, error);
        if (status == 0 && number == 0)
            return sam_error_set(error, SAM_FAILED, "%s: empty, wanted records of %zu bytes",
                                 bytes->path, size);
        if (status <= 0)
            return status;
        if (append(bytes, format, number, record, images, error))
            return -1;
    }
}

static int append_file(const char *folder, const char *name, enum sam_cifar format,
                       struct sam_images *images, struct sam_error *error)
{
    struct sam_bytes bytes;
    if (sam_bytes_open(&bytes, folder, name, error))
        return -1;
    const int status = append_all(&bytes, &formats[format], images, error);
    sam_bytes_close(&bytes);
    return status;
}

int sam_cifar_read(const char *folder, const char *name, enum sam_cifar format,
                   struct sam_images *images, struct sam_error *error)
{
    if (append_file(folder, name, format, images, error))
        return -1;
    return sam_images_trim(images, CHANNELS, error);
}

static const char batch_prefix[] = "data_batch_";

static unsigned long long batch_number(const char *name)
{
    return strtoull(name + strlen(batch_prefix), NULL, 10);
}

static int is_batch(const struct dirent *entry)
{
    int end = 0;
    sscanf(entry->d_name, "data_batch_%*[0-9].bin%n", &end);
    return end > 0 && entry->d_name[end] == '\0';
}

/* By number; equal numbers ("1", "01") by name, so that the order is always the same. */
static int by_number(const struct dirent **a, const struct dirent **b)
{
    const unsigned long long x = batch_number((*a)->d_name), y = batch_number((*b)->d_name);
    return x == y ? strcmp((*a)->d_name, (*b)->d_name) : x < y ? -1 : 1;
}

int sam_cifar_read_batches(const char *folder, struct sam_images *images, struct sam_error *error)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_batch, by_number);
    if (count < 0)
        return sam_error_errno(error, "%s: cannot be read as a folder", folder);
    int status = 0;
    for (int i = 0; i < count; i++) {
        if (status == 0)
            status = append_file(folder, entries[i]->d_name, SAM_CIFAR_10, images, error);
        free(entries[i]);
    }
    free(entries);
    if (count == 0)
        return sam_error_set(error, SAM_FAILED, "%s: no data_batch_N.bin, wanted at least one",
                             folder);
    return status ? -1 : sam_images_trim(images, CHANNELS, error);
}
