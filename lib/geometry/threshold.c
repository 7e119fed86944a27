#include "geometry/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geometry/kernels.h"

/* Fewer elements than SAMPLED are all looked at in the first pass. The bins that it uses are not
 * more than a core's cache holds: it only guesses. */
enum { STRIDE = 16, SAMPLED = 1 << 20, FIRST_LOG_BINS = 16 };

int sam_threshold_init(struct sam_threshold *threshold, int log_bins, int ratio_class,
                       struct sam_error *error)
{
    *threshold = (struct sam_threshold){.log_bins = log_bins};
    threshold->range.ratio_class = (uint8_t)ratio_class;
    threshold->range.bins =
        sam_memory_new((size_t)1 << log_bins, sizeof *threshold->range.bins, error);
    return threshold->range.bins ? 0 : -1;
}

void sam_threshold_free(struct sam_threshold *threshold)
{
    free(threshold->range.bins);
    *threshold = (struct sam_threshold){0};
}

/* One above the largest key: that of a NaN with all bits set. */
static uint64_t keys_end(const struct sam_threshold *threshold)
{
    return UINT64_C(1) << (threshold->wide ? 63 : 31);
}

/* Bins in use. */
static size_t bin_count(const struct sam_threshold_range *range)
{
    return (size_t)((range->high - range->low - 1) >> range->shift) + 1;
}

static void begin_pass(struct sam_threshold *threshold, uint64_t low, uint64_t high, int log_bins)
{
    struct sam_threshold_range *range = &threshold->range;
    range->low = low;
    range->high = high;
    range->shift = 0;
    while ((high - low - 1) >> range->shift >> log_bins)
        range->shift++;
    range->above[0] = range->above[1] = threshold->seen = 0;
    memset(range->bins, 0, bin_count(range) * sizeof *range->bins);
}

void sam_threshold_begin(struct sam_threshold *threshold, uint64_t size, bool wide)
{
    const int log_bins =
        threshold->log_bins < FIRST_LOG_BINS ? threshold->log_bins : FIRST_LOG_BINS;
    threshold->wide = wide;
    threshold->size = size;
    begin_pass(threshold, 0, keys_end(threshold), log_bins);
    threshold->sampling = size >= SAMPLED;
    threshold->known = !threshold->sampling;
    threshold->done = size == 0;
    threshold->members = 0;
}

/* --- A pass ----------------------------------------------------------------------------------- */

static uint64_t key_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & INT64_MAX;
}

static uint64_t key_of_float(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & INT32_MAX;
}

static void count_key(struct sam_threshold_range *range, uint64_t key, uint8_t ratio_class)
{
    const bool member = ratio_class == range->ratio_class;
    if (key >= range->high)
        range->above[member]++;
    else if (key >= range->low)
        range->bins[(key - range->low) >> range->shift][member]++;
}

/* The first element of a piece that the pass looks at: sampling takes those whose number in their
 * array is a multiple of STRIDE. */
static size_t first_of(const struct sam_threshold *threshold, uint64_t first)
{
    return threshold->sampling ? (STRIDE - first % STRIDE) % STRIDE : 0;
}

void sam_threshold_add(struct sam_threshold *threshold, const float *values, const uint8_t *classes,
                       uint64_t first, size_t count)
{
    const size_t stride = threshold->sampling ? STRIDE : 1;
    threshold->seen += count;
    if (!threshold->sampling && !threshold->wide) {
        sam_kernels_best()->count_range(&threshold->range, values, classes, count);
        return;
    }
    for (size_t i = first_of(threshold, first); i < count; i += stride)
        count_key(&threshold->range, threshold->wide ? key_of(values[i]) : key_of_float(values[i]),
                  classes[i]);
}

void sam_threshold_add_double(struct sam_threshold *threshold, const double *values,
                              const uint8_t *classes, uint64_t first, size_t count)
{
    const size_t stride = threshold->sampling ? STRIDE : 1;
    threshold->seen += count;
    for (size_t i = first_of(threshold, first); i < count; i += stride)
        count_key(&threshold->range, key_of(values[i]), classes[i]);
}

/* --- Between passes --------------------------------------------------------------------------- */

/* The highest bin such that it and the bins above it hold more than `rank` elements, or -1; in
 * before[] what those above it hold. */
static int64_t find_bin(const struct sam_threshold_range *range, uint64_t rank, uint64_t before[2])
{
    before[0] = before[1] = 0;
    for (int64_t bin = (int64_t)bin_count(range) - 1; bin >= 0; bin--) {
        const uint64_t *held = range->bins[bin];
        if (before[0] + before[1] + held[0] + held[1] > rank)
            return bin;
        before[0] += held[0];
        before[1] += held[1];
    }
    return -1;
}

static uint64_t low_of(const struct sam_threshold_range *range, int64_t bin)
{
    return range->low + ((uint64_t)bin << range->shift);
}

/* A guess: where element k's share of the sample lies, and four standard deviations of its rank (at
 * most sqrt(samples)/2 each) to either side. */
static void guess_range(struct sam_threshold *threshold, uint64_t k)
{
    const struct sam_threshold_range *range = &threshold->range;
    uint64_t held[2];
    find_bin(range, UINT64_MAX, held);
    const double samples = (double)(held[0] + held[1]);
    const double rank = (double)k / (double)threshold->size * samples;
    const double margin = 2 * sqrt(samples) + 1;
    const int64_t top = rank > margin ? find_bin(range, (uint64_t)(rank - margin), held) : -1;
    const int64_t bottom = find_bin(range, (uint64_t)(rank + margin), held);
    const uint64_t high = top < 0 ? range->high : low_of(range, top + 1);
    begin_pass(threshold, bottom < 0 ? 0 : low_of(range, bottom), high, threshold->log_bins);
    threshold->sampling = false;
}

static int mismatch(struct sam_error *error)
{
    return sam_error_set(error, SAM_FAILED, "the data are not the same in each pass");
}

/* Element k is outside of the range that was guessed: on to the side where it is. */
static int leave_range(struct sam_threshold *threshold, bool upward)
{
    const uint64_t low = threshold->range.low, high = threshold->range.high;
    threshold->known = true;
    if (upward)
        begin_pass(threshold, high, keys_end(threshold), threshold->log_bins);
    else
        begin_pass(threshold, 0, low, threshold->log_bins);
    return 1;
}

/* Element k is in the bin: the next range, or the end. */
static int enter_bin(struct sam_threshold *threshold, int64_t bin, uint64_t members_before)
{
    const struct sam_threshold_range *range = &threshold->range;
    const uint64_t low = low_of(range, bin), width = UINT64_C(1) << range->shift;
    const uint64_t high = range->high - low > width ? low + width : range->high;
    threshold->members = range->above[1] + members_before;
    threshold->known = true;
    threshold->done = high - low == 1;
    begin_pass(threshold, low, high, threshold->log_bins);
    return threshold->done ? 0 : 1;
}

int sam_threshold_narrow(struct sam_threshold *threshold, uint64_t k, struct sam_error *error)
{
    const struct sam_threshold_range *range = &threshold->range;
    const uint64_t above = range->above[0] + range->above[1];
    uint64_t before[2];
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
    const int64_t bin = k < above ? -1 : find_bin(range, k - above, before);
    if (bin >= 0)
        return enter_bin(threshold, bin, before[1]);
    return threshold->known ? mismatch(error) : leave_range(threshold, k < above);
}

double sam_threshold_value(const struct sam_threshold *threshold)
{
    const uint32_t bits = (uint32_t)threshold->range.low;
    float narrow;
    double value;
    if (threshold->size == 0)
        return NAN;
    memcpy(&narrow, &bits, sizeof narrow);
    memcpy(&value, &threshold->range.low, sizeof value);
    return threshold->wide ? value : narrow;
}

uint64_t sam_threshold_members(const struct sam_threshold *threshold)
{
    return threshold->members;
}
