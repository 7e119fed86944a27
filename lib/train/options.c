#include "train/options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "train/settings.h"

/* "meaning (default)". */
static char *help_text(const struct sam_setting *setting, struct sam_error *error)
{
    char text[256];
    const char *fallback = setting->fallback;
    snprintf(text, sizeof text, "%s%s%s%s", setting->meaning, fallback ? " (" : "",
             fallback ? fallback : "", fallback ? ")" : "");
    return sam_memory_string(text, error);
}

struct argp_option *sam_options_new(unsigned roles, struct sam_error *error)
{
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    struct argp_option *options = sam_memory_new(count + 1, sizeof *options, error);
    struct argp_option *option = options;
    for (size_t i = 0; options && i < count; i++) {
        if ((table[i].roles & roles) != roles)
            continue;
        *option = (struct argp_option){
            .name = table[i].name,
            .key = SAM_OPTIONS_KEY + (int)i,
            .arg = table[i].argument,
            .flags = table[i].roles & SAM_SETTINGS_OPTIONAL ? OPTION_ARG_OPTIONAL : 0,
            .doc = help_text(&table[i], error),
            .group = 1, /* keeps the order of the table */
        };
        if (!option++->doc) {
            sam_options_free(options);
            return NULL;
        }
    }
    return options;
}

void sam_options_free(struct argp_option *options)
{
    for (struct argp_option *option = options; option && option->name; option++)
        free((char *)option->doc);
    free(options);
}
