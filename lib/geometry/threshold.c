#include "geometry/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geometry/kernels.h"

/* Fewer elements than SAMPLED are all looked at in the first pass. */
enum { STRIDE = 16, SAMPLED = 1 << 20 };

int sam_threshold_init(struct sam_threshold *threshold, bool wide, int log_bins,
                       struct sam_error *error)
{
    *threshold = (struct sam_threshold){.wide = wide, .log_bins = log_bins};
    threshold->bins = sam_memory_new((size_t)1 << log_bins, sizeof *threshold->bins, error);
    return threshold->bins ? 0 : -1;
}

void sam_threshold_free(struct sam_threshold *threshold)
{
    free(threshold->bins);
    *threshold = (struct sam_threshold){0};
}

/* One above the largest key: that of a NaN with all bits set. */
static uint64_t keys_end(const struct sam_threshold *threshold)
{
    return UINT64_C(1) << (threshold->wide ? 63 : 31);
}

static void begin_pass(struct sam_threshold *threshold, uint64_t low, uint64_t high)
{
    threshold->low = low;
    threshold->high = high;
    threshold->shift = 0;
    while ((high - low - 1) >> threshold->shift >> threshold->log_bins)
        threshold->shift++;
    threshold->seen = threshold->above = 0;
    memset(threshold->bins, 0, sizeof *threshold->bins << threshold->log_bins);
}

void sam_threshold_begin(struct sam_threshold *threshold, uint64_t size)
{
    begin_pass(threshold, 0, keys_end(threshold));
    threshold->size = size;
    threshold->sampling = size >= SAMPLED;
    threshold->known = !threshold->sampling;
    threshold->done = size == 0;
}

/* --- A pass -------------------------------------------------------------------------------------
 */

static uint64_t key_of_float(float value, bool wide)
{
    uint32_t bits;
    if (wide) {
        const double widened = value;
        uint64_t wide_bits;
        memcpy(&wide_bits, &widened, sizeof wide_bits);
        return wide_bits & INT64_MAX;
    }
    memcpy(&bits, &value, sizeof bits);
    return bits & INT32_MAX;
}

static uint64_t key_of_double(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & INT64_MAX;
}

static void count_key(struct sam_threshold *threshold, uint64_t key)
{
    if (key >= threshold->high)
        threshold->above++;
    else if (key >= threshold->low)
        threshold->bins[(key - threshold->low) >> threshold->shift]++;
}

/* The first element of a piece that the sampling looks at: of their array, those with numbers that
 * are multiples of STRIDE. */
static size_t first_sample(uint64_t first)
{
    return (STRIDE - first % STRIDE) % STRIDE;
}

void sam_threshold_add(struct sam_threshold *threshold, const float *values, uint64_t first,
                       size_t count)
{
    threshold->seen += count;
    if (threshold->sampling)
        for (size_t i = first_sample(first); i < count; i += STRIDE)
            count_key(threshold, key_of_float(values[i], threshold->wide));
    else if (threshold->wide)
        for (size_t i = 0; i < count; i++)
            count_key(threshold, key_of_float(values[i], true));
    else
        threshold->above += sam_kernels_best()->count_range(values, count, (uint32_t)threshold->low,
                                                            (uint32_t)threshold->high,
                                                            threshold->shift, threshold->bins);
}

void sam_threshold_add_double(struct sam_threshold *threshold, const double *values, uint64_t first,
                              size_t count)
{
    const size_t stride = threshold->sampling ? STRIDE : 1;
    threshold->seen += count;
    for (size_t i = threshold->sampling ? first_sample(first) : 0; i < count; i += stride)
        count_key(threshold, key_of_double(values[i]));
}

/* --- Between passes -----------------------------------------------------------------------------
 */

/* The highest bin such that it and the bins above it hold more than `rank` elements, and in *before
 * how many those above it hold; -1 if there are not so many. */
static int64_t find_bin(const struct sam_threshold *threshold, uint64_t rank, uint64_t *before)
{
    *before = 0;
    for (int64_t bin = (INT64_C(1) << threshold->log_bins) - 1; bin >= 0; bin--) {
        if (*before + threshold->bins[bin] > rank)
            return bin;
        *before += threshold->bins[bin];
    }
    return -1;
}

static uint64_t bin_low(const struct sam_threshold *threshold, int64_t bin)
{
    return threshold->low + ((uint64_t)bin << threshold->shift);
}

/* A guess: where element k's share of the sample lies, and four standard deviations of its rank (at
 * most sqrt(samples)/2 each) to either side. */
static void guess_range(struct sam_threshold *threshold, uint64_t k)
{
    uint64_t samples = 0, before;
    for (size_t bin = 0; bin < (size_t)1 << threshold->log_bins; bin++)
        samples += threshold->bins[bin];
    const double rank = (double)k / (double)threshold->size * (double)samples;
    const double margin = 2 * sqrt((double)samples) + 1;
    const int64_t top =
        rank > margin ? find_bin(threshold, (uint64_t)(rank - margin), &before) : -1;
    const int64_t bottom = find_bin(threshold, (uint64_t)(rank + margin), &before);
    const uint64_t high = top < 0 ? threshold->high : bin_low(threshold, top + 1);
    begin_pass(threshold, bottom < 0 ? 0 : bin_low(threshold, bottom), high);
    threshold->sampling = false;
}

static int mismatch(struct sam_error *error)
{
    return sam_error_set(error, SAM_FAILED, "the data are not the same in each pass");
}

/* Element k is outside of the range that was guessed: on to the side where it is. */
static int leave_range(struct sam_threshold *threshold, uint64_t k)
{
    threshold->known = true;
    if (k < threshold->above)
        begin_pass(threshold, threshold->high, keys_end(threshold));
    else
        begin_pass(threshold, 0, threshold->low);
    return 1;
}

int sam_threshold_narrow(struct sam_threshold *threshold, uint64_t k, struct sam_error *error)
{
    uint64_t before;
    if (threshold->done)
        return 0;
    if (threshold->seen != threshold->size)
        return mismatch(error);
    if (k >= threshold->size)
        k = threshold->size - 1;
    if (threshold->sampling) {
        guess_range(threshold, k);
        return 1;
    }
    const int64_t bin =
        k < threshold->above ? -1 : find_bin(threshold, k - threshold->above, &before);
    if (bin < 0 && !threshold->known)
        return leave_range(threshold, k);
    if (bin < 0)
        return mismatch(error);
    const uint64_t low = bin_low(threshold, bin), width = UINT64_C(1) << threshold->shift;
    const uint64_t high = threshold->high - low > width ? low + width : threshold->high;
    threshold->known = true;
    threshold->done = high - low == 1;
    begin_pass(threshold, low, high);
    return threshold->done ? 0 : 1;
}

double sam_threshold_value(const struct sam_threshold *threshold)
{
    const uint32_t bits = (uint32_t)threshold->low;
    float narrow;
    double value;
    if (threshold->size == 0)
        return NAN;
    memcpy(&narrow, &bits, sizeof narrow);
    memcpy(&value, &threshold->low, sizeof value);
    return threshold->wide ? value : narrow;
}

/* --- Beyond a bound -----------------------------------------------------------------------------
 */

void sam_threshold_keep(const float *values, const uint8_t *classes, size_t n, double bound,
                        uint8_t *kept)
{
    /* A float above the bound is above the next float below it, and the other way round. */
    float below = (float)bound;
    if (below > bound)
        below = nextafterf(below, -INFINITY);
    sam_kernels_best()->keep_above_float(values, classes, n, below, kept);
}

void sam_threshold_keep_double(const double *values, const uint8_t *classes, size_t n, double bound,
                               uint8_t *kept)
{
    sam_kernels_best()->keep_above_double(values, classes, n, bound, kept);
}
