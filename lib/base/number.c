#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

int sam_number_count(const char *name, const char *text, uint64_t least, uint64_t most,
                     uint64_t *value, struct sam_error *error)
{
    char *end = NULL;
    errno = 0;
    /* strtoull takes signs and white space; a count has neither. */
    unsigned long long parsed = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    if (!end || *end || errno || parsed < least || parsed > most)
        return sam_error_set(error, SAM_USAGE,
                             "%s: '%s', wanted a whole number from %" PRIu64 " to %" PRIu64, name,
                             text, least, most);
    *value = parsed;
    return 0;
}

int sam_number_int(const char *name, const char *text, int least, int most, int *value,
                   struct sam_error *error)
{
    uint64_t parsed;
    if (sam_number_count(name, text, (uint64_t)least, (uint64_t)most, &parsed, error))
        return -1;
    *value = (int)parsed;
    return 0;
}

static const char *parse_double(const char *text, double *value)
{
    char *end;
    if (isspace((unsigned char)text[0]) || text[0] == '\0')
        return NULL;
    *value = strtod(text, &end);
    return end == text ? NULL : end;
}

int sam_number_double(const char *name, const char *text, double least, double most, double *value,
                      struct sam_error *error)
{
    double parsed;
    const char *end = parse_double(text, &parsed);
    if (!end || *end || !isfinite(parsed) || parsed < least || parsed > most)
        return sam_error_set(error, SAM_USAGE, "%s: '%s', wanted a number from %g to %g", name,
                             text, least, most);
    *value = parsed;
    return 0;
}

int sam_number_list(const char *name, const char *text, int infinity, double **values,
                    size_t *count, struct sam_error *error)
{
    size_t commas = 0;
    for (const char *c = text; *c; c++)
        commas += *c == ',';
    double *list = sam_memory_new(commas + 1, sizeof *list, error);
    if (!list)
        return -1;
    const char *item = text;
    for (size_t i = 0; i <= commas; i++) {
        const char *end = parse_double(item, &list[i]);
        const char wanted = i < commas ? ',' : '\0';
        if (!end || *end != wanted || isnan(list[i]) || (isinf(list[i]) && !infinity)) {
            free(list);
            return sam_error_set(error, SAM_USAGE,
                                 "%s: '%s': item %zu, wanted numbers separated by commas", name,
                                 text, i + 1);
        }
        item = end + 1;
    }
    *values = list;
    *count = commas + 1;
    return 0;
}

void sam_number_text(double value, char text[SAM_NUMBER_TEXT])
{
    if (isnan(value)) {
        strcpy(text, "nan"); /* without the sign that printf may give a NaN */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, SAM_NUMBER_TEXT, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
}
