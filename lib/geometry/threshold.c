#include "geometry/threshold.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "geometry/kernels.h"

/* Fewer elements than SAMPLED are all looked at in the first pass. The bins that it uses are not
 * more than a core's cache holds: it only guesses. */
enum { STRIDE = 16, SAMPLED = 1 << 15, FIRST_LOG_BINS = 16 };
enum { LEAST_LOG_BINS = 12, ELEMENTS_A_BIN = 16 };

int sam_threshold_init(struct sam_threshold *threshold, int log_bins, int ratio_class,
                       struct sam_error *error)
{
    *threshold = (struct sam_threshold){.log_bins = log_bins};
    threshold->range.ratio_class = (uint8_t)ratio_class;
    const size_t bins = (size_t)1 << log_bins, each = sizeof *threshold->bins;
    if (!(threshold->arena = sam_arena_new(bins * each, error)))
        return -1;
    threshold->bins = sam_arena_take(threshold->arena, bins, each, error);
    return 0;
}

void sam_threshold_free(struct sam_threshold *threshold)
{
    sam_arena_free(threshold->arena);
    *threshold = (struct sam_threshold){0};
}

/* One above the largest key: that of a NaN with all bits set. */
static uint64_t keys_end(const struct sam_threshold *threshold)
{
    return UINT64_C(1) << (threshold->wide ? 63 : 31);
}

/* Bins in use. */
static size_t bin_count(const struct sam_threshold *threshold)
{
    const struct sam_threshold_range *range = &threshold->range;
    return (size_t)((range->high - range->low - 1) >> threshold->shift) + 1;
}

/* Few elements are worth few bins: to clear and to sum up all of them would take longer than one
 * pass more. */
static int log_bins_for(const struct sam_threshold *threshold, int most)
{
    int log_bins = LEAST_LOG_BINS;
    while (threshold->size >> log_bins > ELEMENTS_A_BIN)
        log_bins++;
    most = log_bins < most ? log_bins : most;
    return threshold->log_bins < most ? threshold->log_bins : most;
}

static void begin_pass(struct sam_threshold *threshold, uint64_t low, uint64_t high,
                       int most_log_bins)
{
    const int log_bins = log_bins_for(threshold, most_log_bins);
    threshold->range.low = low;
    threshold->range.high = high;
    threshold->shift = 0;
    while ((high - low - 1) >> threshold->shift >> log_bins)
        threshold->shift++;
    threshold->above[0] = threshold->above[1] = threshold->seen = 0;
    memset(threshold->bins, 0, bin_count(threshold) * sizeof *threshold->bins);
}

void sam_threshold_begin(struct sam_threshold *threshold, uint64_t size, bool wide)
{
    threshold->wide = wide;
    threshold->size = size;
    begin_pass(threshold, 0, keys_end(threshold), FIRST_LOG_BINS);
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

/* The first element of a piece that the pass looks at: sampling takes those whose number in their
 * array is a multiple of STRIDE. */
static size_t first_of(const struct sam_threshold *threshold, uint64_t first)
{
    return threshold->sampling ? (STRIDE - first % STRIDE) % STRIDE : 0;
}

static void find_nothing(struct sam_threshold_found *found, size_t count)
{
    found->seen = count;
    found->above[0] = found->above[1] = found->inside = 0;
}

void sam_threshold_look(const struct sam_threshold *threshold, const float *values,
                        const uint8_t *classes, uint64_t first, size_t count,
                        struct sam_threshold_found *found)
{
    const size_t stride = threshold->sampling ? STRIDE : 1;
    find_nothing(found, count);
    if (!threshold->sampling && !threshold->wide) {
        sam_kernels_best()->find_range(&threshold->range, values, classes, count, found);
        return;
    }
    for (size_t i = first_of(threshold, first); i < count; i += stride)
        sam_kernels_look_at(&threshold->range,
                            threshold->wide ? key_of(values[i]) : key_of_float(values[i]),
                            classes[i], found);
}

void sam_threshold_look_double(const struct sam_threshold *threshold, const double *values,
                               const uint8_t *classes, uint64_t first, size_t count,
                               struct sam_threshold_found *found)
{
    const size_t stride = threshold->sampling ? STRIDE : 1;
    find_nothing(found, count);
    for (size_t i = first_of(threshold, first); i < count; i += stride)
        sam_kernels_look_at(&threshold->range, key_of(values[i]), classes[i], found);
}

void sam_threshold_add(struct sam_threshold *threshold, const struct sam_threshold_found *found)
{
    threshold->seen += found->seen;
    for (int member = 0; member < 2; member++)
        threshold->above[member] += found->above[member];
    for (size_t i = 0; i < found->inside; i++) {
        const uint64_t key = found->keys[i] / 2, member = found->keys[i] % 2;
        threshold->bins[(key - threshold->range.low) >> threshold->shift][member]++;
    }
}

/* --- Between passes --------------------------------------------------------------------------- */

/* The highest bin such that it and the bins above it hold more than `rank` elements, or -1; in
 * before[] what those above it hold. */
static int64_t find_bin(const struct sam_threshold *threshold, uint64_t rank, uint64_t before[2])
{
    before[0] = before[1] = 0;
    for (int64_t bin = (int64_t)bin_count(threshold) - 1; bin >= 0; bin--) {
        const uint64_t *held = threshold->bins[bin];
        if (before[0] + before[1] + held[0] + held[1] > rank)
            return bin;
        before[0] += held[0];
        before[1] += held[1];
    }
    return -1;
}

static uint64_t low_of(const struct sam_threshold *threshold, int64_t bin)
{
    return threshold->range.low + ((uint64_t)bin << threshold->shift);
}

/* A guess: where element k's share of the sample lies, and four standard deviations of its rank (at
 * most sqrt(samples)/2 each) to either side. */
static void guess_range(struct sam_threshold *threshold, uint64_t k)
{
    const struct sam_threshold_range *range = &threshold->range;
    uint64_t held[2];
    find_bin(threshold, UINT64_MAX, held);
    const double samples = (double)(held[0] + held[1]);
    const double rank = (double)k / (double)threshold->size * samples;
    const double margin = 2 * sqrt(samples) + 1;
    const int64_t top = rank > margin ? find_bin(threshold, (uint64_t)(rank - margin), held) : -1;
    const int64_t bottom = find_bin(threshold, (uint64_t)(rank + margin), held);
    const uint64_t high = top < 0 ? range->high : low_of(threshold, top + 1);
    begin_pass(threshold, bottom < 0 ? 0 : low_of(threshold, bottom), high, threshold->log_bins);
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
    const uint64_t low = low_of(threshold, bin), width = UINT64_C(1) << threshold->shift;
    const uint64_t high = range->high - low > width ? low + width : range->high;
    threshold->members = threshold->above[1] + members_before;
    threshold->known = true;
    threshold->done = high - low == 1;
    begin_pass(threshold, low, high, threshold->log_bins);
    return threshold->done ? 0 : 1;
}

int sam_threshold_narrow(struct sam_threshold *threshold, uint64_t k, struct sam_error *error)
{
    const uint64_t above = threshold->above[0] + threshold->above[1];
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
    const int64_t bin = k < above ? -1 : find_bin(threshold, k - above, before);
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
