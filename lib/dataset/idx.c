#include "dataset/idx.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dataset/bytes.h"

enum { SIDE = 28, MARGIN = (SAM_IMAGES_SIDE - SIDE) / 2, DIMENSIONS_MAX = 3 };

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Opens folder/PART-KIND and reads its magic number and `sizes` (dimensions). */
static int open_array(struct sam_bytes *bytes, const char *folder, const char *part,
                      const char *kind, int dimensions, uint32_t *sizes, struct sam_error *error)
{
    uint8_t header[4 * (1 + DIMENSIONS_MAX)];
    char name[64];
    snprintf(name, sizeof name, "%s-%s", part, kind);
    if (sam_bytes_open(bytes, folder, name, error))
        return -1;
    const size_t size = 4 * (1 + (size_t)dimensions);
    const uint32_t magic = 0x0800 + (uint32_t)dimensions;
    int status = sam_bytes_read(bytes, header, size, error);
    if (status == 0)
        status = sam_error_set(error, SAM_FAILED, "%s: empty, wanted a header of %zu bytes",
                               bytes->path, size);
    else if (status > 0 && big_endian(header) != magic)
        status = sam_error_set(error, SAM_FAILED,
                               "%s: byte 0: magic number 0x%08" PRIx32 ", wanted 0x%08" PRIx32,
                               bytes->path, big_endian(header), magic);
    if (status < 0) {
        sam_bytes_close(bytes);
        return -1;
    }
    for (int i = 0; i < dimensions; i++)
        sizes[i] = big_endian(header + 4 * (1 + i));
    return 0;
}

static int check_sizes(const struct sam_bytes *images, const uint32_t *shape,
                       const struct sam_bytes *labels, uint32_t count, struct sam_error *error)
{
    if (shape[1] != SIDE || shape[2] != SIDE)
        return sam_error_set(error, SAM_FAILED,
                             "%s: byte 8: images of %" PRIu32 "x%" PRIu32 ", wanted %dx%d",
                             images->path, shape[1], shape[2], SIDE, SIDE);
    if (shape[0] == 0)
        return sam_error_set(error, SAM_FAILED, "%s: byte 4: 0 images, wanted at least one",
                             images->path);
    if (shape[0] != count)
        return sam_error_set(error, SAM_FAILED,
                             "%s: byte 4: %" PRIu32 " labels, wanted one for each of the %" PRIu32
                             " images of %s",
                             labels->path, count, shape[0], images->path);
    return 0;
}

/* The next element of an array whose header promised element `number` (from 0) of `count`. */
static int read_element(struct sam_bytes *bytes, uint32_t number, uint32_t count, void *element,
                        size_t size, struct sam_error *error)
{
    const int status = sam_bytes_read(bytes, element, size, error);
    if (status == 0)
        return sam_error_set(error, SAM_FAILED,
                             "%s: ends at byte %" PRIu64 " before image %" PRIu32
                             ", wanted the %" PRIu32 " of its header",
                             bytes->path, bytes->offset, number, count);
    return status < 0 ? -1 : 0;
}

static int check_end(struct sam_bytes *bytes, uint32_t count, struct sam_error *error)
{
    uint8_t more;
    const int status = sam_bytes_read(bytes, &more, 1, error);
    if (status > 0)
        return sam_error_set(error, SAM_FAILED,
                             "%s: goes on at byte %" PRIu64 ", wanted the end after the %" PRIu32
                             " images of its header",
                             bytes->path, bytes->offset - 1, count);
    return status;
}

static void put_in_the_middle(const uint8_t *image, uint8_t *field)
{
    memset(field, 0, SAM_IMAGES_PLANE);
    for (int y = 0; y < SIDE; y++)
        memcpy(field + (y + MARGIN) * SAM_IMAGES_SIDE + MARGIN, image + y * SIDE, SIDE);
}

static int read_pairs(struct sam_bytes *image_file, struct sam_bytes *label_file, uint32_t count,
                      int classes, struct sam_images *images, struct sam_error *error)
{
    for (uint32_t number = 0; number < count; number++) {
        uint8_t image[SIDE * SIDE], label;
        if (read_element(image_file, number, count, image, sizeof image, error) ||
            read_element(label_file, number, count, &label, 1, error))
            return -1;
        if (label >= classes)
            return sam_error_set(
                error, SAM_FAILED,
                "%s: image %" PRIu32 ", byte %" PRIu64 ": label %d, wanted 0 to %d",
                label_file->path, number, label_file->offset - 1, label, classes - 1);
        uint8_t *field = sam_images_append(images, 1, label, error);
        if (!field)
            return -1;
        put_in_the_middle(image, field);
    }
    if (check_end(image_file, count, error) || check_end(label_file, count, error))
        return -1;
    return sam_images_trim(images, 1, error);
}

int sam_idx_read(const char *folder, const char *part, int classes, struct sam_images *images,
                 struct sam_error *error)
{
    struct sam_bytes image_file, label_file;
    uint32_t shape[3], count;
    if (open_array(&image_file, folder, part, "images-idx3-ubyte", 3, shape, error))
        return -1;
    int status = open_array(&label_file, folder, part, "labels-idx1-ubyte", 1, &count, error);
    if (status == 0) {
        status = check_sizes(&image_file, shape, &label_file, count, error);
        if (status == 0)
            status = read_pairs(&image_file, &label_file, count, classes, images, error);
        sam_bytes_close(&label_file);
    }
    sam_bytes_close(&image_file);
    return status;
}
