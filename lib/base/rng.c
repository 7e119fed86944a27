#include "base/rng.h"

#include <Random123/philox.h>

void sam_rng_init(struct sam_rng *rng, uint64_t seed, enum sam_rng_purpose purpose, uint32_t epoch,
                  uint32_t index)
{
    *rng = (struct sam_rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, (uint32_t)purpose, epoch, index},
    };
}

static void refill(struct sam_rng *rng)
{
    const philox4x32_key_t key = {{rng->key[0], rng->key[1]}};
    const philox4x32_ctr_t counter = {
        {rng->counter[0], rng->counter[1], rng->counter[2], rng->counter[3]}};
    const philox4x32_ctr_t block = philox4x32(counter, key);
    for (int i = 0; i < 4; i++)
        rng->block[i] = block.v[i];
    rng->counter[0]++;
    rng->left = 4;
}

uint32_t sam_rng_u32(struct sam_rng *rng)
{
    if (rng->left == 0)
        refill(rng);
    return rng->block[4 - rng->left--];
}

float sam_rng_float(struct sam_rng *rng)
{
    return (float)(sam_rng_u32(rng) >> 8) * 0x1p-24f;
}

uint32_t sam_rng_below(struct sam_rng *rng, uint32_t bound)
{
    /* Values below 2^32 mod bound are drawn again, so that every remainder is equally frequent. */
    const uint32_t reject = -bound % bound;
    uint32_t value;
    do
        value = sam_rng_u32(rng);
    while (value < reject);
    return value % bound;
}

void sam_rng_permute(struct sam_rng *rng, uint32_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = sam_rng_below(rng, (uint32_t)i);
        const uint32_t item = items[i - 1];
        items[i - 1] = items[j];
        items[j] = item;
    }
}
