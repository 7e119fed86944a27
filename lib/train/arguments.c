#include "train/arguments.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "nn/engine.h"

/* "meaning (default)". */
static char *help_text(const char *meaning, const char *fallback, struct sam_error *error)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s%s%s", meaning, fallback ? " (" : "", fallback ? fallback : "",
             fallback ? ")" : "");
    return sam_memory_string(text, error);
}

/* The help text has sections, each beginning with a setting of the table. */
static const struct section {
    const char *first, *heading;
} sections[] = {
    {"dataset", "Images:"},
    {"model", "Network:"},
    {"optimizer", "Optimizer:"},
    {"log", "Output:"},
};
enum { SECTIONS = sizeof sections / sizeof sections[0] };

/* The section that a setting is in, from 1. */
static int section_of(size_t index)
{
    int section = 0;
    while (section < SECTIONS && sam_settings_find(sections[section].first) <= index)
        section++;
    return section;
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
        .group = section_of(index),
    };
}

/* Appends an option with a help text of its own. */
static int append(struct argp_option *list, struct argp_option option, const char *meaning,
                  const char *fallback, struct sam_error *error)
{
    option.doc = help_text(meaning, fallback, error);
    if (!option.doc)
        return -1;
    while (list->doc)
        list++;
    *list = option;
    return 0;
}

/* Fills `list`, all zeros, which has room for all and an empty one. */
static int fill(struct argp_option *list, unsigned roles, const struct argp_option *more,
                struct sam_error *error)
{
    size_t count;
    const struct sam_setting *table = sam_settings_table(&count);
    for (int i = 0; i < SECTIONS; i++) {
        const struct argp_option heading = {.group = i + 1};
        if (append(list, heading, sections[i].heading, NULL, error))
            return -1;
    }
    for (size_t i = 0; i < count; i++) {
        if ((table[i].roles & roles) == roles &&
            append(list, from_setting(&table[i], i), table[i].meaning, table[i].fallback, error))
            return -1;
    }
    for (; more->name; more++) {
        struct argp_option option = *more;
        option.group = SECTIONS;
        if (append(list, option, more->doc, NULL, error))
            return -1;
    }
    return 0;
}

struct argp_option *sam_arguments_new(unsigned roles, const struct argp_option *more,
                                      struct sam_error *error)
{
    size_t count;
    sam_settings_table(&count);
    struct argp_option *list =
        sam_memory_new(SECTIONS + count + count_of(more) + 1, sizeof *list, error);
    if (list && fill(list, roles, more, error)) {
        sam_arguments_free(list);
        return NULL;
    }
    return list;
}

void sam_arguments_free(struct argp_option *options)
{
    for (struct argp_option *option = options; option && option->doc; option++)
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

int sam_arguments_kernels(struct sam_settings *settings, struct sam_error *error)
{
    const char *kernels = getenv("SAM_KERNELS");
    if (kernels && *kernels && !SAM_SETTINGS_GIVEN(settings, kernels) &&
        sam_settings_set(settings, sam_settings_find("kernels"), kernels, error))
        return -1;
    return sam_engine_check_kernels(settings->kernels, error);
}
