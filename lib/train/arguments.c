#include "train/arguments.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* "meaning (default)". */
static char *help_text(const char *meaning, const char *fallback, struct sam_error *error)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s%s%s", meaning, fallback ? " (" : "", fallback ? fallback : "",
             fallback ? ")" : "");
    return sam_memory_string(text, error);
}

static size_t count_of(const struct argp_option *options)
{
    size_t count = 0;
    while (options[count].name)
        count++;
    return count;
}

static struct argp_option from_setting(const struct sam_setting *setting, size_t index)
{
    return (struct argp_option){
        .name = setting->name,
        .key = SAM_ARGUMENTS_KEY + (int)index,
        .arg = setting->argument,
        .flags = setting->roles & SAM_SETTINGS_OPTIONAL ? OPTION_ARG_OPTIONAL : 0,
    };
}

/* Appends an option with a help text of its own. */
static int append(struct argp_option *list, size_t at, struct argp_option option,
                  const char *meaning, const char *fallback, struct sam_error *error)
{
    option.group = 1; /* of one group: argp keeps their order */
    option.doc = help_text(meaning, fallback, error);
    if (!option.doc)
        return -1;
    list[at] = option;
    return 0;
}

struct argp_option *sam_arguments_new(unsigned roles, const struct argp_option *more,
                                      struct sam_error *error)
{
    size_t count, used = 0;
    const struct sam_setting *table = sam_settings_table(&count);
    const size_t own = count_of(more);
    struct argp_option *list = sam_memory_new(count + own + 1, sizeof *list, error);
    int status = list ? 0 : -1;
    for (size_t i = 0; !status && i < count; i++) {
        if ((table[i].roles & roles) == roles)
            status = append(list, used++, from_setting(&table[i], i), table[i].meaning,
                            table[i].fallback, error);
    }
    for (size_t i = 0; !status && i < own; i++)
        status = append(list, used++, more[i], more[i].doc, NULL, error);
    if (!status)
        return list;
    sam_arguments_free(list);
    return NULL;
}

void sam_arguments_free(struct argp_option *options)
{
    for (struct argp_option *option = options; option && option->name; option++)
        free((char *)option->doc);
    free(options);
}

int sam_arguments_set(struct sam_settings *settings, int key, const char *argument,
                      struct sam_error *error)
{
    size_t count;
    sam_settings_table(&count);
    if (key < SAM_ARGUMENTS_KEY || key >= SAM_ARGUMENTS_KEY + (int)count)
        return 1;
    return sam_settings_set(settings, (size_t)(key - SAM_ARGUMENTS_KEY), argument, error);
}

int sam_arguments_environment(struct sam_settings *settings, struct sam_error *error)
{
    const char *kernels = getenv("SAM_KERNELS");
    if (!kernels || !*kernels || SAM_SETTINGS_GIVEN(settings, kernels))
        return 0;
    return sam_settings_set(settings, sam_settings_find("kernels"), kernels, error);
}
