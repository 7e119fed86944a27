#define XXH_STATIC_LINKING_ONLY /* the hash's state stands on the stack */
#include "train/batches.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/rng.h"

static uint64_t fingerprint(const struct sam_dataset *dataset)
{
    const struct sam_images *const parts[] = {&dataset->train, &dataset->test};
    const size_t bytes = (size_t)dataset->channels * SAM_IMAGES_PLANE;
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    for (int i = 0; i < 2; i++) {
        XXH3_64bits_update(&state, parts[i]->pixels, parts[i]->count * bytes);
        XXH3_64bits_update(&state, parts[i]->labels, parts[i]->count);
    }
    return XXH3_64bits_digest(&state);
}

static int read_data(struct sam_batches *batches, const struct sam_settings *settings,
                     struct sam_error *error)
{
    if (sam_augment_parse(settings->augment, &batches->augment, error) ||
        sam_dataset_load(settings->dataset, sam_settings_folder(settings), &batches->dataset,
                         error) ||
        sam_split_new(&batches->dataset.train, batches->dataset.classes, settings->val_fraction,
                      (uint32_t)settings->train_size, settings->seed, &batches->split, error))
        return -1;
    if (settings->augment_validation)
        batches->validation_augment = batches->augment;
    batches->fingerprint = fingerprint(&batches->dataset);
    return 0;
}

int sam_batches_init(struct sam_batches *batches, const struct sam_settings *settings,
                     struct sam_pool *pool, struct sam_error *error)
{
    *batches = (struct sam_batches){
        .pool = pool, .seed = settings->seed, .size = (uint32_t)settings->batch_size};
    if (read_data(batches, settings, error))
        return -1;
    const size_t pixels = (size_t)batches->dataset.channels * SAM_IMAGES_PLANE;
    batches->order = sam_memory_new(batches->split.train_count, sizeof *batches->order, error);
    batches->images = sam_memory_new(batches->size * pixels, sizeof *batches->images, error);
    batches->labels = sam_memory_new(batches->size, 1, error);
    return batches->order && batches->images && batches->labels ? 0 : -1;
}

void sam_batches_free(struct sam_batches *batches)
{
    sam_dataset_free(&batches->dataset);
    sam_split_free(&batches->split);
    free(batches->order);
    free(batches->images);
    free(batches->labels);
    *batches = (struct sam_batches){0};
}

uint32_t sam_batches_per_epoch(const struct sam_batches *batches)
{
    return (batches->split.train_count + batches->size - 1) / batches->size;
}

static void load(struct sam_batches *batches, const struct sam_images *images,
                 const struct sam_augment *augment, const struct sam_loader_chance *chance,
                 const uint32_t *indices, uint32_t count)
{
    sam_loader_batch(&batches->dataset, images, indices, (int)count, augment, chance, batches->pool,
                     batches->images, batches->labels);
    batches->count = count;
    batches->identity = sam_loader_identity(indices, (int)count);
}

void sam_batches_choose(struct sam_batches *batches, uint32_t epoch, const uint32_t *indices,
                        uint32_t count)
{
    const struct sam_loader_chance chance = {.seed = batches->seed, .epoch = epoch};
    load(batches, &batches->dataset.train, &batches->augment, &chance, indices, count);
}

void sam_batches_draw(struct sam_batches *batches, uint32_t epoch, uint32_t index, uint32_t *room)
{
    const uint64_t seed = batches->seed ^ (uint64_t)batches->size << 32;
    const struct sam_loader_chance chance = {
        .seed = seed, .epoch = epoch, .drawn = true, .first = index * batches->size};
    struct sam_rng rng;
    sam_rng_init(&rng, seed, SAM_RNG_BATCHES, epoch, index);
    for (uint32_t i = 0; i < batches->size; i++)
        room[i] = batches->split.train[sam_rng_below(&rng, batches->split.train_count)];
    load(batches, &batches->dataset.train, &batches->augment, &chance, room, batches->size);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void sam_batches_take(struct sam_batches *batches, uint32_t epoch, uint32_t index)
{
    const uint32_t train = batches->split.train_count, first = index * batches->size;
    if (batches->order_epoch != epoch) {
        sam_loader_order(batches->split.train, train, batches->seed, epoch, batches->order);
        batches->order_epoch = epoch;
    }
    sam_batches_choose(batches, epoch, batches->order + first, least(batches->size, train - first));
}

/* Images to evaluate. */
struct part {
    const struct sam_images *images;
    const uint32_t *indices; /* NULL: all, in order */
    uint32_t count, epoch;
    const struct sam_augment *augment;
    uint8_t *right; /* (count), or NULL: becomes 1 where the answer is correct, else 0 */
};

/* The indices of `count` images from `first`; `room` is for those of a part without a list. */
static const uint32_t *indices_of(const struct part *part, uint32_t first, uint32_t count,
                                  uint32_t *room)
{
    if (part->indices)
        return part->indices + first;
    for (uint32_t i = 0; i < count; i++)
        room[i] = first + i;
    return room;
}

static int evaluate(struct sam_batches *batches, struct sam_engine *engine,
                    const struct sam_model *model, const struct part *part, sam_batches_stop *stop,
                    void *context, struct sam_batches_score *score)
{
    enum { ROOM = 256 };
    uint32_t room[ROOM];
    const uint32_t size = least(batches->size, ROOM);
    double loss = 0;
    uint64_t correct = 0;
    const struct sam_loader_chance chance = {.seed = batches->seed, .epoch = part->epoch};
    for (uint32_t first = 0; first < part->count; first += size) {
        if (stop(context))
            return 1;
        const uint32_t count = least(size, part->count - first);
        struct sam_engine_result result;
        load(batches, part->images, part->augment, &chance, indices_of(part, first, count, room),
             count);
        sam_engine_evaluate(engine, model->parameters, model->buffers, batches->images,
                            batches->labels, (int)count, &result,
                            part->right ? part->right + first : NULL);
        loss += result.loss * count;
        correct += result.correct;
    }
    score->loss = loss / part->count;
    score->accuracy = 100 * (double)correct / part->count;
    return 0;
}

int sam_batches_validate(struct sam_batches *batches, struct sam_engine *engine,
                         const struct sam_model *model, uint32_t epoch, sam_batches_stop *stop,
                         void *context, struct sam_batches_score *score)
{
    const struct part part = {&batches->dataset.train,         batches->split.validation,
                              batches->split.validation_count, epoch,
                              &batches->validation_augment,    NULL};
    return evaluate(batches, engine, model, &part, stop, context, score);
}

int sam_batches_test(struct sam_batches *batches, struct sam_engine *engine,
                     const struct sam_model *model, sam_batches_stop *stop, void *context,
                     struct sam_batches_score *score, uint8_t *right)
{
    const struct sam_augment none = {0};
    const struct part part = {
        &batches->dataset.test, NULL, batches->dataset.test.count, 0, &none, right};
    return evaluate(batches, engine, model, &part, stop, context, score);
}
