#define XXH_STATIC_LINKING_ONLY /* the hash's state stands on the stack: it cannot fail */
#include "dataset/loader.h"

#include <endian.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"

void sam_loader_order(const uint32_t *indices, uint32_t count, uint64_t seed, uint32_t epoch,
                      uint32_t *order)
{
    struct sam_rng rng;
    sam_rng_init(&rng, seed, SAM_RNG_ORDER, epoch, 0);
    memcpy(order, indices, count * sizeof *order);
    sam_rng_permute(&rng, order, count);
}

/* The arguments of sam_loader_batch(), as its jobs need them. */
struct batch {
    const struct sam_images *images;
    const uint32_t *indices;
    int batch, channels;
    const struct sam_augment *augment;
    struct sam_augment_values values;
    const struct sam_loader_chance *chance;
    float *out;
    uint8_t *labels;
};

/* A job is this many images: some 10 microseconds, far more than handing it out costs. */
enum { JOB = 8 };

static struct sam_rng chance_of(const struct sam_loader_chance *chance, int i, uint32_t index)
{
    struct sam_rng rng;
    sam_rng_init(&rng, chance->seed, chance->drawn ? SAM_RNG_DRAWN : SAM_RNG_AUGMENT, chance->epoch,
                 chance->drawn ? chance->first + (uint32_t)i : index);
    return rng;
}

static void make_images(void *context, size_t job, int worker)
{
    const struct batch *b = context;
    const size_t size = (size_t)b->channels * SAM_IMAGES_PLANE;
    (void)worker;
    for (int i = (int)job * JOB; i < b->batch && i < ((int)job + 1) * JOB; i++) {
        const uint32_t index = b->indices[i];
        struct sam_rng rng = chance_of(b->chance, i, index);
        sam_augment_image(b->augment, &b->values, b->images->pixels + index * size, b->channels,
                          &rng, b->out + (size_t)i * size);
        b->labels[i] = b->images->labels[index];
    }
}

void sam_loader_batch(const struct sam_dataset *dataset, const struct sam_images *images,
                      const uint32_t *indices, int batch, const struct sam_augment *augment,
                      const struct sam_loader_chance *chance, struct sam_pool *pool, float *out,
                      uint8_t *labels)
{
    struct batch context = {.images = images,
                            .indices = indices,
                            .batch = batch,
                            .channels = dataset->channels,
                            .augment = augment,
                            .chance = chance,
                            .out = out,
                            .labels = labels};
    sam_augment_normalise(dataset, &context.values);
    sam_pool_run(pool, ((size_t)batch + JOB - 1) / JOB, make_images, &context);
}

uint64_t sam_loader_identity(const uint32_t *indices, int batch)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (int i = 0; i < batch; i++) {
        const uint32_t word = htole32(indices[i]);
        XXH3_64bits_update(&state, &word, sizeof word);
    }
    return XXH3_64bits_digest(&state);
}
