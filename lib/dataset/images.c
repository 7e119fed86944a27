#include "dataset/images.h"

#include <stdlib.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 64 };

static int resize(struct sam_images *images, int channels, uint32_t capacity,
                  struct sam_error *error)
{
    const size_t image = (size_t)channels * SAM_IMAGES_PLANE;
    uint8_t *pixels = sam_memory_resize(images->pixels, capacity, image, error);
    if (!pixels)
        return -1;
    images->pixels = pixels;
    uint8_t *labels = sam_memory_resize(images->labels, capacity, 1, error);
    if (!labels)
        return -1;
    images->labels = labels;
    images->capacity = capacity;
    return 0;
}

/* Doubling does not cost what it seems to: pages of the new half are memory only once written to.
 */
static int grow(struct sam_images *images, int channels, struct sam_error *error)
{
    if (images->capacity > UINT32_MAX / 2)
        return sam_error_set(error, SAM_FAILED, "more than %u images, wanted at most as many",
                             images->count);
    return resize(images, channels, images->capacity ? 2 * images->capacity : FIRST_CAPACITY,
                  error);
}

uint8_t *sam_images_append(struct sam_images *images, int channels, uint8_t label,
                           struct sam_error *error)
{
    if (images->count == images->capacity && grow(images, channels, error))
        return NULL;
    images->labels[images->count] = label;
    return images->pixels + (size_t)images->count++ * (size_t)channels * SAM_IMAGES_PLANE;
}

int sam_images_trim(struct sam_images *images, int channels, struct sam_error *error)
{
    return resize(images, channels, images->count, error);
}

void sam_images_free(struct sam_images *images)
{
    free(images->pixels);
    free(images->labels);
    *images = (struct sam_images){0};
}
