#include "train/update.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A place in the text of a table. */
struct cursor {
    const char *text, *at;
    struct sam_error *error;
};

static int refuse(const struct cursor *cursor, const char *wanted)
{
    const bool ended = *cursor->at == '\0';
    return sam_error_set(cursor->error, SAM_USAGE, "--mix: '%s': %s%s%s, wanted %s", cursor->text,
                         ended ? "ends too early" : "at '", cursor->at, ended ? "" : "'", wanted);
}

static bool accept(struct cursor *cursor, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(cursor->at, word, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

static int parse_classes(struct cursor *cursor, bool named[SAM_UPDATE_CLASSES])
{
    const bool all = accept(cursor, "all");
    for (int k = 0; k < SAM_UPDATE_CLASSES; k++)
        named[k] = all;
    const char *start = cursor->at;
    while (!all && *cursor->at >= '0' && *cursor->at < '0' + SAM_UPDATE_CLASSES)
        named[*cursor->at++ - '0'] = true;
    if (!all && cursor->at == start)
        return refuse(cursor, "classes as digits 0 to 4, or 'all'");
    return accept(cursor, "=") ? 0 : refuse(cursor, "'=' behind the classes");
}

/* One term; adds its coefficient, times sign, to that of its source: [0] current, [1] perturbed. */
static int parse_term(struct cursor *cursor, double sign, double coefficients[2])
{
    double factor = 1;
    if (isdigit((unsigned char)*cursor->at) || *cursor->at == '.') {
        char *end;
        factor = strtod(cursor->at, &end);
        if (end == cursor->at || !isfinite((float)factor))
            return refuse(cursor, "a number");
        cursor->at = end;
        if (!accept(cursor, "*"))
            return refuse(cursor, "'*' behind the number");
    }
    if (accept(cursor, "current"))
        coefficients[0] += sign * factor;
    else if (accept(cursor, "perturbed"))
        coefficients[1] += sign * factor;
    else
        return refuse(cursor, "'current' or 'perturbed'");
    return 0;
}

static int parse_entry(struct cursor *cursor, struct sam_update *update)
{
    bool named[SAM_UPDATE_CLASSES];
    double coefficients[2] = {0, 0};
    if (parse_classes(cursor, named))
        return -1;
    double sign = accept(cursor, "-") ? -1 : 1;
    do {
        if (parse_term(cursor, sign, coefficients))
            return -1;
        sign = *cursor->at == '-' ? -1 : 1;
    } while (accept(cursor, "+") || accept(cursor, "-"));
    for (int k = 0; k < SAM_UPDATE_CLASSES; k++) {
        if (named[k]) {
            update->current[k] = (float)coefficients[0];
            update->perturbed[k] = (float)coefficients[1];
        }
    }
    return 0;
}

/* Tables with a name. */
static const char *expand(const char *text)
{
    static const char *const tables[][2] = {
        {"current", "all=current"},
        {"perturbed", "all=perturbed"},
        {"magnitude", "12=perturbed,34=-perturbed"},
        {"direction", "12=current,34=-current"},
    };
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strcmp(text, tables[i][0]) == 0)
            return tables[i][1];
    }
    return text;
}

static void start_from_current(struct sam_update *update)
{
    *update = (struct sam_update){.current = {1, 1, 1, 1, 1}};
}

int sam_update_parse_mix(const char *text, struct sam_update *update, struct sam_error *error)
{
    const char *table = expand(text);
    struct cursor cursor = {table, table, error};
    start_from_current(update);
    do {
        if (parse_entry(&cursor, update))
            return -1;
    } while (accept(&cursor, ","));
    return *cursor.at ? refuse(&cursor, "',' or the end") : 0;
}

int sam_update_parse_classes(const char *text, struct sam_update *update, struct sam_error *error)
{
    start_from_current(update);
    if (strcmp(text, "none") == 0)
        return 0;
    for (const char *at = text;; at += 2) {
        const int k = *at - '0';
        const bool valid = k >= 1 && k < SAM_UPDATE_CLASSES && (at[1] == ',' || at[1] == '\0');
        if (!valid || update->perturbed[k] != 0)
            return sam_error_set(error, SAM_USAGE,
                                 "--perturbed-classes: '%s', wanted different classes from 1 to 4 "
                                 "with commas between, or 'none'",
                                 text);
        update->perturbed[k] = 1;
        update->current[k] = 0;
        if (at[1] == '\0')
            return 0;
    }
}

bool sam_update_is_perturbed(const struct sam_update *update)
{
    bool is = update->clamp == 0;
    for (int k = 0; k < SAM_UPDATE_CLASSES; k++)
        is = is && update->perturbed[k] == 1 && update->current[k] == 0;
    return is;
}

/* A term that the table does not ask for is 0, even where the value is not finite. */
static float term(float coefficient, float value)
{
    return coefficient != 0 ? coefficient * value : 0;
}

static void clamp(float limit, const float *current, const uint8_t *classes, size_t n, float *d)
{
    for (size_t i = 0; i < n; i++) {
        const float most = limit * fabsf(current[i]);
        if (classes[i] != 0 && fabsf(d[i]) > most)
            d[i] = copysignf(most, d[i]);
    }
}

void sam_update_direction(const struct sam_update *update, const float *restrict current,
                          const float *restrict perturbed, const uint8_t *restrict classes,
                          size_t n, float *restrict direction)
{
    const float *a = update->perturbed, *b = update->current;
    /* Where both gradients are finite no test is needed: classes are as good as random, so a branch
     * on them would be mispredicted half of the time. (A permuted class does not say whether they
     * are.) */
    for (size_t i = 0; i < n; i++)
        direction[i] = a[classes[i]] * perturbed[i] + b[classes[i]] * current[i];
    for (size_t i = 0; i < n; i++) {
        const uint8_t k = classes[i];
        if (!isfinite(perturbed[i]) || !isfinite(current[i]))
            direction[i] = term(a[k], perturbed[i]) + term(b[k], current[i]);
    }
    if (update->clamp > 0)
        clamp(update->clamp, current, classes, n, direction);
}

void sam_update_permute_classes(struct sam_rng *rng, uint8_t *classes, size_t n)
{
    uint32_t left[SAM_UPDATE_CLASSES] = {0};
    for (size_t i = 0; i < n; i++)
        left[classes[i]]++;
    /* Drawing without replacement from what is left: all orders of the labels are equally likely,
     * and memory is walked in order. */
    for (size_t i = 0; i < n; i++) {
        uint32_t drawn = sam_rng_below(rng, (uint32_t)(n - i));
        uint8_t k = 0;
        while (drawn >= left[k])
            drawn -= left[k++];
        left[k]--;
        classes[i] = k;
    }
}

static bool has_ratio(float current, float perturbed, uint8_t class)
{
    return class != 0 && isfinite(perturbed / current);
}

void sam_update_shuffle_ratios(struct sam_rng *rng, const float *current, float *perturbed,
                               const uint8_t *classes, size_t n, float *scratch)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (has_ratio(current[i], perturbed[i], classes[i]))
            scratch[count++] = perturbed[i] / current[i];
    }
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        if (!has_ratio(current[i], perturbed[i], classes[i]))
            continue;
        const size_t drawn = next + sam_rng_below(rng, (uint32_t)(count - next));
        perturbed[i] = scratch[drawn] * current[i];
        scratch[drawn] = scratch[next++];
    }
}
