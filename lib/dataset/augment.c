#include "dataset/augment.h"

#include <string.h>

enum {
    SIDE = SAM_IMAGES_SIDE,
    PADDING = 4,
    FIELD = SIDE + 2 * PADDING, /* side of the padded image */
    BOX = 16,                   /* side of Cutout's box */
};

int sam_augment_parse(const char *text, struct sam_augment *augment, struct sam_error *error)
{
    struct sam_augment parsed = {0};
    const struct {
        const char *name;
        bool *on;
    } steps[] = {{"crop", &parsed.crop}, {"flip", &parsed.flip}, {"cutout", &parsed.cutout}};
    if (strcmp(text, "none") == 0) {
        *augment = parsed;
        return 0;
    }
    if (strcmp(text, "all") == 0)
        text = "crop,flip,cutout";
    for (const char *item = text;; item++) {
        const size_t length = strcspn(item, ",");
        bool known = false;
        for (int i = 0; i < 3; i++)
            if (strlen(steps[i].name) == length && memcmp(item, steps[i].name, length) == 0)
                known = *steps[i].on = true;
        if (!known)
            return sam_error_set(
                error, SAM_USAGE,
                "augmentation '%s', wanted none, all, or a list of crop,flip,cutout", text);
        item += length;
        if (*item == '\0')
            break;
    }
    *augment = parsed;
    return 0;
}

void sam_augment_normalise(const struct sam_dataset *dataset, struct sam_augment_values *values)
{
    for (int c = 0; c < dataset->channels; c++)
        for (int byte = 0; byte < 256; byte++)
            values->of[c][byte] = ((float)byte / 255.0f - dataset->mean[c]) / dataset->sd[c];
}

/* What happens to one image. */
struct draw {
    int top, left; /* of the crop in the padded image */
    bool flip, cutout;
    int box_top, box_left;
};

static struct draw draw_all(const struct sam_augment *augment, struct sam_rng *rng)
{
    struct draw draw;
    draw.top = (int)sam_rng_below(rng, 2 * PADDING + 1);
    draw.left = (int)sam_rng_below(rng, 2 * PADDING + 1);
    draw.flip = sam_rng_below(rng, 2) && augment->flip;
    draw.cutout = sam_rng_below(rng, 2) && augment->cutout;
    draw.box_top = (int)sam_rng_below(rng, SIDE) - BOX / 2;
    draw.box_left = (int)sam_rng_below(rng, SIDE) - BOX / 2;
    if (!augment->crop)
        draw.top = draw.left = PADDING;
    return draw;
}

/* Puts a plane (32, 32) into the middle of `field` (40, 40), whose edges are black. */
static void pad(const uint8_t *plane, uint8_t *field)
{
    for (int y = 0; y < SIDE; y++)
        memcpy(field + (y + PADDING) * FIELD + PADDING, plane + y * SIDE, SIDE);
}

/* Crops, flips and normalises one plane: `field` (40, 40) to `out` (32, 32). */
static void view(const struct draw *draw, const uint8_t *field, const float *values, float *out)
{
    for (int y = 0; y < SIDE; y++) {
        const uint8_t *row = field + (draw->top + y) * FIELD + draw->left;
        for (int x = 0; x < SIDE; x++)
            out[y * SIDE + x] = values[row[draw->flip ? SIDE - 1 - x : x]];
    }
}

static int clip(int position)
{
    return position < 0 ? 0 : position > SIDE ? SIDE : position;
}

static void cut_out(const struct draw *draw, float *plane)
{
    const int left = clip(draw->box_left), right = clip(draw->box_left + BOX);
    for (int y = clip(draw->box_top); y < clip(draw->box_top + BOX); y++)
        for (int x = left; x < right; x++)
            plane[y * SIDE + x] = 0.0f;
}

void sam_augment_image(const struct sam_augment *augment, const struct sam_augment_values *values,
                       const uint8_t *pixels, int channels, struct sam_rng *rng, float *out)
{
    uint8_t field[FIELD * FIELD] = {0};
    const struct draw draw = draw_all(augment, rng);
    for (int c = 0; c < channels; c++) {
        float *plane = out + c * SAM_IMAGES_PLANE;
        pad(pixels + c * SAM_IMAGES_PLANE, field);
        view(&draw, field, values->of[c], plane);
        if (draw.cutout)
            cut_out(&draw, plane);
    }
}
