#include "base/ranges.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/memory.h"

/* A number at *at, which moves behind it; false if there is none or it is out of bounds. */
static bool take_number(const char **at, uint64_t least, uint64_t most, uint64_t *value)
{
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *value = strtoull(*at, &end, 10);
    *at = end;
    return errno == 0 && *value >= least && *value <= most;
}

static bool take_range(const char **at, uint64_t least, uint64_t most, struct sam_range *range)
{
    if (!take_number(at, least, most, &range->first))
        return false;
    range->last = range->first;
    if (**at != '-')
        return true;
    ++*at;
    return take_number(at, range->first, most, &range->last);
}

int sam_ranges_parse(const char *name, const char *text, uint64_t least, uint64_t most,
                     struct sam_ranges *ranges, struct sam_error *error)
{
    size_t items = 1;
    for (const char *c = text; *c; c++)
        items += *c == ',';
    *ranges = (struct sam_ranges){.list = sam_memory_new(items, sizeof *ranges->list, error)};
    if (!ranges->list)
        return -1;
    const char *at = text;
    for (; ranges->count < items; ranges->count++) {
        const bool valid = take_range(&at, least, most, &ranges->list[ranges->count]);
        if (!valid || *at != (ranges->count + 1 < items ? ',' : '\0')) {
            const size_t item = ranges->count + 1;
            sam_ranges_free(ranges);
            return sam_error_set(error, SAM_USAGE,
                                 "%s: '%s': item %zu, wanted numbers or ranges FIRST-LAST from "
                                 "%" PRIu64 " to %" PRIu64 " with commas between",
                                 name, text, item, least, most);
        }
        at++;
    }
    return 0;
}

void sam_ranges_free(struct sam_ranges *ranges)
{
    free(ranges->list);
    *ranges = (struct sam_ranges){0};
}

bool sam_ranges_contain(const struct sam_ranges *ranges, uint64_t value)
{
    for (size_t i = 0; i < ranges->count; i++) {
        if (value >= ranges->list[i].first && value <= ranges->list[i].last)
            return true;
    }
    return false;
}
