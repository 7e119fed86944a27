/* images - a list of labelled images of 32x32 bytes a channel, built one by one. */
#ifndef SAM_DATASET_IMAGES_H
#define SAM_DATASET_IMAGES_H

#include <stdint.h>

#include "base/error.h"

enum { SAM_IMAGES_SIDE = 32, SAM_IMAGES_PLANE = SAM_IMAGES_SIDE * SAM_IMAGES_SIDE };

/* An empty list is all zeros. */
struct sam_images {
    uint8_t *pixels; /* (count, channels, 32, 32) */
    uint8_t *labels; /* (count) */
    uint32_t count;
    uint32_t capacity; /* images there is room for */
};

/* Appends an image with `label`; returns its pixels (channels, 32, 32) for the caller to write,
 * valid until the next append, or NULL with `error`. Every call for a list names the same channels.
 */
uint8_t *sam_images_append(struct sam_images *images, int channels, uint8_t label,
                           struct sam_error *error);

/* Gives back the room that the list does not use. */
int sam_images_trim(struct sam_images *images, int channels, struct sam_error *error);

/* Leaves an empty list. */
void sam_images_free(struct sam_images *images);

#endif
